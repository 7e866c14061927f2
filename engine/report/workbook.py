"""A spreadsheet with the habits a finance office expects, on top of xlsxwriter.

In: columns with a kind, rows of plain values (fen for money); out: a sheet with a title, a Chinese header line over
a small English one, frozen panes, filters, A4 print set-up and number formats. Text is always written as text, so
nothing in a name can become a formula or a link; the file holds a fixed date, so equal input gives equal bytes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import xlsxwriter

from engine.report.shown import yuan_cell

Kind = Literal["text", "int", "yuan", "points", "value", "index", "percent", "date"]
Cell = str | int | float | Decimal | datetime | None
FIXED_DATE = datetime(2000, 1, 1)
"""Creation date of every workbook. The real date is on the cover, where it is part of the run."""

NUMBER_FORMATS: dict[Kind, str] = {
    "text": "@",
    "int": "#,##0",
    "yuan": "#,##0.00;[Red]-#,##0.00",
    "points": "#,##0.0000",
    "value": "#,##0.0000",
    "index": "0.0000",
    "percent": "0.00%",
    "date": "yyyy-mm-dd",
}
WIDTHS: dict[Kind, float] = {
    "text": 12, "int": 9, "yuan": 17, "points": 16, "value": 12, "index": 11, "percent": 10, "date": 12
}  # fmt: skip
FONT = {"font_name": "Microsoft YaHei", "font_size": 10}
INK, ACCENT, PALE, RULE, MUTED = "#1B2733", "#1F4E79", "#E8EEF5", "#C9D3DE", "#5B6B7B"
HEADER_ROW = 3
"""Rows of every table sheet, 0-based: 0 title, 1 what it shows, 2 empty, 3 and 4 headers, data from 5."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: names, kind, width in characters (None: by kind)."""

    zh: str
    en: str
    kind: Kind = "text"
    width: float | None = None


NOTE_COLUMNS, NOTE_WIDTH = 8, 120
"""Columns a wrapped remark spans, and the characters of a small font that fit in one of its lines."""


def display_width(text: str) -> int:
    """Columns a text takes in a monospaced view: Chinese characters count two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


class Book:
    """One workbook and its formats."""

    def __init__(self, path: Path, *, title: str, footer: str, row_by_row: bool = False) -> None:
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        # The parts of a small book are made in memory: a temporary file for each costs as much as writing them.
        kept = {"constant_memory": row_by_row, "in_memory": not row_by_row}
        self.file = xlsxwriter.Workbook(str(path), {**options, **kept})
        self.file.set_properties({"title": title, "created": FIXED_DATE})
        self.footer = footer
        self._formats: dict[tuple[tuple[str, object], ...], Any] = {}

    def format(self, **properties: object) -> Any:
        """A cell format; equal properties share one."""
        key = tuple(sorted({**FONT, "font_color": INK, "valign": "vcenter", **properties}.items()))
        if key not in self._formats:
            self._formats[key] = self.file.add_format(dict(key))
        return self._formats[key]

    def cell_format(self, kind: Kind, **properties: object) -> Any:
        align = {"text": "left", "date": "center"}.get(kind, "right")
        base = {"num_format": NUMBER_FORMATS[kind], "align": align, "bottom": 4, "bottom_color": RULE}
        if kind == "text":
            base["indent"] = 1
        return self.format(**{**base, **properties})

    def close(self) -> None:
        self.file.close()


class Sheet:
    """One worksheet, written strictly from top to bottom. `pages`: A4 pages wide and high, 0 as many as needed."""

    def __init__(self, book: Book, name: str, *, landscape: bool = True, pages: tuple[int, int] = (1, 0)) -> None:
        self.book = book
        self.sheet = book.file.add_worksheet(name)
        self.row = 0
        self._writers: list[Callable[[int, Cell, Any], None]] = []
        self._kinds: list[Kind] = []
        self._plain: list[Any] = []
        self._bold: list[Any] = []
        self.sheet.hide_gridlines(2)
        self.sheet.set_paper(9)
        if landscape:
            self.sheet.set_landscape()
        self.sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        self.sheet.fit_to_pages(*pages)
        # The blank ends the font size: a run id may begin with a digit.
        self.sheet.set_footer(f"&L&8 {book.footer.replace('&', '&&')}&R&8 &A　第 &P 页 / 共 &N 页")

    def title(self, text: str, note: str) -> None:
        """Title line and the line under it that says what is shown and in which unit."""
        self.sheet.set_row(0, 24)
        self.sheet.write_string(0, 0, text, self.book.format(bold=True, font_size=14, font_color=ACCENT))
        self.sheet.write_string(1, 0, note, self.book.format(font_color=MUTED, font_size=9))
        self.row = HEADER_ROW

    def header(self, columns: Sequence[Column], *, freeze_columns: int = 0, main: bool = True) -> None:
        """Both header lines; the main table of a sheet also freezes and repeats them and sets the widths."""
        frame: dict[str, object] = {"align": "center", "text_wrap": True, "border": 1, "border_color": RULE}
        top = self.book.format(bold=True, bg_color=ACCENT, font_color="#FFFFFF", **frame)
        low = self.book.format(font_size=8, bg_color=PALE, font_color=MUTED, **frame)
        self.sheet.set_row(self.row, 22)
        self.sheet.set_row(self.row + 1, 24)
        for index, column in enumerate(columns):
            if main:
                needed = max(column.width or WIDTHS[column.kind], display_width(column.zh) + 3)
                self.sheet.set_column(index, index, needed)
            self.sheet.write_string(self.row, index, column.zh, top)
        for index, column in enumerate(columns):
            self.sheet.write_string(self.row + 1, index, column.en, low)
        if main:
            self.sheet.freeze_panes(self.row + 2, freeze_columns)
            self.sheet.repeat_rows(self.row, self.row + 1)
            if freeze_columns:
                self.sheet.repeat_columns(0, freeze_columns - 1)
        self.row += 2
        self._kinds = [column.kind for column in columns]
        self._writers = [self._writer(index, column.kind) for index, column in enumerate(columns)]
        self._plain = [self.book.cell_format(kind) for kind in self._kinds]
        strong: dict[str, object] = {"bold": True, "bg_color": PALE, "top": 1, "top_color": ACCENT}
        self._bold = [self.book.cell_format(kind, **strong) for kind in self._kinds]

    def _writer(self, column: int, kind: Kind) -> Callable[[int, Cell, Any], None]:
        sheet = self.sheet

        def text(row: int, value: Cell, style: Any) -> None:
            sheet.write_string(row, column, str(value), style)

        def number(row: int, value: Cell, style: Any) -> None:
            sheet.write_number(row, column, value, style)

        def yuan(row: int, value: Cell, style: Any) -> None:
            if not isinstance(value, int):
                raise TypeError(f"money must arrive as whole fen, not {value!r}")
            sheet.write_number(row, column, yuan_cell(value), style)

        def day(row: int, value: Cell, style: Any) -> None:
            sheet.write_datetime(row, column, value, style)

        return {"text": text, "yuan": yuan, "date": day}.get(kind, number)

    def add(self, values: Sequence[Cell], *, bold: bool = False) -> None:
        """One row under the current header; None stays an empty cell."""
        row, styles = self.row, self._bold if bold else self._plain
        for column, value in enumerate(values):
            if value is None:
                self.sheet.write_blank(row, column, None, styles[column])
            else:
                self._writers[column](row, value, styles[column])
        self.row = row + 1

    def formula(self, column: int, text: str, cached: float, style: Any, row: int | None = None) -> None:
        """A live formula made here, never from data, with the value a program shows before it calculates."""
        self.sheet.write_formula(self.row if row is None else row, column, text, style, cached)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, freeze_columns: int = 0) -> int:
        """The sheet's main table with a filter on it; returns the number of rows."""
        self.header(columns, freeze_columns=freeze_columns)
        first = self.row
        for values in rows:
            self.add(values)
        if self.row > first:
            self.sheet.autofilter(first - 1, 0, self.row - 1, len(columns) - 1)
        return self.row - first

    def note(self, text: str) -> None:
        """A remark below the table; a long one is wrapped over NOTE_COLUMNS, or the page would shrink to fit it."""
        style = {"font_color": MUTED, "font_size": 9}
        lines = -(-display_width(text) // NOTE_WIDTH)
        if lines > 1:
            wrapped = self.book.format(**style, text_wrap=True, valign="top")
            self.sheet.merge_range(self.row, 0, self.row, NOTE_COLUMNS - 1, text, wrapped)
            self.sheet.set_row(self.row, 13 * lines + 2)
        else:
            self.sheet.write_string(self.row, 0, text, self.book.format(**style))
        self.row += 1
