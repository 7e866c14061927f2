"""The point value 「点值」 of a pot: fund over points, bounded, published. Step 6c.

In: the fund, the patients' part and the sum of points of a pot; out: exact fractions in yuan per point, and what the
pot leaves, split by reason. Payment uses the published value; the difference to the fund is a line, never lost.
It never looks at single cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pointvalue.fixed import exact, fen_per_point_e4, half_up, half_up_times, to_decimals, yuan_per_point
from pointvalue.model import PointValueTerms
from pointvalue.terms import Basis, Payable

NO_VALUE = Fraction(0)


@dataclass(frozen=True, slots=True)
class PointValue:
    """A pot's value, yuan per point. `raw` None: no points. `share`: part of G the fund pays (ρ for times_ratio)."""

    numerator_fen: Fraction
    raw: Fraction | None
    bounded: Fraction
    published: Fraction
    share: Fraction

    @property
    def fen_per_stored_point(self) -> Fraction:
        """Fund fen per 10⁻⁴ point: what a case is paid for its points."""
        return self.share * fen_per_point_e4(self.published)


@dataclass(frozen=True, slots=True)
class PotLeft:
    """What a pot leaves in the reserve, signed, by reason."""

    basis_difference_fen: int
    bound_spill_fen: int
    rounding_fen: int

    @property
    def total_fen(self) -> int:
        return self.basis_difference_fen + self.bound_spill_fen + self.rounding_fen


def numerator(terms: PointValueTerms, fund_fen: int, patients_fen: int) -> Fraction:
    """What the points divide: the fund with the patients' part, the fund over the ratio ρ, or the fund."""
    if terms.basis is Basis.TOTAL_COST_OBSERVED:
        return Fraction(fund_fen + patients_fen)
    if terms.basis is Basis.TOTAL_COST_RATIO:
        return exact(fund_fen, _ratio(terms))
    return Fraction(fund_fen)


def find_value(
    terms: PointValueTerms,
    fund_fen: int,
    patients_fen: int,
    points_e4: int,
    budget_value: Fraction | None,
    reserve_fen: int,
    price: Fraction | None,
) -> PointValue:
    """Point value of a pot 「结算点值」.

        raw = N ÷ Σ points; upper: min(raw, budget × upper); lower: as far as the reserve reaches

    A pot without points has value 0 and its fund goes to the reserve. `price` (费率) takes the place of the value.
    """
    top = numerator(terms, fund_fen, patients_fen)
    share = share_of(terms)
    if points_e4 <= 0:
        return PointValue(top, None, NO_VALUE, NO_VALUE, share)
    raw = yuan_per_point(top, points_e4)
    value = raw
    if price is not None:
        value = price
    elif budget_value is not None:
        if terms.upper is not None:
            value = min(value, budget_value * terms.upper)
        if terms.lower is not None and value < budget_value * terms.lower:
            reach = raw + yuan_per_point(exact(max(0, reserve_fen), share), points_e4)
            value = min(budget_value * terms.lower, reach)
    return PointValue(top, raw, value, to_decimals(value, terms.dp, terms.mode), share)


def pot_total(value: PointValue, points_e4: int) -> int:
    """Σ S of the pot, rounded once, before its cases: T = half_up(share × published × Σ points)."""
    return half_up(value.fen_per_stored_point * points_e4)


def pot_left(
    terms: PointValueTerms, value: PointValue, fund_fen: int, patients_fen: int, points_e4: int, total_fen: int
) -> PotLeft:
    """What stays of the fund after the cases: difference of the basis, spill of bounds or price, rounding."""
    deducted = patients_fen if terms.payable is Payable.MINUS_PATIENT else 0
    left = fund_fen - total_fen + deducted
    basis = 0
    if terms.basis is Basis.TOTAL_COST_RATIO and terms.payable is Payable.MINUS_PATIENT:
        basis = half_up(fund_fen - value.numerator_fen + patients_fen)
    paid_at_value = fen_per_point_e4(value.bounded) * points_e4
    spill = half_up(value.share * (value.numerator_fen - paid_at_value))
    return PotLeft(basis, spill, left - basis - spill)


def share_of(terms: PointValueTerms) -> Fraction:
    """The part of a standard the fund pays: ρ for times_ratio, else all of it."""
    return _ratio(terms) if terms.payable is Payable.TIMES_RATIO else Fraction(1)


def expected_payment(
    terms: PointValueTerms, yuan_per_point: Fraction, points_e4: int, patient_fen: int
) -> tuple[int, int]:
    """(standard, fund part) of one case by itself at a given point value, in fen: a forecast, nothing is allocated."""
    share, each = share_of(terms), fen_per_point_e4(yuan_per_point)
    standard = half_up_times(each if share == 1 else share * each, points_e4)
    return standard, standard - (patient_fen if terms.payable is Payable.MINUS_PATIENT else 0)


def _ratio(terms: PointValueTerms) -> Fraction:
    if terms.ratio is None or terms.ratio <= 0:
        raise ValueError("basis total_cost_ratio needs a reimbursement ratio above zero")
    return terms.ratio
