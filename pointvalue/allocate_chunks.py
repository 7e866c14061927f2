"""Largest remainder 「最大余数法」 over more shares than memory should hold, in passes over columns of any kind.

In: points, two columns to work in (files mapped into memory will do), the factor and the total; out: whole fen that add
up to the total, exactly as `allocate.allocate_points` gives them. It holds one chunk and one histogram: the limit
between shares that get the fen left over and those that do not is found digit by digit, whatever the number of ties.
Which of several equal remainders come first only the caller knows: by case id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from pointvalue.allocate import SharesDoNotMeetTotal
from pointvalue.cases import I64
from pointvalue.fixed_wide import compiled, fits_63_bits, scaled_floor, total

CHUNK = 1 << 20
_DIGIT = 16
_AT_ONCE = 1 << 14
"""Rows of a chunk that one step after the other is done for."""
Run = Callable[..., Iterable[Any]]
"""As `map`: a function for every chunk, answers in their order."""
FirstOfTies = Callable[[I64, int], I64]
"""Of these rows, ascending, the given number whose case ids come first, ascending."""


def allocate_chunks(
    points_e4: I64,
    factor: Fraction,
    amount: int,
    out: I64,
    rests: I64,
    first_of_ties: FirstOfTies,
    run: Run = map,
) -> None:
    """Whole fen for points × factor into `out`; needs |amount − factor·Σ points| < 1. `rests` is scratch.

    `run` does the same to every chunk, in order or at once. Raises OverflowError for a factor of more than 63 bits.
    """
    numerator, denominator = factor.numerator, factor.denominator
    if not fits_63_bits(numerator, denominator):
        raise OverflowError(f"factor {factor} needs more than 63 bits; publish the point value with fewer decimals")
    digits = len(range(0, max(1, (denominator - 1).bit_length()), _DIGIT))

    def floor(each: slice) -> tuple[int, int, I64]:
        # Pieces that the processor's caches hold from one step to the next.
        of_points, of_fen, counts = 0, 0, np.zeros(1 << _DIGIT, np.int64)
        for low in range(each.start, each.stop, _AT_ONCE):
            some = slice(low, min(each.stop, low + _AT_ONCE))
            points = np.asarray(points_e4[some])
            fen, rest = scaled_floor(points, numerator, denominator, (out[some], rests[some]))
            of_points, of_fen = of_points + total(points), of_fen + total(fen)
            _count_digits(rest, 0, (digits - 1) * _DIGIT, counts)
        return of_points, of_fen, counts

    all_points, all_fen, highest = 0, 0, np.zeros(1 << _DIGIT, np.int64)
    for points, fen, counts in run(floor, chunks(len(points_e4))):
        all_points, all_fen = all_points + points, all_fen + fen
        highest += counts
    summed = numerator * all_points
    if abs(amount * denominator - summed) >= denominator:
        raise SharesDoNotMeetTotal(f"shares add up to {summed}/{denominator}, total is {amount}")
    left = amount - all_fen
    if not 0 <= left <= len(points_e4):
        raise SharesDoNotMeetTotal(f"{left} fen left over for {len(points_e4)} shares")
    if left:
        limit, ties = _limit(rests, left, digits, highest, run)
        handed = _hand_out(out, rests, limit, ties, first_of_ties, run)
        if handed != left:
            raise SharesDoNotMeetTotal(f"handed out {handed} fen, left were {left}")


def chunks(count: int) -> Iterator[slice]:
    """0..count in slices of a chunk."""
    for low in range(0, count, CHUNK):
        yield slice(low, min(count, low + CHUNK))


def _limit(rests: I64, left: int, digits: int, highest: I64, run: Run) -> tuple[int, int]:
    """(the smallest remainder that gets a fen, how many of those equal to it do): a fen for each of the `left` largest.

    One digit of 16 bits a pass, the highest first, of which `highest` says how often each stands there.
    """
    prefix, wanted, counts = 0, left, highest
    for digit in range(digits - 1, -1, -1):
        if digit < digits - 1:
            counts = _digits(rests, prefix, digit * _DIGIT, run)
        from_above = np.cumsum(counts[::-1])
        place = int(np.searchsorted(from_above, wanted))
        value = len(counts) - 1 - place
        wanted -= int(from_above[place] - counts[value])
        prefix = (prefix << _DIGIT) | value
    return prefix, wanted


def _digits(rests: I64, prefix: int, shift: int, run: Run) -> I64:
    def count(each: slice) -> I64:
        counts = np.zeros(1 << _DIGIT, np.int64)
        _count_digits(np.asarray(rests[each]), prefix, shift, counts)
        return counts

    found = np.zeros(1 << _DIGIT, np.int64)
    for counts in run(count, chunks(len(rests))):
        found += counts
    return found


def _hand_out(out: I64, rests: I64, limit: int, ties: int, first_of_ties: FirstOfTies, run: Run) -> int:
    """A fen more above the limit, and for some at it; returns how many."""

    def above(each: slice) -> tuple[int, I64]:
        raised, places = 0, []
        for low in range(each.start, each.stop, _AT_ONCE):
            part = np.asarray(rests[low : min(each.stop, low + _AT_ONCE)])
            more, count = _raise_above(part, limit, out[low : low + len(part)])
            equal = np.empty(count, np.int64)
            if count:
                _places_of(part, limit, low, equal)
                places.append(equal)
            raised += int(more)
        return raised, np.concatenate(places) if places else np.zeros(0, np.int64)

    found = list(run(above, chunks(len(out))))
    rows = np.concatenate([equal for _, equal in found])
    chosen = rows if ties == len(rows) else first_of_ties(rows, ties)
    assert len(chosen) == ties and (np.diff(chosen) > 0).all(), "as many ties as fen left, each once"
    for start in range(0, len(chosen), CHUNK):
        out[chosen[start : start + CHUNK]] += 1
    return int(sum(raised for raised, _ in found)) + len(chosen)


@compiled
def _count_digits(rests, prefix, shift, counts):  # type: ignore[no-untyped-def]
    """How many remainders that begin with `prefix` have each digit at `shift`."""
    above, mask = shift + 16, 65535
    for i in range(len(rests)):
        # Shifting by 64 is not defined; a remainder has 63 bits.
        head = rests[i] >> above if above < 64 else 0
        if head == prefix:
            counts[(rests[i] >> shift) & mask] += 1


@compiled
def _raise_above(rests, limit, out):  # type: ignore[no-untyped-def]
    """A fen more where the remainder is above the limit; returns to how many, and how many are equal to it."""
    above, equal = np.int64(0), 0
    for i in range(len(rests)):
        more = np.int64(rests[i] > limit)
        out[i] += more
        above += more
        equal += rests[i] == limit
    return above, equal


@compiled
def _places_of(rests, limit, first, places):  # type: ignore[no-untyped-def]
    """Where the remainders stand that are equal to the limit; the first is number `first`."""
    found = 0
    for i in range(len(rests)):
        if rests[i] == limit:
            places[found] = first + i
            found += 1
