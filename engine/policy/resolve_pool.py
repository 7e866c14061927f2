"""One insurance pool of a policy, read at the dates of one year 「险种基金池」.

In: the policy's desk, a year and a pool; out: a `Pool` with budget, twelve months and every rule of clearing resolved.
Amounts fen, shares exact. Values of the year are read on 31 December, those of a month on its last day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from engine.policy import case_params as case
from engine.policy import money_params as money
from engine.policy.settings import Desk
from engine.policy.shapes import HospitalPool
from pointvalue.model import (
    GrowthCap,
    MonthTerms,
    PointValueTerms,
    Pool,
    PotTerms,
    ReserveTerms,
    Sharing,
)
from pointvalue.terms import (
    POINT_KINDS,
    Basis,
    MonthlyBasis,
    NegativeCase,
    NegativeFinal,
    Payable,
    ReserveBase,
    RoundingMode,
    SharingAmount,
    SharingDenominator,
    VarianceTo,
)


def resolve_pool(desk: Desk, year: int, pool: str) -> Pool:
    """A pool with everything that holds in it."""
    end = date(year, 12, 31)
    by_line = desk.pool(money.FIXED_VARIANCE_BY_LINE, end, pool)
    return Pool(
        id=pool,
        plan_fen=desk.pool(money.PLAN, end, pool),
        reserve=ReserveTerms(
            rate=desk.pool(money.RESERVE_RATE, end, pool),
            base=ReserveBase(desk.pool(money.RESERVE_BASE, end, pool)),
            for_shares=desk.pool(money.RESERVE_FOR_SHARES, end, pool),
        ),
        point_value=_point_value(desk, end, pool),
        pots=_pots(desk, end, pool),
        months=tuple(_month(desk, date(year, month, monthrange(year, month)[1]), pool) for month in range(1, 13)),
        deposit_release=desk.pool(money.DEPOSIT_RELEASE, end, pool),
        prior_actual_fen=desk.pool(money.PRIOR_ACTUAL, end, pool),
        growth_cap=desk.pool(money.GROWTH_CAP, end, pool),
        outside_fen=desk.pool(money.OUTSIDE, end, pool),
        fixed_lines_fen=desk.pool(money.FIXED_LINES, end, pool),
        fixed_variance=VarianceTo(desk.pool(money.FIXED_VARIANCE, end, pool)),
        fixed_variance_by_line={line: VarianceTo(to) for line, to in by_line.items()},
        pool_sharing=desk.pool(money.POOL_SHARING, end, pool),
        sharing=_sharing(desk, end, pool),
        hospital_growth_cap=_growth_cap(desk, end, pool),
        assessment=desk.pool(money.ASSESSMENT, end, pool),
        assessment_on=desk.pool(money.ASSESSMENT_ON, end, pool),
        negative_case=NegativeCase(desk.pool(money.NEGATIVE_CASE, end, pool)),
        negative_final=NegativeFinal(desk.pool(money.NEGATIVE_FINAL, end, pool)),
        next_base=desk.pool(money.NEXT_BASE, end, pool),
        advance_fen=_of_pool(desk.at(money.ADVANCE, end), pool),
        supplier_paid_fen=_of_pool(desk.at(money.SUPPLIER_PAID, end), pool),
    )


def _of_pool(amounts: Mapping[HospitalPool, int], pool: str) -> dict[str, int]:
    """The amounts of one pool by hospital code."""
    return {hospital: amount for (hospital, of), amount in sorted(amounts.items()) if of == pool}


def _point_value(desk: Desk, end: date, pool: str) -> PointValueTerms:
    basis = Basis(desk.pool(money.BASIS, end, pool))
    return PointValueTerms(
        basis=basis,
        payable=Payable(desk.pool(money.PAYABLE, end, pool)),
        dp=desk.pool(money.DP, end, pool),
        mode=RoundingMode(desk.pool(money.MODE, end, pool)),
        ratio=desk.pool(money.RATIO, end, pool) if basis is Basis.TOTAL_COST_RATIO else None,
        lower=desk.pool(money.LOWER, end, pool),
        upper=desk.pool(money.UPPER, end, pool),
    )


def _pots(desk: Desk, end: date, pool: str) -> tuple[PotTerms, ...]:
    """The pots as written; an area with one point scheme has one pot with the whole fund."""
    desk.pool(money.POT_UNIT, end, pool)
    written = desk.pool(money.POTS, end, pool)
    if written:
        return written
    points = [entry.id for entry in desk.at(case.SCHEMES, end) if entry.kind in POINT_KINDS]
    return tuple(PotTerms(scheme, Fraction(1)) for scheme in points)


def _month(desk: Desk, last: date, pool: str) -> MonthTerms:
    """Deposit, rate, quota and basis of the month that ends on `last` 「月度预结算」."""
    return MonthTerms(
        basis=MonthlyBasis(desk.pool(money.MONTHLY_BASIS, last, pool)),
        rate=desk.pool(money.MONTHLY_RATE, last, pool),
        deposit_rate=desk.pool(money.DEPOSIT_RATE, last, pool),
        rate_by_credit=desk.pool(money.RATE_BY_CREDIT, last, pool),
        quota_fen=_of_pool(desk.at(money.MONTHLY_QUOTA, last), pool),
        deposit_override_reason=desk.at(money.DEPOSIT_REASON, last),
    )


def _sharing(desk: Desk, end: date, pool: str) -> Sharing:
    return Sharing(
        amount=SharingAmount(desk.pool(money.SHARING_AMOUNT, end, pool)),
        denominator=SharingDenominator(desk.pool(money.SHARING_DENOMINATOR, end, pool)),
        tiers=desk.pool(money.TIERS, end, pool),
        surplus_cap=desk.pool(money.SURPLUS_CAP, end, pool),
        overspend_cap=desk.pool(money.OVERSPEND_CAP, end, pool),
        actual_below=desk.pool(money.ACTUAL_BELOW, end, pool),
        also_schemes=desk.pool(money.ALSO_SCHEMES, end, pool),
        quota_fen=_of_pool(desk.at(money.SHARING_QUOTA, end), pool),
    )


def _growth_cap(desk: Desk, end: date, pool: str) -> GrowthCap | None:
    rate = desk.pool(money.HOSPITAL_CAP, end, pool)
    if rate is None:
        return None
    return GrowthCap(rate, _of_pool(desk.at(money.HOSPITAL_PRIOR, end), pool))
