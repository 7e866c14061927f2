"""The rows of a CSV table in one go, where nothing in it is unusual.

In: the lines of a file; out: header, rows and the line of each, or None where a row is blank, has another number of
cells than the header, or runs over several lines, or the text is no CSV: whoever asks goes row by row then, and tells
what is wrong and where.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable


def rows_at_once(lines: Iterable[str]) -> tuple[list[str], list[list[str]], list[int]] | None:
    """Header, rows and their lines (the header stands on line 1)."""
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        rows = list(reader)
    except csv.Error:
        return None
    if reader.line_num != len(rows) + 1 or any(len(cells) != len(header) for cells in rows) or not header:
        return None
    return header, rows, list(range(2, len(rows) + 2))
