"""Which candidate is taken 「入组选择」: the pack's tie-breaks (step 5) and its priority list (step 6).

In: DipTables, a prepared record, candidates in catalogue order; out: one candidate or none.
Rules act in the order of their table; the ways they act are a closed list. Distances are exact fractions.
It finds no rows and pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from grouper.dip_auxiliary import condition_holds
from grouper.dip_log import Log
from grouper.dip_match import Candidate
from grouper.dip_normalise import Prepared, highest
from grouper.dip_search import RowIndex
from grouper.dip_tables import AuxiliaryRow, DipTables, ProcedureType, TieRule

SHORT_FROM_TO = {"lt7": (1, 6), "eq5": (5, 5)}
"""Lengths of a whole expression that count as a short code, by option longer_code_first."""


def choose_one(
    tables: DipTables,
    prepared: Prepared,
    candidates: Sequence[Candidate],
    added_again: Sequence[Candidate],
    log: Log,
) -> Candidate | None:
    """One of the candidates, by longer_code_first and then the tie-breaks in order (step 5).

    added_again: primary-care rows that join before the nearest-cost rule (options.readd_basic).
    """
    left = longer_code_first(tables, list(candidates), log)
    for rule in tables.tie_rules:
        if rule.rule == "nearest_cost" and tables.options.readd_basic == "before_nearest_cost" and added_again:
            left = [*left, *added_again]
            log.add("added_again", rule.rule, codes=tuple(c.code for c in added_again))
        if rule.scope is not None:
            if not any(candidate.type is rule.scope for candidate in left):
                continue
            return _log_rule(rule, left, _apply(prepared, rule, left), log)[0]
        left = _log_rule(rule, left, _apply(prepared, rule, left), log)
    return left[0] if left else None


def longer_code_first(tables: DipTables, candidates: list[Candidate], log: Log) -> list[Candidate]:
    """The candidates without short codes, when a longer text begins with the first short one 「长码优先」."""
    option = tables.options.longer_code_first
    if option == "none":
        return candidates
    lo, hi = SHORT_FROM_TO[option]
    first = next((c for c in candidates if lo <= len(c.text) <= hi), None)
    if first is None or not any(len(c.text) > len(first.text) and c.text.startswith(first.text) for c in candidates):
        return candidates
    kept = [c for c in candidates if not (tables.options.drop_empty_rows if not c.text else lo <= len(c.text) <= hi)]
    for candidate in candidates:
        if candidate not in kept:
            log.add("dropped_by_rule", "longer_code_first", candidate.code, candidate.group.row)
    return kept


def _apply(prepared: Prepared, rule: TieRule, left: list[Candidate]) -> list[Candidate]:
    if len(left) <= 1:
        return left
    if rule.rule == "row_order":
        return [left[-1] if rule.ties == "last" else left[0]]
    if rule.rule == "main_procedure":
        kept = [c for c in left if prepared.main is not None and 0 in c.matched]
        return kept or left
    if rule.rule == "exact_cover":
        return [c for c in left if not c.unmatched] or left
    kept = _best(prepared, rule.rule, left)
    if rule.ties is not None:
        return [kept[-1] if rule.ties == "last" else kept[0]]
    return kept


def _best(prepared: Prepared, rule: str, left: list[Candidate]) -> list[Candidate]:
    """Those that reach the best value of a rule that measures; a row that cannot be measured loses to one that can."""
    measure: Callable[[Candidate], Fraction | int | None] = {
        "most_plus": lambda c: c.joins,
        "most_matched": lambda c: len(c.matched),
        "most_specific": lambda c: c.specificity,
        "highest_score": lambda c: c.group.base_points_e4,
        "nearest_cost": lambda c: _nearness(prepared, c),
    }[rule]
    values = [measure(c) for c in left]
    known = [value for value in values if value is not None]
    if not known:
        return left
    best = max(known)
    return [c for c, value in zip(left, values, strict=True) if value == best]


def _nearness(prepared: Prepared, candidate: Candidate) -> Fraction | None:
    """Minus the distance of the case's cost from the row's reference cost 「模拟均费」."""
    cost, reference = prepared.case.cost_total_fen, candidate.reference_cost_fen
    return None if cost is None or reference is None else -abs(cost - reference)


def _log_rule(rule: TieRule, before: list[Candidate], after: list[Candidate], log: Log) -> list[Candidate]:
    if len(after) < len(before):
        for candidate in before:
            if not any(candidate is kept for kept in after):
                shown = _reference_shown(candidate) if rule.rule == "nearest_cost" else ()
                log.add("dropped_by_rule", rule.rule, candidate.code, candidate.group.row, shown)
        log.add("rule_decides", rule.rule, codes=tuple(candidate.code for candidate in after))
    return after


def _reference_shown(candidate: Candidate) -> tuple[str, ...]:
    """The reference cost in yuan, rounded for the eye."""
    cost = candidate.reference_cost_fen
    if cost is None:
        return ()
    yuan, fen = divmod(round(cost), 100)
    return (f"{yuan}.{fen:02d}",)


def wanted_severity(
    tables: DipTables, index: RowIndex, prepared: Prepared, candidates: Sequence[Candidate], log: Log
) -> list[Candidate]:
    """The candidates of the severity level the case has 「按严重程度分列的病种」; all of them if no such row is there.

    The level is the highest whose own condition holds for a row among the candidates.
    """
    levels: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        row = severity_level(index, candidate)
        if row is not None and condition_holds(tables, prepared, row[1].condition, None):
            levels.setdefault(row[0], []).append(candidate)
    if not levels:
        return list(candidates)
    wanted = max(levels)
    log.add("severity_row", str(wanted), codes=tuple(c.code for c in levels[wanted]))
    return levels[wanted]


def severity_level(index: RowIndex, candidate: Candidate) -> tuple[int, AuxiliaryRow] | None:
    """The level and the auxiliary row that mark a candidate as a severity row, or None."""
    for row in index.auxiliary.get(candidate.code, []):
        if row.factor_e6 is None:
            return int(row.level), row
    return None


def preempts(tables: DipTables, prepared: Prepared, candidates: Sequence[Candidate]) -> bool:
    """Whether every candidate leaves a surgical procedure unmatched 「未匹配操作含手术」; true without candidates."""
    for candidate in candidates:
        unmatched = [prepared.types[place] for place in candidate.unmatched]
        if not unmatched or highest(tables, unmatched) is not ProcedureType.SURGICAL:
            return False
    return True


def final_pick(
    tables: DipTables, index: RowIndex, prepared: Prepared, candidates: Sequence[Candidate], log: Log
) -> Candidate | None:
    """The first candidate of the first class of the priority list that has one (step 6)."""
    for choice in tables.choices:
        if choice.preempt is not None:
            continue
        of_class = [
            c for c in candidates if c.layer == choice.layer and (choice.op_type is None or c.type is choice.op_type)
        ]
        if not of_class:
            continue
        if len(of_class) > 1 and any(severity_level(index, c) is not None for c in of_class):
            of_class = wanted_severity(tables, index, prepared, of_class, log)
        for candidate in candidates:
            if candidate is not of_class[0]:
                log.add("dropped_by_rule", "choice_order", candidate.code, candidate.group.row)
        log.add("rule_decides", "choice_order", of_class[0].code, of_class[0].group.row)
        return of_class[0]
    return None
