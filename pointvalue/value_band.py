"""The initial point value 「年初点值」 from past years, by the cases of a value band 「优值区间」.

In: cost and points of cases year by year, and for the two-way band the mean cost of each case's group; out: one exact
value in yuan per point, and how many cases it rests on. Whether a case lies in the band is compared exactly, its value
being cost ÷ points; a case on an edge stays. It trims no group and sets no weight: `weights` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np

from pointvalue.cases import I64
from pointvalue.fixed import exact, floor, yuan_per_point
from pointvalue.weights import PERCENTILES, HistoryFault


class ValueBand(StrEnum):
    """Which cases of a year and pool found the value: all of them; those between the 2.5th and the 97.5th percentile of
    case values; those not above the mean value; those not above the mean value nor above their group's mean cost."""

    ALL = "all"
    PERCENTILES = "p2_5_97_5"
    BELOW_MEAN = "below_mean"
    LOW_PRICE_LOW_COST = "low_price_low_cost"


@dataclass(frozen=True, slots=True)
class YearOfCases:
    """Cases of one past year: cost in fen, points ×10⁴ above zero, the mean cost of their groups in fen."""

    cost_fen: I64
    points_e4: I64
    group_mean_fen: I64


@dataclass(frozen=True, slots=True)
class InitialValue:
    """Yuan per point, exact, and the cases read and kept."""

    value: Fraction
    read_count: int
    kept_count: int


def initial_value(years: Sequence[YearOfCases], weights: Sequence[Fraction], band: ValueBand) -> InitialValue:
    """Weighted cost over weighted points of the kept cases 「年初点值」.

    Σ weight × cost ÷ Σ weight × points; a year without cases gives its weight to the others
    """
    cost, points, read, kept = Fraction(0), Fraction(0), 0, 0
    for year, weight in zip(years, weights, strict=True):
        _require(year)
        rows = kept_rows(year, band)
        cost += weight * sum(year.cost_fen[rows].tolist())
        points += weight * sum(year.points_e4[rows].tolist())
        read, kept = read + len(year.cost_fen), kept + len(rows)
    if points == 0:
        raise HistoryFault("no case founds a point value 没有可用于测算点值的病例")
    return InitialValue(exact(yuan_per_point(cost, 1), points), read, kept)


def kept_rows(year: YearOfCases, band: ValueBand) -> I64:
    """The cases of a year that lie in the band."""
    everyone = np.arange(year.cost_fen.size, dtype=np.int64)
    if band is ValueBand.ALL or not everyone.size:
        return everyone
    pairs = list(zip(year.cost_fen.tolist(), year.points_e4.tolist(), strict=True))
    if band is ValueBand.PERCENTILES:
        low, high = (_quantile(year, pairs, share) for share in PERCENTILES)
        inside = [low <= exact(cost, points) <= high for cost, points in pairs]
        return everyone[np.array(inside, np.bool_)]
    whole_cost, whole_points = sum(cost for cost, _ in pairs), sum(points for _, points in pairs)
    inside = [cost * whole_points <= whole_cost * points for cost, points in pairs]
    low_price = np.array(inside, np.bool_)
    if band is ValueBand.LOW_PRICE_LOW_COST:
        low_price &= year.cost_fen <= year.group_mean_fen
    return everyone[low_price]


def _quantile(year: YearOfCases, pairs: Sequence[tuple[int, int]], share: Fraction) -> Fraction:
    """The value between the two nearest cases in proportion, as trimming by cost has it."""
    from pointvalue.fixed_wide import value_e8  # compiled; who only reads a policy does without

    place = share * (len(pairs) - 1)
    below = floor(place)
    rough = value_e8(year.cost_fen, year.points_e4)
    order = np.argsort(rough, kind="stable")
    first, second = (_at(pairs, rough, order, min(rank, len(pairs) - 1)) for rank in (below, below + 1))
    return first + (place - below) * (second - first)


def _at(pairs: Sequence[tuple[int, int]], rough: I64, order: I64, rank: int) -> Fraction:
    """The case value at a rank, exact where the rough order cannot tell cases apart."""
    key = rough[order[rank]]
    start = int(np.searchsorted(rough[order], key))
    same = order[start : int(np.searchsorted(rough[order], key, side="right"))]
    return sorted(exact(*pairs[row]) for row in same.tolist())[rank - start]


def _require(year: YearOfCases) -> None:
    if not year.cost_fen.shape == year.points_e4.shape == year.group_mean_fen.shape:
        raise HistoryFault("cost, points and group mean must have one value per case 各列行数须一致")
    if year.points_e4.size and int(year.points_e4.min()) <= 0:
        raise HistoryFault("a case without points founds no point value; leave it out 病例点数须大于零")
