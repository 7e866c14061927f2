"""Groups of a hospital beside the area 「病组对标」.

In: the cube of cases; out: per hospital and group the counts, sums in fen and the area's own mean to compare with.
The area is every hospital of the run in the same period, the hospital itself included. Means are for display.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from engine.report.figures import RunFigures

FAILURES = ("UNGRP", "AMBIGUOUS")


@dataclass(frozen=True, slots=True)
class GroupTotals:
    """Sums over the cases of one group, in one hospital or in the area; code "" is a case without any group."""

    code: str
    name: str
    cases: int
    grouped: int
    low: int
    high: int
    cost_fen: int
    booked_fen: int
    standard_fen: int
    fund_standard_fen: int
    gap_fen: int
    fund_gap_fen: int
    points: Decimal
    weight: Decimal
    days: int


@dataclass(frozen=True, slots=True)
class GroupTable:
    """Totals by (hospital, group), and by group over the area; groups in code order."""

    by_hospital: dict[str, tuple[GroupTotals, ...]]
    area: dict[str, GroupTotals]

    @classmethod
    def build(cls, figures: RunFigures) -> GroupTable:
        cube = figures.cube.with_columns(pl.col("drg_code").fill_null(""))
        by_hospital: dict[str, list[GroupTotals]] = defaultdict(list)
        own = cube.group_by("fixmedins_code", "drg_code").agg(_measures(figures.has_days))
        for hospital, *values in own.sort("fixmedins_code", "drg_code").iter_rows():
            by_hospital[hospital].append(GroupTotals(*values))
        area = cube.group_by("drg_code").agg(_measures(figures.has_days)).sort("drg_code")
        return cls(
            {hospital: tuple(groups) for hospital, groups in by_hospital.items()},
            {values[0]: GroupTotals(*values) for values in area.iter_rows()},
        )


def _measures(has_days: bool) -> list[pl.Expr]:
    """The fields of GroupTotals after `code`, in its order."""
    cases = pl.col("cases")
    sums = ("medfee_sumamt", "hifp_pay", "drg_dip_sumamt", "drg_dip_fund_payamt", "setl_dif_amt", "fund_dif_amt")
    measures = [
        pl.col("drg_name").max().fill_null("").alias("name"),
        cases.sum(),
        cases.filter(~pl.col("class").is_in(FAILURES)).sum().alias("grouped"),
        cases.filter(pl.col("class") == "LOW").sum().alias("low"),
        cases.filter(pl.col("class") == "HIGH").sum().alias("high"),
        *(pl.col(name).sum() for name in sums),
        pl.col("setl_pt").sum(),
        pl.col("drg_wt").sum(),
        pl.col("days").sum() if has_days else pl.lit(0, pl.Int64).alias("days"),
    ]
    if len(measures) + 1 != len(fields(GroupTotals)):
        raise AssertionError("GroupTotals and its measures have drifted apart")
    return measures


class Compared(NamedTuple):
    """What one group adds to an index: cases, own sum over own cases, area sum over area cases."""

    cases: int
    own_sum: int
    area_sum: int
    area_cases: int


def consumption_index(groups: Iterable[Compared]) -> float | None:
    """Consumption index 「消耗指数」 of costs or of days against the area.

        index = Σ n·(own mean ÷ area mean) ÷ Σ n

    Since n × own mean is the own sum, a group adds own sum × area cases ÷ area sum. Groups with no area sum are left
    out of both sides; None when nothing can be compared.
    """
    total, weight = Decimal(0), 0
    for group in groups:
        if group.cases and group.area_sum:
            total += Decimal(group.own_sum) * group.area_cases / group.area_sum
            weight += group.cases
    return float(total / weight) if weight else None
