"""Parameters that say which cases there are and how many points each earns 「统筹区、医院、分值、病例分类」.

In: nothing; out: typed parameter keys with their readers, units and defaults; the mechanisms they belong to.
Defaults are the bold choices of the settlement rules; what has none must be written. No value stands in this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final, TypeVar

from engine.policy.case_flags import FlagDefinition, flag_definitions
from engine.policy.nodes import Node
from engine.policy.predicates import When, condition
from engine.policy.problems import Problems
from engine.policy.readers import (
    Field,
    Reader,
    choice,
    code,
    day,
    integer,
    listing,
    mapping,
    may,
    name,
    number,
    record,
    share,
    unique,
    word,
    yuan,
)
from engine.policy.rules import rules
from engine.policy.settings import Mechanism, Param
from engine.policy.shapes import POINT_VALUE_PLACES, day_tiers, limits, pool
from engine.policy.single_tables import Disease, SingleQuota, disease_table, single_quotas
from engine.policy.tables import HospitalTable, WeightTable, hospital_table, weight_table
from pointvalue.model import BedDayTier, ClassRule, KLimit
from pointvalue.terms import Denominator, SchemeKind, SpecialPay

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchemeEntry:
    """A scheme 「付费方式」 of the area, how it pays, and which cases it takes: a case goes to the first that does."""

    id: str
    kind: str
    when: When | None = None


@dataclass(frozen=True, slots=True)
class PackEntry:
    """Where the rule pack of a scheme lies, relative to the policy folder; several editions may follow each other.

    `first` and `last` are the days on which the area takes it up and gives it up, where they are not the pack's own.
    """

    scheme: str
    path: str
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Readmission:
    """A stay within `days` of the one before, in the same group, multiplies the previous stay's points."""

    days: int
    factor_prev: Fraction


def by_scheme(read: Reader[T]) -> Reader[dict[str, T]]:
    return mapping(name(), read)


AREA_CODE: Param[str] = Param("area.code", word(r"\d{6}", "6 位统筹区编码", "six digits"), "统筹区编码", how=True)
AREA_NAME: Param[str] = Param("area.name", word(), "统筹区名称", how=True)
POOLS_HELD: Param[tuple[str, ...]] = Param("area.pools", unique(pool()), "险种基金池", how=True)
SCHEMES: Param[tuple[SchemeEntry, ...]] = Param(
    "area.schemes",
    listing(record(SchemeEntry, {"id": name(), "kind": choice(*SchemeKind), "when": may(condition)}), at_least=1),
    "付费方式",
    how=True,
)


def _pack(node: Node, problems: Problems) -> PackEntry:
    keys: dict[str, Field[Any]] = {"scheme": Field(name()), "path": Field(word()), "from": may(day), "upto": may(day)}
    got: dict[str, Any] = record(dict, keys)(node, problems)
    if got["from"] and got["upto"] and got["upto"] < got["from"]:
        raise problems.add(node.place, "out_of_range", found=str(got["upto"]), allowed=f"≥ {got['from']}")
    return PackEntry(got["scheme"], got["path"], got["from"], got["upto"])


PACKS: Param[tuple[PackEntry, ...]] = Param("area.packs", listing(_pack), "分组方案", default=(), how=True)
PERIOD_BY: Param[str] = Param(
    "area.period_by", choice("settle_date", "discharge_date"), "病例归属期间", default="settle_date", how=True
)
CASE_VALUES_BY: Param[str] = Param(
    "area.case_values_by",
    choice("pack", "discharge_date", "settlement_date"),
    "病例取值日期",
    default="pack",
    how=True,
)

HOSPITALS: Param[HospitalTable] = Param("hospitals", hospital_table, "定点医疗机构")

SCALE: Param[dict[str, int]] = Param("points.scale", by_scheme(integer(1, 100_000)), "点数基数", per="scheme")
REGION_MEAN: Param[dict[str, int]] = Param(
    "points.region_mean", by_scheme(yuan("0.01")), "区域例均费用", unit="CNY", per="scheme"
)
WEIGHTS: Param[dict[str, WeightTable]] = Param("points.weights", by_scheme(weight_table), "基准点数表", per="scheme")
BASE_YEAR: Param[dict[str, int]] = Param("points.base_year", by_scheme(integer(2000, 2100)), "测算基年", per="scheme")
DENOMINATOR: Param[dict[str, str]] = Param(
    "points.denominator", by_scheme(choice(*Denominator)), "费用倍率的分母", default={}, how=True, per="scheme"
)
SAME_PRICE: Param[dict[str, tuple[str, ...]]] = Param(
    "points.same_price_groups", by_scheme(unique(code())), "同病同价病组", default={}, per="scheme"
)
BUDGET_POINT_VALUE: Param[dict[str, dict[str, Fraction]]] = Param(
    "points.budget_point_value",
    by_scheme(mapping(pool(), number("0.000001", places=POINT_VALUE_PLACES, example="138.0000"))),
    "预算点值",
    unit="CNY/point",
    default={},
    per="scheme",
)
COEFFICIENT_USE: Param[str] = Param(
    "points.hospital_coefficient", choice("by_hospital", "none"), "医疗机构系数", default="by_hospital", how=True
)

CASE_FLAGS: Param[tuple[FlagDefinition, ...]] = Param("case_flags", flag_definitions, "病例标志", default=(), how=True)
CASE_CLASSES: Param[dict[str, tuple[ClassRule, ...]]] = Param(
    "case_classes", by_scheme(rules), "病例分类规则", per="scheme"
)
HIGH_LIMIT: Param[dict[str, tuple[KLimit, ...]]] = Param(
    "case_classes.high_limit", by_scheme(limits), "高倍率界限", unit="/1", default={}, per="scheme"
)

SPECIAL_PAY: Param[str] = Param(
    "special_case.pay", choice(*SpecialPay), "特例单议支付方式", default="points_from_cost", how=True
)
SPECIAL_QUOTA: Param[dict[str, Fraction]] = Param(
    "special_case.quota", by_scheme(share()), "特例单议比例上限", unit="/1", default={}, per="scheme"
)
READMISSION: Param[Readmission | None] = Param(
    "readmission",
    record(Readmission, {"days": integer(1, 365), "factor_prev": share()}),
    "再入院",
    default=None,
)
NEW_TECH: Param[tuple[Fraction, ...]] = Param(
    "new_tech.year_factors", listing(share()), "新技术加成退坡", unit="/1", default=()
)

BED_DAY_TIERS: Param[tuple[BedDayTier, ...]] = Param("bed_day.tiers", day_tiers, "床日标准", unit="CNY/d", default=())
BED_DAY_BY_GROUP: Param[dict[str, tuple[BedDayTier, ...]]] = Param(
    "bed_day.tiers_by_category", mapping(name(), day_tiers), "分类床日标准", unit="CNY/d", default={}
)


@dataclass(frozen=True, slots=True)
class BedDayCategory:
    """Cases of a bed-day scheme with tiers of their own, by `name` in `tiers_by_category`; the first that holds."""

    name: str
    when: When


BED_DAY_CATEGORIES: Param[tuple[BedDayCategory, ...]] = Param(
    "bed_day.categories",
    listing(record(BedDayCategory, {"name": name(), "when": condition})),
    "床日类别",
    default=(),
    how=True,
)
BED_DAY_RATIO: Param[dict[str, Fraction]] = Param(
    "bed_day.fund_ratio", mapping(pool(), share()), "床日基金支付比例", unit="/1", default={}
)


SINGLE_DISEASES: Param[tuple[Disease, ...]] = Param("single_disease.diseases", disease_table, "单病种目录", default=())
SINGLE_QUOTA: Param[tuple[SingleQuota, ...]] = Param(
    "single_disease.quotas", single_quotas, "单病种定额", unit="CNY", default=()
)
SINGLE_RATIO: Param[dict[str, Fraction]] = Param(
    "single_disease.fund_ratio", mapping(pool(), share()), "单病种基金支付比例", unit="/1", default={}
)
OBJECTION_DAYS: Param[int | None] = Param("objections.days", integer(1, 365), "异议期", unit="d", default=None)
OBJECTION_HOW: Param[str] = Param("objections.how", word(), "异议方式", default="", how=True)

_AREA: tuple[Param[Any], ...] = (AREA_CODE, AREA_NAME, POOLS_HELD, SCHEMES, PACKS, PERIOD_BY, CASE_VALUES_BY)
_POINTS: tuple[Param[Any], ...] = (
    SCALE,
    REGION_MEAN,
    WEIGHTS,
    BASE_YEAR,
    DENOMINATOR,
    SAME_PRICE,
    BUDGET_POINT_VALUE,
    COEFFICIENT_USE,
)

CASE_MECHANISMS: Final = (
    Mechanism("area", "统筹区", _AREA),
    Mechanism("hospitals", "定点医疗机构", (HOSPITALS,)),
    Mechanism("points", "点数与分值", _POINTS),
    Mechanism("case_flags", "病例标志", (CASE_FLAGS,), needs=False),
    Mechanism("case_classes", "病例分类", (CASE_CLASSES, HIGH_LIMIT)),
    Mechanism("special_case", "特例单议", (SPECIAL_PAY, SPECIAL_QUOTA), needs=False),
    Mechanism("readmission", "再入院", (READMISSION,), needs=False),
    Mechanism("new_tech", "新技术除外支付", (NEW_TECH,), needs=False),
    Mechanism(
        "bed_day", "按床日付费", (BED_DAY_TIERS, BED_DAY_BY_GROUP, BED_DAY_CATEGORIES, BED_DAY_RATIO), needs=False
    ),
    Mechanism("objections", "异议", (OBJECTION_DAYS, OBJECTION_HOW), needs=False),
    Mechanism("single_disease", "单病种付费", (SINGLE_DISEASES, SINGLE_QUOTA, SINGLE_RATIO), needs=False),
)
