"""Where candidates come from in the DIP kernel: by diagnosis, by type, by letter, by pre-group.

In: the record of the principal diagnosis in T, a layer's number, the scratch S; out: candidates pushed into S, in
catalogue order. The same sources as `dip_search`. It ranks nothing.
"""

from __future__ import annotations

from grouper import dip_layout as L
from grouper.dip_kernel_case import CONSERVATIVE_TYPE, highest, option, other_meets, principal_meets
from grouper.dip_kernel_choose import of
from grouper.dip_kernel_rows import admits, fit_main, fit_row, has_related, row_at
from grouper.dip_layout import I64
from grouper.jit import inlined, kernel


@inlined
def push(row: int, matched: int, specificity: int, T: I64, S: I64) -> None:
    """A new candidate; its type is its row's own, or the highest of the matched procedures."""
    at = S[L.S_CANDIDATE] + L.CANDIDATE_SIZE * S[L.S_CANDIDATES]
    own = T[row_at(row, T) + L.ROW_TYPE]
    S[at + L.C_ROW] = row
    S[at + L.C_TYPE] = own if own >= 0 else highest(matched, T, S)
    S[at + L.C_MATCHED] = matched
    S[at + L.C_SPECIFICITY] = specificity
    S[at + L.C_AUX] = L.AUX_UNKNOWN
    S[L.S_CANDIDATES] += 1


@inlined
def by_diagnosis(dx: int, layer: int, T: I64, S: I64) -> None:
    """Pushes the layer's rows that fit, from the longest key that has one."""
    begin, bits = S[L.S_CANDIDATES], S[L.S_BITS]
    spans = T[L.SPANS] + T[dx + L.DX_PLACE] * T[L.N_DIAGNOSIS_LAYERS] + layer
    for span in range(T[spans], T[spans + 1]):
        record = T[L.SPAN_ROWS] + L.SPAN_SIZE * span
        if T[record + L.SPAN_BITS] & bits:
            _push_fitting(T[record + L.SPAN_FIRST], T[record + L.SPAN_EMPTY], T, S)
        if S[L.S_CANDIDATES] == begin and S[L.S_CONSERVATIVE]:
            _push_empty(T[record + L.SPAN_EMPTY], T[record + L.SPAN_END], T, S)
        if S[L.S_CANDIDATES] > begin:
            return


@kernel
def _push_fitting(first: int, end: int, T: I64, S: I64) -> None:
    """Rows with procedures, of one span, that the record satisfies."""
    begin, bits = S[L.S_CANDIDATES], S[L.S_BITS]
    for key in range(first, end):
        at = T[L.KEY_ROWS] + L.KEY_SIZE * key
        if T[at + 1] & bits and admits(T[at], T, S):
            fits, matched, specificity = fit_row(T[at], False, T, S)
            if fits:
                push(T[at], matched, specificity, T, S)
    if option(T, L.RELATED_NO_MATCH) and S[L.S_OP_COUNT] > 1 and S[L.S_CANDIDATES] > begin:
        _drop_fallback(first, end, begin, T, S)


@inlined
def _push_empty(first: int, end: int, T: I64, S: I64) -> None:
    """Rows without procedures: the first one, or all of them."""
    for key in range(first, end):
        row = T[T[L.KEY_ROWS] + L.KEY_SIZE * key]
        if admits(row, T, S):
            push(row, 0, 0, T, S)
            if not option(T, L.EMPTY_ROWS_ALL):
                return


@kernel
def _drop_fallback(first: int, end: int, begin: int, T: I64, S: I64) -> None:
    """Drops rows without related cell when a sibling's cell was asked for and none was met."""
    for at in range(begin, S[L.S_CANDIDATES]):
        if has_related(of(at, L.C_ROW, S), T):
            return
    for key in range(first, end):
        row = T[T[L.KEY_ROWS] + L.KEY_SIZE * key]
        if has_related(row, T) and admits(row, T, S) and fit_main(row, False, T, S)[0]:
            S[L.S_CANDIDATES] = begin
            return


@inlined
def type_asked(T: I64, S: I64) -> int:
    """The type comprehensive rows are looked up by."""
    if not option(T, L.TYPE_FROM_FIRST):
        return int(S[L.S_CASE_TYPE])
    if not S[L.S_HAS_MAIN]:
        return CONSERVATIVE_TYPE
    return int(max(T[T[L.OPS] + L.OP_SIZE * S[L.S_OPS] + L.OP_TYPE], CONSERVATIVE_TYPE))


@inlined
def by_type(dx: int, layer: int, T: I64, S: I64) -> None:
    """Pushes the comprehensive rows of the case's type: the exact one or that of its level, then the range."""
    kind = type_asked(T, S)
    table = (T[dx + L.DX_TYPES] * T[L.N_TYPE_LAYERS] + layer) * L.N_TYPES + kind
    found = T[L.BY_TYPE] + L.BY_TYPE_SIZE * table
    if T[found] == L.BY_LEVEL:
        main = T[L.OPS] + L.OP_SIZE * S[L.S_OPS]
        level = min(T[main + L.OP_LEVEL], L.TOP_LEVEL) if S[L.S_HAS_MAIN] else 0
        if level >= 1 and T[found + 1 + level] >= 0:
            push(T[found + 1 + level], 0, 0, T, S)
        return
    for row in (T[found + 1], T[found + 5]):
        if row >= 0:
            push(row, 0, 0, T, S)


@inlined
def by_letter(dx: int, layer: int, T: I64, S: I64) -> None:
    """Pushes the last resort of the diagnosis letter."""
    row = T[T[L.LETTERS] + T[dx + L.DX_LETTER] * T[L.N_LETTER_LAYERS] + layer]
    if row >= 0:
        push(row, 0, 0, T, S)


@kernel
def pre_group(layer: int, T: I64, S: I64) -> None:
    """Pushes the first pre-group row that fits; an empty procedure cell asks for nothing here."""
    any_position = option(T, L.XQ_ANY) != 0
    for k in range(T[L.N_PRE_ROWS]):
        row = T[T[L.PRE_ROWS] + k]
        at = row_at(row, T)
        if T[at + L.ROW_LAYER] != layer or not _diagnosis_holds(at, T, S):
            continue
        fits, matched, specificity = fit_row(row, any_position, T, S)
        if fits and admits(row, T, S):
            push(row, matched, specificity, T, S)
            return


@kernel
def _diagnosis_holds(at: int, T: I64, S: I64) -> bool:
    """Whether a pre-group row's diagnosis cell holds, at the principal place or at any."""
    cell = T[at + L.ROW_DX_CELL]
    if cell < 0 or principal_meets(cell, T, S):
        return True
    anywhere = T[at + L.ROW_DX_ANYWHERE] != 0 and option(T, L.P07_PRINCIPAL) == 0
    return anywhere and other_meets(cell, T, S)
