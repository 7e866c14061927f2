"""The loops of the DRG kernel, compiled by numba without the GIL.

In: the arrays of a `CompiledDrg` and of a `CaseBatch`; out: written into the arrays of a `GroupedBatch`.
The gates that a record's principal codes leave open are tried in order, each by what `plan` has left to ask of it, and
a record without a result gets a reason. Nothing here checks bounds: `compile` asserts the tables, `drg` the ids.
Only `group_records` is kept on disk; helpers are compiled into it, inline, as passing arrays costs more than the work.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from grouper.anywhere import MET_MASK, MET_SHIFT, SINGLE_MASK
from grouper.batch import DROPPED, EMPTY, I32, I64, U8
from grouper.bits import first_bit, first_common, set_bits
from grouper.codes import CLASS_MASK, LEVEL_SHIFT, PRINCIPAL_SHIFT, SITE_SHIFT, TABLE_SHIFT
from grouper.facts import MARK_CC, MARK_EXCLUDED, MARK_MCC, SEVERITY_CC, SEVERITY_MCC, SEVERITY_NONE
from grouper.jit import entry, inlined, u
from grouper.kernel_reason import fail_reason, failed_check, mapping_failure
from grouper.kernel_state import fill_state, load_numbers
from grouper.places import DX_KNOWN, IS_MAPPED, N_NUMBERS, NUMBERS, OP_KNOWN, OPEN_WORDS, RETRIES
from grouper.plan import (
    FIRST_NODE,
    LEVELS,
    NEXT_ADRG,
    NEXT_MDC,
    NODE_HI,
    NODE_LO,
    NODE_MASK,
    NODE_SHIFT,
    NODE_YES,
    PLAN_ASKS_CODES,
    PLAN_SHIFT,
    PLAN_SKIP,
    ROW_WORDS,
)
from grouper.reason import GroupReason, GroupStatus
from grouper.sources import SOURCES
from grouper.words import address, words_at

U64 = npt.NDArray[np.uint64]

_OK, _QY, _FAIL, _INVALID = (
    int(status) for status in (GroupStatus.OK, GroupStatus.QY, GroupStatus.FAIL, GroupStatus.INVALID)
)
_GROUPED = int(GroupReason.GROUPED)
_GROUPED_BY_RETRY = int(GroupReason.GROUPED_BY_SECONDARY_PROCEDURE)
_AMBIGUOUS = int(GroupReason.AMBIGUOUS_OPERATION)
AT_ONCE_SHIFT = 5
AT_ONCE = 1 << AT_ONCE_SHIFT
"""Records whose numbers are loaded at a time."""


@inlined
def mark_complications(first: int, end: int, ids: I32, packed: I64, excluded: int, marks: U8) -> None:
    """What became of each other diagnosis that is a complication."""
    for at in range(first + 1, end):
        code = packed[u(ids[u(at)] - DROPPED)]
        level = (code >> LEVEL_SHIFT) & 3
        if level:
            counted = MARK_MCC if level == 2 else MARK_CC
            marks[u(at)] = MARK_EXCLUDED if (code >> TABLE_SHIFT) & 0xFFFF == excluded else counted


@inlined
def changes_nothing(principal: Any, others: Any) -> Any:
    """Whether every test on codes at any place is answered by the principal code alone."""
    return ((others >> MET_SHIFT) & ~((principal >> MET_SHIFT) & SINGLE_MASK) & MET_MASK) == 0


@inlined
def first_gate(dx_open: int, op_open: int, words: int) -> Any:
    """The first gate that both rows of candidates leave open; 64 × words if none."""
    word = 0
    while word < words:
        found = first_common(dx_open + 8 * word, op_open + 8 * word)
        word += found
        if found < ROW_WORDS:
            return (word << 6) + first_bit(np.uint64(words_at(dx_open)[u(word)] & words_at(op_open)[u(word)]))
    return word << 6


@inlined
def next_gate(gate: Any, dx_open: int, op_open: int, words: int) -> Any:
    """As `first_gate`, at or after a gate."""
    while gate < words << 6:
        word = gate >> 6
        left = np.uint64(words_at(dx_open)[u(word)] & words_at(op_open)[u(word)]) >> np.uint64(gate & 63)
        if left != np.uint64(0):
            return gate + first_bit(left)
        gate = (word + 1) << 6
    return gate


@inlined
def answer_of(target: Any, nodes: I64, state: I64) -> Any:
    """Where the tests of a gate lead."""
    while target <= FIRST_NODE:
        at = (FIRST_NODE - target) << NODE_SHIFT
        seen = state[u(nodes[u(at)])] & nodes[u(at + NODE_MASK)]
        is_closed = (seen < nodes[u(at + NODE_LO)]) | (seen > nodes[u(at + NODE_HI)])
        target = nodes[u(at + NODE_YES + is_closed)]
    return target


@entry
def group_records(
    dx_offsets: I64, dx_ids: I32, op_offsets: I64, op_ids: I32, numeric: I64, text: I64,
    dx_packed: I64, dx_rows: I64, op_packed: I64, op_rows: I64, text_rows: I64, text_bases: I32,
    gates: I32, condition_first: I32, clause_first: I32, atoms: I64, atom_kind: I32, counts: I64,
    dx_open: U64, op_open: U64, dx_mdcs: U64, plan: I32, nodes: I64, places: I64, states: I64,
    status: U8, reason: U8, leaf: I32, severity: U8, dx_mark: U8, op_used: I32, leaf_is_qy: U8,
) -> int:  # fmt: skip
    """Group every record of the batch; returns the digest of the sources it was compiled from.

    `numeric` and `text` are addresses of columns; all arrays but the gates are flat. `states` is one thread's
    scratch, a state vector for each of `AT_ONCE` records; marks are written if there is room for them.
    """
    records = len(dx_offsets) - 1
    derived, open_words = places[NUMBERS] + places[N_NUMBERS], places[OPEN_WORDS]
    dx_known, op_known, retries, is_mapped = places[DX_KNOWN], places[OP_KNOWN], places[RETRIES], places[IS_MAPPED]
    slots, begin = len(states) >> AT_ONCE_SHIFT, address(states)
    dx_open_at, op_open_at, open_size = address(dx_open), address(op_open), 8 * open_words
    for record in range(records):
        dx_first, dx_end = dx_offsets[u(record)], dx_offsets[u(record + 1)]
        op_first, op_end = op_offsets[u(record)], op_offsets[u(record + 1)]
        turn = record & (AT_ONCE - 1)
        if turn == 0:
            some = min(AT_ONCE, records - record)
            load_numbers(record, some, numeric, text, text_rows, text_bases, places, slots, states)
        state_at = begin + turn * slots * 8
        state = words_at(state_at)
        why = mapping_failure(dx_first, dx_end, dx_ids, op_first, op_end, op_ids) if is_mapped else 0
        if why == 0:
            why = failed_check(places, state)
        if why != 0:
            status[u(record)], reason[u(record)], severity[u(record)] = _INVALID, why, SEVERITY_NONE
            leaf[u(record)], op_used[u(record)] = -1, -1
            continue
        dx_id = dx_ids[u(dx_first)] if dx_first < dx_end else EMPTY
        dx_code = dx_packed[u(dx_id - DROPPED)]
        excluded = (dx_code >> PRINCIPAL_SHIFT) & 0xFFFF
        # What all other codes say together, sites as bits (bit 0 for none), and the levels of complications that count.
        others, sites, level = np.int64(0), 1 << ((dx_code >> SITE_SHIFT) & 31), np.int64(0)
        for at in range(dx_first + 1, dx_end):
            code = dx_packed[u(dx_ids[u(at)] - DROPPED)]
            others |= code
            sites |= 1 << ((code >> SITE_SHIFT) & 31)
            level |= np.int64(0) if (code >> TABLE_SHIFT) & 0xFFFF == excluded else code
        level = (level >> LEVEL_SHIFT) & 3
        state[u(derived + 2)] = set_bits(sites >> 1)
        severity[u(record)] = SEVERITY_MCC if level & 2 else SEVERITY_CC if level else SEVERITY_NONE
        if len(dx_mark):
            mark_complications(dx_first, dx_end, dx_ids, dx_packed, excluded, dx_mark)
        dx_nothing = changes_nothing(dx_code, others)
        dx_row = (dx_code & CLASS_MASK) + (dx_known if dx_nothing else 0)
        dx_open_row = dx_open_at + dx_row * open_size

        used = op_first
        while True:
            # The first search sees all procedures; a retry sees the one at `used` alone.
            last = op_end if used == op_first else used + 1
            op_id = op_ids[u(used)] if used < op_end else EMPTY
            op_code = op_packed[u(op_id - DROPPED)]
            others = np.int64(0)
            for at in range(used + 1, last):
                others |= op_packed[u(op_ids[u(at)] - DROPPED)]
            op_nothing = changes_nothing(op_code, others)
            op_row = (op_code & CLASS_MASK) + (op_known if op_nothing else 0)
            is_known = np.int64(dx_nothing & op_nothing)
            op_open_row, is_filled = op_open_at + op_row * open_size, False
            gate = first_gate(dx_open_row, op_open_row, open_words)
            found, nothing = np.int64(-1), np.int64(-1)
            while gate < open_words << 6:
                own = gate << PLAN_SHIFT
                found = np.int64(plan[u(own + is_known * LEVELS + level)])
                if found <= FIRST_NODE:
                    if plan[u(own + PLAN_ASKS_CODES + is_known)]:
                        if not is_filled:
                            fill_state(
                                dx_first, dx_end, dx_ids, dx_packed, dx_rows,
                                used, last, op_ids, op_packed, op_rows, counts, places, state_at,
                            )  # fmt: skip
                        is_filled = True
                    found = answer_of(found, nodes, state)
                if found >= 0:
                    break
                if found == NEXT_ADRG:
                    nothing = found
                gate = plan[u(own + PLAN_SKIP)] if found == NEXT_MDC else gate + 1
                gate = next_gate(gate, dx_open_row, op_open_row, open_words)
            if found >= 0:
                break
            if used == op_first:
                if not is_filled:
                    fill_state(
                        dx_first, dx_end, dx_ids, dx_packed, dx_rows,
                        used, last, op_ids, op_packed, op_rows, counts, places, state_at,
                    )  # fmt: skip
                state[u(derived + 3)], state[u(derived + 4)] = level >> 1, level & 1
                why = fail_reason(
                    dx_code, op_code, dx_id != EMPTY, op_id != EMPTY, nothing == NEXT_ADRG,
                    dx_mdcs, open_words, gates, condition_first, clause_first, atoms, atom_kind, places, state,
                )  # fmt: skip
            used += 1
            while used < op_end and (op_ids[u(used)] == EMPTY or op_ids[u(used)] == DROPPED):
                used += 1
            if used >= op_end or not retries:
                used = op_first
                break
        has_procedure = used < op_end and op_ids[u(used)] != EMPTY
        op_used[u(record)] = used - op_first if has_procedure else -1
        leaf[u(record)] = found if found >= 0 else -1
        if found < 0:
            status[u(record)], reason[u(record)] = _FAIL, why
        elif leaf_is_qy[u(found)]:
            status[u(record)], reason[u(record)] = _QY, _AMBIGUOUS
        else:
            status[u(record)], reason[u(record)] = _OK, _GROUPED if used == op_first else _GROUPED_BY_RETRY
    return SOURCES
