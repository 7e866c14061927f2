"""The loops over Parquet page headers and over values as they are, compiled by numba without the GIL.

In: bytes of a file or of its pages, `SLACK` of them or more behind the levels; out: numbers written into arrays of the
caller. A page comes from a file and may hold anything: every loop checks its bounds and answers −1 where the page is
not what it should be. Dictionary numbers are the matter of `page_runs`.
"""

# mypy: disable-error-code="untyped-decorator, assignment, no-any-return, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from engine.execute.bytes64 import load32, load64, store64, turned
from engine.execute.page_runs import BEGIN, COUNT, END, SLACK, levels_of, varint

KIND, WHOLE, PACKED, VALUES, ENCODING, DEF_ENCODING, REP_ENCODING, DEF_BYTES, REP_BYTES, IS_PACKED = range(10)
AT, START = 10, 11
"""What `page_headers` tells of a page, by place, and where it begins among all of them unpacked."""
DATA, DICTIONARY, DATA_2 = 0, 2, 3
PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY = 0, 2, 3, 8
LITTLE, BIG = 0, 1
_DEPTH_MAX = 8
_FRAME, _SKIPPED = 0xFD2FB528, 0x184D2A50
"""How a frame of zstd begins, and one that is skipped."""


@njit(nogil=True, cache=True)
def page_headers(data: Any, values: Any, out: Any) -> int:
    """The headers (Thrift, compact) of a column chunk's pages until `values` values are there; returns how many, or −1.

    `out` is all 0 with a row a page.
    """
    at, count, seen, start, end = 0, 0, 0, np.int64(0), len(data)
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
                number, at = varint(data, at, end)
                if at < 0:
                    return -1
                last[depth] = (number >> 1) ^ -(number & 1)
            field = last[depth]
            if kind == 1 or kind == 2:
                if depth == 1 and last[0] == 8 and field == 7:
                    row[IS_PACKED] = kind == 1
            elif 4 <= kind <= 6:
                number, at = varint(data, at, end)
                if at < 0:
                    return -1
                _keep(row, depth, last[0], field, (number >> 1) ^ -(number & 1))
            elif kind == 3:
                at += 1
            elif kind == 7:
                at += 8
            elif kind == 8:
                number, at = varint(data, at, end)
                if at < 0 or number < 0 or number > end - at:
                    return -1
                at += number
            elif kind == 12 and depth + 1 < _DEPTH_MAX:
                depth += 1
                last[depth] = 0
            else:
                return -1
        row[AT] = at
        row[START] = start
        if row[PACKED] < 0 or row[PACKED] > end - at or row[WHOLE] < 0 or row[VALUES] < 0:
            return -1
        at += row[PACKED]
        start += row[WHOLE]
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


@njit(nogil=True, cache=True)
def join_frames(data: Any, pages: Any) -> bool:
    """Makes the header of every page a frame that zstd skips, so that all pages are unpacked in one go. Only where each
    page is a frame that tells the page's own size; else nothing is changed, and the answer is no."""
    before = np.int64(0)
    for page in range(len(pages)):
        at, size = pages[page, AT], pages[page, PACKED]
        if at - before < 8 or size < 10 or at + 14 > len(data) or load32(data, at) != _FRAME:
            return False
        before = at + size
        told = np.int64(data[at + 4])
        alone, width = told >> 5 & 1, told >> 6
        if told & 3 or not (alone or width):
            return False
        number = load64(data, at + 6 - alone)
        if width == 0:
            number &= np.uint64(0xFF)
        elif width == 1:
            number = (number & np.uint64(0xFFFF)) + np.uint64(256)
        elif width == 2:
            number &= np.uint64(0xFFFFFFFF)
        if number != np.uint64(pages[page, WHOLE]):
            return False
    before = np.int64(0)
    for page in range(len(pages)):
        store64(data, before, np.uint64(_SKIPPED) | np.uint64(pages[page, AT] - before - 8) << np.uint64(32))
        before = pages[page, AT] + pages[page, PACKED]
    return True


@njit(nogil=True)
def _wide(data: Any, at: Any, size: Any) -> Any:
    """(a number of more than eight bytes, the highest first; whether 64 bits hold it)."""
    negative = data[at] >= 0x80
    for n in range(size - 8):
        if data[at + n] != (0xFF if negative else 0):
            return np.int64(0), False
    value = np.int64(turned(load64(data, at + size - 8)))
    return value, (value < 0) == negative


@njit(nogil=True, cache=True)
def flat_fixed(
    data: Any, pages: Any, optional: Any, size: Any, order: Any, levels: Any, out: Any, missing: Any
) -> int:  # fmt: skip
    """Whole numbers of `size` bytes of a flat column's pages as 64 bits; returns how many rows have none, or −1."""
    if size < 1 or (order == LITTLE and size != 4 and size != 8):
        return -1
    first, absent = np.int64(0), np.int64(0)
    unused = np.int64(64 - 8 * size)
    for page in range(len(pages)):
        at, end, count = pages[page, BEGIN], pages[page, END], pages[page, COUNT]
        if count < 0 or count > len(levels) or count > len(out) - first:
            return -1
        present, full = count, True
        if optional:
            at, full = levels_of(data, at, end, 1, 1, count, levels)
            if at < 0:
                return -1
        if not full:
            present = np.int64(0)
            for k in range(count):
                present += levels[k]
        if present > (end - at) // size:
            return -1
        part = out[first : first + count]
        # Without nulls every value's place is known; but at the very end eight bytes can be read at once.
        quick = np.int64(0)
        if full and order == BIG and size <= 8 and len(data) - at >= 8:
            quick = min(count, (len(data) - at - 8) // size + 1)
        for k in range(quick):
            part[k] = np.int64(turned(load64(data, at + k * size))) >> unused
        at += quick * size
        for k in range(quick, count):
            if not full:
                missing[first + k] = levels[k] == 0
                if levels[k] == 0:
                    part[k] = 0
                    continue
            if order == LITTLE:
                part[k] = np.int64(np.int32(load32(data, at))) if size == 4 else np.int64(load64(data, at))
            elif size <= 8 and at + 8 <= len(data):
                part[k] = np.int64(turned(load64(data, at))) >> unused
            elif size <= 8:
                value = np.int64(np.int8(data[at]))
                for n in range(1, size):
                    value = value << 8 | data[at + n]
                part[k] = value
            else:
                value, fits = _wide(data, at, size)
                if not fits:
                    return -1
                part[k] = value
            at += size
        absent += count - present
        first += count
    return absent if first == len(out) else -1


@njit(nogil=True, cache=True)
def flat_texts(
    data: Any, pages: Any, optional: Any, levels: Any, texts: Any, behind: Any, ends: Any, missing: Any
) -> int:  # fmt: skip
    """Texts of a flat column's page to `texts` from `behind`, which has `SLACK` bytes more than they can have; returns
    the place behind them, or −1."""
    at, end, count = pages[0, BEGIN], pages[0, END], pages[0, COUNT]
    room = len(texts) - SLACK
    if count < 0 or count > len(levels) or count > len(ends) or count > len(missing):
        return -1
    full = True
    if optional:
        at, full = levels_of(data, at, end, 1, 1, count, levels)
        if at < 0:
            return -1
    for k in range(count):
        missing[k] = not full and levels[k] == 0
        if not missing[k]:
            if at + 4 > end:
                return -1
            length = np.int64(load32(data, at))
            at += 4
            if length > end - at or length > room - behind:
                return -1
            if at + length + 8 <= len(data):
                for n in range(0, length, 8):
                    store64(texts, behind + n, load64(data, at + n))
            else:
                for n in range(length):
                    texts[behind + n] = data[at + n]
            at += length
            behind += length
        ends[k] = behind
    return behind
