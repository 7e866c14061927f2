"""Cliffs 「断点」: edges of a rule where one fen more of cost moves points or money by a jump.

In: one case and its scheme, or the sharing terms of a hospital; out: each jump with the figures on both sides.
Rules are computed as they are written, jumps and all; this says where they are, so that a statement can flag them.
It changes no amount and calls no jump wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from pointvalue.fixed import E4, exact, floor, half_up
from pointvalue.model import ClassSet, PointScheme, Sharing
from pointvalue.reference import ReferenceCase, class_set_of, cost_ratio, high_limit, score_case
from pointvalue.sharing import tier_sum
from pointvalue.terms import Side

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
