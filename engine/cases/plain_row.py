"""The one row of a settlement id in Parquet files, where nothing in it needs mending 「按结算ID取一行」.

In: paths, an id and what is demanded; out: the row's wanted columns as plain Python values for a record, or None: then
the way of `one.rows_of` has to be taken, which knows every file, every repair, copies and what to tell of a fault.
It loads no frames, reads what that way would read, and never decides alone that a case is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.cases.aliases import HeaderMap, map_header
from engine.cases.columns import TYPED
from engine.cases.demand import Demand
from engine.cases.files import find_files
from engine.cases.one_cell import UNTIDY, repaired_code
from engine.errors import CaseFileError, PackError

_BATCH_ROWS = 131_072
_KINDS = {typed.column: typed.kind for typed in TYPED}
_ID = re.compile(r"[!-~]+", re.ASCII)
_UNTIDY = re.compile(UNTIDY, re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)
_YUAN_MAX = 10**12
_FIRST, _LAST = ord("!"), ord("~")
_OTHER: Any = object()
"""Not for us to say."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file whose columns are all of types that are read plainly, by their headers in the file."""

    path: Path
    columns: dict[str, str]


def plain_row(paths: Sequence[Path], setl_id: str, demand: Demand) -> dict[str, Any] | None:
    """The row's values by canonical column. None where the id is not met exactly once, or anything is out of line."""
    if not _ID.fullmatch(setl_id) or _UNTIDY.search(setl_id):
        return None
    try:
        files = [_understood(path, demand) for path in find_files(paths)]
        known = [file for file in files if file is not None]
        if len(known) < len(files):
            return None
        found = [(file, row) for file in known for row in _rows(file, setl_id)]
        # Rows of other files are looked for to the end, since a copy anywhere changes what becomes of this one.
        return _values(*found[0], demand) if len(found) == 1 else None
    except (CaseFileError, PackError, pa.ArrowException, OSError, ValueError, OverflowError, _Unclear):
        # Told by the general way, which meets the same.
        return None


class _Unclear(Exception):
    """Something of which the general way has to say what it means."""


def _understood(path: Path, demand: Demand) -> _File | None:
    if path.suffix.lower() != ".parquet":
        return None
    with pq.ParquetFile(path) as file:
        schema: pa.Schema = file.schema_arrow
        if file.metadata.num_rows == 0:
            return None
    header = map_header(path.name, schema.names, demand)
    columns: dict[str, str] = {}
    for column in demand.wanted:
        if column not in header.direct:
            if header.has(column) or column == "setl_id" or _in_parts(column, header):
                return None
            continue
        columns[column] = header.direct[column]
        if not _fits(schema.field(columns[column]).type, _KINDS.get(column, "int")):
            return None
    return _File(path, columns)


def _in_parts(column: str, header: HeaderMap) -> bool:
    """Whether parts of a list stand beside what is there: whoever gathers them decides."""
    return column in ("diag_codes", "oprn_codes") and bool(header.others)


def _fits(type_: pa.DataType, kind: str) -> bool:
    is_ = pa.types
    text, decimal = is_.is_string(type_) or is_.is_large_string(type_), is_.is_decimal128(type_)
    if kind == "codes":
        is_list = is_.is_list(type_) or is_.is_large_list(type_)
        return bool(is_list and (is_.is_string(type_.value_type) or is_.is_large_string(type_.value_type)))
    if kind == "fen":
        return bool(decimal and 0 <= type_.scale <= 2)
    if kind == "date":
        return bool(is_.is_date32(type_) or (is_.is_timestamp(type_) and type_.tz is None and type_.unit != "ns"))
    if kind == "text":
        return bool(text)
    return bool(text or is_.is_signed_integer(type_) or (decimal and 0 <= type_.scale <= 4))


def _rows(file: _File, setl_id: str) -> Iterator[int]:
    """Where the id stands in a file."""
    wanted, reached = setl_id.encode(), 0
    # A number as text may have been written `123.0`, which is the same id.
    others = [wanted + b".0"] if setl_id.isdigit() else []
    for ids in _batches(file, ["setl_id"]):
        cells = ids.column(0)
        yield from (reached + row for row in _equal(cells, wanted))
        if any(_equal(cells, other) for other in others):
            raise _Unclear
        reached += len(cells)


def _batches(file: _File, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(file.path) as source:
        names = [file.columns[column] for column in columns]
        for batch in source.iter_batches(batch_size=_BATCH_ROWS, columns=names, use_threads=True):
            yield batch.select(names)


def _equal(cells: pa.Array, wanted: bytes) -> list[int]:
    """The rows that hold these very bytes. Raises _Unclear if some cell might have to be mended before that."""
    _, ends, text = cells.buffers()
    if text is None:
        return []
    narrow = np.int32 if pa.types.is_string(cells.type) else np.int64
    places = np.frombuffer(ends, narrow)[cells.offset : cells.offset + len(cells) + 1]
    data = np.frombuffer(text, np.uint8)
    own = data[places[0] : places[-1]]
    if len(own) and (own.min() < _FIRST or own.max() > _LAST):
        raise _Unclear
    starts = places[:-1]
    rows = np.flatnonzero(np.diff(places) == len(wanted))
    # Ids differ at their ends first.
    for place in range(len(wanted) - 1, -1, -1):
        rows = rows[data[starts[rows] + place] == wanted[place]]
    return [row for row in rows.tolist() if cells[row].is_valid]


def _values(file: _File, row: int, demand: Demand) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    reached = 0
    # Read to the end as the general way does: a file that is damaged further on is no file to explain a case from.
    for batch in _batches(file, list(file.columns)):
        if reached <= row < reached + len(batch):
            for place, column in enumerate(file.columns):
                cell = batch.column(place)[row - reached].as_py()
                found[column] = _plain(cell, _KINDS.get(column, "int"), demand.profile == "strict")
        reached += len(batch)
    return None if any(value is _OTHER for value in found.values()) else found


def _plain(cell: Any, kind: str, strict: bool) -> Any:
    """The cell as a record takes it, `_OTHER` where something in it might be mended or refused."""
    if cell is None:
        return None
    if kind == "codes":
        return cell if all(_is_plain_code(code, strict) for code in cell) else _OTHER
    if kind == "text":
        return _OTHER if _UNTIDY.search(cell) else cell
    if kind == "date":
        return date(cell.year, cell.month, cell.day).isoformat()
    if kind == "fen":
        return str(cell) if abs(cell) < _YUAN_MAX else _OTHER
    return _number(cell, kind)


def _is_plain_code(code: str | None, strict: bool) -> bool:
    return code is not None and _ID.fullmatch(code) is not None and (not strict or repaired_code(code) == code)


def _number(cell: Any, kind: str) -> Any:
    if isinstance(cell, str):
        return int(cell) if _DIGITS.fullmatch(cell) else _OTHER
    if isinstance(cell, Decimal):
        units = cell.__floor__()
        return units if units == cell or kind == "int" else _OTHER
    return cell
