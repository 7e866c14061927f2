"""One settlement year of one pooling area as plain data: what a policy says, after every default is filled in.

In: nothing; out: frozen records for scoring, months and clearing. Money is fen, points ×10⁴ (`_e4`), coefficients
×10⁶ (`_e6`), ratios and shares exact `Fraction`, point values yuan per point, days counted from 1970-01-01.
Everything that may differ between insurance pools stands in `Pool`, resolved. `check.check_area` judges meaning.
It never reads a file and never fills in a default that moves money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeAlias

from pointvalue.single import SingleDeviation
from pointvalue.terms import (
    NEXT_BASE_DEFAULT,
    AssessmentOn,
    AuditValue,
    Basis,
    Cause,
    Denominator,
    Flag,
    MonthlyBasis,
    NegativeCase,
    NegativeFinal,
    PatientPart,
    Payable,
    ReserveBase,
    RoundingMode,
    SchemeKind,
    Shape,
    SharingAmount,
    SharingDenominator,
    Side,
    SpecialPay,
    VarianceTo,
)

Limit: TypeAlias = Fraction | Literal["k"] | None
"""A cost ratio, or `"k"`: the limit that goes with the case's base points, or none."""


@dataclass(frozen=True, slots=True)
class Hospital:
    """A hospital in the settled year. `score` is its yearly assessment; None only where no table asks for it."""

    code: str
    level: str
    coefficient_e6: int
    county: str = ""
    score: Fraction | None = None
    credit: str = ""
    name: str = ""


# --- scoring -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RatioInterval:
    """An interval of the cost ratio. An end belongs to it only if its `_in` says so."""

    above: Limit = None
    above_in: bool = False
    below: Limit = None
    below_in: bool = False


@dataclass(frozen=True, slots=True)
class TcmGate:
    """TCM share of treatment cost 「中治率」 at least `ratio_min`, stay at least `days_min`."""

    ratio_min: Fraction
    days_min: int


@dataclass(frozen=True, slots=True)
class Condition:
    """All parts given must hold; no part given always holds. `top_share`: the top x of the scheme's cases by cost."""

    flag: Flag | None = None
    days_from: int | None = None
    days_upto: int | None = None
    cost_ratio: RatioInterval | None = None
    top_share: Fraction | None = None
    tcm: TcmGate | None = None


@dataclass(frozen=True, slots=True)
class ClassRule:
    """One case class. `coefficient` None = what the shape does by itself; `review` marks it for expert review."""

    id: str
    shape: Shape
    when: Condition = Condition()
    coefficient: bool | None = None
    aux: bool = True
    factor: Fraction = Fraction(1)
    add: Fraction = Fraction(0)
    k: Fraction | None = None
    review: bool = False


@dataclass(frozen=True, slots=True)
class KLimit:
    """High limit K for groups of up to `upto` base points, counted at scale 100; the last is open."""

    upto: Fraction | None
    k: Fraction


@dataclass(frozen=True, slots=True)
class ClassSet:
    """Rules in force from `from_day`, first match wins; the last has no condition."""

    from_day: int
    rules: tuple[ClassRule, ...]
    k_limits: tuple[KLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class PointScheme:
    """A scheme paid through pots. `budget_point_value` by pool id, yuan per point."""

    name: str
    scale: int
    region_mean_fen: int
    class_sets: tuple[ClassSet, ...]
    budget_point_value: Mapping[str, Fraction]
    denominator: Denominator = Denominator.GROUP_MEAN
    same_price_groups: frozenset[str] = frozenset()
    kind: SchemeKind = SchemeKind.POINTS
    dated: tuple[tuple[int, PointScheme], ...] = ()  # terms by first day, if mean, denominator or same prices change


@dataclass(frozen=True, slots=True)
class BedDayTier:
    """Days `first`..`last` of a stay at `rate_fen` a day; the last tier is open."""

    first: int
    last: int | None
    rate_fen: int


@dataclass(frozen=True, slots=True)
class FixedScheme:
    """A scheme paid at its own price; its name is its fixed line.

    `bed_day`: `tiers`, or `tiers_by_group` for a group that has its own. `single`: `quota_fen` by
    (group, hospital level, pool). Both × `fund_ratio` of the pool; with a `deviation` a single disease is shared around
    its quota. `actual`: the booked fund. `epidemic`: the same, from outside the budget. `bundle`: nothing, the contract
    of the members pays.
    """

    name: str
    kind: SchemeKind
    tiers: tuple[BedDayTier, ...] = ()
    tiers_by_group: Mapping[str, tuple[BedDayTier, ...]] = field(default_factory=dict)
    quota_fen: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    fund_ratio: Mapping[str, Fraction] = field(default_factory=dict)
    deviation: SingleDeviation | None = None
    later: tuple[tuple[int, FixedScheme], ...] = ()
    """Other prices from these days on (days since 1970-01-01, ascending), read at the case's own date."""


Scheme: TypeAlias = PointScheme | FixedScheme


@dataclass(frozen=True, slots=True)
class MonthTerms:
    """What holds in one month of one pool. `rate_by_credit` refines `rate`; quota by hospital, absent = none."""

    basis: MonthlyBasis
    rate: Fraction
    deposit_rate: Fraction
    rate_by_credit: Mapping[str, Fraction] = field(default_factory=dict)
    quota_fen: Mapping[str, int] = field(default_factory=dict)
    deposit_override_reason: str = ""


@dataclass(frozen=True, slots=True)
class ScoreStep:
    """From this score on, this value; steps are listed from the highest score down to 0."""

    score_from: Fraction
    value: Fraction


@dataclass(frozen=True, slots=True)
class ScoreSlope:
    """All from `threshold` on, `per_point` less for each point below it, never under 0."""

    threshold: Fraction
    per_point: Fraction


ScoreTable: TypeAlias = tuple[ScoreStep, ...] | ScoreSlope


@dataclass(frozen=True, slots=True)
class ReserveTerms:
    """Risk reserve 「风险金」: set aside at `rate` of `base`; `for_shares` of what is left may pay overspend shares."""

    rate: Fraction
    base: ReserveBase = ReserveBase.TOTAL
    for_shares: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class PoolSharing:
    """Pool-level sharing 「区域共担」: the hospitals' part of a regional surplus and of a regional deficit."""

    surplus_to_hospitals: Fraction
    deficit_to_hospitals: Fraction


@dataclass(frozen=True, slots=True)
class PointValueTerms:
    """How a pot's value is found and rounded. `ratio` ρ for `total_cost_ratio`; `dp` None = exact; bounds × budget."""

    basis: Basis
    payable: Payable
    dp: int | None
    mode: RoundingMode = RoundingMode.HALF_UP
    ratio: Fraction | None = None
    lower: Fraction | None = None
    upper: Fraction | None = None


@dataclass(frozen=True, slots=True)
class PotTerms:
    """One pot 「点数池」 of a pool: its part of the point fund; `price` (费率, yuan) replaces the found value."""

    scheme: str
    ratio: Fraction
    county: str | None = None
    name: str = ""
    price: Fraction | None = None
    budget_point_value: Fraction | None = None

    @property
    def label(self) -> str:
        """What posting lines call the pot: its name, else scheme, else scheme.county."""
        return self.name or (self.scheme if self.county is None else f"{self.scheme}.{self.county}")


@dataclass(frozen=True, slots=True)
class SharingTier:
    """The part of the gap between `start` and `end` × denominator, at `share`; `end` None = open."""

    side: Side
    start: Fraction
    end: Fraction | None
    share: Fraction


@dataclass(frozen=True, slots=True)
class Sharing:
    """Surplus retention and overspend sharing 「结余留用、超支分担」 as marginal tiers. Quotas by hospital code."""

    amount: SharingAmount
    denominator: SharingDenominator
    tiers: tuple[SharingTier, ...]
    surplus_cap: Fraction | None = None
    overspend_cap: Fraction | None = None
    actual_below: Fraction | None = None
    also_schemes: tuple[str, ...] = ()
    quota_fen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GrowthCap:
    """A hospital's standard may not pass its prior year × (1 + rate); a hospital without prior year has no cap."""

    rate: Fraction
    prior_fen: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pool:
    """An insurance pool 「险种基金池」 with its budget and every rule that holds in it. Nothing crosses pools.

    `adjustment_fen`: changes during the year, after the growth cap. `receivable_fen`: owed since last year's clearing.
    """

    id: str
    plan_fen: int
    reserve: ReserveTerms
    point_value: PointValueTerms
    pots: tuple[PotTerms, ...]
    months: tuple[MonthTerms, ...]
    deposit_release: ScoreTable
    prior_actual_fen: int | None = None
    growth_cap: Fraction | None = None
    adjustment_fen: int = 0
    outside_fen: Mapping[str, int] = field(default_factory=dict)
    fixed_lines_fen: Mapping[str, int] = field(default_factory=dict)
    fixed_variance: VarianceTo = VarianceTo.RESERVE
    fixed_variance_by_line: Mapping[str, VarianceTo] = field(default_factory=dict)
    pool_sharing: PoolSharing | None = None
    sharing: Sharing | None = None
    hospital_growth_cap: GrowthCap | None = None
    assessment: ScoreTable = ()
    assessment_on: frozenset[AssessmentOn] = frozenset()
    negative_case: NegativeCase = NegativeCase.KEEP
    negative_final: NegativeFinal = NegativeFinal.CARRY
    next_base: frozenset[Cause] = NEXT_BASE_DEFAULT
    advance_fen: Mapping[str, int] = field(default_factory=dict)
    supplier_paid_fen: Mapping[str, int] = field(default_factory=dict)
    receivable_fen: Mapping[str, int] = field(default_factory=dict)
    brought_forward_fen: int = 0


@dataclass(frozen=True, slots=True)
class CapitationContract:
    """Capitation 「按人头」: rate × enrolled × assessment, whatever is spent."""

    hospital: str
    pool: str
    rate_fen: int
    enrolled: int
    assessment: Fraction
    service: str = ""


@dataclass(frozen=True, slots=True)
class BundleContract:
    """Bundle of a medical consortium 「医共体包干」, paid to its leading hospital.

    `inside_fen` None = the booked fund of the members' cases on a `bundle` scheme in this pool. `public_health_fen` is
    the part of the package that public-health money 「公共卫生经费」 brings.
    """

    hospital: str
    pool: str
    package_fen: int
    outside_fen: int
    retain: Fraction
    fund_bears_deficit: Fraction
    inside_fen: int | None = None
    members: tuple[str, ...] = ()
    public_health_fen: int = 0


Contract: TypeAlias = CapitationContract | BundleContract


@dataclass(frozen=True, slots=True)
class AuditCancel:
    """A case cancelled by audit: its points out, and `extra_multiple` × its base points on top."""

    case: str
    value: AuditValue
    extra_multiple: Fraction = Fraction(0)
    behaviour: str = ""


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """An amount in money. `audit_money`: taken from the hospital into the reserve (amount > 0 is a deduction).
    `other`: paid to the hospital from the reserve; `name` says what it is, e.g. vbp_retention."""

    hospital: str
    pool: str
    cause: Cause
    amount_fen: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class AreaYear:
    """The settled year of a pooling area. Hospitals ascend by code; case columns index hospitals, pools and schemes
    by their place here. `out_of_area_cap`: a case flagged OUT_OF_AREA is paid no more than the fund money it booked."""

    name: str
    year: int
    hospitals: tuple[Hospital, ...]
    schemes: tuple[Scheme, ...]
    pools: tuple[Pool, ...]
    special_pay: SpecialPay = SpecialPay.POINTS_FROM_COST
    readmission_factor: Fraction = Fraction(1)
    new_tech_year_factors: tuple[Fraction, ...] = ()
    penalty_patient_part: PatientPart = PatientPart.KEEP
    out_of_area_cap: bool = False
    contracts: tuple[Contract, ...] = ()
    audits: tuple[AuditCancel, ...] = ()
    money_lines: tuple[MoneyLine, ...] = ()

    @property
    def hospital_codes(self) -> tuple[str, ...]:
        return tuple(hospital.code for hospital in self.hospitals)

    def hospital_index(self, code: str) -> int:
        return self.hospital_codes.index(code)

    def pool_index(self, pool_id: str) -> int:
        return tuple(pool.id for pool in self.pools).index(pool_id)
