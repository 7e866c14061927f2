"""The last choices of the DIP kernel: severity rows, pre-emption, the priority list (step 6).

In: lists of candidate numbers in the scratch S; out: the number of one candidate, −1 for none.
The same rules, in the same order, as `dip_choose`. It finds no rows.
"""

from __future__ import annotations

import numpy as np

from grouper import dip_layout as L
from grouper.dip_kernel_case import highest
from grouper.dip_kernel_choose import of, row_value
from grouper.dip_kernel_conditions import holds
from grouper.dip_layout import I64
from grouper.dip_tables import ProcedureType
from grouper.jit import inlined, kernel

_SURGICAL = int(ProcedureType.SURGICAL)


@kernel
def wanted_severity(candidates: int, count: int, T: I64, S: I64) -> int:
    """Keeps in the list that starts at S[candidates] the rows of the severity level the case has; returns how many."""
    zero = np.uint64(0)
    best = 0
    for k in range(count):
        level = row_value(S[candidates + k], L.ROW_SEVERITY, T, S)
        if level > best and holds(row_value(S[candidates + k], L.ROW_SEVERITY_IF, T, S), False, zero, zero, T, S):
            best = level
    if best == 0:
        return count
    kept = 0
    for k in range(count):
        level = row_value(S[candidates + k], L.ROW_SEVERITY, T, S)
        if level == best and holds(row_value(S[candidates + k], L.ROW_SEVERITY_IF, T, S), False, zero, zero, T, S):
            S[candidates + kept] = S[candidates + k]
            kept += 1
    return kept


@kernel
def preempts(count: int, T: I64, S: I64) -> bool:
    """Whether every candidate of S_LEFT leaves a surgical procedure unmatched; true without candidates."""
    for k in range(count):
        unmatched = S[L.S_ALL] & ~of(S[S[L.S_LEFT] + k], L.C_MATCHED, S)
        if unmatched == 0 or highest(unmatched, T, S) != _SURGICAL:
            return False
    return True


@inlined
def class_rank(candidate: int, T: I64, S: I64) -> int:
    """The first choice of the priority list that takes the candidate; N_CHOICES if none does."""
    layer = row_value(candidate, L.ROW_LAYER, T, S)
    return int(T[T[L.CLASS_RANKS] + layer * L.N_TYPES + of(candidate, L.C_TYPE, S)])


@kernel
def final_pick(count: int, T: I64, S: I64) -> int:
    """The first candidate of S_LEFT of the first class of the priority list that has one; −1 = none."""
    left, kept = S[L.S_LEFT], S[L.S_KEPT]
    best, of_class, by_severity = T[L.N_CHOICES], 0, False
    for k in range(count):
        candidate = S[left + k]
        rank = class_rank(candidate, T, S)
        if rank < best:
            best, of_class, by_severity = rank, 0, False
        if rank == best and rank < T[L.N_CHOICES]:
            S[kept + of_class] = candidate
            of_class += 1
            by_severity = by_severity or row_value(candidate, L.ROW_SEVERITY, T, S) > 0
    if of_class == 0:
        return -1
    if by_severity and of_class > 1:
        wanted_severity(kept, of_class, T, S)
    return int(S[kept])
