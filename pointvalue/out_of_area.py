"""Patients from elsewhere 「异地就医」: what their cases are paid where the policy caps them at fee-for-service.

In: fund part and booked fund of cases, and which come from elsewhere; out: the cut of each in fen.
The cut is money of the budget that is not paid out; where it goes is the caller's. It changes no points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pointvalue.cases import I64, CaseColumns
from pointvalue.model import AreaYear
from pointvalue.terms import Flag


def cut_to_fee(fund_part_fen: I64, booked_fen: I64, out_of_area: NDArray[np.bool_]) -> I64:
    """What lies above the booked fund of a case from elsewhere 「不超过按项目付费」; never below zero.

    paid = min(fund part, booked fund)
    """
    return np.where(out_of_area, np.maximum(fund_part_fen - booked_fen, 0), 0)


def from_elsewhere(cases: CaseColumns, area: AreaYear, rows: I64) -> NDArray[np.bool_]:
    """Which of these cases are capped at all."""
    if not area.out_of_area_cap:
        return np.zeros(rows.size, np.bool_)
    return np.asarray((cases.flags[rows] & int(Flag.OUT_OF_AREA)) != 0)


def capped(cases: CaseColumns, area: AreaYear, rows: I64, fund_part_fen: I64) -> I64:
    """Fund parts of these cases, those from elsewhere at most what they booked."""
    return fund_part_fen - cut_to_fee(fund_part_fen, cases.fund_fen[rows], from_elsewhere(cases, area, rows))
