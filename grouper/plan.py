"""The search of the kernel, thought through ahead 「预先判定」: what of every gate is left to ask of a record.

In: the conditions of gates and leaves, the candidates by principal code. Out: for every gate the tests that remain
once its candidate bits are set, and which leaf each combination of MCC and CC leads to. It evaluates no record, and
whatever it cannot settle is left to be asked as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from grouper.batch import I32, I64
from grouper.layout import AtomCompiler
from grouper.tables import Atom

(
    PLAN_CLAUSE,
    PLAN_CLAUSE_END,
    PLAN_LEAF,
    PLAN_LEAF_END,
    PLAN_SKIP,
    PLAN_IS_ADRG,
    PLAN_BY_LEVEL,
) = range(7)
"""Columns of a gate: clauses left to ask (none = it holds) · its leaves · where to go on if it is closed · ADRG or not
· then the leaf of a record without CC and MCC, with CC, with MCC, with both · then one test to ask before the clauses
(see `AtomCompiler.compile`), which is all there is to ask of most gates."""
LEVELS = 4
PLAN_TEST = PLAN_BY_LEVEL + LEVELS
PLAN_SIZE = 16
ALWAYS = (0, 0, 0, 0)
"""The test of a gate that needs none, so that the search asks without looking whether there is one."""
NO_LEAF, ASK_LEAVES = -1, -2
"""In place of a leaf: none holds; that depends on more than the level of complications."""

Clauses = tuple[tuple[Atom, ...], ...]


def left_to_ask(clauses: Clauses, compiler: AtomCompiler) -> Clauses:
    """The condition of a gate whose candidate bits are set: a single clause needs no test on principal codes then.

    With several clauses the two principal codes may have passed different ones, so all of them are asked again, unless
    they ask nothing but one of the two: then its bit says that one of them holds.
    """
    if len(clauses) != 1:
        kinds = {atom.var if compiler.asks_principal(atom) else "" for clause in clauses for atom in clause}
        return () if len(kinds) == 1 and "" not in kinds and all(clauses) else clauses
    left = tuple(atom for atom in clauses[0] if not compiler.asks_principal(atom))
    return (left,) if left else ()


def searched(candidates: npt.NDArray[np.uint64], gates: I32, left: Sequence[Clauses]) -> npt.NDArray[np.uint64]:
    """The candidates without the MDCs that hold whenever they are candidates: these have no leaves of their own, and
    their bit is in those of their gates already."""
    bits = np.unpackbits(candidates.astype("<u8").view(np.uint8), axis=1, bitorder="little")
    for gate, clauses in enumerate(left):
        if not clauses and gates[gate, 1] == gate:
            bits[:, gate] = 0
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def with_bare_rows(
    candidates: npt.NDArray[np.uint64], gates: I32, left: Sequence[Clauses], compiler: AtomCompiler, slots: range
) -> npt.NDArray[np.uint64]:
    """The candidates, then the same again without the gates that are closed while all of `slots` are 0.

    Most records hold no code that some test looks for at any place, and need not ask the gates that look for one.
    """
    known = dict.fromkeys((0, *slots), 0)
    bits = np.unpackbits(candidates.astype("<u8").view(np.uint8), axis=1, bitorder="little")
    for gate, clauses in enumerate(left):
        if clauses and _holds(clauses, compiler, known) is False:
            end = int(gates[gate, 0]) if gates[gate, 1] == gate else gate + 1
            bits[:, gate:end] = 0
    bare = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
    return np.concatenate([candidates, bare])


def only_mdcs(candidates: npt.NDArray[np.uint64], gates: I32) -> npt.NDArray[np.uint64]:
    """The candidates that are MDCs: what a record without a group is asked about again."""
    bits = np.unpackbits(candidates.astype("<u8").view(np.uint8), axis=1, bitorder="little")
    count = len(gates) - 1
    bits[:, :count] &= (gates[:count, 1] == np.arange(count)).astype(np.uint8)
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def plan_of(
    gates: I32,
    condition_first: I32,
    left: Sequence[Clauses],
    left_first: int,
    leaf_conditions: Sequence[Clauses],
    compiler: AtomCompiler,
) -> I64:
    """[gate × PLAN_SIZE], flat. `left_first` = number of the condition that holds what is left of the first gate."""
    count = len(gates) - 1
    plan = np.zeros((count, PLAN_SIZE), np.int64)
    slots = [compiler.layout.slot_of[name] for name in ("has_mcc", "has_cc")]
    for gate in range(count):
        skip, _, leaf, is_adrg = gates[gate].tolist()
        end = int(gates[gate + 1, 2])
        first, last = condition_first[left_first + gate], condition_first[left_first + gate + 1]
        test, is_all = _first_test(left[gate], compiler)
        plan[gate, PLAN_TEST : PLAN_TEST + len(test)] = test
        first = last if is_all else first
        plan[gate, :PLAN_BY_LEVEL] = first, last, leaf, end, skip, is_adrg
        for level in range(LEVELS):
            known = {0: 0, slots[0]: level >> 1, slots[1]: level & 1}
            plan[gate, PLAN_BY_LEVEL + level] = _leaf_of(range(leaf, end), leaf_conditions, compiler, known)
    return plan.ravel()


def _first_test(clauses: Clauses, compiler: AtomCompiler) -> tuple[tuple[int, int, int, int], bool]:
    """A test without which no clause holds; whether it is all that is asked."""
    if len(clauses) != 1:
        return ALWAYS, not clauses
    return compiler.compile(clauses[0][0]), len(clauses[0]) == 1


def _leaf_of(leaves: range, conditions: Sequence[Clauses], compiler: AtomCompiler, known: dict[int, int]) -> int:
    """The first leaf whose condition holds, as far as slots with known values say."""
    for leaf in leaves:
        held = _holds(conditions[leaf], compiler, known)
        if held is None:
            return ASK_LEAVES
        if held:
            return leaf
    return NO_LEAF


def _holds(clauses: Clauses, compiler: AtomCompiler, known: dict[int, int]) -> bool | None:
    """Whether a condition holds; None = the known slots do not settle it."""
    if not clauses:
        return True
    open_ones = False
    for clause in clauses:
        found = [_test(compiler.compile(atom), known) for atom in clause]
        if all(found):
            return True
        open_ones = open_ones or False not in found
    return None if open_ones else False


def _test(atom: tuple[int, int, int, int], known: dict[int, int]) -> bool | None:
    slot, mask, lo, hi = atom
    return lo <= (known[slot] & mask) <= hi if slot in known else None
