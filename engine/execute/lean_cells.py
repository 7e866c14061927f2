"""The cells of a batch as arrays 「数组单元格」.

In: an Arrow table of one file and its plan; out: `LeanColumns`, and which rows hold a cell that is not plain. Forms
that are common are read here without a frame between; any other goes through `engine.execute.cells`, whose judgment
of what is plain is the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.cases.typed import MONEY_DIGITS
from engine.execute.batches import RowBatch
from engine.execute.cells import ID, Coded, Columns, Lists, Odd
from engine.execute.lean import Numbers
from engine.execute.lean_rules import LeanColumns
from engine.execute.loops import scaled_decimals
from engine.execute.plain import Plan, Source
from grouper.tables import NULL_I32

_SECONDS_A_DAY = 86_400
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_NARROW = (pa.int8(), pa.uint8(), pa.int16(), pa.uint16())
_LARGE = 1 << 62


def lean_columns(plan: Plan, batch: RowBatch, columns: Columns, odd: Odd) -> LeanColumns:
    """Every column the plan reads; rows that are not plain are marked in `odd`, their values mean nothing."""
    found = LeanColumns(pa.nulls(len(batch.rows), pa.string()))
    for one in plan.sources:
        if one.header is None:
            if one.kind == "codes":
                _no_codes(found, one, columns, odd)
            continue
        cells = batch.table.column(one.header)
        whole = cells.chunk(0) if cells.num_chunks == 1 else cells.combine_chunks()
        if one.kind == "codes":
            found.lists[one.name], found.flags[one.column] = columns.read_codes(one.column, whole, odd)
        elif one.column == ID:
            found.ids = _ids(columns, whole, odd)
        else:
            values = cell_values(columns, one.column, one.kind, whole, odd)
            if isinstance(values, Coded):
                found.texts[one.name] = values
            else:
                found.numbers[one.name] = values
    return found


def _no_codes(found: LeanColumns, one: Source, columns: Columns, odd: Odd) -> None:
    """A record without diagnoses is never plain, one without procedures is."""
    if one.column == "diag_codes":
        odd[:] = True
    words = columns.vocabularies[one.column].words
    found.lists[one.name] = Lists(np.zeros(len(found) + 1, np.int64), np.zeros(0, np.int32), words)


def _ids(columns: Columns, cells: pa.Array, odd: Odd) -> pa.Array:
    values = columns.read(ID, "text", cells, odd)
    assert isinstance(values, pl.Series)
    if values.null_count():
        odd |= values.is_null().to_numpy()
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        return cells
    return values.to_arrow(compat_level=pl.CompatLevel.oldest())


def cell_values(columns: Columns, column: str, kind: str, cells: pa.Array, odd: Odd) -> Numbers | Coded:
    """One column that is neither the id nor a list."""
    found = _direct(kind, cells, odd)
    if found is not None:
        return found
    values = columns.read(column, kind, cells, odd)
    return values if isinstance(values, Coded) else _numbers_or_text(columns, column, kind, values, odd)


def _direct(kind: str, cells: pa.Array, odd: Odd) -> Numbers | None:
    """The forms that need nothing but their numbers."""
    form = cells.type
    if pa.types.is_decimal128(form) and kind in ("fen", "int"):
        return _decimals(kind, cells, odd)
    if kind in ("int", "whole") and form in _NARROW:
        return Numbers(_values(cells, form.to_pandas_dtype()).astype(np.int32), _missing(cells))
    if kind == "date" and pa.types.is_date32(form):
        return Numbers(_values(cells, np.int32), _missing(cells))
    if kind == "date" and pa.types.is_timestamp(form) and form.tz is None:
        ticks = _values(cells, np.int64)
        return Numbers((ticks // (_TICKS[form.unit] * _SECONDS_A_DAY)).astype(np.int32), _missing(cells))
    return None


def _numbers_or_text(columns: Columns, column: str, kind: str, values: pl.Series, odd: Odd) -> Numbers | Coded:
    if kind == "text":
        vocabulary = columns.vocabularies[column]
        ids = vocabulary.ids(values.to_arrow(compat_level=pl.CompatLevel.oldest()))
        odd |= (ids < 0) & ~values.is_null().to_numpy()  # no room for a further text
        return Coded(ids, vocabulary.words)
    plain = values.to_physical()
    if not plain.null_count():
        return Numbers(plain.to_numpy())
    return Numbers(plain.fill_null(0).to_numpy(), np.asarray(plain.is_null().to_numpy(), np.bool_))


def _decimals(kind: str, cells: pa.Array, odd: Odd) -> Numbers | None:
    """As `cells` reads decimals, without the way through a frame."""
    scale, buffer = cells.type.scale, cells.buffers()[1]
    if scale < 0 or scale > 18 or buffer is None:
        return None
    words = np.frombuffer(buffer, np.int64).reshape(-1, 2)[cells.offset : cells.offset + len(cells)]
    missing = _missing(cells)
    out, bad = np.empty(len(cells), np.int64), np.zeros(len(cells), np.bool_)
    if kind == "fen":
        times, step = 10 ** max(0, 2 - scale), 10 ** max(0, scale - 2)
        limit = min(10 ** (MONEY_DIGITS + scale) - 1, _LARGE)
    else:
        times, step, limit = 1, 10**scale, min((2**31 - 1) * 10**scale, _LARGE)
    scaled_decimals(words, times, step, limit, kind == "fen", out, bad)
    if missing is not None:
        bad &= ~missing
    odd |= bad
    if kind == "fen":
        return Numbers(out, missing)
    narrow = out.astype(np.int32)
    odd |= narrow == NULL_I32
    return Numbers(narrow, missing)


def _values(cells: pa.Array, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    buffer = cells.buffers()[1]
    if buffer is None:
        return np.zeros(len(cells), kind)
    return np.frombuffer(buffer, kind)[cells.offset : cells.offset + len(cells)]


def _missing(cells: pa.Array) -> Odd | None:
    if not cells.null_count:
        return None
    return np.asarray(cells.is_null().to_numpy(zero_copy_only=False), np.bool_)
