"""Points of many DIP cases, exact in 128 bits, compiled by numba: what `dip_scoring` says case by case.

In: columns of cases and the deviation bands as integers; out: points ×10⁴ (rounded once, a half upwards), the band,
and whether a case is paid at cost. Numbers that would not fit, or a negative result, are left to exact fractions.
It knows no hospital and no price.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pointvalue.cases import I64
from pointvalue.fixed_wide import (
    add_wide,
    below_wide,
    compiled,
    divide_half_up_wide,
    multiply,
    multiply_wide,
    reduce_e6,
    subtract_wide,
)

NULL = -(2**63)
DONE, AT_COST, BY_FRACTIONS, NO_BAND = range(4)
ROW_GROUP, ROW_BLANK = 0, 1
LO, LO_INCLUSIVE, HI, HI_INCLUSIVE, FORMULA, APPLY_HOSPITAL, APPLY_AUX = range(7)
RATIO, RATIO_MINUS_1, RATIO_MINUS_2_PLUS_H, H, ONE, AT_COST_FORMULA, REVIEW = range(7)
REMEMBERED = 256
_LAST = REMEMBERED - 1
_ZERO = np.uint64(0)
_E6 = np.uint64(10**6)
_TOP = np.uint64(1 << 63)


@compiled
def times(fits: Any, a: Any, b: Any) -> Any:
    """(fits, a·b) of numbers that stay under 2⁶³."""
    high, low = multiply(a, b)
    return fits and high == _ZERO and low < _TOP, low


@compiled
def side_of(numerator: Any, denominator: Any, limit_e6: Any) -> Any:
    """(fits, −1/0/1): where numerator ÷ denominator lies beside a limit ×10⁶."""
    left_high, left_low = multiply(numerator, _E6)
    right_high, right_low = multiply(denominator, np.uint64(limit_e6))
    if below_wide(left_high, left_low, right_high, right_low):
        return -1
    return 1 if below_wide(right_high, right_low, left_high, left_low) else 0


@compiled
def difference(a: Any, a_under: Any, b: Any, b_under: Any, plus: Any) -> Any:
    """(fits, rounded) of a ÷ a_under ± b ÷ b_under; a negative difference does not fit."""
    a_high, a_low = multiply(a, b_under)
    b_high, b_low = multiply(b, a_under)
    under_high, under_low = multiply(a_under, b_under)
    if plus:
        fits, high, low = add_wide(a_high, a_low, b_high, b_low)
    else:
        fits = not below_wide(a_high, a_low, b_high, b_low)
        high, low = subtract_wide(a_high, a_low, b_high, b_low)
    rounds, value = divide_half_up_wide(high, low, under_high, under_low)
    return fits and rounds, value


@compiled
def by_formula(formula: int, x: Any, x_under: Any, y: Any, y_under: Any, h: Any, h_under: Any) -> Any:
    """(fits, points ×10⁴) of a band's formula; x: cost in points, y: base points, both with what still applies."""
    fits = True
    if formula in (ONE, REVIEW):
        return divide_half_up_wide(_ZERO, y, _ZERO, y_under)
    if formula == H:
        fits, y = times(fits, y, h)
        fits, y_under = times(fits, y_under, h_under)
        rounds, value = divide_half_up_wide(_ZERO, y, _ZERO, y_under)
        return fits and rounds, value
    if formula == RATIO:
        return divide_half_up_wide(_ZERO, x, _ZERO, x_under)
    if formula == AT_COST_FORMULA:
        fits, x = times(fits, x, h_under)
        fits, x_under = times(fits, x_under, h)
        rounds, value = divide_half_up_wide(_ZERO, x, _ZERO, x_under)
        return fits and rounds, value
    if formula == RATIO_MINUS_1:
        return difference(x, x_under, y, y_under, False)
    twice = np.uint64(2) * h_under
    plus = h >= twice
    fits, y = times(fits, y, h - twice if plus else twice - h)
    fits, y_under = times(fits, y_under, h_under)
    within, value = difference(x, x_under, y, y_under, plus)
    return fits and within, value


@compiled
def ratio_of(
    cost: int, points: int, kn: int, ku: int, on: int, ou: int, an: int, au: int, hn: int
) -> Any:  # fmt: skip
    """(status, cost in points, points a point of cost stands for, over, under): over ÷ under is the cost ratio.

    K, own factor, auxiliary factor and h come in lowest terms.
    """
    if points == 0:
        return AT_COST, _ZERO, _ZERO, _ZERO, _ZERO
    if kn == 0 or on == 0 or an == 0 or hn == 0:
        return BY_FRACTIONS, _ZERO, _ZERO, _ZERO, _ZERO
    fits, cost_in_points = times(True, np.uint64(cost), np.uint64(100 * ku))
    fits, cost_in_points = times(fits, cost_in_points, np.uint64(ou))
    fits, per_point = times(fits, np.uint64(kn), np.uint64(on))
    fits, over = times(fits, cost_in_points, np.uint64(au))
    fits, under = times(fits, np.uint64(points), np.uint64(an))
    fits, under = times(fits, under, per_point)
    return DONE if fits else BY_FRACTIONS, cost_in_points, per_point, over, under


@compiled
def in_band(
    formula: int, apply_hospital: int, apply_aux: int, x: Any, x_under: Any, points: int, an: int, au: int, hn: int,
    hu: int,
) -> Any:  # fmt: skip
    """(fits, points ×10⁴) of a case in a band; x ÷ x_under is its cost in points."""
    fits, y, y_under = True, np.uint64(points), np.uint64(1)
    if apply_aux:
        fits, y = times(fits, y, np.uint64(an))
        y_under = np.uint64(au)
    else:
        fits, x = times(fits, x, np.uint64(au))
        fits, x_under = times(fits, x_under, np.uint64(an))
    if apply_hospital:
        fits, x = times(fits, x, np.uint64(hn))
        fits, x_under = times(fits, x_under, np.uint64(hu))
        fits, y = times(fits, y, np.uint64(hn))
        fits, y_under = times(fits, y_under, np.uint64(hu))
    if not fits:
        return False, np.int64(0)
    fits, value = by_formula(formula, x, x_under, y, y_under, np.uint64(hn), np.uint64(hu))
    return fits, np.int64(value) if fits else np.int64(0)


@compiled
def score_blank(cost: int, points: int, mean: int, factor: int, normal: int) -> Any:
    """(status, band, points ×10⁴) of the blank group: points × cost ÷ the row's own mean × factor."""
    if points == 0:
        return AT_COST, normal, 0
    if mean <= 0:
        return BY_FRACTIONS, normal, 0
    high, low = multiply(np.uint64(points), np.uint64(cost))
    fits, high, low = multiply_wide(high, low, np.uint64(factor))
    under_high, under_low = multiply(np.uint64(mean), _E6)
    rounds, value = divide_half_up_wide(high, low, under_high, under_low)
    done = fits and rounds
    return DONE if done else BY_FRACTIONS, normal, np.int64(value) if done else 0


@compiled
def remember(number: Any, held: Any, place: Any) -> None:
    """Put a number ×10⁶ in lowest terms at its place of `held`, where it is not there already."""
    held[place, 0] = number
    held[place, 1], held[place, 2] = reduce_e6(number)


@compiled
def score_rows(
    kind: I64, cost: I64, points: I64, aux: I64, k: I64, own: I64, h: I64, mean: I64, bands: I64, normal: int,
    blank_factor: int, held: I64, status: I64, band: I64, points_e4: I64,
) -> None:  # fmt: skip
    """Every case of the columns. `held`: zeros, `REMEMBERED` rows of three for each of four factors."""
    for i in range(len(kind)):
        if kind[i] == ROW_BLANK:
            status[i], band[i], points_e4[i] = score_blank(cost[i], points[i], mean[i], blank_factor, normal)
            continue
        # Few different factors come, and each is reduced about once.
        a, b = k[i] & _LAST, REMEMBERED + (own[i] & _LAST)
        c, d = 2 * REMEMBERED + (aux[i] & _LAST), 3 * REMEMBERED + (h[i] & _LAST)
        if held[a, 0] != k[i]:
            remember(k[i], held, a)
        if held[b, 0] != own[i]:
            remember(own[i], held, b)
        if held[c, 0] != aux[i]:
            remember(aux[i], held, c)
        if held[d, 0] != h[i]:
            remember(h[i], held, d)
        an, au, hn, hu = held[c, 1], held[c, 2], held[d, 1], held[d, 2]
        done, x, x_under, over, under = ratio_of(
            cost[i], points[i], held[a, 1], held[a, 2], held[b, 1], held[b, 2], an, au, hn
        )
        status[i], band[i], points_e4[i] = done, normal, 0
        if done != DONE:
            continue
        status[i] = NO_BAND
        for number in range(len(bands)):
            if bands[number, LO] != NULL:
                side = side_of(over, under, bands[number, LO])
                if side < 0 or (side == 0 and bands[number, LO_INCLUSIVE] == 0):
                    continue
            if bands[number, HI] != NULL:
                side = side_of(over, under, bands[number, HI])
                if side > 0 or (side == 0 and bands[number, HI_INCLUSIVE] == 0):
                    continue
            fits, value = in_band(
                bands[number, FORMULA], bands[number, APPLY_HOSPITAL], bands[number, APPLY_AUX],
                x, x_under, points[i], an, au, hn, hu,
            )  # fmt: skip
            status[i], band[i], points_e4[i] = DONE if fits else BY_FRACTIONS, number, value
            break
