"""The loops over numbers in runs and packed by bits, as Parquet pages have them, compiled by numba without the GIL.

In: pages one behind the other with `SLACK` bytes more behind the last, and where each begins; out: dictionary numbers
written into arrays of the caller, the number `limit` where there is no value. A page comes from a file and may hold
anything: every loop checks its bounds and answers −1 where the page is not what it should be, or `TOO_WIDE` where its
numbers might not fit the array.
"""

# mypy: disable-error-code="untyped-decorator, assignment, no-any-return, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from engine.execute.bytes64 import load32, load64, put

BEGIN, END, COUNT = range(3)
"""What the table of pages says of each, by place."""
SLACK = 8
"""Eight bytes may be read from any byte of a page."""
TOO_WIDE = -2
_WIDTH_MAX = 31


@njit(nogil=True)
def varint(data: Any, at: Any, end: Any) -> Any:
    """(number, place behind it, −1 if there is none)."""
    number, shift = np.int64(0), np.int64(0)
    while at < end and shift < 63:
        byte = np.int64(data[at])
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    return np.int64(0), np.int64(-1)


@njit(nogil=True)
def _packed(data: Any, at: Any, width: Any, count: Any, out: Any, first: Any) -> None:
    """`count` numbers of `width` bits that lie one behind the other. The bytes of all of them are there."""
    wide = np.uint64(width)
    mask = (np.uint64(1) << wide) - np.uint64(1)
    groups = count >> 3
    to = first
    if 0 < width <= 8:
        for _ in range(groups):
            word = load64(data, at)
            for k in range(8):
                put(out, to + k, word & mask)
                word >>= wide
            at += width
            to += 8
    elif 0 < width <= 16:
        half, shift = at + (width >> 1), np.uint64((width & 1) * 4)
        for _ in range(groups):
            word, other = load64(data, at), load64(data, half) >> shift
            for k in range(4):
                put(out, to + k, word & mask)
                put(out, to + 4 + k, other & mask)
                word >>= wide
                other >>= wide
            at += width
            half += width
            to += 8
    else:
        groups = 0
    bit = at * 8
    for k in range(groups * 8, count):
        put(out, first + k, (load64(data, bit >> 3) >> np.uint64(bit & 7)) & mask)
        bit += width


@njit(nogil=True)
def _hybrid(data: Any, at: Any, end: Any, width: Any, count: Any, out: Any, first: Any) -> Any:
    """`count` numbers of `width` bits, in runs and packed, to `out` from `first`; 0, or −1."""
    done = np.int64(0)
    mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
    size = (width + 7) // 8
    while done < count:
        header, at = varint(data, at, end)
        if at < 0:
            return -1
        if header & 1:
            groups = header >> 1
            if groups > end:
                return -1
            taken = min(groups * 8, count - done)
            if at + (taken * width + 7) // 8 > end:
                return -1
            _packed(data, at, width, taken, out, first + done)
            at = min(at + groups * width, end)
        else:
            if at + size > end:
                return -1
            number = load64(data, at) & mask
            at += size
            taken = min(header >> 1, count - done)
            for k in range(taken):
                put(out, first + done + k, number)
        done += taken
    return 0


@njit(nogil=True)
def levels_of(data: Any, at: Any, end: Any, width: Any, most: Any, count: Any, out: Any) -> Any:
    """Levels behind their length in four bytes: (the place behind them or −1, whether every one is `most` and none was
    written)."""
    if at + 4 > end:
        return np.int64(-1), False
    size = np.int64(load32(data, at))
    at += 4
    if size > end - at:
        return np.int64(-1), False
    header, behind = varint(data, at, at + size)
    if behind >= 0 and behind < at + size and header & 1 == 0 and header >> 1 >= count and data[behind] == most:
        return at + size, True
    if _hybrid(data, at, at + size, width, count, out, 0) < 0:
        return np.int64(-1), False
    return at + size, False


@njit(nogil=True)
def _numbers_within(data: Any, at: Any, end: Any, count: Any, limit: Any, bits: Any, out: Any, first: Any) -> Any:
    """Dictionary numbers, every one below `limit`, into an array for numbers of `bits`; 0, −1 or `TOO_WIDE`."""
    if count == 0:
        return 0
    if at >= end or data[at] > _WIDTH_MAX:
        return -1
    width = np.int64(data[at])
    if width > bits:
        return TOO_WIDE
    if _hybrid(data, at + 1, end, width, count, out, first) < 0:
        return -1
    highest = np.uint32(0)
    part = out[first : first + count]
    for k in range(count):
        highest = max(highest, np.uint32(part[k]))
    return 0 if highest < limit else -1


@njit(nogil=True, cache=True)
def flat_ids(data: Any, pages: Any, optional: Any, limit: Any, bits: Any, levels: Any, numbers: Any, out: Any) -> int:
    """Dictionary numbers of a flat column's pages; returns how many rows have none, −1 or `TOO_WIDE`. `levels` and
    `numbers` have room for any one page."""
    first, absent = np.int64(0), np.int64(0)
    for page in range(len(pages)):
        at, end, count = pages[page, BEGIN], pages[page, END], pages[page, COUNT]
        if count < 0 or count > len(levels) or count > len(numbers) or count > len(out) - first:
            return -1
        full = True
        if optional:
            at, full = levels_of(data, at, end, 1, 1, count, levels)
            if at < 0:
                return -1
        if full:
            answer = _numbers_within(data, at, end, count, limit, bits, out, first)
            if answer < 0:
                return answer
        else:
            present = np.int64(0)
            for k in range(count):
                present += levels[k]
            answer = _numbers_within(data, at, end, present, limit, bits, numbers, 0)
            if answer < 0:
                return answer
            source = np.int64(0)
            for k in range(count):
                # Behind the last number stands one that is not asked for, or nothing that is.
                here = levels[k] != 0
                put(out, first + k, np.uint64(numbers[min(source, count - 1)]) if here else np.uint64(limit))
                source += here
            absent += count - present
        first += count
    return absent if first == len(out) else -1


@njit(nogil=True, cache=True)
def list_ids(
    data: Any, pages: Any, nullable: Any, limit: Any, bits: Any, reps: Any, defs: Any, numbers: Any,
    offsets: Any, out: Any, absent: Any, state: Any,
) -> int:  # fmt: skip
    """Dictionary numbers of a list column's pages. `nullable`: bit 0 the list, bit 1 its elements. `offsets` and
    `absent` have one entry more than there are rows; nulls in lists are counted in `state[0]`. Returns how many numbers
    there are, −1 or `TOO_WIDE`."""
    deepest = 1 + (nullable & 1) + (nullable >> 1)
    hollow = deepest - 1 if nullable & 2 else -1
    least = nullable & 1
    rows = len(absent) - 1
    row, behind = np.int64(0), np.int64(0)
    for page in range(len(pages)):
        at, end, count = pages[page, BEGIN], pages[page, END], pages[page, COUNT]
        if count < 0 or count > len(reps) or count > len(defs) or count > len(numbers) or count > len(out) - behind:
            return -1
        at, _ = levels_of(data, at, end, 1, 2, count, reps)
        if at < 0:
            return -1
        at, full = levels_of(data, at, end, 2 if deepest > 1 else 1, deepest, count, defs)
        if at < 0:
            return -1
        present, none, begun = count if full else np.int64(0), np.int64(0), np.int64(0)
        for k in range(count):
            begun += reps[k] == 0
        if begun > rows - row or (count and row == 0 and reps[0] != 0):
            return -1
        if not full:
            for k in range(count):
                present += defs[k] == deepest
                none += defs[k] == hollow
        if none:
            answer = _numbers_within(data, at, end, present, limit, bits, numbers, 0)
        else:
            answer = _numbers_within(data, at, end, present, limit, bits, out, behind)
        if answer < 0:
            return answer
        # Written as if a row began with every level; the next that does begin writes over it.
        if full:
            absent[row : row + begun] = False
            for k in range(count):
                put(offsets, row, np.uint64(behind + k))
                row += reps[k] == 0
            behind += count
            continue
        if none:
            state[0] += none
            _with_none(defs, count, deepest, hollow, limit, numbers, out, behind)
        lowest = hollow if none else deepest
        for k in range(count):
            level = defs[k]
            put(offsets, row, np.uint64(behind))
            put(absent, row, np.uint64(level < least))
            row += reps[k] == 0
            behind += (level == deepest) | (level == lowest)
    return behind if row == rows else -1


@njit(nogil=True)
def _with_none(defs: Any, count: Any, deepest: Any, hollow: Any, limit: Any, numbers: Any, out: Any, to: Any) -> None:
    """The numbers of a page to where its elements are, `limit` for one that is null."""
    source = np.int64(0)
    for k in range(count):
        if defs[k] == deepest:
            put(out, to, np.uint64(numbers[source]))
            source += 1
            to += 1
        elif defs[k] == hollow:
            put(out, to, np.uint64(limit))
            to += 1
