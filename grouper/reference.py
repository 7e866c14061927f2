"""Grouping in plain Python, one record at a time: slow and obvious, the oracle of the kernel.

In: DrgTables and a Case; out: `Outcome`, the group or the reason why there is none.
Also the path for a single case, so it imports neither numpy nor numba. It never guesses: a test on a number that is
null fails, a code that is missing lies in no list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grouper.check import LEAF_LEVELS
from grouper.facts import MARK_CC, MARK_EXCLUDED, MARK_MCC, MARK_NONE, SEVERITY_NONE, Facts, facts_of
from grouper.reason import GroupReason, GroupStatus, status_of
from grouper.rules import Rules
from grouper.tables import Case, DrgOptions, DrgTables, Node
from grouper.ungrouped import why_ungrouped

Observer = Callable[[Node, Facts, bool], None]
"""Told of every gate tried, in order: the node, the facts it was tried on, whether it held."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What grouping says about one record."""

    status: GroupStatus
    reason: GroupReason
    mdc: str
    adrg: str
    drg: str
    severity: int
    """0 none, 1 CC, 2 MCC: the heaviest complication that counted."""
    marks: tuple[int, ...]
    """Per diagnosis of the record: 0 none, 1 CC counted, 2 MCC counted, 3 excluded."""
    counted: tuple[str, ...]
    """Codes (after mapping) that counted as MCC or CC, in the order of the record."""
    excluded: tuple[str, ...]
    procedure_index: int
    """Which procedure of the record acted as the principal one; −1 none; above 0 only after a retry."""
    procedure: str
    leaf_node_id: int | None


def leaf_codes(node: Node) -> tuple[str, str, str]:
    """MDC, ADRG and DRG code of a result node: `MDC`+letter, three letters, the whole code; QY: letter+`QY`."""
    mdc = "MDC" + node.code[0]
    return (mdc, "QY", node.code[0] + "QY") if node.level == "QY" else (mdc, node.code[:3], node.code)


def failure_codes(options: DrgOptions, status: GroupStatus) -> tuple[str, str, str]:
    """MDC, ADRG and DRG code of a record without a group, as the edition writes them."""
    return options.failed_check_codes if status is GroupStatus.INVALID else ("0000", "00", options.ungrouped_code)


def walk(tables: DrgTables, case: Case) -> Outcome:
    """The group of one record. For more than a few records keep a `Walker`: it prepares the tables once."""
    return Walker(tables).walk(case)


class Walker:
    """An edition ready to be walked."""

    def __init__(self, tables: DrgTables) -> None:
        self.tables = tables
        self.rules = Rules(tables)

    def walk(self, case: Case, observe: Observer | None = None) -> Outcome:
        """The group of a record, or why it has none."""
        facts = facts_of(self.tables, case)
        if isinstance(facts, GroupReason):
            return self._invalid(facts, case)
        leaf = self._search(None, facts, observe)
        if leaf is not None:
            return _grouped(leaf, facts, 0)
        if self.tables.options.retry_with_each_secondary_op_when_ungrouped:
            for index, code in enumerate(facts.procedures[1:], start=1):
                leaf = self._search(None, facts.with_procedures((code,)), observe) if code else None
                if leaf is not None:
                    return _grouped(leaf, facts, index)
        codes = failure_codes(self.tables.options, GroupStatus.FAIL)
        return _outcome(why_ungrouped(self.rules, facts), codes, facts, 0, None)

    def _search(self, parent_id: int | None, facts: Facts, observe: Observer | None) -> Node | None:
        """The first result whose whole path holds, depth first; a gate without a result falls through."""
        for node in self.rules.children.get(parent_id, ()):
            held = self.rules.node_holds(node, facts)
            if observe is not None:
                observe(node, facts, held)
            if not held:
                continue
            found = node if node.level in LEAF_LEVELS else self._search(node.node_id, facts, observe)
            if found is not None:
                return found
        return None

    def _invalid(self, reason: GroupReason, case: Case) -> Outcome:
        status = status_of(reason)
        marks = (MARK_NONE,) * len(case.diagnoses)
        codes = failure_codes(self.tables.options, status)
        return Outcome(status, reason, *codes, SEVERITY_NONE, marks, (), (), -1, "", None)


def _grouped(leaf: Node, facts: Facts, index: int) -> Outcome:
    """A result was reached with the procedure at `index` as the principal one (0 = as written)."""
    if leaf.level == "QY":
        reason = GroupReason.AMBIGUOUS_OPERATION
    else:
        reason = GroupReason.GROUPED_BY_SECONDARY_PROCEDURE if index else GroupReason.GROUPED
    return _outcome(reason, leaf_codes(leaf), facts, index, leaf.node_id)


def _outcome(
    reason: GroupReason, codes: tuple[str, str, str], facts: Facts, index: int, leaf_node_id: int | None
) -> Outcome:
    procedure = facts.procedures[index] if facts.procedures else ""
    marked = list(zip(facts.diagnoses, facts.marks, strict=True))
    return Outcome(
        status_of(reason),
        reason,
        *codes,
        severity=facts.severity,
        marks=facts.marks,
        counted=tuple(code for code, mark in marked if mark in (MARK_CC, MARK_MCC)),
        excluded=tuple(code for code, mark in marked if mark == MARK_EXCLUDED),
        procedure_index=index if procedure else -1,
        procedure=procedure,
        leaf_node_id=leaf_node_id,
    )
