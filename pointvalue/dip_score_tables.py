"""What a DIP pack says about points and prices, as plain data 「病例分值的参数」.

In: nothing; out: frozen records that `dip_scoring` reads: coefficients and prices by key, deviation bands, what the
ungrouped earn, and what a case brings. Coefficients and prices are ×10⁶, points ×10⁴, money is fen.
It computes nothing but whether a ratio lies in a band.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from pointvalue.fixed import E6, exact

FORMULAS = ("ratio", "ratio_minus_1", "ratio_minus_2_plus_h", "h", "one", "at_cost", "review")


class ScoringError(ValueError):
    """The pack's scoring tables leave a case without an answer; the text names the table and the row to add."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """Values for some cases: an empty key means any. The row with the most keys given wins."""

    hospital: str | None = None
    insurance: str | None = None
    month: str | None = None
    insured_place: str | None = None


@dataclass(frozen=True, slots=True)
class HospitalFactor(Keyed):
    """Hospital coefficient 「医疗机构系数」 h, and the level its group factors are looked up by."""

    factor_e6: int = E6
    level: str | None = None
    hospital_class: str | None = None


@dataclass(frozen=True, slots=True)
class Price(Keyed):
    """Point value 「点值」 in yuan per point, and the mean-cost factors K 「均费系数」, of primary-care groups too."""

    point_value_e6: int | None = None
    cost_factor_e6: int | None = None
    basic_cost_factor_e6: int | None = None


@dataclass(frozen=True, slots=True)
class DeviationBand:
    """One band of the cost ratio r 「费用偏差」. A limit belongs to the band that says it is inclusive."""

    seq: int
    label: str
    formula: str
    lo_e6: int | None = None
    lo_inclusive: bool = False
    hi_e6: int | None = None
    hi_inclusive: bool = False
    apply_hospital: bool = True
    apply_aux: bool = True

    def holds(self, ratio: Fraction) -> bool:
        if self.lo_e6 is not None:
            lo = exact(self.lo_e6, E6)
            if ratio < lo or (ratio == lo and not self.lo_inclusive):
                return False
        if self.hi_e6 is not None:
            hi = exact(self.hi_e6, E6)
            if ratio > hi or (ratio == hi and not self.hi_inclusive):
                return False
        return True


@dataclass(frozen=True, slots=True)
class UngroupedPay:
    """What a case without a row earns 「未入组」「空白病组」.

    blank_group: the row's points × cost ÷ the row's own mean cost × factor · city_mean: base points × factor.
    """

    mode: str = "none"
    factor_e6: int = E6
    base_points_e4: int | None = None


@dataclass(frozen=True)
class ScoringTables:
    """Everything of a pack that turns a group into points."""

    bands: tuple[DeviationBand, ...]
    hospitals: tuple[HospitalFactor, ...] = ()
    prices: tuple[Price, ...] = ()
    group_factors_e6: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(group, hospital level) → coefficient that replaces the hospital's for that group."""
    ungrouped: UngroupedPay = UngroupedPay()


@dataclass(frozen=True, slots=True)
class CaseKeys:
    """By what coefficients and prices are looked up."""

    hospital: str
    insurance: str
    month: str | None = None
    insured_place: str | None = None


@dataclass(frozen=True, slots=True)
class GroupedCase:
    """What the grouper found out. base_points_e4 is that of the auxiliary row where one applies."""

    cost_total_fen: int
    group_code: str | None = None
    base_points_e4: int | None = None
    auxiliary_factor_e6: int = E6
    reference_cost_fen: Fraction | None = None
    primary_care_factor_e6: int | None = None
    """基层系数; it takes the place of the hospital coefficient. None = no primary-care group."""
    group_mean_fen: int | None = None
    is_blank: bool = False


@dataclass(frozen=True, slots=True)
class CaseScore:
    """Points and yuan of a case, exact. `factor` is f, what the deviation made of the ratio."""

    label: str
    ratio: Fraction | None
    factor: Fraction
    hospital_coefficient: Fraction
    points: Fraction
    amount_yuan: Fraction
    review: bool = False
    paid_at_cost: bool = False
