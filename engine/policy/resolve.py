"""A policy read at the dates of one settlement year 「政策按日期取值」.

In: an `AreaPolicy` and a year; out: `AreaYear` for the data plane, the dated tables that price single cases, and the
list of values used. Values of the year are those in force on 31 December, of a month those on its last day, of a case
those on its own date. Units as in `pointvalue.model`. It never fills in a value that has no documented default.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Final, Generic, TypeVar, cast

from engine.policy import case_params as case
from engine.policy import money_params as money
from engine.policy.case_flags import FlagDefinition
from engine.policy.crosscheck import CEILING, CEILING_FROM
from engine.policy.facts import CaseFacts, resolve_facts, with_facts_terms
from engine.policy.load import AreaPolicy
from engine.policy.predicates import When
from engine.policy.problems import Place, Problems, refuse
from engine.policy.readers import plain
from engine.policy.resolve_added import computed_coefficients, with_added
from engine.policy.resolve_pool import resolve_pool
from engine.policy.settings import Desk, Param, Used
from engine.policy.single_tables import Disease
from engine.policy.tables import HospitalTable, WeightTable
from pointvalue.check import check_area
from pointvalue.model import (
    AreaYear,
    AuditCancel,
    ClassSet,
    FixedScheme,
    Hospital,
    KLimit,
    MoneyLine,
    PointScheme,
    Pool,
    Scheme,
)
from pointvalue.terms import AuditValue, Cause, Denominator, PatientPart, SchemeKind, SpecialPay

T = TypeVar("T")
EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True)
class Dated(Generic[T]):
    """A value that changes on certain days; asked for a day it answers the newest that has started."""

    key: str
    file: str
    starts: tuple[date, ...]
    values: tuple[T, ...]

    def on(self, day: date) -> T:
        if not self.starts:
            raise refuse(Place(self.file, 1, self.key), "no_value", found=self.key)
        index = bisect_right(self.starts, day) - 1
        if index < 0:
            raise refuse(Place(self.file, 1, self.key), "before_first", found=self.key, on=day, first=self.starts[0])
        return self.values[index]


@dataclass(frozen=True, slots=True)
class Route:
    """Which cases a scheme takes 「适用范围」: its condition, and what tells its own groups apart.

    A single-disease scheme knows its diseases, each with the (level, pool) pairs it has a quota for; a bed-day scheme
    its categories. `when` None takes every case that comes so far.
    """

    scheme: str
    kind: SchemeKind
    when: When | None
    diseases: tuple[Disease, ...] = ()
    priced: frozenset[tuple[str, str, str]] = frozenset()
    categories: tuple[case.BedDayCategory, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        """File columns its conditions read."""
        asked = [] if self.when is None else [self.when]
        return frozenset().union(*(each.columns for each in (*asked, *(c.when for c in self.categories))))


@dataclass(frozen=True)
class ResolvedPolicy:
    """Everything a run of one year needs from a policy.

    `weights` by scheme and `coefficients_e6` by hospital are read at the case's own date; `area` holds the rest.
    `case_values_by` is "pack" where the pack's `chosen_by` decides.
    """

    area: AreaYear
    version: str
    fingerprint: str
    period_by: str
    case_values_by: str
    packs: tuple[case.PackEntry, ...]
    routes: tuple[Route, ...]
    weights: Mapping[str, Dated[WeightTable]]
    coefficients_e6: Dated[Mapping[str, int]]
    flags: Dated[tuple[FlagDefinition, ...]]
    special_quota: Mapping[str, Fraction]
    facts: CaseFacts
    objection_days: int | None
    objection_how: str
    used: tuple[Used, ...]

    @property
    def unverified(self) -> tuple[Used, ...]:
        """The values tagged U or PH that this run relies on: each is listed in the run report."""
        return tuple(used for used in self.used if used.unverified)

    @property
    def defaults(self) -> tuple[Used, ...]:
        """The values the policy does not mention and the engine's documented default fills in."""
        return tuple(used for used in self.used if used.is_default)


def resolve(policy: AreaPolicy, year: int, chosen_by: str = "discharge_date") -> ResolvedPolicy:
    """The policy as it stands for one settlement year, with packs chosen by discharge or settlement date."""
    desk = policy.desk()
    end = date(year, 12, 31)
    latest = latest_value_day(desk, year, chosen_by)
    hospitals = _hospitals(desk, year)
    schemes = _schemes(desk, end, latest)
    pools = tuple(resolve_pool(desk, year, pool) for pool in sorted(desk.at(case.POOLS_HELD, end)))
    readmission = desk.at(case.READMISSION, end)
    _deposit_ceiling(desk, year, pools)
    area = AreaYear(
        name=policy.name,
        year=year,
        hospitals=hospitals,
        schemes=schemes,
        pools=pools,
        special_pay=SpecialPay(desk.at(case.SPECIAL_PAY, end)),
        readmission_factor=Fraction(1) if readmission is None else readmission.factor_prev,
        new_tech_year_factors=desk.at(case.NEW_TECH, end),
        penalty_patient_part=PatientPart(desk.at(money.PATIENT_PART, end)),
        contracts=desk.at(money.CONTRACTS, end),
        audits=_cancelled(desk, end),
        money_lines=(*_money_lines(desk, end), *desk.at(money.OTHER_LINES, end)),
    )
    area = with_facts_terms(desk, with_added(desk, area, end), end)
    _sound(desk, area)
    facts = resolve_facts(desk, area, end, latest)
    points = [entry.id for entry in desk.at(case.SCHEMES, end) if entry.kind == SchemeKind.POINTS]
    return ResolvedPolicy(
        area=area,
        version=policy.version,
        fingerprint=policy.fingerprint,
        period_by=desk.at(case.PERIOD_BY, end),
        case_values_by=desk.at(case.CASE_VALUES_BY, end),
        packs=desk.at(case.PACKS, end),
        routes=routes_of(desk, end),
        weights={scheme: _weights(desk, scheme, end, latest) for scheme in points},
        coefficients_e6=_coefficients(desk, end, latest),
        flags=_flags(desk, latest),
        special_quota=desk.at(case.SPECIAL_QUOTA, end),
        facts=facts,
        objection_days=desk.at(case.OBJECTION_DAYS, end),
        objection_how=desk.at(case.OBJECTION_HOW, end),
        used=tuple(desk.used[key] for key in sorted(desk.used, key=str)),
    )


def _sound(desk: Desk, area: AreaYear) -> None:
    """What only shows once the values of a year stand together; the data plane would refuse it before settling."""
    problems = Problems()
    for fault in check_area(area):
        facts = {"on": area.year, "zh": fault.text_zh, "en": fault.text_en}
        problems.add(Place(desk.file, 1, fault.path), "unsound", **facts)
    problems.stop_if_any()


def _since_then(desk: Desk, param: Param[T], day: date) -> T:
    """The value of a parameter with a default, which holds as well before the first value starts."""
    setting = desk.settings.get(param.key)
    begun = setting is not None and (setting.starts[0].on or date.min) <= day
    return desk.at(param, day) if begun else cast("T", param.default)


def latest_value_day(desk: Desk, year: int, chosen_by: str) -> date:
    """The last day the values of a case of this year may be read at 「取值日期」.

    A case of the year by its discharge may be settled after it; where values go by settlement, they are next year's.
    """
    end = date(year, 12, 31)
    asked = desk.at(case.CASE_VALUES_BY, end)
    by_settlement = (chosen_by if asked == "pack" else asked) == "settlement_date"
    return date.max if by_settlement and desk.at(case.PERIOD_BY, end) == "discharge_date" else end


def _since(desk: Desk, param: Param[T], end: date) -> list[tuple[date, T]]:
    """Every value that starts up to a day, each noted as used; undated ones start with the calendar."""
    setting = desk.settings.get(param.key)
    if setting is None:
        return []
    days = [start.on or date.min for start in setting.starts if not start.ended and (start.on or date.min) <= end]
    return [(day, desk.at(param, day)) for day in days]


def _hospitals(desk: Desk, year: int) -> tuple[Hospital, ...]:
    """The hospitals of the year: the newest entry of each, also of one that closed before December."""
    opening, end = date(year, 1, 1), date(year, 12, 31)
    starts = [day for day, _ in _since(desk, case.HOSPITALS, end)]
    before = [day for day in starts if day <= opening][-1:]
    found: dict[str, Hospital] = {}
    for day in [*before, *(day for day in starts if day > opening), end]:
        found.update({hospital.code: hospital for hospital in desk.at(case.HOSPITALS, day).hospitals})
    return tuple(found[code] for code in sorted(found))


def _coefficients(desk: Desk, end: date, latest: date) -> Dated[Mapping[str, int]]:
    """Hospital coefficients by day 「医疗机构系数」; all 1 where the area does not use them."""
    rows: list[tuple[date, HospitalTable]] = _since(desk, case.HOSPITALS, latest)
    by_hospital = desk.at(case.COEFFICIENT_USE, end) == "by_hospital"
    computed = computed_coefficients(desk, latest) if by_hospital else None
    if computed is not None:
        days, values = tuple(day for day, _ in computed), tuple(table for _, table in computed)
        return Dated(case.HOSPITALS.key, desk.file, days, values)
    tables = [{h.code: h.coefficient_e6 if by_hospital else 10**6 for h in table.hospitals} for _, table in rows]
    return Dated(case.HOSPITALS.key, desk.file, tuple(day for day, _ in rows), tuple(tables))


def _flags(desk: Desk, latest: date) -> Dated[tuple[FlagDefinition, ...]]:
    """What facts of the record make a flag, by day 「病例标志」."""
    rows = _since(desk, case.CASE_FLAGS, latest)
    return Dated(case.CASE_FLAGS.key, desk.file, tuple(day for day, _ in rows), tuple(value for _, value in rows))


def _weights(desk: Desk, scheme: str, end: date, latest: date) -> Dated[WeightTable]:
    """Weight tables by day. Those that meet in one pot must agree on scale and base year."""
    rows = [(day, tables[scheme]) for day, tables in _since(desk, case.WEIGHTS, latest)]
    start = date(end.year, 1, 1)
    meet = [day for day, _ in rows if day > start] + [start if rows[0][0] <= start else rows[0][0]]
    meet += [day for param in (case.SCALE, case.BASE_YEAR) for day, _ in _since(desk, param, latest) if day > start]
    terms = {(desk.at(case.SCALE, day)[scheme], desk.at(case.BASE_YEAR, day)[scheme]) for day in meet}
    if len(terms) > 1:
        found = ", ".join(f"scale {scale} base_year {base}" for scale, base in sorted(terms))
        raise refuse(desk.settings[case.WEIGHTS.key].place, "editions_differ", found=found, on=end.year)
    return Dated(case.WEIGHTS.key, desk.file, tuple(day for day, _ in rows), tuple(table for _, table in rows))


def _schemes(desk: Desk, end: date, latest: date) -> tuple[Scheme, ...]:
    return tuple(_any_scheme(desk, entry, end, latest) for entry in desk.at(case.SCHEMES, end))


def routes_of(desk: Desk, end: date) -> tuple[Route, ...]:
    """The schemes in the order in which they are asked to take a case."""
    routes = []
    for entry in desk.at(case.SCHEMES, end):
        kind = SchemeKind(entry.kind)
        if kind is SchemeKind.SINGLE:
            priced = frozenset((q.group, q.level, q.pool) for q in desk.at(case.SINGLE_QUOTA, end))
            routes.append(Route(entry.id, kind, entry.when, desk.at(case.SINGLE_DISEASES, end), priced))
        elif kind is SchemeKind.BED_DAY:
            routes.append(Route(entry.id, kind, entry.when, categories=desk.at(case.BED_DAY_CATEGORIES, end)))
        else:
            routes.append(Route(entry.id, kind, entry.when))
    return tuple(routes)


def _any_scheme(desk: Desk, entry: case.SchemeEntry, end: date, latest: date) -> Scheme:
    if entry.kind == SchemeKind.POINTS:
        return _point_scheme(desk, entry.id, end, latest)
    if entry.kind == SchemeKind.PACK_POINTS:
        prices = desk.at(case.BUDGET_POINT_VALUE, end).get(entry.id, {})
        return PointScheme(entry.id, 1, 1, (), prices, kind=SchemeKind.PACK_POINTS)
    return _fixed_scheme(desk, entry, latest)


_DATED: Final[tuple[Param[Any], ...]] = (case.REGION_MEAN, case.DENOMINATOR, case.SAME_PRICE)
"""What scoring reads beside rules and weights, at the case's own date."""


def _point_scheme(desk: Desk, name: str, end: date, latest: date) -> PointScheme:
    """A point scheme of the year, with the terms its cases are scored by on other days."""
    scheme = _scored_by(desk, name, end, end, latest)
    starts = [[day for day, _ in _since(desk, param, latest)] for param in _DATED]
    opening = min(starts[0])
    dated: list[tuple[int, PointScheme]] = []
    for day in sorted({opening, *(day for each in starts for day in each if day > opening)}):
        terms = _scored_by(desk, name, day, end, latest)
        if not dated or dated[-1][1] != terms:
            dated.append((max((day - EPOCH).days, 0), terms))
    return scheme if len(dated) == 1 else replace(scheme, dated=tuple(dated))


def _scored_by(desk: Desk, name: str, day: date, end: date, latest: date) -> PointScheme:
    return PointScheme(
        name=name,
        scale=desk.at(case.SCALE, end)[name],
        region_mean_fen=desk.at(case.REGION_MEAN, day)[name],
        class_sets=_class_sets(desk, name, latest),
        budget_point_value=desk.at(case.BUDGET_POINT_VALUE, end).get(name, {}),
        denominator=Denominator(_since_then(desk, case.DENOMINATOR, day).get(name, Denominator.GROUP_MEAN)),
        same_price_groups=frozenset(_since_then(desk, case.SAME_PRICE, day).get(name, ())),
    )


def _class_sets(desk: Desk, scheme: str, latest: date) -> tuple[ClassSet, ...]:
    """One set per day on which a rule or a limit changes, as long as a case may be read at it."""
    rules = [(day, value[scheme]) for day, value in _since(desk, case.CASE_CLASSES, latest)]
    limits = [(day, value.get(scheme, ())) for day, value in _since(desk, case.HIGH_LIMIT, latest)]
    days = sorted({day for day, _ in rules} | {day for day, _ in limits if day >= rules[0][0]})
    sets: list[ClassSet] = []
    for day in days:
        held = [value for since, value in rules if since <= day][-1]
        ks: list[tuple[KLimit, ...]] = [value for since, value in limits if since <= day]
        limit = ks[-1] if ks else ()
        if not sets or (sets[-1].rules, sets[-1].k_limits) != (held, limit):  # another scheme's change is none here
            sets.append(ClassSet(max((day - EPOCH).days, 0), held, limit))
    return tuple(sets)


_PRICES: Final[Mapping[SchemeKind, tuple[Param[Any], ...]]] = {
    SchemeKind.BED_DAY: (case.BED_DAY_TIERS, case.BED_DAY_BY_GROUP, case.BED_DAY_RATIO),
    SchemeKind.SINGLE: (case.SINGLE_QUOTA, case.SINGLE_RATIO),
}


def _fixed_scheme(desk: Desk, entry: case.SchemeEntry, latest: date) -> FixedScheme:
    """A scheme at its own price, with every price that holds on some day a case may be read at."""
    kind = SchemeKind(entry.kind)
    if kind not in _PRICES:
        return FixedScheme(entry.id, kind)
    starts = {param.key: [day for day, _ in _since(desk, param, latest)] for param in _PRICES[kind]}
    required = [days[0] for days in starts.values() if days]
    opening = max(required, default=date.min)
    days = sorted({opening, *(day for each in starts.values() for day in each if day > opening)})
    first, *later = [(day, _priced(desk, entry.id, kind, max(day, EPOCH))) for day in days]
    return replace(first[1], later=tuple(((day - EPOCH).days, terms) for day, terms in later))


def _priced(desk: Desk, name: str, kind: SchemeKind, day: date) -> FixedScheme:
    if kind is SchemeKind.BED_DAY:
        tiers, groups = desk.at(case.BED_DAY_TIERS, day), desk.at(case.BED_DAY_BY_GROUP, day)
        return FixedScheme(name, kind, tiers, groups, fund_ratio=desk.at(case.BED_DAY_RATIO, day))
    quotas = {(q.group, q.level, q.pool): q.quota_fen for q in desk.at(case.SINGLE_QUOTA, day)}
    return FixedScheme(name, kind, quota_fen=quotas, fund_ratio=desk.at(case.SINGLE_RATIO, day))


def _cancelled(desk: Desk, end: date) -> tuple[AuditCancel, ...]:
    """Decisions on cases; multiple and point value come from the penalty table where the decision is silent."""
    table = desk.at(money.BEHAVIOURS, end)
    usual = desk.at(money.PENALTY_VALUE, end)
    found: list[AuditCancel] = []
    for decision in desk.at(money.AUDITS, end):
        if decision.case is None:
            continue
        multiple = decision.extra_base_multiple
        if multiple is None:
            multiple = Fraction(0) if decision.behaviour is None else table[decision.behaviour]
        found.append(AuditCancel(decision.case, decision.pv or AuditValue(usual), multiple, decision.behaviour or ""))
    return tuple(found)


def _money_lines(desk: Desk, end: date) -> tuple[MoneyLine, ...]:
    lines: list[MoneyLine] = []
    for decision in desk.at(money.AUDITS, end):
        if decision.amount_fen is not None and decision.hospital is not None and decision.pool is not None:
            name = decision.behaviour or ""
            lines.append(MoneyLine(decision.hospital, decision.pool, Cause.AUDIT_MONEY, decision.amount_fen, name))
    return tuple(lines)


def _deposit_ceiling(desk: Desk, year: int, pools: tuple[Pool, ...]) -> None:
    """No month from 2025-01-26 on may keep back more than 5 % without a reason that can be printed 「质量保证金」."""
    for pool in pools:
        for month, terms in enumerate(pool.months, start=1):
            late = date(year, month, monthrange(year, month)[1]) >= CEILING_FROM
            if late and terms.deposit_rate > CEILING and not terms.deposit_override_reason:
                place = desk.settings[money.DEPOSIT_RATE.param.key].place
                raise refuse(place, "deposit_ceiling", found=plain(terms.deposit_rate))
