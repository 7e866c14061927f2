"""Base points 「基准点数/分值」 and relative weights from the costs of past years, step 3 of the clearing.

In: cases of history as columns (group, year, cost in fen), or the mean costs themselves; out: per group its weighted
mean in fen, relative weight ×10⁴ and base points ×10⁴, and whether the group is large and even enough to carry them.
Means stay exact until the points are rounded, once. It never reads a policy date and never drops a group silently: a
group that fails keeps its figures and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np

from pointvalue.cases import I32, I64
from pointvalue.fixed import E4, exact, floor, half_up, to_decimals
from pointvalue.terms import RoundingMode

QUARTILES = (Fraction(1, 4), Fraction(3, 4))
PERCENTILES = (Fraction(25, 1000), Fraction(975, 1000))


class Trim(StrEnum):
    """Which cases of a group and year are left out before its mean 「裁剪」.

    `iqr`: outside the quartiles by more than `fence` × their distance. `p2_5_97_5`: outside those two percentiles.
    """

    NONE = "none"
    IQR = "iqr"
    PERCENTILES = "p2_5_97_5"


class GroupState(StrEnum):
    """Whether a group's history carries a weight 「病组稳定性」."""

    STABLE = "stable"
    FEW_CASES = "few_cases"
    UNEVEN = "uneven"
    NO_CASES = "no_cases"


class HistoryFault(ValueError):
    """The history cannot be measured; the text says which year or number is missing."""


@dataclass(frozen=True, slots=True)
class WeightTerms:
    """How an area measures. `year_weights` from the oldest year to the newest, any positive numbers (2:3:5, 1:2:7).

    `scale` points of a group whose mean is the region's; `dp` decimals of points as published, at most 4.
    `cv_max` coefficient of variation 「变异系数」 of the kept cases (population form), None = not asked.
    """

    year_weights: tuple[Fraction, ...]
    scale: int
    trim: Trim = Trim.NONE
    fence: Fraction = Fraction(3, 2)
    min_cases: int = 1
    cv_max: Fraction | None = None
    dp: int = 4

    def __post_init__(self) -> None:
        if not self.year_weights or any(weight <= 0 for weight in self.year_weights):
            raise HistoryFault("year_weights: give one weight above zero for each year, oldest first 年度权重须大于零")
        if self.scale <= 0 or not 0 <= self.dp <= 4:
            raise HistoryFault("scale must be above 0 and dp between 0 and 4 点数基数须大于零，小数位 0 至 4")


@dataclass(frozen=True, slots=True)
class GroupWeight:
    """What history says about one group. `mean_fen` None and zeros: no case in any year."""

    group: str
    mean_fen: Fraction | None
    relative_weight_e4: int
    base_points_e4: int
    read_count: int
    kept_count: int
    state: GroupState


@dataclass(frozen=True, slots=True)
class Weights:
    """Every group, in the order given, and the region's weighted mean they are measured against."""

    region_mean_fen: Fraction
    groups: tuple[GroupWeight, ...]


def weighted_mean(means: Sequence[Fraction | None], weights: Sequence[Fraction]) -> Fraction | None:
    """Mean of the years, newest weighing most 「加权例均费用」; a year without cases gives its weight to the others.

    Σ weight × mean ÷ Σ weight
    """
    given = [(mean, weight) for mean, weight in zip(means, weights, strict=True) if mean is not None]
    if not given:
        return None
    return exact(sum((mean * weight for mean, weight in given), Fraction(0)), sum(weight for _, weight in given))


def relative_weight(group_mean: Fraction, region_mean: Fraction) -> Fraction:
    """Relative weight 「权重 RW」 = group mean ÷ region mean, exact."""
    if region_mean <= 0:
        raise HistoryFault(
            "the region's mean cost is not above zero, so no weight can be measured 区域例均费用须大于零"
        )
    return exact(group_mean, region_mean)


def base_points(group_mean: Fraction, region_mean: Fraction, terms: WeightTerms) -> Fraction:
    """Base points as published 「基准点数」 = relative weight × scale, rounded once, half up to `dp` decimals."""
    return to_decimals(relative_weight(group_mean, region_mean) * terms.scale, terms.dp, RoundingMode.HALF_UP)


def measure(group: I32, year: I32, cost_fen: I64, groups: Sequence[str], terms: WeightTerms) -> Weights:
    """Weights of every group from single cases that have one. `year` counts from 0, the oldest.

    Cases are trimmed within their group and year; the region's mean is that of all kept cases, stable group or not.
    """
    _require_columns(group, year, cost_fen, groups, terms)
    years = len(terms.year_weights)
    order = np.lexsort((cost_fen, year, group))
    keys = group[order].astype(np.int64) * years + year[order]
    costs = cost_fen[order]
    edges = np.searchsorted(keys, np.arange(len(groups) * years + 1))
    kept: list[list[list[int]]] = []
    for place in range(len(groups)):
        cells = [costs[edges[place * years + y] : edges[place * years + y + 1]].tolist() for y in range(years)]
        kept.append([trimmed(cell, terms.trim, terms.fence) for cell in cells])
    region = weighted_mean([_mean([cells[y] for cells in kept]) for y in range(years)], terms.year_weights)
    if region is None:
        raise HistoryFault("the history holds no case 历史数据没有病例")
    read = np.bincount(group, minlength=len(groups))
    rows = [_group(code, kept[place], int(read[place]), region, terms) for place, code in enumerate(groups)]
    return Weights(region, tuple(rows))


def trimmed(costs: Sequence[int], trim: Trim, fence: Fraction = Fraction(3, 2)) -> list[int]:
    """The costs (ascending) that stay; a cost exactly on an edge stays. Quantiles lie between the two nearest cases."""
    if trim is Trim.NONE or not costs:
        return list(costs)
    low, high = (_quantile(costs, share) for share in (QUARTILES if trim is Trim.IQR else PERCENTILES))
    if trim is Trim.IQR:
        low, high = low - fence * (high - low), high + fence * (high - low)
    return [cost for cost in costs if low <= cost <= high]


def _quantile(costs: Sequence[int], share: Fraction) -> Fraction:
    place = share * (len(costs) - 1)
    below = floor(place)
    above = min(below + 1, len(costs) - 1)
    return costs[below] + (place - below) * (costs[above] - costs[below])


def _mean(cells: Sequence[Sequence[int]]) -> Fraction | None:
    count = sum(len(cell) for cell in cells)
    return exact(sum(sum(cell) for cell in cells), count) if count else None


def _group(code: str, cells: Sequence[Sequence[int]], read: int, region: Fraction, terms: WeightTerms) -> GroupWeight:
    mean = weighted_mean([_mean([cell]) for cell in cells], terms.year_weights)
    kept = [cost for cell in cells for cost in cell]
    if mean is None:
        return GroupWeight(code, None, 0, 0, read, 0, GroupState.NO_CASES)
    state = GroupState.STABLE
    if len(kept) < terms.min_cases:
        state = GroupState.FEW_CASES
    elif terms.cv_max is not None and not within_variation(kept, terms.cv_max):
        state = GroupState.UNEVEN
    points = base_points(mean, region, terms)
    return GroupWeight(
        code, mean, half_up(relative_weight(mean, region) * E4), half_up(points * E4), read, len(kept), state
    )


def within_variation(costs: Sequence[int], cv_max: Fraction) -> bool:
    """Whether standard deviation ÷ mean is at most `cv_max`, without a square root.

    n·Σx² − (Σx)² ≤ cv_max² · (Σx)²
    """
    total, squares = sum(costs), sum(cost * cost for cost in costs)
    return len(costs) * squares - total * total <= cv_max * cv_max * total * total


def _require_columns(group: I32, year: I32, cost_fen: I64, groups: Sequence[str], terms: WeightTerms) -> None:
    if not group.shape == year.shape == cost_fen.shape:
        raise HistoryFault("group, year and cost must have one value per case 各列行数须一致")
    for name, column, count in (("group", group, len(groups)), ("year", year, len(terms.year_weights))):
        if column.size and (int(column.min()) < 0 or int(column.max()) >= count):
            raise HistoryFault(f"a case has a {name} outside 0..{count - 1}; leave it out or add it {name} 超出范围")
    if cost_fen.size and int(cost_fen.min()) <= 0:
        raise HistoryFault("a case of the history costs nothing or less; leave it out 历史病例费用须大于零")
