"""One record made ready for the DIP kernel: what is left of its procedures, their types, its complications.

In: the table T and a record of the batch; out: written into the scratch S (see `dip_layout`).
The same steps as `dip_normalise`. It looks at no row.
"""

from __future__ import annotations

import numpy as np

from grouper import dip_layout as L
from grouper.dip_layout import I32, I64
from grouper.dip_options import OPTION_VALUES
from grouper.dip_tables import ProcedureType
from grouper.jit import inlined, kernel, u
from grouper.words import address, ids_at, words_at

CONSERVATIVE_TYPE = int(ProcedureType.CONSERVATIVE)
BY_CASE_TYPE = OPTION_VALUES["conservative_test"].index("case_type")
BY_MINOR = OPTION_VALUES["conservative_test"].index("minor_procedures")
COMPLICATIONS_KNOWN = 16
"""Bit of S_COMPLICATIONS that says the four below it are settled: cc 1, mcc 2, moderate 4, severe 8."""


@inlined
def option(T: I64, number: int) -> int:
    return int(T[T[L.OPTIONS] + number])


@inlined
def principal_meets(cell: int, T: I64, S: I64) -> bool:
    """Whether the principal diagnosis meets a diagnosis cell."""
    word = T[T[L.DX_BITS] + S[L.S_PRINCIPAL] * T[L.N_WORDS] + cell // L.WORD_BITS]
    return bool((word >> (cell % L.WORD_BITS)) & 1)


@inlined
def other_meets(cell: int, T: I64, S: I64) -> bool:
    """Whether any other diagnosis meets a diagnosis cell."""
    if not S[L.S_OTHERS_KNOWN]:
        _join_others(T, S)
    return bool((S[S[L.S_OTHER_BITS] + cell // L.WORD_BITS] >> (cell % L.WORD_BITS)) & 1)


@kernel
def _join_others(T: I64, S: I64) -> None:
    """Which diagnosis cells any of the other diagnoses meets. Settled once per record, when first asked for."""
    words = T[L.N_WORDS]
    for word in range(words):
        met = 0
        for at in range(1, diagnosis_count(S)):
            met |= T[T[L.DX_BITS] + diagnosis(at, S) * words + word]
        S[S[L.S_OTHER_BITS] + word] = met
    S[L.S_OTHERS_KNOWN] = 1


@inlined
def number(which: int, S: I64) -> int:
    """A number of the record; most records are asked for none, so none is fetched ahead."""
    S[L.S_ASKED] = 1
    return int(words_at(S[L.S_NUMBERS])[which * S[L.S_RECORDS]])


@inlined
def diagnosis_count(S: I64) -> int:
    """How many diagnoses the record has, asked for by whoever goes through the others."""
    S[L.S_ASKED] = 1
    return int(S[L.S_DX_COUNT])


@inlined
def diagnosis(place: int, S: I64) -> int:
    """Id of a diagnosis of the record."""
    return int(ids_at(S[L.S_DX])[place])


@inlined
def load(i: int, T: I64, dx_offsets: I64, dx_ids: I32, op_offsets: I64, op_ids: I32, numbers: I64, S: I64) -> int:
    """Everything the rows ask about the record; returns the id of its principal diagnosis (0 = empty)."""
    S[L.S_STAMP] += 1
    S[L.S_COMPLICATIONS], S[L.S_STRICT], S[L.S_CANDIDATES], S[L.S_OTHERS_KNOWN], S[L.S_ASKED] = 0, 0, 0, 0, 0
    S[L.S_TYPED] = 0
    S[L.S_NUMBERS], S[L.S_RECORDS] = address(numbers) + 8 * i, numbers.shape[1]
    first = dx_offsets[u(i)]
    count = dx_offsets[u(i + 1)] - first
    S[L.S_DX], S[L.S_DX_COUNT] = address(dx_ids) + 4 * first, count
    principal = dx_ids[u(first)] if count else 0
    S[L.S_PRINCIPAL] = principal
    _load_procedures(op_offsets[u(i)], op_offsets[u(i + 1)], T, op_ids, S)
    return int(principal)


@inlined
def _load_procedures(first: int, end: int, T: I64, op_ids: I32, S: I64) -> None:
    """The remaining procedures, principal first; a record with more than PLACES_MAX is left to the walk."""
    count = 0
    for at in range(first, end):
        op = np.int64(op_ids[u(at)])
        # Whether a procedure stays is hard to foresee, so it is written first and counted or not.
        S[L.S_OPS + count] = op
        S[L.S_OPS_AT + count] = at - first
        dropped = (op == 0) | (T[T[L.OPS] + L.OP_SIZE * op + L.OP_ACTION] == L.ACT_DROP)
        count = min(count + (0 if dropped else 1), L.PLACES_MAX)
    S[L.S_OP_COUNT] = count
    S[L.S_HAS_MAIN] = count > 0
    if count and option(T, L.HAS_MAIN_RULES):
        _apply_main_rules(T, S)


@kernel
def _apply_main_rules(T: I64, S: I64) -> None:
    """Which procedure acts as principal, by the handling rules of the excluded ones."""
    count = S[L.S_OP_COUNT]
    main = -1
    for place in range(count):
        action = _main_action(S[L.S_OPS + place], T, S)
        if action == L.ACT_CONSERVATIVE:
            S[L.S_OP_COUNT], S[L.S_HAS_MAIN] = 0, 0
            return
        if action == L.ACT_NONE:
            main = place
            break
    S[L.S_HAS_MAIN] = main >= 0
    if main < 0:
        return
    op, at = S[L.S_OPS + main], S[L.S_OPS_AT + main]
    for place in range(main, 0, -1):
        S[L.S_OPS + place] = S[L.S_OPS + place - 1]
        S[L.S_OPS_AT + place] = S[L.S_OPS_AT + place - 1]
    S[L.S_OPS], S[L.S_OPS_AT] = op, at
    kept = 1
    for place in range(1, count):
        if _main_action(S[L.S_OPS + place], T, S) != L.ACT_CONSERVATIVE:
            S[L.S_OPS + kept] = S[L.S_OPS + place]
            S[L.S_OPS_AT + kept] = S[L.S_OPS_AT + place]
            kept += 1
    S[L.S_OP_COUNT] = kept


@kernel
def _main_action(op: int, T: I64, S: I64) -> int:
    action = T[T[L.OPS] + L.OP_SIZE * op + L.OP_ACTION]
    if action == L.ACT_NONE or action == L.ACT_DROP:
        return L.ACT_NONE
    if option(T, L.EXCLUDED_OP_CONSERVATIVE):
        return L.ACT_CONSERVATIVE
    if action == L.ACT_IF_DX:
        cell = T[T[L.OPS] + L.OP_SIZE * op + L.OP_ACTION_DX]
        return L.ACT_NONE if principal_meets(cell, T, S) else L.ACT_CONSERVATIVE
    return int(action)


@inlined
def load_types(T: I64, S: I64) -> None:
    """Types, terms and minor test of the remaining procedures, and what the case is by them. Most records get a choice
    that is kept, which needs none of it."""
    S[L.S_TYPED] = 1
    count, minor, bits, best = S[L.S_OP_COUNT], 1, 0, -1
    for place in range(count):
        record = T[L.OPS] + L.OP_SIZE * S[L.S_OPS + place]
        kind = T[record + L.OP_TYPE]
        rank = T[T[L.TYPE_RANKS] + kind] if kind >= 0 else -1
        S[L.S_RANKS + place] = rank
        best = max(best, rank)
        minor &= T[record + L.OP_MINOR]
        bits |= T[record + L.OP_BITS]
        _stamp_terms(T[record + L.OP_TERM], T[record + L.OP_TERM_END], 1 << place, T, S)
    S[L.S_BITS] = bits
    S[L.S_ALL] = (1 << count) - 1
    S[L.S_CASE_TYPE] = _type_of_rank(best, T)
    test = option(T, L.CONSERVATIVE_TEST)
    if test == BY_CASE_TYPE:
        S[L.S_CONSERVATIVE] = S[L.S_CASE_TYPE] == CONSERVATIVE_TYPE
    elif test == BY_MINOR:
        S[L.S_CONSERVATIVE] = minor
    else:
        S[L.S_CONSERVATIVE] = S[L.S_HAS_MAIN] == 0


@inlined
def _type_of_rank(rank: int, T: I64) -> int:
    return int(T[T[L.TYPES_DOWN] + L.N_TYPES - 1 - rank]) if rank >= 0 else CONSERVATIVE_TYPE


@inlined
def _stamp_terms(first: int, end: int, bit: int, T: I64, S: I64) -> None:
    """Marks the terms that name a procedure with its place; marks of other records carry another stamp."""
    for at in range(T[L.OP_TERMS] + first, T[L.OP_TERMS] + end):
        hit = T[at]
        mark = S[L.S_STAMPS] + L.STAMP_SIZE * (hit >> 1)
        if S[mark] != S[L.S_STAMP]:
            S[mark], S[mark + 1], S[mark + 2] = S[L.S_STAMP], 0, 0
        S[mark + 1] |= bit
        if hit & 1:
            S[mark + 2] |= bit


@inlined
def highest(mask: int, T: I64, S: I64) -> int:
    """The highest type among the procedures of a mask; conservative if none is known."""
    if mask == S[L.S_ALL]:
        return int(S[L.S_CASE_TYPE])
    best, place = -1, L.S_RANKS
    while mask:
        if mask & 1:
            best = max(best, S[place])
        mask >>= 1
        place += 1
    return _type_of_rank(best, T)


@inlined
def long_stay(T: I64, S: I64) -> bool:
    stay, limit = number(L.STAY, S), option(T, L.LOS_THRESHOLD)
    if stay == L.NULL:
        return False
    return bool(stay > limit or (stay == limit and option(T, L.LOS_INCLUSIVE) != 0))


@kernel
def complications(T: I64, S: I64) -> int:
    """Which levels of complication count, as bits: cc 1, mcc 2, moderate 4, severe 8. Settled once per record."""
    if S[L.S_COMPLICATIONS]:
        return int(S[L.S_COMPLICATIONS])
    found = COMPLICATIONS_KNOWN
    principal = T[L.DX] + L.DX_SIZE * S[L.S_PRINCIPAL]
    for at in range(1, diagnosis_count(S)):
        other = T[L.DX] + L.DX_SIZE * diagnosis(at, S)
        for entry in range(T[other + L.DX_COMPLICATIONS], T[other + L.DX_COMPLICATIONS_END]):
            record = T[L.COMPLICATIONS] + L.COMPLICATION_SIZE * entry
            exclusion, prefix = T[record + 1], T[record + 2]
            if prefix >= 0:
                counts = _listed(prefix, T[L.PREFIXES], principal + L.DX_PREFIXES, T)
            else:
                counts = exclusion < 0 or not _listed(exclusion, T[L.LISTS], principal + L.DX_LISTS, T)
            if counts:
                found |= 1 << T[record]
    S[L.S_COMPLICATIONS] = found
    return int(found)


@kernel
def _listed(number: int, section: int, span: int, T: I64) -> bool:
    at, end = section + T[span], section + T[span + 1]
    while at < end and T[at] != number:
        at += 1
    return bool(at < end)
