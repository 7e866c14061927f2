"""From the pool's total to the point fund 「可分配基金」: steps 2, 6b and the split over pots.

In: a pool's budget terms and what the steps before have found; out: whole fen.
Total = reserve + outside + fixed lines + point fund, always. It posts nothing: the caller writes the lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from pointvalue.allocate import prorate
from pointvalue.fixed import floor, half_up
from pointvalue.model import Pool
from pointvalue.terms import ReserveBase


class ClearingStopped(ValueError):
    """The policy and the data together cannot be cleared; the text says which number to change."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The waterfall of a pool, in fen."""

    total_fen: int
    reserve_fen: int
    outside_fen: int
    fixed_lines_fen: int

    @property
    def point_fund_fen(self) -> int:
        """What is left for the pots before fixed lines are known."""
        return self.total_fen - self.reserve_fen - self.outside_fen - self.fixed_lines_fen


def waterfall(pool: Pool) -> Budget:
    """Global budget 「总额预算」 of a pool, reserve set aside first.

        total = min(plan, floor(prior actual × (1 + growth cap))) + changes; reserve = half_up(rate × base)

    The base is the total, or what outside and fixed lines leave of it (`case_based`). Changes made during the year
    「年中调整」 come after the cap: it binds the plan, not the answer to an emergency.
    """
    total = pool.plan_fen
    if pool.growth_cap is not None and pool.prior_actual_fen is not None:
        total = min(total, floor(pool.prior_actual_fen * (1 + pool.growth_cap)))
    total += pool.adjustment_fen
    outside = sum(pool.outside_fen.values())
    fixed = sum(pool.fixed_lines_fen.values())
    base = total if pool.reserve.base is ReserveBase.TOTAL else total - outside - fixed
    return Budget(total, half_up(pool.reserve.rate * base), outside, fixed)


def sharing_adjustment(pool: Pool, point_fund_fen: int, booked_fen: int, reserve_fen: int) -> int:
    """What pool-level sharing 「区域共担」 adds to the point fund: of a deficit the part hospitals do not bear, as far
    as the reserve reaches; of a surplus less the part they do not get."""
    if pool.pool_sharing is None:
        return 0
    if booked_fen > point_fund_fen:
        borne = half_up((1 - pool.pool_sharing.deficit_to_hospitals) * (booked_fen - point_fund_fen))
        return min(borne, max(0, reserve_fen))
    return -half_up((1 - pool.pool_sharing.surplus_to_hospitals) * (point_fund_fen - booked_fen))


def split_over_pots(pool: Pool, fund_fen: int) -> list[int]:
    """Fund of each pot, in policy order."""
    return prorate([pot.ratio for pot in pool.pots], fund_fen)


def require_point_fund(pool: Pool, point_fund_fen: int) -> None:
    """A point fund below zero has no clearing: stop and say what to change."""
    if point_fund_fen < 0:
        raise ClearingStopped(
            f"pool {pool.id}: the point fund is {point_fund_fen} fen; lower the reserve, the outside or the fixed "
            f"lines, or raise plan_fen 点数基金为负，请核对预算、风险金与定额项目"
        )


def require_reserve(pool: Pool, left_fen: int) -> None:
    """Lines of the cash step may ask more of the reserve than it holds: a patient's part given back, money paid on
    top. Shares and standards are already as low as the rules make them, so the policy must change."""
    if left_fen < 0:
        raise ClearingStopped(
            f"pool {pool.id}: the reserve ends {-left_fen} fen short; raise reserve.rate, lower reserve.for_shares, or "
            f"withdraw other_lines or released patient parts 风险金不足，请调整预留比例或其他支付"
        )
