"""The loops over bytes that the fast reader needs, compiled by numba without the GIL.

In: buffers of Arrow columns as numpy arrays. Out: numbers written into arrays of the caller. A cell a loop does not
know to be plain is marked, never guessed at. Indices come from Arrow offsets, which the caller has checked.
"""

# mypy: disable-error-code="untyped-decorator, assignment"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(29)
_FEN_DIGITS = 14
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@njit(nogil=True, inline="always")
def _hash(data: Any, first: Any, end: Any) -> Any:
    found = np.uint64(end - first) * _SECOND
    for at in range(first, end):
        found = (found ^ np.uint64(data[at])) * _MULTIPLIER
        found ^= found >> _SHIFT
    return found


@njit(nogil=True, cache=True)
def look_up(data: Any, starts: Any, ends: Any, slots: Any, hashes: Any, arena: Any, word_starts: Any, out: Any) -> int:
    """Number of each text in a vocabulary, −1 where it is not there; returns how many are not."""
    mask = np.uint64(len(slots) - 1)
    unknown = 0
    for i in range(len(starts)):
        first, end = np.int64(starts[i]), np.int64(ends[i])
        hashed = _hash(data, first, end)
        at = hashed & mask
        found = -1
        while slots[at] >= 0:
            word = slots[at]
            begin = word_starts[word]
            if hashes[word] == hashed and word_starts[word + 1] - begin == end - first:
                same = True
                for k in range(end - first):
                    if data[first + k] != arena[begin + k]:
                        same = False
                        break
                if same:
                    found = word
                    break
            at = (at + np.uint64(1)) & mask
        out[i] = found
        unknown += found < 0
    return unknown


@njit(nogil=True, cache=True)
def fill_slots(arena: Any, word_starts: Any, slots: Any, hashes: Any) -> None:
    """The hash table of a vocabulary anew. `slots` are all −1 and more than twice as many as words."""
    mask = np.uint64(len(slots) - 1)
    for word in range(len(word_starts) - 1):
        hashed = _hash(arena, word_starts[word], word_starts[word + 1])
        hashes[word] = hashed
        at = hashed & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = word


@njit(nogil=True, cache=True)
def split_codes(data: Any, starts: Any, ends: Any, counts: Any, token_starts: Any, token_ends: Any, odd: Any) -> int:
    """Codes joined by `|` or commas: bounds of every token, tokens per row; returns how many tokens there are."""
    total = 0
    for i in range(len(starts)):
        first, end = np.int64(starts[i]), np.int64(ends[i])
        counts[i] = 0
        if first == end:
            continue
        begin = first
        for at in range(first, end + 1):
            if at == end or data[at] == 0x7C or data[at] == 0x2C:
                token_starts[total], token_ends[total] = begin, at
                total += 1
                counts[i] += 1
                begin = at + 1
            elif data[at] > 0x7E:
                odd[i] = True
    return total


@njit(nogil=True, cache=True)
def fen_of_text(data: Any, starts: Any, ends: Any, out: Any, odd: Any) -> None:
    """Amounts as up to fourteen digits and up to two decimals; anything else is odd."""
    for i in range(len(starts)):
        first, end = np.int64(starts[i]), np.int64(ends[i])
        digits, decimals, value = 0, -1, np.int64(0)
        good = first < end
        for at in range(first, end):
            byte = data[at]
            if byte == 0x2E and decimals < 0:
                decimals = 0
            elif 0x30 <= byte <= 0x39 and digits < _FEN_DIGITS and decimals < 2:
                value = value * 10 + (np.int64(byte) - 0x30)
                if decimals >= 0:
                    decimals += 1
                else:
                    digits += 1
            else:
                good = False
                break
        if not good or digits == 0 or decimals == 0:
            out[i], odd[i] = 0, True
            continue
        if decimals <= 0:
            value *= 100
        elif decimals == 1:
            value *= 10
        out[i] = value


@njit(nogil=True, cache=True)
def days_of_text(data: Any, starts: Any, ends: Any, out: Any, odd: Any) -> None:
    """Days since 1970-01-01 of `2024-03-01`, with or without ` 12:30` or ` 12:30:00`; anything else is odd."""
    for i in range(len(starts)):
        first, end = np.int64(starts[i]), np.int64(ends[i])
        size = end - first
        out[i] = 0
        good = size == 10 or size == 16 or size == 19
        if good:
            for k in range(size):
                byte = data[first + k]
                if k == 4 or k == 7:
                    good &= byte == 0x2D
                elif k == 10:
                    good &= byte == 0x20 or byte == 0x54
                elif k == 13 or k == 16:
                    good &= byte == 0x3A
                else:
                    good &= (byte >= 0x30) & (byte <= 0x39)
        if not good:
            odd[i] = True
            continue
        year = np.int64(0)
        for k in range(4):
            year = year * 10 + (np.int64(data[first + k]) - 0x30)
        month = (np.int64(data[first + 5]) - 0x30) * 10 + (np.int64(data[first + 6]) - 0x30)
        day = (np.int64(data[first + 8]) - 0x30) * 10 + (np.int64(data[first + 9]) - 0x30)
        leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
        if year < 1900 or year > 2100 or month < 1 or month > 12 or day < 1:
            odd[i] = True
            continue
        longest = _MONTH_DAYS[month - 1] + (1 if leap and month == 2 else 0)
        if day > longest:
            odd[i] = True
            continue
        before = year - 1
        days = 365 * before + before // 4 - before // 100 + before // 400
        for k in range(month - 1):
            days += _MONTH_DAYS[k]
        if leap and month > 2:
            days += 1
        out[i] = days + day - 1 - 719162


@njit(nogil=True, cache=True)
def scaled_decimals(words: Any, times: Any, step: Any, limit: Any, exact: Any, out: Any, odd: Any) -> None:
    """Decimal cells (low, high) × `times` ÷ `step`, floored; odd beyond ±`limit` or, if `exact`, with a rest."""
    for i in range(len(words)):
        low, high = words[i, 0], words[i, 1]
        if high != low >> 63 or low > limit or low < -limit:
            out[i], odd[i] = 0, True
            continue
        value = low // step
        if exact and value * step != low:
            out[i], odd[i] = 0, True
            continue
        out[i] = value * times


@njit(nogil=True, cache=True)
def join_flags(ids: Any, offsets: Any, word_flags: Any, word_plain: Any, flags: Any, odd: Any) -> None:
    """Flags of all codes of a row, joined; a row with a code that is missing or not plain is odd."""
    for i in range(len(offsets) - 1):
        joined = np.uint8(0)
        for at in range(offsets[i], offsets[i + 1]):
            word = ids[at]
            if word < 0 or not word_plain[word]:
                odd[i] = True
            else:
                joined |= word_flags[word]
        flags[i] = joined


@njit(nogil=True, cache=True)
def of_dictionary(indices: Any, of_words: Any, out: Any) -> None:
    """Numbers of cells from the numbers of their dictionary's texts."""
    for i in range(len(indices)):
        out[i] = of_words[indices[i]]


@njit(nogil=True, cache=True)
def mark_not_plain(ids: Any, plain: Any, odd: Any) -> None:
    """Rows whose text is there and not plain."""
    for i in range(len(ids)):
        if ids[i] >= 0 and not plain[ids[i]]:
            odd[i] = True


@njit(nogil=True, cache=True)
def gather_views(views: Any, ids: Any, out: Any) -> int:
    """String views of texts by number; −1 takes the last. Returns how many −1 there are."""
    missing = 0
    last = len(views) - 1
    for i in range(len(ids)):
        at = ids[i]
        if at < 0:
            at = last
            missing += 1
        out[i, 0] = views[at, 0]
        out[i, 1] = views[at, 1]
    return missing


@njit(nogil=True, cache=True)
def mark_long(offsets: Any, longest: Any, at_least: Any, odd: Any) -> None:
    """Rows with more codes than any record has, or fewer than asked for."""
    for i in range(len(offsets) - 1):
        count = offsets[i + 1] - offsets[i]
        if count > longest or count < at_least:
            odd[i] = True


@njit(nogil=True, inline="always")
def _hash_view(low: Any, high: Any) -> Any:
    found = (low ^ (high * _SECOND)) * _MULTIPLIER
    return found ^ (found >> np.uint64(32))


@njit(nogil=True, cache=True)
def fill_view_slots(views: Any, count: Any, slots: Any) -> None:
    """The hash table of the texts that fit into a view: their view is their key. Longer ones are left out."""
    mask = np.uint64(len(slots) - 1)
    for word in range(count):
        low, high = views[word, 0], views[word, 1]
        if np.uint32(low & np.uint64(0xFFFFFFFF)) > 12:
            continue
        at = _hash_view(low, high) & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = word


@njit(nogil=True, cache=True)
def look_up_views(views: Any, valid: Any, has_valid: Any, bias: Any, words: Any, slots: Any, out: Any) -> int:
    """Number of each text by its view: −1 null, −2 not there, −3 too long for a view; returns how many are not known.

    `valid` are the bits of an Arrow validity buffer that begins `bias` bits before the first view.
    """
    mask = np.uint64(len(slots) - 1)
    unknown = 0
    for i in range(len(views)):
        if has_valid and not (valid[(i + bias) >> 3] >> ((i + bias) & 7)) & 1:
            out[i] = -1
            continue
        low, high = views[i, 0], views[i, 1]
        if np.uint32(low & np.uint64(0xFFFFFFFF)) > 12:
            out[i] = -3
            unknown += 1
            continue
        at = _hash_view(low, high) & mask
        found = -2
        while slots[at] >= 0:
            word = slots[at]
            if words[word, 0] == low and words[word, 1] == high:
                found = word
                break
            at = (at + np.uint64(1)) & mask
        out[i] = found
        unknown += found < 0
    return unknown


@njit(nogil=True, cache=True)
def compact(ids: Any, places: Any, used: Any) -> int:
    """Numbers as places among the texts that occur, in order of occurrence; returns how many do. `places` holds −1."""
    count = 0
    for i in range(len(ids)):
        word = ids[i]
        if word >= 0:
            if places[word] < 0:
                places[word] = count
                used[count] = word
                count += 1
            ids[i] = places[word]
    return count


@njit(nogil=True, cache=True)
def code_at_place(ids: Any, offsets: Any, place: Any, blank: Any, out: Any) -> None:
    """The code at `place` of every case; −1 where it has none there, or a blank one."""
    for i in range(len(offsets) - 1):
        at = offsets[i] + place[i]
        word = ids[at] if at < offsets[i + 1] else -1
        out[i] = -1 if word == blank else word


@njit(nogil=True, cache=True)
def marked_codes(ids: Any, offsets: Any, marks: Any, low: Any, high: Any, rank: Any, bounds: Any, out: Any) -> int:
    """Per case the distinct codes with a mark in low..high, by ascending rank; returns how many there are in all."""
    total = 0
    bounds[0] = 0
    for i in range(len(offsets) - 1):
        begin = total
        for at in range(offsets[i], offsets[i + 1]):
            if marks[at] < low or marks[at] > high:
                continue
            word = ids[at]
            place = total
            while place > begin and rank[out[place - 1]] > rank[word]:
                place -= 1
            if place > begin and rank[out[place - 1]] == rank[word]:
                continue
            for k in range(total, place, -1):
                out[k] = out[k - 1]
            out[place] = word
            total += 1
        bounds[i + 1] = total
    return total


@njit(nogil=True, cache=True)
def pick_lists(ids: Any, offsets: Any, rows: Any, out: Any) -> None:
    """The codes of these rows one after another."""
    at = 0
    for row in rows:
        for place in range(offsets[row], offsets[row + 1]):
            out[at] = ids[place]
            at += 1
