"""Posting lines 「分录」: every amount of a settlement, one line per hospital, pool, period and cause.

In: amounts as the steps find them; out: lines sorted by pool, hospital, period and label. Money in fen.
A line without hospital is the reserve's. Zero lines are not written. A posted amount is never changed: the ledger only
adds, and the reserve's balance is the sum of its lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pointvalue.terms import CASH_CAUSES, Cause

RESERVE = ""

RULE_OF: dict[Cause, str] = {
    Cause.PREPAYMENT: "monthly.rate",
    Cause.DEPOSIT_WITHHELD: "deposit.rate",
    Cause.ADVANCE_PAID: "advances",
    Cause.RESERVE_SET_ASIDE: "reserve.rate",
    Cause.FIXED_STANDARD: "fixed_lines",
    Cause.FIXED_VARIANCE: "fixed_variance",
    Cause.EPIDEMIC_OUTSIDE: "epidemic",
    Cause.POOL_SHARING: "pool_sharing",
    Cause.BASIS_DIFFERENCE: "point_value.basis",
    Cause.PV_BOUND_SPILL: "point_value.bounds",
    Cause.PV_ROUNDING: "point_value.dp",
    Cause.STANDARD: "point_value",
    Cause.PATIENT_BORNE: "point_value.payable",
    Cause.AUDIT_POINTS: "audit.pv",
    Cause.NEGATIVE_FLOOR: "negative_case",
    Cause.OUT_OF_AREA_CAP: "out_of_area.cap",
    Cause.STANDARD_SCALED_BACK: "scale_back",
    Cause.GROWTH_CAP_CUT: "hospital_growth_cap",
    Cause.SURPLUS_RETURNED: "sharing.tiers",
    Cause.ASSESSMENT_CUT: "assessment.tiers",
    Cause.OVERSPEND_SHARED: "sharing.tiers",
    Cause.AUDIT_MONEY: "audit.money",
    Cause.OTHER: "other_lines",
    Cause.PREPAID: "monthly.rate",
    Cause.QUALITY_DEPOSIT: "deposit.release",
    Cause.SUPPLIER_PAID: "supplier_paid",
    Cause.ADVANCE_RECOVERED: "advances",
    Cause.CARRIED_TO_NEXT_YEAR: "negative_final",
    Cause.DEPOSIT_FORFEITED: "deposit.release",
    Cause.RECEIVABLE_RECOVERED: "negative_final",
    Cause.RESERVE_BROUGHT_FORWARD: "reserve_left",
}
"""The policy key that made a line; the caller joins its evidence tag."""


@dataclass(frozen=True, slots=True)
class PostingLine:
    """One amount. Positive: to the hospital, or into the reserve."""

    pool: str
    hospital: str
    period: str
    cause: Cause
    part: str
    amount_fen: int

    @property
    def label(self) -> str:
        """Cause with the pot or fixed line it belongs to."""
        return f"{self.cause.value}.{self.part}" if self.part else self.cause.value

    @property
    def rule(self) -> str:
        """The policy key behind the amount."""
        return RULE_OF[self.cause]

    @property
    def is_month(self) -> bool:
        return "-" in self.period

    @property
    def sort_key(self) -> tuple[str, str, str, str]:
        return (self.pool, self.hospital, self.period, self.label)


class Ledger:
    """The lines of one pool and period as they arise. Amounts of one cause for one hospital add up to one line."""

    def __init__(self, pool: str, period: str) -> None:
        self._pool = pool
        self._period = period
        self._amounts: dict[tuple[str, Cause, str], int] = {}

    def post(self, hospital: str, cause: Cause, amount_fen: int, part: str = "") -> None:
        """Add an amount to a hospital, or to the reserve when `hospital` is empty."""
        key = (hospital, cause, part)
        self._amounts[key] = self._amounts.get(key, 0) + amount_fen

    def post_both(self, hospital: str, cause: Cause, amount_fen: int, part: str = "") -> None:
        """An amount to a hospital with its counter-entry on the reserve."""
        self.post(hospital, cause, amount_fen, part)
        self.post(RESERVE, cause, -amount_fen, part)

    @property
    def reserve_fen(self) -> int:
        """Balance of the reserve by the lines so far."""
        return sum(amount for (hospital, _, _), amount in self._amounts.items() if hospital == RESERVE)

    def entitled_fen(self, hospital: str) -> int:
        """What a hospital's lines so far entitle it to: everything but cash lines."""
        return sum(
            amount
            for (owner, cause, _), amount in self._amounts.items()
            if owner == hospital and cause not in CASH_CAUSES
        )

    def lines(self) -> tuple[PostingLine, ...]:
        """The lines that are not zero, sorted."""
        made = [
            PostingLine(self._pool, hospital, self._period, cause, part, amount)
            for (hospital, cause, part), amount in self._amounts.items()
            if amount
        ]
        return tuple(sorted(made, key=lambda line: line.sort_key))


def sum_of(lines: Iterable[PostingLine], *causes: Cause) -> int:
    """Total of the lines with one of these causes."""
    return sum(line.amount_fen for line in lines if line.cause in causes)


def month_period(year: int, month: int) -> str:
    return f"{year:04d}-{month:02d}"
