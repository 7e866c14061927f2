"""What a policy says about facts of single cases, read for one settlement year 「病例事实取值」.

In: the policy's desk, the year as the other mechanisms make it; out: `CaseFacts` and what they ask of the case files.
A mechanism that is not written is not asked for, so that no default of it appears among the values used. Values that
change within the year are spans of days; reviews and readmissions follow the values of 31 December.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final, Generic, TypeVar

from engine.cases.facts import BIRTH_WEIGHT, FEES, KIND_OF_CARE, NO_FACTS, PERSON, Facts
from engine.policy import added_params as added
from engine.policy import case_params as case
from engine.policy import coefficient_params as coef
from engine.policy import fact_params as own
from engine.policy.ask import ReviewTerms, review_terms_at
from engine.policy.case_flags import FlagDefinition
from engine.policy.fact_params import NewTechOperation, PointDays
from engine.policy.fact_tables import Application, Decision, GroupCoefficients, NewTechCase, TcmTable
from engine.policy.settings import Desk, Param
from pointvalue.coefficient import OPEN, Clamp
from pointvalue.model import AreaYear, ClassRule, ClassSet, Condition, PointScheme, Scheme
from pointvalue.readmission import SameThing
from pointvalue.terms import POINT_KINDS, Flag, SchemeKind, Shape

T = TypeVar("T")
_EPOCH: Final = date(1970, 1, 1)
OUT_OF_AREA_RULE: Final = "out_of_area"


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """A value and the days it holds, counted from 1970-01-01, both ends included."""

    first: int
    last: int
    value: T


@dataclass(frozen=True, slots=True)
class TcmTerms:
    """The list of one scheme on a day, and what a group without base points of its own is priced at."""

    table: TcmTable
    same_price_factor: Fraction


@dataclass(frozen=True, slots=True)
class GroupTerms:
    """Coefficients by hospital and group on a day, and their bounds; None: another form holds."""

    table: GroupCoefficients | None
    limits: Clamp


@dataclass(frozen=True)
class CaseFacts:
    """What is looked up case by case. `asked` is what the case files must bring; `region_mean_fen` by scheme."""

    asked: Facts = NO_FACTS
    decisions: tuple[Decision, ...] = ()
    applications: tuple[Application, ...] | None = None
    reviews: Mapping[str, ReviewTerms] | None = None
    region_mean_fen: Mapping[str, int] | None = None
    readmission_days: int | None = None
    same: SameThing = SameThing.GROUP
    same_hospital: bool = False
    new_tech_cases: tuple[NewTechCase, ...] = ()
    new_tech: tuple[Span[Mapping[str, tuple[NewTechOperation, ...]]], ...] = ()
    tcm: tuple[Span[Mapping[str, TcmTerms]], ...] = ()
    group_coefficients: tuple[Span[GroupTerms], ...] = ()
    bed_day_groups: tuple[Span[Mapping[str, Mapping[str, tuple[PointDays, ...]]]], ...] = ()
    flags: tuple[Span[tuple[FlagDefinition, ...]], ...] = ()
    insured_elsewhere: bool = False
    in_points: bool = True


def with_facts_terms(desk: Desk, area: AreaYear, end: date) -> AreaYear:
    """The settled year with what facts of cases change in it: scales of reviews, patients from elsewhere."""
    schemes = tuple(_reviewed_scheme(desk, scheme, end) for scheme in area.schemes)
    if not _written(desk, own.IN_POINTS, own.CAP, own.OUT_OF_AREA_VALUE):
        return replace(area, schemes=schemes)
    desk.at(own.OUT_OF_AREA_VALUE, end)
    if not desk.at(own.IN_POINTS, end):
        schemes = tuple(_without_strangers(scheme) for scheme in schemes)
    return replace(area, schemes=schemes, out_of_area_cap=desk.at(own.CAP, end) == "ffs")


def _reviewed_scheme(desk: Desk, scheme: Scheme, end: date) -> Scheme:
    """A catalogue's scheme with the scale and mean that turn an approved cost into its points."""
    if scheme.kind is not SchemeKind.PACK_POINTS or not isinstance(scheme, PointScheme):
        return scheme
    if not desk.written(own.SPECIAL_MEAN):
        return scheme
    scale, mean = desk.at(own.SPECIAL_SCALE, end), desk.at(own.SPECIAL_MEAN, end)
    if scheme.name not in mean:
        return scheme
    return replace(scheme, scale=scale[scheme.name], region_mean_fen=mean[scheme.name])


def _without_strangers(scheme: Scheme) -> Scheme:
    """A scheme whose first rule takes cases insured elsewhere out of the points."""
    if not isinstance(scheme, PointScheme) or scheme.kind is not SchemeKind.POINTS:
        return scheme
    rule = ClassRule(OUT_OF_AREA_RULE, Shape.FFS, Condition(flag=Flag.OUT_OF_AREA))
    sets = tuple(ClassSet(each.from_day, (rule, *each.rules), each.k_limits) for each in scheme.class_sets)
    dated = tuple((day, replace(terms, class_sets=sets)) for day, terms in scheme.dated)
    return replace(scheme, class_sets=sets, dated=dated)


def resolve_facts(desk: Desk, area: AreaYear, end: date, latest: date) -> CaseFacts:
    """Everything that is looked up case by case in one year; `latest` is the last day a case may be read at."""
    decisions = desk.at(own.DECISIONS, end) if desk.written(own.DECISIONS) else None
    reviews = _reviews(desk, area, end) if decisions is not None else {}
    readmission = desk.at(case.READMISSION, end) if desk.written(case.READMISSION) else None
    cases = desk.at(own.NEW_TECH_CASES, end) if desk.written(own.NEW_TECH_CASES) else None
    new_tech = _spans(desk, (own.NEW_TECH_OPERATIONS,), latest, lambda day: desk.at(own.NEW_TECH_OPERATIONS, day))
    strangers = _written(desk, own.IN_POINTS, own.CAP, own.OUT_OF_AREA_VALUE) or _asks(area, Flag.OUT_OF_AREA)
    applied = desk.at(own.APPLICATIONS, end) if desk.written(own.APPLICATIONS) else None
    facts = CaseFacts(
        decisions=() if decisions is None else decisions.decisions,
        applications=None if applied is None else applied.applications,
        reviews=reviews,
        region_mean_fen=_means(desk, area, end) if decisions is not None else {},
        readmission_days=None if readmission is None else readmission.days,
        new_tech_cases=() if cases is None else cases.cases,
        new_tech=new_tech,
        tcm=_spans(desk, (own.TCM_LIST, own.TCM_SAME_PRICE), latest, lambda day: _tcm(desk, day)),
        group_coefficients=_group_coefficients(desk, end, latest),
        bed_day_groups=_spans(desk, (own.BED_DAY_GROUPS,), latest, lambda day: desk.at(own.BED_DAY_GROUPS, day)),
        flags=_spans(desk, (case.CASE_FLAGS,), latest, lambda day: _conditional(desk.at(case.CASE_FLAGS, day))),
        insured_elsewhere=strangers,
        in_points=desk.at(own.IN_POINTS, end) if desk.written(own.IN_POINTS) else True,
    )
    if readmission is not None:
        same, where = desk.at(added.READMISSION_SAME, end), desk.at(own.READMISSION_HOSPITAL, end)
        facts = replace(facts, same=SameThing(same), same_hospital=where == "same")
    asked = _asked(facts, area, desk.at(case.AREA_CODE, end))
    if desk.written(added.SUB_BUDGETS) and KIND_OF_CARE not in asked.columns:
        asked = replace(asked, optional=(*asked.optional, KIND_OF_CARE))
    return replace(facts, asked=asked)


def _conditional(definitions: tuple[FlagDefinition, ...]) -> tuple[FlagDefinition, ...]:
    return tuple(definition for definition in definitions if definition.when is not None)


def _reviews(desk: Desk, area: AreaYear, end: date) -> dict[str, ReviewTerms]:
    found = {
        scheme.name: review_terms_at(desk, scheme.name, end) for scheme in area.schemes if scheme.kind in POINT_KINDS
    }
    return {name: terms for name, terms in found.items() if terms is not None}


def _means(desk: Desk, area: AreaYear, end: date) -> dict[str, int]:
    """The region's mean cost by scheme, where it is known."""
    given = desk.at(own.SPECIAL_MEAN, end) if desk.written(own.SPECIAL_MEAN) else {}
    scored = {each.name: each.region_mean_fen for each in area.schemes if isinstance(each, PointScheme)}
    packs = {each.name for each in area.schemes if each.kind is SchemeKind.PACK_POINTS}
    return {name: mean for name, mean in scored.items() if name not in packs} | given


def _asked(facts: CaseFacts, area: AreaYear, area_code: str) -> Facts:
    required: list[str] = []
    if facts.readmission_days is not None:
        required += [PERSON, "adm_time"]
    if facts.insured_elsewhere:
        required.append("insuplc_admdvs")
    if any(rule.when.tcm is not None for rule in _rules(area)):
        required += FEES.values()
    weighed = any(
        trigger.birth_weight_below_g is not None
        for review in (facts.reviews or {}).values()
        for trigger in review.triggers
    )
    codes = {each.operation for span in facts.new_tech for listed in span.value.values() for each in listed}
    whens = dict.fromkeys(each.when for span in facts.flags for each in span.value if each.when is not None)
    required += [column for when in whens for column in sorted(when.columns)]
    return Facts(
        required=tuple(dict.fromkeys(required)),
        optional=(BIRTH_WEIGHT,) if weighed else (),
        operations=tuple(sorted(codes)),
        conditions=tuple(whens),
        hospitals={hospital.code: hospital for hospital in area.hospitals} if whens else {},
        area_code=area_code,
    )


def _rules(area: AreaYear) -> Iterable[ClassRule]:
    for scheme in area.schemes:
        for rules in scheme.class_sets if isinstance(scheme, PointScheme) else ():
            yield from rules.rules


def _asks(area: AreaYear, flag: Flag) -> bool:
    return any(rule.when.flag is flag for rule in _rules(area))


def _tcm(desk: Desk, day: date) -> dict[str, TcmTerms]:
    factor = desk.at(own.TCM_SAME_PRICE, day)
    return {scheme: TcmTerms(table, factor) for scheme, table in desk.at(own.TCM_LIST, day).items()}


def _group_coefficients(desk: Desk, end: date, latest: date) -> tuple[Span[GroupTerms], ...]:
    """Spans of the form `group_cost`, where hospitals' coefficients are used at all."""
    if not desk.written(coef.GROUPS) or desk.at(case.COEFFICIENT_USE, end) != "by_hospital":
        return ()

    def on(day: date) -> GroupTerms:
        if desk.at(coef.FORM, day) != "group_cost":
            return GroupTerms(None, OPEN)
        limits = [desk.at(param, day) if desk.written(param) else None for param in (coef.LEAST, coef.MOST)]
        return GroupTerms(desk.at(coef.GROUPS, day), Clamp(*limits))

    return _spans(desk, (coef.FORM, coef.GROUPS, coef.LEAST, coef.MOST), latest, on)


def _written(desk: Desk, *params: Param[Any]) -> bool:
    return any(desk.written(param) for param in params)


def _spans(desk: Desk, params: tuple[Param[Any], ...], end: date, on: Any) -> tuple[Span[Any], ...]:
    """`on(day)` from each day on which one of the parameters changes until the next. The first parameter must be
    written; nothing holds before the latest first day of those that are."""
    if not desk.written(params[0]):
        return ()
    written = [desk.settings[param.key].starts for param in params if desk.written(param)]
    opening = max(starts[0].on or date.min for starts in written)
    days = sorted({max(start.on or date.min, opening) for starts in written for start in starts})
    days = [day for day in days if day <= end]
    lasts = [*(day - timedelta(days=1) for day in days[1:]), date.max]
    return tuple(
        Span((day - _EPOCH).days, (last - _EPOCH).days, on(day)) for day, last in zip(days, lasts, strict=False)
    )
