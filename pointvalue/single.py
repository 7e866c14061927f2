"""What a single disease 「单病种」 is worth to fund, patient and hospital, case by case.

In: quota, cost and ratios of one case, fen and exact fractions; out: whole fen. Rounded once, half up.
The plain form pays quota × ratio whatever was spent; with a deviation the fund shares what a case saved or
overran. It looks up no quota: that is `special`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from pointvalue.fixed import half_up


class PatientPays(StrEnum):
    """What the patient's part is a part of 「收付费」: the price, or the actual cost up to the price."""

    PRICE = "price"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class SingleDeviation:
    """The ±20 % form: `share` of a saving or overrun counts, up to `width` × quota each way.

    `own_ratio` by hospital and pool multiplies an overrun (the hospital's mean fund ratio p̄); where none is given, what
    its own cases of the line show in the pool: booked fund ÷ total cost.
    """

    share: Fraction
    width: Fraction
    own_ratio: Mapping[tuple[str, str], Fraction]


@dataclass(frozen=True, slots=True)
class SingleBill:
    """One case at its price: paid by the fund, charged to the patient, and what the hospital gains (below 0: bears)."""

    fund_fen: int
    patient_fen: int
    margin_fen: int


def single_bill(
    quota_fen: int,
    fund_ratio: Fraction,
    cost_fen: int,
    extras_fen: int = 0,
    patient_pays: PatientPays = PatientPays.PRICE,
) -> SingleBill:
    """Fund = half_up(quota × ratio), the patient the rest and the allowed extras, the hospital the difference to cost.

    `extras_fen`: what may be billed beside the price (special ward, listed implants); it is part of `cost_fen`.
    Where the patient pays by cost, his part is the rest of min(cost without extras, quota).
    """
    fund = half_up(quota_fen * fund_ratio)
    charged = quota_fen
    if patient_pays is PatientPays.COST:
        charged = min(quota_fen, max(0, cost_fen - extras_fen))
    patient = charged - half_up(charged * fund_ratio) + extras_fen
    return SingleBill(fund, patient, fund + patient - cost_fen)


def deviated_fund(
    quota_fen: int, cost_fen: int, fund_ratio: Fraction, own_ratio: Fraction, deviation: SingleDeviation
) -> int:
    """Fund part of a case where savings and overruns are shared within a band around the quota.

        C ≤ Q: p·C + share·min(Q − C, width·Q);  C > Q: p·Q + share·p̄·min(C − Q, width·Q)

    Continuous at the quota; a saving counts in full, an overrun only at the hospital's own ratio.
    """
    band = deviation.width * quota_fen
    if cost_fen <= quota_fen:
        return half_up(fund_ratio * cost_fen + deviation.share * min(Fraction(quota_fen - cost_fen), band))
    over = min(Fraction(cost_fen - quota_fen), band)
    return half_up(fund_ratio * quota_fen + deviation.share * own_ratio * over)
