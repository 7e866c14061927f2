"""Some cells of a column that stands in a dictionary, as Arrow 「取单元格」.

In: a dictionary of texts or stored numbers, and places in it; out: Arrow arrays of their own. Few cells are picked of
many columns, so what matters is what a call costs, which is why Arrow's own picking is not asked.
"""

# mypy: disable-error-code="untyped-decorator, assignment, return-value"

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from engine.execute.bytes64 import move
from engine.execute.vocabulary import text_buffers

_BYTES_MAX: Final = (1 << 31) - 1


def picked_texts(words: pa.Array, ids: npt.NDArray[Any], full: bool) -> pa.Array:
    """The texts at these places, null at the place behind the last; `full`: no place is that."""
    data, starts, ends = text_buffers(words)
    offsets = np.empty(len(ids) + 1, np.int32)
    size = int(text_ends(starts, ends, ids, offsets))
    if size > _BYTES_MAX:
        return words.take(pa.array(ids, mask=ids == len(words)))
    texts = np.empty(size, np.uint8)
    copy_texts(data, starts, ids, offsets, texts)
    buffers = [None if full else validity(ids == len(words)), pa.py_buffer(offsets), pa.py_buffer(texts)]
    return pa.Array.from_buffers(pa.string(), len(ids), buffers)


def validity(missing: npt.NDArray[np.bool_] | None) -> pa.Buffer | None:
    """Arrow's bits for cells of which some are null."""
    return None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))


@njit(nogil=True, cache=True)
def text_ends(starts: Any, ends: Any, ids: Any, offsets: Any) -> int:
    """Where the picked texts begin and end when they lie one behind the other; returns their bytes, which may be more
    than the offsets can say."""
    behind = np.int64(0)
    offsets[0] = 0
    for i in range(len(ids)):
        at = np.int64(ids[i])
        if at < len(starts):
            behind += np.int64(ends[at]) - np.int64(starts[at])
        offsets[i + 1] = behind
    return behind


@njit(nogil=True, cache=True)
def copy_texts(data: Any, starts: Any, ids: Any, offsets: Any, out: Any) -> None:
    """The bytes of the picked texts."""
    for i in range(len(ids)):
        begin, size = np.int64(offsets[i]), np.int64(offsets[i + 1]) - np.int64(offsets[i])
        if size:
            move(out, begin, data, np.int64(starts[ids[i]]), size)
