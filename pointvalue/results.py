"""What clearing a year answers: per pool, per pot, per hospital, per case, and every posting line.

In: nothing; out: frozen records filled by `annual`. Money fen, point values yuan per point as exact fractions.
Every figure of a statement is a sum of lines; `invariants` proves it before anything leaves.
It computes nothing but sums of its own fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pointvalue.budget import Budget
from pointvalue.cases import I32, I64
from pointvalue.lines import PostingLine
from pointvalue.monthly import MonthRow
from pointvalue.pots import Penalty
from pointvalue.sharing import HospitalShare, ScaleBack, Standing
from pointvalue.value import PointValue, PotLeft


@dataclass(frozen=True, slots=True)
class PotResult:
    """A settled pot without its cases. `points_e4` is what divides: recomputed penalties included."""

    label: str
    scheme: str
    county: str | None
    fund_fen: int
    patients_fen: int
    points_e4: int
    value: PointValue
    standards_fen: int
    left: PotLeft
    penalties: tuple[Penalty, ...]
    recomputed_cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharingResult:
    """Pool-level sharing: booked spend against the point fund, and what the point fund gained or lost."""

    booked_fen: int
    point_fund_before_fen: int
    adjust_fen: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The yearly account of one hospital in one pool, in the order of the cash step."""

    hospital: str
    entitled_fen: int
    prepaid_fen: int
    deposit_withheld_fen: int
    deposit_released_fen: int
    supplier_paid_fen: int
    advance_fen: int
    final_fen: int
    carried_fen: int
    receivable_fen: int = 0

    @property
    def prepaid_cash_fen(self) -> int:
        """Cash of the months: payable less deposit, with the advance."""
        return self.prepaid_fen - self.deposit_withheld_fen + self.advance_fen

    @property
    def final_cash_fen(self) -> int:
        """Cash of the clearing; below zero only where a negative balance is collected."""
        return self.final_fen + self.carried_fen

    @property
    def deposit_forfeited_fen(self) -> int:
        return self.deposit_withheld_fen - self.deposit_released_fen

    @property
    def advance_uncovered_fen(self) -> int:
        """The part of the advance the year did not cover; above zero it bars the next advance."""
        return min(self.advance_fen, max(0, -self.final_fen))


@dataclass(frozen=True, slots=True)
class Conservation:
    """Where the pool's money came from and went: both sides are equal to the fen.

    `receivable_opened_fen` was paid out in the year before; recovered now, it goes back to that year's fund.
    """

    fund_fen: int
    epidemic_money_fen: int
    receivable_carried_fen: int
    outside_fen: int
    bundle_outside_fen: int
    paid_to_hospitals_fen: int
    paid_to_suppliers_fen: int
    reserve_left_fen: int
    receivable_opened_fen: int = 0
    brought_forward_fen: int = 0

    @property
    def difference_fen(self) -> int:
        came = self.fund_fen + self.epidemic_money_fen + self.receivable_carried_fen + self.brought_forward_fen
        went = self.outside_fen + self.bundle_outside_fen + self.paid_to_hospitals_fen + self.paid_to_suppliers_fen
        return came - went - self.reserve_left_fen - self.receivable_opened_fen


@dataclass(frozen=True, slots=True)
class PoolResult:
    """One pool's year. `lines` are the year's; months are with `YearResult`."""

    pool: str
    budget: Budget
    fixed_paid_fen: Mapping[str, int]
    bundle_outside_fen: int
    moved_to_points_fen: int
    epidemic_fen: Mapping[str, int]
    sharing: SharingResult
    pots: tuple[PotResult, ...]
    shortage_fen: int
    standings: Mapping[str, Standing]
    shares: Mapping[str, HospitalShare]
    scale_back: ScaleBack
    statements: Mapping[str, Statement]
    next_year_base_fen: int
    conservation: Conservation
    lines: tuple[PostingLine, ...]

    @property
    def point_fund_fen(self) -> int:
        """The point fund with what fixed lines moved to it, before pool sharing."""
        return self.budget.point_fund_fen + self.moved_to_points_fen


@dataclass(frozen=True, slots=True)
class YearResult:
    """A cleared year. Per case: standard (0 outside the pots), fund part S, and its pot as an index into
    `pot_labels` (−1: none). `lines` holds months and year, sorted."""

    pools: tuple[PoolResult, ...]
    lines: tuple[PostingLine, ...]
    months: tuple[MonthRow, ...]
    pot_labels: tuple[tuple[str, str], ...]
    standard_fen: I64
    fund_part_fen: I64
    pot_index: I32

    def pool(self, pool_id: str) -> PoolResult:
        return next(each for each in self.pools if each.pool == pool_id)
