"""A rule pack → a workbook a policy officer can review 「目录导出」, and the mapping that reads it back.

In: a pack folder; out: BOOK.xlsx with a cover and one sheet a table, and for a DIP pack BOOK.mapping.toml, under which
the import gives the same fingerprint. Numbers are numbers, as exact as a spreadsheet keeps them; codes and all other
text are text, whatever sign they begin with. A cell a workbook cannot hold stops the export; nothing is cut off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.packs.xlsx_cover import cover_sheet
from engine.packs.xlsx_errors import XlsxProblems, refuse
from engine.packs.xlsx_names import COLUMNS_ZH, TABLES_ZH, WORDS_ZH
from engine.packs.xlsx_source import ExportSource, ExportTable, read_source
from engine.packs.xlsx_values import EXACT_DIGITS, PLACES
from engine.packs.xlsx_write import toml_text
from engine.report.workbook import HEADER_ROW, Book, Column, Sheet, display_width

__all__ = ["Exported", "export_workbook"]

COVER = "封面"
CELL_MAX, ROWS_MAX = 32_767, 1_048_576 - HEADER_ROW - 2
"""What Excel holds: characters of a cell, rows of a sheet below the header lines."""
_FORMATS = {"int": "0", "fen": "#,##0.00", "e4": "#,##0.00##", "e6": "0.00####"}
_WIDTHS = (8, 48)
"""Narrowest and widest column, in characters."""
_LOOKED_AT = 2_000
"""Rows whose width decides that of a column."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written; `mapping` is None for a pack the import does not read (DRG)."""

    book: Path
    mapping: Path | None
    rows: dict[str, int]
    """By table, in the order of the sheets."""
    fingerprint: str


def export_workbook(pack: Path, book: Path) -> Exported:
    """Workbook and mapping of the pack in folder `pack`. Raises `PackError` if it does not load or does not fit."""
    mapping = book.with_suffix(".mapping.toml")
    if book.suffix.lower() != ".xlsx":
        raise refuse("xlsx.out", str(book), "give a name that ends in .xlsx.")
    for path in (book, mapping):
        if path.exists():
            raise refuse("xlsx.out", str(path), "stands there already; give another name, or move it away.")
    source = read_source(pack)
    _check_limits(source)
    book.parent.mkdir(parents=True, exist_ok=True)
    file = Book(book, title=f"{source.meta.id} {source.meta.version}", footer=f"{source.meta.id} {source.meta.version}")
    cover_sheet(file, COVER, source)
    for table in source.tables:
        _table_sheet(file, table, source)
    file.close()
    if source.header is not None:
        mapping.write_text(_mapping(source), encoding="utf-8", newline="\n")
    rows = {table.stem: table.height for table in source.tables}
    return Exported(book, mapping if source.header is not None else None, rows, source.fingerprint)


def _check_limits(source: ExportSource) -> None:
    """Everything the workbook could not hold, told at once."""
    problems = XlsxProblems(source.meta.id)
    for table in source.tables:
        if table.height > ROWS_MAX:
            problems.add("xlsx.limit", table.file, f"{table.height:,} rows; a sheet holds {ROWS_MAX:,}.")
        for name, kind, _ in table.columns:
            if kind not in PLACES:
                for row, value in enumerate(table.cells[name]):
                    if isinstance(value, str) and (what := _does_not_fit(value)):
                        problems.add("xlsx.limit", table.at(row, name), what)
        for row in range(table.height):
            if all(
                value is None or not str(value).strip() for value in (table.cells[n][row] for n, _, _ in table.columns)
            ):
                problems.add("xlsx.limit", table.at(row, ""), "the whole row is empty; remove it.")
    problems.raise_if_any()


def _does_not_fit(text: str) -> str:
    if len(text) > CELL_MAX:
        return f"{len(text):,} characters; a cell holds {CELL_MAX:,}. Put the codes into code_list and name it by @."
    return "holds a carriage return, which no CSV table keeps; remove it." if "\r" in text else ""


def _table_sheet(book: Book, table: ExportTable, source: ExportSource) -> None:
    """Title, both header lines (Chinese, then the pack's own names), rows with a filter."""
    page = Sheet(book, TABLES_ZH[table.stem])
    page.title(
        f"{TABLES_ZH[table.stem]}　{table.height:,} 行",
        f"{source.meta.id} {source.meta.version}　{table.file}　第二行表头为方案列名",
    )
    values = {name: [_shown(value, kind) for value in table.cells[name]] for name, kind, _ in table.columns}
    columns = [Column(COLUMNS_ZH[name], name, "text", _width(name, values[name])) for name, _, _ in table.columns]
    page.header(columns, freeze_columns=2 if table.stem == "group" else 1)
    first = page.row
    for place, (name, kind, _) in enumerate(table.columns):
        text_style = book.cell_format("text")
        number_style = book.cell_format("int", num_format=_FORMATS.get(kind, "@"))
        for row, value in enumerate(values[name], start=first):
            if value is None:
                page.sheet.write_blank(row, place, None, text_style)
            elif isinstance(value, str):
                page.sheet.write_string(row, place, value, text_style)
            else:
                page.sheet.write_number(row, place, value, number_style)
    if table.height:
        page.sheet.autofilter(first - 1, 0, first + table.height - 1, len(columns) - 1)


def _shown(value: Any, kind: str) -> str | Decimal | None:
    """A cell of the pack as the officer sees it: 是/否, Chinese words, decimals. Too long a number stays text."""
    if value is None:
        return None
    if kind == "bool":
        return "是" if value else "否"
    if kind in PLACES:
        number = Decimal(value).scaleb(-PLACES[kind])
        return number if len(str(abs(value))) <= EXACT_DIGITS else format(number, "f")
    return WORDS_ZH.get(value, value) if kind == "enum" else str(value)


def _width(name: str, cells: Sequence[str | Decimal | None]) -> float:
    widest = max((display_width(str(cell)) for cell in cells[:_LOOKED_AT] if cell is not None), default=0)
    low, high = _WIDTHS
    return max(low, display_width(name) + 2, min(high, widest + 3))


def _mapping(source: ExportSource) -> str:
    """The mapping file under which the import reads this workbook back, cell for cell."""
    return "\n".join(_mapping_lines(source)) + "\n"


def _mapping_lines(source: ExportSource) -> Iterator[str]:
    assert source.header is not None
    yield f"# 读回所导出的工作簿 reads the exported workbook back: {source.meta.id} {source.meta.version}"
    yield f"# sha256 {source.fingerprint}"
    yield "verbatim = true"
    yield f'leave = ["{COVER}"]'
    text = source.header
    if (
        "'''" in text
        or text.endswith("'")
        or any((ord(sign) < 32 and sign not in "\n\t") or sign == "\x7f" for sign in text)
    ):
        yield f"header = {toml_text(text)}"
    else:
        yield f"header = '''\n{text}'''"
    for table in source.tables:
        yield "\n[[sheet]]"
        yield f"name = {toml_text(TABLES_ZH[table.stem])}"
        yield f'table = "{table.stem}"'
        yield f"header_row = {HEADER_ROW + 2}"
        yield "[sheet.columns]"
        for name, _, _ in table.columns:
            yield f'{name} = "{name}"'
