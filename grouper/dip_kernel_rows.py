"""Rows against a prepared record in the DIP kernel: expressions, conditions, auxiliary rows, reference cost.

In: the table T and the scratch S as `dip_kernel_case` left it; out: masks of matched places, truth values, numbers of
auxiliary rows, exact 128-bit reference costs. The same rules as `dip_match`. It chooses among no rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grouper import dip_layout as L
from grouper.bits import ones
from grouper.dip_kernel_case import complications, number, option, other_meets
from grouper.dip_kernel_conditions import holds
from grouper.dip_layout import I64
from grouper.dip_wide import multiply
from grouper.jit import inlined, kernel

_E6 = 10**6


@inlined
def row_at(row: int, T: I64) -> int:
    """Where the record of a row starts in T."""
    return int(T[L.ROWS] + L.ROW_SIZE * row)


@inlined
def term_mask(term: int, S: I64) -> int:
    """Places of the procedures a term names."""
    mark = S[L.S_STAMPS] + L.STAMP_SIZE * term
    if S[mark] != S[L.S_STAMP]:
        return 0
    return int(S[mark + 2]) if S[L.S_STRICT] else int(S[mark + 1])


@kernel
def fit_parts(first: int, end: int, allowed: int, must_hold: bool, T: I64, S: I64) -> Any:
    """(fits, matched places, specificity) of an expression; must_hold: place 0 takes part in a combination."""
    if option(T, L.CONJUNCTIVE):
        return _fit_all_of_any(first, end, allowed, must_hold, T, S)
    found, widest = 0, -1
    for part in range(T[L.PARTS] + first, T[L.PARTS] + end):
        used, fits = 0, True
        for at in range(T[L.TERMS] + T[part], T[L.TERMS] + T[part + 1]):
            hit = term_mask(T[at], S) & allowed
            if hit == 0:
                fits = False
                break
            used |= hit
        if fits and (used & 1 or not must_hold):
            found |= used
            widest = max(widest, min(T[part + 1] - T[part], ones(used)))
    return widest >= 0, found, widest


@inlined
def _fit_all_of_any(first: int, end: int, allowed: int, must_hold: bool, T: I64, S: I64) -> Any:
    used = 0
    for part in range(T[L.PARTS] + first, T[L.PARTS] + end):
        hit = 0
        for at in range(T[L.TERMS] + T[part], T[L.TERMS] + T[part + 1]):
            hit |= term_mask(T[at], S) & allowed
        if hit == 0:
            return False, 0, 0
        used |= hit
    if must_hold and not used & 1:
        return False, 0, 0
    return True, used, min(end - first, ones(used))


@inlined
def has_main(row: int, T: I64) -> bool:
    """Whether the row has a procedure cell."""
    at = row_at(row, T)
    return bool(T[at + L.ROW_MAIN] < T[at + L.ROW_MAIN_END])


@inlined
def has_related(row: int, T: I64) -> bool:
    """Whether the row has a cell of related procedures."""
    at = row_at(row, T)
    return bool(T[at + L.ROW_RELATED] < T[at + L.ROW_RELATED_END])


@inlined
def fit_main(row: int, any_position: bool, T: I64, S: I64) -> Any:
    """(fits, matched, specificity) of the row's procedure cell."""
    at = row_at(row, T)
    first, end = T[at + L.ROW_MAIN], T[at + L.ROW_MAIN_END]
    anywhere = any_position or T[at + L.ROW_POSITION_MAIN] == 0
    if not anywhere and not S[L.S_HAS_MAIN]:
        return False, 0, 0
    return fit_parts(first, end, S[L.S_ALL], not anywhere, T, S)


@inlined
def fit_row(row: int, any_position: bool, T: I64, S: I64) -> Any:
    """(fits, matched, specificity) of the row's procedures; a row without any fits with nothing matched."""
    matched, specificity = 0, 0
    if has_main(row, T):
        fits, matched, specificity = fit_main(row, any_position, T, S)
        if not fits:
            return False, 0, 0
    if has_related(row, T):
        at = row_at(row, T)
        others = S[L.S_ALL] & ~1
        fits, more, wider = fit_parts(T[at + L.ROW_RELATED], T[at + L.ROW_RELATED_END], others, False, T, S)
        if not fits:
            return False, 0, 0
        matched |= more
        specificity += wider
    if not option(T, L.SUPERSET) and matched != S[L.S_ALL]:
        return False, 0, 0
    return True, matched, specificity


@inlined
def admits(row: int, T: I64, S: I64) -> bool:
    """Whether the row's conditions beside diagnosis key and procedures hold."""
    at = row_at(row, T)
    if not T[at + L.ROW_ASKS]:
        return True
    if T[at + L.ROW_OTHER_DX] >= 0 and not other_meets(T[at + L.ROW_OTHER_DX], T, S):
        return False
    if not _within(number(L.AGE_DAYS, S), L.NULL, T[at + L.ROW_DAYS_MAX]):
        return False
    if not _within(number(L.AGE_YEARS, S), T[at + L.ROW_AGE_MIN], T[at + L.ROW_AGE_MAX]):
        return False
    if not _within(number(L.WEIGHT, S), T[at + L.ROW_WEIGHT_MIN], T[at + L.ROW_WEIGHT_MAX]):
        return False
    flag = T[at + L.ROW_FLAG]
    return bool(flag < 0 or holds(flag, False, np.uint64(0), np.uint64(0), T, S))


@inlined
def _within(value: int, lo: int, hi: int) -> bool:
    if lo == L.NULL and hi == L.NULL:
        return True
    if value == L.NULL:
        return False
    return bool((lo == L.NULL or value >= lo) and (hi == L.NULL or value <= hi))


@kernel
def auxiliary_of(row: int, T: I64, S: I64) -> int:
    """The auxiliary row that applies, by its place in the section; −1 = none. Rows stand in the order of taking."""
    at = row_at(row, T)
    first, end = T[at + L.ROW_AUX], T[at + L.ROW_AUX_END]
    if first == end:
        return -1
    has_standard, high, low = False, np.uint64(0), np.uint64(0)
    if option(T, L.STANDARD_ASKED):
        has_standard, high, low = reference(row, -1, T, S)
    for aux in range(first, end):
        record = T[L.AUX] + L.AUX_SIZE * aux
        if T[record + L.AUX_FACTOR] != L.NULL and _applies(record, has_standard, high, low, T, S):
            return aux
    return -1


@inlined
def _applies(record: int, has_standard: bool, high: Any, low: Any, T: I64, S: I64) -> bool:
    """Whether the condition of an auxiliary row holds."""
    if not T[record + L.AUX_IS_PLAIN]:
        return bool(holds(T[record + L.AUX_CONDITION], has_standard, high, low, T, S))
    lo, hi, levels = T[record + L.AUX_AGE_MIN], T[record + L.AUX_AGE_MAX], T[record + L.AUX_LEVELS]
    if (lo != L.NULL or hi != L.NULL) and not _within(number(L.AGE_YEARS, S), lo, hi):
        return False
    return bool(levels == 0 or complications(T, S) & levels != 0)


@inlined
def reference(row: int, aux: int, T: I64, S: I64) -> Any:
    """(known, high, low) of the reference cost 「模拟均费」, exact, at the scale `cost_scaled` brings a cost to."""
    at = row_at(row, T)
    points, factor = T[at + L.ROW_POINTS], _E6
    if aux >= 0:
        record = T[L.AUX] + L.AUX_SIZE * aux
        points, factor = T[record + L.AUX_POINTS], T[record + L.AUX_FACTOR]
    k, own = number(L.COST_FACTOR, S), _E6
    if T[at + L.ROW_LAYER] == option(T, L.BASIC_LAYER):
        k, own = number(L.BASIC_COST_FACTOR, S), T[at + L.ROW_BASIC_FACTOR]
    if points == L.NULL or k == L.NULL:
        return False, np.uint64(0), np.uint64(0)
    high, low = multiply(points * factor, k * own)
    return True, high, low
