"""The loops over settlement ids, compiled by numba without the GIL.

In: bytes of ids, hashes; out: hashes, marks. A hash chooses what is compared as text, it decides nothing.
"""

# mypy: disable-error-code="untyped-decorator, assignment"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from engine.execute.bytes64 import load64

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(29)
_ONES = np.uint64(0x0101010101010101)
_LOWEST = np.uint64(0x2121212121212121)
_HIGH_BITS = np.uint64(0x8080808080808080)
_FILLING = np.uint64(0x4141414141414141)
BUCKETS, PLACE_BITS = 256, 18
_BUCKET, _BUCKET_BITS = np.uint64(56), np.uint64(8)
_PLACE_SHIFT = np.uint64(PLACE_BITS)
_PLACE = np.uint64((1 << PLACE_BITS) - 1)


@njit(nogil=True, inline="always")
def _flaws(eight: Any) -> Any:
    """The high bit of some byte is set where one of the eight is below `!` or above `~`."""
    return eight | (eight + _ONES) | ((eight - _LOWEST) & ~eight)


@njit(nogil=True, cache=True)
def plain_ids(data: Any, starts: Any, ends: Any, odd: Any, hashes: Any) -> int:
    """Hashes of ids, and which of them are more than visible ASCII without meaning of its own; returns how many."""
    count = 0
    size_of_data = len(data)
    for i in range(len(starts)):
        first, end = np.int64(starts[i]), np.int64(ends[i])
        size = end - first
        found, flaws = np.uint64(size) * _SECOND, np.uint64(0)
        at = first
        while at + 8 <= end:
            eight = load64(data, at)
            flaws |= _flaws(eight)
            found = (found ^ eight) * _MULTIPLIER
            found ^= found >> _SHIFT
            at += 8
        if at < end:
            bits = np.uint64(8 * (end - at))
            if at + 8 <= size_of_data:
                eight = load64(data, at) & ((np.uint64(1) << bits) - np.uint64(1))
            else:
                eight = np.uint64(0)
                for k in range(end - at):
                    eight |= np.uint64(data[at + k]) << np.uint64(8 * k)
            flaws |= _flaws(eight | (_FILLING << bits))
            found = (found ^ eight) * _MULTIPLIER
            found ^= found >> _SHIFT
        hashes[i] = found
        plain = size > 0 and flaws & _HIGH_BITS == 0
        if size >= 2 and data[end - 1] == 0x30 and data[end - 2] == 0x2E:
            plain = False  # ends in .0
        if size == 2 and data[first] == 0x5C:
            plain = False  # \N
        if size == 4 and (data[first] | 0x20) == 0x6E and (data[first + 1] | 0x20) == 0x75:
            plain = False  # NULL, null
        if not plain:
            odd[i] = True
            count += 1
    return count


@njit(nogil=True, cache=True)
def count_buckets(hashes: Any, counts: Any) -> None:
    """How many hashes belong to each of the buckets; a hash of 0 belongs to none."""
    for i in range(len(hashes)):
        counts[np.uintp(hashes[i] >> _BUCKET)] += np.int64(hashes[i] != 0)


@njit(nogil=True, cache=True)
def deal(hashes: Any, ends: Any, dealt: Any) -> None:
    """Hashes behind what stands in their buckets, which end at `ends`, without the bucket's bits and with their place
    among these hashes in the lowest bits."""
    for i in range(len(hashes)):
        hashed = hashes[i]
        if hashed != 0:
            bucket = np.uintp(hashed >> _BUCKET)
            dealt[np.uintp(ends[bucket])] = ((hashed << _BUCKET_BITS) & ~_PLACE) | np.uint64(i)
            ends[bucket] += 1


@njit(nogil=True, cache=True)
def mark_repeated(keys: Any, table: Any, marks: Any) -> int:
    """Which of the dealt hashes of a bucket stand there more than once; returns how many do again. `table`: zeros, a
    power of two of them, more than there are keys."""
    mask = np.uint64(len(table) - 1)
    count = 0
    for i in range(len(keys)):
        own = keys[i] >> _PLACE_SHIFT
        at = np.uintp((own * _SECOND >> np.uint64(20)) & mask)
        while table[at] != 0:
            other = np.uintp(table[at] - np.uint32(1))
            if keys[other] >> _PLACE_SHIFT == own:
                marks[other] = marks[i] = True
                count += 1
                break
            at = np.uintp((np.uint64(at) + np.uint64(1)) & mask)
        if not marks[i]:
            table[at] = np.uint32(i + 1)
    return count
