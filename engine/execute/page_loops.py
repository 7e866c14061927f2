"""The loops over Parquet pages, compiled by numba without the GIL.

In: pages as bytes; out: numbers written into arrays of the caller. A page comes from a file and may
hold anything: every loop checks its bounds and answers −1 where the page is not what it should be.
"""

# mypy: disable-error-code="untyped-decorator, assignment, no-any-return, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from engine.execute.bytes64 import load64, store64

KIND, WHOLE, PACKED, VALUES, ENCODING, DEF_ENCODING, REP_ENCODING, DEF_BYTES, REP_BYTES, IS_PACKED, AT = range(11)
"""What `page_headers` tells of a page, by place."""
DATA, DICTIONARY, DATA_2 = 0, 2, 3
PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY = 0, 2, 3, 8
LITTLE, BIG = 0, 1
_DEPTH_MAX = 8


@njit(nogil=True, cache=True)
def page_headers(data: Any, values: Any, out: Any) -> int:
    """The headers (Thrift, compact) of a column chunk's pages until `values` values are there; returns how many, or −1.

    `out` is all 0 with a row a page.
    """
    at, count, seen, end = 0, 0, 0, len(data)
    last = np.zeros(_DEPTH_MAX, np.int64)
    while seen < values:
        if count == len(out):
            return -1
        row = out[count]
        row[IS_PACKED] = 1
        depth = 0
        last[0] = 0
        while True:
            if at >= end:
                return -1
            byte = np.int64(data[at])
            at += 1
            if byte == 0:
                if depth == 0:
                    break
                depth -= 1
                continue
            kind = byte & 15
            if byte >> 4:
                last[depth] += byte >> 4
            else:
                number, at = _varint(data, at)
                if at < 0:
                    return -1
                last[depth] = (number >> 1) ^ -(number & 1)
            field = last[depth]
            if kind == 1 or kind == 2:
                if depth == 1 and last[0] == 8 and field == 7:
                    row[IS_PACKED] = kind == 1
            elif 4 <= kind <= 6:
                number, at = _varint(data, at)
                if at < 0:
                    return -1
                _keep(row, depth, last[0], field, (number >> 1) ^ -(number & 1))
            elif kind == 3:
                at += 1
            elif kind == 7:
                at += 8
            elif kind == 8:
                number, at = _varint(data, at)
                if at < 0 or number < 0 or number > end - at:
                    return -1
                at += number
            elif kind == 12 and depth + 1 < _DEPTH_MAX:
                depth += 1
                last[depth] = 0
            else:
                return -1
        row[AT] = at
        if row[PACKED] < 0 or row[PACKED] > end - at or row[WHOLE] < 0 or row[VALUES] < 0:
            return -1
        at += row[PACKED]
        if row[KIND] != DICTIONARY:
            seen += row[VALUES]
        count += 1
    return count if seen == values else -1


@njit(nogil=True, inline="always")
def _keep(row: Any, depth: Any, parent: Any, field: Any, number: Any) -> None:
    if depth == 0:
        if field == 1:
            row[KIND] = number
        elif field == 2:
            row[WHOLE] = number
        elif field == 3:
            row[PACKED] = number
    elif depth == 1:
        if field == 1:
            row[VALUES] = number
        elif parent == 5 or parent == 7:
            if field == 2:
                row[ENCODING] = number
            elif field == 3 and parent == 5:
                row[DEF_ENCODING] = number
            elif field == 4 and parent == 5:
                row[REP_ENCODING] = number
        elif parent == 8:
            if field == 4:
                row[ENCODING] = number
            elif field == 5:
                row[DEF_BYTES] = number
            elif field == 6:
                row[REP_BYTES] = number


@njit(nogil=True)
def _varint(data: Any, at: Any) -> Any:
    """(number, place behind it, −1 if there is none)."""
    number, shift = np.int64(0), np.int64(0)
    while at < len(data) and shift < 63:
        byte = np.int64(data[at])
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    return np.int64(0), np.int64(-1)


@njit(nogil=True, inline="always")
def _four(page: Any, at: Any) -> Any:
    """Four bytes, the first lowest."""
    number = np.int64(0)
    for n in range(4):
        number |= np.int64(page[at + n]) << (8 * n)
    return number


@njit(nogil=True)
def _hybrid(page: Any, at: Any, end: Any, width: Any, count: Any, out: Any, base: Any) -> Any:
    """`count` numbers of `width` bits, in runs and packed, to `out` from `base`; 0, or −1."""
    done = np.int64(0)
    mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
    while done < count:
        header, at = _varint(page, at)
        if at < 0 or at > end:
            return -1
        if header & 1:
            groups = header >> 1
            taken = min(groups * 8, count - done)
            if groups > end or at + (taken * width + 7) // 8 > end:
                return -1
            first = base + done
            # As far as eight bytes are there; a number of up to 32 bits lies within them wherever it begins.
            quick = min(taken, max(np.int64(0), ((len(page) - 8 - at) * 8) // max(width, 1)))
            bit = at * 8
            for k in range(quick):
                out[first + k] = (load64(page, bit >> 3) >> np.uint64(bit & 7)) & mask
                bit += width
            for k in range(quick, taken):
                value = np.uint64(0)
                byte = bit >> 3
                for n in range(min(np.int64(6), len(page) - byte)):
                    value |= np.uint64(page[byte + n]) << np.uint64(8 * n)
                out[first + k] = (value >> np.uint64(bit & 7)) & mask
                bit += width
            at = min(at + groups * width, end)
            done += taken
        else:
            size = (width + 7) // 8
            if at + size > end:
                return -1
            value = np.uint64(0)
            for n in range(size):
                value |= np.uint64(page[at + n]) << np.uint64(8 * n)
            at += size
            taken = min(header >> 1, count - done)
            number = value & mask
            for k in range(taken):
                out[base + done + k] = number
            done += taken
    return 0


@njit(nogil=True)
def _levels(page: Any, at: Any, width: Any, count: Any, out: Any) -> Any:
    """Levels behind their length in four bytes; returns the place behind them, or −1."""
    if at + 4 > len(page):
        return -1
    size = _four(page, at)
    at += 4
    if size > len(page) - at or _hybrid(page, at, at + size, width, count, out, 0) < 0:
        return -1
    return at + size


@njit(nogil=True)
def _numbers_within(page: Any, at: Any, count: Any, limit: Any, out: Any, base: Any) -> Any:
    """Dictionary numbers, every one below `limit`; 0, or −1."""
    if count == 0:
        return 0
    if at >= len(page) or page[at] > 31:
        return -1
    if _hybrid(page, at + 1, len(page), np.int64(page[at]), count, out, base) < 0:
        return -1
    highest = np.uint32(0)
    for k in range(count):
        highest = max(highest, np.uint32(out[base + k]))
    return 0 if highest < limit else -1


@njit(nogil=True)
def _present(page: Any, optional: Any, count: Any, levels: Any) -> Any:
    """(place behind the levels or −1, how many cells hold something)."""
    if not optional:
        return np.int64(0), np.int64(count)
    at = _levels(page, 0, 1, count, levels)
    present = np.int64(0)
    for k in range(count):
        present += levels[k]
    return np.int64(at), present


@njit(nogil=True, cache=True)
def flat_ids(page: Any, optional: Any, count: Any, limit: Any, levels: Any, out: Any, base: Any) -> int:
    """Dictionary numbers of a flat column's page, −1 where there is no value; returns how many have none, or −1."""
    at, present = _present(page, optional, count, levels)
    if at < 0 or _numbers_within(page, at, present, limit, out, base) < 0:
        return -1
    if present < count:
        # Backwards in place: a value never moves to the left.
        source = present
        for k in range(count - 1, -1, -1):
            if levels[k]:
                source -= 1
                out[base + k] = out[base + source]
            else:
                out[base + k] = -1
    return count - present


@njit(nogil=True, cache=True)
def flat_fixed(
    page: Any, optional: Any, count: Any, size: Any, order: Any, levels: Any, out: Any, missing: Any,
    base: Any,
) -> int:  # fmt: skip
    """Whole numbers of `size` bytes of a flat column's page as 64 bits; returns how many cells have none, or −1."""
    at, present = _present(page, optional, count, levels)
    if at < 0 or size < 1 or present > (len(page) - at) // size:
        return -1
    for k in range(count):
        if present < count:
            missing[base + k] = levels[k] == 0
            if levels[k] == 0:
                out[base + k] = 0
                continue
        value = np.uint64(0)
        if order == BIG:
            negative = page[at] >= 0x80
            if negative:
                value = ~value
            for n in range(size):
                if n < size - 8:
                    if page[at + n] != (0xFF if negative else 0):
                        return -1
                else:
                    value = (value << np.uint64(8)) | np.uint64(page[at + n])
            if size > 8 and (np.int64(value) < 0) != negative:
                return -1
            out[base + k] = np.int64(value)
        elif size == 4:
            for n in range(4):
                value |= np.uint64(page[at + n]) << np.uint64(8 * n)
            out[base + k] = np.int64(np.int32(np.uint32(value)))
        elif size == 8:
            for n in range(8):
                value |= np.uint64(page[at + n]) << np.uint64(8 * n)
            out[base + k] = np.int64(value)
        else:
            return -1
        at += size
    return count - present


@njit(nogil=True, cache=True)
def flat_texts(page: Any, optional: Any, count: Any, levels: Any, data: Any, ends: Any, missing: Any) -> int:
    """Texts of a flat column's page, one behind the other; returns how many bytes they have, or −1."""
    at, present = _present(page, optional, count, levels)
    if at < 0:
        return -1
    size, behind = len(page), np.int64(0)
    for k in range(count):
        if present < count and levels[k] == 0:
            missing[k] = True
        else:
            if at + 4 > size:
                return -1
            length = _four(page, at)
            at += 4
            if length > size - at or behind + length > len(data):
                return -1
            whole = length >> 3
            for n in range(whole):
                store64(data, behind + 8 * n, load64(page, at + 8 * n))
            for n in range(8 * whole, length):
                data[behind + n] = page[at + n]
            at += length
            behind += length
        ends[k] = behind
    return behind


@njit(nogil=True, cache=True)
def list_ids(
    page: Any, nullable: Any, deepest: Any, count: Any, limit: Any, reps: Any, defs: Any, numbers: Any,
    offsets: Any, out: Any, absent: Any, state: Any,
) -> int:  # fmt: skip
    """Dictionary numbers of a list column's page. `nullable`: bit 0 the list, bit 1 its elements. `state`: rows begun
    and numbers written so far; both grow. Returns 0, or −1."""
    at = _levels(page, 0, 1, count, reps)
    if at < 0:
        return -1
    at = _levels(page, at, 2 if deepest > 1 else 1, count, defs)
    if at < 0:
        return -1
    present = np.int64(0)
    for k in range(count):
        present += defs[k] == deepest
    if _numbers_within(page, at, present, limit, numbers, 0) < 0:
        return -1
    row, behind, source = np.int64(state[0]), np.int64(state[1]), np.int64(0)
    hollow = deepest - 1 if nullable & 2 else -1
    for k in range(count):
        level = np.int64(defs[k])
        if reps[k] == 0:
            if row >= len(absent):
                return -1
            offsets[row] = behind
            absent[row] = (nullable & 1) != 0 and level == 0
            row += 1
        elif row == 0:
            return -1
        if level == deepest:
            out[behind] = numbers[source]
            source += 1
            behind += 1
        elif level == hollow:
            out[behind] = -1
            behind += 1
    state[0], state[1] = row, behind
    return 0
