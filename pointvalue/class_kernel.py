"""Class and points of many cases at once: the compiled form of `reference.score_case`.

In: case columns and the tables of one scheme; out: class, points ×10⁴ and route of its rows, and which it cannot score.
r is never rounded: limits are compared by cross multiplication in 128 bits, and points are rounded once, after every
factor. A row whose numbers need more than 128 bits is listed as slow and left to exact Python integers.
It never raises: it names the first row it cannot settle, and why.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from pointvalue.class_formulas import combine, product, terms
from pointvalue.class_tables import SHAPE_CODE, SMALL, Asks, CellCol, Col, End, KCol, SetCol
from pointvalue.fixed_wide import (
    below_wide,
    compiled,
    half_up_e6,
    half_up_narrow,
    multiply,
    reduce_e6,
)
from pointvalue.terms import Shape


class Status(IntEnum):
    """What the kernel could say about a row."""

    DONE = 0
    NO_CLASS_SET = 2
    NO_REFERENCE = 3
    NO_RULE = 4
    NO_K = 5
    NO_BUDGET_VALUE = 6


class Found(IntEnum):
    """What the kernel says of all rows together: the number of slow rows, the first rows of two kinds (−1 where none is
    so), and the status of the one refused."""

    SLOW = 0
    REFUSED = 1
    WRONG_COEFFICIENT = 2
    STATUS = 3


_E6 = 1_000_000
_SMALL = SMALL
_NARROW = 1 << 32
REMEMBERED = 256
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SPREAD_SHIFT = np.uint64(56)
_DONE = int(Status.DONE)
_NO_SET, _NO_REFERENCE, _NO_RULE = int(Status.NO_CLASS_SET), int(Status.NO_REFERENCE), int(Status.NO_RULE)
_NO_K, _NO_BUDGET = int(Status.NO_K), int(Status.NO_BUDGET_VALUE)

_SHAPE, _COEFFICIENT, _AUX, _FLAG = int(Col.SHAPE), int(Col.COEFFICIENT), int(Col.AUX), int(Col.FLAG)
_FACTOR_N, _FACTOR_D, _ADD_N, _ADD_D = int(Col.FACTOR_N), int(Col.FACTOR_D), int(Col.ADD_N), int(Col.ADD_D)
_K_N, _K_D = int(Col.K_N), int(Col.K_D)
_DAYS_FROM, _DAYS_UPTO, _TOP_RULE = int(Col.DAYS_FROM), int(Col.DAYS_UPTO), int(Col.TOP)
_ABOVE, _ABOVE_IN, _ABOVE_N, _ABOVE_D = int(Col.ABOVE), int(Col.ABOVE_IN), int(Col.ABOVE_N), int(Col.ABOVE_D)
_BELOW, _BELOW_IN, _BELOW_N, _BELOW_D = int(Col.BELOW), int(Col.BELOW_IN), int(Col.BELOW_N), int(Col.BELOW_D)
_TCM_N, _TCM_D, _TCM_DAYS = int(Col.TCM_N), int(Col.TCM_D), int(Col.TCM_DAYS)
_ASKS = int(Col.ASKS)
_ASKS_FLAG, _ASKS_OTHER, _ASKS_RATIO = int(Asks.FLAG), int(Asks.OTHER), int(Asks.RATIO)
_FOUND_SLOW, _FOUND_REFUSED, _FOUND_WRONG = int(Found.SLOW), int(Found.REFUSED), int(Found.WRONG_COEFFICIENT)
_FOUND_STATUS = int(Found.STATUS)
_END_NONE, _END_K = int(End.NONE), int(End.K)
_FROM_DAY, _RULE_START, _RULE_END = int(SetCol.FROM_DAY), int(SetCol.RULE_START), int(SetCol.RULE_END)
_K_START, _K_END = int(SetCol.K_START), int(SetCol.K_END)
_PLAIN_START, _PLAIN_END = int(SetCol.PLAIN_START), int(SetCol.PLAIN_END)
_SET_CELLS, _LIMIT_CELLS = int(SetCol.CELLS), int(KCol.CELLS)
_CELL_START, _CELL_END, _CELL_FIRST = int(CellCol.START), int(CellCol.END), int(CellCol.FIRST)
_LIMIT_UPTO, _LIMIT_N, _LIMIT_D = int(KCol.UPTO_E4), int(KCol.K_N), int(KCol.K_D)

_NORMAL, _COEF_ONLY = SHAPE_CODE[Shape.NORMAL], SHAPE_CODE[Shape.COEF_ONLY]
_BY_RATIO, _RAMP_ADD = SHAPE_CODE[Shape.BY_RATIO], SHAPE_CODE[Shape.RAMP_ADD]
_LINEAR_ADD, _EXCESS_PLUS_ONE = SHAPE_CODE[Shape.LINEAR_ADD], SHAPE_CODE[Shape.EXCESS_PLUS_ONE]
_EXCESS_PLUS_COEF, _DEDUCT, _CAP = SHAPE_CODE[Shape.EXCESS_PLUS_COEF], SHAPE_CODE[Shape.DEDUCT], SHAPE_CODE[Shape.CAP]
_CAPPED_BASE, _COST_POINTS = SHAPE_CODE[Shape.CAPPED_BASE], SHAPE_CODE[Shape.COST_POINTS]
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
def _sign(is_narrow: Any, ratio_n: Any, ratio_d: Any, limit_n: Any, limit_d: Any) -> Any:
    """Sign of ratio − limit. Narrow: both parts of the ratio are under 2³², those of a limit always under 2³¹, so that
    both products stay under 2⁶³."""
    if is_narrow:
        left, right = ratio_n * limit_d, limit_n * ratio_d
        return 1 if left > right else (0 if left == right else -1)
    return _compare(ratio_n, limit_d, limit_n, ratio_d)


@compiled
def _beyond(sign: Any, is_in: Any) -> Any:
    """Whether a ratio lies on the right side of a limit, by where it lies."""
    return sign > 0 or (sign == 0 and is_in != 0)


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
def _remember(number: Any, held: Any) -> Any:
    """Where `held` has a number ×10⁶ in lowest terms; few different ones come, and each is reduced about once."""
    place = np.int64((np.uint64(number) * _SPREAD) >> _SPREAD_SHIFT)
    if held[place, 0] != number:
        held[place, 0] = number
        held[place, 1], held[place, 2] = reduce_e6(number)
    return place


@compiled
def score_rows(
    rows: Any, pool: Any, hospital: Any, group: Any, value_day: Any, days: Any, cost: Any, base_e4: Any,
    reference: Any, flags: Any, coefficient: Any, by_hospital: Any, same_price: Any, aux: Any, tcm_ratio: Any,
    tcm_base: Any, extra_e4: Any, extra_year: Any, rank: Any, has_aux: Any, has_tcm: Any, has_extra: Any, year_n: Any,
    year_d: Any, stay_n: Any, stay_d: Any, readmitted_flag: Any, top_limits: Any, sets: Any, rules: Any, order: Any,
    k_limits: Any, cells: Any, cell_limits: Any, cell_rules: Any, by_reference: Any, unit_n: Any, unit_d: Any,
    points_n: Any, points_d: Any, budget_n: Any, budget_d: Any, held: Any, first_class: Any, in_pot: Any,
    apart_line: Any, class_out: Any, points_out: Any, route_out: Any, line_out: Any, readmitted_out: Any, slow: Any,
    found: Any,
) -> None:  # fmt: skip
    """Class, points ×10⁴ and route of the cases in `rows`; those that leave the points go to `apart_line` and keep the
    route they have. `coefficient` is empty where cases have those of their hospital, `same_price` where no group has a
    coefficient of 1. `held`: zeros; `slow`: room for as many rows.
    """
    for place in range(rows.size):
        i = np.uintp(rows[place])
        p, base = pool[i], base_e4[i]
        c_e6 = coefficient[i] if coefficient.size else by_hospital[hospital[i]]
        if coefficient.size and (c_e6 <= 0 or c_e6 >= _SMALL):
            if found[_FOUND_WRONG] < 0:
                found[_FOUND_WRONG] = i
            continue
        which = _set_of(sets, value_day[i])
        if which < 0:
            if found[_FOUND_REFUSED] < 0:
                found[_FOUND_REFUSED], found[_FOUND_STATUS] = i, _NO_SET
            continue
        under = reference[i] if by_reference else base
        has_ratio = under > 0 and unit_d[p] > 0
        r_n = product(cost[i], unit_n[p]) if has_ratio else np.int64(0)
        r_d = product(under, unit_d[p]) if has_ratio else np.int64(1)
        if r_n < 0 or r_d < 0:
            slow[found[_FOUND_SLOW]] = i
            found[_FOUND_SLOW] += 1
            continue
        k_n, k_d, part = np.int64(0), np.int64(0), sets[which, _SET_CELLS]
        for at in range(sets[which, _K_START], sets[which, _K_END]):
            if base <= k_limits[at, _LIMIT_UPTO]:
                k_n, k_d, part = k_limits[at, _LIMIT_N], k_limits[at, _LIMIT_D], k_limits[at, _LIMIT_CELLS]
                break
        tcm = tcm_base[i] if has_tcm else np.int64(-1)
        is_narrow = r_n < _NARROW and r_d < _NARROW
        flag, start, end = flags[i], sets[which, _RULE_START], sets[which, _RULE_END]
        if flag == 0:
            start, end = sets[which, _PLAIN_START], sets[which, _PLAIN_END]
        rule, status = np.int64(-1), _NO_RULE
        if flag == 0 and part >= 0 and has_ratio and is_narrow:
            # Where the ratio lies among the limits, counted without a branch: one for each it reaches, one for each
            # it passes. Ratio and limits are under 2³² and 2³¹, so that products stay under 2⁶³.
            at = cells[part, _CELL_FIRST]
            for limit in range(cells[part, _CELL_START], cells[part, _CELL_END]):
                left, right = r_n * cell_limits[limit, 1], cell_limits[limit, 0] * r_d
                at += np.int64(left >= right) + np.int64(left > right)
            rule = cell_rules[at]
            if rule >= 0:
                status, end = _DONE, start
        for at in range(start, end):
            each = order[at]
            asks = rules[each, _ASKS]
            if asks & _ASKS_FLAG != 0 and flag & rules[each, _FLAG] == 0:
                continue
            if asks & _ASKS_OTHER != 0:
                if days[i] < rules[each, _DAYS_FROM] or days[i] > rules[each, _DAYS_UPTO]:
                    continue
                share = tcm_ratio[i] if has_tcm else np.int64(-1)
                if rules[each, _TCM_D] != 0 and (
                    share < 0
                    or days[i] < rules[each, _TCM_DAYS]
                    or share * rules[each, _TCM_D] < rules[each, _TCM_N] * _E6
                ):
                    continue
                if rules[each, _SHAPE] == _TCM_BASE and tcm < 0:
                    continue
                top = rules[each, _TOP_RULE]
                if top >= 0 and rank[i] >= top_limits[top, p]:
                    continue
            if asks & _ASKS_RATIO != 0:
                above, below = rules[each, _ABOVE], rules[each, _BELOW]
                own_n, own_d = rules[each, _K_N], rules[each, _K_D]
                if own_d == 0:
                    own_n, own_d = k_n, k_d
                if not has_ratio:
                    rule, status = each, _NO_REFERENCE
                    break
                if own_d == 0 and (above == _END_K or below == _END_K):
                    rule, status = each, _NO_K
                    break
                if above != _END_NONE:
                    limit_n = own_n if above == _END_K else rules[each, _ABOVE_N]
                    limit_d = own_d if above == _END_K else rules[each, _ABOVE_D]
                    if not _beyond(_sign(is_narrow, r_n, r_d, limit_n, limit_d), rules[each, _ABOVE_IN]):
                        continue
                if below != _END_NONE:
                    limit_n = own_n if below == _END_K else rules[each, _BELOW_N]
                    limit_d = own_d if below == _END_K else rules[each, _BELOW_D]
                    if not _beyond(-_sign(is_narrow, r_n, r_d, limit_n, limit_d), rules[each, _BELOW_IN]):
                        continue
            rule, status = each, _DONE
            break
        shape = rules[rule, _SHAPE] if status == _DONE else _FFS
        if status == _DONE and shape != _FFS and shape != _EXCLUDE:
            if rules[rule, _K_D] != 0:
                k_n, k_d = rules[rule, _K_N], rules[rule, _K_D]
            status = _missing(shape, has_ratio, k_d, budget_n[p])
        if status != _DONE:
            if found[_FOUND_REFUSED] < 0:
                found[_FOUND_REFUSED], found[_FOUND_STATUS] = i, status
            continue
        class_out[i] = first_class + rule
        if shape in (_FFS, _EXCLUDE):
            line_out[i] = apart_line
            continue
        route_out[i] = in_pot
        takes = rules[rule, _COEFFICIENT] != 0 and not (same_price.size and same_price[group[i]])
        has_own = has_aux and rules[rule, _AUX] != 0 and aux[i] != _E6
        more = has_extra and extra_year[i] >= 1 and extra_year[i] <= year_n.size
        readmitted = flag & readmitted_flag != 0
        readmitted_out[i] = readmitted
        is_plain = not (has_own or more or readmitted) and base < _SMALL and c_e6 >= 0 and c_e6 < _SMALL
        if is_plain and shape in (_NORMAL, _COEF_ONLY):
            # Most cases: base × coefficient ÷ 10⁶, the product under 2⁶². A fraction rounds alike in any terms.
            points_out[i] = half_up_e6(base, c_e6) if takes else base
            continue
        c_n, c_d = np.int64(1), np.int64(1)
        if takes:
            at = _remember(c_e6, held)
            c_n, c_d = held[at, 1], held[at, 2]
        add_n, add_d = rules[rule, _ADD_N], rules[rule, _ADD_D]
        if is_plain and is_narrow and (shape == _BY_RATIO or (shape == _RAMP_ADD and add_n >= 0)):
            # base × (r + add) × coefficient, where it stays under 2⁶³. Both parts of the sum are under 2⁶³.
            if shape == _BY_RATIO:
                add_n, add_d = np.int64(0), np.int64(1)
            times = np.uint64(r_n * add_d) + np.uint64(add_n * r_d)
            fits, points = half_up_narrow(np.uint64(base * c_n), times, np.uint64(r_d * add_d), np.uint64(c_d))
            if fits:
                points_out[i] = points
                continue
        if shape == _TCM_BASE:
            base = tcm
        flat_n, flat_d, slope_a, slope_b, slope_d = terms(
            shape, base, cost[i], r_n, r_d, c_n, c_d, k_n, k_d,
            rules[rule, _FACTOR_N], rules[rule, _FACTOR_D], add_n, add_d,
            points_n[p], points_d[p], budget_n[p], budget_d[p],
        )  # fmt: skip
        a_n, a_d = np.int64(1), np.int64(1)
        if has_own:
            a_n, a_d = reduce_e6(aux[i])
        extra, y_n, y_d = np.int64(0), np.int64(0), np.int64(1)
        if more:
            extra, y_n, y_d = extra_e4[i], year_n[extra_year[i] - 1], year_d[extra_year[i] - 1]
        s_n, s_d = np.int64(1), np.int64(1)
        if readmitted:
            s_n, s_d = stay_n, stay_d
        fits, points = False, np.int64(0)
        if slope_a >= 0 and slope_b >= 0 and slope_d >= 0:
            fits, points = combine(base, flat_n, flat_d, slope_a, slope_b, slope_d, a_n, a_d, extra, y_n, y_d, s_n, s_d)
        if fits:
            points_out[i] = points
        else:
            slow[found[_FOUND_SLOW]] = i
            found[_FOUND_SLOW] += 1


@compiled
def split_rows(scheme: Any, flags: Any, wanted: Any, special_flag: Any, normal: Any, special: Any) -> Any:
    """Rows of a scheme, special cases apart; (how many normal, how many special)."""
    count, few = 0, 0
    for i in range(scheme.size):
        if scheme[i] == wanted:
            if flags[i] & special_flag != 0:
                special[few] = i
                few += 1
            else:
                normal[count] = i
                count += 1
    return count, few
