"""What cases would be paid at the budget point value: the figures a month's case list shows before clearing.

In: scored cases and the area; out: provisional standard and fund part per case, in fen.
Nothing is allocated and no fund is closed: each case is rounded by itself, and annual clearing replaces all of it.
It posts no line.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from pointvalue.budget import ClearingStopped
from pointvalue.cases import I64, CaseColumns
from pointvalue.classes import Scored
from pointvalue.fixed import fen_per_point_e4, floor
from pointvalue.fixed_wide import scaled_half_up
from pointvalue.model import AreaYear, PotTerms
from pointvalue.out_of_area import capped
from pointvalue.pots import budget_value, rows_of_pots
from pointvalue.special import price_fixed_lines
from pointvalue.terms import Payable
from pointvalue.value import share_of
from pointvalue.view import PoolView, pool_view


def expected_payments(cases: CaseColumns, scored: Scored, area: AreaYear) -> tuple[I64, I64]:
    """Provisional (standard, fund part) of every case: pots at budget point value or price, fixed lines at their own.

    Cases of the epidemic list count what they booked, bundle cases nothing: their contract pays.
    """
    standard, fund = np.zeros(len(cases), np.int64), np.zeros(len(cases), np.int64)
    for index in range(len(area.pools)):
        view = pool_view(cases, scored, area, index)
        price_fixed_lines(view, fund)
        for terms, rows in zip(view.pool.pots, rows_of_pots(view), strict=True):
            if rows.size:
                _price_pot(view, terms, rows, standard, fund)
    return standard, fund


def values_used_e8(cases: CaseColumns, scored: Scored, area: AreaYear) -> I64:
    """The budget point value or price each case is shown at, yuan ×10⁸; 0 outside the pots. For the eye only."""
    used = np.zeros(len(cases), np.int64)
    for index in range(len(area.pools)):
        view = pool_view(cases, scored, area, index)
        for terms, rows in zip(view.pool.pots, rows_of_pots(view), strict=True):
            value = terms.price if terms.price is not None else budget_value(view, terms)
            used[rows] = floor((value or Fraction(0)) * 10**8)
    return used


def _price_pot(view: PoolView, terms: PotTerms, rows: I64, standard: I64, fund: I64) -> None:
    policy = view.pool.point_value
    value = terms.price if terms.price is not None else budget_value(view, terms)
    if value is None:
        raise ClearingStopped(
            f"schemes.{terms.scheme}.budget_pv: pool {view.pool.id} is missing; months need it 缺少预算点值"
        )
    factor = share_of(policy) * fen_per_point_e4(value)
    standard[rows] = scaled_half_up(view.scored.points_e4[rows], factor.numerator, factor.denominator)
    deducted = view.cases.patient_fen[rows] if policy.payable is Payable.MINUS_PATIENT else 0
    fund[rows] = capped(view.cases, view.area, rows, standard[rows] - deducted)
