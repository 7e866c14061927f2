"""The search of the kernel, thought through ahead 「预先判定」: what of every gate is left to ask of a record.

In: the conditions of gates and leaves, the candidates by principal code. Out: for every gate, by level of
complications, the leaf it leads to, or the tests that remain once its candidate bits are set. It evaluates no record,
and whatever it cannot settle is left to be asked as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from grouper.batch import I32, I64
from grouper.layout import AtomCompiler
from grouper.tables import Atom

ROW_WORDS = 8
"""Rows of candidates are filled up to a multiple of this, as the kernel looks through so many words at once."""
LEVELS = 4
PLAN_SKIP, PLAN_ASKS_CODES = 2 * LEVELS, 2 * LEVELS + 1
"""Columns of a gate: its answer for a record without CC and MCC, with CC, with MCC, with both · the same for records
whose other codes change nothing, see `anywhere` · the first gate of the next MDC · whether its tests read what codes
left in the state vector, and the same of those records."""
PLAN_SHIFT = 4
PLAN_SIZE = 1 << PLAN_SHIFT
NEXT, NEXT_ADRG, NEXT_MDC, FIRST_NODE = -1, -2, -3, -4
"""Answers that are no leaf: closed · an ADRG that holds without a leaf · the whole MDC is closed · at and below
`FIRST_NODE` the number of a test still to ask, counted downwards."""
NODE_MASK, NODE_LO, NODE_HI, NODE_YES, NODE_NO = range(1, 6)
"""Columns of a test: its slot, then these (see `AtomCompiler.compile`); the answers say what follows."""
NODE_SHIFT = 3
NODE_SIZE = 1 << NODE_SHIFT

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


def left_if_known(left: Clauses, compiler: AtomCompiler) -> Clauses:
    """What is left if also all other codes change nothing: a single clause needs no test on any place either."""
    if len(left) != 1:
        return left
    rest = tuple(atom for atom in left[0] if not compiler.asks_any_place(atom))
    return (rest,) if rest else ()


def searched(candidates: npt.NDArray[np.uint64], gates: I32) -> npt.NDArray[np.uint64]:
    """The candidates without the MDCs: these have no leaves of their own, and their gates ask what they ask."""
    return _only(candidates, gates, False)


def only_mdcs(candidates: npt.NDArray[np.uint64], gates: I32) -> npt.NDArray[np.uint64]:
    """The candidates that are MDCs: what a record without a group is asked about again."""
    return _only(candidates, gates, True)


def _only(candidates: npt.NDArray[np.uint64], gates: I32, mdcs: bool) -> npt.NDArray[np.uint64]:
    bits = np.unpackbits(candidates.astype("<u8").view(np.uint8), axis=1, bitorder="little")
    count = len(gates) - 1
    bits[:, :count] &= ((gates[:count, 1] == np.arange(count)) == mdcs).astype(np.uint8)
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def plan_of(
    gates: I32, left: Sequence[Clauses], leaf_conditions: Sequence[Clauses], compiler: AtomCompiler
) -> tuple[I32, I64]:
    """[gate × PLAN_SIZE] and [test × NODE_SIZE], both flat."""
    count = len(gates) - 1
    plan = np.zeros((count, PLAN_SIZE), np.int32)
    slot_of, nodes = compiler.layout.slot_of, _Nodes(compiler)
    for gate in range(count):
        _, mdc, leaf, is_adrg = gates[gate].tolist()
        leaves = range(leaf, int(gates[gate + 1, 2]))
        for is_known in range(2):
            own, of_mdc = left[gate], left[mdc] if mdc != gate else ()
            if is_known:
                own, of_mdc = left_if_known(own, compiler), left_if_known(of_mdc, compiler)
            for level in range(LEVELS):
                known = {0: 0, slot_of["has_mcc"]: level >> 1, slot_of["has_cc"]: level & 1}
                answer = NEXT_ADRG if is_adrg else NEXT
                for each in reversed(leaves):
                    answer = nodes.ask(leaf_conditions[each], each, answer, known)
                answer = nodes.ask(own, answer, NEXT, known)
                plan[gate, is_known * LEVELS + level] = nodes.ask(of_mdc, answer, NEXT_MDC, known)
            asked = (own, of_mdc, *(leaf_conditions[each] for each in leaves))
            plan[gate, PLAN_ASKS_CODES + is_known] = any(
                compiler.asks_codes(atom) for clauses in asked for clause in clauses for atom in clause
            )
        plan[gate, PLAN_SKIP] = gates[mdc, 0]
    return plan.ravel(), np.array([*nodes.numbers, (0,) * NODE_SIZE], np.int64).ravel()


class _Nodes:
    """Tests and what follows each, every one kept once."""

    def __init__(self, compiler: AtomCompiler) -> None:
        self._compiler = compiler
        self.numbers: dict[tuple[int, ...], int] = {}

    def ask(self, clauses: Clauses, yes: int, no: int, known: dict[int, int]) -> int:
        """The answer `yes` if a condition holds, else `no`, or the test that leads to one of them."""
        if not clauses:
            return yes
        answer = no
        for clause in reversed(clauses):
            otherwise, answer = answer, yes
            for atom in reversed(clause):
                test = self._compiler.compile(atom)
                held = _test(test, known)
                if held is None:
                    answer = self._node((*test, answer, otherwise))
                elif not held:
                    answer = otherwise
        return answer

    def _node(self, node: tuple[int, ...]) -> int:
        if node[NODE_YES] == node[NODE_NO]:
            return node[NODE_YES]
        return FIRST_NODE - self.numbers.setdefault((*node, *(0,) * (NODE_SIZE - len(node))), len(self.numbers))


def holds_by(clauses: Clauses, compiler: AtomCompiler, known: dict[int, int]) -> bool | None:
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
