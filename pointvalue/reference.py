"""The rules of a case and of sharing out money, one at a time with exact fractions: slow, obvious, the oracle.

Written from the rule text, not from the kernels; the kernels are tested against it, single cases are priced by it, and
rows whose numbers pass 128 bits are settled by it. In: one case in domain words; out: class, points and why.
It knows nothing of numpy, numba or columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pointvalue.fixed import E4, E6, exact, fen_per_point_e4, floor, points_to_e4
from pointvalue.model import ClassRule, ClassSet, Condition, Limit, PointScheme
from pointvalue.terms import Denominator, Flag, Shape

NO_FLAGS = Flag(0)


class RuleFault(ValueError):
    """What keeps the rules from settling a case: a missing number, said in words."""


@dataclass(frozen=True, slots=True)
class ReferenceCase:
    """One case in domain words. `top_rank` 0-based place among the scheme's cases by cost, `top_of` their number."""

    pool: str
    group: str
    value_day: int
    days: int
    cost_fen: int
    base_points: Fraction
    reference_fen: int
    flags: Flag = NO_FLAGS
    hospital_coefficient: Fraction = Fraction(1)
    aux: Fraction = Fraction(1)
    tcm_ratio: Fraction | None = None
    tcm_base: Fraction | None = None
    new_tech_points: Fraction = Fraction(0)
    new_tech_factor: Fraction = Fraction(0)
    readmission_factor: Fraction = Fraction(1)
    top_rank: int = 0
    top_of: int = 0


@dataclass(frozen=True, slots=True)
class Scoring:
    """Class and points of one case; `points_e4` None = the class moves it out of the points."""

    rule: ClassRule
    cost_ratio: Fraction | None
    k: Fraction | None
    coefficient: Fraction
    points_e4: int | None


def cost_ratio(case: ReferenceCase, scheme: PointScheme) -> Fraction | None:
    """Cost over its reference 「倍率」, never rounded; None where the case has no reference."""
    if scheme.denominator is Denominator.GROUP_MEAN:
        reference = Fraction(case.reference_fen)
    elif scheme.denominator is Denominator.REGION_MEAN:
        reference = exact(scheme.region_mean_fen * case.base_points, scheme.scale)
    else:
        budget = scheme.budget_point_value.get(case.pool)
        reference = Fraction(0) if budget is None else case.base_points * budget * 100
    return exact(case.cost_fen, reference) if reference > 0 else None


def high_limit(case: ReferenceCase, scheme: PointScheme, class_set: ClassSet) -> Fraction | None:
    """K for the case's base points, counted at scale 100."""
    at_100 = exact(case.base_points.numerator * 100, case.base_points.denominator * scheme.scale)
    for limit in class_set.k_limits:
        if limit.upto is None or at_100 <= limit.upto:
            return limit.k
    return None


def class_set_of(case: ReferenceCase, scheme: PointScheme) -> ClassSet:
    """The rules in force on the case's value day."""
    in_force = [each for each in scheme.class_sets if each.from_day <= case.value_day]
    if not in_force:
        raise RuleFault(f"scheme {scheme.name} has no class rules on day {case.value_day}")
    return max(in_force, key=lambda each: each.from_day)


def score_case(case: ReferenceCase, scheme: PointScheme) -> Scoring:
    """Class and points of a case 「病例分值」.

        points = (shape(base, r, h) × aux + new technology × year factor) × readmission

    First matching rule wins; rounded once, half up to four places, after every factor.
    """
    class_set = class_set_of(case, scheme)
    ratio = cost_ratio(case, scheme)
    group_k = high_limit(case, scheme, class_set)
    for rule in class_set.rules:
        k = rule.k if rule.k is not None else group_k
        if not _matches(rule, case, ratio, k):
            continue
        takes_coefficient = _takes_coefficient(rule) and case.group not in scheme.same_price_groups
        h = case.hospital_coefficient if takes_coefficient else Fraction(1)
        points = _shape_points(rule, case, scheme, ratio, k, h)
        if points is None:
            return Scoring(rule, ratio, k, h, None)
        if rule.aux and case.aux != 1:
            points *= case.aux
        if case.new_tech_points:
            points += case.new_tech_points * case.new_tech_factor
        if case.readmission_factor != 1:
            points *= case.readmission_factor
        return Scoring(rule, ratio, k, h, points_to_e4(points))
    raise RuleFault(f"no class rule of scheme {scheme.name} matches; end its rules with one that has no condition")


def _matches(rule: ClassRule, case: ReferenceCase, ratio: Fraction | None, k: Fraction | None) -> bool:
    when = rule.when
    if when.flag is not None and when.flag not in case.flags:
        return False
    if when.days_from is not None and case.days < when.days_from:
        return False
    if when.days_upto is not None and case.days > when.days_upto:
        return False
    if when.tcm is not None and (
        case.tcm_ratio is None or case.tcm_ratio < when.tcm.ratio_min or case.days < when.tcm.days_min
    ):
        return False
    if rule.shape is Shape.TCM_BASE and case.tcm_base is None:
        return False
    if when.top_share is not None and case.top_rank >= floor(case.top_of * when.top_share):
        return False
    return _ratio_holds(when, ratio, k)


def _ratio_holds(when: Condition, ratio: Fraction | None, k: Fraction | None) -> bool:
    interval = when.cost_ratio
    if interval is None or (interval.above is None and interval.below is None):
        return True
    if ratio is None:
        raise RuleFault("the case has no reference cost, and a class rule asks for its cost ratio")
    if interval.above is not None:
        above = _limit(interval.above, k)
        if ratio < above or (ratio == above and not interval.above_in):
            return False
    if interval.below is not None:
        below = _limit(interval.below, k)
        if ratio > below or (ratio == below and not interval.below_in):
            return False
    return True


def _limit(limit: Limit, k: Fraction | None) -> Fraction:
    if isinstance(limit, Fraction):
        return limit
    return _given(k, "high limit K")


def _given(number: Fraction | None, what: str) -> Fraction:
    if number is None:
        raise RuleFault(f"the case needs a {what} and has none")
    return number


def _takes_coefficient(rule: ClassRule) -> bool:
    if rule.coefficient is not None:
        return rule.coefficient
    return rule.shape in {
        Shape.NORMAL,
        Shape.LINEAR_ADD,
        Shape.EXCESS_PLUS_COEF,
        Shape.COEF_ONLY,
        Shape.DEDUCT,
        Shape.CAP,
        Shape.TCM_BASE,
    }


def _shape_points(
    rule: ClassRule, case: ReferenceCase, scheme: PointScheme, ratio: Fraction | None, k: Fraction | None, h: Fraction
) -> Fraction | None:
    """Points before auxiliary factor and additions; None for a class without points."""
    base = case.base_points
    match rule.shape:
        case Shape.FFS | Shape.EXCLUDE:
            return None
        case Shape.NORMAL | Shape.COEF_ONLY:
            return base * h
        case Shape.BY_RATIO:
            return base * _given(ratio, "reference cost") * h
        case Shape.RAMP_ADD:
            return base * (_given(ratio, "reference cost") + rule.add) * h
        case Shape.LINEAR_ADD:
            return base * h + (_given(ratio, "reference cost") - _given(k, "high limit K")) * base
        case Shape.EXCESS_PLUS_ONE:
            return base * (_given(ratio, "reference cost") - _given(k, "high limit K") + 1) * h
        case Shape.EXCESS_PLUS_COEF:
            return base * (_given(ratio, "reference cost") - _given(k, "high limit K") + h)
        case Shape.DEDUCT:
            over_region = exact(case.cost_fen, scheme.region_mean_fen) * scheme.scale
            return over_region - (_given(k, "high limit K") - 1) * base * h
        case Shape.CAP:
            return _given(k, "high limit K") * base * h
        case Shape.CAPPED_BASE:
            return min(base * _given(ratio, "reference cost"), base) * h
        case Shape.SCALED_COST:
            return exact(case.cost_fen, scheme.region_mean_fen) * scheme.scale * rule.factor * h
        case Shape.SCALED_BASE:
            return base * rule.factor * h
        case Shape.COST_POINTS:
            budget = _given(scheme.budget_point_value.get(case.pool), "budget point value")
            return exact(case.cost_fen, fen_per_point_e4(budget) * E4) * h
        case Shape.TCM_BASE:
            return _given(case.tcm_base, "TCM base") * h


def coefficient(e6: int) -> Fraction:
    """A stored coefficient as a fraction."""
    return Fraction(e6, E6)


def slow_allocate(shares: list[Fraction], total: int) -> list[int]:
    """Largest remainder, the long way: hand out one fen at a time to whoever is furthest below his exact share."""
    amounts = [floor(share) for share in shares]
    floors = list(amounts)
    for _ in range(total - sum(amounts)):
        waiting = [place for place in range(len(shares)) if amounts[place] == floors[place]]
        winner = max(waiting, key=lambda place: (shares[place] - floors[place], -place))
        amounts[winner] += 1
    return amounts
