"""The rule tree of an edition, ready to be asked: children in order, conditions by node, lists as sets.

In: DrgTables; out: `Rules`, which says whether a node or an atom holds for the facts of one record.
Plain Python on purpose: this is what the rules mean. It decides no order of search and no result.
"""

from __future__ import annotations

from collections.abc import Sequence

from grouper.check import LEAF_LEVELS, check_tables
from grouper.facts import Facts
from grouper.tables import Atom, DrgTables, Node

VALID_OPERATIONS = "valid_ops"
"""Name of the list of procedures that count as surgery."""


def ordered_children(nodes: Sequence[Node]) -> dict[int | None, tuple[Node, ...]]:
    """Siblings by parent (None = top), in the order they are tried: `seq`, never the code."""
    children: dict[int | None, list[Node]] = {}
    for node in sorted(nodes, key=lambda node: (node.seq, node.node_id)):
        children.setdefault(node.parent_id, []).append(node)
    return {parent: tuple(siblings) for parent, siblings in children.items()}


def clauses_by_node(atoms: Sequence[Atom]) -> dict[int, tuple[tuple[Atom, ...], ...]]:
    """The alternatives of every node that has a condition."""
    grouped: dict[int, dict[int, list[Atom]]] = {}
    for atom in sorted(atoms, key=lambda atom: (atom.node_id, atom.clause, atom.atom)):
        grouped.setdefault(atom.node_id, {}).setdefault(atom.clause, []).append(atom)
    return {node_id: tuple(tuple(clause) for clause in clauses.values()) for node_id, clauses in grouped.items()}


def valid_operations_list(tables: DrgTables) -> int | None:
    """The list of procedures that count as surgery: named `valid_ops`, else list 0 if it holds procedures."""
    for list_id, found in sorted(tables.lists.items()):
        if found.kind == "op" and found.name == VALID_OPERATIONS:
            return list_id
    return 0 if 0 in tables.lists and tables.lists[0].kind == "op" else None


class Rules:
    """An edition's conditions. Build it once for many records."""

    def __init__(self, tables: DrgTables) -> None:
        check_tables(tables)
        self.tables = tables
        self.children = ordered_children(tables.nodes)
        self.clauses = clauses_by_node(tables.atoms)
        self.members = {list_id: frozenset(found.codes) - {""} for list_id, found in tables.lists.items()}
        valid = valid_operations_list(tables)
        self.valid_operations = self.members[valid] if valid is not None else frozenset[str]()

    def adrgs(self, mdc: Node) -> list[Node]:
        """The ADRGs of an MDC, in order; its QY node is none."""
        return [node for node in self.children.get(mdc.node_id, ()) if node.level not in LEAF_LEVELS]

    def node_holds(self, node: Node, facts: Facts) -> bool:
        """Every atom of at least one clause holds; a node without clauses always holds."""
        clauses = self.clauses.get(node.node_id)
        return clauses is None or any(all(self.atom_holds(atom, facts) for atom in clause) for clause in clauses)

    def atom_holds(self, atom: Atom, facts: Facts) -> bool:
        """One test on the record."""
        if atom.op in ("true", "false"):
            return facts.flags[atom.var] == (atom.op == "true")
        if atom.op == "range":
            return _within(facts.numbers[atom.var], atom)
        matched = self.matched_codes(atom, facts)
        if atom.op == "count":
            return _within(len(matched), atom)
        return bool(matched) == (atom.op == "in")

    def matched_codes(self, atom: Atom, facts: Facts) -> tuple[str, ...]:
        """The codes of the record that lie in the atom's list; a code written twice is there twice."""
        assert atom.list_id is not None
        members = self.members[atom.list_id]
        return tuple(code for code in facts.codes[atom.var] if code in members)


def _within(value: int | None, atom: Atom) -> bool:
    """Both ends inclusive, an open end is None; null lies in no range, not even an open one."""
    if value is None:
        return False
    return (atom.lo is None or atom.lo <= value) and (atom.hi is None or value <= atom.hi)
