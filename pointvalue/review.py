"""Special-case review 「特例单议」: who may apply, how many may be approved, how many may still be swapped.

In: counts of discharges, rates and triggers of the policy; out: whole numbers of cases, and what a round overran.
How an approved case is paid is `classes` and `special`; which cases are approved is the experts' decision, never ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from pointvalue.fixed import exact, floor, half_up


class QuotaRounding(StrEnum):
    """What becomes of the part of a case in a quota."""

    FLOOR = "floor"
    ROUND = "round"
    CEIL = "ceil"


class QuotaFault(ValueError):
    """A rate or count that makes no quota."""


@dataclass(frozen=True, slots=True)
class QuotaTerms:
    """Quota of one scheme as a part of its discharges. `by_level` comes before `rate`; `swap_rate` of the applied cases
    may be exchanged before clearing."""

    rate: Fraction
    by_level: Mapping[str, Fraction] = field(default_factory=dict)
    rounding: QuotaRounding = QuotaRounding.FLOOR
    swap_rate: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        for rate in (self.rate, self.swap_rate, *self.by_level.values()):
            if not 0 <= rate <= 1:
                raise QuotaFault(f"a quota of {rate} of the discharges is not between 0 and 1 比例须在 0 与 1 之间")

    def rate_of(self, level: str) -> Fraction:
        return self.by_level.get(level, self.rate)


@dataclass(frozen=True, slots=True)
class Trigger:
    """One way to qualify; all parts given must hold. Multiples are of the group's or the region's mean cost."""

    days_from: int | None = None
    over_group_mean: Fraction | None = None
    over_region_mean: Fraction | None = None
    birth_weight_below_g: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the triggers look at. A mean or weight that is not known never fulfils a trigger that asks for it."""

    days: int
    cost_fen: int
    group_mean_fen: int | None = None
    region_mean_fen: int | None = None
    birth_weight_g: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewRound:
    """One hospital's round of a scheme: discharges of the period, and the case ids at each stage."""

    hospital: str
    level: str
    discharges: int
    applied: frozenset[str]
    approved: frozenset[str]
    swapped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Overrun:
    """A limit a round does not keep: `what` is quota, swap or unasked (approved or swapped without application)."""

    hospital: str
    what: str
    allowed: int
    found: int


def special_quota(discharges: int, rate: Fraction, rounding: QuotaRounding = QuotaRounding.FLOOR) -> int:
    """Cases that may be approved 「特例单议病例数上限」 = discharges × rate, rounded as the policy says."""
    if discharges < 0 or not 0 <= rate <= 1:
        raise QuotaFault(f"{discharges} discharges × {rate} is no quota 出院人次或比例有误")
    exact_number = discharges * rate
    if rounding is QuotaRounding.FLOOR:
        return floor(exact_number)
    return half_up(exact_number) if rounding is QuotaRounding.ROUND else -floor(-exact_number)


def may_apply(triggers: Sequence[Trigger], case: Candidate) -> bool:
    """Whether one of the triggers holds; a policy without triggers lets every case apply."""
    return not triggers or any(_holds(trigger, case) for trigger in triggers)


def _holds(trigger: Trigger, case: Candidate) -> bool:
    if trigger.days_from is not None and case.days < trigger.days_from:
        return False
    pairs = ((trigger.over_group_mean, case.group_mean_fen), (trigger.over_region_mean, case.region_mean_fen))
    for multiple, mean in pairs:
        if multiple is not None and (not mean or exact(case.cost_fen, mean) < multiple):
            return False
    limit, weight = trigger.birth_weight_below_g, case.birth_weight_g
    return limit is None or (weight is not None and weight < limit)


def overruns(rounds: Sequence[ReviewRound], terms: QuotaTerms) -> tuple[Overrun, ...]:
    """Every limit the rounds do not keep, hospital by hospital; an empty answer means they may be settled."""
    found: list[Overrun] = []
    for each in rounds:
        quota = special_quota(each.discharges, terms.rate_of(each.level), terms.rounding)
        swaps = floor(len(each.applied) * terms.swap_rate)
        unasked = len((each.approved | each.swapped) - each.applied)
        for what, allowed, count in (
            ("quota", quota, len(each.approved)),
            ("swap", swaps, len(each.swapped)),
            ("unasked", 0, unasked),
        ):
            if count > allowed:
                found.append(Overrun(each.hospital, what, allowed, count))
    return tuple(found)
