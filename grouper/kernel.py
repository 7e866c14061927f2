"""The loops of the DRG kernel, compiled by numba without the GIL.

In: the arrays of a `CompiledDrg` and of a `CaseBatch`; out: written into the arrays of a `GroupedBatch`.
Each record is turned into its state vector, the gates that its principal codes leave open are tried in order, and a
record without a result gets a reason. Nothing here checks bounds: `compile` asserts the tables, `drg` the ids.
Only `group_records` is kept on disk; helpers are compiled into it, inline, as passing arrays costs more than the work.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from grouper.batch import DROPPED, EMPTY, I32, I64, U8
from grouper.codes import CLASS_MASK, LEVEL_SHIFT, PRINCIPAL_SHIFT, SITE_SHIFT, TABLE_SHIFT
from grouper.compile import GATE_IS_ADRG, GATE_LEAF, GATE_SKIP
from grouper.facts import MARK_CC, MARK_EXCLUDED, MARK_MCC, SEVERITY_CC, SEVERITY_MCC, SEVERITY_NONE
from grouper.kernel_reason import fail_reason, failed_check, holds, mapping_failure
from grouper.places import (
    DX_ANY,
    DX_EVERY_WORDS,
    DX_MAIN,
    DX_MAIN_WORDS,
    DX_OTHER,
    IS_MAPPED,
    N_NUMBERS,
    NUMBERS,
    OP_ANY,
    OP_EVERY_WORDS,
    OP_MAIN,
    OP_MAIN_WORDS,
    OP_OTHER,
    RETRIES,
    SLOTS,
    TEXT_WORDS,
    TEXTS,
    WEIGHT,
    ZERO_WEIGHT_IS_NULL,
)
from grouper.reason import GroupReason, GroupStatus
from grouper.sources import SOURCES
from grouper.tables import NULL_I32

U64 = npt.NDArray[np.uint64]

_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT_AT = np.zeros(64, np.int64)
for _bit in range(64):
    _BIT_AT[((int(_DE_BRUIJN) << _bit) & (2**64 - 1)) >> 58] = _bit
"""Number of trailing zeros of a word with one bit, found by one multiplication."""

_OK, _QY, _FAIL, _INVALID = (
    int(status) for status in (GroupStatus.OK, GroupStatus.QY, GroupStatus.FAIL, GroupStatus.INVALID)
)
_GROUPED = int(GroupReason.GROUPED)
_GROUPED_BY_RETRY = int(GroupReason.GROUPED_BY_SECONDARY_PROCEDURE)
_AMBIGUOUS = int(GroupReason.AMBIGUOUS_OPERATION)


@njit(nogil=True, inline="always")
def load_numbers(
    record: int, numeric: I32, text: I32, text_rows: I64, text_bases: I32, places: I64, state: I64
) -> None:
    """Numbers and the bits of the text values."""
    at = places[NUMBERS]
    for field in range(places[N_NUMBERS]):
        state[at + field] = numeric[field, record]
    if places[ZERO_WEIGHT_IS_NULL] and state[places[WEIGHT]] == 0:
        state[places[WEIGHT]] = NULL_I32
    words = places[TEXT_WORDS]
    if words == 0:
        return
    for field in range(len(text_bases)):
        row = text_bases[field] + 1 + text[field, record]
        for word in range(words):
            state[places[TEXTS] + field * words + word] = text_rows[row, word]


@njit(nogil=True, inline="always")
def load_codes(
    first: int, end: int, ids: I32, attributes: I64, rows: I64, main: int, other: int, every: int,
    main_words: int, every_words: int, state: I64,
) -> int:  # fmt: skip
    """Bits of the lists met by the principal code, by some other, by any; returns how many slots hold a code."""
    principal = ids[first] if first < end else EMPTY
    row = attributes[principal] & CLASS_MASK if principal >= 0 else 0
    for word in range(main_words):
        state[main + word] = rows[row, word]
    for word in range(every_words):
        state[every + word] = rows[row, main_words + word]
        state[other + word] = 0
    found = int(first < end and principal != EMPTY)
    for at in range(first + 1, end):
        code = ids[at]
        if code > EMPTY:
            found += 1
            row = attributes[code] & CLASS_MASK
            if row != 0:
                for word in range(every_words):
                    state[other + word] |= rows[row, main_words + word]
        elif code < EMPTY and code != DROPPED:
            found += 1
    for word in range(every_words):
        state[every + word] |= state[other + word]
    return found


@njit(nogil=True, inline="always")
def count_listed(
    is_dx: int, first: int, end: int, ids: I32, attributes: I64, rows: I64, counts: I64, state: I64
) -> None:
    """How many codes lie in each list that some test counts; a code written twice counts twice."""
    for count in range(len(counts)):
        if counts[count, 1] != is_dx:
            continue
        last = end if counts[count, 3] < 0 else min(end, first + counts[count, 3])
        total = 0
        for at in range(first + counts[count, 2], last):
            if ids[at] > EMPTY and rows[attributes[ids[at]] & CLASS_MASK, counts[count, 4]] & counts[count, 5]:
                total += 1
        state[counts[count, 0]] = total


@njit(nogil=True, inline="always")
def load_complications(first: int, end: int, ids: I32, attributes: I64, at: int, state: I64, marks: U8) -> int:
    """n_sites, has_mcc and has_cc into the state from slot `at`; marks per diagnosis; returns the severity."""
    principal = ids[first] if first < end else EMPTY
    excluded = attributes[principal] >> PRINCIPAL_SHIFT if principal > EMPTY else 0
    sites, has_mcc, has_cc = 0, 0, 0
    for slot in range(first, end):
        if ids[slot] <= EMPTY:
            continue
        packed = attributes[ids[slot]]
        sites |= (1 << ((packed >> SITE_SHIFT) & 31)) >> 1
        level = (packed >> LEVEL_SHIFT) & 3
        if level == 0 or slot == first:
            continue
        if (packed >> TABLE_SHIFT) & 0xFFFF == excluded:
            marks[slot] = MARK_EXCLUDED
        elif level == 2:
            marks[slot] = MARK_MCC
            has_mcc = 1
        else:
            marks[slot] = MARK_CC
            has_cc = 1
    different = 0
    while sites:
        sites &= sites - 1
        different += 1
    state[at] = different
    state[at + 1] = has_mcc
    state[at + 2] = has_cc
    return SEVERITY_MCC if has_mcc else SEVERITY_CC if has_cc else SEVERITY_NONE


@njit(nogil=True, inline="always")
def search(
    dx_open: U64, dx_class: int, op_open: U64, op_class: int,
    gates: I32, condition_first: I32, clause_first: I32, atoms: I64, state: I64,
) -> int:  # fmt: skip
    """The first leaf whose whole path holds; −1 nothing, −2 nothing although an ADRG held."""
    count = len(gates) - 1
    nothing = -1
    gate = 0
    while gate < count:
        word = gate >> 6
        left = (dx_open[dx_class, word] & op_open[op_class, word]) >> np.uint64(gate & 63)
        if left == np.uint64(0):
            gate = (word + 1) << 6
            continue
        lowest = left & (~left + np.uint64(1))
        gate += _BIT_AT[(lowest * _DE_BRUIJN) >> np.uint64(58)]
        if not holds(gate, condition_first, clause_first, atoms, state):
            gate = gates[gate, GATE_SKIP]
            continue
        for leaf in range(gates[gate, GATE_LEAF], gates[gate + 1, GATE_LEAF]):
            if holds(count + leaf, condition_first, clause_first, atoms, state):
                return leaf
        if gates[gate, GATE_IS_ADRG]:
            nothing = -2
        gate += 1
    return nothing


@njit(nogil=True, cache=True)
def group_records(
    dx_offsets: I64, dx_ids: I32, op_offsets: I64, op_ids: I32, numeric: I32, text: I32,
    dx_attributes: I64, dx_rows: I64, op_attributes: I64, op_rows: I64, text_rows: I64, text_bases: I32,
    gates: I32, condition_first: I32, clause_first: I32, atoms: I64, atom_kind: I32, counts: I64,
    dx_open: U64, op_open: U64, places: I64,
    status: U8, reason: U8, leaf: I32, severity: U8, dx_mark: U8, op_used: I32, leaf_is_qy: U8,
) -> int:  # fmt: skip
    """Group every record of the batch; returns the digest of the sources it was compiled from."""
    state = np.zeros(places[SLOTS], np.int64)
    derived = places[NUMBERS] + places[N_NUMBERS]
    for record in range(len(dx_offsets) - 1):
        dx_first, dx_end = dx_offsets[record], dx_offsets[record + 1]
        op_first, op_end = op_offsets[record], op_offsets[record + 1]
        load_numbers(record, numeric, text, text_rows, text_bases, places, state)
        why = mapping_failure(dx_first, dx_end, dx_ids, op_first, op_end, op_ids) if places[IS_MAPPED] else 0
        if why == 0:
            why = failed_check(places, state)
        if why != 0:
            status[record], reason[record], severity[record] = _INVALID, why, SEVERITY_NONE
            leaf[record], op_used[record] = -1, -1
            continue
        state[derived] = load_codes(
            dx_first, dx_end, dx_ids, dx_attributes, dx_rows, places[DX_MAIN], places[DX_OTHER], places[DX_ANY],
            places[DX_MAIN_WORDS], places[DX_EVERY_WORDS], state,
        )  # fmt: skip
        severity[record] = load_complications(dx_first, dx_end, dx_ids, dx_attributes, derived + 2, state, dx_mark)
        count_listed(1, dx_first, dx_end, dx_ids, dx_attributes, dx_rows, counts, state)
        dx_id = dx_ids[dx_first] if dx_first < dx_end else EMPTY
        dx_attribute = dx_attributes[dx_id] if dx_id >= 0 else 0

        found, why, used = -1, 0, op_first
        while True:
            # The first search sees all procedures; a retry sees the one at `used` alone.
            last = op_end if used == op_first else used + 1
            state[derived + 1] = load_codes(
                used, last, op_ids, op_attributes, op_rows, places[OP_MAIN], places[OP_OTHER], places[OP_ANY],
                places[OP_MAIN_WORDS], places[OP_EVERY_WORDS], state,
            )  # fmt: skip
            count_listed(0, used, last, op_ids, op_attributes, op_rows, counts, state)
            op_id = op_ids[used] if used < op_end else EMPTY
            op_attribute = op_attributes[op_id] if op_id >= 0 else 0
            found = search(
                dx_open, dx_attribute & CLASS_MASK, op_open, op_attribute & CLASS_MASK,
                gates, condition_first, clause_first, atoms, state,
            )  # fmt: skip
            if found >= 0:
                break
            if used == op_first:
                why = fail_reason(
                    dx_attribute, op_attribute, dx_id != EMPTY, op_id != EMPTY, found == -2,
                    gates, condition_first, clause_first, atoms, atom_kind, places, state,
                )  # fmt: skip
            used += 1
            while used < op_end and (op_ids[used] == EMPTY or op_ids[used] == DROPPED):
                used += 1
            if used >= op_end or not places[RETRIES]:
                used = op_first
                break
        leaf[record] = max(found, -1)
        has_procedure = used < op_end and op_ids[used] != EMPTY
        op_used[record] = used - op_first if has_procedure else -1
        if found < 0:
            status[record], reason[record] = _FAIL, why
        elif leaf_is_qy[found]:
            status[record], reason[record] = _QY, _AMBIGUOUS
        else:
            status[record], reason[record] = _OK, _GROUPED if used == op_first else _GROUPED_BY_RETRY
    return SOURCES
