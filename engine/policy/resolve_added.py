"""What the rarer mechanisms of a policy change in a settlement year 「补充机制取值」.

In: the policy's desk and the year as the other mechanisms make it; out: the same year with computed coefficients,
shared single diseases, changed budgets and retained savings. A mechanism that is not written changes nothing and is not
asked for, so that no default of it appears among the values used. It posts nothing: every effect is a term of the year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from engine.policy import added_params as added
from engine.policy import case_params as case
from engine.policy import coefficient_params as coef
from engine.policy.problems import PolicyFaults, refuse
from engine.policy.settings import Desk, Param
from engine.policy.tables import FactsTable, HospitalTable
from pointvalue.coefficient import (
    Clamp,
    CoefficientFault,
    CompositeForm,
    HospitalFacts,
    HospitalForm,
    IncrementForm,
    LevelForm,
    hospital_coefficients_e6,
)
from pointvalue.model import AreaYear, FixedScheme, Hospital, MoneyLine, Pool, Scheme
from pointvalue.sub_budget import PLAN, Adjustment, BudgetFault, adjusted_lines, adjustment_of
from pointvalue.terms import Cause, SchemeKind
from pointvalue.vbp import vbp_retention

VBP_LINE = "vbp_retention"


def with_added(desk: Desk, area: AreaYear, end: date) -> AreaYear:
    """The settled year with everything the rarer mechanisms say about it."""
    changes = desk.at(added.ADJUSTMENTS, end) if desk.written(added.ADJUSTMENTS) else ()
    return replace(
        area,
        hospitals=_hospitals(desk, area.hospitals, end),
        schemes=tuple(_scheme(desk, scheme, end) for scheme in area.schemes),
        pools=tuple(
            _pool(desk, pool, [each.change for each in changes if each.pool == pool.id]) for pool in area.pools
        ),
        money_lines=(*area.money_lines, *_retained(desk, end)),
    )


def _scheme(desk: Desk, scheme: Scheme, end: date) -> Scheme:
    """A single disease with the deviation it is shared by 「单病种偏离分担」."""
    if not isinstance(scheme, FixedScheme) or scheme.kind is not SchemeKind.SINGLE:
        return scheme
    deviation = desk.at(added.DEVIATION, end) if desk.written(added.DEVIATION) else None
    if deviation is None:
        return scheme
    own = desk.at(added.OWN_RATIO, end) if desk.written(added.OWN_RATIO) else {}
    shared = replace(deviation, own_ratio=own)
    later = tuple((day, replace(terms, deviation=shared)) for day, terms in scheme.later)
    return replace(scheme, deviation=shared, later=later)


def _pool(desk: Desk, pool: Pool, changes: list[Adjustment]) -> Pool:
    """A pool whose budget was changed during the year 「年中调整」."""
    if not changes:
        return pool
    try:
        return replace(
            pool,
            adjustment_fen=adjustment_of(PLAN, changes),
            outside_fen=adjusted_lines(pool.outside_fen, changes),
            fixed_lines_fen=adjusted_lines(pool.fixed_lines_fen, changes),
        )
    except BudgetFault as fault:
        raise _unsound(desk, added.ADJUSTMENTS, pool.id, fault) from None


def _retained(desk: Desk, end: date) -> tuple[MoneyLine, ...]:
    """What hospitals keep of procurement savings 「集采结余留用」, one line each from the reserve."""
    savings = desk.at(added.VBP_SAVINGS, end) if desk.written(added.VBP_SAVINGS) else ()
    if not savings:
        return ()
    ratio, retain = desk.at(added.VBP_FUND_RATIO, end), desk.at(added.VBP_RETAIN, end)
    if retain is None:
        raise refuse(desk.settings[added.VBP_SAVINGS.key].place, "no_value", found=added.VBP_RETAIN.key)
    lines = []
    for each in savings:
        kept = vbp_retention(each.base_fen, each.actual_fen, ratio[each.pool], retain, each.assessment)
        lines.append(MoneyLine(each.hospital, each.pool, Cause.OTHER, kept, VBP_LINE))
    return tuple(lines)


# --- coefficients ---------------------------------------------------------------------------------------------------


def computed_coefficients(desk: Desk, latest: date) -> list[tuple[date, dict[str, int]]] | None:
    """Coefficient of every hospital ×10⁶ from each day something about it changes; None where the table lists them."""
    forms = [start.on or date.min for start in desk.settings[coef.FORM.key].starts] if desk.written(coef.FORM) else []
    if all(desk.at(coef.FORM, day) == "table" for day in forms if day <= latest):
        return None
    params: tuple[Param[object], ...] = (case.HOSPITALS, coef.FORM, *coef.PARTS.values(), coef.LEAST, coef.MOST)
    days = {
        start.on or date.min for param in params if desk.written(param) for start in desk.settings[param.key].starts
    }
    return [(day, coefficients_on(desk, day)) for day in sorted(days) if _opening(desk, day) <= day <= latest]


def _opening(desk: Desk, day: date) -> date:
    """The first day on which everything the form of a day is made of holds."""
    needed: list[Param[Any]] = [case.HOSPITALS, coef.FORM]
    if _starts_by(desk, coef.FORM, day):
        needed += [coef.PARTS[part] for part in coef.NEEDS[desk.at(coef.FORM, day)]]
    return max(desk.settings[param.key].starts[0].on or date.min for param in needed)


def _starts_by(desk: Desk, param: Param[Any], day: date) -> bool:
    return desk.written(param) and (desk.settings[param.key].starts[0].on or date.min) <= day


def coefficients_on(desk: Desk, day: date, facts: FactsTable | None = None) -> dict[str, int]:
    """Coefficient of every hospital of the day by the policy's form, from its own facts or from others."""
    table: HospitalTable = desk.at(case.HOSPITALS, day)
    form = desk.at(coef.FORM, day)
    needed = coef.NEEDS[form]
    if form == "table":
        return {hospital.code: hospital.coefficient_e6 for hospital in table.hospitals}
    if "groups" in needed:
        return {hospital.code: 10**6 for hospital in table.hospitals}  # by group: `facts` reads them
    reads = "facts" in needed or ("facts" in coef.MAY.get(form, ()) and _starts_by(desk, coef.FACTS, day))
    if facts is None and reads:
        facts = desk.at(coef.FACTS, day)
    limits = [desk.at(param, day) if _starts_by(desk, param, day) else None for param in (coef.LEAST, coef.MOST)]
    try:
        hospitals = [_facts(hospital, facts) for hospital in table.hospitals]
        return hospital_coefficients_e6(_form(desk, needed, day), hospitals, Clamp(*limits))
    except CoefficientFault as fault:
        raise _unsound(desk, coef.FORM, str(day), fault) from None


def _form(desk: Desk, needed: tuple[str, ...], day: date) -> HospitalForm:
    if "increments" in needed:
        return IncrementForm(desk.at(coef.LEVEL_VALUES, day), desk.at(coef.INCREMENTS, day))
    if "composite_weights" in needed:
        return CompositeForm(desk.at(coef.COMPOSITE_WEIGHTS, day))
    bonus = desk.at(coef.BONUS, day) if "bonus" in needed else None
    return LevelForm(desk.at(coef.LEVEL_VALUES, day)) if bonus is None else bonus


def _facts(hospital: Hospital, facts: FactsTable | None) -> HospitalFacts:
    if facts is None:
        return HospitalFacts(hospital.code, hospital.level)
    code = hospital.code
    return HospitalFacts(code, hospital.level, facts.kinds.get(code, ""), facts.indicators.get(code, {}))


def _hospitals(desk: Desk, hospitals: tuple[Hospital, ...], end: date) -> tuple[Hospital, ...]:
    """The hospitals of the year with their newest computed coefficient; one that closed keeps its last."""
    newest: dict[str, int] = {}
    uses = desk.at(case.COEFFICIENT_USE, end) == "by_hospital"
    for _, table in (computed_coefficients(desk, end) or ()) if uses else ():
        newest.update(table)
    return tuple(
        replace(hospital, coefficient_e6=newest.get(hospital.code, hospital.coefficient_e6)) for hospital in hospitals
    )


def _unsound(desk: Desk, param: Param[object], on: str, fault: Exception) -> PolicyFaults:
    facts: Mapping[str, object] = {"on": on, "zh": fault, "en": fault}
    return refuse(desk.settings[param.key].place, "unsound", **facts)
