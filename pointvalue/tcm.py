"""Chinese medicine 「中医」: the share of treatment cost that opens the gate, and the price of the same treatment.

In: fees of cases in fen by kind; out: the share 「中治率」 ×10⁶ that class rules compare, base points ×10⁴.
A share is rounded down, so that no case passes its gate by rounding. It knows no list of diseases and no gate.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np

from pointvalue.cases import I64
from pointvalue.fixed import half_up
from pointvalue.fixed_wide import share_e6


@dataclass(frozen=True, slots=True)
class TreatmentFees:
    """Fees of cases by kind, one value per case. Consultation, diagnosis, nursing and beds count on neither side."""

    tcm_treatment: I64
    proprietary: I64
    decoction: I64
    western_treatment: I64
    western_drugs: I64
    surgery: I64
    materials: I64

    def __post_init__(self) -> None:
        for each in fields(self):
            column = getattr(self, each.name)
            if column.shape != self.tcm_treatment.shape:
                raise ValueError(f"fee {each.name}: need one value per case 各列行数须一致")
            if column.size and int(column.min()) < 0:
                raise ValueError(f"fee {each.name}: row {int(np.argmin(column))} is below zero 费用为负")


def tcm_ratio_e6(fees: TreatmentFees) -> I64:
    """TCM share of treatment cost 「中治率」 ×10⁶, rounded down; −1 where a case was not treated at all.

    (TCM treatment + proprietary + decoction) ÷ (these + western treatment, drugs, surgery, materials)
    """
    own = fees.tcm_treatment + fees.proprietary + fees.decoction
    whole = own + fees.western_treatment + fees.western_drugs + fees.surgery + fees.materials
    return share_e6(own, whole)


def same_price_base_e4(western_base_e4: int, factor: Fraction) -> int:
    """Base points of a TCM treatment priced like the western group 「同病同价」: its base × factor."""
    return half_up(western_base_e4 * factor)
