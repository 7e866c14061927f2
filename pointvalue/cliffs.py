"""Cliffs 「断点」: edges of a rule where one fen of cost, or the last bit of a score, moves points or money by a jump.

In: one case and its scheme, or the terms and standing of a hospital; out: each jump with the figures on both sides.
Rules are computed as they are written, jumps and all; this says where they are, so that a statement can flag them.
It changes no amount and calls no jump wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from pointvalue.by_day import scored_on
from pointvalue.fixed import E4, exact, floor, half_up
from pointvalue.model import ClassSet, PointScheme, Pool, ScoreSlope, ScoreTable, Sharing
from pointvalue.reference import ReferenceCase, class_set_of, cost_ratio, high_limit, score_case
from pointvalue.sharing import HospitalShare, tier_sum
from pointvalue.terms import AssessmentOn, Side

NOTICEABLE = Fraction(1, 1000)
"""A jump is called a cliff from this part of the base points on; a continuous rule moves far less for one fen."""


@dataclass(frozen=True, slots=True)
class ClassCliff:
    """From `cost_fen` to one fen more the case changes class. Points None: the class has none."""

    cost_fen: int
    class_before: str
    class_after: str
    points_before_e4: int | None
    points_after_e4: int | None

    @property
    def falls(self) -> bool:
        """Whether dearer treatment earns less here: the policy is not monotone in cost."""
        before, after = self.points_before_e4, self.points_after_e4
        return before is not None and after is not None and after < before


@dataclass(frozen=True, slots=True)
class SharingCliff:
    """Booking less than `actual_fen` a hospital is paid just that; booking it, `kept_fen` more."""

    actual_fen: int
    kept_fen: int


def class_cliffs(case: ReferenceCase, scheme: PointScheme, least: Fraction = NOTICEABLE) -> tuple[ClassCliff, ...]:
    """Every cost at which this case would change class with a jump, all else as it is, cheapest first."""
    scheme = scored_on(scheme, case.value_day)
    ratio = cost_ratio(replace(case, cost_fen=1), scheme)
    if ratio is None:
        return ()
    found = []
    for cost in sorted(set(_edges(case, scheme, ratio))):
        before, after = (score_case(replace(case, cost_fen=each), scheme) for each in (cost, cost + 1))
        if before.rule.id == after.rule.id:
            continue
        left, right = before.points_e4, after.points_e4
        jump = None if left is None or right is None else abs(right - left)
        if jump is None or jump >= least * case.base_points * E4:
            found.append(ClassCliff(cost, before.rule.id, after.rule.id, left, right))
    return tuple(found)


def _edges(case: ReferenceCase, scheme: PointScheme, ratio_of_a_fen: Fraction) -> Iterator[int]:
    """Costs just under and at each limit a rule names."""
    class_set = class_set_of(case, scheme)
    for limit in _limits(case, scheme, class_set):
        at = floor(exact(limit, ratio_of_a_fen))
        yield from (cost for cost in (at - 1, at) if cost >= 0)


def _limits(case: ReferenceCase, scheme: PointScheme, class_set: ClassSet) -> Iterator[Fraction]:
    group_k = high_limit(case, scheme, class_set)
    for rule in class_set.rules:
        interval = rule.when.cost_ratio
        if interval is None:
            continue
        for limit in (interval.above, interval.below):
            value = (rule.k or group_k) if limit == "k" else limit
            if isinstance(value, Fraction):
                yield value


def sharing_cliff(sharing: Sharing, standard_fen: int) -> SharingCliff | None:
    """The jump of the older form "below x pay actual" 「低于 x 据实支付」, for a standard and its own denominator."""
    if sharing.actual_below is None or standard_fen <= 0:
        return None
    standard = Fraction(standard_fen)
    gap = (1 - sharing.actual_below) * standard
    kept = tier_sum(sharing.tiers, Side.SURPLUS, gap, standard)
    if sharing.surplus_cap is not None:
        kept = min(kept, sharing.surplus_cap * standard)
    return SharingCliff(-floor(-sharing.actual_below * standard), half_up(kept)) if kept > 0 else None


@dataclass(frozen=True, slots=True)
class ScoreCliff:
    """From `score` on a table says `value`; the least bit below it says `value_below`."""

    score: Fraction
    value_below: Fraction
    value: Fraction


def score_cliffs(table: ScoreTable) -> tuple[ScoreCliff, ...]:
    """The steps of a score table, highest first; a slope has none."""
    if isinstance(table, ScoreSlope):
        return ()
    steps = pairwise(table)
    return tuple(ScoreCliff(up.score_from, low.value, up.value) for up, low in steps if up.value != low.value)


@dataclass(frozen=True, slots=True)
class HospitalEdge:
    """An edge a hospital stands near: where it is, where the hospital is, what reaching `at` from below is worth."""

    kind: str
    at: Fraction
    own: Fraction
    value_below: Fraction
    value: Fraction
    jump_fen: int


def hospital_edges(
    pool: Pool, share: HospitalShare, score: Fraction | None, withheld_fen: int, k: Fraction, near: Fraction
) -> tuple[HospitalEdge, ...]:
    """The edges within `near` × their own place: of paying actual, of assessment, of deposit release.

    A jump is worth what the hospital would get more at the edge, everything else as it is; overspend at this year's k.
    """
    found = list(_actual_edge(pool, share, near))
    if score is None:
        return tuple(found)
    for cliff in score_cliffs(pool.assessment) if pool.assessment_on else ():
        if abs(score - cliff.score) <= near * cliff.score:
            worth = (cliff.value - cliff.value_below) * _assessed(pool, share, k)
            found.append(HospitalEdge("assessment", cliff.score, score, cliff.value_below, cliff.value, half_up(worth)))
    for cliff in score_cliffs(pool.deposit_release):
        if withheld_fen and abs(score - cliff.score) <= near * cliff.score:
            worth = (cliff.value - cliff.value_below) * withheld_fen
            edge = HospitalEdge("deposit_release", cliff.score, score, cliff.value_below, cliff.value, half_up(worth))
            found.append(edge)
    return tuple(found)


def _assessed(pool: Pool, share: HospitalShare, k: Fraction) -> Fraction:
    """The money the assessment coefficient is applied to."""
    total = Fraction(0)
    if AssessmentOn.STANDARD in pool.assessment_on:
        total += max(Fraction(0), share.standard_fen)
    if AssessmentOn.SURPLUS in pool.assessment_on:
        total += share.multiplier * share.kept_fen
    if AssessmentOn.OVERSPEND in pool.assessment_on:
        total += share.claim_before_assessment_fen * k
    return total


def _actual_edge(pool: Pool, share: HospitalShare, near: Fraction) -> Iterator[HospitalEdge]:
    sharing = pool.sharing
    if sharing is None or sharing.actual_below is None or share.standard_fen <= 0:
        return
    limit, own = sharing.actual_below, exact(share.actual_fen, share.standard_fen)
    gap = (1 - limit) * share.standard_fen
    kept = tier_sum(sharing.tiers, Side.SURPLUS, gap, share.denominator_fen)
    if sharing.surplus_cap is not None:
        kept = min(kept, sharing.surplus_cap * share.denominator_fen)
    if kept > 0 and abs(own - limit) <= near * limit:
        jump = half_up(share.multiplier * kept)
        yield HospitalEdge("actual_below", limit, own, Fraction(0), exact(kept, share.standard_fen), jump)
