"""What each case of a month is shown to be worth 「月度病例支付标准」: DRG at the budget point value, DIP at its price.

In: scored cases, their book and area. Out: standard, fund part and the value used, per case. A DIP catalogue prices by
pool, month, hospital and insured place; where it names no price, the budget point value of the pot holds.
Only the clearing knows the final standard. It posts no line.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.area import Area
from engine.casebook import Casebook
from pointvalue.cases import CaseColumns
from pointvalue.classes import Scored
from pointvalue.fixed_wide import scaled_half_up
from pointvalue.model import AreaYear
from pointvalue.out_of_area import capped
from pointvalue.provisional import expected_payments, values_used_e8
from pointvalue.terms import Payable, Route

I64 = npt.NDArray[np.int64]
_FEN_E8_E4 = 10**10
"""Points ×10⁴ times yuan ×10⁸ is fen ×10¹⁰."""


def month_worth(book: Casebook, area: Area, year: AreaYear, cases: CaseColumns, scored: Scored) -> tuple[I64, I64, I64]:
    """(standard, fund part, point value ×10⁸) of every case."""
    standard, fund = expected_payments(cases, scored, year)
    value = values_used_e8(cases, scored, year)
    if area.editions.has_dip:
        _price_by_catalogue(book, area, year, cases, scored, standard, fund, value)
    return standard, fund, value


def _price_by_catalogue(
    book: Casebook,
    area: Area,
    year: AreaYear,
    cases: CaseColumns,
    scored: Scored,
    standard: I64,
    fund: I64,
    value: I64,
) -> None:
    from engine.edition_dip import DipEdition
    from engine.settle_dip import prices_e8

    edition = book.ints("edition")
    for place, one in enumerate(area.editions.editions):
        if not isinstance(one, DipEdition):
            continue
        rows = np.flatnonzero((edition == place) & (scored.route == int(Route.POT)))
        prices = prices_e8(book, one, rows)
        for price in np.unique(prices[prices > 0]).tolist():
            priced = rows[prices == price]
            standard[priced] = scaled_half_up(scored.points_e4[priced], price, _FEN_E8_E4)
            value[priced] = price
            fund[priced] = capped(cases, year, priced, standard[priced] - _borne_by_others(year, cases, priced))
        at_cost = np.flatnonzero((edition == place) & (scored.route == int(Route.FIXED)))
        standard[at_cost] = cases.cost_fen[at_cost]


def _borne_by_others(year: AreaYear, cases: CaseColumns, rows: I64) -> I64:
    """The patient's part where the pool pays standards less it, else nothing."""
    minus = np.array([pool.point_value.payable is Payable.MINUS_PATIENT for pool in year.pools], np.bool_)
    return np.where(minus[cases.pool[rows]], cases.patient_fen[rows], 0)
