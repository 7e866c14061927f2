"""What one cell says, looked at alone 「单个取值」.

In: the text of a cell; out: the number, day or code it means, None where nobody can tell. The readers of columns ask
here about the few cells that are written unusually, the counter about every cell of its one record. Needs no frames.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

FULL_WIDTH = {0x3000: " ", 0xA0: " "} | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
NOTHING = frozenset({"", "NULL", "null", r"\N"})
"""How database exports write a value that is not there."""
UNTIDY = r"[^ -~]|^ | $|\.0$|^(NULL|null|\\N)?$"
"""Text that may have to be mended; any other than visible ASCII is looked at closely."""
_DURATION = re.compile(r"\d{1,4}/\d{1,4}/\d{1,4}(\+\d{1,4}/\d{1,4}/\d{1,4})*")
_NUMBER = re.compile(r"[+-]?\d{1,10}(\.\d*)?")
_SERIAL_DAY_0 = date(1899, 12, 30)
_SERIALS = range(20_000, 80_000)
"""Spreadsheet day numbers of 1954 to 2119; five digits, so never a date written without separators."""


def one_int(cell: str, whole: bool, words: Mapping[str, str]) -> int | None:
    if cell in words:
        return int(words[cell])
    if _DURATION.fullmatch(cell):
        parts = [tuple(map(int, part.split("/"))) for part in cell.split("+")]
        return sum(1440 * days + 60 * hours + minutes for days, hours, minutes in parts) // 60
    if not _NUMBER.fullmatch(cell):
        return None
    units, _, fraction = cell.partition(".")
    if fraction.strip("0") and whole:
        return None
    number = int(units) - (1 if fraction.strip("0") and units.startswith("-") else 0)
    return number if abs(number) < 2**31 else None


def one_date(cell: str) -> date | None:
    if match := re.fullmatch(r"(\d{5})(\.\d+)?", cell):
        return _SERIAL_DAY_0 + timedelta(days=int(match[1])) if int(match[1]) in _SERIALS else None
    match = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", cell) or re.fullmatch(
        r"(\d{4})(\d{2})(\d{2})(?:\d{6})?", cell
    )
    if match is None:
        return None
    try:
        return date(*map(int, match.groups()[:3]))
    except ValueError:
        return None


def repaired_code(code: str) -> str:
    """A code as the tables write it: no blanks, half-width, upper case, the extension marker a lower-case x.

    `e11.501+i79.2*` → `E11.501+I79.2*`, `A00.000X001` → `A00.000x001`, `I10.X00` → `I10.x00`. Zeros are never touched.
    """
    plain = re.sub(r"\s+", "", code.translate(FULL_WIDTH)).upper()
    return re.sub(r"(?<=[0-9.])X(?=[0-9])", "x", plain)
