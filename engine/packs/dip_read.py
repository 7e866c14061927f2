"""The tables of a DIP pack folder as typed columns, CSV or Parquet alike.

In: a folder; out: `DipTable` per stem, every cell a value of its column's type or None, with the line of each row.
Checks what can be said of a table alone: known, readable, the right columns, the right types, allowed words, no empty
cell where one is needed. Decimal text becomes a whole number here and nowhere else; a code stays as it is written.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.packs.dip_errors import DipProblems
from engine.packs.dip_schema import REQUIRED, TABLES, Column
from engine.packs.errors import nearest
from engine.packs.plain_csv import rows_at_once

_DECIMAL = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,12}))?")
_INTEGER = re.compile(r"-?[0-9]{1,10}")
_I32_MAX = 2**31 - 1
_SHORT = 12
"""A number as short as this has no part that is too long."""
_SCALES = {"e4": 4, "e6": 6, "fen": 2}
_SHOWN = 5
"""Faulty cells reported per column: enough to see the pattern."""


@dataclass
class DipTable:
    """One table: columns by name, all of `height` cells; `lines` is None when rows are counted (Parquet)."""

    stem: str
    file: str
    columns: dict[str, list[Any]] = field(default_factory=dict)
    height: int = 0
    lines: Sequence[int] | None = None

    def at(self, row: int, column: str = "") -> str:
        """Where a row (0-based) stands: `group.csv:12`, with the column where one is meant."""
        place = f"{self.file}:{self.lines[row]}" if self.lines is not None else f"{self.file} row {row + 1}"
        return f"{place} {column}" if column else place

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as column → value; absent columns read None."""
        names = [column.name for column in TABLES[self.stem]]
        columns = [self.columns.get(name) or [None] * self.height for name in names]
        for cells in zip(*columns, strict=True):
            yield dict(zip(names, cells, strict=True))


def read_tables(folder: Path, problems: DipProblems) -> dict[str, DipTable]:
    """Every table of the folder that could be read; what could not is in `problems`."""
    tables: dict[str, DipTable] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".csv", ".parquet"):
            continue
        if path.stem not in TABLES:
            hint = nearest(path.stem, list(TABLES))
            problems.add("file.unknown", path.name, f"no such table.{hint} Allowed: {', '.join(TABLES)}.")
        elif path.suffix == ".parquet" and path.with_suffix(".csv").exists():
            problems.add("table.twice", path.name, f"{path.stem}.csv stands beside it; keep one of the two.")
        else:
            raw = _csv_columns(path, problems) if path.suffix == ".csv" else _parquet_columns(path, problems)
            if raw is not None and _columns_fit(raw, problems):
                tables[path.stem] = _typed(raw, problems)
    for stem in REQUIRED:
        if stem not in tables and not any(p.where.startswith(stem + ".") for p in problems.found):
            problems.add("table.missing", folder.name, f"{stem}.csv (or .parquet) is absent; every DIP pack needs it.")
    return tables


def _csv_columns(path: Path, problems: DipProblems) -> DipTable | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problems.add("file.unreadable", path.name, f"{error}. Save it as UTF-8 CSV.")
        return None
    found = rows_at_once(text.splitlines(keepends=True))
    if found is not None:
        return _by_column(path, *found, problems)
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header = next(reader, [])
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                what = f"{len(cells)} cells where the header has {len(header)}; quote a cell that holds a comma."
                problems.add("file.unreadable", f"{path.name}:{reader.line_num}", what)
                return None
            rows.append(cells)
            lines.append(reader.line_num)
    except csv.Error as error:
        problems.add("file.unreadable", f"{path.name}:{reader.line_num}", f"{error}. Save it again as UTF-8 CSV.")
        return None
    return _by_column(path, header, rows, lines, problems)


def _by_column(
    path: Path, header: list[str], rows: list[list[str]], lines: list[int], problems: DipProblems
) -> DipTable | None:
    if len(set(header)) < len(header):
        problems.add("column.extra", f"{path.name}:1", "a column stands twice; keep one of each.")
        return None
    by_column = [list(cells) for cells in zip(*rows, strict=True)] if rows else [[] for _ in header]
    return DipTable(path.stem, path.name, dict(zip(header, by_column, strict=True)), len(rows), lines)


def _parquet_columns(path: Path, problems: DipProblems) -> DipTable | None:
    """Parquet columns as text; a float is refused, since nothing says which digits were meant."""
    import polars as pl

    try:
        frame = pl.read_parquet(path, memory_map=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        problems.add("file.unreadable", path.name, f"not a whole Parquet file ({reason}). Copy or export it again.")
        return None
    columns: dict[str, list[Any]] = {}
    for name in frame.columns:
        series = frame[name]
        if series.dtype.is_float():
            problems.add("column.type", path.name, f"column {name!r} holds {series.dtype}; write decimals as text.")
            return None
        if series.dtype == pl.Boolean:
            series = series.cast(pl.Int8)
        columns[name] = [cell or "" for cell in series.cast(pl.String).to_list()]
    return DipTable(path.stem, path.name, columns, frame.height)


def _columns_fit(raw: DipTable, problems: DipProblems) -> bool:
    allowed = [column.name for column in TABLES[raw.stem]]
    where = f"{raw.file}:1" if raw.lines is not None else raw.file
    before = len(problems.found)
    for column in TABLES[raw.stem]:
        if column.name not in raw.columns and not column.optional:
            text = f"column {column.name!r} is absent. Allowed: {', '.join(allowed)}. Found: {', '.join(raw.columns)}."
            problems.add("column.missing", where, text)
    for name in raw.columns:
        if name not in allowed:
            text = f"unknown column {name!r}.{nearest(name, allowed)} Allowed: {', '.join(allowed)}."
            problems.add("column.extra", where, text)
    return len(problems.found) == before


def _typed(raw: DipTable, problems: DipProblems) -> DipTable:
    """The columns with every cell of its type; a cell that is not is a problem and reads None."""
    typed = DipTable(raw.stem, raw.file, {}, raw.height, raw.lines)
    for column in TABLES[raw.stem]:
        if column.name in raw.columns:
            cells = raw.columns[column.name]
            typed.columns[column.name] = _cells(raw, column, cells, problems)
    return typed


def _cells(raw: DipTable, column: Column, cells: list[str], problems: DipProblems) -> list[Any]:
    read = _READERS[column.type]
    # A clean column has few different cells or needs no reading at all.
    known = {cell: read(cell, column) for cell in set(cells) if cell} if read is not _text else None
    if not (column.need and "" in cells) and not any(wanted for _, wanted in (known or {}).values()):
        if known is None:
            return [cell or None for cell in cells] if "" in cells else cells
        meant = {cell: value for cell, (value, _) in known.items()}
        return [meant.get(cell) for cell in cells]
    values: list[Any] = []
    shown = 0
    for row, cell in enumerate(cells):
        if not cell:
            values.append(None)
            if column.need and shown < _SHOWN:
                shown += 1
                problems.add("cell.empty", raw.at(row, column.name), f"every row of {raw.stem} needs one.")
            continue
        value, wanted = read(cell, column)
        values.append(value)
        if wanted and shown < _SHOWN:
            shown += 1
            problems.add("cell.type", raw.at(row, column.name), f"{cell!r}; write {wanted}.")
    return values


def _text(cell: str, _: Column) -> tuple[Any, str]:
    return cell, ""


def _integer(cell: str, _: Column) -> tuple[Any, str]:
    if _INTEGER.fullmatch(cell) and abs(int(cell)) <= _I32_MAX:
        return int(cell), ""
    return None, "a whole number of 32 bits"


def _decimal(cell: str, column: Column) -> tuple[Any, str]:
    value = decimal_text(cell, _SCALES[column.type])
    return value, "" if value is not None else f"a plain decimal with at most {_SCALES[column.type]} places (like 12.5)"


def decimal_text(text: str, places: int) -> int | None:
    """Decimal text as a whole number ×10^places; None if it is none, or has a digit beyond: nothing is rounded."""
    units, point, rest = text.partition(".")
    if text.isascii() and units.isdigit() and (rest.isdigit() if point else True) and len(text) <= _SHORT:
        rest = rest.rstrip("0")
        return int(units + rest.ljust(places, "0")) if len(rest) <= places else None
    match = _DECIMAL.fullmatch(text)
    fraction = (match[3] or "").rstrip("0") if match else ""
    if match is None or len(fraction) > places:
        return None
    value = int(match[2] + fraction.ljust(places, "0"))
    return -value if match[1] else value


def _boolean(cell: str, _: Column) -> tuple[Any, str]:
    return (cell == "1", "") if cell in ("0", "1") else (None, "0 or 1")


def _word(cell: str, column: Column) -> tuple[Any, str]:
    if cell in column.words:
        return cell, ""
    return None, f"one of: {', '.join(column.words)}.{nearest(cell, column.words)}"


_READERS: dict[str, Callable[[str, Column], tuple[Any, str]]] = {
    "text": _text,
    "int": _integer,
    "e4": _decimal,
    "e6": _decimal,
    "fen": _decimal,
    "bool": _boolean,
    "enum": _word,
}
