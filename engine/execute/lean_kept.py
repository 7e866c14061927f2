"""Rows of a batch without the few that are left out 「剔除行」.

In: `LeanRows`, and which rows go; out: the others. Few rows go, so whole stretches between them are copied.
"""

# mypy: disable-error-code="untyped-decorator, assignment"

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from engine.execute.bytes64 import move
from engine.execute.cells import Coded, Lists
from engine.execute.lean import LeanRows, Numbers
from engine.execute.vocabulary import I64, text_buffers


def kept_rows(rows: LeanRows, gone: I64) -> LeanRows:
    """The rows without those at the places `gone`, which ascend."""
    return LeanRows(
        kept_ids(rows.ids, gone),
        {name: kept_texts(column, gone) for name, column in rows.texts.items()},
        {name: kept_numbers(column, gone) for name, column in rows.numbers.items()},
        {name: kept_lists(column, gone) for name, column in rows.lists.items()},
    )


def kept_texts(column: Coded, gone: I64) -> Coded:
    """One text column without these rows."""
    return Coded(_kept(column.ids, gone), column.words)


def _kept(values: npt.NDArray[Any], gone: I64) -> npt.NDArray[Any]:
    return without(values, gone, gone + 1, len(values) - len(gone))


def without(values: npt.NDArray[Any], low: I64, high: I64, size: int) -> npt.NDArray[Any]:
    """Without what lies between `low` and `high`. Arrays that were made for these rows close up where they are, which
    spares fresh memory; views of others' memory are copied."""
    mine = values.flags.owndata and values.flags.writeable
    out = values if mine else np.empty(size, values.dtype)
    copy_stretches(values, low, high, out)
    return out[:size]


def kept_numbers(column: Numbers, gone: I64) -> Numbers:
    """One column of numbers without these rows."""
    missing = None if column.missing is None else _kept(column.missing, gone)
    return Numbers(_kept(column.values, gone), missing if missing is not None and missing.any() else None)


def kept_lists(column: Lists, gone: I64) -> Lists:
    """One list column without these rows."""
    low, high = column.offsets[gone], column.offsets[gone + 1]
    ids = without(column.ids, low, high, len(column.ids) - int((high - low).sum()))
    return Lists(kept_offsets(column.offsets, gone), ids, column.words)


def kept_offsets(offsets: I64, gone: I64) -> I64:
    """The offsets of lists without those of these rows."""
    left = np.empty(len(offsets) - len(gone), np.int64)
    shift_offsets(offsets, gone, 0, left)
    return left


def kept_ids(ids: pa.Array, gone: I64) -> pa.Array:
    """Texts that hardly repeat without those of these rows."""
    if not pa.types.is_string(ids.type) or ids.null_count or not len(ids):
        keep = np.ones(len(ids), np.bool_)
        keep[gone] = False
        return ids.filter(pa.array(keep))
    data, starts, ends = text_buffers(ids)
    bounds = np.frombuffer(ids.buffers()[1], np.int32)[ids.offset : ids.offset + len(ids) + 1]
    low, high = starts[gone].astype(np.int64), ends[gone].astype(np.int64)
    base = int(bounds[0])
    inner = data[base : int(bounds[-1])]
    texts = np.empty(len(inner) - int((high - low).sum()), np.uint8)
    copy_stretches(inner, low - base, high - base, texts)
    offsets = np.empty(len(bounds) - len(gone), np.int32)
    shift_offsets(bounds, gone, base, offsets)
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(texts)])


@njit(nogil=True, cache=True)
def copy_stretches(values: Any, low: Any, high: Any, out: Any) -> None:
    """All values but those from low[k] up to high[k]. `out` may be `values`: nothing moves to the right."""
    begin, behind = np.int64(0), np.int64(0)
    for k in range(len(low) + 1):
        end = low[k] if k < len(low) else len(values)
        if end > begin:
            move(out, behind, values, begin, end - begin)
            behind += end - begin
        if k < len(low):
            begin = high[k]


@njit(nogil=True, cache=True)
def shift_offsets(offsets: Any, gone: Any, base: Any, out: Any) -> None:
    """Offsets of lists without those at the places `gone`, all of them less by `base`."""
    behind, first, shift = np.int64(0), np.int64(0), np.int64(base)
    for k in range(len(gone) + 1):
        stop = gone[k] if k < len(gone) else len(offsets) - 1
        stretch, into = offsets[first:stop], out[behind : behind + stop - first]
        for i in range(len(stretch)):
            into[i] = stretch[i] - shift
        behind += len(stretch)
        if k < len(gone):
            shift += offsets[stop + 1] - offsets[stop]
            first = stop + 1
    out[behind] = offsets[len(offsets) - 1] - shift
