"""The loops that make Parquet pages, compiled by numba without the GIL.

In: numbers and texts as arrays; out: bytes in a buffer of the caller, who has made it large enough (`packed_size`,
`differences_size`). Forms are those of the Parquet specification: runs and bit-packed numbers (RLE), packed differences
(DELTA_BINARY_PACKED), texts without what they share with the text before (DELTA_BYTE_ARRAY).
"""

# mypy: disable-error-code="untyped-decorator, assignment, no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np

from engine.execute.bytes64 import alike_bytes, load64, store64
from grouper.jit import entry, inlined, u

RUN = 504
"""Numbers packed together: as many as a header of one byte can name."""
BLOCK, SMALL = 128, 32
"""Differences with a least one in common, and of these with a width in common."""
SLACK = 16
"""Bytes behind the last one that a loop may touch."""


def packed_size(count: int, width: int) -> int:
    """Room for `count` numbers of `width` bits in runs."""
    runs = -(-count // RUN)
    return runs * (RUN // 8 * width + 16) + SLACK


def differences_size(count: int) -> int:
    """Room for `count` numbers as differences."""
    return 64 + -(-count // BLOCK) * (16 + BLOCK * 8) + SLACK


@inlined
def _varint(number: Any, out: Any, at: Any) -> Any:
    rest = np.uint64(number)
    while rest >= np.uint64(0x80):
        out[at] = np.uint8(rest & np.uint64(0x7F)) | np.uint8(0x80)
        rest >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(rest)
    return at + 1


@inlined
def _zigzag(number: Any) -> Any:
    return np.uint64((number << np.int64(1)) ^ (number >> np.int64(63)))


@inlined
def bits_of(number: Any) -> Any:
    """How many bits a number without sign needs."""
    rest, bits = np.uint64(number), np.int64(0)
    for step in (32, 16, 8, 4, 2, 1):
        if rest >> np.uint64(step):
            rest >>= np.uint64(step)
            bits += step
    return bits + np.int64(rest)


@inlined
def _four(values: Any, begin: Any, wide: Any) -> Any:
    """Four numbers of at most 16 bits side by side."""
    first, second = np.uint64(values[u(begin)]), np.uint64(values[u(begin + 1)])
    third, fourth = np.uint64(values[u(begin + 2)]), np.uint64(values[u(begin + 3)])
    return first | second << wide | (third | fourth << wide) << (wide + wide)


@inlined
def _pack(values: Any, begin: Any, count: Any, width: Any, out: Any, at: Any) -> Any:
    """`count` numbers (a multiple of 8) of 1 to 32 bits; returns the place behind them."""
    end, wide = at + count * width // 8, np.uint64(width)
    half = np.uint64(4) * wide
    if width <= 8:
        for k in range(begin, begin + count, 8):
            store64(out, at, _four(values, k, wide) | _four(values, k + 4, wide) << half)
            at += width
    elif width <= 16:
        # The second four begin within the byte in which the first end, or behind it.
        behind, shift = np.int64(half >> np.uint64(3)), half & np.uint64(7)
        for k in range(begin, begin + count, 8):
            low, high = _four(values, k, wide), _four(values, k + 4, wide)
            store64(out, at, low)
            left = low >> (half - shift) if shift else np.uint64(0)
            store64(out, at + behind, left | high << shift)
            at += width
    else:
        word, filled = np.uint64(0), np.uint64(0)
        for k in range(begin, begin + count):
            value = np.uint64(values[u(k)])
            word |= value << filled
            filled += wide
            if filled >= np.uint64(64):
                store64(out, at, word)
                at += 8
                filled -= np.uint64(64)
                word = value >> (wide - filled) if filled else np.uint64(0)
        if filled:
            store64(out, at, word)
    return end


@entry
def pack_runs(values: Any, count: Any, width: Any, out: Any, at: Any) -> int:
    """Numbers of 0 to 32 bits as runs of one number or packed; returns the place behind them. `values` has eight places
    more than `count`, which become 0."""
    size = (width + 7) // 8
    values[count : count + 8] = 0
    begin, same, waiting = np.int64(0), np.int64(0), np.int64(0)
    while begin < count or waiting:
        taken = min(np.int64(RUN), count - begin)
        alike, first = np.int64(0), np.int64(0)
        if taken:
            first = np.int64(values[begin])
            while alike < taken and np.int64(values[begin + alike]) == first:
                alike += 1
            if alike == taken and (waiting == 0 or first == same):
                same = first
                waiting += taken
                begin += taken
                continue
        if waiting:
            at = _varint(waiting << 1, out, at)
            for n in range(size):
                out[at] = np.uint8((same >> (8 * n)) & 0xFF)
                at += 1
            waiting = 0
        elif taken:
            groups = (taken + 7) // 8
            at = _varint((groups << 1) | 1, out, at)
            at = _pack(values, begin, groups * 8, width, out, at)
            begin += taken
    return at


@inlined
def _step(values: Any, at: Any) -> Any:
    return values[u(at)] - values[u(at - 1)]


@inlined
def _pack_steps(values: Any, begin: Any, count: Any, least: Any, width: Any, out: Any, at: Any) -> Any:
    """How far each of `SMALL` numbers lies beyond the one before it and `least`, in `width` bits, zeros behind the
    first `count`; returns the place behind them."""
    end = at + SMALL * width // 8
    word, filled, wide = np.uint64(0), np.uint64(0), np.uint64(width)
    for k in range(count):
        value = np.uint64(_step(values, begin + k) - least)
        word |= value << filled
        filled += wide
        if filled >= np.uint64(64):
            store64(out, at, word)
            at += 8
            filled -= np.uint64(64)
            word = value >> (wide - filled) if filled else np.uint64(0)
    while at < end:
        store64(out, at, word)
        word = np.uint64(0)
        at += 8
    return end


@entry
def pack_differences(values: Any, count: Any, out: Any, at: Any) -> int:
    """int64 numbers as DELTA_BINARY_PACKED; returns the place behind them. Differences wrap round, as readers' do."""
    at = _varint(BLOCK, out, at)
    at = _varint(BLOCK // SMALL, out, at)
    at = _varint(count, out, at)
    at = _varint(_zigzag(values[0] if count else np.int64(0)), out, at)
    begin = np.int64(1)
    while begin < count:
        taken = min(np.int64(BLOCK), count - begin)
        least = _step(values, begin)
        for k in range(begin + 1, begin + taken):
            least = min(least, _step(values, k))
        at = _varint(_zigzag(least), out, at)
        widths = at
        at += BLOCK // SMALL
        for small in range(BLOCK // SMALL):
            first = begin + small * SMALL
            own = max(min(np.int64(SMALL), begin + taken - first), np.int64(0))
            every = np.uint64(0)
            for k in range(first, first + own):
                every |= np.uint64(_step(values, k) - least)
            width = bits_of(every)
            out[widths + small] = width
            if width:
                at = _pack_steps(values, first, own, least, width, out, at)
        begin += taken
    return at


@entry
def number_words(numbers: Any, same: Any, places: Any, used: Any, out: Any, held: Any) -> Any:
    """Numbers of texts as places in order of first occurrence, those of nulls left out; returns how many texts and how
    many cells there are, or −1 if a number is none of a text. `same`: of every text the first like it, −1 for null; the
    last entry is that of number −1. `places` is −1 for every entry; `held` becomes 0 where a cell holds no text."""
    count, present = np.int64(0), np.int64(0)
    last = len(same) - 1
    held[: len(numbers)] = 1
    for i in range(len(numbers)):
        number = np.int64(numbers[i])
        if number >= last:
            return np.int64(-1), present
        entry = np.uint64(number if number >= 0 else last)
        place = places[entry]
        if place < 0:
            word = same[entry]
            if word < 0:
                held[i] = 0
                continue
            place = places[word]
            if place < 0:
                place = np.int32(count)
                places[word] = place
                used[count] = word
                count += 1
            places[entry] = place
        out[np.uint64(present)] = place
        present += 1
    return count, present


@entry
def scale_held(values: Any, held: Any, times: Any, bound: Any, out: Any) -> Any:
    """Values × `times` of the cells that hold one; returns how many do, and the place of the first beyond ±bound or
    −1. `held` is as long as the values, or empty where all hold one."""
    present, beyond = np.int64(0), False
    if len(held) == 0:
        for i in range(len(values)):
            beyond |= (values[i] > bound) | (values[i] < -bound)
            out[i] = values[i] * times
        present = len(values)
    else:
        for i in range(len(values)):
            own = held[i] != 0
            beyond |= own & ((values[i] > bound) | (values[i] < -bound))
            out[np.uint64(present)] = values[i] * times
            present += own
    if beyond:
        for i in range(len(values)):
            if (len(held) == 0 or held[i]) and (values[i] > bound or values[i] < -bound):
                return present, np.int64(i)
    return present, np.int64(-1)


@entry
def plain_words(data: Any, offsets: Any, used: Any, out: Any, at: Any) -> int:
    """Texts, each behind its length in four bytes; returns the place behind them."""
    for k in range(len(used)):
        first, end = offsets[used[k]], offsets[used[k] + 1]
        size = end - first
        for n in range(4):
            out[at + n] = np.uint8((size >> (8 * n)) & 0xFF)
        at += 4
        for n in range(size):
            out[at + n] = data[first + n]
        at += size
    return at


@inlined
def _shared(data: Any, one: Any, other: Any, most: Any) -> Any:
    """How many bytes two texts share from their begin, `most` at most."""
    alike, end = np.int64(0), np.int64(len(data)) - 8 - max(one, other)
    while alike + 8 <= most and alike <= end:
        same = alike_bytes(load64(data, one + alike), load64(data, other + alike))
        alike += same
        if same < 8:
            return alike
    while alike < most and data[u(one + alike)] == data[u(other + alike)]:
        alike += 1
    return alike


@inlined
def _behind(data: Any, one: Any, one_size: Any, other: Any, other_size: Any, alike: Any) -> Any:
    """Whether a text comes after another, with which it shares its first `alike` bytes and no more."""
    if alike == min(one_size, other_size):
        return one_size > other_size
    return data[u(one + alike)] > data[u(other + alike)]


@entry
def cut_texts(data: Any, offsets: Any, shared: Any, rest: Any, out: Any, at: Any, ends: Any) -> int:
    """Texts without what they share with the text before: how much that is, how long the rest, the rests one behind
    the other; returns the place behind them. `ends`: the number of the least text and of the greatest, by bytes."""
    least, greatest, quick = np.int64(0), np.int64(0), np.int64(len(data)) - 8
    count = np.int64(len(offsets)) - 1
    before, first = np.int64(offsets[0]), np.int64(offsets[0])
    for i in range(count):
        end = np.int64(offsets[u(i + 1)])
        size, before_size = end - first, first - before
        alike = np.int64(0)
        if i:
            alike = _shared(data, first, before, min(size, before_size))
            if _behind(data, first, size, before, before_size, alike):
                if greatest == i - 1:
                    greatest = i
                else:
                    other = np.int64(offsets[u(greatest)])
                    long = np.int64(offsets[u(greatest + 1)]) - other
                    if _behind(data, first, size, other, long, _shared(data, first, other, min(size, long))):
                        greatest = i
            elif least == i - 1:
                least = i
            else:
                other = np.int64(offsets[u(least)])
                long = np.int64(offsets[u(least + 1)]) - other
                if _behind(data, other, long, first, size, _shared(data, first, other, min(size, long))):
                    least = i
        shared[u(i)], rest[u(i)] = alike, size - alike
        n = first + alike
        to = at
        while n < end and n <= quick:
            store64(out, to, load64(data, n))
            n += 8
            to += 8
        while n < end:
            out[u(to)] = data[u(n)]
            n += 1
            to += 1
        at += size - alike
        before, first = first, end
    ends[0], ends[1] = least, greatest
    return at
