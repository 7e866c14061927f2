"""Sub-budgets 「分项预算」 and changes of a budget during its year 「年中调整」.

In: a pool's total in fen, the shares of each division, what was spent, and the year's changes; out: whole fen that add
up to the total. A division (in- and outpatient, drugs and services, bundle and others, local and referred out) is a
view of the same money: it is watched, it pays nobody. Only changes move the budget, and each says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from pointvalue.allocate import prorate

PLAN = "plan"


class AdjustReason(StrEnum):
    """The grounds on which a budget may change during its year."""

    FUND_BALANCE = "fund_balance"
    PATIENT_VOLUME = "patient_volume"
    POLICY = "policy"
    PUBLIC_HEALTH = "public_health"


class BudgetFault(ValueError):
    """Shares that are not a whole, spend nobody planned, or a change that leaves less than nothing."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of a pool's budget: of its total (`plan`) or of one line inside it; below zero is a cut."""

    line: str
    amount_fen: int
    reason: AdjustReason


@dataclass(frozen=True, slots=True)
class SubBudget:
    """One part of a division, in fen."""

    planned_fen: int
    spent_fen: int

    @property
    def left_fen(self) -> int:
        return self.planned_fen - self.spent_fen


def divide_budget(total_fen: int, shares: Mapping[str, Fraction]) -> dict[str, int]:
    """A total over the parts of one division; shares add up to 1, fen left over go by largest remainder."""
    whole = sum(shares.values(), Fraction(0))
    if whole != 1:
        raise BudgetFault(f"the parts of a division add up to {whole}, must be 1 分项比例合计须为 1")
    names = sorted(shares)
    return dict(zip(names, prorate([shares[name] for name in names], total_fen), strict=True))


def watch(planned_fen: Mapping[str, int], spent_fen: Mapping[str, int]) -> dict[str, SubBudget]:
    """Plan and spend of every part; spend outside the plan is an error, so that nothing goes unwatched."""
    strangers = sorted(set(spent_fen) - set(planned_fen))
    if strangers:
        raise BudgetFault(f"spend on {', '.join(strangers)} has no part in the plan 支出不在分项预算内")
    return {name: SubBudget(planned_fen[name], spent_fen.get(name, 0)) for name in sorted(planned_fen)}


def adjustment_of(line: str, adjustments: Iterable[Adjustment]) -> int:
    """What the year's changes add to the total (`plan`) or to a line."""
    return sum(each.amount_fen for each in adjustments if each.line == line)


def adjusted_lines(lines_fen: Mapping[str, int], adjustments: Iterable[Adjustment]) -> dict[str, int]:
    """The lines of a budget after the changes that name them; a line cut below zero is an error."""
    changes = tuple(adjustments)
    found = {name: amount + adjustment_of(name, changes) for name, amount in lines_fen.items()}
    below = sorted(name for name, amount in found.items() if amount < 0)
    if below:
        raise BudgetFault(f"changes leave {', '.join(below)} below zero 调整后额度为负")
    return found
