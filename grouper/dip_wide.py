"""128-bit products and distances for the nearest-cost rule, compiled by numba.

In: int64 numbers that are not negative; out: (high, low) pairs of uint64, or comparisons of them.
Reference costs are products of points, factor and K that pass 64 bits; nothing is rounded or divided here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grouper.jit import inlined

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
ZERO = np.uint64(0)
ONE = np.uint64(1)


@inlined
def multiply(a: Any, b: Any) -> Any:
    """(high, low) of a × b."""
    x, y = np.uint64(a), np.uint64(b)
    x_low, x_high = x & LOW, x >> HALF
    y_low, y_high = y & LOW, y >> HALF
    low = x_low * y_low
    middle = x_high * y_low + (low >> HALF)
    cross = x_low * y_high + (middle & LOW)
    return x_high * y_high + (middle >> HALF) + (cross >> HALF), (cross << HALF) | (low & LOW)


@inlined
def below(a_high: Any, a_low: Any, b_high: Any, b_low: Any) -> bool:
    """a < b."""
    return bool(a_high < b_high or (a_high == b_high and a_low < b_low))


@inlined
def distance(a_high: Any, a_low: Any, b_high: Any, b_low: Any) -> Any:
    """|a − b|."""
    if below(a_high, a_low, b_high, b_low):
        a_high, a_low, b_high, b_low = b_high, b_low, a_high, a_low
    borrow = ONE if a_low < b_low else ZERO
    return a_high - b_high - borrow, a_low - b_low
