"""Whether the settled year of an area makes sense, before a single case is scored.

In: an `AreaYear`; out: every fault found, each with the key path it stands at, so that the policy loader can add file
and line. A fault is the policy author's: the run must not start.
It checks shape and meaning of numbers, never whether a city really ruled so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise

from pointvalue.check_scoring import check_schemes
from pointvalue.faults import Fault, not_a_share
from pointvalue.model import AreaYear, BundleContract, MonthTerms, Pool, ScoreSlope, ScoreTable, Sharing, SharingTier
from pointvalue.terms import (
    BASIS_PAYABLE_PAIRS,
    POINT_KINDS,
    Basis,
    Cause,
    SharingAmount,
    SharingDenominator,
    Side,
)

DEPOSIT_CEILING = Fraction(5, 100)
"""National ceiling of the quality deposit: 2025 经办规程 art. 26."""
DEPOSIT_CEILING_FROM = (2025, 1)
"""First period the ceiling binds: it came into force on 2025-01-26, before January was settled."""


class AreaFaulty(ValueError):
    """The policy cannot be settled; `faults` lists every reason."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


def require_sound(area: AreaYear) -> None:
    """Refuse a year whose policy has a fault."""
    faults = check_area(area)
    if faults:
        raise AreaFaulty(faults)


def check_area(area: AreaYear) -> tuple[Fault, ...]:
    """Every fault of an area's year, in order of its keys."""
    return tuple(_all(area))


def _all(area: AreaYear) -> Iterator[Fault]:
    codes = area.hospital_codes
    if list(codes) != sorted(set(codes)):
        yield Fault("hospitals", "hospital codes must be unique and ascending", "医院编码须唯一且升序")
    yield from _unique("pools", [pool.id for pool in area.pools])
    yield from _unique("schemes", [scheme.name for scheme in area.schemes])
    yield from check_schemes(area)
    if not 0 <= area.readmission_factor <= 1:
        yield not_a_share("readmission.factor_prev", area.readmission_factor)
    for pool in area.pools:
        yield from _pool(area, pool)
    yield from _decisions(area)


def _unique(path: str, names: list[str]) -> Iterator[Fault]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(path, f"{name} is given twice", f"{name} 重复")


def _pool(area: AreaYear, pool: Pool) -> Iterator[Fault]:
    at = f"pools.{pool.id}"
    yield from _budget(pool, at)
    yield from _pots(area, pool, at)
    yield from _point_value(pool, at)
    yield from _months(area, pool, at)
    yield from check_score_table(f"{at}.deposit.release", pool.deposit_release, required=True)
    yield from check_score_table(f"{at}.assessment.tiers", pool.assessment, required=bool(pool.assessment_on))
    if pool.pool_sharing is not None:
        for key in ("surplus_to_hospitals", "deficit_to_hospitals"):
            value = getattr(pool.pool_sharing, key)
            if not 0 <= value <= 1:
                yield not_a_share(f"{at}.pool_sharing.{key}", value)
    if pool.sharing is not None:
        yield from _sharing(area, pool, pool.sharing, f"{at}.sharing")
    for key, table in (("advances", pool.advance_fen), ("supplier_paid", pool.supplier_paid_fen)):
        yield from _known_hospitals(area, f"{at}.{key}", table)
        yield from _not_negative(f"{at}.{key}", table.values())


def _budget(pool: Pool, at: str) -> Iterator[Fault]:
    yield from _not_negative(f"{at}.plan_fen", [pool.plan_fen])
    if pool.plan_fen + pool.adjustment_fen < 0:
        yield Fault(f"{at}.adjustment_fen", "the year's changes leave a plan below zero", "年中调整后预算为负")
    yield from _not_negative(f"{at}.outside_fen", pool.outside_fen.values())
    yield from _not_negative(f"{at}.fixed_lines_fen", pool.fixed_lines_fen.values())
    if pool.growth_cap is not None and pool.prior_actual_fen is None:
        yield Fault(
            f"{at}.prior_actual_fen", "growth_cap needs the prior year's actual spend", "增长上限需要上年实际支出"
        )
    if pool.growth_cap is not None and pool.growth_cap < -1:
        yield Fault(f"{at}.growth_cap", "a growth cap below −100 % is no budget", "增长上限低于 −100%")
    for key in ("rate", "for_shares"):
        value = getattr(pool.reserve, key)
        if not 0 <= value <= 1:
            yield not_a_share(f"{at}.reserve.{key}", value)


def _pots(area: AreaYear, pool: Pool, at: str) -> Iterator[Fault]:
    point_schemes = {scheme.name for scheme in area.schemes if scheme.kind in POINT_KINDS}
    for place, pot in enumerate(pool.pots):
        if pot.scheme not in point_schemes:
            allowed = ", ".join(sorted(point_schemes)) or "none"
            yield Fault(
                f"{at}.pots.{place}.scheme",
                f"{pot.scheme} is no point scheme; allowed: {allowed}",
                f"{pot.scheme} 不是点数方案；可选：{allowed}",
            )
        if not 0 <= pot.ratio <= 1:
            yield not_a_share(f"{at}.pots.{place}.ratio", pot.ratio)
        if pot.price is not None and pot.price < 0:
            yield Fault(f"{at}.pots.{place}.price", "a price below zero", "费率为负")
    ratios = sum((pot.ratio for pot in pool.pots), Fraction(0))
    if ratios != 1 and (point_schemes or pool.pots):
        yield Fault(f"{at}.pots", f"pot ratios add up to {ratios}, must be 1", f"点数池比例合计为 {ratios}，应为 1")
    yield from _unique(f"{at}.pots", [pot.label for pot in pool.pots])


def _point_value(pool: Pool, at: str) -> Iterator[Fault]:
    terms = pool.point_value
    if (terms.basis, terms.payable) not in BASIS_PAYABLE_PAIRS:
        pairs = "; ".join(sorted(f"{basis} + {payable}" for basis, payable in BASIS_PAYABLE_PAIRS))
        yield Fault(
            f"{at}.point_value",
            f"{terms.basis} with {terms.payable} does not add up to the fund; allowed: {pairs}",
            f"{terms.basis} 与 {terms.payable} 不能配对；可选：{pairs}",
        )
    if terms.basis is Basis.TOTAL_COST_RATIO and (terms.ratio is None or not 0 < terms.ratio <= 1):
        yield Fault(
            f"{at}.point_value.ratio", "total_cost_ratio needs a ratio above 0, up to 1", "缺少报销比例（0 至 1）"
        )
    if terms.dp is not None and not 0 <= terms.dp <= 12:
        yield Fault(f"{at}.point_value.dp", "decimals must be 0 to 12, or null for exact", "小数位须为 0 至 12 或 null")
    lower, upper = terms.lower, terms.upper
    if lower is not None and upper is not None and lower > upper:
        yield Fault(f"{at}.point_value.lower", "the lower bound lies above the upper", "下限高于上限")
    for key, bound in (("lower", lower), ("upper", upper)):
        if bound is not None and bound < 0:
            yield Fault(f"{at}.point_value.{key}", "a bound below zero", "上下限为负")


def _months(area: AreaYear, pool: Pool, at: str) -> Iterator[Fault]:
    if len(pool.months) != 12:
        yield Fault(f"{at}.months", f"twelve months needed, found {len(pool.months)}", "须给出十二个月的条款")
    for month, terms in enumerate(pool.months, start=1):
        here = f"{at}.months.{area.year}-{month:02d}"
        for key, rate in {
            "rate": terms.rate,
            **{f"rate_by_credit.{c}": r for c, r in terms.rate_by_credit.items()},
        }.items():
            if not 0 <= rate <= 1:
                yield not_a_share(f"{here}.{key}", rate)
        if not 0 <= terms.deposit_rate <= 1:
            yield not_a_share(f"{here}.deposit.rate", terms.deposit_rate)
        elif _deposit_needs_reason(terms, area.year, month):
            yield Fault(
                f"{here}.deposit.rate",
                f"{terms.deposit_rate} is above the national ceiling of 5 % from 2025-01-26; "
                f"lower it or give deposit.override_reason",
                "质量保证金超过 5%（2025 经办规程第二十六条），请下调或给出 override_reason",
            )


def _deposit_needs_reason(terms: MonthTerms, year: int, month: int) -> bool:
    above = terms.deposit_rate > DEPOSIT_CEILING and (year, month) >= DEPOSIT_CEILING_FROM
    return above and not terms.deposit_override_reason


def check_score_table(path: str, table: ScoreTable, required: bool) -> Iterator[Fault]:
    """A table of scores: steps from high to low, the last from 0, values 0..1."""
    if isinstance(table, ScoreSlope):
        if table.per_point < 0:
            yield Fault(path, "per_point below zero", "每分扣减比例为负")
        return
    if not table:
        if required:
            yield Fault(path, "the table is missing", "缺少分档表")
        return
    scores = [step.score_from for step in table]
    if any(low >= high for high, low in pairwise(scores)):
        yield Fault(path, "steps must go from the highest score down", "分档须从高到低")
    if scores[-1] > 0:
        yield Fault(path, f"scores under {scores[-1]} have no step; let the last one start at 0", "末档须从 0 分起")
    for place, step in enumerate(table):
        if not 0 <= step.value <= 1:
            yield not_a_share(f"{path}.{place}", step.value)


def _sharing(area: AreaYear, pool: Pool, sharing: Sharing, at: str) -> Iterator[Fault]:
    for side in Side:
        yield from _tiers(at, side, [tier for tier in sharing.tiers if tier.side is side])
    if sharing.amount is SharingAmount.TOTAL_COST and pool.point_value.basis is Basis.FUND:
        yield Fault(
            f"{at}.amount", "basis fund has no total-cost standard; use amount: fund", "fund 口径不能按总费用比较"
        )
    for key in ("surplus_cap", "overspend_cap", "actual_below"):
        value = getattr(sharing, key)
        if value is not None and value < 0:
            yield Fault(f"{at}.{key}", "below zero", "不能为负")
    if sharing.denominator is SharingDenominator.QUOTA and not sharing.quota_fen:
        yield Fault(f"{at}.quota", "denominator quota needs a quota per hospital", "缺少医院额度")
    yield from _known_hospitals(area, f"{at}.quota", sharing.quota_fen)
    own_price = {scheme.name for scheme in area.schemes if scheme.kind not in POINT_KINDS} | {"ffs", "special"}
    for name in sharing.also_schemes:
        if name not in own_price:
            yield Fault(f"{at}.also_schemes", f"{name} is no fixed line", f"{name} 不是定额类")


def _tiers(at: str, side: Side, tiers: list[SharingTier]) -> Iterator[Fault]:
    """Tiers of one side: from 0, without gaps or overlaps, the last open, shares 0..1."""
    path = f"{at}.tiers.{side}"
    if not tiers:
        yield Fault(path, "no tiers; write one open tier with share 0 if nothing is shared", "缺少分档")
        return
    edge: Fraction | None = Fraction(0)
    for place, tier in enumerate(tiers):
        here = f"{path}.{place}"
        if edge is None:
            yield Fault(here, "a tier stands after the open one", "开放档之后不应再有分档")
        elif tier.start != edge:
            yield Fault(here, f"starts at {tier.start}, must start at {edge}", f"起点 {tier.start}，应为 {edge}")
        if tier.end is not None and tier.end <= tier.start:
            yield Fault(here, "ends where it starts or before", "终点不高于起点")
        if not 0 <= tier.share <= 1:
            yield not_a_share(f"{here}.share", tier.share)
        edge = tier.end
    if edge is not None:
        yield Fault(path, f"the last tier ends at {edge}; it must be open (to: null)", "末档须开放（to: null）")


def _decisions(area: AreaYear) -> Iterator[Fault]:
    pools = {pool.id for pool in area.pools}
    for place, contract in enumerate(area.contracts):
        at = f"contracts.{place}"
        yield from _place(area, pools, at, contract.hospital, contract.pool)
        if isinstance(contract, BundleContract):
            for key in ("retain", "fund_bears_deficit"):
                value = getattr(contract, key)
                if not 0 <= value <= 1:
                    yield not_a_share(f"{at}.{key}", value)
            yield from _known_hospitals(area, f"{at}.members", contract.members)
    for place, audit in enumerate(area.audits):
        if audit.extra_multiple < 0:
            yield Fault(f"audits.{place}.extra_base_multiple", "below zero", "不能为负")
    for place, line in enumerate(area.money_lines):
        yield from _place(area, pools, f"money_lines.{place}", line.hospital, line.pool)
        if line.cause not in (Cause.AUDIT_MONEY, Cause.OTHER):
            yield Fault(f"money_lines.{place}.cause", "allowed: audit_money, other", "可选：audit_money、other")


def _place(area: AreaYear, pools: set[str], at: str, hospital: str, pool: str) -> Iterator[Fault]:
    yield from _known_hospitals(area, f"{at}.hospital", [hospital])
    if pool not in pools:
        yield Fault(f"{at}.pool", f"unknown pool {pool}; allowed: {', '.join(sorted(pools))}", f"未知险种 {pool}")


def _known_hospitals(area: AreaYear, path: str, codes: Iterable[str]) -> Iterator[Fault]:
    known = set(area.hospital_codes)
    for code in codes:
        if code not in known:
            yield Fault(path, f"unknown hospital {code}", f"未知医院 {code}")


def _not_negative(path: str, amounts: Iterable[int]) -> Iterator[Fault]:
    for amount in amounts:
        if amount < 0:
            yield Fault(path, f"{amount} fen is below zero", f"{amount} 分为负")
