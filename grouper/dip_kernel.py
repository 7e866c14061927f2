"""The loops of the DIP kernel, compiled by numba without the GIL.

In: the table T, a batch, the scratch S; out: one answer per record, written into the arrays of `Out`.
Flat catalogues (1.0/2.0) gather candidates and choose; the 3.0 chain stops at the first section with a fitting row.
Nothing here checks bounds: `dip_compile` asserts the tables, `dip` the batch. It equals `dip_reference`.
"""

from __future__ import annotations

from grouper import dip_layout as L
from grouper.dip_kernel_case import load, load_types, option
from grouper.dip_kernel_choose import choose_one, of, row_value
from grouper.dip_kernel_find import by_diagnosis, by_letter, by_type, pre_group, type_asked
from grouper.dip_kernel_kept import keep, kept
from grouper.dip_kernel_pick import class_rank, final_pick, preempts, wanted_severity
from grouper.dip_kernel_rows import auxiliary_of, fit_row, row_at, term_mask
from grouper.dip_layout import I32, I64, U8
from grouper.dip_options import OPTION_VALUES
from grouper.dip_reason import DipReason
from grouper.jit import entry, inlined, kernel, u
from grouper.sources import SOURCES
from grouper.words import fixed_words, words

_BEFORE_FINAL = OPTION_VALUES["readd_basic"].index("before_final")
_GROUPED, _EMPTY = int(DipReason.GROUPED), int(DipReason.PRINCIPAL_DIAGNOSIS_EMPTY)
_EXCLUDED, _BLANK, _NO_ROW = (
    int(DipReason.PRINCIPAL_DIAGNOSIS_EXCLUDED),
    int(DipReason.BLANK_GROUP),
    int(DipReason.NO_ROW_FITS),
)

_NOTHING, _ROW_SHIFT, _TYPE_MASK = 1, 4, 15
"""A choice is (row + 1) × 16 + type + 2, so that neither `_NOTHING` nor 0, unknown, is one."""


@entry
def group_records(
    first: int, end: int, table: I64,
    dx_offsets: I64, dx_ids: I32, op_offsets: I64, op_ids: I32, numbers: I64, scratch: I64,
    rows: I32, auxiliary: I32, types: I32, reasons: U8, mains: I32,
) -> int:  # fmt: skip
    """Group the records first..end−1 of the batch; returns the digest of the sources it was compiled from."""
    T, S = fixed_words(table), words(scratch)
    blank = option(T, L.BLANK_ROW)
    for i in range(first, end):
        principal = load(i, T, dx_offsets, dx_ids, op_offsets, op_ids, numbers, S)
        rows[u(i)], auxiliary[u(i)], types[u(i)] = -1, -1, -1
        mains[u(i)] = S[L.S_OPS_AT] if S[L.S_HAS_MAIN] else -1
        dx = T[L.DX] + L.DX_SIZE * principal
        if principal == 0:
            reasons[u(i)] = _EMPTY
        elif T[dx + L.DX_EXCLUDED]:
            reasons[u(i)] = _EXCLUDED
        else:
            choice = kept(principal, S)
            if choice == 0:
                choice = _choose(dx, principal, T, S)
            if choice == _NOTHING:
                rows[u(i)] = blank
                reasons[u(i)] = _NO_ROW if blank < 0 else _BLANK
                continue
            row = (choice >> _ROW_SHIFT) - 1
            aux = auxiliary_of(row, T, S)
            rows[u(i)] = row
            auxiliary[u(i)] = T[T[L.AUX] + L.AUX_SIZE * aux + L.AUX_ROW] if aux >= 0 else -1
            types[u(i)] = (choice & _TYPE_MASK) - 2
            reasons[u(i)] = _GROUPED
    return SOURCES


@inlined
def _choose(dx: int, principal: int, T: I64, S: I64) -> int:
    """Row and type the record gets, in one number; `_NOTHING` where no row fits.

    Where nothing was asked of the record but its principal diagnosis and procedures, the choice is kept for the next
    one with the same.
    """
    load_types(T, S)
    chosen = _chain(dx, T, S) if option(T, L.IS_CHAIN) else _flat(dx, T, S)
    choice = _NOTHING
    if chosen >= 0:
        choice = ((of(chosen, L.C_ROW, S) + 1) << _ROW_SHIFT) + of(chosen, L.C_TYPE, S) + 2
    if not S[L.S_ASKED]:
        keep(principal, choice, S)
    return int(choice)


@entry
def outside(values: I64, limit: int) -> bool:
    """Whether any value that is not NULL lies outside 0..limit."""
    found = False
    for i in range(len(values)):
        value = values[i]
        found |= ((value < 0) | (value > limit)) & (value != L.NULL)
    return found


@kernel
def _flat(dx: int, T: I64, S: I64) -> int:
    """The candidate a flat catalogue chooses; −1 = none."""
    core, basic = 0, 0
    for step in range(T[L.N_LAYERS]):
        record = T[L.LAYERS] + L.LAYER_SIZE * step
        source, is_basic, begin = T[record], T[record + 1] == option(T, L.BASIC_LAYER), S[L.S_CANDIDATES]
        if source == L.SOURCE_DIAGNOSIS:
            by_diagnosis(dx, T[record + 2], T, S)
        elif source == L.SOURCE_TYPE and is_basic:
            by_type(dx, T[record + 2], T, S)
        for at in range(begin, S[L.S_CANDIDATES]):
            if is_basic:
                S[S[L.S_BASIC] + basic] = at
                basic += 1
            else:
                S[S[L.S_CORE] + core] = at
                core += 1
    # Mostly there is one candidate, which needs no rule.
    alone = core == 1 and basic == 0 and row_value(S[S[L.S_CORE]], L.ROW_SEVERITY, T, S) == 0
    one = S[S[L.S_CORE]] if alone else _one_of(core, basic, T, S)
    count = 0
    if one >= 0:
        S[S[L.S_LEFT]] = one
        count = 1
    if not option(T, L.TOGETHER) or option(T, L.READD_BASIC) == _BEFORE_FINAL:
        count = _append(S[L.S_BASIC], basic, count, S)
    if count and not option(T, L.HAS_PREEMPTS):
        # Mostly a row by diagnosis stands before every comprehensive one, which then need not be looked for.
        chosen = one if alone else final_pick(count, T, S)
        if chosen >= 0 and class_rank(chosen, T, S) < T[T[L.LATER_RANKS] + type_asked(T, S)]:
            return chosen
    comprehensive = _comprehensive(dx, T, S)
    if option(T, L.HAS_PREEMPTS):
        target = _preempting(count, comprehensive, T, S)
        if target >= 0:
            return target
    return final_pick(_append(S[L.S_COMPREHENSIVE], comprehensive, count, S), T, S)


@kernel
def _comprehensive(dx: int, T: I64, S: I64) -> int:
    """Pushes the comprehensive candidates into S_COMPREHENSIVE; returns how many. Those by letter are a last resort."""
    count = 0
    for step in range(T[L.N_LAYERS]):
        record = T[L.LAYERS] + L.LAYER_SIZE * step
        begin = S[L.S_CANDIDATES]
        if T[record] == L.SOURCE_TYPE and T[record + 1] != option(T, L.BASIC_LAYER):
            by_type(dx, T[record + 2], T, S)
        elif T[record] == L.SOURCE_LETTER and count == 0:
            by_letter(dx, T[record + 2], T, S)
        for at in range(begin, S[L.S_CANDIDATES]):
            S[S[L.S_COMPREHENSIVE] + count] = at
            count += 1
    return count


@inlined
def _append(start: int, more: int, count: int, S: I64) -> int:
    """Adds a list to the end of S_LEFT; returns the new length."""
    for k in range(more):
        S[S[L.S_LEFT] + count + k] = S[start + k]
    return count + more


@kernel
def _one_of(core: int, basic: int, T: I64, S: I64) -> int:
    """The one candidate step 5 leaves, with the severity row the case wants."""
    count = _competing(core, basic, T, S)
    if count == 0 and basic == 0:
        return -1
    # One alone needs no rule, unless others may join.
    one = S[S[L.S_LEFT]] if count == 1 and basic == 0 else choose_one(count, basic, T, S)
    if one >= 0 and row_value(one, L.ROW_SEVERITY, T, S) > 0:
        count = wanted_severity(S[L.S_LEFT], _competing(core, basic, T, S), T, S)
        one = choose_one(count, basic, T, S)
    return one


@inlined
def _competing(core: int, basic: int, T: I64, S: I64) -> int:
    """S_LEFT = core candidates, and the primary-care ones after them where the two compete; returns how many."""
    count = _append(S[L.S_CORE], core, 0, S)
    return _append(S[L.S_BASIC], basic, count, S) if option(T, L.TOGETHER) else count


@kernel
def _preempting(count: int, comprehensive: int, T: I64, S: I64) -> int:
    """The comprehensive candidate a pre-emption takes; −1 = none does."""
    for choice in range(T[L.N_CHOICES]):
        record = T[L.CHOICES] + L.CHOICE_SIZE * choice
        if not T[record + 2] or not preempts(count, T, S):
            continue
        for k in range(comprehensive):
            candidate = S[S[L.S_COMPREHENSIVE] + k]
            same_layer = row_value(candidate, L.ROW_LAYER, T, S) == T[record]
            if same_layer and of(candidate, L.C_TYPE, S) == T[record + 1]:
                return int(candidate)
    return -1


@kernel
def _chain(dx: int, T: I64, S: I64) -> int:
    """The candidate of the first section that has one; a row fitting by a base code gives way to one by name."""
    chosen = _sections(dx, T, S)
    if chosen < 0 or not option(T, L.BASE_STANDS_FOR_EXTENSION) or row_value(chosen, L.ROW_TYPE, T, S) >= 0:
        return chosen
    row = of(chosen, L.C_ROW, S)
    S[L.S_STRICT] = 1
    stood_for = 0
    if not fit_row(row, option(T, L.XQ_ANY) != 0, T, S)[0]:
        stood_for = of(chosen, L.C_MATCHED, S) & ~_named(row, T, S)
    if stood_for:
        named = _sections(dx, T, S)
        if named >= 0 and stood_for & ~of(named, L.C_MATCHED, S) == 0:
            chosen = named
    S[L.S_STRICT] = 0
    return chosen


@kernel
def _named(row: int, T: I64, S: I64) -> int:
    """Places the row's terms name, each taken alone."""
    found, at = 0, row_at(row, T)
    for span in (at + L.ROW_MAIN, at + L.ROW_RELATED):
        for part in range(T[L.PARTS] + T[span], T[L.PARTS] + T[span + 1]):
            for term in range(T[L.TERMS] + T[part], T[L.TERMS] + T[part + 1]):
                found |= term_mask(T[term], S)
    return found


@kernel
def _sections(dx: int, T: I64, S: I64) -> int:
    begin = S[L.S_CANDIDATES]
    for step in range(T[L.N_LAYERS]):
        record = T[L.LAYERS] + L.LAYER_SIZE * step
        source = T[record]
        if source == L.SOURCE_PRE_GROUP:
            pre_group(T[record + 1], T, S)
        elif source == L.SOURCE_DIAGNOSIS:
            by_diagnosis(dx, T[record + 2], T, S)
        elif source == L.SOURCE_TYPE:
            by_type(dx, T[record + 2], T, S)
        else:
            by_letter(dx, T[record + 2], T, S)
        if S[L.S_CANDIDATES] > begin:
            by_fit = source == L.SOURCE_DIAGNOSIS and not option(T, L.FIRST_ROW)
            return _most_specific(begin, S) if by_fit else int(begin)
    return -1


@kernel
def _most_specific(begin: int, S: I64) -> int:
    best = begin
    for at in range(begin + 1, S[L.S_CANDIDATES]):
        if of(at, L.C_SPECIFICITY, S) > of(best, L.C_SPECIFICITY, S):
            best = at
    return int(best)
