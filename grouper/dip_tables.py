"""The rules of one DIP catalogue as plain data 「按病种分值付费目录」: what a pack says, before anything is compiled.

In: nothing; out: frozen records that `dip_compile` turns into integer arrays and `dip_reference` walks as they are.
Codes are text and compared verbatim. Points are whole numbers ×10⁴ (`_e4`), coefficients ×10⁶ (`_e6`), money is fen.
Areas differ by these tables and by options from closed lists; nothing here is named after an area.
It reads no file and checks no meaning: loading and checking belong to the pack loader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

from grouper.dip_condition import ALWAYS, Condition
from grouper.dip_expression import Compact, DiagnosisExpr, ProcedureExpr
from grouper.dip_options import DipOptions

E6 = 10**6


class ProcedureType(IntEnum):
    """Type of a procedure, of a case or of a matched row 「操作类型」, weakest first."""

    CONSERVATIVE = 0
    DIAGNOSTIC = 1
    THERAPEUTIC = 2
    INTERVENTIONAL = 3
    SURGICAL = 4


TYPE_ZH = {
    ProcedureType.CONSERVATIVE: "保守治疗",
    ProcedureType.DIAGNOSTIC: "诊断性操作",
    ProcedureType.THERAPEUTIC: "治疗性操作",
    ProcedureType.INTERVENTIONAL: "介入治疗",
    ProcedureType.SURGICAL: "相关手术",
}

CHAIN_SOURCES = ("xq", "bx", "fz", "jc")
FLAT_SOURCES = ("core", "basic")
SOURCES = (*CHAIN_SOURCES, *FLAT_SOURCES, "comprehensive", "fallback")
EXCLUDED_ACTIONS = ("drop", "conservative", "not_main", "main_only_if_dx")
TIE_RULES = (
    "most_plus",
    "most_matched",
    "exact_cover",
    "main_procedure",
    "nearest_cost",
    "highest_score",
    "most_specific",
    "row_order",
)
PREEMPT_CONDITIONS = ("unmatched_is_surgery_for_all",)


@dataclass(frozen=True, slots=True)
class Procedure(Compact):
    """One procedure of the dictionary. A code that is not in it has no type and no level."""

    code: str
    type: ProcedureType
    level: int | None = None
    incision: str | None = None
    is_grey: bool = False


@dataclass(frozen=True, slots=True)
class TypeRank(Compact):
    """How a type ranks, and as which type it counts 「介入治疗按…」."""

    type: ProcedureType
    rank: int
    counts_as: ProcedureType


DEFAULT_TYPE_ORDER = tuple(
    TypeRank(t, int(t), ProcedureType.SURGICAL if t is ProcedureType.INTERVENTIONAL else t) for t in ProcedureType
)


@dataclass(frozen=True, slots=True)
class ExcludedDiagnosis(Compact):
    """A principal diagnosis that is not grouped 「不纳入分组主要诊断」. match None: as the option says."""

    code: str
    match: str | None = None


@dataclass(frozen=True, slots=True)
class ExcludedProcedure(Compact):
    """A procedure that does not count, or not as principal 「不纳入分组主要手术操作」."""

    code: str
    match: str
    action: str
    diagnoses: DiagnosisExpr | None = None


@dataclass(frozen=True, slots=True)
class Layer(Compact):
    """One step of the search: which rows (by layer name) and how they are found (by source)."""

    seq: int
    name: str
    source: str
    competes_with: str | None = None


@dataclass(frozen=True, slots=True)
class Group(Compact):
    """One catalogue row 「病种」. `row` is its place: ties are broken by it, so it is part of the rules."""

    row: int
    code: str
    name: str
    layer: str
    diagnosis: DiagnosisExpr
    main: ProcedureExpr | None = None
    op_position: str = "any"
    related: ProcedureExpr | None = None
    other_diagnosis: DiagnosisExpr | None = None
    dx_position: str = "principal"
    age_days_lt: int | None = None
    age_min: int | None = None
    age_max: int | None = None
    weight_min_g: int | None = None
    weight_max_g: int | None = None
    flag: Condition | None = None
    op_type: ProcedureType | None = None
    op_level: int | None = None
    base_points_e4: int | None = None
    cost_mean_fen: int | None = None
    stay_mean_days_e6: int | None = None
    basic_factor_e6: int | None = None
    is_basic: bool = False
    is_tcm: bool = False
    is_day: bool = False


@dataclass(frozen=True, slots=True)
class TieRule(Compact):
    """One tie-break. scope: a procedure type: the rule acts only when a candidate of it is there, and then alone."""

    seq: int
    scope: ProcedureType | None
    rule: str
    ties: str | None = None


@dataclass(frozen=True, slots=True)
class Choice(Compact):
    """One place of the final priority list; op_type None = any type. condition: see PREEMPT_CONDITIONS."""

    seq: int
    layer: str
    op_type: ProcedureType | None = None
    preempt: str | None = None


@dataclass(frozen=True, slots=True)
class Complication(Compact):
    """A secondary diagnosis that counts: level cc, mcc, moderate (中度) or severe (重度).

    exclusion: the code list of principal diagnoses under which it does not count; an include prefix replaces that test.
    """

    code: str
    level: str
    exclusion: str | None = None
    include_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class AuxiliaryRow(Compact):
    """One row of the auxiliary catalogue 「辅助目录」. factor None: marks its group as a severity row of that level."""

    row: int
    group_code: str
    dimension: str
    level: str
    condition: Condition = ALWAYS
    base_points_e4: int | None = None
    factor_e6: int | None = None
    cost_mean_fen: int | None = None


@dataclass(frozen=True, slots=True)
class AgeBand(Compact):
    """One age band 「年龄特征」, both ends inclusive; unit `d` days or `a` completed years; hi None = open."""

    unit: str
    lo: int
    hi: int | None


@dataclass(frozen=True, slots=True)
class AuxiliaryPolicy(Compact):
    """How a factor is chosen and what the derived values of conditions mean."""

    pick: str = "highest_factor"
    los_threshold: int = 3
    los_inclusive: bool = False
    age_bands: tuple[AgeBand, ...] = ()
    malignant: DiagnosisExpr | None = None


@dataclass(frozen=True, slots=True)
class Ungrouped(Compact):
    """What a case without a row gets 「未入组」「空白病组」. How it is paid is the scorer's business."""

    mode: str = "none"
    group_code: str | None = None


@dataclass(frozen=True)
class DipTables:
    """One catalogue, complete."""

    groups: tuple[Group, ...]
    layers: tuple[Layer, ...]
    procedures: Mapping[str, Procedure] = field(default_factory=dict)
    type_order: tuple[TypeRank, ...] = DEFAULT_TYPE_ORDER
    excluded_diagnoses: tuple[ExcludedDiagnosis, ...] = ()
    excluded_procedures: tuple[ExcludedProcedure, ...] = ()
    code_lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    options: DipOptions = field(default_factory=DipOptions)
    tie_rules: tuple[TieRule, ...] = ()
    choices: tuple[Choice, ...] = ()
    complications: Mapping[str, tuple[Complication, ...]] = field(default_factory=dict)
    cci_weights: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """diagnosis → (disease class, weight)."""
    auxiliary: tuple[AuxiliaryRow, ...] = ()
    auxiliary_policy: AuxiliaryPolicy = AuxiliaryPolicy()
    ungrouped: Ungrouped = Ungrouped()
    dx_map: Mapping[str, str] = field(default_factory=dict)
    op_map: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def excluded_stems(self) -> tuple[frozenset[str], frozenset[str]]:
        """Excluded diagnoses by full code, and by their first four characters 「亚目」 where the match is by prefix."""
        exact, stems = set(), set()
        for row in self.excluded_diagnoses:
            if (row.match or self.options.excluded_dx_match) == "prefix":
                stems.add(row.code[:5])
            exact.add(row.code)
        return frozenset(exact), frozenset(stems)

    @cached_property
    def excluded_by_code(self) -> tuple[Mapping[str, ExcludedProcedure], tuple[ExcludedProcedure, ...]]:
        """Excluded procedures by full code, and the rows that exclude by prefix."""
        exact: dict[str, ExcludedProcedure] = {}
        for row in self.excluded_procedures:
            exact.setdefault(row.code, row)
        return exact, tuple(row for row in self.excluded_procedures if row.match == "prefix")

    @property
    def is_chain(self) -> bool:
        """True for the ordered rule chain of 3.0, false for the flat catalogues of 1.0/2.0."""
        return any(layer.source in CHAIN_SOURCES for layer in self.layers)


@dataclass(frozen=True, slots=True)
class DipCase:
    """One record as the rules see it: principal code first; what is missing is None."""

    setl_id: str
    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    cost_total_fen: int | None = None
    cost_factor_e6: int | None = None
    """K 「均费系数」: yuan of mean cost per point, by the case's hospital and insurance."""
    basic_cost_factor_e6: int | None = None
    """K of primary-care groups 「基层均费系数」."""
    stay_days: int | None = None
    age_years: int | None = None
    age_days: int | None = None
    birth_weight_g: int | None = None
    icu_days: int | None = None
    is_death: bool = False
    treatment_fen: int | None = None
    """治疗费 without 手术费."""
    drug_fen: int | None = None
