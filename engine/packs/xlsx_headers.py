"""Which column of a sheet is which 「表头」: header texts over one or several lines, and the columns a mapping names.

In: a sheet and the rows its header takes; out: header texts by column, and columns by header, or problems that list
what the sheet has. `[C]` names a column by its letter, for headers that stand twice or not at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.packs.errors import nearest
from engine.packs.xlsx_cells import Sheet, column_letters, column_number
from engine.packs.xlsx_errors import XlsxProblems
from engine.packs.xlsx_repair import word_key

_LETTERS = re.compile(r"\[([A-Z]{1,3})\]")
_SHOWN = 30
"""Headers listed in a message."""


@dataclass
class Headers:
    """The header of one table on one sheet."""

    sheet: Sheet
    rows: tuple[int, ...]
    texts: dict[int, str] = field(default_factory=dict)
    """Column → its header; lines of a header joined by `/`."""
    _lines: list[dict[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        anchors = self.sheet.anchors()
        for row in self.rows:
            self._lines.append({column: word_key(cell.text) for column, cell in self.sheet.rows.get(row, {}).items()})
        for column in range(1, self.sheet.width + 1):
            lines: list[str] = []
            for row in self.rows:
                at_row, at_column = anchors.get((row, column), (row, column))
                cell = self.sheet.rows.get(at_row, {}).get(at_column)
                text = " ".join(cell.text.split()) if cell is not None else ""
                if text and text not in lines[-1:]:
                    lines.append(text)
            if lines:
                self.texts[column] = "/".join(lines)

    def find(self, header: str, where: str, problems: XlsxProblems) -> int | None:
        """The column a mapping names, or None with a problem at the mapping's line."""
        if letters := _LETTERS.fullmatch(header):
            return column_number(letters[1])
        wanted = word_key(header)
        found = [column for column, text in self.texts.items() if word_key(text) == wanted]
        if len(found) == 1:
            return found[0]
        place = f"sheet {self.sheet.name!r} row {', '.join(map(str, self.rows))}"
        if found:
            named = ", ".join(f"[{column_letters(column)}]" for column in found)
            problems.add(
                "xlsx.column", where, f"header {header!r} stands {len(found)} times in {place}; write one of {named}."
            )
            return None
        listed = [f"[{column_letters(column)}] {text}" for column, text in self.texts.items()][:_SHOWN]
        hint = nearest(header, list(self.texts.values()))
        what = f"no header {header!r} in {place}.{hint} Headers there: {', '.join(listed) or 'none; check header_row'}."
        problems.add("xlsx.column", where, what)
        return None

    def repeated(self, row: int, columns: set[int]) -> bool:
        """Whether a row says a line of the header again, as lists printed over several pages do."""
        said = [
            (column, cell.text) for column, cell in self.sheet.rows[row].items() if column in columns and not cell.blank
        ]
        # all() stops at the first cell that differs, which in a row of data is the first cell.
        return bool(said) and any(
            all(line.get(column) == word_key(text) for column, text in said) for line in self._lines
        )
