"""Cases near a class cliff 「临界病例」: whose cost lies within a part of an edge where their points jump.

In: the scored cases of a run and how near is near; out: per edge the rows, the side each lies on, and the points just
under and just over it. The edge is scored by the very kernel that scored the cases, at the cost of the edge. Special
cases, cases of a share by cost and catalogues with their own scoring are left out. It changes no amount.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pointvalue.by_day import scored_by
from pointvalue.cases import I64, CaseColumns
from pointvalue.classes import Scored, score
from pointvalue.fixed import E4, exact
from pointvalue.fixed_wide import scaled_floor
from pointvalue.model import AreaYear, ClassSet, PointScheme
from pointvalue.terms import Denominator, Flag, Route, SchemeKind

NO_POINTS = -1


@dataclass(frozen=True, slots=True)
class NearEdge:
    """One edge of a scheme. Rows into the run's columns; points `NO_POINTS` where the class has none."""

    scheme: str
    limit: Fraction
    class_before: str
    class_after: str
    rows: I64
    is_below: NDArray[np.bool_]
    before_e4: I64
    after_e4: I64


def near_edges(cases: CaseColumns, scored: Scored, area: AreaYear, near: Fraction) -> Iterator[NearEdge]:
    """Every edge with a case within `near` × the edge's cost, by scheme, limit and the two classes."""
    for place, scheme in enumerate(area.schemes):
        if not isinstance(scheme, PointScheme) or scheme.kind is not SchemeKind.POINTS:
            continue
        tops = {rule.id for each in scheme.class_sets for rule in each.rules if rule.when.top_share is not None}
        out = np.array([each.scheme == scheme.name and each.id in tops for each in scored.classes], np.bool_)
        rows = np.flatnonzero((cases.scheme == place) & ((cases.flags & int(Flag.SPECIAL)) == 0))
        if tops:
            rows = rows[~out[scored.class_index[rows]]]
        for terms, held in scored_by(scheme, cases.value_day[rows]):
            sets = tuple(_without_top_shares(each) for each in terms.class_sets)
            schemes = (*area.schemes[:place], replace(terms, class_sets=sets), *area.schemes[place + 1 :])
            for limit, some in _limited_rows(cases, terms, rows[held]):
                yield from _edges_at(cases, replace(area, schemes=schemes), terms, limit, some, near)


def _without_top_shares(class_set: ClassSet) -> ClassSet:
    return replace(class_set, rules=tuple(rule for rule in class_set.rules if rule.when.top_share is None))


def _limited_rows(cases: CaseColumns, scheme: PointScheme, rows: I64) -> Iterator[tuple[Fraction, I64]]:
    """Each limit the rules name, with the rows it holds for: by class set, K also by base points."""
    starts = np.array([each.from_day for each in scheme.class_sets], np.int64)
    order = np.argsort(starts, kind="stable")
    which = order[np.maximum(np.searchsorted(starts[order], cases.value_day[rows], side="right") - 1, 0)]
    for number, class_set in enumerate(scheme.class_sets):
        mine = rows[which == number]
        asked = [rule.when.cost_ratio for rule in class_set.rules if rule.when.cost_ratio is not None]
        own_k = {rule.k for rule in class_set.rules if rule.k is not None and rule.when.cost_ratio is not None}
        ends = {end for interval in asked for end in (interval.above, interval.below)}
        for limit in sorted({end for end in ends if isinstance(end, Fraction)} | own_k):
            yield limit, mine
        if "k" in ends:
            yield from _by_k(cases, scheme, class_set, mine)


def _by_k(cases: CaseColumns, scheme: PointScheme, class_set: ClassSet, rows: I64) -> Iterator[tuple[Fraction, I64]]:
    low = np.full(rows.size, True)
    for limit in class_set.k_limits:
        if limit.upto is None:
            yield limit.k, rows[low]
            return
        most = limit.upto * scheme.scale * E4
        within = cases.base_points_e4[rows] * 100 * most.denominator <= most.numerator
        yield limit.k, rows[low & within]
        low &= ~within


def _edge_cost(cases: CaseColumns, area: AreaYear, scheme: PointScheme, limit: Fraction, rows: I64) -> I64:
    """floor(limit × reference) in fen, 0 where a case has no reference."""
    if scheme.denominator is Denominator.GROUP_MEAN:
        return scaled_floor(cases.reference_fen[rows], limit.numerator, limit.denominator)[0]
    if scheme.denominator is Denominator.REGION_MEAN:
        factor = exact(limit * scheme.region_mean_fen, scheme.scale * E4)
        return scaled_floor(cases.base_points_e4[rows], factor.numerator, factor.denominator)[0]
    edge = np.zeros(rows.size, np.int64)
    for place, pool in enumerate(area.pools):
        budget = scheme.budget_point_value.get(pool.id)
        if budget is not None:
            mine = cases.pool[rows] == place
            factor = exact(limit * budget * 100, E4)
            edge[mine] = scaled_floor(cases.base_points_e4[rows[mine]], factor.numerator, factor.denominator)[0]
    return edge


def _edges_at(
    cases: CaseColumns, area: AreaYear, scheme: PointScheme, limit: Fraction, rows: I64, near: Fraction
) -> Iterator[NearEdge]:
    edge = _edge_cost(cases, area, scheme, limit, rows)
    close = (edge > 1) & (
        np.abs(cases.cost_fen[rows] - edge) <= scaled_floor(edge, near.numerator, near.denominator)[0]
    )
    rows, edge = rows[close], edge[close]
    if not rows.size:
        return
    under, over = (_scored_at(cases, area, rows, edge + step) for step in (-1, 1))
    names = [each.id for each in under.classes]
    is_below = cases.cost_fen[rows] <= edge
    sides = [(_points(each), each.class_index.astype(np.int64)) for each in (under, over)]
    yield from jumps(scheme.name, limit, names, rows, is_below, sides[0], sides[1])


Side = tuple[I64, I64]
"""Points of each case on one side of an edge, and its class as a place among the names."""


def jumps(
    scheme: str,
    limit: Fraction,
    names: Sequence[str],
    rows: I64,
    is_below: NDArray[np.bool_],
    under: Side,
    over: Side,
) -> Iterator[NearEdge]:
    """The cases whose class and points differ on both sides of an edge, by their two classes."""
    changed = np.flatnonzero((under[1] != over[1]) & ~_same_points(under[0], over[0]))
    pairs = under[1][changed] * len(names) + over[1][changed]
    for pair in np.unique(pairs):
        mine = changed[pairs == pair]
        before, after = divmod(int(pair), len(names))
        yield NearEdge(
            scheme, limit, names[before], names[after], rows[mine], is_below[mine], under[0][mine], over[0][mine]
        )


def _scored_at(cases: CaseColumns, area: AreaYear, rows: I64, cost: I64) -> Scored:
    """These cases at another cost; what patients bear takes up the difference."""
    some = cases.take(rows)
    return score(replace(some, cost_fen=cost, patient_fen=cost - some.fund_fen), area)


def _points(scored: Scored) -> I64:
    return np.where(scored.route == int(Route.POT), scored.points_e4, NO_POINTS)


def _same_points(before: I64, after: I64) -> NDArray[np.bool_]:
    """Classes that meet: a thousandth of the points is no cliff."""
    gone = (before == NO_POINTS) | (after == NO_POINTS)
    smooth: NDArray[np.bool_] = ~gone & (np.abs(after - before) * 1000 < np.maximum(before, after))
    return smooth
