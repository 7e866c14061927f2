"""What an import did with every row of a workbook 「导入报告」: placed, repaired, reported, each with its place.

In: counts and places collected while sheets are read; out: one record that balances, and lines for a person.
Every filled row of every sheet is either placed in a table or reported with a reason. A reported row is a *fault* if
it looks like data and could not be placed; titles, headers and rows the mapping leaves out are none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.packs.xlsx_cells import column_letters, places
from engine.packs.xlsx_repair import REPAIRS

HARMLESS = {
    "row.header": ("表头", "header"),
    "row.title": ("小标题", "headings inside the table"),
    "row.left_out": ("映射注明略过", "left out as the mapping says"),
    "row.unmapped": ("只有未使用的列有内容", "filled in unused columns only"),
    "row.above": ("数据首行之上", "above the data"),
    "row.beyond": ("数据末行之下", "below the data"),
    "sheet.unused": ("工作表未使用", "sheet not used"),
}
"""Reasons that are no fault: no row of a table, or the mapping leaves it. The most telling first."""


class Reported(NamedTuple):
    """A row that was not placed. `column` and `header` name the cell at fault, if one is."""

    sheet: str
    row: int
    kind: str
    column: int | None
    header: str
    zh: str
    en: str

    @property
    def cell(self) -> str:
        return f"{self.sheet}!{column_letters(self.column)}{self.row}" if self.column else f"{self.sheet}!{self.row}"

    @property
    def is_fault(self) -> bool:
        return self.kind not in HARMLESS


class Repaired(NamedTuple):
    """A cell that was mended, with what stood there and what stands in the table."""

    sheet: str
    row: int
    column: int
    header: str
    kind: str
    before: str
    after: str


class Unused(NamedTuple):
    """A sheet (column None) or a column of a sheet that nothing reads; `known`: the mapping says so itself."""

    sheet: str
    column: int | None
    header: str
    filled: int
    hidden: bool
    known: bool


class UnknownValue(NamedTuple):
    """A value of a closed list that neither schema nor mapping knows."""

    sheet: str
    column: str
    word: str


@dataclass
class SheetCount:
    """One sheet: filled rows = rows placed + rows reported. `made`: rows of each table that came of them."""

    filled: int
    placed: set[int] = field(default_factory=set)
    reported: set[int] = field(default_factory=set)
    made: Counter[str] = field(default_factory=Counter)
    hidden_read: list[int] = field(default_factory=list)

    def settle(self, rows: list[int]) -> None:
        """A row placed in one table and refused by another counts as placed; the refusal stays in the report."""
        self.reported -= self.placed
        assert self.placed | self.reported == set(rows) and len(rows) == self.filled, "a row is neither placed nor told"
        assert not self.placed & self.reported, "a row is counted twice"


@dataclass
class ImportReport:
    """The whole import."""

    book: str
    sheets: dict[str, SheetCount] = field(default_factory=dict)
    unused: list[Unused] = field(default_factory=list)
    reported: list[Reported] = field(default_factory=list)
    repaired: list[Repaired] = field(default_factory=list)
    unknown: dict[UnknownValue, list[int]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(sheet.filled for sheet in self.sheets.values())

    @property
    def rows_placed(self) -> int:
        return sum(len(sheet.placed) for sheet in self.sheets.values())

    @property
    def rows_reported(self) -> int:
        return sum(len(sheet.reported) for sheet in self.sheets.values())

    def settle(self) -> None:
        """A sheet read for two tables tells a row twice: a row is no data only if no table placed or refused it."""
        told: dict[tuple[str, int], Reported] = {}
        taken = {(row.sheet, row.row) for row in self.reported if row.is_fault}
        rank = {kind: place for place, kind in enumerate(HARMLESS)}
        for row in self.reported:
            place = (row.sheet, row.row)
            if row.is_fault or place in taken or row.row in self.sheets[row.sheet].placed:
                continue
            if place not in told or rank[row.kind] < rank[told[place].kind]:
                told[place] = row
        self.reported = [row for row in self.reported if row.is_fault or told.get((row.sheet, row.row)) is row]

    @property
    def faults(self) -> list[Reported]:
        return [row for row in self.reported if row.is_fault]


def report_lines(report: ImportReport, lang: str, items: int = 5) -> list[str]:
    """The report for the console: the balance, then what was left out, mended, not known; `items` examples each."""
    return list(_lines(report, lang == "zh", items))


def _lines(report: ImportReport, zh: bool, items: int) -> Iterator[str]:
    total, placed, left = report.rows, report.rows_placed, report.rows_reported
    yield (
        f"{report.book}：有内容的行 {total:,} = 放入 {placed:,} + 报告 {left:,}"
        if zh
        else f"{report.book}: filled rows {total:,} = placed {placed:,} + reported {left:,}"
    )
    for name, count in report.sheets.items():
        made = "，".join(f"{table} {rows:,}" for table, rows in sorted(count.made.items()))
        here, told = len(count.placed), len(count.reported)
        yield (
            f"  {name}：{count.filled:,} = {here:,} + {told:,}" + (f" → {made}" if made else "")
            if zh
            else f"  {name}: {count.filled:,} = {here:,} + {told:,}"
            + (f" → {made.replace('，', ', ')}" if made else "")
        )
        if count.hidden_read:
            shown = places(count.hidden_read)
            yield f"    其中隐藏的行也已读取：{shown}" if zh else f"    hidden rows were read too: {shown}"
    yield from _unused_lines(report, zh)
    yield from _reported_lines(report, zh, items)
    for value, rows in report.unknown.items():
        times, first = len(rows), rows[0]
        yield (
            f"不认识的值 {value.sheet} {value.column}“{value.word}”：{times:,} 行，首见第 {first} 行"
            if zh
            else f"unknown value {value.sheet} {value.column} {value.word!r}: {times:,} rows, first in row {first}"
        )
    yield from _repaired_lines(report, zh, items)


def _unused_lines(report: ImportReport, zh: bool) -> Iterator[str]:
    for one in report.unused:
        said = ("（映射注明）" if zh else " (as the mapping says)") if one.known else ""
        hidden = ("（隐藏）" if zh else " (hidden)") if one.hidden else ""
        if one.column is None:
            yield (
                f"未使用的工作表 {one.sheet}{hidden}{said}：{one.filled:,} 行"
                if zh
                else f"sheet not used: {one.sheet}{hidden}{said}: {one.filled:,} rows"
            )
        else:
            place = f"{one.sheet} {column_letters(one.column)}"
            yield (
                f"未使用的列 {place}“{one.header}”{said}：{one.filled:,} 格"
                if zh
                else f"column not used: {place} {one.header!r}{said}: {one.filled:,} cells"
            )


def _reported_lines(report: ImportReport, zh: bool, items: int) -> Iterator[str]:
    """Faults one by one, up to `items` a kind; rows that are no data by sheet, with all their numbers."""
    kinds: dict[str, list[Reported]] = {}
    for row in report.reported:
        kinds.setdefault(row.kind, []).append(row)
    for kind in sorted(kinds.keys() - {*HARMLESS}):
        rows = kinds[kind]
        yield f"未能放入的行 [{kind}] {len(rows):,}" if zh else f"rows not placed [{kind}] {len(rows):,}"
        for row in rows[:items]:
            column = (f"（{row.header}）" if zh else f" ({row.header})") if row.header else ""
            yield f"  {row.cell}{column}: {row.zh if zh else row.en}"
        if len(rows) > items:
            yield f"  …（另有 {len(rows) - items:,} 行）" if zh else f"  … and {len(rows) - items:,} more"
    for kind, (name_zh, name_en) in HARMLESS.items():
        if kind == "sheet.unused":
            continue
        for sheet in report.sheets:
            if found := [row.row for row in kinds.get(kind, ()) if row.sheet == sheet]:
                yield f"{name_zh if zh else name_en} {sheet}: {places(found)}"


def _repaired_lines(report: ImportReport, zh: bool, items: int) -> Iterator[str]:
    kinds: dict[str, list[Repaired]] = {}
    for cell in report.repaired:
        kinds.setdefault(cell.kind, []).append(cell)
    for kind, cells in kinds.items():
        title = REPAIRS[kind][0 if zh else 1]
        yield f"已修正的单元格 {title}：{len(cells):,}" if zh else f"cells repaired, {title}: {len(cells):,}"
        for cell in cells[: max(1, items // 2)]:
            yield f"  {cell.sheet}!{column_letters(cell.column)}{cell.row}: {cell.before!r} → {cell.after!r}"
