"""The kernel's answer for records without a group: mapping failure, failed check, or why nothing was reached.

In: a record's ids and state vector; out: the number of a `GroupReason`, 0 for none.
`facts` and `ungrouped` say the same in plain Python, and a test holds them together. It never looks for a group.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from grouper.batch import DROPPED, EMPTY, I32, I64, UNMAPPED
from grouper.bits import lowest_bit
from grouper.codes import CLASS_MASK, KNOWN_SHIFT
from grouper.compile import GATE_IS_ADRG, GATE_SKIP
from grouper.jit import inlined, kernel, u
from grouper.layout import KIND_AGE, KIND_DX, KIND_DX_MET, KIND_NEWBORN, KIND_SEX, KIND_SITES
from grouper.places import (
    AGE_DAYS,
    AGE_YEARS,
    DX_IS_CHECKED,
    GENDER,
    OP_IS_CHECKED,
    VALID_MASK,
    VALID_SLOT,
    WEIGHT,
)
from grouper.reason import GroupReason
from grouper.tables import NULL_I32

U64 = npt.NDArray[np.uint64]

_DIAGNOSIS_MISSING = int(GroupReason.DIAGNOSIS_MISSING_FOR_MAPPING)
_DIAGNOSIS_NOT_MAPPED = int(GroupReason.DIAGNOSIS_NOT_MAPPED)
_DIAGNOSIS_DROPPED = int(GroupReason.PRINCIPAL_DIAGNOSIS_MAPS_TO_NOTHING)
_PROCEDURE_NOT_MAPPED = int(GroupReason.PROCEDURE_NOT_MAPPED)
_PROCEDURE_DROPPED = int(GroupReason.PRINCIPAL_PROCEDURE_MAPS_TO_NOTHING)
_GENDER_MISSING = int(GroupReason.GENDER_MISSING)
_GENDER_ODD = int(GroupReason.GENDER_NOT_1_OR_2)
_AGE_MISSING = int(GroupReason.AGE_MISSING)
_AGE_DAYS_MISSING = int(GroupReason.AGE_DAYS_MISSING)
_WEIGHT_MISSING = int(GroupReason.BIRTH_WEIGHT_MISSING)
_EMPTY_DIAGNOSIS = int(GroupReason.PRINCIPAL_DIAGNOSIS_EMPTY)
_UNKNOWN_DIAGNOSIS = int(GroupReason.PRINCIPAL_DIAGNOSIS_UNKNOWN)
_ADRG_WITHOUT_DRG = int(GroupReason.ADRG_WITHOUT_DRG)
_NEWBORN = int(GroupReason.NEWBORN_AGE_OR_WEIGHT)
_UNKNOWN_PROCEDURE = int(GroupReason.PRINCIPAL_PROCEDURE_UNKNOWN)
_WITH_OPERATION = int(GroupReason.NO_ADRG_WITH_OPERATION)
_WITHOUT_OPERATION = int(GroupReason.NO_ADRG_WITHOUT_OPERATION)
_GATE_SEX = int(GroupReason.MDC_GATE_SEX)
_GATE_AGE = int(GroupReason.MDC_GATE_AGE)
_GATE_SITES = int(GroupReason.MDC_GATE_SITES)
_GATE_OTHER = int(GroupReason.MDC_GATE_OTHER)
_NO_MDC = int(GroupReason.PRINCIPAL_DIAGNOSIS_IN_NO_MDC)


@inlined
def atom_holds(atom: int, atoms: I64, state: I64) -> bool:
    """lo ≤ (state[slot] & mask) ≤ hi."""
    at = atom << 2
    seen = state[u(atoms[u(at)])] & atoms[u(at + 1)]
    return bool(seen >= atoms[u(at + 2)] and seen <= atoms[u(at + 3)])


@inlined
def any_holds(first: int, end: int, clause_first: I32, atoms: I64, state: I64) -> bool:
    """Every atom of at least one of the clauses first..end−1 holds."""
    for clause in range(first, end):
        held = True
        for atom in range(clause_first[u(clause)], clause_first[u(clause + 1)]):
            if not atom_holds(atom, atoms, state):
                held = False
                break
        if held:
            return True
    return False


@inlined
def holds(condition: int, condition_first: I32, clause_first: I32, atoms: I64, state: I64) -> bool:
    """A condition without clauses always holds."""
    first, end = condition_first[u(condition)], condition_first[u(condition + 1)]
    return bool(first == end or any_holds(first, end, clause_first, atoms, state))


@inlined
def mapping_failure(dx_first: int, dx_end: int, dx_ids: I32, op_first: int, op_end: int, op_ids: I32) -> int:
    """Why the codes of a mapped record cannot be used; diagnoses are judged before procedures."""
    if dx_first == dx_end or dx_ids[u(dx_first)] == EMPTY:
        return _DIAGNOSIS_MISSING
    for at in range(dx_first, dx_end):
        if dx_ids[u(at)] == UNMAPPED:
            return _DIAGNOSIS_NOT_MAPPED
    if dx_ids[u(dx_first)] == DROPPED:
        return _DIAGNOSIS_DROPPED
    for at in range(op_first, op_end):
        if op_ids[u(at)] == UNMAPPED:
            return _PROCEDURE_NOT_MAPPED
    if op_first < op_end and op_ids[u(op_first)] == DROPPED:
        return _PROCEDURE_DROPPED
    return 0


@inlined
def failed_check(places: I64, state: I64) -> int:
    """The first check that fails 「信息校验不通过」."""
    gender, age_years = state[u(places[GENDER])], state[u(places[AGE_YEARS])]
    if gender == NULL_I32:
        return _GENDER_MISSING
    if gender != 1 and gender != 2:
        return _GENDER_ODD
    if age_years == NULL_I32:
        return _AGE_MISSING
    if age_years == 0:
        age_days = state[u(places[AGE_DAYS])]
        if age_days == NULL_I32:
            return _AGE_DAYS_MISSING
        if age_days <= 28 and state[u(places[WEIGHT])] == NULL_I32:
            return _WEIGHT_MISSING
    return 0


@kernel
def failed_kinds(clause: int, clause_first: I32, atoms: I64, atom_kind: I32, state: I64) -> int:
    """What a clause fails by: a bit per kind of test; bit 0 is set if it meets some diagnosis list."""
    failed, meets_a_list = 0, 0
    for atom in range(clause_first[clause], clause_first[clause + 1]):
        if not atom_holds(atom, atoms, state):
            failed |= 2 << atom_kind[atom]
        elif atom_kind[atom] == KIND_DX_MET:
            meets_a_list = 1
    return failed | meets_a_list


@kernel
def fail_reason(
    dx_attribute: int, op_attribute: int, has_diagnosis: bool, has_procedure: bool, adrg_held: bool,
    dx_mdcs: U64, words: int, gates: I32, condition_first: I32, clause_first: I32, atoms: I64, atom_kind: I32,
    places: I64, state: I64,
) -> int:  # fmt: skip
    """Why nothing was reached; the rules of precedence stand in `ungrouped`."""
    if not has_diagnosis:
        return _EMPTY_DIAGNOSIS
    if places[DX_IS_CHECKED] and not (dx_attribute >> KNOWN_SHIFT) & 1:
        return _UNKNOWN_DIAGNOSIS
    if adrg_held:
        return _ADRG_WITHOUT_DRG
    on_diagnoses = (2 << KIND_DX_MET) | (2 << KIND_DX)
    reached, newborn, closed_by, mdc = False, False, 0, 0
    row, end = (dx_attribute & CLASS_MASK) * words, words << 6
    while mdc < end:
        left = dx_mdcs[u(row + (mdc >> 6))] >> np.uint64(mdc & 63)
        if left == np.uint64(0):
            mdc = ((mdc >> 6) + 1) << 6
            continue
        mdc += lowest_bit(left)
        linked, closed = False, 0
        for clause in range(condition_first[mdc], condition_first[mdc + 1]):
            failed = failed_kinds(clause, clause_first, atoms, atom_kind, state)
            if failed & 1 and not failed & on_diagnoses:
                linked = True
                closed |= failed & ~1
        if linked and holds(mdc, condition_first, clause_first, atoms, state):
            reached = True
            for gate in range(mdc + 1, gates[mdc, GATE_SKIP]):
                for clause in range(condition_first[gate], condition_first[gate + 1]):
                    failed = failed_kinds(clause, clause_first, atoms, atom_kind, state) & ~1
                    newborn |= gates[gate, GATE_IS_ADRG] == 1 and failed == 2 << KIND_NEWBORN
        elif linked:
            closed_by |= closed
        mdc += 1
    if reached:
        if newborn:
            return _NEWBORN
        if places[OP_IS_CHECKED] and has_procedure and not (op_attribute >> KNOWN_SHIFT) & 1:
            return _UNKNOWN_PROCEDURE
        return _WITH_OPERATION if state[places[VALID_SLOT]] & places[VALID_MASK] else _WITHOUT_OPERATION
    return closed_gate(closed_by)


@kernel
def closed_gate(closed_by: int) -> int:
    """The reason for kinds of tests that kept every MDC of the diagnosis closed; no kind = no MDC lists it."""
    if closed_by == 0:
        return _NO_MDC
    if closed_by & (2 << KIND_SEX):
        return _GATE_SEX
    if closed_by & ((2 << KIND_AGE) | (2 << KIND_NEWBORN)):
        return _GATE_AGE
    return _GATE_SITES if closed_by & (2 << KIND_SITES) else _GATE_OTHER
