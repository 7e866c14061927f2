"""Parameters that say how much money there is and how it reaches hospitals 「预算、点值、月度、清算」.

In: nothing; out: typed parameter keys with their readers, units and defaults; the mechanisms they belong to.
A pool parameter is written once for both pools or by pool. Amounts of a year never carry over to the next.
No value stands in this file except the bold defaults of the settlement rules.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, TypeVar, cast

from engine.policy.contracts import AuditDecision, audit, contract, other_line
from engine.policy.nodes import Mapping, Node, Scalar
from engine.policy.problems import Problems
from engine.policy.readers import (
    Reader,
    choice,
    integer,
    listing,
    mapping,
    name,
    number,
    record,
    share,
    unique,
    word,
    yuan,
)
from engine.policy.settings import REQUIRED, Mechanism, Param, PoolParam, Required
from engine.policy.shapes import POOLS, HospitalPool, by_hospital_and_pool, pool, pots, score_table, tiers
from pointvalue.model import Contract, MoneyLine, PoolSharing, PotTerms, ScoreTable, SharingTier
from pointvalue.terms import (
    NEXT_BASE_DEFAULT,
    AssessmentOn,
    AuditValue,
    Basis,
    Cause,
    MonthlyBasis,
    NegativeCase,
    NegativeFinal,
    PatientPart,
    Payable,
    PotUnit,
    ReserveBase,
    RoundingMode,
    SharingAmount,
    SharingDenominator,
    VarianceTo,
)

T = TypeVar("T")
EXACT: Final = "exact"
"""`dp: exact` pays at the fraction itself."""


def by_pool(read: Reader[T]) -> Reader[dict[str, T]]:
    """One value for every pool, or a mapping by pool."""
    split = mapping(pool(), read)

    def reader(node: Node, problems: Problems) -> dict[str, T]:
        if isinstance(node, Mapping) and any(key.text.isdigit() for key, _ in node.entries):
            return split(node, problems)
        value = read(node, problems)
        return dict.fromkeys(POOLS, value)

    return reader


def in_pool(
    key: str,
    read: Reader[T],
    zh: str,
    default: T | Required = REQUIRED,
    *,
    unit: str = "",
    how: bool = False,
    default_tag: str = "U",
) -> PoolParam[T]:
    """A parameter that may differ between pools."""
    shell: dict[str, T] | Required = default if isinstance(default, Required) else {}
    return PoolParam(
        Param(key, by_pool(read), zh, unit=unit, default=shell, how=how, default_tag=default_tag, fallback=default),
        default,
    )


def amounts(key: str, zh: str, read: Callable[[Node, Problems], T], default: T | Required = REQUIRED) -> PoolParam[T]:
    """Money of one year, always written by pool."""
    shell: dict[str, T] | Required = default if isinstance(default, Required) else {}
    param = Param(key, mapping(pool(), read), zh, unit="CNY", default=shell, yearly=True)
    return PoolParam(param, default)


def maybe(read: Reader[T]) -> Reader[T | None]:
    """The same reader where None is a possible default."""
    return cast("Reader[T | None]", read)


def _dp(node: Node, problems: Problems) -> int | None:
    if isinstance(node, Scalar) and node.text == EXACT:
        return None
    return integer(0, 8)(node, problems)


def _set_of(kind: type[T], *allowed: str) -> Reader[frozenset[T]]:
    read = unique(choice(*allowed))
    build = cast("Callable[[str], T]", kind)
    return lambda node, problems: frozenset(build(found) for found in read(node, problems))


PLAN = amounts("budget.plan", "年度预算", yuan())
PRIOR_ACTUAL = amounts("budget.prior_actual", "上年决算", maybe(yuan()), None)
OUTSIDE: PoolParam[dict[str, int]] = amounts("budget.outside", "预算外拨项目", mapping(name(), yuan()), {})
FIXED_LINES: PoolParam[dict[str, int]] = amounts("budget.fixed_lines", "定额类额度", mapping(name(), yuan()), {})
GROWTH_CAP = in_pool("budget.growth_cap", maybe(number("-1", "1")), "预算增幅上限", None, unit="/1")
RESERVE_RATE = in_pool("budget.reserve_rate", share(), "风险金比例", unit="/1")
RESERVE_BASE = in_pool("budget.reserve_base", choice(*ReserveBase), "风险金基数", "total", how=True)
RESERVE_FOR_SHARES = in_pool("budget.reserve_for_shares", share(), "可用于超支分担的风险金比例", Fraction(1), unit="/1")
FIXED_VARIANCE = in_pool("budget.fixed_variance", choice(*VarianceTo), "定额类结余超支归属", "reserve", how=True)
FIXED_VARIANCE_BY_LINE: PoolParam[dict[str, str]] = in_pool(
    "budget.fixed_variance_by_line", mapping(name(), choice(*VarianceTo)), "分项归属", {"special": "points"}, how=True
)
POTS: PoolParam[tuple[PotTerms, ...]] = in_pool("budget.pots", pots, "点数池划分", (), unit="/1")

BASIS = in_pool("point_value.basis", choice(*Basis), "点值分子", "total_cost_observed", how=True)
PAYABLE = in_pool("point_value.payable", choice(*Payable), "病例应付口径", "minus_patient", how=True)
DP: PoolParam[int | None] = in_pool("point_value.dp", _dp, "点值小数位", 4, how=True, default_tag="PH")
MODE = in_pool("point_value.mode", choice(*RoundingMode), "点值舍入", "half_up", how=True, default_tag="PH")
LOWER = in_pool("point_value.lower", maybe(number("0", "1")), "点值下限", None, unit="/1")
UPPER = in_pool("point_value.upper", maybe(number("1", "10")), "点值上限", None, unit="/1")
RATIO = in_pool("point_value.reimbursement_ratio", maybe(number("0.000001", "1")), "报销比例", None, unit="/1")
POT_UNIT = in_pool("point_value.pot_unit", choice(*PotUnit), "点数池单位", "pool", how=True)

POOL_SHARING = in_pool(
    "pool_sharing",
    maybe(record(PoolSharing, {"surplus_to_hospitals": share(), "deficit_to_hospitals": share()})),
    "区域共担",
    None,
    unit="/1",
)

MONTHLY_BASIS = in_pool("monthly.basis", choice(*MonthlyBasis), "月度申报口径", "booked_fund", how=True)
MONTHLY_RATE = in_pool("monthly.rate", share(), "月度拨付比例", Fraction(1), unit="/1")
RATE_BY_CREDIT: PoolParam[dict[str, Fraction]] = in_pool(
    "monthly.rate_by_credit",
    mapping(word(r"[A-Za-z][A-Za-z0-9]{0,7}", "以字母开头的信用等级", "a credit class such as A"), share()),
    "按信用等级的拨付比例",
    {},
    unit="/1",
)
MONTHLY_QUOTA: Param[dict[HospitalPool, int]] = Param(
    "monthly.quota", by_hospital_and_pool(), "月度额度", unit="CNY", default={}, per="hospital"
)
DEPOSIT_RATE = in_pool("deposit.rate", share(), "质量保证金比例", unit="/1")
DEPOSIT_RELEASE = in_pool("deposit.release", score_table("release"), "质量保证金返还", unit="/1")
DEPOSIT_REASON: Param[str] = Param("deposit.override_reason", word(), "超过 5 % 的依据", default="", how=True)
ADVANCE: Param[dict[HospitalPool, int]] = Param(
    "advance", by_hospital_and_pool(), "周转金预付", unit="CNY", default={}, yearly=True, per="hospital"
)

TIERS: PoolParam[tuple[SharingTier, ...]] = in_pool("surplus_and_overspend", tiers, "结余留用与超支分担", unit="/1")
SHARING_AMOUNT = in_pool("surplus_and_overspend.amount", choice(*SharingAmount), "比较口径", "fund", how=True)
SHARING_DENOMINATOR = in_pool(
    "surplus_and_overspend.denominator", choice(*SharingDenominator), "分档分母", "standard", how=True
)
ALSO_SCHEMES: PoolParam[tuple[str, ...]] = in_pool(
    "surplus_and_overspend.also_schemes", unique(name()), "一并计算的定额类", (), how=True
)
SURPLUS_CAP = in_pool("surplus_and_overspend.surplus_cap", maybe(share()), "留用上限", None, unit="/1")
OVERSPEND_CAP = in_pool("surplus_and_overspend.overspend_cap", maybe(share()), "分担上限", None, unit="/1")
ACTUAL_BELOW = in_pool("surplus_and_overspend.actual_below", maybe(share()), "低于此比例按实支付", None, unit="/1")
SHARING_QUOTA: Param[dict[HospitalPool, int]] = Param(
    "surplus_and_overspend.quota",
    by_hospital_and_pool(),
    "医院额度",
    unit="CNY",
    default={},
    yearly=True,
    per="hospital",
)
HOSPITAL_CAP = in_pool("hospital_growth_cap", maybe(number("-1", "1")), "医院增幅上限", None, unit="/1")
HOSPITAL_PRIOR: Param[dict[HospitalPool, int]] = Param(
    "hospital_growth_cap.prior",
    by_hospital_and_pool(),
    "上年支付标准",
    unit="CNY",
    default={},
    yearly=True,
    per="hospital",
)
ASSESSMENT: PoolParam[ScoreTable] = in_pool("assessment", score_table("coefficient"), "考核系数", (), unit="/1")
ASSESSMENT_ON: PoolParam[frozenset[AssessmentOn]] = in_pool(
    "assessment.applies_to", _set_of(AssessmentOn, *AssessmentOn), "考核系数作用于", frozenset(), how=True
)
NEGATIVE_CASE = in_pool("negative_case", choice(*NegativeCase), "负值病例", "keep", how=True)
NEGATIVE_FINAL = in_pool("negative_final", choice(*NegativeFinal), "清算为负", "carry", how=True)
NEXT_BASE: PoolParam[frozenset[Cause]] = in_pool(
    "next_base_include", _set_of(Cause, *Cause), "下年基数包含", NEXT_BASE_DEFAULT, how=True
)

PATIENT_PART: Param[str] = Param("penalties.patient_part", choice(*PatientPart), "个人负担", default="keep", how=True)
PENALTY_VALUE: Param[str] = Param("penalties.pv", choice(*AuditValue), "扣减点值", default="recomputed", how=True)
BEHAVIOURS: Param[dict[str, Fraction]] = Param(
    "penalties.behaviours", mapping(name(), number("0", "10")), "违规行为加扣倍数", unit="/1", default={}
)
AUDITS: Param[tuple[AuditDecision, ...]] = Param("audits", listing(audit), "审核决定", default=(), yearly=True)
CONTRACTS: Param[tuple[Contract, ...]] = Param(
    "contracts", listing(contract), "年度协议", unit="CNY", default=(), yearly=True
)
SUPPLIER_PAID: Param[dict[HospitalPool, int]] = Param(
    "supplier_paid", by_hospital_and_pool(), "代付货款", unit="CNY", default={}, yearly=True, per="hospital"
)
OTHER_LINES: Param[tuple[MoneyLine, ...]] = Param(
    "other_lines", listing(other_line), "其他清算项目", unit="CNY", default=(), yearly=True
)

REQUIRED_BY_POOL: Final[tuple[PoolParam[Any], ...]] = (PLAN, RESERVE_RATE, DEPOSIT_RATE, DEPOSIT_RELEASE, TIERS)
"""Pool parameters without a default: every pool of the area has them."""


def _of(*params: Param[Any] | PoolParam[Any]) -> tuple[Param[Any], ...]:
    return tuple(param.param if isinstance(param, PoolParam) else param for param in params)


_BUDGET = _of(
    PLAN, PRIOR_ACTUAL, OUTSIDE, FIXED_LINES, GROWTH_CAP, RESERVE_RATE, RESERVE_BASE, RESERVE_FOR_SHARES
) + _of(FIXED_VARIANCE, FIXED_VARIANCE_BY_LINE, POTS)
_SHARING = _of(TIERS, SHARING_AMOUNT, SHARING_DENOMINATOR, ALSO_SCHEMES, SURPLUS_CAP, OVERSPEND_CAP, ACTUAL_BELOW)

MONEY_MECHANISMS: Final = (
    Mechanism("budget", "总额预算", _BUDGET),
    Mechanism("point_value", "点值", _of(BASIS, PAYABLE, DP, MODE, LOWER, UPPER, RATIO, POT_UNIT), needs=False),
    Mechanism("pool_sharing", "区域共担", _of(POOL_SHARING), needs=False),
    Mechanism("monthly", "月度预结算", _of(MONTHLY_BASIS, MONTHLY_RATE, RATE_BY_CREDIT, MONTHLY_QUOTA), needs=False),
    Mechanism("deposit", "质量保证金", _of(DEPOSIT_RATE, DEPOSIT_RELEASE, DEPOSIT_REASON)),
    Mechanism("advance", "周转金", _of(ADVANCE), needs=False),
    Mechanism("surplus_and_overspend", "结余留用与超支分担", (*_SHARING, SHARING_QUOTA)),
    Mechanism("hospital_growth_cap", "医院增幅上限", _of(HOSPITAL_CAP, HOSPITAL_PRIOR), needs=False),
    Mechanism("assessment", "考核", _of(ASSESSMENT, ASSESSMENT_ON), needs=False),
    Mechanism("negative_case", "负值病例", _of(NEGATIVE_CASE), needs=False),
    Mechanism("negative_final", "清算为负", _of(NEGATIVE_FINAL), needs=False),
    Mechanism("next_base_include", "下年基数", _of(NEXT_BASE), needs=False),
    Mechanism("penalties", "违规扣减", _of(PATIENT_PART, PENALTY_VALUE, BEHAVIOURS), needs=False),
    Mechanism("audits", "审核决定", _of(AUDITS), needs=False),
    Mechanism("contracts", "年度协议", _of(CONTRACTS), needs=False),
    Mechanism("supplier_paid", "代付货款", _of(SUPPLIER_PAID), needs=False),
    Mechanism("other_lines", "其他清算项目", _of(OTHER_LINES), needs=False),
)
