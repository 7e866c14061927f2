"""The cover of a statement 「封面」: who, which period, under which rules, how much, and how to object.

In: the figures of a run and a hospital's code; out: the first sheet. Its amounts repeat those of the later sheets.
"""

from __future__ import annotations

from datetime import datetime, time

from engine.report.closing import Account, accounts
from engine.report.figures import RunFigures
from engine.report.labels import LEVELS, POOLS, label
from engine.report.workbook import Book, Cell, Column, Kind, Sheet

KIND_NAMES = {"clear": ("年度清算结算单", "Annual clearing"), "presettle": ("月度预结算单", "Monthly presettlement")}
OBJECTION = "如有异议，请在期限内向经办机构书面提出，并附病例号与理由。"


def cover_sheet(book: Book, hospital: str, figures: RunFigures, *, case_detail: bool) -> None:
    """封面: facts of the run, the pools' main amounts, objections, signatures."""
    facts = figures.facts
    named = facts.hospital(hospital)
    page = Sheet(book, "封面")
    page.title(
        f"{facts.area_name}　{named.name}　{facts.period}　{KIND_NAMES[facts.kind][0]}",
        f"{KIND_NAMES[facts.kind][1]}　单位：元（amounts in yuan）",
    )
    _amounts(page, hospital, figures)
    page.row += 1
    until = datetime.combine(facts.objection_until, time()) if facts.objection_until else None
    facts_rows: list[tuple[str, str, Cell, Kind]] = [
        ("医疗机构", "Hospital", named.name, "text"),
        ("机构代码", "Code", hospital, "text"),
        ("等级", "Level", label(LEVELS, named.level).zh, "text"),
        ("统筹区", "Pooling area", f"{facts.area_name}（{facts.area_code}）", "text"),
        ("结算期", "Period", facts.period, "text"),
        ("运行编号", "Run", facts.run_id, "text"),
        ("替代的运行", "Supersedes", facts.supersedes or "无 none", "text"),
        ("分组方案", "Rule packs", "；".join(facts.packs), "text"),
        ("结算办法", "Policy", facts.policy_version, "text"),
        ("软件版本", "Engine", facts.engine_version, "text"),
        ("结果印章", "Seal", facts.seal, "text"),
        ("申诉截止日", "Objections until", until or "以经办机构通知为准", "date" if until else "text"),
        ("申诉办法", "How to object", facts.objection_how or OBJECTION, "text"),
        ("病例明细", "Case detail", "见『病例明细』表" if case_detail else "未随本册提供，见 settled.parquet", "text"),
    ]
    for zh, en, value, kind in facts_rows:
        _fact(page, zh, en, value, kind)
    page.row += 1
    page.note("本册各合计均为分录与清算文件之和，逐分相等。 Totals are sums of posting lines and clearing rows.")
    if facts.open_values:
        keys = "、".join(f"{value.key}（{value.tag}）" for value in facts.open_values)
        page.note(f"以下参数未核实或为占位值，不得作为当地政策引用 Unverified or placeholder policy values: {keys}")
    page.row += 2
    _signatures(page)


def _fact(page: Sheet, zh: str, en: str, value: Cell, kind: Kind) -> None:
    book, row = page.book, page.row
    page.sheet.write_string(row, 0, zh, book.format(bold=True, bg_color="#E8EEF5", border=1, border_color="#C9D3DE"))
    page.sheet.write_string(row, 1, en, book.format(font_size=8, font_color="#5B6B7B"))
    style = book.format(num_format="yyyy-mm-dd" if kind == "date" else "@", align="left")
    if isinstance(value, datetime):
        page.sheet.write_datetime(row, 2, value, style)
    else:
        page.sheet.write_string(row, 2, str(value), style)
    page.sheet.set_row(row, 19)
    page.row += 1


def _amounts(page: Sheet, hospital: str, figures: RunFigures) -> None:
    """Control totals 「对账合计」 and the result, one line per pool and a total."""
    by_account = accounts(figures)
    columns = [
        Column("险种", "Pool", "text", 14),
        Column("病例数", "Cases", "int", 14),
        Column("医疗总费用", "Total cost", "yuan"),
        Column("统筹记账", "Booked fund", "yuan"),
        Column("应付基金", "Fund standard", "yuan"),
        Column("基金差额", "Difference", "yuan"),
    ]
    year = figures.facts.kind == "clear"
    if year:
        columns += [Column("应得基金", "Entitled", "yuan"), Column("已预付", "Prepaid", "yuan")]
    columns += [Column("应拨付", "Payable", "yuan"), Column("实际拨付", "Cash paid", "yuan")]
    page.header(columns)
    page.sheet.freeze_panes(0, 0)
    sums = [0] * (len(columns) - 1)
    for row in (row for row in figures.head_rows if row.hospital == hospital):
        money = by_account.get((hospital, row.pool), Account())
        values = [row.cases, row.cost_fen, row.booked_fen, row.fund_standard_fen, row.fund_gap_fen]
        values += [money.entitled_fen, money.prepaid_fen] if year else []
        values += [row.payable_fen, row.cash_fen]
        page.add([label(POOLS, row.pool).zh, *values])
        sums = [left + right for left, right in zip(sums, values, strict=True)]
    page.add(["合计", *sums], bold=True)


def _signatures(page: Sheet) -> None:
    line = page.book.format(bottom=1)
    for offset, text in ((0, "医疗机构（盖章）："), (4, "经办机构（盖章）：")):
        page.sheet.write_string(page.row, offset, text)
        page.sheet.write_blank(page.row, offset + 2, None, line)
    page.row += 2
    for offset in (0, 4):
        page.sheet.write_string(page.row, offset, "日期：")
        page.sheet.write_blank(page.row, offset + 2, None, line)
    page.row += 1
