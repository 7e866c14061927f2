"""The tables of a pack folder as plain columns, CSV or Parquet alike.

In: a folder; out: `Table` per stem, every cell an int, a str or None, with the line each row came from.
Checks what can be said of a table alone: present, readable, the right columns, the right types, no empty cell
where one is needed. It compares no table with another and repairs nothing: codes stay as they are written.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.packs.errors import Problems, nearest
from engine.packs.plain_csv import rows_at_once
from engine.packs.schema import NOT_RULES, SUFFIXES, TABLES, Column

if TYPE_CHECKING:
    import pyarrow as pa

_INTEGER = re.compile(r"-?[0-9]{1,10}")
_I32_MAX = 2**31 - 1
_CELLS_SHOWN = 5
"""Faulty cells reported per column: enough to see the pattern."""


@dataclass(frozen=True)
class Table:
    """One table: columns by name, all of `height` cells; `lines` is None when rows are counted (Parquet)."""

    stem: str
    file: str
    columns: dict[str, list[Any]]
    height: int
    lines: Sequence[int] | None = None

    def at(self, row: int) -> str:
        """Where row (0-based) stands: `cc.csv:12` by line, `cc.parquet row 11` counted from 1."""
        return f"{self.file}:{self.lines[row]}" if self.lines is not None else f"{self.file} row {row + 1}"

    def rows(self, *names: str) -> zip[tuple[Any, ...]]:
        return zip(*(self.columns[name] for name in names), strict=True)


def read_tables(folder: Path, problems: Problems) -> dict[str, Table]:
    """Every table of the folder that could be read; what could not is in `problems`."""
    tables: dict[str, Table] = {}
    for path in sorted(folder.iterdir()):
        stem = path.stem
        if path.suffix not in SUFFIXES or stem.startswith(NOT_RULES):
            continue
        if stem not in TABLES:
            hint = nearest(stem, list(TABLES))
            problems.add("file.unknown", path.name, f"no such table.{hint} Allowed: {', '.join(TABLES)}.")
            continue
        if (other := folder / f"{stem}.csv") != path and other.exists():
            problems.add("table.twice", path.name, f"{other.name} stands beside it; keep one of the two.")
            continue
        table = _read_csv(path, problems) if path.suffix == ".csv" else _read_parquet(path, problems)
        if table is not None:
            tables[stem] = table
    return tables


def _read_csv(path: Path, problems: Problems) -> Table | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problems.add("file.unreadable", path.name, f"{error}. Save it as UTF-8 CSV.")
        return None
    found = rows_at_once(io.StringIO(text, newline=""))
    if found is not None:
        return _typed(path, *found, problems)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header = next(reader, [])
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                problems.add(
                    "file.unreadable",
                    f"{path.name}:{reader.line_num}",
                    f"{len(cells)} cells where the header has {len(header)}; quote a cell that holds a comma.",
                )
                return None
            rows.append(cells)
            lines.append(reader.line_num)
    except csv.Error as error:
        problems.add("file.unreadable", f"{path.name}:{reader.line_num}", f"{error}. Save it again as UTF-8 CSV.")
        return None
    return _typed(path, header, rows, lines, problems)


def _typed(path: Path, header: list[str], rows: list[list[str]], lines: list[int], problems: Problems) -> Table | None:
    raw = dict(zip(header, map(list, zip(*rows, strict=True)) if rows else [[] for _ in header], strict=True))
    if not _columns_fit(path.stem, f"{path.name}:1", header, problems):
        return None
    table = Table(path.stem, path.name, {}, len(rows), lines)
    before = len(problems.found)
    for column in TABLES[path.stem]:
        if column.name not in raw:
            continue
        cells_ = [cell or None for cell in raw[column.name]]
        table.columns[column.name] = _integers(table, column, cells_, problems) if column.type == "int" else cells_
        _no_empty(table, column, problems)
    return table if len(problems.found) == before else None


def _read_parquet(path: Path, problems: Problems) -> Table | None:
    # pyarrow, not polars: on a damaged file the former raises where the latter may end the whole process.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            frame = file.read(use_threads=False)
            frame.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        problems.add("file.unreadable", path.name, f"not a whole Parquet file ({reason}). Copy or export it again.")
        return None
    if not _columns_fit(path.stem, path.name, frame.column_names, problems):
        return None
    table = Table(path.stem, path.name, {}, frame.num_rows)
    before = len(problems.found)
    for column in TABLES[path.stem]:
        if column.name in frame.column_names:
            table.columns[column.name] = _from_arrow(table, column, frame[column.name], problems)
            _no_empty(table, column, problems)
    return table if len(problems.found) == before else None


def _from_arrow(table: Table, column: Column, cells: pa.ChunkedArray, problems: Problems) -> list[Any]:
    """One Parquet column as Python values; a float that looks like a code or an id is refused, never rounded."""
    import pyarrow as pa

    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    if pa.types.is_null(kind):
        return [None] * len(cells)
    if column.type == "text":
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            words = cells.cast(pa.large_string()).to_numpy(zero_copy_only=False).tolist()
            return [word or None for word in words]
        wanted = "text (a code read as a number loses its zeros)"
    else:
        if pa.types.is_integer(kind):
            numbers: list[Any] = cells.to_pylist() if cells.null_count else cells.to_numpy().tolist()
            wrong = [row for row, n in enumerate(numbers) if n is not None and abs(n) > _I32_MAX]
            for row in wrong[:_CELLS_SHOWN]:
                problems.add("cell.type", table.at(row), f"{column.name} {numbers[row]} does not fit 32 bits.")
            return numbers
        wanted = "whole numbers"
    problems.add("column.type", table.file, f"column {column.name!r} holds {cells.type}; it must hold {wanted}.")
    return []


def _columns_fit(stem: str, where: str, present: Sequence[str], problems: Problems) -> bool:
    allowed = [column.name for column in TABLES[stem]]
    fits = True
    for column in TABLES[stem]:
        if column.name not in present and not column.optional:
            text = f"column {column.name!r} is absent. Needed: {', '.join(allowed)}. Found: {', '.join(present)}."
            problems.add("column.missing", where, text)
            fits = False
    for name in present:
        if name not in allowed:
            text = f"unknown column {name!r}.{nearest(name, allowed)} Allowed: {', '.join(allowed)}."
            problems.add("column.extra", where, text)
            fits = False
        elif list(present).count(name) > 1:
            problems.add("column.extra", where, f"column {name!r} stands twice; keep one.")
            return False
    return fits


def _integers(table: Table, column: Column, cells: list[str | None], problems: Problems) -> list[int | None]:
    """CSV text → whole numbers; `2.0` and ` 2` are refused, since nothing says what else was changed."""
    try:
        different = set(cells) - {None}
        known = {cell: int(cell) for cell in different if cell is not None and _INTEGER.fullmatch(cell)}
        if len(known) == len(different) and all(abs(value) <= _I32_MAX for value in known.values()):
            return [None if cell is None else known[cell] for cell in cells]
    except ValueError as error:  # pragma: no cover - the pattern above admits digits only
        raise AssertionError(f"{table.file}: digits that are no number: {error}") from error
    shown = 0
    for row, cell in enumerate(cells):
        if cell is not None and not (_INTEGER.fullmatch(cell) and abs(int(cell)) <= _I32_MAX):
            problems.add("cell.type", table.at(row), f"{column.name} is {cell!r}; write a whole number of 32 bits.")
            shown += 1
            if shown == _CELLS_SHOWN:
                break
    return []


def _no_empty(table: Table, column: Column, problems: Problems) -> None:
    cells = table.columns[column.name]
    if column.nullable or None not in cells:
        return
    for row in [i for i, cell in enumerate(cells) if cell is None][:_CELLS_SHOWN]:
        problems.add("cell.empty", table.at(row), f"{column.name} is empty; every row of {table.stem} needs one.")
