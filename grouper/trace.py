"""The walk of one record, written down: every gate tried, what each test saw, what it found.

In: DrgTables and a Case; out: `Trace`. It ends in exactly the `Outcome` of the walk: it is that walk, observed.
Plain records of strings and integers, ready for JSON and for people. It explains; it never decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grouper.facts import MARK_EXCLUDED, MARK_NONE, Facts, mapped_code
from grouper.reference import Outcome, Walker
from grouper.rules import Rules
from grouper.tables import Atom, Case, DrgTables, Node


@dataclass(frozen=True, slots=True)
class AtomTrace:
    """One test: what it asked and what it saw."""

    var: str
    op: str
    held: bool
    list_id: int | None
    list_name: str | None
    matched: tuple[str, ...]
    """Codes (or the text) of the record that lie in the list."""
    lo: int | None
    hi: int | None
    value: int | None
    """The number tested by `range` or `count`; 1 or 0 for has_mcc and has_cc; None for a list or a null number."""


@dataclass(frozen=True, slots=True)
class GateTrace:
    """One node tried. `clauses` are alternatives; without any the gate is always open."""

    node_id: int
    parent_id: int | None
    level: str
    code: str
    variant: str | None
    held: bool
    clauses: tuple[tuple[AtomTrace, ...], ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One search of the tree with one list of procedures; the first has them all, a retry one alone."""

    procedures: tuple[str, ...]
    gates: tuple[GateTrace, ...]


@dataclass(frozen=True, slots=True)
class MappedCode:
    """A code before and after code mapping; target None: no source of the map, "": dropped."""

    kind: str
    source: str
    target: str | None


@dataclass(frozen=True, slots=True)
class ComplicationTrace:
    """A secondary diagnosis that the edition lists as MCC or CC, and whether it counted."""

    slot: int
    code: str
    level: str
    exclusion_table: int
    principal_table: int | None
    """Exclusion table of the principal diagnosis; equal to `exclusion_table` = excluded."""
    counted: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that led to the outcome, in the order in which it happened."""

    setl_id: str
    mapped: tuple[MappedCode, ...]
    """Empty when the edition groups codes as they are."""
    complications: tuple[ComplicationTrace, ...]
    numbers: Mapping[str, int | None]
    """Every number the rules could read, derived ones included; empty if the record is invalid."""
    attempts: tuple[Attempt, ...]
    outcome: Outcome

    @property
    def gates(self) -> tuple[GateTrace, ...]:
        """All gates of all attempts."""
        return tuple(gate for attempt in self.attempts for gate in attempt.gates)


def trace(tables: DrgTables, case: Case) -> Trace:
    """One record explained. For more than one keep a `Walker` and call `trace_with`."""
    return trace_with(Walker(tables), case)


def trace_with(walker: Walker, case: Case) -> Trace:
    """One record explained by a walker that is already built."""
    tried: list[tuple[Facts, list[GateTrace]]] = []

    def observe(node: Node, facts: Facts, held: bool) -> None:
        if not tried or tried[-1][0] is not facts:
            tried.append((facts, []))
        tried[-1][1].append(_gate_trace(walker.rules, node, facts, held))

    outcome = walker.walk(case, observe)
    first = tried[0][0] if tried else None
    return Trace(
        setl_id=case.setl_id,
        mapped=_mapped_codes(walker.tables, case),
        complications=_complications(walker.tables, first) if first is not None else (),
        numbers=dict(first.numbers) if first is not None else {},
        attempts=tuple(Attempt(facts.procedures, tuple(gates)) for facts, gates in tried),
        outcome=outcome,
    )


def _gate_trace(rules: Rules, node: Node, facts: Facts, held: bool) -> GateTrace:
    """Every atom is looked at, also those after one that failed, so that the reader sees all that is missing."""
    clauses = tuple(
        tuple(_atom_trace(rules, atom, facts) for atom in clause) for clause in rules.clauses.get(node.node_id, ())
    )
    return GateTrace(node.node_id, node.parent_id, node.level, node.code, node.variant, held, clauses)


def _atom_trace(rules: Rules, atom: Atom, facts: Facts) -> AtomTrace:
    matched: tuple[str, ...] = ()
    value: int | None = None
    if atom.op in ("true", "false"):
        value = int(facts.flags[atom.var])
    elif atom.op == "range":
        value = facts.numbers[atom.var]
    else:
        matched = rules.matched_codes(atom, facts)
        value = len(matched) if atom.op == "count" else None
    found = rules.tables.lists[atom.list_id] if atom.list_id is not None else None
    return AtomTrace(
        var=atom.var,
        op=atom.op,
        held=rules.atom_holds(atom, facts),
        list_id=atom.list_id,
        list_name=found.name if found is not None else None,
        matched=matched,
        lo=atom.lo,
        hi=atom.hi,
        value=value,
    )


def _mapped_codes(tables: DrgTables, case: Case) -> tuple[MappedCode, ...]:
    if not tables.options.code_mapping:
        return ()
    pairs = (("dx", tables.dx_map, case.diagnoses), ("op", tables.op_map, case.procedures))
    return tuple(
        MappedCode(kind, code, mapped_code(code_map, code)) for kind, code_map, codes in pairs for code in codes
    )


def _complications(tables: DrgTables, facts: Facts) -> tuple[ComplicationTrace, ...]:
    principal_table = tables.exclusion_of.get(facts.principal_diagnosis)
    found = []
    for slot, (code, mark) in enumerate(zip(facts.diagnoses, facts.marks, strict=True)):
        if mark != MARK_NONE:
            level, table = tables.complications[code]
            counted = mark != MARK_EXCLUDED
            found.append(ComplicationTrace(slot, code, level, table, principal_table, counted))
    return tuple(found)
