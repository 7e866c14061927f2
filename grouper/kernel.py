"""The loops of the DRG kernel, compiled by numba without the GIL.

In: the arrays of a `CompiledDrg` and of a `CaseBatch`; out: written into the arrays of a `GroupedBatch`.
Each record is turned into its state vector, the gates that its principal codes leave open are tried in order, and a
record without a result gets a reason. Nothing here checks bounds: `compile` asserts the tables, `drg` the ids.
Only `group_records` is kept on disk; helpers are compiled into it, inline, as passing arrays costs more than the work.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from grouper.batch import DROPPED, EMPTY, I32, I64, U8
from grouper.bits import first_bit, set_bits
from grouper.codes import CLASS_MASK, LEVEL_SHIFT, PRINCIPAL_SHIFT, SITE_SHIFT, TABLE_SHIFT
from grouper.facts import MARK_CC, MARK_EXCLUDED, MARK_MCC, SEVERITY_CC, SEVERITY_MCC, SEVERITY_NONE
from grouper.jit import entry, inlined, u
from grouper.kernel_reason import any_holds, fail_reason, failed_check, holds, mapping_failure
from grouper.places import (
    DX_ANY,
    DX_BARE,
    DX_EVERY_WORDS,
    DX_MAIN,
    DX_MAIN_WORDS,
    DX_OTHER,
    IS_MAPPED,
    N_NUMBERS,
    NUMBERS,
    OP_ANY,
    OP_BARE,
    OP_EVERY_WORDS,
    OP_MAIN,
    OP_MAIN_WORDS,
    OP_OTHER,
    OPEN_WORDS,
    RETRIES,
    TEXT_WORDS,
    TEXTS,
    WEIGHT,
    ZERO_WEIGHT_IS_NULL,
)
from grouper.plan import (
    ASK_LEAVES,
    PLAN_BY_LEVEL,
    PLAN_CLAUSE,
    PLAN_CLAUSE_END,
    PLAN_IS_ADRG,
    PLAN_LEAF,
    PLAN_LEAF_END,
    PLAN_SIZE,
    PLAN_SKIP,
    PLAN_TEST,
)
from grouper.reason import GroupReason, GroupStatus
from grouper.sources import SOURCES
from grouper.tables import NULL_I32
from grouper.words import address, ids_at, words_at

U64 = npt.NDArray[np.uint64]

_OK, _QY, _FAIL, _INVALID = (
    int(status) for status in (GroupStatus.OK, GroupStatus.QY, GroupStatus.FAIL, GroupStatus.INVALID)
)
_GROUPED = int(GroupReason.GROUPED)
_GROUPED_BY_RETRY = int(GroupReason.GROUPED_BY_SECONDARY_PROCEDURE)
_AMBIGUOUS = int(GroupReason.AMBIGUOUS_OPERATION)
COUNT_SIZE = 6
AT_ONCE_SHIFT = 5
AT_ONCE = 1 << AT_ONCE_SHIFT
"""Records whose numbers are loaded at a time."""


@inlined
def load_numbers(
    first: int,
    count: int,
    numeric: I64,
    text: I64,
    text_rows: I64,
    text_bases: I32,
    places: I64,
    slots: int,
    states: I64,
) -> None:
    """Numbers and the bits of the text values of some records, field by field, into state vectors side by side."""
    start = places[NUMBERS]
    for field in range(len(numeric)):
        values, at = ids_at(numeric[u(field)] + 4 * first), start + field
        for record in range(count):
            states[u(at)] = values[u(record)]
            at += slots
    if places[ZERO_WEIGHT_IS_NULL]:
        for record in range(count):
            at = record * slots + places[WEIGHT]
            if states[u(at)] == 0:
                states[u(at)] = NULL_I32
    words = places[TEXT_WORDS]
    for field in range(len(text_bases) if words else 0):
        values, base = ids_at(text[u(field)] + 4 * first), text_bases[u(field)] + 1
        for word in range(words):
            at = places[TEXTS] + field * words + word
            for record in range(count):
                states[u(at)] = text_rows[u((base + values[u(record)]) * words + word)]
                at += slots


@inlined
def load_principal(
    row: int, rows: I64, main: int, other: int, every: int, main_words: int, every_words: int, state: I64
) -> None:
    """Bits of the lists met by the principal code; none met by another so far."""
    for word in range(main_words):
        state[u(main + word)] = rows[u(row + word)]
    for word in range(every_words):
        state[u(every + word)] = rows[u(row + main_words + word)]
        state[u(other + word)] = 0


@inlined
def add_other(row: int, rows: I64, other: int, main_words: int, every_words: int, state: I64) -> None:
    """Bits of the lists met by another code, but for those of the first word."""
    for word in range(1, every_words):
        state[u(other + word)] |= rows[u(row + main_words + word)]


@inlined
def join_any(other: int, every: int, every_words: int, state: I64) -> bool:
    """What any code meets: the principal one or another. Whether it meets nothing."""
    met = np.int64(0)
    for word in range(every_words):
        state[u(every + word)] |= state[u(other + word)]
        met |= state[u(every + word)]
    return bool(met == 0)


@inlined
def count_listed(
    is_dx: int, first: int, end: int, ids: I32, attributes: I64, rows: I64, width: int, counts: I64, state: I64
) -> None:
    """How many codes lie in each list that some test counts; a code written twice counts twice."""
    for count in range(0, len(counts), COUNT_SIZE):
        if counts[u(count + 1)] != is_dx:
            continue
        last = end if counts[u(count + 3)] < 0 else min(end, first + counts[u(count + 3)])
        column, mask, total = counts[u(count + 4)], counts[u(count + 5)], 0
        for at in range(first + counts[u(count + 2)], last):
            code = ids[u(at)]
            if code > EMPTY and rows[u((attributes[u(code)] & CLASS_MASK) * width + column)] & mask:
                total += 1
        state[u(counts[u(count)])] = total


@inlined
def mark_complications(first: int, end: int, ids: I32, attributes: I64, excluded: int, marks: U8) -> None:
    """What became of each other diagnosis that is a complication."""
    for at in range(first + 1, end):
        if ids[u(at)] <= EMPTY:
            continue
        packed = attributes[u(ids[u(at)])]
        level = (packed >> LEVEL_SHIFT) & 3
        if level:
            counted = MARK_MCC if level == 2 else MARK_CC
            marks[u(at)] = MARK_EXCLUDED if (packed >> TABLE_SHIFT) & 0xFFFF == excluded else counted


@inlined
def search(
    dx_open: U64, dx_row: int, op_open: U64, op_row: int, words: int, level: int,
    plan: I64, leaf_conditions: int, condition_first: I32, clause_first: I32, atoms: I64, state: I64,
) -> int:  # fmt: skip
    """The first leaf whose whole path holds; −1 nothing, −2 nothing although an ADRG held."""
    nothing = -1
    gate, end = 0, words << 6
    while gate < end:
        word = gate >> 6
        left = (dx_open[u(dx_row + word)] & op_open[u(op_row + word)]) >> np.uint64(gate & 63)
        if left == np.uint64(0):
            gate = (word + 1) << 6
            continue
        gate += first_bit(left)
        own = gate * PLAN_SIZE
        seen = state[u(plan[u(own + PLAN_TEST)])] & plan[u(own + PLAN_TEST + 1)]
        if seen < plan[u(own + PLAN_TEST + 2)] or seen > plan[u(own + PLAN_TEST + 3)]:
            gate = plan[u(own + PLAN_SKIP)]
            continue
        first, last = plan[u(own + PLAN_CLAUSE)], plan[u(own + PLAN_CLAUSE_END)]
        if first != last and not any_holds(first, last, clause_first, atoms, state):
            gate = plan[u(own + PLAN_SKIP)]
            continue
        leaf = plan[u(own + PLAN_BY_LEVEL + level)]
        if leaf >= 0:
            return int(leaf)
        if leaf == ASK_LEAVES:
            for each in range(plan[u(own + PLAN_LEAF)], plan[u(own + PLAN_LEAF_END)]):
                if holds(leaf_conditions + each, condition_first, clause_first, atoms, state):
                    return each
        if plan[u(own + PLAN_IS_ADRG)]:
            nothing = -2
        gate += 1
    return nothing


@entry
def group_records(
    dx_offsets: I64, dx_ids: I32, op_offsets: I64, op_ids: I32, numeric: I64, text: I64,
    dx_attributes: I64, dx_rows: I64, op_attributes: I64, op_rows: I64, text_rows: I64, text_bases: I32,
    gates: I32, condition_first: I32, clause_first: I32, atoms: I64, atom_kind: I32, counts: I64,
    dx_open: U64, op_open: U64, dx_mdcs: U64, plan: I64, places: I64, states: I64,
    status: U8, reason: U8, leaf: I32, severity: U8, dx_mark: U8, op_used: I32, leaf_is_qy: U8,
) -> int:  # fmt: skip
    """Group every record of the batch; returns the digest of the sources it was compiled from.

    `numeric` and `text` are addresses of columns; all arrays but the gates are flat. `states` is one thread's
    scratch, a state vector for each of `AT_ONCE` records; marks are written if there is room for them.
    """
    records = len(dx_offsets) - 1
    derived = places[NUMBERS] + places[N_NUMBERS]
    dx_main, dx_other, dx_any = places[DX_MAIN], places[DX_OTHER], places[DX_ANY]
    op_main, op_other, op_any = places[OP_MAIN], places[OP_OTHER], places[OP_ANY]
    dx_main_words, dx_words = places[DX_MAIN_WORDS], places[DX_EVERY_WORDS]
    op_main_words, op_words = places[OP_MAIN_WORDS], places[OP_EVERY_WORDS]
    dx_width, op_width = dx_main_words + dx_words, op_main_words + op_words
    open_words, leaf_conditions = places[OPEN_WORDS], len(gates) - 1
    dx_bare, op_bare = places[DX_BARE], places[OP_BARE]
    slots, begin = len(states) >> AT_ONCE_SHIFT, address(states)
    for record in range(records):
        dx_first, dx_end = dx_offsets[u(record)], dx_offsets[u(record + 1)]
        op_first, op_end = op_offsets[u(record)], op_offsets[u(record + 1)]
        turn = record & (AT_ONCE - 1)
        if turn == 0:
            some = min(AT_ONCE, records - record)
            load_numbers(record, some, numeric, text, text_rows, text_bases, places, slots, states)
        state = words_at(begin + turn * slots * 8)
        why = mapping_failure(dx_first, dx_end, dx_ids, op_first, op_end, op_ids) if places[IS_MAPPED] else 0
        if why == 0:
            why = failed_check(places, state)
        if why != 0:
            status[u(record)], reason[u(record)], severity[u(record)] = _INVALID, why, SEVERITY_NONE
            leaf[u(record)], op_used[u(record)] = -1, -1
            continue
        dx_id = dx_ids[u(dx_first)] if dx_first < dx_end else EMPTY
        dx_attribute = dx_attributes[u(dx_id)] if dx_id > EMPTY else 0
        excluded = dx_attribute >> PRINCIPAL_SHIFT
        dx_class = dx_attribute & CLASS_MASK
        load_principal(dx_class * dx_width, dx_rows, dx_main, dx_other, dx_any, dx_main_words, dx_words, state)
        # Sites as bits, bit 0 for none; levels of complications, and of those that count: bit 0 CC, bit 1 MCC.
        sites, levels, level = 1 << ((dx_attribute >> SITE_SHIFT) & 31), 0, 0
        found_codes, others = int(dx_id != EMPTY), np.int64(0)
        for at in range(dx_first + 1, dx_end):
            code = dx_ids[u(at)]
            if code > EMPTY:
                packed = dx_attributes[u(code)]
                sites |= 1 << ((packed >> SITE_SHIFT) & 31)
                own = (packed >> LEVEL_SHIFT) & 3
                levels |= own
                level |= own if (packed >> TABLE_SHIFT) & 0xFFFF != excluded else 0
                row = (packed & CLASS_MASK) * dx_width
                if dx_words:
                    others |= dx_rows[u(row + dx_main_words)]
                    add_other(row, dx_rows, dx_other, dx_main_words, dx_words, state)
                found_codes += 1
            elif code < EMPTY and code != DROPPED:
                found_codes += 1
        if dx_words:
            state[u(dx_other)] = others
        dx_row = dx_class + (dx_bare if join_any(dx_other, dx_any, dx_words, state) else 0)
        state[u(derived)] = found_codes
        state[u(derived + 2)] = set_bits(sites >> 1)
        state[u(derived + 3)], state[u(derived + 4)] = level >> 1, level & 1
        severity[u(record)] = SEVERITY_MCC if level & 2 else SEVERITY_CC if level else SEVERITY_NONE
        if levels and len(dx_mark):
            mark_complications(dx_first, dx_end, dx_ids, dx_attributes, excluded, dx_mark)
        count_listed(1, dx_first, dx_end, dx_ids, dx_attributes, dx_rows, dx_width, counts, state)

        found, why, used = -1, 0, op_first
        while True:
            # The first search sees all procedures; a retry sees the one at `used` alone.
            last = op_end if used == op_first else used + 1
            op_id = op_ids[u(used)] if used < op_end else EMPTY
            op_attribute = op_attributes[u(op_id)] if op_id > EMPTY else 0
            op_class = op_attribute & CLASS_MASK
            load_principal(op_class * op_width, op_rows, op_main, op_other, op_any, op_main_words, op_words, state)
            found_codes, others = int(op_id != EMPTY), np.int64(0)
            for at in range(used + 1, last):
                code = op_ids[u(at)]
                if code > EMPTY:
                    row = (op_attributes[u(code)] & CLASS_MASK) * op_width
                    if op_words:
                        others |= op_rows[u(row + op_main_words)]
                        add_other(row, op_rows, op_other, op_main_words, op_words, state)
                    found_codes += 1
                elif code < EMPTY and code != DROPPED:
                    found_codes += 1
            if op_words:
                state[u(op_other)] = others
            op_row = op_class + (op_bare if join_any(op_other, op_any, op_words, state) else 0)
            state[u(derived + 1)] = found_codes
            count_listed(0, used, last, op_ids, op_attributes, op_rows, op_width, counts, state)
            found = search(
                dx_open, dx_row * open_words, op_open, op_row * open_words, open_words, level,
                plan, leaf_conditions, condition_first, clause_first, atoms, state,
            )  # fmt: skip
            if found >= 0:
                break
            if used == op_first:
                why = fail_reason(
                    dx_attribute, op_attribute, dx_id != EMPTY, op_id != EMPTY, found == -2,
                    dx_mdcs, open_words, gates, condition_first, clause_first, atoms, atom_kind, places, state,
                )  # fmt: skip
            used += 1
            while used < op_end and (op_ids[u(used)] == EMPTY or op_ids[u(used)] == DROPPED):
                used += 1
            if used >= op_end or not places[RETRIES]:
                used = op_first
                break
        has_procedure = used < op_end and op_ids[u(used)] != EMPTY
        op_used[u(record)] = used - op_first if has_procedure else -1
        leaf[u(record)] = max(found, -1)
        if found < 0:
            status[u(record)], reason[u(record)] = _FAIL, why
        elif leaf_is_qy[u(found)]:
            status[u(record)], reason[u(record)] = _QY, _AMBIGUOUS
        else:
            status[u(record)], reason[u(record)] = _OK, _GROUPED if used == op_first else _GROUPED_BY_RETRY
    return SOURCES
