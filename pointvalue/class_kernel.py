"""Class and points of many cases at once: the compiled form of `reference.score_case`.

In: case columns and the tables of one scheme; out: rule, points ×10⁴ and a status per row.
r is never rounded: limits are compared by cross multiplication in 128 bits, and points are rounded once, after every
factor. A row whose numbers need more than 128 bits is marked SLOW and left to exact Python integers.
It never raises: a row it cannot settle carries a status, in order of precedence.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from pointvalue.class_tables import SHAPE_CODE, Col, End, KCol, SetCol
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
from pointvalue.terms import Shape


class Status(IntEnum):
    """What the kernel could say about a row."""

    DONE = 0
    SLOW = 1
    NO_CLASS_SET = 2
    NO_REFERENCE = 3
    NO_RULE = 4
    NO_K = 5
    NO_BUDGET_VALUE = 6


_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_TOP = np.uint64(1 << 63)
_E6 = 1_000_000
_DONE, _SLOW = int(Status.DONE), int(Status.SLOW)
_NO_SET, _NO_REFERENCE, _NO_RULE = int(Status.NO_CLASS_SET), int(Status.NO_REFERENCE), int(Status.NO_RULE)
_NO_K, _NO_BUDGET = int(Status.NO_K), int(Status.NO_BUDGET_VALUE)

_SHAPE, _COEFFICIENT, _AUX, _FLAG = int(Col.SHAPE), int(Col.COEFFICIENT), int(Col.AUX), int(Col.FLAG)
_FACTOR_N, _FACTOR_D, _ADD_N, _ADD_D = int(Col.FACTOR_N), int(Col.FACTOR_D), int(Col.ADD_N), int(Col.ADD_D)
_K_N, _K_D = int(Col.K_N), int(Col.K_D)
_DAYS_FROM, _DAYS_UPTO, _TOP_RULE = int(Col.DAYS_FROM), int(Col.DAYS_UPTO), int(Col.TOP)
_ABOVE, _ABOVE_IN, _ABOVE_N, _ABOVE_D = int(Col.ABOVE), int(Col.ABOVE_IN), int(Col.ABOVE_N), int(Col.ABOVE_D)
_BELOW, _BELOW_IN, _BELOW_N, _BELOW_D = int(Col.BELOW), int(Col.BELOW_IN), int(Col.BELOW_N), int(Col.BELOW_D)
_TCM_N, _TCM_D, _TCM_DAYS = int(Col.TCM_N), int(Col.TCM_D), int(Col.TCM_DAYS)
_END_NONE, _END_K = int(End.NONE), int(End.K)
_FROM_DAY, _RULE_START, _RULE_END = int(SetCol.FROM_DAY), int(SetCol.RULE_START), int(SetCol.RULE_END)
_K_START, _K_END = int(SetCol.K_START), int(SetCol.K_END)
_LIMIT_UPTO, _LIMIT_N, _LIMIT_D = int(KCol.UPTO_E4), int(KCol.K_N), int(KCol.K_D)

_BY_RATIO, _RAMP_ADD = SHAPE_CODE[Shape.BY_RATIO], SHAPE_CODE[Shape.RAMP_ADD]
_LINEAR_ADD, _EXCESS_PLUS_ONE = SHAPE_CODE[Shape.LINEAR_ADD], SHAPE_CODE[Shape.EXCESS_PLUS_ONE]
_EXCESS_PLUS_COEF, _DEDUCT, _CAP = SHAPE_CODE[Shape.EXCESS_PLUS_COEF], SHAPE_CODE[Shape.DEDUCT], SHAPE_CODE[Shape.CAP]
_CAPPED_BASE, _SCALED_COST = SHAPE_CODE[Shape.CAPPED_BASE], SHAPE_CODE[Shape.SCALED_COST]
_SCALED_BASE, _COST_POINTS = SHAPE_CODE[Shape.SCALED_BASE], SHAPE_CODE[Shape.COST_POINTS]
_TCM_BASE, _FFS, _EXCLUDE = SHAPE_CODE[Shape.TCM_BASE], SHAPE_CODE[Shape.FFS], SHAPE_CODE[Shape.EXCLUDE]


@compiled
def _compare(left_a: Any, left_b: Any, right_a: Any, right_b: Any) -> Any:
    """Sign of left_a·left_b − right_a·right_b, all ≥ 0, exact."""
    left_high, left_low = multiply(np.uint64(left_a), np.uint64(left_b))
    right_high, right_low = multiply(np.uint64(right_a), np.uint64(right_b))
    if below_wide(left_high, left_low, right_high, right_low):
        return -1
    if left_high == right_high and left_low == right_low:
        return 0
    return 1


@compiled
def _product(a: Any, b: Any) -> Any:
    """a·b of numbers ≥ 0, or −1 when it passes 63 bits."""
    high, low = multiply(np.uint64(a), np.uint64(b))
    if high != _ZERO or low >= _TOP:
        return -1
    return np.int64(low)


@compiled
def _k_of(k_limits: Any, start: Any, end: Any, base_e4: Any) -> Any:
    """Row of the K limit for these base points, or −1."""
    for row in range(start, end):
        if base_e4 <= k_limits[row, _LIMIT_UPTO]:
            return row
    return -1


@compiled
def _combine(
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
    steps = _product(base_e4, abs(flat_n))
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
    factor = _product(_product(aux_n, year_d), stay_n) if ok else -1
    divisor = _product(_product(aux_d, year_d), stay_d) if ok else -1
    added = _product(_product(extra_e4, year_n), _product(stay_n, aux_d)) if ok else -1
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
def _in_interval(rules: Any, rule: Any, ratio_n: Any, ratio_d: Any, k_n: Any, k_d: Any) -> Any:
    """Whether r = ratio_n ÷ ratio_d lies in the rule's cost ratio interval, ends as the rule says."""
    end = rules[rule, _ABOVE]
    if end != _END_NONE:
        limit_n = k_n if end == _END_K else rules[rule, _ABOVE_N]
        limit_d = k_d if end == _END_K else rules[rule, _ABOVE_D]
        sign = _compare(ratio_n, limit_d, limit_n, ratio_d)
        if sign < 0 or (sign == 0 and rules[rule, _ABOVE_IN] == 0):
            return False
    end = rules[rule, _BELOW]
    if end != _END_NONE:
        limit_n = k_n if end == _END_K else rules[rule, _BELOW_N]
        limit_d = k_d if end == _END_K else rules[rule, _BELOW_D]
        sign = _compare(ratio_n, limit_d, limit_n, ratio_d)
        if sign > 0 or (sign == 0 and rules[rule, _BELOW_IN] == 0):
            return False
    return True


@compiled
def _terms(
    shape: Any, base: Any, cost: Any, r_n: Any, r_d: Any, c_n: Any, c_d: Any, k_n: Any, k_d: Any,
    f_n: Any, f_d: Any, add_n: Any, add_d: Any, points_n: Any, points_d: Any, budget_n: Any, budget_d: Any,
) -> Any:  # fmt: skip
    """(flat_n, flat_d, slope_a, slope_b, slope_d): points = base·flat + slope_a·slope_b ÷ slope_d; −1: too large.

    Coefficient, K, factor and add are under 2³¹ above and below, so products of two of them stay in 63 bits.
    """
    flat_n, flat_d, slope_a, slope_b, slope_d = np.int64(0), np.int64(1), np.int64(0), np.int64(0), np.int64(1)
    if shape in (_BY_RATIO, _RAMP_ADD, _EXCESS_PLUS_ONE):
        slope_a, slope_b, slope_d = _product(base, c_n), r_n, _product(r_d, c_d)
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
        slope_a, slope_b, slope_d = _product(base, c_n), r_n, _product(r_d, c_d)
    elif shape == _SCALED_COST:
        slope_a, slope_b = _product(cost, f_n), _product(points_n, c_n)
        slope_d = _product(_product(points_d, f_d), c_d)
    elif shape == _SCALED_BASE:
        flat_n, flat_d = f_n * c_n, f_d * c_d
    elif shape == _COST_POINTS:
        slope_a, slope_b, slope_d = cost, _product(budget_d, c_n), _product(budget_n, c_d)
    else:
        flat_n, flat_d = c_n, c_d
    return flat_n, flat_d, slope_a, slope_b, slope_d


@compiled
def _first_rule(
    rules: Any, start: Any, end: Any, flags: Any, days: Any, tcm_ratio: Any, tcm_base: Any,
    rank: Any, top_limits: Any, pool: Any, has_ratio: Any, r_n: Any, r_d: Any, group_n: Any, group_d: Any,
) -> Any:  # fmt: skip
    """(rule, status) of the first rule whose condition holds."""
    for rule in range(start, end):
        wanted = rules[rule, _FLAG]
        if wanted != 0 and flags & wanted == 0:
            continue
        if days < rules[rule, _DAYS_FROM] or days > rules[rule, _DAYS_UPTO]:
            continue
        if rules[rule, _TCM_D] != 0 and (
            tcm_ratio < 0
            or days < rules[rule, _TCM_DAYS]
            or tcm_ratio * rules[rule, _TCM_D] < rules[rule, _TCM_N] * _E6
        ):
            continue
        if rules[rule, _SHAPE] == _TCM_BASE and tcm_base < 0:
            continue
        top = rules[rule, _TOP_RULE]
        if top >= 0 and rank >= top_limits[top, pool]:
            continue
        above, below = rules[rule, _ABOVE], rules[rule, _BELOW]
        if above != _END_NONE or below != _END_NONE:
            k_n, k_d = rules[rule, _K_N], rules[rule, _K_D]
            if k_d == 0:
                k_n, k_d = group_n, group_d
            if not has_ratio:
                return rule, _NO_REFERENCE
            if k_d == 0 and (above == _END_K or below == _END_K):
                return rule, _NO_K
            if not _in_interval(rules, rule, r_n, r_d, k_n, k_d):
                continue
        return rule, _DONE
    return -1, _NO_RULE


@compiled
def _missing(shape: Any, has_ratio: Any, k_d: Any, budget_n: Any) -> Any:
    """DONE, or the number the shape asks for and the case does not have."""
    if not has_ratio and shape in (
        _BY_RATIO, _RAMP_ADD, _LINEAR_ADD, _EXCESS_PLUS_ONE, _EXCESS_PLUS_COEF, _CAPPED_BASE
    ):  # fmt: skip
        return _NO_REFERENCE
    if k_d == 0 and shape in (_LINEAR_ADD, _EXCESS_PLUS_ONE, _EXCESS_PLUS_COEF, _DEDUCT, _CAP):
        return _NO_K
    if budget_n <= 0 and shape == _COST_POINTS:
        return _NO_BUDGET
    return _DONE


@compiled
def _set_of(sets: Any, day: Any) -> Any:
    """The class set in force on a day: the last that has begun, or −1. Sets ascend by first day."""
    which = -1
    for row in range(sets.shape[0]):
        if sets[row, _FROM_DAY] <= day:
            which = row
    return which


@compiled
def score_rows(
    rows: Any, pool: Any, value_day: Any, days: Any, cost: Any, base_e4: Any, reference: Any, flags: Any,
    coef_n: Any, coef_d: Any, aux: Any, tcm_ratio: Any, tcm_base: Any, extra_e4: Any, extra_year: Any, rank: Any,
    has_aux: Any, has_tcm: Any, has_extra: Any, year_n: Any, year_d: Any, stay_n: Any, stay_d: Any,
    readmitted_flag: Any, top_limits: Any, sets: Any, rules: Any, k_limits: Any, by_reference: Any,
    unit_n: Any, unit_d: Any, points_n: Any, points_d: Any, budget_n: Any, budget_d: Any,
    rule_out: Any, points_out: Any, status_out: Any,
) -> None:  # fmt: skip
    """Rule, points ×10⁴ and status of the cases in `rows`; outputs, coefficients and ranks are placed like `rows`."""
    for place in range(rows.size):
        i = rows[place]
        p, base = pool[i], base_e4[i]
        rule_out[place], points_out[place], status_out[place] = -1, 0, _NO_SET
        which = _set_of(sets, value_day[i])
        if which < 0:
            continue
        under = reference[i] if by_reference else base
        has_ratio = under > 0 and unit_d[p] > 0
        r_n = _product(cost[i], unit_n[p]) if has_ratio else np.int64(0)
        r_d = _product(under, unit_d[p]) if has_ratio else np.int64(1)
        if r_n < 0 or r_d < 0:
            status_out[place] = _SLOW
            continue
        limit = _k_of(k_limits, sets[which, _K_START], sets[which, _K_END], base)
        k_n = k_limits[limit, _LIMIT_N] if limit >= 0 else np.int64(0)
        k_d = k_limits[limit, _LIMIT_D] if limit >= 0 else np.int64(0)
        tcm = tcm_base[i] if has_tcm else np.int64(-1)
        rule, status = _first_rule(
            rules, sets[which, _RULE_START], sets[which, _RULE_END], flags[i], days[i],
            tcm_ratio[i] if has_tcm else np.int64(-1), tcm, rank[place] if rank.size else np.int64(0), top_limits, p,
            has_ratio, r_n, r_d, k_n, k_d,
        )  # fmt: skip
        rule_out[place], status_out[place] = rule, status
        if status != _DONE:
            continue
        shape = rules[rule, _SHAPE]
        if shape in (_FFS, _EXCLUDE):
            continue
        if rules[rule, _K_D] != 0:
            k_n, k_d = rules[rule, _K_N], rules[rule, _K_D]
        status_out[place] = _missing(shape, has_ratio, k_d, budget_n[p])
        if status_out[place] != _DONE:
            continue
        c_n, c_d = np.int64(1), np.int64(1)
        if rules[rule, _COEFFICIENT] != 0:
            c_n, c_d = coef_n[place], coef_d[place]
        if shape == _TCM_BASE:
            base = tcm
        flat_n, flat_d, slope_a, slope_b, slope_d = _terms(
            shape, base, cost[i], r_n, r_d, c_n, c_d, k_n, k_d,
            rules[rule, _FACTOR_N], rules[rule, _FACTOR_D], rules[rule, _ADD_N], rules[rule, _ADD_D],
            points_n[p], points_d[p], budget_n[p], budget_d[p],
        )  # fmt: skip
        a_n, a_d = np.int64(1), np.int64(1)
        if has_aux and rules[rule, _AUX] != 0 and aux[i] != _E6:
            a_n, a_d = reduce_e6(aux[i])
        extra, y_n, y_d = np.int64(0), np.int64(0), np.int64(1)
        if has_extra and extra_year[i] >= 1 and extra_year[i] <= year_n.size:
            extra, y_n, y_d = extra_e4[i], year_n[extra_year[i] - 1], year_d[extra_year[i] - 1]
        s_n, s_d = np.int64(1), np.int64(1)
        if flags[i] & readmitted_flag != 0:
            s_n, s_d = stay_n, stay_d
        fits, points = False, np.int64(0)
        if slope_a >= 0 and slope_b >= 0 and slope_d >= 0:
            fits, points = _combine(
                base, flat_n, flat_d, slope_a, slope_b, slope_d, a_n, a_d, extra, y_n, y_d, s_n, s_d
            )
        points_out[place] = points
        if not fits:
            status_out[place] = _SLOW
