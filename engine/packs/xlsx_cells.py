"""A sheet as it stands in the workbook 「工作表」: every filled cell at its place, merged areas, hidden rows.

In: nothing; out: plain records that `xlsx_file` fills and the import walks. Rows and columns are counted from 1, as a
person reads them. A number carries the decimal a person sees, not the double behind it. It judges no cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

TEXT, NUMBER, DATE, BOOL, ERROR = "text", "number", "date", "bool", "error"


class Cell(NamedTuple):
    """One filled cell. kind: TEXT, NUMBER (text is its shortest decimal), DATE (ISO), BOOL (1 or 0), ERROR (#N/A …)."""

    kind: str
    text: str

    @property
    def blank(self) -> bool:
        """Only blanks: what a formula or a person leaves behind; it says nothing."""
        return self.kind == TEXT and not self.text.strip()


class Area(NamedTuple):
    """A merged range, both corners inside."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class Sheet:
    """One worksheet."""

    name: str
    hidden: bool = False
    rows: dict[int, dict[int, Cell]] = field(default_factory=dict)
    merged: list[Area] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)

    def filled_rows(self) -> list[int]:
        """Rows that say something, from the top."""
        return sorted(row for row, cells in self.rows.items() if any(not cell.blank for cell in cells.values()))

    @property
    def width(self) -> int:
        return max((column for cells in self.rows.values() for column in cells), default=0)

    @property
    def height(self) -> int:
        return max(self.rows, default=0)

    def anchors(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Covered place of a merged area → the place that holds its value, as far as the sheet is used."""
        found: dict[tuple[int, int], tuple[int, int]] = {}
        height, width = self.height, self.width
        for area in self.merged:
            for row in range(area.top, min(area.bottom, height) + 1):
                for column in range(area.left, min(area.right, width) + 1):
                    if (row, column) != (area.top, area.left):
                        found[row, column] = (area.top, area.left)
        return found

    def titles(self) -> set[int]:
        """Rows whose only content is one value merged over several columns: a heading inside the table."""
        wide = {(area.top, area.left) for area in self.merged if area.right > area.left and area.bottom == area.top}
        return {row for row, column in wide if self._filled(row) == [column]}

    def _filled(self, row: int) -> list[int]:
        return [column for column, cell in self.rows.get(row, {}).items() if not cell.blank]


def column_letters(column: int) -> str:
    """1 → A, 27 → AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """A → 1, AA → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def places(rows: list[int]) -> str:
    """Row numbers for a person, runs drawn together: `1–4, 9`."""
    return ", ".join(f"{low}–{high}" if high > low else str(low) for low, high in _runs(rows))


def _runs(rows: list[int]) -> Iterator[tuple[int, int]]:
    start = last = None
    for row in rows:
        if last is not None and start is not None and row == last + 1:
            last = row
            continue
        if start is not None and last is not None:
            yield start, last
        start = last = row
    if start is not None and last is not None:
        yield start, last
