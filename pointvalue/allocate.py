"""Largest remainder 「最大余数法」: exact shares become whole fen that add up to the total, not a fen off.

In: exact shares in order of their keys and the total; out: integers in the same order.
Each gets its floor; the fen left go one each to the largest remainders, ties to the earlier key. Negative shares work
the same way. No share moves a whole fen from its exact value; a larger total may still lower one share by a fen
(the method's known paradox). It never sorts keys: order is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from pointvalue.cases import I64
from pointvalue.fixed import exact, floor


class SharesDoNotMeetTotal(ArithmeticError):
    """The shares to allocate are a whole fen or more away from the total."""


def allocate(shares: Sequence[Fraction], total: int) -> list[int]:
    """Whole fen for a few exact shares; needs |total − Σ shares| < 1."""
    if abs(total - sum(shares, Fraction(0))) >= 1:
        raise SharesDoNotMeetTotal(f"shares add up to {sum(shares, Fraction(0))}, total is {total}")
    amounts = [floor(share) for share in shares]
    left = total - sum(amounts)
    by_remainder = sorted(range(len(shares)), key=lambda place: (amounts[place] - shares[place], place))
    for place in by_remainder[:left]:
        amounts[place] += 1
    _assert_total(sum(amounts), total)
    return amounts


def prorate(weights: Sequence[int | Fraction], total: int) -> list[int]:
    """A total split in proportion to weights ≥ 0; nothing to anyone when all weights are zero."""
    if any(weight < 0 for weight in weights):
        raise ValueError("prorate needs weights that are not negative")
    whole = sum(weights, Fraction(0))
    if whole == 0:
        return [0] * len(weights)
    return allocate([exact(total * weight, whole) for weight in weights], total)


def allocate_points(points_e4: I64, factor: Fraction, total: int) -> I64:
    """Whole fen for points × factor, a million at a time; needs |total − factor·Σ points| < 1.

    `factor` is fen per stored point. A factor too fine for 63 bits is worked in Python integers: slower, as exact.
    """
    # numba is loaded only where columns are settled; a single case never comes here.
    from pointvalue import fixed_wide

    numerator, denominator = factor.numerator, factor.denominator
    summed = numerator * fixed_wide.total(points_e4)
    if abs(total * denominator - summed) >= denominator:
        raise SharesDoNotMeetTotal(f"shares add up to {summed}/{denominator}, total is {total}")
    if not fixed_wide.fits_63_bits(numerator, denominator):
        return _allocate_large(points_e4, factor, total)
    floors, remainders = fixed_wide.scaled_floor(points_e4, numerator, denominator)
    left = total - fixed_wide.total(floors)
    floors[_largest(remainders, left)] += 1
    _assert_total(fixed_wide.total(floors), total)
    return floors


def _largest(remainders: I64, left: int) -> I64:
    """Rows of the `left` largest remainders, among equals the earlier rows. Linear, whatever the number of ties."""
    count = remainders.size
    if left == 0:
        return np.zeros(0, np.int64)
    if not 0 <= left <= count:
        raise SharesDoNotMeetTotal(f"{left} fen left over for {count} shares")
    threshold = np.partition(remainders, count - left)[count - left]
    above = np.flatnonzero(remainders > threshold)
    ties = np.flatnonzero(remainders == threshold)[: left - above.size]
    return np.concatenate([above, ties])


def _allocate_large(points_e4: I64, factor: Fraction, total: int) -> I64:
    amounts = allocate([factor * int(points) for points in points_e4], total)
    return np.array(amounts, dtype=np.int64)


def _assert_total(found: int, total: int) -> None:
    if found != total:
        raise SharesDoNotMeetTotal(f"allocated {found} fen, total is {total}")
