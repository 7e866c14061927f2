"""The closed lists of settlement: every choice a policy may make, spelled once.

In: nothing; out: enumerations whose values are the words of policy files and posting lines.
An unknown word is an error where the policy is read; code below compares members, never strings.
Never add a member for one city: a city is a combination of members and numbers.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag, StrEnum


class SchemeKind(StrEnum):
    """How a scheme pays: `points` through a pot, every other kind at its own price (定额类).

    `pack_points` pays through a pot as well; its cases arrive with the points their catalogue's own scoring gave them.
    Cases of `bundle` and `capitation` are paid by a contract, those of `excluded` by another budget: nothing here.
    """

    POINTS = "points"
    PACK_POINTS = "pack_points"
    BED_DAY = "bed_day"
    SINGLE = "single"
    ACTUAL = "actual"
    EPIDEMIC = "epidemic"
    BUNDLE = "bundle"
    CAPITATION = "capitation"
    EXCLUDED = "excluded"


POINT_KINDS = frozenset({SchemeKind.POINTS, SchemeKind.PACK_POINTS})
"""The kinds that divide a fund by points."""


class Shape(StrEnum):
    """Formulas for the points of a case. base, r = cost ratio, h hospital coefficient, K limit of the rule or group.

    `normal` base·h · `by_ratio` base·r · `ramp_add` base·(r+add) · `linear_add` base·h + (r−K)·base ·
    `excess_plus_one` base·(r−K+1) · `excess_plus_coef` base·(r−K+h) · `coef_only` base·h ·
    `deduct` cost÷region mean·scale − (K−1)·base·h · `cap` K·base·h · `capped_base` min(base·r, base) ·
    `scaled_cost` cost÷region mean·scale·factor · `scaled_base` base·factor · `cost_points` cost÷budget point value ·
    `tcm_base` base of the TCM group·h · `ffs`, `exclude` no points: the case is paid on fixed line `ffs`.
    """

    NORMAL = "normal"
    BY_RATIO = "by_ratio"
    RAMP_ADD = "ramp_add"
    LINEAR_ADD = "linear_add"
    EXCESS_PLUS_ONE = "excess_plus_one"
    EXCESS_PLUS_COEF = "excess_plus_coef"
    COEF_ONLY = "coef_only"
    DEDUCT = "deduct"
    CAP = "cap"
    CAPPED_BASE = "capped_base"
    SCALED_COST = "scaled_cost"
    SCALED_BASE = "scaled_base"
    COST_POINTS = "cost_points"
    TCM_BASE = "tcm_base"
    FFS = "ffs"
    EXCLUDE = "exclude"


class Denominator(StrEnum):
    """What the cost of a case is divided by: the cost mean given per case, the region's mean at the group's base
    points, or the payment standard (base points × budget point value, no coefficient)."""

    GROUP_MEAN = "group_mean"
    REGION_MEAN = "region_mean"
    STANDARD = "pay_standard"


class Flag(IntFlag):
    """Marks of a case that class rules may name; one bit each, append only."""

    UNGROUPED = 1
    AMBIGUOUS = 2
    INVALID = 4
    INCOMPLETE = 8
    DAY_SURGERY = 16
    TCM = 32
    SPECIAL = 64
    READMITTED = 128
    UNSTABLE_GROUP = 256
    TRANSFERRED = 512
    SELF_DISCHARGED = 1024
    EARLY_DEATH = 2048
    OUT_OF_AREA = 4096
    DAY_WARD = 8192
    BED_DAY = 16384


FLAG_NAMES: dict[str, Flag] = {(flag.name or "").lower(): flag for flag in Flag}


class Route(IntEnum):
    """Where the money of a case comes from. ELSEWHERE: a capitation contract, or a budget that is not settled here."""

    POT = 0
    FIXED = 1
    EPIDEMIC = 2
    BUNDLE = 3
    ELSEWHERE = 4


UNPAID_ROUTES = frozenset({Route.BUNDLE, Route.ELSEWHERE})
"""Cases that declare nothing in their month: what pays them is no price of their own."""


class SpecialPay(StrEnum):
    """How an approved special case 「特例单议」 is paid."""

    POINTS_FROM_COST = "points_from_cost"
    ADJUSTED_STANDARD = "adjusted_standard"
    ACTUAL_OUTSIDE_POOL = "actual_outside_pool"


class Basis(StrEnum):
    """The numerator of a point value."""

    TOTAL_COST_OBSERVED = "total_cost_observed"
    TOTAL_COST_RATIO = "total_cost_ratio"
    FUND = "fund"


class Payable(StrEnum):
    """The fund part of a case: points × value less what others bear, times the ratio, or as it is."""

    MINUS_PATIENT = "minus_patient"
    TIMES_RATIO = "times_ratio"
    FUND = "fund"


BASIS_PAYABLE_PAIRS: frozenset[tuple[Basis, Payable]] = frozenset(
    {
        (Basis.TOTAL_COST_OBSERVED, Payable.MINUS_PATIENT),
        (Basis.TOTAL_COST_RATIO, Payable.TIMES_RATIO),
        (Basis.TOTAL_COST_RATIO, Payable.MINUS_PATIENT),
        (Basis.FUND, Payable.FUND),
    }
)
"""Only these four make the standards of a pot add up to a known amount."""


class RoundingMode(StrEnum):
    HALF_UP = "half_up"
    FLOOR = "floor"


class PotUnit(StrEnum):
    """Whether a point value belongs to the whole pool or to each county of it."""

    POOL = "pool"
    COUNTY = "county"


class ReserveBase(StrEnum):
    TOTAL = "total"
    CASE_BASED = "case_based"


class VarianceTo(StrEnum):
    """Who bears what a fixed line over- or underspent."""

    RESERVE = "reserve"
    POINTS = "points"


class MonthlyBasis(StrEnum):
    BOOKED_FUND = "booked_fund"
    POINTS = "points"


class AuditValue(StrEnum):
    """At which point value a cancelled case is taken back: with the pot recomputed, or frozen as published."""

    RECOMPUTED = "recomputed"
    FROZEN = "frozen"


class PatientPart(StrEnum):
    """Whether the patient's part of a cancelled case is still deducted from its hospital."""

    KEEP = "keep"
    RELEASE = "release"


class NegativeCase(StrEnum):
    KEEP = "keep"
    FLOOR_ZERO = "floor_zero"


class NegativeFinal(StrEnum):
    CARRY = "carry"
    COLLECT = "collect"


class SharingAmount(StrEnum):
    FUND = "fund"
    TOTAL_COST = "total_cost"


class SharingDenominator(StrEnum):
    STANDARD = "standard"
    QUOTA = "quota"


class Side(StrEnum):
    SURPLUS = "surplus"
    OVERSPEND = "overspend"


class AssessmentOn(StrEnum):
    """What the yearly assessment coefficient 「考核系数」 acts on."""

    STANDARD = "standard"
    SURPLUS = "surplus"
    OVERSPEND = "overspend"


class Cause(StrEnum):
    """Why a posting line exists. A line of one pot or fixed line adds `.name`."""

    PREPAYMENT = "prepayment"
    DEPOSIT_WITHHELD = "deposit_withheld"
    ADVANCE_PAID = "advance_paid"
    RESERVE_SET_ASIDE = "reserve_set_aside"
    FIXED_STANDARD = "fixed_standard"
    FIXED_VARIANCE = "fixed_variance"
    EPIDEMIC_OUTSIDE = "epidemic_outside"
    POOL_SHARING = "pool_sharing"
    BASIS_DIFFERENCE = "basis_difference"
    PV_BOUND_SPILL = "pv_bound_spill"
    PV_ROUNDING = "pv_rounding"
    STANDARD = "standard"
    PATIENT_BORNE = "patient_borne"
    AUDIT_POINTS = "audit_points"
    NEGATIVE_FLOOR = "negative_floor"
    OUT_OF_AREA_CAP = "out_of_area_cap"
    STANDARD_SCALED_BACK = "standard_scaled_back"
    GROWTH_CAP_CUT = "growth_cap_cut"
    SURPLUS_RETURNED = "surplus_returned"
    ASSESSMENT_CUT = "assessment_cut"
    OVERSPEND_SHARED = "overspend_shared"
    AUDIT_MONEY = "audit_money"
    OTHER = "other"
    PREPAID = "prepaid"
    QUALITY_DEPOSIT = "quality_deposit"
    SUPPLIER_PAID = "supplier_paid"
    ADVANCE_RECOVERED = "advance_recovered"
    CARRIED_TO_NEXT_YEAR = "carried_to_next_year"
    DEPOSIT_FORFEITED = "deposit_forfeited"
    RECEIVABLE_RECOVERED = "receivable_recovered"
    RESERVE_BROUGHT_FORWARD = "reserve_brought_forward"


CASH_CAUSES: frozenset[Cause] = frozenset(
    {
        Cause.PREPAID,
        Cause.QUALITY_DEPOSIT,
        Cause.SUPPLIER_PAID,
        Cause.ADVANCE_RECOVERED,
        Cause.RECEIVABLE_RECOVERED,
        Cause.CARRIED_TO_NEXT_YEAR,
    }
)
"""Lines of the cash step: what a hospital is entitled to is the sum of its other annual lines."""

NEXT_BASE_DEFAULT: frozenset[Cause] = frozenset(
    {
        *(Cause.STANDARD, Cause.PATIENT_BORNE, Cause.OUT_OF_AREA_CAP, Cause.FIXED_STANDARD),
        *(Cause.SURPLUS_RETURNED, Cause.AUDIT_POINTS),
    }
)
"""Spend that founds next year's budget: retained surplus in, what a cap held back not; shares, top-ups, money
penalties and cash out."""
