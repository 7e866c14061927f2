"""Choosing among candidates in the DIP kernel: the tie-breaks (step 5).

In: lists of candidate numbers in the scratch S; out: the number of one candidate, −1 for none.
The same rules, in the same order, as `dip_choose`. It finds no rows.
"""

from __future__ import annotations

import numpy as np

from grouper import dip_layout as L
from grouper.bits import ones
from grouper.dip_kernel_case import number, option
from grouper.dip_kernel_conditions import cost_scaled
from grouper.dip_kernel_rows import auxiliary_of, reference, row_at
from grouper.dip_layout import I64
from grouper.dip_options import OPTION_VALUES
from grouper.dip_wide import below, distance
from grouper.jit import inlined, kernel

_BEFORE_NEAREST = OPTION_VALUES["readd_basic"].index("before_nearest_cost")
_LT7 = OPTION_VALUES["longer_code_first"].index("lt7")
_LAST = 1


@inlined
def of(candidate: int, field: int, S: I64) -> int:
    """A field of a candidate."""
    return int(S[S[L.S_CANDIDATE] + L.CANDIDATE_SIZE * candidate + field])


@inlined
def row_value(candidate: int, field: int, T: I64, S: I64) -> int:
    """A field of a candidate's row."""
    return int(T[row_at(of(candidate, L.C_ROW, S), T) + field])


@kernel
def choose_one(count: int, basic: int, T: I64, S: I64) -> int:
    """One of the first `count` candidates of S_LEFT; primary-care ones may join before the nearest-cost rule."""
    left = S[L.S_LEFT]
    if option(T, L.LONGER_CODE_FIRST):
        count = _longer_code_first(count, T, S)
    joins = option(T, L.READD_BASIC) == _BEFORE_NEAREST and option(T, L.TOGETHER) != 0
    for tie in range(T[L.N_TIES]):
        record = T[L.TIES] + L.TIE_SIZE * tie
        rule, scope = T[record], T[record + 1]
        if rule == L.NEAREST_COST and joins:
            for k in range(basic):
                S[left + count + k] = S[S[L.S_BASIC] + k]
            count += basic
        if scope >= 0 and not _has_type(scope, count, S):
            continue
        if count > 1:
            count = _apply(rule, T[record + 2], count, T, S)
        if scope >= 0:
            return int(S[left])
    return int(S[left]) if count else -1


@inlined
def _has_type(kind: int, count: int, S: I64) -> bool:
    found = False
    for k in range(count):
        found = found or of(S[S[L.S_LEFT] + k], L.C_TYPE, S) == kind
    return found


@kernel
def _apply(rule: int, ties: int, count: int, T: I64, S: I64) -> int:
    """Keeps in S_LEFT what the rule keeps; returns how many."""
    left = S[L.S_LEFT]
    if rule == L.ROW_ORDER:
        if ties == _LAST:
            S[left] = S[left + count - 1]
        return 1
    if rule == L.MAIN_PROCEDURE or rule == L.EXACT_COVER:
        return _keep_where(rule, count, S)
    kept = _keep_nearest(count, T, S) if rule == L.NEAREST_COST else _keep_most(rule, count, T, S)
    if ties == _LAST:
        S[left] = S[left + kept - 1]
    return kept if ties < 0 else 1


@inlined
def _keep(kept: int, count: int, S: I64) -> int:
    """S_LEFT becomes the first `kept` of S_KEPT; none kept means all stay."""
    if kept == 0:
        return count
    for k in range(kept):
        S[S[L.S_LEFT] + k] = S[S[L.S_KEPT] + k]
    return kept


@kernel
def _keep_where(rule: int, count: int, S: I64) -> int:
    """Candidates with the principal procedure, or without an unmatched one; all if there is none."""
    kept = 0
    for k in range(count):
        candidate = S[S[L.S_LEFT] + k]
        matched = of(candidate, L.C_MATCHED, S)
        holds_main = S[L.S_HAS_MAIN] != 0 and matched & 1 != 0
        good = holds_main if rule == L.MAIN_PROCEDURE else matched == S[L.S_ALL]
        if good:
            S[S[L.S_KEPT] + kept] = candidate
            kept += 1
    return _keep(kept, count, S)


@inlined
def _measure(rule: int, candidate: int, T: I64, S: I64) -> int:
    if rule == L.MOST_PLUS:
        return row_value(candidate, L.ROW_JOINS, T, S)
    if rule == L.MOST_MATCHED:
        return ones(of(candidate, L.C_MATCHED, S))
    if rule == L.HIGHEST_SCORE:
        return row_value(candidate, L.ROW_POINTS, T, S)
    return of(candidate, L.C_SPECIFICITY, S)


@kernel
def _keep_most(rule: int, count: int, T: I64, S: I64) -> int:
    best, kept = L.NULL, 0
    for k in range(count):
        candidate = S[S[L.S_LEFT] + k]
        value = _measure(rule, candidate, T, S)
        if value > best:
            best, kept = value, 0
        if value == best:
            S[S[L.S_KEPT] + kept] = candidate
            kept += 1
    return _keep(kept, count, S)


@inlined
def aux_of_candidate(candidate: int, T: I64, S: I64) -> int:
    """The candidate's auxiliary row, worked out when first asked for."""
    at = S[L.S_CANDIDATE] + L.CANDIDATE_SIZE * candidate
    if S[at + L.C_AUX] == L.AUX_UNKNOWN:
        S[at + L.C_AUX] = auxiliary_of(S[at + L.C_ROW], T, S)
    return int(S[at + L.C_AUX])


@kernel
def _keep_nearest(count: int, T: I64, S: I64) -> int:
    """Candidates whose reference cost is nearest; those without one only if no candidate has one."""
    if number(L.COST, S) == L.NULL:
        return count
    cost_high, cost_low = cost_scaled(number(L.COST, S))
    best_high, best_low = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0xFFFFFFFFFFFFFFFF)
    kept = 0
    for k in range(count):
        candidate = S[S[L.S_LEFT] + k]
        known, high, low = reference(of(candidate, L.C_ROW, S), aux_of_candidate(candidate, T, S), T, S)
        if not known:
            continue
        far_high, far_low = distance(cost_high, cost_low, high, low)
        if below(far_high, far_low, best_high, best_low):
            best_high, best_low, kept = far_high, far_low, 0
        if far_high == best_high and far_low == best_low:
            S[S[L.S_KEPT] + kept] = candidate
            kept += 1
    return _keep(kept, count, S)


@kernel
def _longer_code_first(count: int, T: I64, S: I64) -> int:
    """Drops short codes when a longer text begins with the first short one."""
    left, form = S[L.S_LEFT], option(T, L.LONGER_CODE_FIRST)
    first = -1
    for k in range(count):
        length = row_value(S[left + k], L.ROW_TEXT_LENGTH, T, S)
        if length > 0 and _is_short(length, form):
            first = S[left + k]
            break
    if first < 0:
        return count
    longer = False
    for k in range(count):
        longer = longer or _begins_with(S[left + k], first, T, S)
    if not longer:
        return count
    kept = 0
    for k in range(count):
        length = row_value(S[left + k], L.ROW_TEXT_LENGTH, T, S)
        drops = option(T, L.DROP_EMPTY_ROWS) != 0 if length == 0 else _is_short(length, form)
        if not drops:
            S[left + kept] = S[left + k]
            kept += 1
    return kept


@inlined
def _is_short(length: int, form: int) -> bool:
    return bool(length < 7) if form == _LT7 else bool(length == 5)


@kernel
def _begins_with(candidate: int, prefix: int, T: I64, S: I64) -> bool:
    """Whether a candidate's text is longer than another's and begins with it."""
    size = row_value(prefix, L.ROW_TEXT_LENGTH, T, S)
    if row_value(candidate, L.ROW_TEXT_LENGTH, T, S) <= size:
        return False
    mine = T[L.TEXTS] + row_value(candidate, L.ROW_TEXT, T, S)
    its = T[L.TEXTS] + row_value(prefix, L.ROW_TEXT, T, S)
    same = 0
    while same < size and T[mine + same] == T[its + same]:
        same += 1
    return bool(same == size)
