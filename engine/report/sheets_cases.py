"""The case sheets of a statement: by group, case by case, and what found no group or was rejected.

In: the cube, and for the case sheets the hospital's own rows; out: sheets with totals in fen. A length of stay or a
hospital code the run's tables do not carry leaves its columns out: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl

from engine.report.figures import RunFigures, joined_cases
from engine.report.groups import Compared, GroupTable, GroupTotals, consumption_index
from engine.report.labels import CLASSES, MEND, POOLS, STATUSES, label
from engine.report.shown import mean_fen, month_text, ratio
from engine.report.workbook import Book, Cell, Column, Sheet

GROUP_COLUMNS = [
    Column("病组编码", "Group", "text", 12),
    Column("病组名称", "Name", "text", 40),
    Column("病例数", "Cases", "int"),
    Column("低倍率", "Low", "int", 8),
    Column("高倍率", "High", "int", 8),
    Column("例均费用", "Mean cost", "yuan", 14),
    Column("区域例均费用", "Area mean cost", "yuan", 15),
    Column("费用消耗指数", "Cost index", "index", 14),
    Column("总点数", "Points", "points"),
    Column("总权重", "Weight", "points", 13),
    Column("总费用", "Total cost", "yuan"),
    Column("支付标准", "Standard", "yuan"),
    Column("盈亏", "Surplus or loss", "yuan"),
    Column("例均盈亏", "per case", "yuan", 14),
    Column("应付基金", "Fund standard", "yuan"),
    Column("统筹记账", "Booked fund", "yuan"),
    Column("基金差额", "Fund difference", "yuan"),
]
DAY_COLUMNS = [
    Column("平均住院日", "Mean stay", "index", 12),
    Column("区域平均住院日", "Area mean stay", "index", 15),
    Column("时间消耗指数", "Time index", "index", 14),
]


def group_sheet(book: Book, hospital: str, figures: RunFigures, groups: GroupTable) -> None:
    """病组明细: each group beside the area, largest loss first; the total row holds the hospital's indices."""
    page = Sheet(book, "病组明细", pages=(2, 0))
    page.title(
        f"{figures.facts.period} 病组明细",
        f"{figures.facts.hospital(hospital).name}　按盈亏由亏到盈排列　区域均值含本院、取本期全部病例　单位：元 yuan",
    )
    days = figures.has_days
    columns = GROUP_COLUMNS + (DAY_COLUMNS if days else [])
    mine = sorted(groups.by_hospital.get(hospital, ()), key=lambda group: (group.gap_fen, group.code))
    page.table(columns, (_group_cells(group, groups.area[group.code], days) for group in mine), freeze_columns=2)
    page.add(_group_total(mine, groups.area, days), bold=True)
    if not days:
        page.note("结果表未带住院天数，故无时间消耗指数 the run's tables hold no lengths of stay")


def _group_cells(own: GroupTotals, area: GroupTotals, days: bool) -> list[Cell]:
    own_mean, area_mean = mean_fen(own.cost_fen, own.cases), mean_fen(area.cost_fen, area.cases)
    cells: list[Cell] = [
        own.code or "（无）", own.name, own.cases, own.low, own.high, own_mean, area_mean,
        consumption_index([Compared(own.cases, own.cost_fen, area.cost_fen, area.cases)]) if own.grouped else None,
        *_money_cells(own.points, own.weight, own.cost_fen, own.standard_fen, own.gap_fen),
        mean_fen(own.gap_fen, own.cases), own.fund_standard_fen, own.booked_fen, own.fund_gap_fen,
    ]  # fmt: skip
    if days:
        cells += [ratio(own.days, own.cases), ratio(area.days, area.cases)]
        cells.append(consumption_index([Compared(own.cases, own.days, area.days, area.cases)]) if own.grouped else None)
    return cells


def _money_cells(points: Decimal, weight: Decimal, *fen: int) -> list[Cell]:
    return [float(points), float(weight), *fen]


def _group_total(mine: list[GroupTotals], area: dict[str, GroupTotals], days: bool) -> list[Cell]:
    cases, cost = sum(group.cases for group in mine), sum(group.cost_fen for group in mine)
    gap = sum(group.gap_fen for group in mine)
    known = [(group, area[group.code]) for group in mine if group.grouped]
    cells: list[Cell] = [
        "合计", "", cases, sum(group.low for group in mine), sum(group.high for group in mine),
        mean_fen(cost, cases), None,
        consumption_index(Compared(own.cases, own.cost_fen, all_.cost_fen, all_.cases) for own, all_ in known),
        *_money_cells(
            sum((group.points for group in mine), Decimal(0)), sum((group.weight for group in mine), Decimal(0)),
            cost, sum(group.standard_fen for group in mine), gap,
        ),
        mean_fen(gap, cases),
        *(sum(getattr(group, name) for group in mine) for name in ("fund_standard_fen", "booked_fen", "fund_gap_fen")),
    ]  # fmt: skip
    if days:
        stay = sum(group.days for group in mine)
        cells += [ratio(stay, cases), None]
        cells.append(consumption_index(Compared(own.cases, own.days, all_.days, all_.cases) for own, all_ in known))
    return cells


CASE_COLUMNS = [
    Column("结算编号", "Settlement id", "text", 22),
    Column("结算月", "Month", "text", 9),
    Column("险种", "Pool", "text", 10),
    Column("病组编码", "Group", "text", 11),
    Column("病组名称", "Name", "text", 32),
    Column("主要诊断", "Principal diagnosis", "text", 14),
    Column("主要手术", "Principal procedure", "text", 14),
    Column("病例类型", "Class", "text", 11),
    Column("费用倍率", "Cost ratio", "index"),
    Column("机构系数", "Coefficient", "index"),
    Column("结算点数", "Points", "points", 13),
    Column("总费用", "Total cost", "yuan", 15),
    Column("个人负担", "Patient", "yuan", 15),
    Column("统筹记账", "Booked fund", "yuan", 15),
    Column("支付标准", "Standard", "yuan", 15),
    Column("应付基金", "Fund standard", "yuan", 15),
    Column("盈亏", "Surplus or loss", "yuan", 15),
    Column("基金差额", "Fund difference", "yuan", 15),
    Column("判定依据", "Reason", "text", 36),
]
_CASE_FIELDS = (
    *("setl_id", "setl_ym", "insutype", "drg_code", "drg_name", "maindiag_code", "main_oprn_code", "class", "fee_mult"),
    *("medins_coef", "setl_pt", "medfee_sumamt", "psn_part_amt", "hifp_pay", "drg_dip_sumamt", "drg_dip_fund_payamt"),
    *("setl_dif_amt", "fund_dif_amt", "setl_rea"),
)


def case_sheet(book: Book, hospital: str, figures: RunFigures, rows_max: int) -> None:
    """病例明细: one row per case in the order of ids; the total covers all cases, also those past the cap."""
    cases, _ = joined_cases(figures.frames)
    mine = cases.filter(pl.col("fixmedins_code") == hospital).select(_CASE_FIELDS).collect().sort("setl_id")
    page = Sheet(book, "病例明细", pages=(2, 0))
    page.title(f"{figures.facts.period} 病例明细", f"{figures.facts.hospital(hospital).name}　单位：元 yuan")
    page.table(CASE_COLUMNS, (_case_cells(row) for row in mine.head(rows_max).iter_rows()), freeze_columns=1)
    sums = [int(mine[name].sum() or 0) for name in _CASE_FIELDS[11:18]]
    page.add(["合计", *[""] * 7, None, None, None, *sums, ""], bold=True)
    if mine.height > rows_max:
        page.note(
            f"本表列出前 {rows_max:,} 例，其余 {mine.height - rows_max:,} 例见 settled.parquet；合计含全部病例。"
            f" The first {rows_max:,} cases; the rest is in settled.parquet. Totals cover all."
        )


def _case_cells(row: tuple[Any, ...]) -> list[Cell]:
    text = [value or "" for value in row[:8]]
    text[1] = month_text(text[1])
    text[2], text[7] = label(POOLS, text[2]).zh, label(CLASSES, text[7]).zh
    return [*text, *(None if value is None else float(value) for value in row[8:11]), *row[11:18], row[18] or ""]


FAULT_COLUMNS = [
    Column("结算编号", "Settlement id", "text", 22),
    Column("结算月", "Month", "text", 9),
    Column("险种", "Pool", "text", 10),
    Column("状态", "Status", "text", 12),
    Column("原因代码", "Code", "text", 10),
    Column("原因", "Reason", "text", 38),
    Column("主要诊断", "Principal diagnosis", "text", 14),
    Column("主要手术", "Principal procedure", "text", 14),
    Column("总费用", "Total cost", "yuan", 15),
    Column("统筹记账", "Booked fund", "yuan", 15),
    Column("支付标准", "Standard", "yuan", 15),
    Column("如何更正", "What to mend", "text", 54),
]
REJECTED_COLUMNS = [
    Column("结算编号", "Settlement id"),
    Column("行号", "Row", "int"),
    Column("字段", "Field"),
    Column("代码", "Code"),
    Column("文件", "File"),
    Column("原因", "Reason"),
    Column("Reason", ""),
]
FAULT_ROWS_MAX = 20_000


def fault_sheet(book: Book, hospital: str, figures: RunFigures) -> None:
    """未入组与拒绝: cases that found no group, with what to mend; below them the rows that were rejected."""
    page = Sheet(book, "未入组与拒绝")
    page.title(f"{figures.facts.period} 未入组与拒绝", f"{figures.facts.hospital(hospital).name}　单位：元 yuan")
    mine = figures.ungrouped.filter(pl.col("fixmedins_code") == hospital)
    page.table(FAULT_COLUMNS, (_fault_cells(row) for row in mine.head(FAULT_ROWS_MAX).iter_rows()), freeze_columns=1)
    sums = [int(mine[name].sum() or 0) for name in ("medfee_sumamt", "hifp_pay", "drg_dip_sumamt")]
    page.add([f"合计 {mine.height:,} 例", *[""] * 7, *sums, ""], bold=True)
    if mine.height > FAULT_ROWS_MAX:
        page.note(f"只列前 {FAULT_ROWS_MAX:,} 例，其余见 grouped.parquet；合计含全部。 The rest is in grouped.parquet.")
    page.row += 1
    page.note("被拒绝的记录（不参加分组与结算，更正后可重新申报） Rejected rows")
    if figures.rejected is None:
        page.note("拒绝表未带机构代码，请按文件与行号查 rejected.parquet。 See rejected.parquet by file and row.")
        return
    refused = figures.rejected.filter(pl.col("fixmedins_code") == hospital)
    page.header(REJECTED_COLUMNS, main=False)
    for row in _rejected_rows(refused.head(FAULT_ROWS_MAX)):
        page.add(row)
    rest = "，其余见 rejected.parquet" if refused.height > FAULT_ROWS_MAX else ""
    page.note(f"共 {refused.height:,} 行 rows{rest}")


def _fault_cells(row: tuple[Any, ...]) -> list[Cell]:
    setl_id, _, month, pool, status, code, reason, diagnosis, procedure, *amounts = row
    texts = (setl_id, month_text(month or ""), label(POOLS, pool).zh, label(STATUSES, status or "").zh, code, reason)
    return [*(value or "" for value in (*texts, diagnosis, procedure)), *amounts, MEND.get(status, "")]


def _rejected_rows(refused: pl.DataFrame) -> Iterator[list[Cell]]:
    names = ("setl_id", "row", "field", "code", "file", "reason_zh", "reason_en")
    for setl_id, row, *texts in refused.select(names).iter_rows():
        yield [setl_id or "", row, *(text or "" for text in texts)]
