"""Whether the scoring rules of an area make sense: class sets, limits, shapes, fixed prices.

In: an `AreaYear`; out: faults with their key paths. Called by `check`, which describes the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pointvalue.class_tables import SMALL
from pointvalue.faults import Fault, not_a_share
from pointvalue.model import AreaYear, BedDayTier, ClassRule, ClassSet, Condition, FixedScheme, KLimit, PointScheme
from pointvalue.terms import POINT_KINDS, Denominator, SchemeKind, Shape

NEEDS_K = frozenset({Shape.LINEAR_ADD, Shape.EXCESS_PLUS_ONE, Shape.EXCESS_PLUS_COEF, Shape.DEDUCT, Shape.CAP})


def check_schemes(area: AreaYear) -> Iterator[Fault]:
    """Faults of every scheme, and of what hospitals bring to it."""
    for hospital in area.hospitals:
        if not 0 < hospital.coefficient_e6 < SMALL:
            yield Fault(f"hospitals.{hospital.code}.coefficient", "must be above 0 and under 2147", "系数超出范围")
    for place, factor in enumerate(area.new_tech_year_factors):
        if factor < 0:
            yield Fault(f"new_tech.year_factors.{place}", "below zero", "不能为负")
    for scheme in area.schemes:
        if isinstance(scheme, FixedScheme):
            yield from _fixed_scheme(scheme)
        elif scheme.kind is SchemeKind.POINTS:
            yield from _point_scheme(area, scheme)


def _point_scheme(area: AreaYear, scheme: PointScheme) -> Iterator[Fault]:
    at = f"schemes.{scheme.name}"
    if scheme.scale <= 0:
        yield Fault(f"{at}.scale", "must be above 0", "须大于 0")
    if scheme.region_mean_fen <= 0:
        yield Fault(f"{at}.region_mean_fen", "must be above 0", "须大于 0")
    for pool, value in scheme.budget_point_value.items():
        if value <= 0:
            yield Fault(f"{at}.budget_pv.{pool}", "must be above 0", "须大于 0")
    if scheme.denominator is Denominator.STANDARD:
        used_by = [pool.id for pool in area.pools if any(pot.scheme == scheme.name for pot in pool.pots)]
        for pool in used_by:
            if pool not in scheme.budget_point_value:
                yield Fault(f"{at}.budget_pv.{pool}", "denominator pay_standard needs it", "缺少预算点值")
    if not scheme.class_sets:
        yield Fault(f"{at}.class_sets", "no class rules", "缺少分类规则")
    starts = [each.from_day for each in scheme.class_sets]
    if len(set(starts)) != len(starts):
        yield Fault(f"{at}.class_sets", "two sets start on the same day", "两套规则起始日相同")
    for place, class_set in enumerate(scheme.class_sets):
        yield from _class_set(f"{at}.class_sets.{place}", class_set)


def _class_set(at: str, class_set: ClassSet) -> Iterator[Fault]:
    rules = class_set.rules
    if not rules or rules[-1].when != Condition():
        yield Fault(f"{at}.rules", "the last rule must have no condition", "末条规则不得带条件")
    for place, rule in enumerate(rules[:-1]):
        if rule.when == Condition() and rule.shape is not Shape.TCM_BASE:
            yield Fault(f"{at}.rules.{place}", f"{rule.id} always matches: no later rule is reached", "其后规则无效")
    names = [rule.id for rule in rules]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(f"{at}.rules", f"rule id {name} is given twice", f"规则 {name} 重复")
    yield from _k_limits(f"{at}.k", class_set.k_limits)
    for place, rule in enumerate(rules):
        yield from _rule(f"{at}.rules.{place}", rule, bool(class_set.k_limits))


def _k_limits(at: str, limits: tuple[KLimit, ...]) -> Iterator[Fault]:
    if not limits:
        return
    edge: Fraction | None = Fraction(0)
    for place, limit in enumerate(limits):
        if edge is None:
            yield Fault(f"{at}.{place}", "a limit stands after the open one", "开放档之后不应再有界限")
        elif limit.upto is not None and limit.upto <= edge:
            yield Fault(f"{at}.{place}.upto", "limits must ascend", "界限须递增")
        if limit.k <= 0 or _too_fine(limit.k):
            yield Fault(f"{at}.{place}.k", "must be above 0, with at most 9 digits", "K 须大于 0，至多 9 位数字")
        edge = limit.upto
    if edge is not None:
        yield Fault(at, "the last limit must be open (upto: null)", "末档须开放（upto: null）")


def _rule(at: str, rule: ClassRule, has_k: bool) -> Iterator[Fault]:
    when = rule.when
    interval = when.cost_ratio
    names_k = interval is not None and "k" in (interval.above, interval.below)
    if (names_k or rule.shape in NEEDS_K) and rule.k is None and not has_k:
        yield Fault(at, f"{rule.id} needs the limit K: give k in the rule or the class set", "缺少界限 K")
    if interval is not None and isinstance(interval.above, Fraction) and isinstance(interval.below, Fraction):
        empty = interval.above > interval.below
        empty |= interval.above == interval.below and not (interval.above_in and interval.below_in)
        if empty:
            yield Fault(f"{at}.when.cost_ratio", "the interval is empty", "区间为空")
    if when.top_share is not None and not 0 <= when.top_share <= 1:
        yield not_a_share(f"{at}.when.top", when.top_share)
    if when.days_from is not None and when.days_upto is not None and when.days_from > when.days_upto:
        yield Fault(f"{at}.when", "days_from lies above days_upto", "天数区间为空")
    numbers: list[Fraction | None] = [rule.factor, rule.add, rule.k]
    if interval is not None:
        numbers += [limit for limit in (interval.above, interval.below) if isinstance(limit, Fraction)]
    if when.tcm is not None:
        numbers.append(when.tcm.ratio_min)
    for number in numbers:
        if number is not None and (number < 0 or _too_fine(number)):
            yield Fault(at, f"{number} must not be below 0 nor have more than 9 digits", f"{number} 为负或位数过多")


def _too_fine(number: Fraction) -> bool:
    return number.numerator >= SMALL or number.denominator >= SMALL


def _fixed_scheme(scheme: FixedScheme) -> Iterator[Fault]:
    at = f"schemes.{scheme.name}"
    if scheme.kind in POINT_KINDS:
        yield Fault(f"{at}.kind", "a fixed scheme cannot be of kind points", "定额类不能为点数")
    if scheme.kind in (SchemeKind.BED_DAY, SchemeKind.SINGLE):
        if not scheme.fund_ratio:
            yield Fault(f"{at}.fund_ratio", "missing", "缺少统筹支付比例")
        for pool, ratio in scheme.fund_ratio.items():
            if not 0 <= ratio <= 1:
                yield not_a_share(f"{at}.fund_ratio.{pool}", ratio)
    if scheme.kind is SchemeKind.BED_DAY:
        yield from _bed_days(f"{at}.tiers", scheme.tiers)
        for group, tiers in scheme.tiers_by_group.items():
            yield from _bed_days(f"{at}.tiers_by_group.{group}", tiers)
    if scheme.deviation is not None:
        if scheme.kind is not SchemeKind.SINGLE:
            yield Fault(f"{at}.deviation", "only a single disease is shared around its quota", "仅单病种可按偏离分担")
        shares = {"share": scheme.deviation.share, "width": scheme.deviation.width}
        own = {f"own_ratio.{'/'.join(key)}": part for key, part in scheme.deviation.own_ratio.items()}
        for name, part in {**shares, **own}.items():
            if not 0 <= part <= 1:
                yield not_a_share(f"{at}.deviation.{name}", part)
    for _, later in scheme.later:
        yield from _fixed_scheme(later)
    for key, quota in scheme.quota_fen.items():
        if quota < 0:
            yield Fault(f"{at}.quota_fen.{'/'.join(key)}", "below zero", "不能为负")


def _bed_days(at: str, tiers: tuple[BedDayTier, ...]) -> Iterator[Fault]:
    """Tiers of days from the first day on, without gaps, the last open."""
    next_day: int | None = 1
    for place, tier in enumerate(tiers):
        if tier.first != next_day:
            yield Fault(f"{at}.{place}", f"starts on day {tier.first}, must start on {next_day}", "床日分档不连续")
        if tier.last is not None and tier.last < tier.first:
            yield Fault(f"{at}.{place}", "ends before it starts", "终止日早于起始日")
        if tier.rate_fen < 0:
            yield Fault(f"{at}.{place}.rate_fen", "below zero", "不能为负")
        next_day = None if tier.last is None else tier.last + 1
    if not tiers or next_day is not None:
        yield Fault(at, "the last tier must be open (to: null)", "末档须开放（to: null）")
