"""Why a record reached no group: the reasons of status FAIL, in their order of precedence.

In: the rules and the facts of a record already known to reach nothing; out: one `GroupReason`.
The order: what is wrong with the principal code; an ADRG held; an MDC took the diagnosis; an MDC would have.
The kernel's `fail_reason` says the same on integers. It never changes a result.
"""

from __future__ import annotations

from collections.abc import Sequence

from grouper.facts import Facts
from grouper.reason import GroupReason
from grouper.rules import Rules
from grouper.tables import DX_VARS, Atom, Node

NEWBORN_VARS = ("age_days", "birth_weight_g")
AGE_VARS = ("age_years", *NEWBORN_VARS)


def why_ungrouped(rules: Rules, facts: Facts) -> GroupReason:
    """The reason, judged on the full list of procedures even if the edition retried with others."""
    known, code = rules.tables.dx_known, facts.principal_diagnosis
    if code == "":
        return GroupReason.PRINCIPAL_DIAGNOSIS_EMPTY
    if known and code not in known:
        return GroupReason.PRINCIPAL_DIAGNOSIS_UNKNOWN
    mdcs = rules.children.get(None, ())
    open_mdcs = [mdc for mdc in mdcs if rules.node_holds(mdc, facts)]
    if any(rules.node_holds(adrg, facts) for mdc in open_mdcs for adrg in rules.adrgs(mdc)):
        return GroupReason.ADRG_WITHOUT_DRG
    reached = [mdc for mdc in open_mdcs if linked_clauses(rules, mdc, facts)]
    if reached:
        return _why_no_adrg(rules, reached, facts)
    return _why_no_mdc(rules, mdcs, facts)


def linked_clauses(rules: Rules, mdc: Node, facts: Facts) -> list[tuple[Atom, ...]]:
    """Clauses of a gate whose diagnosis part holds: at least one list met, no diagnosis test failed.

    A gate that looks at procedures alone (MDCA) is thus never what a diagnosis "reached".
    """
    linked = []
    for clause in rules.clauses.get(mdc.node_id, ()):
        on_diagnoses = [atom for atom in clause if atom.var in DX_VARS]
        meets_a_list = any(atom.op == "in" for atom in on_diagnoses)
        if meets_a_list and all(rules.atom_holds(atom, facts) for atom in on_diagnoses):
            linked.append(clause)
    return linked


def _why_no_adrg(rules: Rules, reached: Sequence[Node], facts: Facts) -> GroupReason:
    """An MDC took the diagnosis, none of its ADRGs took the record."""
    if any(_newborn_near_miss(rules, adrg, facts) for mdc in reached for adrg in rules.adrgs(mdc)):
        return GroupReason.NEWBORN_AGE_OR_WEIGHT
    known, code = rules.tables.op_known, facts.principal_procedure
    if code and known and code not in known:
        return GroupReason.PRINCIPAL_PROCEDURE_UNKNOWN
    if any(code in rules.valid_operations for code in facts.codes["op_any"]):
        return GroupReason.NO_ADRG_WITH_OPERATION
    return GroupReason.NO_ADRG_WITHOUT_OPERATION


def _newborn_near_miss(rules: Rules, adrg: Node, facts: Facts) -> bool:
    """A clause of this closed ADRG fails by age in days or birth weight alone."""
    for clause in rules.clauses.get(adrg.node_id, ()):
        failed = {atom.var for atom in clause if not rules.atom_holds(atom, facts)}
        if failed and failed <= set(NEWBORN_VARS):
            return True
    return False


def _why_no_mdc(rules: Rules, mdcs: Sequence[Node], facts: Facts) -> GroupReason:
    """No MDC took the diagnosis: closed by sex, age, sites, something else, or none lists it."""
    failed = {
        atom.var
        for mdc in mdcs
        for clause in linked_clauses(rules, mdc, facts)
        for atom in clause
        if not rules.atom_holds(atom, facts)
    }
    if not failed:
        return GroupReason.PRINCIPAL_DIAGNOSIS_IN_NO_MDC
    if "gender" in failed:
        return GroupReason.MDC_GATE_SEX
    if failed & set(AGE_VARS):
        return GroupReason.MDC_GATE_AGE
    return GroupReason.MDC_GATE_SITES if "n_sites" in failed else GroupReason.MDC_GATE_OTHER
