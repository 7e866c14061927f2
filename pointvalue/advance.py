"""Advance of working capital 「周转金预付」: who may have one, and how much.

In: a pool's reserve in months, its results, and what a hospital was paid each month; out: whole fen, or the reasons
against. An advance is a receivable, never income: clearing takes it back. It posts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from pointvalue.fixed import exact, half_up


class AdvanceBar(StrEnum):
    """What stands against an advance."""

    POOL_RESERVE = "pool_reserve"
    PRIOR_DEFICIT = "prior_deficit"
    PROJECTED_DEFICIT = "projected_deficit"
    NO_FULL_YEAR = "no_full_year"
    NOT_RETURNED = "not_returned"


@dataclass(frozen=True, slots=True)
class AdvanceTerms:
    """`months` of mean monthly spend; the pool must hold `reserve_months` of it; a hospital needs `history_months`."""

    months: Fraction
    reserve_months: Fraction
    history_months: int = 12


@dataclass(frozen=True, slots=True)
class PoolState:
    """What the pool stands at before the year: reserve over mean monthly spend, last and coming result in fen."""

    reserve_months: Fraction
    prior_result_fen: int
    projected_result_fen: int


def advance_bars(
    terms: AdvanceTerms, pool: PoolState, monthly_fen: Sequence[int], uncovered_fen: int
) -> tuple[AdvanceBar, ...]:
    """Every reason against; none means it may be paid. `uncovered_fen`: what last year's advance was left owing."""
    against = {
        AdvanceBar.POOL_RESERVE: pool.reserve_months < terms.reserve_months,
        AdvanceBar.PRIOR_DEFICIT: pool.prior_result_fen < 0,
        AdvanceBar.PROJECTED_DEFICIT: pool.projected_result_fen < 0,
        AdvanceBar.NO_FULL_YEAR: len(monthly_fen) < terms.history_months,
        AdvanceBar.NOT_RETURNED: uncovered_fen > 0,
    }
    return tuple(bar for bar, holds in against.items() if holds)


def advance_amount(terms: AdvanceTerms, monthly_fen: Sequence[int]) -> int:
    """months × mean of the monthly fund spend given 「月均基金支出」, half up."""
    if not monthly_fen:
        return 0
    return half_up(terms.months * exact(sum(monthly_fen), len(monthly_fen)))
