"""The cliffs of a policy 「政策断点一览」: every edge its rules hold, whoever may stand near it.

In: an area's year; out: edges in order, each with where it is and what holds on both sides. Class edges are worked for
a case of coefficient 1 whose reference is that of its base points, with points as parts of those base points.
It judges nothing: a cliff may be meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from pointvalue.cliffs import ClassCliff, class_cliffs, score_cliffs
from pointvalue.fixed import E4, exact, half_up
from pointvalue.model import AreaYear, ClassSet, FixedScheme, PointScheme, Pool
from pointvalue.reference import ReferenceCase, cost_ratio
from pointvalue.terms import SchemeKind


@dataclass(frozen=True, slots=True)
class PolicyCliff:
    """One edge. `kind` says what moves over it; `before` and `after` are None where a class has no points.

    class: `at` is a cost ratio, both sides are parts of the base points. days, tcm, top_share: a condition of class
    `after`. actual_below, assessment, deposit_release: `at` a ratio or score. level_quota: yuan, by level.
    """

    kind: str
    where: str
    at: Fraction
    name_before: str
    name_after: str
    before: Fraction | None
    after: Fraction | None
    from_day: int = 0
    base_points: Fraction | None = None


def policy_cliffs(area: AreaYear) -> tuple[PolicyCliff, ...]:
    """Every edge of an area's year: schemes first, then pools."""
    found: list[PolicyCliff] = []
    for scheme in area.schemes:
        if isinstance(scheme, PointScheme):
            for class_set in scheme.class_sets:
                found += _class_edges(area, scheme, class_set)
                found += _condition_edges(scheme, class_set)
        elif scheme.kind is SchemeKind.SINGLE:
            found += _level_quotas(scheme)
    for pool in area.pools:
        found += _pool_edges(pool)
    return tuple(found)


def _class_edges(area: AreaYear, scheme: PointScheme, class_set: ClassSet) -> Iterator[PolicyCliff]:
    """One case a band of K, or one for all; the pool only matters to points at the budget value."""
    seen: set[tuple[Fraction, str, str]] = set()
    for base in _bases(scheme, class_set):
        for pool in area.pools[:1]:
            case = _example(scheme, class_set, base, pool.id)
            ratio = cost_ratio(case, scheme)
            for cliff in class_cliffs(case, scheme) if ratio is not None else ():
                at = _near_number(exact(ratio or 0, case.cost_fen) * (cliff.cost_fen + 1))
                key = (at, cliff.class_before, cliff.class_after)
                if key not in seen:
                    seen.add(key)
                    yield _class_edge(scheme, class_set, base, at, cliff)


def _class_edge(
    scheme: PointScheme, class_set: ClassSet, base: Fraction, at: Fraction, cliff: ClassCliff
) -> PolicyCliff:
    points = (cliff.points_before_e4, cliff.points_after_e4)
    before, after = (None if each is None else _near_number(exact(each, base * E4)) for each in points)
    banded = base if len(class_set.k_limits) > 1 and at in {limit.k for limit in class_set.k_limits} else None
    return PolicyCliff(
        "class", scheme.name, at, cliff.class_before, cliff.class_after, before, after, class_set.from_day, banded
    )


def _near_number(ratio: Fraction) -> Fraction:
    """The limit as the rule writes it: the edge lies within a fen of it."""
    return exact(half_up(ratio * 10**4), 10**4)


def _bases(scheme: PointScheme, class_set: ClassSet) -> list[Fraction]:
    """Base points that stand for the bands of K: the last of each band, and past the last edge."""
    edges = [exact(limit.upto * scheme.scale, 100) for limit in class_set.k_limits if limit.upto is not None]
    return [*edges, 2 * edges[-1]] if edges else [Fraction(scheme.scale)]


def _example(scheme: PointScheme, class_set: ClassSet, base: Fraction, pool: str) -> ReferenceCase:
    """A plain case, its reference large enough that a fen is no part of a ratio."""
    reference = half_up(exact(scheme.region_mean_fen * base, scheme.scale))
    return ReferenceCase(pool, "", class_set.from_day, 8, reference, base, reference)


def _condition_edges(scheme: PointScheme, class_set: ClassSet) -> Iterator[PolicyCliff]:
    for rule in class_set.rules:
        when = rule.when
        for kind, at in (
            ("days", when.days_from), ("days", None if when.days_upto is None else when.days_upto + 1),
            ("tcm", None if when.tcm is None else when.tcm.ratio_min), ("top_share", when.top_share),
        ):  # fmt: skip
            if at is not None:
                yield PolicyCliff(kind, scheme.name, Fraction(at), "", rule.id, None, None, class_set.from_day)


def _level_quotas(scheme: FixedScheme) -> Iterator[PolicyCliff]:
    """A disease whose price differs by hospital level: neighbours in the order of the level's name."""
    by_disease: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for (group, level, pool), quota in sorted(scheme.quota_fen.items()):
        by_disease.setdefault((group, pool), []).append((level, quota))
    for (group, pool), levels in by_disease.items():
        for (one, low), (other, high) in pairwise(levels):
            if low != high:
                where = f"{scheme.name} {group} {pool}"
                yield PolicyCliff("level_quota", where, Fraction(0), one, other, exact(low, 100), exact(high, 100))


def _pool_edges(pool: Pool) -> Iterator[PolicyCliff]:
    sharing = pool.sharing
    if sharing is not None and sharing.actual_below is not None:
        yield PolicyCliff("actual_below", pool.id, sharing.actual_below, "", "", None, None)
    for kind, table in (
        ("assessment", pool.assessment if pool.assessment_on else ()), ("deposit_release", pool.deposit_release),
    ):  # fmt: skip
        for cliff in score_cliffs(table):
            yield PolicyCliff(kind, pool.id, cliff.score, "", "", cliff.value_below, cliff.value)
