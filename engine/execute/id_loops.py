"""The loops over settlement ids, compiled by numba without the GIL.

In: bytes of ids, hashes; out: hashes, marks. A hash chooses what is compared as text, it decides nothing.
"""

# mypy: disable-error-code="untyped-decorator, assignment"

from __future__ import annotations

from typing import Any

import numpy as np

from engine.execute.bytes64 import load32, load64
from engine.execute.page_runs import BEGIN, COUNT, END, levels_of
from grouper.jit import entry, inlined

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
_WORD, _IN_WORD = np.uint64(6), np.uint64(63)


@inlined
def _flaws(eight: Any) -> Any:
    """The high bit of some byte is set where one of the eight is below `!` or above `~`."""
    return eight | (eight + _ONES) | ((eight - _LOWEST) & ~eight)


@inlined
def _seen(data: Any, first: Any, end: Any, size_of_data: Any) -> Any:
    """(hash of an id; the high bit of some byte is set where it has more than visible ASCII)."""
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
    return found, flaws


@inlined
def _has_meaning(data: Any, first: Any, end: Any) -> Any:
    """Whether an id of visible ASCII says something else than itself: that there is none, or a number."""
    size = end - first
    if size == 0:
        return True
    if size >= 2 and data[end - 1] == 0x30 and data[end - 2] == 0x2E:
        return True  # ends in .0
    if size == 2 and data[first] == 0x5C:
        return True  # \N
    return size == 4 and (data[first] | 0x20) == 0x6E and (data[first + 1] | 0x20) == 0x75  # NULL, null


@entry
def plain_ids(data: Any, starts: Any, ends: Any, odd: Any, hashes: Any) -> int:
    """Hashes of ids, and which of them are more than visible ASCII without meaning of its own; returns how many."""
    count = 0
    size_of_data = len(data)
    for i in range(len(starts)):
        first, end = np.int64(starts[i]), np.int64(ends[i])
        found, flaws = _seen(data, first, end, size_of_data)
        hashes[i] = max(found, np.uint64(1))
        if flaws & _HIGH_BITS != 0 or _has_meaning(data, first, end):
            odd[i] = True
            count += 1
    return count


@entry
def page_ids(data: Any, pages: Any, optional: Any, levels: Any, hashes: Any) -> int:
    """Hashes of the ids of a page, 0 where there is none, and how many ids are not plain; −1 for a page that is not
    what it should be."""
    at, end, count = pages[0, BEGIN], pages[0, END], pages[0, COUNT]
    size_of_data = np.int64(len(data))
    if count < 0 or count > len(levels) or count != len(hashes) or at < 0 or end > size_of_data:
        return -1
    full, odd = True, 0
    if optional:
        at, full = levels_of(data, at, end, 1, 1, count, levels)
        if at < 0:
            return -1
    for k in range(count):
        if not full and levels[k] == 0:
            hashes[k] = 0
            continue
        if at + 4 > end:
            return -1
        length = np.int64(load32(data, at))
        at += 4
        if length > end - at:
            return -1
        found, flaws = _seen(data, at, at + length, size_of_data)
        hashes[k] = max(found, np.uint64(1))
        if flaws & _HIGH_BITS != 0 or _has_meaning(data, at, at + length):
            odd += 1
        at += length
    return odd


@entry
def count_buckets(hashes: Any, counts: Any) -> None:
    """How many hashes belong to each of the buckets; a hash of 0 belongs to none."""
    for i in range(len(hashes)):
        counts[np.uintp(hashes[i] >> _BUCKET)] += np.int64(hashes[i] != 0)


@entry
def deal(hashes: Any, ends: Any, dealt: Any) -> None:
    """Hashes behind what stands in their buckets, which end at `ends`, without the bucket's bits and with their place
    among these hashes in the lowest bits."""
    for i in range(len(hashes)):
        hashed = hashes[i]
        if hashed != 0:
            bucket = np.uintp(hashed >> _BUCKET)
            dealt[np.uintp(ends[bucket])] = ((hashed << _BUCKET_BITS) & ~_PLACE) | np.uint64(i)
            ends[bucket] += 1


@entry
def mark_seen(keys: Any, seen: Any, again: Any) -> None:
    """Sets a bit of `seen` for every dealt hash of a bucket, and of `again` where it was set. Both: zeros, a power of
    two of them."""
    mask = np.uint64(64 * len(seen) - 1)
    for i in range(len(keys)):
        place = (keys[i] >> _PLACE_SHIFT) & mask
        word, bit = np.uintp(place >> _WORD), np.uint64(1) << (place & _IN_WORD)
        before = seen[word]
        again[word] |= before & bit
        seen[word] = before | bit


@entry
def seen_again(keys: Any, again: Any, found: Any) -> Any:
    """Where those hashes stand whose bit was set more than once, in order; returns how many there are. `found` has room
    for all of them."""
    mask, count = np.uint64(64 * len(again) - 1), np.uintp(0)
    for i in range(len(keys)):
        place = (keys[i] >> _PLACE_SHIFT) & mask
        found[count] = i
        count += np.uintp((again[np.uintp(place >> _WORD)] >> (place & _IN_WORD)) & np.uint64(1))
    return count


@entry
def mark_repeated(keys: Any, some: Any, table: Any, marks: Any) -> int:
    """Which of some dealt hashes of a bucket stand among them more than once; returns how many do again. `marks` are
    theirs. `table`: zeros, a power of two of them, more than there are of `some`."""
    mask = np.uint64(len(table) - 1)
    count = 0
    for i in range(len(some)):
        own = keys[np.uintp(some[i])] >> _PLACE_SHIFT
        at = np.uintp((own * _SECOND >> np.uint64(20)) & mask)
        while table[at] != 0:
            other = np.uintp(table[at] - np.uint32(1))
            if keys[np.uintp(some[other])] >> _PLACE_SHIFT == own:
                marks[other] = marks[i] = True
                count += 1
                break
            at = np.uintp((np.uint64(at) + np.uint64(1)) & mask)
        if not marks[i]:
            table[at] = np.uint32(i + 1)
    return count
