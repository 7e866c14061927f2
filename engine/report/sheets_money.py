"""The money sheets of a statement: months, year, adjustments, posting lines, and the picture's data.

In: clearing rows and posting lines of one hospital; out: sheets whose totals are sums of fen, made before a cell is
written. The year sheet shows every cause of the posting lines as a row, the pools side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from engine.report import causes
from engine.report.causes import SECTIONS, Section
from engine.report.closing import Account, account
from engine.report.figures import PoolRow, PostingLine, RunFigures
from engine.report.labels import POOLS, SCHEMES, TAGS, label
from engine.report.sheets_chart import ChartPlace, waterfall_steps
from engine.report.shown import month_text, ratio
from engine.report.workbook import Book, Cell, Column, Kind, Sheet

MONTH_COLUMNS = [
    Column("结算月", "Month", "text", 9),
    Column("险种", "Pool", "text", 10),
    Column("病例数", "Cases", "int"),
    Column("入组数", "Grouped", "int"),
    Column("入组率", "Grouped rate", "percent"),
    Column("低倍率", "Low", "int", 8),
    Column("高倍率", "High", "int", 8),
    Column("未入组", "Ungrouped", "int", 8),
    Column("总权重", "Total weight", "points", 13),
    Column("CMI", "CMI", "index"),
    Column("总点数", "Points", "points"),
    Column("点值", "Point value", "value", 10),
    Column("医疗总费用", "Total cost", "yuan"),
    Column("统筹记账", "Booked fund", "yuan"),
    Column("个人负担", "Borne by patients", "yuan"),
    Column("支付标准总额", "Standard", "yuan"),
    Column("应付基金", "Fund standard", "yuan"),
    Column("盈亏", "Surplus or loss", "yuan"),
    Column("基金差额", "Fund difference", "yuan"),
    Column("申报总额", "Applied for", "yuan"),
    Column("扣款", "Deducted", "yuan", 14),
    Column("质量保证金", "Quality deposit", "yuan", 15),
    Column("已预付", "Prepaid", "yuan"),
    Column("应拨付", "Payable", "yuan"),
    Column("实际拨付", "Cash paid", "yuan"),
]


def _name(figures: RunFigures, hospital: str) -> str:
    return f"{figures.facts.hospital(hospital).name}（{hospital}）　运行 {figures.facts.run_id}　单位：元 yuan"


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def month_sheet(book: Book, hospital: str, figures: RunFigures) -> None:
    """月度结算表: one row per pool and month, a subtotal per pool, a total. Points of two pools are never added."""
    page = Sheet(book, "月度结算表", pages=(2, 0))
    page.title(f"{figures.facts.year} 年月度结算表", _name(figures, hospital))
    rows = figures.months(hospital)
    page.table(MONTH_COLUMNS, (_month_cells(row.clr_ym, row.pool, [row]) for row in rows), freeze_columns=2)
    for pool in sorted({row.pool for row in rows}):
        page.add(_month_cells("小计", pool, [row for row in rows if row.pool == pool]), bold=True)
    page.add(_month_cells("合计", "", rows), bold=True)


def _month_cells(month: str, pool: str, rows: Sequence[PoolRow]) -> list[Cell]:
    cases, grouped = sum(row.cases for row in rows), sum(row.grouped for row in rows)
    weight, points = _sum(row.weight for row in rows), _sum(row.points for row in rows)
    value = rows[0].point_value if len(rows) == 1 else None
    amounts = [
        (row.cost_fen, row.booked_fen, row.cost_fen - row.booked_fen, row.standard_fen, row.fund_standard_fen,
         row.gap_fen, row.fund_gap_fen, row.applied_fen, row.deducted_fen, row.deposit_fen, row.prepaid_fen,
         row.payable_fen, row.cash_fen)
        for row in rows
    ]  # fmt: skip
    return [
        month_text(month),
        label(POOLS, pool).zh,
        cases,
        grouped,
        ratio(grouped, cases),
        sum(row.low for row in rows),
        sum(row.high for row in rows),
        sum(row.ungrouped for row in rows),
        _float(weight),
        ratio(weight, grouped) if weight is not None else None,
        _float(points) if pool else None,
        _float(value),
        *(sum(column) for column in zip(*amounts, strict=True)),
    ]


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def year_sheet(book: Book, hospital: str, figures: RunFigures) -> list[ChartPlace]:
    """年度清算表, or for a month 本月结算表: each cause a row, pools side by side, checks, pictures below."""
    facts = figures.facts
    year = facts.kind == "clear"
    page = Sheet(book, "年度清算表" if year else "本月结算表", landscape=False, pages=(1, 1))
    page.title(f"{facts.period} {page.sheet.get_name()}", _name(figures, hospital))
    pools = [row.pool for row in figures.head_rows if row.hospital == hospital]
    lines = [line for line in figures.lines if line.hospital == hospital and line.pool in pools]
    page.header(
        [
            Column("项目", "Item", "text", 32),
            Column("英文", "English", "text", 30),
            Column("依据", "Rule", "text", 26),
            Column("证据", "Evidence", "text", 11),
            *(Column(label(POOLS, pool).zh, label(POOLS, pool).en, "yuan", 18) for pool in pools),
            Column("合计", "Total", "yuan", 18),
        ],
        freeze_columns=1,
    )
    rows = _YearRows(page, pools)
    _overview(rows, hospital, figures)
    _cause_rows(rows, lines, year)
    money = {pool: account(line for line in lines if line.pool == pool) for pool in pools}
    if year:
        _check_rows(rows, hospital, figures, money)
    page.row += 1
    places = []
    for pool in pools:
        steps = waterfall_steps([line for line in lines if line.pool == pool], year)
        places.append(ChartPlace(page, page.row, pool, steps))
        page.row += 19
    return places


class _YearRows:
    """Writes rows of the year sheet: names, rule, tag, one cell per pool, their total."""

    def __init__(self, page: Sheet, pools: list[str]) -> None:
        self.page = page
        self.pools = pools

    def head(self, zh: str, en: str) -> None:
        style = self.page.book.format(bold=True, font_color="#1F4E79", top=1)
        for column in range(5 + len(self.pools)):
            self.page.sheet.write_blank(self.page.row, column, None, style)
        self.page.sheet.write_string(self.page.row, 0, zh, style)
        self.page.sheet.write_string(self.page.row, 1, en, style)
        self.page.row += 1

    def money(self, names: tuple[str, str], by_pool: dict[str, int], source: tuple[str, str] = ("", ""), *,
              bold: bool = False) -> None:  # fmt: skip
        cells = [by_pool.get(pool, 0) for pool in self.pools]
        self.page.add([*names, *source, *cells, sum(cells)], bold=bold)

    def other(self, names: tuple[str, str], cells: Sequence[float | None], kind: Kind) -> None:
        """A row that is no money: counts, rates, point values; the last cell is the total or empty."""
        page, style = self.page, self.page.book.cell_format(kind)
        text = page.book.cell_format("text")
        for column, word in enumerate((*names, "", "")):
            page.sheet.write_string(page.row, column, word, text)
        for column, value in enumerate(cells, start=4):
            if value is None:
                page.sheet.write_blank(page.row, column, None, style)
            else:
                page.sheet.write_number(page.row, column, value, style)
        page.row += 1


def _overview(out: _YearRows, hospital: str, figures: RunFigures) -> None:
    """概况: what the hospital treated and what it would have cost, as the clearing table states it."""
    rows = {row.pool: row for row in figures.head_rows if row.hospital == hospital}
    mine = [rows[pool] for pool in out.pools]
    out.head("概况", "Overview")
    for zh, en, counts in (
        ("病例数", "Cases", [row.cases for row in mine]),
        ("入组数", "Grouped", [row.grouped for row in mine]),
        ("低倍率病例", "Low outliers", [row.low for row in mine]),
        ("高倍率病例", "High outliers", [row.high for row in mine]),
    ):
        out.other((zh, en), [*counts, sum(counts)], "int")
    cases, grouped = sum(row.cases for row in mine), sum(row.grouped for row in mine)
    out.other(("入组率", "Grouped rate"), [*(ratio(row.grouped, row.cases) for row in mine), ratio(grouped, cases)],
              "percent")  # fmt: skip
    weight = _sum(row.weight for row in mine)
    cmi = [None if row.weight is None else ratio(row.weight, row.grouped) for row in mine]
    out.other(("CMI", "Case-mix index"), [*cmi, None if weight is None else ratio(weight, grouped)], "index")
    out.other(("费用消耗指数", "Cost index"), [*(_float(row.fee_index) for row in mine), None], "index")
    out.other(("时间消耗指数", "Time index"), [*(_float(row.time_index) for row in mine), None], "index")
    out.other(("总点数", "Points"), [*(_float(row.points) for row in mine), None], "points")
    for name in sorted({pot.name for pot in figures.facts.pots}):
        published = {pot.pool: pot.published_text for pot in figures.facts.pots if pot.name == name}
        values = [float(Decimal(published[pool])) if pool in published else None for pool in out.pools]
        out.other((f"点值（{label(SCHEMES, name).zh}）", f"Point value, {label(SCHEMES, name).en}"), [*values, None],
                  "value")  # fmt: skip
    for zh, en, field in (
        ("医疗总费用", "Total cost", "cost_fen"),
        ("统筹记账", "Booked fund", "booked_fen"),
        ("支付标准总额", "Standard", "standard_fen"),
        ("应付基金", "Fund standard", "fund_standard_fen"),
        ("盈亏（支付标准 − 总费用）", "Surplus or loss", "gap_fen"),
        ("基金差额（应付基金 − 统筹记账）", "Fund difference", "fund_gap_fen"),
    ):
        out.money((zh, en), {row.pool: getattr(row, field) for row in mine})


def _cause_rows(out: _YearRows, lines: list[PostingLine], year: bool) -> None:
    """Every cause once, by section, with the sums that follow from it."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rules: dict[str, set[str]] = defaultdict(set)
    tags: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        sums[line.cause][line.pool] += line.amount_fen
        rules[line.cause].add(line.rule)
        tags[line.cause].add(label(TAGS, line.tag).zh)
    running: dict[str, int] = defaultdict(int)
    results = {
        Section.ENTITLED: ("应得基金合计", "Entitled"),
        Section.CASH: ("应拨付（负数为应收回）", "Payable; negative: owed by the hospital"),
        Section.CARRY: ("实际拨付", "Cash paid"),
    }
    for part in Section if year else (Section.MONTH,):
        found = sorted((cause for cause in sums if causes.section(cause) is part), key=causes.order)
        out.head(*SECTIONS[part])
        if part is Section.MONTH:
            running.clear()
        for cause in found:
            source = ("、".join(sorted(rules[cause])), "、".join(sorted(tags[cause])))
            out.money(causes.names(cause), sums[cause], source)
            for pool, amount in sums[cause].items():
                running[pool] += amount
        out.money(results.get(part, ("月度实际拨付合计", "Cash paid by the months")), running, bold=True)


def _check_rows(out: _YearRows, hospital: str, figures: RunFigures, money: dict[str, Account]) -> None:
    """核对: the clearing table's own amounts and their distance to the lines, which is zero."""
    rows = {row.pool: row for row in figures.head_rows if row.hospital == hospital}
    payable = {pool: row.payable_fen for pool, row in rows.items()}
    cash = {pool: row.cash_fen for pool, row in rows.items()}
    out.head("核对", "Check against clearing.parquet")
    out.money(("清算文件：应拨付", "dfr_amt"), payable)
    out.money(("清算文件：实际拨付", "act_dfr_amt"), cash)
    out.money(
        ("差额（应为 0.00）", "Difference, 0.00"),
        {pool: abs(payable[pool] - money[pool].final_fen) + abs(cash[pool] - money[pool].cash_fen) for pool in rows},
        bold=True,
    )


ADJUSTMENT_COLUMNS = [
    Column("分录号", "Line", "int", 9),
    Column("期间", "Period", "text", 10),
    Column("险种", "Pool", "text", 10),
    Column("事项", "Cause", "text", 30),
    Column("英文", "English", "text", 34),
    Column("代码", "Code", "text", 26),
    Column("依据", "Rule", "text", 28),
    Column("证据", "Evidence tag", "text", 14),
    Column("金额", "Amount", "yuan", 20),
]


def adjustment_sheet(book: Book, hospital: str, figures: RunFigures) -> None:
    """扣款与调整: every line that is not simply the price of cases, so deductions, sharing, deposits and cash."""
    wanted = [line for line in figures.lines if line.hospital == hospital and causes.is_adjustment(line.cause)]
    _line_table(book, "扣款与调整", hospital, figures, wanted)


def line_sheet(book: Book, hospital: str, figures: RunFigures) -> None:
    """分录明细: every posting line of the hospital; their sum is all cash of the period."""
    _line_table(book, "分录明细", hospital, figures, [line for line in figures.lines if line.hospital == hospital])


def _line_table(book: Book, name: str, hospital: str, figures: RunFigures, lines: list[PostingLine]) -> None:
    page = Sheet(book, name)
    page.title(f"{figures.facts.period} {name}", _name(figures, hospital))
    page.table(ADJUSTMENT_COLUMNS, (_line_cells(line) for line in lines), freeze_columns=1)
    page.add([None, "合计", *[""] * 6, sum(line.amount_fen for line in lines)], bold=True)


def _line_cells(line: PostingLine) -> list[Cell]:
    names = causes.names(line.cause)
    tag = f"{line.tag} {label(TAGS, line.tag).zh}"
    return [line.line, line.period, label(POOLS, line.pool).zh, *names, line.cause, line.rule, tag, line.amount_fen]
