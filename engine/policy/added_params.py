"""Parameters of the rarer mechanisms: reviews, shared single diseases, savings, budgets, counties, advances, measuring.

In: nothing; out: typed parameter keys, the mechanisms they found, those they join (`JOINING`). Money is read in fen,
shares exact. None of them holds unless it is written: silence leaves every amount as it was. No value stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from engine.policy.case_params import by_scheme
from engine.policy.money_params import in_pool
from engine.policy.nodes import Node
from engine.policy.problems import Problems
from engine.policy.readers import (
    Field,
    choice,
    code,
    integer,
    listing,
    mapping,
    may,
    name,
    number,
    plain,
    record,
    share,
    yuan,
)
from engine.policy.settings import Mechanism, Param
from engine.policy.shapes import HospitalPool, hospital_pool, pool
from pointvalue.readmission import SameThing
from pointvalue.review import QuotaRounding, Trigger
from pointvalue.single import SingleDeviation
from pointvalue.sub_budget import Adjustment, AdjustReason
from pointvalue.value_band import ValueBand
from pointvalue.weights import Trim

# --- reviews --------------------------------------------------------------------------------------------------------

_MULTIPLE = number("0", "1000")


def _trigger(node: Node, problems: Problems) -> Trigger:
    fields: dict[str, Field[Any]] = {
        "days_from": may(integer(0, 3_660)),
        "over_group_mean": may(_MULTIPLE),
        "over_region_mean": may(_MULTIPLE),
        "birth_weight_below_g": may(integer(1, 10_000)),
    }
    found: Trigger = record(Trigger, fields)(node, problems)
    if found == Trigger():
        zh, en = "至少写一个条件", "write at least one condition"
        raise problems.add(node.place, "missing_key", found="days_from", detail_zh=zh, detail_en=en)
    return found


QUOTA_BY_LEVEL: Param[dict[str, dict[str, Fraction]]] = Param(
    "special_case.quota_by_level",
    by_scheme(mapping(code(), share())),
    "按等级的特例单议比例上限",
    unit="/1",
    default={},
    per="scheme",
)
QUOTA_ROUNDING: Param[str] = Param(
    "special_case.rounding", choice(*QuotaRounding), "特例单议例数取整", default="floor", how=True
)
SWAP_RATE: Param[Fraction] = Param(
    "special_case.swap_rate", share(), "清算前可调换比例", unit="/1", default=Fraction(0)
)  # fmt: skip
TRIGGERS: Param[dict[str, tuple[Trigger, ...]]] = Param(
    "special_case.triggers", by_scheme(listing(_trigger, at_least=1)), "特例单议申报条件", default={}, per="scheme"
)
READMISSION_SAME: Param[str] = Param("readmission.same", choice(*SameThing), "再入院的同一", default="group", how=True)

# --- prices and money -----------------------------------------------------------------------------------------------

DEVIATION: Param[SingleDeviation | None] = Param(
    "single_disease.deviation",
    record(lambda **got: SingleDeviation(got["share"], got["width"], {}), {"share": share(), "width": share()}),
    "单病种偏离分担",
    unit="/1",
    default=None,
)
OWN_RATIO: Param[dict[HospitalPool, Fraction]] = Param(
    "single_disease.own_ratio",
    mapping(hospital_pool, share()),
    "医院平均统筹支付比例",
    unit="/1",
    default={},
    per="hospital",
)


@dataclass(frozen=True, slots=True)
class PoolAdjustment:
    """A change of one pool's budget, with the document that decided it."""

    pool: str
    change: Adjustment


def _adjustment(node: Node, problems: Problems) -> PoolAdjustment:
    fields = {"pool": pool(), "line": name(), "amount": yuan(None), "reason": choice(*AdjustReason)}
    got: dict[str, Any] = record(dict, fields)(node, problems)
    return PoolAdjustment(got["pool"], Adjustment(got["line"], got["amount"], AdjustReason(got["reason"])))


ADJUSTMENTS: Param[tuple[PoolAdjustment, ...]] = Param(
    "budget.adjustments", listing(_adjustment, at_least=1), "年中调整", unit="CNY", default=(), yearly=True
)


class ReserveLeft(StrEnum):
    """What becomes of the reserve a year leaves: back to the pool's fund, or into the next year's reserve."""

    RETURNED = "returned"
    CARRIED = "carried"


RESERVE_LEFT = in_pool("budget.reserve_left", choice(*ReserveLeft), "上年风险金结余去向", "returned", how=True)


@dataclass(frozen=True, slots=True)
class Saving:
    """What a hospital's use of procured drugs was budgeted at and what it cost; `assessment` on the retained part."""

    hospital: str
    pool: str
    base_fen: int
    actual_fen: int
    assessment: Fraction


def _saving(node: Node, problems: Problems) -> Saving:
    fields: dict[str, Field[Any]] = {
        "hospital": Field(code()),
        "pool": Field(pool()),
        "base": Field(yuan()),
        "actual": Field(yuan()),
        "assessment": may(share(), Fraction(1)),
    }
    got: dict[str, Any] = record(dict, fields)(node, problems)
    return Saving(got["hospital"], got["pool"], got["base"], got["actual"], got["assessment"])


VBP_FUND_RATIO: Param[dict[str, Fraction]] = Param(
    "vbp.fund_ratio", mapping(pool(), share()), "统筹支付比例", unit="/1", default={}
)
VBP_RETAIN: Param[Fraction | None] = Param("vbp.retain", share(), "结余留用比例", unit="/1", default=None)
VBP_SAVINGS: Param[tuple[Saving, ...]] = Param(
    "vbp.savings", listing(_saving), "采购基数与实际支出", unit="CNY", default=(), yearly=True
)

# --- what is watched, and what is settled between treasuries --------------------------------------------------------


def _division(node: Node, problems: Problems) -> dict[str, Fraction]:
    parts = mapping(name(), share())(node, problems)
    whole = sum(parts.values(), Fraction(0))
    if whole != 1:
        detail = {"detail_zh": "分项预算各部分", "detail_en": "parts of the sub-budget"}
        raise problems.add(node.place, "sum_not_one", found=plain(whole), **detail)
    return parts


SUB_BUDGETS: Param[dict[str, dict[str, dict[str, Fraction]]]] = Param(
    "sub_budgets", mapping(pool(), mapping(name(), _division)), "分项预算", unit="/1", default={}
)
COUNTY_DEFICIT: Param[Fraction | None] = Param(
    "county_share.deficit_ratio", share(), "县级承担超支比例", unit="/1", default=None
)
COUNTY_SURPLUS: Param[Fraction] = Param(
    "county_share.surplus_ratio", share(), "县级留用结余比例", unit="/1", default=Fraction(0)
)  # fmt: skip
COUNTY_ALLOTMENT: Param[dict[str, dict[str, int]]] = Param(
    "county_share.allotment", mapping(pool(), mapping(code(), yuan())), "县级额度", unit="CNY", default={}, yearly=True
)
ADVANCE_MONTHS: Param[Fraction | None] = Param(
    "advance_rules.months", number("0", "12"), "预付月数", unit="month", default=None
)
ADVANCE_RESERVE: Param[dict[str, Fraction]] = Param(
    "advance_rules.reserve_months",
    mapping(pool(), number("0", "120")),
    "累计结余可支付月数",
    unit="month",
    default={},
)
ADVANCE_HISTORY: Param[int] = Param(
    "advance_rules.history_months", integer(0, 120), "结算满月数", unit="month", default=12
)

# --- measuring weights ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measuring:
    """How base points of one scheme are measured from past years."""

    year_weights: tuple[Fraction, ...]
    trim: Trim
    min_cases: int
    cv_max: Fraction | None
    value_band: ValueBand = ValueBand.ALL


def _measuring(node: Node, problems: Problems) -> Measuring:
    fields: dict[str, Field[Any]] = {
        "year_weights": Field(listing(number("0.000001", "1000"), at_least=1)),
        "trim": Field(choice(*Trim)),
        "min_cases": Field(integer(1, 1_000_000)),
        "cv_max": may(number("0", "100")),
        "value_band": may(choice(*ValueBand), ValueBand.ALL.value),
    }
    got: dict[str, Any] = record(dict, fields)(node, problems)
    band = ValueBand(got["value_band"])
    return Measuring(got["year_weights"], Trim(got["trim"]), got["min_cases"], got["cv_max"], band)


MEASURING: Param[dict[str, Measuring]] = Param(
    "weight_measurement", by_scheme(_measuring), "权重测算", default={}, per="scheme"
)  # fmt: skip

JOINING: Final[Mapping[str, tuple[Param[Any], ...]]] = {
    "special_case": (QUOTA_BY_LEVEL, QUOTA_ROUNDING, SWAP_RATE, TRIGGERS),
    "readmission": (READMISSION_SAME,),
    "single_disease": (DEVIATION, OWN_RATIO),
    "budget": (ADJUSTMENTS, RESERVE_LEFT.param),
}
"""Parameters that stand in the file of a mechanism declared elsewhere."""

ADDED_MECHANISMS: Final = (
    Mechanism("vbp", "集采结余留用", (VBP_FUND_RATIO, VBP_RETAIN, VBP_SAVINGS), needs=False),
    Mechanism("sub_budgets", "分项预算", (SUB_BUDGETS,), needs=False),
    Mechanism("county_share", "市县责任分担", (COUNTY_DEFICIT, COUNTY_SURPLUS, COUNTY_ALLOTMENT), needs=False),
    Mechanism("advance_rules", "周转金预付条件", (ADVANCE_MONTHS, ADVANCE_RESERVE, ADVANCE_HISTORY), needs=False),
    Mechanism("weight_measurement", "权重测算", (MEASURING,), needs=False),
)
