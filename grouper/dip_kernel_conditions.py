"""Conditions of auxiliary rows and flags in the DIP kernel 「条件」.

In: a condition's number, the table T and the scratch S; out: whether it holds. The same meanings as `dip_auxiliary`.
A group's standard cost comes as a 128-bit number at the scale of `cost_scaled`, where the caller knows it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grouper import dip_layout as L
from grouper.dip_condition import COMPARISONS, FLAGS, NUMBERS
from grouper.dip_kernel_case import (
    complications,
    diagnosis,
    diagnosis_count,
    load_types,
    long_stay,
    number,
    other_meets,
    principal_meets,
)
from grouper.dip_layout import I64
from grouper.dip_wide import below, multiply
from grouper.jit import inlined, kernel

_F_ALWAYS, _F_DEATH, _F_LONG = FLAGS.index("always"), FLAGS.index("death"), FLAGS.index("long_stay")
_F_CC, _F_MCC, _F_MODERATE = FLAGS.index("cc"), FLAGS.index("mcc"), FLAGS.index("moderate")
_N_STAY, _N_AGE, _N_DAYS, _N_BAND = (NUMBERS.index(n) for n in ("stay", "age", "age_days", "age_band"))
_N_CCI, _N_ICU, _N_WEIGHT, _N_SEVERITY = (NUMBERS.index(n) for n in ("cci", "icu_days", "birth_weight", "severity"))
_C_LE, _C_GE, _C_LT, _C_GT = (COMPARISONS.index(c) for c in ("<=", ">=", "<", ">"))
_CC, _MCC, _MODERATE, _SEVERE = 1, 2, 4, 8
_AT_PRINCIPAL, _AT_OTHER = 0, 1
_SCALE_LOW, _SCALE_HIGH = 10**8, 10**12
"""Their product, 10²⁰, brings fen to the scale of points ×10⁴ × factor ×10⁶ × K ×10⁶ × 10⁶ ÷ 100."""


@inlined
def cost_scaled(cost_fen: int) -> Any:
    """(high, low) of a cost, at the scale of reference costs."""
    return multiply(cost_fen * _SCALE_LOW, _SCALE_HIGH)


@kernel
def holds(condition: int, has_standard: bool, high: Any, low: Any, T: I64, S: I64) -> bool:
    """Whether any alternative of the condition holds in all its tests."""
    first = T[L.CONDITIONS] + condition
    for part in range(T[L.CONDITION_PARTS] + T[first], T[L.CONDITION_PARTS] + T[first + 1]):
        all_hold = True
        for at in range(T[part], T[part + 1]):
            if not _test(T[L.TESTS] + L.TEST_SIZE * at, has_standard, high, low, T, S):
                all_hold = False
                break
        if all_hold:
            return True
    return False


@kernel
def _test(test: int, has_standard: bool, high: Any, low: Any, T: I64, S: I64) -> bool:
    kind, name, denied, argument = T[test], T[test + 1], T[test + 2] != 0, T[test + 5]
    if kind == L.KIND_FLAG:
        return bool(_flag(name, T, S) != denied)
    if kind == L.KIND_NUMBER:
        value = _number(name, has_standard, high, low, T, S)
        return bool(value != L.NULL and _compare(value, T[test + 3], T[test + 4]) != denied)
    if kind == L.KIND_DIAGNOSIS:
        found = False
        if name != _AT_OTHER:
            found = principal_meets(argument, T, S)
        if name != _AT_PRINCIPAL:
            found = found or other_meets(argument, T, S)
        return bool(found != denied)
    if not S[L.S_TYPED]:
        load_types(T, S)
    mark = S[L.S_STAMPS] + L.STAMP_SIZE * argument
    named = S[mark] == S[L.S_STAMP] and S[mark + 2 if S[L.S_STRICT] else mark + 1] != 0
    return bool(named != denied)


@inlined
def _compare(value: int, comparison: int, limit: int) -> bool:
    if comparison == _C_LT:
        return bool(value < limit)
    if comparison == _C_LE:
        return bool(value <= limit)
    if comparison == _C_GT:
        return bool(value > limit)
    if comparison == _C_GE:
        return bool(value >= limit)
    return bool(value == limit)


@inlined
def _flag(name: int, T: I64, S: I64) -> bool:
    if name == _F_ALWAYS:
        return True
    if name == _F_DEATH:
        return bool(number(L.DEATH, S) == 1)
    if name == _F_LONG:
        return long_stay(T, S)
    bit = _CC if name == _F_CC else _MCC if name == _F_MCC else _MODERATE if name == _F_MODERATE else _SEVERE
    return bool(complications(T, S) & bit)


@kernel
def _number(name: int, has_standard: bool, high: Any, low: Any, T: I64, S: I64) -> int:
    if name == _N_STAY:
        return int(number(L.STAY, S))
    if name == _N_AGE:
        return int(number(L.AGE_YEARS, S))
    if name == _N_DAYS:
        return int(number(L.AGE_DAYS, S))
    if name == _N_ICU:
        return int(number(L.ICU_DAYS, S))
    if name == _N_WEIGHT:
        return int(number(L.WEIGHT, S))
    if name == _N_BAND:
        return _age_band(T, S)
    if name == _N_CCI:
        return _cci(T, S)
    if name == _N_SEVERITY:
        return _severity(T, S)
    return _tumour(has_standard, high, low, T, S)


@kernel
def _age_band(T: I64, S: I64) -> int:
    days, years = number(L.AGE_DAYS, S), number(L.AGE_YEARS, S)
    if days == L.NULL and years == L.NULL:
        return L.NULL
    for band in range(T[L.N_BANDS]):
        record = T[L.AGE_BANDS] + L.BAND_SIZE * band
        value = days if T[record] else years
        if value != L.NULL and T[record + 1] <= value <= T[record + 2]:
            return band + 1
    return 0


@kernel
def _cci(T: I64, S: I64) -> int:
    """Sum over disease classes of the highest weight among the other diagnoses.

    Each call starts its classes afresh: the stamp is the record's number with the call's own count.
    """
    total = 0
    for at in range(1, diagnosis_count(S)):
        record = T[L.DX] + L.DX_SIZE * diagnosis(at, S)
        disease, weight = T[record + L.DX_CCI_CLASS], T[record + L.DX_CCI_WEIGHT]
        if disease >= 0:
            total += _raised(S[L.S_CCI] + L.CCI_SIZE * disease, weight, S)
    for at in range(1, diagnosis_count(S)):
        disease = T[T[L.DX] + L.DX_SIZE * diagnosis(at, S) + L.DX_CCI_CLASS]
        if disease >= 0:
            S[S[L.S_CCI] + L.CCI_SIZE * disease] = 0
    return total


@kernel
def _raised(best: int, weight: int, S: I64) -> int:
    """By how much a weight raises the highest of its class so far."""
    if S[best] != S[L.S_STAMP]:
        S[best], S[best + 1] = S[L.S_STAMP], 0
    rise = max(0, weight - S[best + 1])
    S[best + 1] += rise
    return int(rise)


@kernel
def _severity(T: I64, S: I64) -> int:
    if number(L.DEATH, S) == 1:
        return 4
    if long_stay(T, S):
        found = complications(T, S)
        if found & _SEVERE:
            return 3
        if found & _MODERATE:
            return 2
    return 1


@kernel
def _tumour(has_standard: bool, high: Any, low: Any, T: I64, S: I64) -> int:
    if number(L.DEATH, S) == 1:
        return 1
    cost = number(L.COST, S)
    if cost != L.NULL and has_standard and _thrice(cost, high, low):
        if number(L.TREATMENT, S) != L.NULL and 2 * number(L.TREATMENT, S) >= cost:
            return 2
        if number(L.DRUG, S) != L.NULL and 2 * number(L.DRUG, S) >= cost:
            return 3
    if long_stay(T, S):
        if _other_malignancy(T, S):
            return 4
        found = complications(T, S)
        if found & _SEVERE:
            return 5
        if found & _MODERATE:
            return 6
    return 7


@kernel
def _thrice(cost: int, high: Any, low: Any) -> bool:
    """Whether a cost is at least three times a standard above zero."""
    if high == np.uint64(0) and low == np.uint64(0):
        return False
    cost_high, cost_low = cost_scaled(cost)
    carry, three_low = multiply(3, low)
    return not below(cost_high, cost_low, carry + np.uint64(3) * high, three_low)


@kernel
def _other_malignancy(T: I64, S: I64) -> bool:
    category = T[T[L.DX] + L.DX_SIZE * S[L.S_PRINCIPAL] + L.DX_CATEGORY]
    for at in range(1, diagnosis_count(S)):
        malignant = T[T[L.DX] + L.DX_SIZE * diagnosis(at, S) + L.DX_MALIGNANT]
        if malignant >= 0 and malignant != category:
            return True
    return False
