"""Patients from elsewhere 「异地就医」: what their cases are paid where the policy caps them at fee-for-service.

In: fund part and booked fund of cases, and which come from elsewhere; out: the cut of each in fen.
The cut is money of the budget that is not paid out; where it goes is the caller's. It changes no points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pointvalue.cases import I64


def cut_to_fee(fund_part_fen: I64, booked_fen: I64, out_of_area: NDArray[np.bool_]) -> I64:
    """What lies above the booked fund of a case from elsewhere 「不超过按项目付费」; never below zero.

    paid = min(fund part, booked fund)
    """
    return np.where(out_of_area, np.maximum(fund_part_fen - booked_fen, 0), 0)
