"""Which catalogue rows a record satisfies 「入组匹配」: procedures against expressions, and a row's other conditions.

In: DipTables, a prepared record, one row; out: a `Candidate` with the procedures it matched and left, or None.
Extra procedures never block a match unless the pack says so (options.superset).
It finds no rows (`dip_search`) and ranks none (`dip_choose`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from grouper.dip_auxiliary import condition_holds
from grouper.dip_expression import ProcedureExpr, Term
from grouper.dip_normalise import Prepared, highest
from grouper.dip_tables import AuxiliaryRow, DipTables, Group, ProcedureType
from grouper.dip_terms import in_diagnoses, term_has_procedure


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row that fits, and what the choice looks at. `code` differs from the row's only by comprehensive_code."""

    group: Group
    code: str
    type: ProcedureType
    matched: tuple[int, ...] = ()
    """Places, among the remaining procedures, of those the row names."""
    unmatched: tuple[int, ...] = ()
    specificity: int = 0
    """Procedures the row's widest satisfied combination asks for."""
    auxiliary: AuxiliaryRow | None = None
    reference_cost_fen: Fraction | None = None
    """模拟均费; None when the case has no K."""

    @property
    def layer(self) -> str:
        return self.group.layer

    @property
    def joins(self) -> int:
        return self.group.main.joins if self.group.main is not None else 0

    @property
    def text(self) -> str:
        return self.group.main.text if self.group.main is not None else ""


@dataclass(frozen=True, slots=True)
class Fit:
    """How an expression was satisfied: the places it names, and the procedures its widest combination asks for."""

    places: frozenset[int]
    specificity: int


def fit_row(tables: DipTables, prepared: Prepared, group: Group, any_position: bool = False) -> Candidate | None:
    """The row as a candidate, if the record satisfies its procedures; its other conditions are `admits`.

    A row without procedures fits here with nothing matched: whether such rows are open is the search's question.
    any_position: its procedures may stand anywhere, whatever op_position says (options.xq_position).
    """
    places: frozenset[int] = frozenset()
    specificity = 0
    if group.main is not None:
        main = fit_main(tables, prepared, group, any_position)
        if main is None:
            return None
        places, specificity = main.places, main.specificity
    if group.related is not None:
        related = fit_expr(tables, group.related, prepared.procedures, range(1, len(prepared.procedures)))
        if related is None:
            return None
        places, specificity = places | related.places, specificity + related.specificity
    candidate = as_candidate(tables, prepared, group, places, specificity)
    return candidate if tables.options.superset or not candidate.unmatched else None


def fit_main(tables: DipTables, prepared: Prepared, group: Group, any_position: bool = False) -> Fit | None:
    """The row's procedure cell against the record; position `main` asks that the principal one take part."""
    assert group.main is not None
    everywhere = range(len(prepared.procedures))
    if any_position or group.op_position == "any":
        return fit_expr(tables, group.main, prepared.procedures, everywhere)
    if prepared.main is None:
        return None
    return fit_expr(tables, group.main, prepared.procedures, everywhere, must_hold=0)


def as_candidate(
    tables: DipTables, prepared: Prepared, group: Group, places: frozenset[int] = frozenset(), specificity: int = 0
) -> Candidate:
    """A row with the given places matched; its type is its own, or the highest of the matched procedures."""
    matched = tuple(sorted(places))
    unmatched = tuple(p for p in range(len(prepared.procedures)) if p not in places)
    op_type = group.op_type
    if op_type is None:
        op_type = highest(tables, [prepared.types[p] for p in matched])
    return Candidate(group, group.code, op_type, matched, unmatched, specificity)


def fit_expr(
    tables: DipTables,
    expr: ProcedureExpr,
    procedures: Sequence[str],
    places: Sequence[int],
    must_hold: int | None = None,
) -> Fit | None:
    """How the procedures at `places` satisfy the expression; None if they do not.

    must_hold: a place that has to be among those of one satisfied combination (the principal procedure).
    """
    found: frozenset[int] = frozenset()
    widest = -1
    combinations = _all_of_any(expr) if expr.conjunctive else [[(term,) for term in part] for part in expr.parts]
    for combination in combinations:
        hits = [frozenset(p for p in places if _any_term(tables, terms, procedures[p])) for terms in combination]
        used = frozenset[int]().union(*hits)
        if all(hits) and (must_hold is None or must_hold in used):
            found |= used
            widest = max(widest, min(len(hits), len(used)))
    return None if widest < 0 else Fit(found, widest)


def _all_of_any(expr: ProcedureExpr) -> list[list[tuple[Term, ...]]]:
    return [list(expr.parts)]


def _any_term(tables: DipTables, terms: Sequence[Term], code: str) -> bool:
    return any(term_has_procedure(tables, term, code) for term in terms)


def admits(tables: DipTables, prepared: Prepared, group: Group) -> bool:
    """Whether the row's conditions beside diagnosis key and procedures hold; a missing number satisfies no limit."""
    case = prepared.case
    if group.other_diagnosis is not None and not any(
        in_diagnoses(tables, group.other_diagnosis, code) for code in prepared.others
    ):
        return False
    for value, lo, hi in (
        (case.age_days, None, None if group.age_days_lt is None else group.age_days_lt - 1),
        (case.age_years, group.age_min, group.age_max),
        (case.birth_weight_g, group.weight_min_g, group.weight_max_g),
    ):
        if lo is None and hi is None:
            continue
        if value is None or (lo is not None and value < lo) or (hi is not None and value > hi):
            return False
    return group.flag is None or condition_holds(tables, prepared, group.flag, None)
