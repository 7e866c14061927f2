"""Hospital coefficients from past years' cases, where a policy computes them 「医疗机构系数测算」.

In: measured weights, the cases they came from, and the policy's form of coefficient. Out: per hospital the indicators
these cases can tell (`cmi`, `cost_index`, `level_cost`), and the coefficient the form makes of them beside the one in
force. An indicator the cases cannot tell keeps the value of the policy's facts table. It sets no coefficient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.map_cases import MappedCases
from engine.policy import case_params as case
from engine.policy import coefficient_params as coef
from engine.policy.load import AreaPolicy
from engine.policy.problems import PolicyFaults
from engine.policy.resolve_added import coefficients_on
from engine.policy.settings import Desk
from engine.policy.tables import FactsTable, HospitalTable
from pointvalue.coefficient import Clamp, GroupCostForm, group_coefficients_e6
from pointvalue.fixed import E6, exact, half_up
from pointvalue.fixed_wide import sum_by
from pointvalue.weights import Weights

I64 = npt.NDArray[np.int64]
Facts = dict[str, dict[str, Fraction]]
MEASURED: Final = ("cmi", "cost_index", "level_cost")
"""Mean relative weight of a hospital's cases; its cost over the region's mean of the same groups; mean cost of its
level over the region's. Each rounded to six decimals, as a facts table holds it."""


@dataclass(frozen=True)
class CoefficientMove:
    """One hospital. Coefficients ×10⁶; `measured_e6` None: the policy lists them, or an indicator is missing."""

    hospital: str
    name: str
    kind: str
    cases: int
    indicators: Mapping[str, Fraction]
    in_force_e6: int
    measured_e6: int | None
    fault: str = ""


def coefficient_moves(
    policy: AreaPolicy,
    day: date,
    mapped: MappedCases,
    rows: npt.NDArray[np.intp],
    group: npt.NDArray[np.int32],
    weights: Weights,
) -> tuple[str, tuple[CoefficientMove, ...]]:
    """(the policy's form, every hospital of the day)."""
    desk = policy.desk()
    form = desk.at(coef.FORM, day) if desk.written(coef.FORM) else "table"
    table: HospitalTable = desk.at(case.HOSPITALS, day)
    own = desk.at(coef.FACTS, day) if desk.written(coef.FACTS) else None
    told, counts = _indicators(table, mapped, rows, group, weights)
    facts = _merged(table, own, told)
    in_force, measured, fault = _coefficients(desk, day, form, table, facts)
    moves = [
        CoefficientMove(
            hospital.code,
            hospital.name,
            facts.kinds.get(hospital.code, ""),
            counts.get(hospital.code, 0),
            facts.indicators.get(hospital.code, {}),
            in_force[hospital.code],
            measured.get(hospital.code),
            fault,
        )
        for hospital in table.hospitals
    ]
    return form, tuple(moves)


def _coefficients(
    desk: Desk, day: date, form: str, table: HospitalTable, facts: FactsTable
) -> tuple[dict[str, int], dict[str, int], str]:
    """In force, measured, and what kept them from being measured."""
    if form == "table":
        return {hospital.code: hospital.coefficient_e6 for hospital in table.hospitals}, {}, ""
    in_force = coefficients_on(desk, day)
    try:
        return in_force, coefficients_on(desk, day, facts), ""
    except PolicyFaults as fault:
        return in_force, {}, str(fault)


def _merged(table: HospitalTable, own: FactsTable | None, told: Facts) -> FactsTable:
    """The facts table with what the cases tell put over it; columns the policy does not use are added."""
    kinds = {} if own is None else own.kinds
    found = {}
    for hospital in table.hospitals:
        before = {} if own is None else own.indicators.get(hospital.code, {})
        found[hospital.code] = {**before, **told.get(hospital.code, {})}
    return FactsTable("measured", kinds, found, {})


def _indicators(
    table: HospitalTable,
    mapped: MappedCases,
    rows: npt.NDArray[np.intp],
    group: npt.NDArray[np.int32],
    weights: Weights,
) -> tuple[Facts, dict[str, int]]:
    """Indicators and counts of the hospitals that have cases among the measured ones."""
    index, codes = mapped.book.codes("fixmedins_code")
    hospital = index[rows]
    size = len(codes)
    cost = mapped.book.ints("medfee_sumamt_fen")[rows]
    relative = np.array([each.relative_weight_e4 for each in weights.groups], np.int64)[group]
    expected = np.array([half_up(each.mean_fen or Fraction(0)) for each in weights.groups], np.int64)[group]
    counted, costs, weighed, means = (
        sum_by(hospital, values, size) for values in (np.ones(rows.size, np.int64), cost, relative, expected)
    )
    level = {each.code: each.level for each in table.hospitals}
    by_level = _by_level(codes, level, costs, counted)
    whole = exact(int(costs.sum()), int(counted.sum()))
    facts: Facts = {}
    for place, code in enumerate(codes):
        if not counted[place]:
            continue
        cases = int(counted[place])
        found = {
            "cmi": exact(int(weighed[place]), cases * 10**4),
            "cost_index": exact(int(costs[place]), int(means[place])) if means[place] else Fraction(1),
        }
        if code in level:
            found["level_cost"] = exact(by_level[level[code]], whole)
        facts[code] = {name: exact(half_up(value * E6), E6) for name, value in found.items()}
    return facts, {code: int(counted[place]) for place, code in enumerate(codes)}


def _by_level(codes: list[str], level: Mapping[str, str], costs: I64, counted: I64) -> dict[str, Fraction]:
    """Mean cost of the cases of each level's hospitals."""
    found = {}
    for each in sorted(set(level.values())):
        places = [place for place, code in enumerate(codes) if level.get(code) == each]
        cases = int(counted[places].sum()) if places else 0
        if cases:
            found[each] = exact(int(costs[places].sum()), cases)
    return found


def group_coefficients(
    policy: AreaPolicy,
    day: date,
    mapped: MappedCases,
    rows: npt.NDArray[np.intp],
    group: npt.NDArray[np.int32],
    groups: Sequence[str],
    min_cases: int,
) -> tuple[tuple[str, str, int], ...]:
    """Form `group_cost` 「病组差异系数」: (hospital, group, ×10⁶) of every pair with `min_cases`, within the bounds.

    The hospital's mean cost of a group over the region's, all measured years together, untrimmed. Nothing for a policy
    of another form: a pair that is not listed has 1.
    """
    desk = policy.desk()
    if not desk.written(coef.FORM) or desk.at(coef.FORM, day) != "group_cost":
        return ()
    listed = {hospital.code for hospital in desk.at(case.HOSPITALS, day).hospitals}
    limits = Clamp(*(desk.at(param, day) if desk.written(param) else None for param in (coef.LEAST, coef.MOST)))
    index, codes = mapped.book.codes("fixmedins_code")
    cost, ones = mapped.book.ints("medfee_sumamt_fen")[rows], np.ones(rows.size, np.int64)
    pairs = index[rows].astype(np.int64) * len(groups) + group
    own = [sum_by(pairs, values, len(codes) * len(groups)).reshape(-1, len(groups)) for values in (cost, ones)]
    region_costs, region_counts = (values.sum(axis=0).tolist() for values in own)
    found = []
    for place, code in enumerate(codes):
        if code in listed:
            costs, counts = (values[place].tolist() for values in own)
            form = GroupCostForm(min_cases)
            measured = group_coefficients_e6(form, costs, counts, region_costs, region_counts, limits)
            enough = (name for name in zip(groups, measured, counts, strict=True) if name[2] >= max(1, min_cases))
            found += [(code, name, value) for name, value, _ in enough]
    return tuple(found)
