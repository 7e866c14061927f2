"""The different keys of a column, and which of them each row has 「去重编号」.

In: int64 keys in any order; out: the different ones, ascending, and the place of every row's key among them, as
`np.unique` gives them, without sorting the column: there are few different keys among many rows.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
_FIRST_BITS = 12
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def distinct(keys: I64) -> tuple[I64, I32]:
    """(different keys, ascending; place of each key among them). Fewer than 2³¹ keys."""
    assert keys.dtype == np.int64 and len(keys) < 1 << 31
    which, bits, count = np.empty(len(keys), np.int32), _FIRST_BITS, -1
    found = np.zeros(0, np.int64)
    while count < 0:
        slots, found = np.full(1 << bits, -1, np.int32), np.empty(1 << (bits - 1), np.int64)
        count = int(_number(keys, slots, np.uint64(64 - bits), found, which))
        bits += 2
    found = found[:count]
    order = np.argsort(found)
    rank = np.empty(count, np.int32)
    rank[order] = np.arange(count, dtype=np.int32)
    _renumber(rank, which)
    return found[order], which


@njit(nogil=True, cache=True)
def _number(keys: Any, slots: Any, shift: Any, found: Any, which: Any) -> int:
    """Number the keys as they come; how many there are, −1 where more than half the slots would be taken."""
    count, last = 0, np.uint64(len(slots) - 1)
    for i in range(len(keys)):
        key = keys[i]
        at = (np.uint64(key) * _SPREAD) >> shift
        number = slots[at]
        while number >= 0 and found[number] != key:
            at = (at + np.uint64(1)) & last
            number = slots[at]
        if number < 0:
            if count == len(found):
                return -1
            number = count
            slots[at], found[count] = count, key
            count += 1
        which[i] = number
    return count


@njit(nogil=True, cache=True)
def _renumber(rank: Any, which: Any) -> None:
    for i in range(len(which)):
        which[i] = rank[which[i]]
