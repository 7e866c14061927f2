"""What a policy says to work that is not a run: reviews, measuring weights, sub-budgets, counties, advances.

In: a policy, a scheme or pool, a day; out: the terms `pointvalue` works with. Nothing here changes a settled amount.
A mechanism that is not written answers None, or an empty mapping where there may be none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from engine.policy import added_params as added
from engine.policy import case_params as case
from engine.policy import money_params as money
from engine.policy.load import AreaPolicy
from engine.policy.settings import Desk
from pointvalue.advance import AdvanceTerms
from pointvalue.county import CountyTerms
from pointvalue.review import QuotaRounding, QuotaTerms, Trigger
from pointvalue.sub_budget import divide_budget
from pointvalue.value_band import ValueBand
from pointvalue.weights import WeightTerms


@dataclass(frozen=True, slots=True)
class ReviewTerms:
    """How many special cases of a scheme may be approved, and which may apply; no trigger lets every case apply."""

    quota: QuotaTerms
    triggers: tuple[Trigger, ...]


@dataclass(frozen=True, slots=True)
class CountyShare:
    """The counties' allotments of one pool and year in fen, and how a gap is split."""

    terms: CountyTerms
    allotted_fen: Mapping[str, int]


def review_terms(policy: AreaPolicy, scheme: str, day: date) -> ReviewTerms | None:
    """Special-case review 「特例单议」 of a scheme on a day; None where it has no quota."""
    return review_terms_at(policy.desk(), scheme, day)


def review_terms_at(desk: Desk, scheme: str, day: date) -> ReviewTerms | None:
    """The same at a desk that notes which values were used."""
    rate = desk.at(case.SPECIAL_QUOTA, day).get(scheme)
    if rate is None:
        return None
    quota = QuotaTerms(
        rate,
        desk.at(added.QUOTA_BY_LEVEL, day).get(scheme, {}),
        QuotaRounding(desk.at(added.QUOTA_ROUNDING, day)),
        desk.at(added.SWAP_RATE, day),
    )
    return ReviewTerms(quota, desk.at(added.TRIGGERS, day).get(scheme, ()))


def weight_terms(policy: AreaPolicy, scheme: str, day: date) -> WeightTerms | None:
    """How the base points of a scheme are measured from past years 「权重测算」."""
    desk = policy.desk()
    measuring = desk.at(added.MEASURING, day).get(scheme)
    if measuring is None:
        return None
    scale = desk.at(case.SCALE, day)[scheme]
    return WeightTerms(
        measuring.year_weights, scale, measuring.trim, min_cases=measuring.min_cases, cv_max=measuring.cv_max
    )


def value_band(policy: AreaPolicy, scheme: str, day: date) -> ValueBand:
    """Which past cases found the initial point value of a scheme 「优值区间」; all where it is not measured."""
    measuring = policy.desk().at(added.MEASURING, day).get(scheme)
    return ValueBand.ALL if measuring is None else measuring.value_band


def sub_budgets(policy: AreaPolicy, pool: str, year: int, total_fen: int | None = None) -> dict[str, dict[str, int]]:
    """A pool's plan, or the total it became, by division and part 「分项预算」, in fen; each division adds up to it."""
    desk, end = policy.desk(), date(year, 12, 31)
    plan = desk.pool(money.PLAN, end, pool) if total_fen is None else total_fen
    divisions = desk.at(added.SUB_BUDGETS, end).get(pool, {})
    return {name: divide_budget(plan, parts) for name, parts in divisions.items()}


def county_share(policy: AreaPolicy, pool: str, year: int) -> CountyShare | None:
    """City and county 「市县责任分担」 of a pool and year."""
    desk, end = policy.desk(), date(year, 12, 31)
    deficit = desk.at(added.COUNTY_DEFICIT, end)
    if deficit is None:
        return None
    terms = CountyTerms(deficit, desk.at(added.COUNTY_SURPLUS, end))
    return CountyShare(terms, desk.at(added.COUNTY_ALLOTMENT, end).get(pool, {}))


def advance_terms(policy: AreaPolicy, pool: str, day: date) -> AdvanceTerms | None:
    """Who may have an advance of working capital, and how much 「周转金预付条件」."""
    desk = policy.desk()
    months, reserve = desk.at(added.ADVANCE_MONTHS, day), desk.at(added.ADVANCE_RESERVE, day)
    if months is None or pool not in reserve:
        return None
    return AdvanceTerms(months, reserve[pool], desk.at(added.ADVANCE_HISTORY, day))
