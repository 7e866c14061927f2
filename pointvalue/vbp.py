"""Bulk procurement 「集采」: what a hospital keeps of the money its use of procured drugs has saved.

In: purchasing base and actual spend in fen, and the policy's ratios; out: whole fen, posted as a line of its own from
the reserve. Money paid to suppliers for the hospital is another line. It never takes money back.
"""

from __future__ import annotations

from fractions import Fraction

from pointvalue.fixed import half_up


def vbp_retention(
    base_fen: int, actual_fen: int, fund_ratio: Fraction, retain: Fraction, assessment: Fraction = Fraction(1)
) -> int:
    """Retained savings 「集采结余留用」; nothing where more was spent than the base.

    half_up((base − actual) × fund ratio × retain × assessment)
    """
    return half_up(max(0, base_fen - actual_fen) * fund_ratio * retain * assessment)
