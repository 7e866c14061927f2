"""What is left of a record before any row is looked at: codes mapped, exclusions applied, types known 「规范化」.

In: DipTables and a DipCase; out: `Prepared`, the same record with its keys, remaining procedures and their types.
"First procedure" and "unmatched" mean what is left here: dropped procedures are gone for every later rule.
It chooses no group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grouper.dip_tables import DipCase, DipTables, ExcludedProcedure, ProcedureType
from grouper.dip_terms import in_diagnoses

CONSERVATIVE = ProcedureType.CONSERVATIVE


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record ready to be matched. `main` is None when no procedure may act as principal."""

    case: DipCase
    principal: str
    others: tuple[str, ...]
    procedures: tuple[str, ...]
    types: tuple[ProcedureType | None, ...]
    """By remaining procedure, after counts_as; None = not in the dictionary."""
    main: str | None
    case_type: ProcedureType
    is_conservative: bool
    """Whether rows without procedures are open to the case (options.conservative_test)."""
    excluded_diagnosis: bool
    notes: tuple[tuple[str, str], ...]
    """(what was done, code) for the explanation."""


def prepare(tables: DipTables, case: DipCase) -> Prepared:
    """The record after mapping and exclusions. Codes the map does not know stay as they are; empty ones are gone."""
    notes: list[tuple[str, str]] = []
    diagnoses = tuple(tables.dx_map.get(code, code) for code in case.diagnoses)
    procedures = [mapped for code in case.procedures if (mapped := tables.op_map.get(code, code))]
    principal = diagnoses[0] if diagnoses else ""
    procedures, main = _without_excluded(tables, principal, procedures, notes)
    types = tuple(type_of(tables, code) for code in procedures)
    return Prepared(
        case=case,
        principal=principal,
        others=diagnoses[1:],
        procedures=tuple(procedures),
        types=types,
        main=main,
        case_type=highest(tables, types),
        is_conservative=_is_conservative(tables, procedures, types, main),
        excluded_diagnosis=is_excluded_diagnosis(tables, principal),
        notes=tuple(notes),
    )


def type_of(tables: DipTables, code: str) -> ProcedureType | None:
    """The type the procedure counts as 「介入计入相关手术或治疗性操作」; None if the dictionary does not know it."""
    known = tables.procedures.get(code)
    if known is None:
        return None
    for rank in tables.type_order:
        if rank.type is known.type:
            return rank.counts_as
    return known.type


def highest(tables: DipTables, types: Sequence[ProcedureType | None]) -> ProcedureType:
    """The highest of the types by the pack's order; conservative if none is known."""
    ranks = {rank.type: rank.rank for rank in tables.type_order}
    known = [t for t in types if t is not None]
    return max(known, key=lambda t: (ranks.get(t, int(t)), t)) if known else CONSERVATIVE


def is_excluded_diagnosis(tables: DipTables, principal: str) -> bool:
    """Whether the principal diagnosis is not grouped at all; by prefix means by the first four characters 「亚目」."""
    exact, stems = tables.excluded_stems
    return principal in exact or any(principal[:n] in stems for n in (5, 4, 3))


def excluded_rule(tables: DipTables, code: str) -> ExcludedProcedure | None:
    """The exclusion row that names the procedure: its own, or the first whose code it begins with."""
    exact, prefixes = tables.excluded_by_code
    found = exact.get(code)
    return found if found is not None else next((row for row in prefixes if code.startswith(row.code)), None)


def _without_excluded(
    tables: DipTables, principal: str, procedures: list[str], notes: list[tuple[str, str]]
) -> tuple[list[str], str | None]:
    """The remaining procedures, principal first, and the principal one (None = none may act as it).

    A first procedure that may not be principal hands over to the next and stays as a related one; one that makes the
    case conservative 「按保守治疗入组」 takes all procedures away.
    """
    left: list[str] = []
    for code in procedures:
        rule = excluded_rule(tables, code)
        if rule is not None and rule.action == "drop":
            notes.append(("procedure_dropped", code))
        else:
            left.append(code)
    for at, code in enumerate(left):
        action = _main_action(tables, principal, code)
        if action == "conservative":
            notes.append(("main_makes_conservative", code))
            return [], None
        if action == "keep":
            rest = [c for c in left[:at] + left[at + 1 :] if _main_action(tables, principal, c) != "conservative"]
            return [code, *rest], code
        notes.append(("main_passed_over", code))
    return left, None


def _main_action(tables: DipTables, principal: str, code: str) -> str:
    """keep, not_main or conservative: what becomes of a procedure in first place."""
    rule = excluded_rule(tables, code)
    if rule is None or rule.action == "drop":
        return "keep"
    if tables.options.excluded_op_action == "conservative":
        return "conservative"
    if rule.action == "main_only_if_dx":
        assert rule.diagnoses is not None, f"excluded procedure {rule.code}: main_only_if_dx needs dx_range"
        return "keep" if in_diagnoses(tables, rule.diagnoses, principal) else "conservative"
    return rule.action


def _is_conservative(
    tables: DipTables, procedures: Sequence[str], types: Sequence[ProcedureType | None], main: str | None
) -> bool:
    """Whether the case counts as conservative treatment 「保守治疗」, by the test the pack names.

    case_type: the highest type is conservative · minor_procedures: each procedure is unknown, or of incision class 0
    with level under 3 · no_procedures: none may act as principal.
    """
    test = tables.options.conservative_test
    if test == "no_procedures":
        return main is None
    if test == "case_type":
        return highest(tables, types) is CONSERVATIVE
    return all(is_minor(tables, code) for code in procedures)


def is_minor(tables: DipTables, code: str) -> bool:
    """Unknown to the dictionary, or of incision class 0 with level under 3."""
    known = tables.procedures.get(code)
    return known is None or (known.incision == "0类" and known.level is not None and known.level < 3)
