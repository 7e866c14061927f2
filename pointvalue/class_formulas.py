"""The formulas of the classes in 128 bits 「病例分值公式」, for the kernel that scores cases.

In: integers of one case and one rule; out: points ×10⁴ rounded once, or that they do not fit. Helpers take scalars
only. Which rule holds is `pointvalue.class_kernel`'s business.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pointvalue.class_tables import SHAPE_CODE
from pointvalue.fixed_wide import (
    add_wide,
    below_wide,
    compiled,
    divide_half_up_wide,
    multiply,
    multiply_wide,
    subtract_wide,
)
from pointvalue.terms import Shape

_ZERO = np.uint64(0)
_TOP = np.uint64(1 << 63)

_BY_RATIO, _RAMP_ADD = SHAPE_CODE[Shape.BY_RATIO], SHAPE_CODE[Shape.RAMP_ADD]
_LINEAR_ADD, _EXCESS_PLUS_ONE = SHAPE_CODE[Shape.LINEAR_ADD], SHAPE_CODE[Shape.EXCESS_PLUS_ONE]
_EXCESS_PLUS_COEF, _DEDUCT, _CAP = SHAPE_CODE[Shape.EXCESS_PLUS_COEF], SHAPE_CODE[Shape.DEDUCT], SHAPE_CODE[Shape.CAP]
_CAPPED_BASE, _SCALED_COST = SHAPE_CODE[Shape.CAPPED_BASE], SHAPE_CODE[Shape.SCALED_COST]
_SCALED_BASE, _COST_POINTS = SHAPE_CODE[Shape.SCALED_BASE], SHAPE_CODE[Shape.COST_POINTS]


@compiled
def product(a: Any, b: Any) -> Any:
    """a·b of numbers ≥ 0, or −1 when it passes 63 bits."""
    high, low = multiply(np.uint64(a), np.uint64(b))
    if high != _ZERO or low >= _TOP:
        return -1
    return np.int64(low)


@compiled
def combine(
    base_e4: Any,
    flat_n: Any,
    flat_d: Any,
    slope_a: Any,
    slope_b: Any,
    slope_d: Any,
    aux_n: Any,
    aux_d: Any,
    extra_e4: Any,
    year_n: Any,
    year_d: Any,
    stay_n: Any,
    stay_d: Any,
) -> Any:
    """(fits, points ×10⁴) of ((base·flat + slope_a·slope_b ÷ slope_d) · aux + extra·year) · stay, rounded once.

    Only `flat_n` may be negative.
    """
    ok = slope_d > 0
    steps = product(base_e4, abs(flat_n))
    ok = ok and steps >= 0
    if not ok:
        return False, 0
    if slope_a == 0 and aux_n == aux_d and extra_e4 == 0 and stay_n == stay_d:
        # Most cases: base × coefficient, within 63 bits.
        fits, rounded = divide_half_up_wide(_ZERO, np.uint64(steps), _ZERO, np.uint64(flat_d))
        return fits, -np.int64(rounded) if flat_n < 0 else np.int64(rounded)
    high, low = multiply(np.uint64(steps), np.uint64(slope_d))
    over, under = multiply(np.uint64(slope_a), np.uint64(slope_b))
    fits, over, under = multiply_wide(over, under, np.uint64(flat_d))
    negative = False
    if flat_n >= 0:
        more, high, low = add_wide(high, low, over, under)
        ok = ok and more and fits
    elif below_wide(over, under, high, low):
        high, low = subtract_wide(high, low, over, under)
        negative = True
        ok = ok and fits
    else:
        high, low = subtract_wide(over, under, high, low)
        ok = ok and fits
    factor = product(product(aux_n, year_d), stay_n) if ok else -1
    divisor = product(product(aux_d, year_d), stay_d) if ok else -1
    added = product(product(extra_e4, year_n), product(stay_n, aux_d)) if ok else -1
    if factor < 0 or divisor < 0 or added < 0:
        return False, 0
    fits, high, low = multiply_wide(high, low, np.uint64(factor))
    bottom_high, bottom_low = multiply(np.uint64(flat_d), np.uint64(slope_d))
    if added > 0:
        more, extra_high, extra_low = multiply_wide(bottom_high, bottom_low, np.uint64(added))
        fits = fits and more
        if not negative:
            more, high, low = add_wide(high, low, extra_high, extra_low)
            fits = fits and more
        elif below_wide(extra_high, extra_low, high, low):
            high, low = subtract_wide(high, low, extra_high, extra_low)
        else:
            high, low = subtract_wide(extra_high, extra_low, high, low)
            negative = False
    more, bottom_high, bottom_low = multiply_wide(bottom_high, bottom_low, np.uint64(divisor))
    done, rounded = divide_half_up_wide(high, low, bottom_high, bottom_low)
    if not (fits and more and done):
        return False, 0
    return True, -np.int64(rounded) if negative else np.int64(rounded)


@compiled
def terms(
    shape: Any, base: Any, cost: Any, r_n: Any, r_d: Any, c_n: Any, c_d: Any, k_n: Any, k_d: Any,
    f_n: Any, f_d: Any, add_n: Any, add_d: Any, points_n: Any, points_d: Any, budget_n: Any, budget_d: Any,
) -> Any:  # fmt: skip
    """(flat_n, flat_d, slope_a, slope_b, slope_d): points = base·flat + slope_a·slope_b ÷ slope_d; −1: too large.

    Coefficient, K, factor and add are under 2³¹ above and below, so products of two of them stay in 63 bits.
    """
    flat_n, flat_d, slope_a, slope_b, slope_d = np.int64(0), np.int64(1), np.int64(0), np.int64(0), np.int64(1)
    if shape in (_BY_RATIO, _RAMP_ADD, _EXCESS_PLUS_ONE):
        slope_a, slope_b, slope_d = product(base, c_n), r_n, product(r_d, c_d)
        if shape == _RAMP_ADD:
            flat_n, flat_d = add_n * c_n, add_d * c_d
        elif shape == _EXCESS_PLUS_ONE:
            flat_n, flat_d = (k_d - k_n) * c_n, k_d * c_d
    elif shape in (_LINEAR_ADD, _EXCESS_PLUS_COEF):
        flat_n, flat_d = c_n * k_d - k_n * c_d, k_d * c_d
        slope_a, slope_b, slope_d = base, r_n, r_d
    elif shape == _DEDUCT:
        flat_n, flat_d = (k_d - k_n) * c_n, k_d * c_d
        slope_a, slope_b, slope_d = cost, points_n, points_d
    elif shape == _CAP:
        flat_n, flat_d = k_n * c_n, k_d * c_d
    elif shape == _CAPPED_BASE and r_n < r_d:
        slope_a, slope_b, slope_d = product(base, c_n), r_n, product(r_d, c_d)
    elif shape == _SCALED_COST:
        slope_a, slope_b = product(cost, f_n), product(points_n, c_n)
        slope_d = product(product(points_d, f_d), c_d)
    elif shape == _SCALED_BASE:
        flat_n, flat_d = f_n * c_n, f_d * c_d
    elif shape == _COST_POINTS:
        slope_a, slope_b, slope_d = cost, product(budget_d, c_n), product(budget_n, c_d)
    else:
        flat_n, flat_d = c_n, c_d
    return flat_n, flat_d, slope_a, slope_b, slope_d
