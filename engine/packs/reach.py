"""Which nodes of a rule tree can be reached at all, and by what: the ordered walk, done on boxes instead of records.

In: DrgTables; out: `Reach`: per node the boxes that arrive at it and those left after every earlier result has taken
its share. A node without a box left is certainly never reached. An earlier ADRG takes a record only if one of its
DRGs surely does: where its DRGs leave a gap, the record falls through and stays available to later nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.packs.boxes import INT_MAX, INT_MIN, Box, Clause, Space
from grouper.rules import clauses_by_node, ordered_children
from grouper.tables import DrgTables, Node


@dataclass
class Arrival:
    """One node: what its own path admits, what earlier results leave of it, and which nodes took the rest."""

    node: Node
    admitted: list[Box] = field(default_factory=list)
    left: list[Box] = field(default_factory=list)
    barred_by: str = ""
    """Why nothing is admitted: `own` (its own condition never holds) or `gate` (not under this parent)."""
    takers: list[int] = field(default_factory=list)
    """Nodes that took something, those that emptied a box last."""


@dataclass
class Reach:
    """The result of the walk."""

    space: Space
    arrivals: dict[int, Arrival] = field(default_factory=dict)
    open_ended: list[int] = field(default_factory=list)
    """ADRGs whose DRGs do not take every record of the ADRG."""

    def codes_left(self, node_id: int, var: str) -> int:
        """Values of a single-valued variable that can still arrive at a node."""
        found = 0
        for box in self.arrivals[node_id].left:
            found |= box.single[var]
        return found


class _Walk:
    def __init__(self, tables: DrgTables, never_null: Sequence[str]) -> None:
        self.children = ordered_children(tables.nodes)
        self.clauses = clauses_by_node(tables.atoms)
        self.reach = Reach(Space(tables))
        numbers = {**self.reach.space.everything.numbers, **dict.fromkeys(never_null, (INT_MIN, INT_MAX))}
        self.everything = replace(self.reach.space.everything, numbers=numbers)
        self.taken: list[tuple[int, Clause]] = []
        """Results so far: node and the clause (its whole path) that leads to it."""

    def clauses_of(self, node: Node) -> Sequence[Clause]:
        return self.clauses.get(node.node_id, ((),))

    def run(self) -> Reach:
        for mdc in self.children.get(None, ()):
            gate = self._arrive(mdc, [((), self.everything)], [])
            for child in self.children.get(mdc.node_id, ()):
                arrived = self._arrive(child, gate, self.taken)
                if child.level == "QY":
                    self.taken += [(child.node_id, path) for path, _ in arrived]
                else:
                    self._adrg(child, gate)
        return self.reach

    def _adrg(self, adrg: Node, gate: Sequence[tuple[Clause, Box]]) -> None:
        """The DRGs of one ADRG in turn; then what the ADRG as a whole takes from the nodes after it."""
        drgs = self.children.get(adrg.node_id, ())
        paths = [(up + own, box) for up, outer in gate for own in self.clauses_of(adrg) if (box := outer.narrowed(own))]
        remaining = [((), box) for box in self.reach.arrivals[adrg.node_id].left]
        before: list[tuple[int, Clause]] = []
        for drg in drgs:
            self._arrive(drg, remaining, before, admitted_from=paths)
            before += [(drg.node_id, own) for own in self.clauses_of(drg)]
        closed = bool(drgs)
        for path, box in paths:
            if drgs and not subtract(box, before)[0]:
                self.taken.append((adrg.node_id, path))
            else:
                closed = False
                self.taken += [(drg_id, path + own) for drg_id, own in before]
        if not closed and paths:
            self.reach.open_ended.append(adrg.node_id)

    def _arrive(
        self,
        node: Node,
        gate: Sequence[tuple[Clause, Box]],
        earlier: Sequence[tuple[int, Clause]],
        admitted_from: Sequence[tuple[Clause, Box]] | None = None,
    ) -> list[tuple[Clause, Box]]:
        """Record what arrives at a node from the boxes of its parent; returns path clauses with their boxes."""
        arrival = Arrival(node)
        self.reach.arrivals[node.node_id] = arrival
        admitted = []
        for own in self.clauses_of(node):
            admitted += [(up + own, box) for up, outer in admitted_from or gate if (box := outer.narrowed(own))]
        arrival.admitted = [box for _, box in admitted]
        if not admitted:
            alone = any(self.everything.narrowed(own) for own in self.clauses_of(node))
            arrival.barred_by = "gate" if alone else "own"
            return []
        starts = admitted
        if admitted_from is not None:
            starts = [(up + own, box) for own in self.clauses_of(node) for up, o in gate if (box := o.narrowed(own))]
        for _, box in starts:
            left, takers = subtract(box, earlier)
            arrival.takers += [taker for taker in takers if taker not in arrival.takers]
            if left is not None:
                arrival.left.append(left)
        return admitted


def subtract(box: Box, earlier: Sequence[tuple[int, Clause]]) -> tuple[Box | None, list[int]]:
    """The box after every earlier result took its records, and the nodes that took any."""
    takers: list[int] = []
    rest: Box | None = box
    for node_id, clause in earlier:
        assert rest is not None
        smaller = rest.without(clause)
        if smaller is not rest and node_id not in takers[-1:]:
            takers.append(node_id)
        if smaller is None:
            return None, takers
        rest = smaller
    return rest, takers


def walk_boxes(tables: DrgTables, never_null: Sequence[str] = ()) -> Reach:
    """What can be reached in this tree, if the named numbers are never missing."""
    return _Walk(tables, never_null).run()
