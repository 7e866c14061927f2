"""What facts of single cases say about the rest of a policy 「病例事实核对」.

In: all settings of a folder; out: problems. As in `crosscheck`, a check whose settings are missing or unreadable is
skipped: that has been reported already. Whether a named case exists only a run can know.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from engine.cases.facts import BITS_MAX
from engine.policy import case_params as case
from engine.policy import coefficient_params as coef
from engine.policy import fact_params as own
from engine.policy.crosscheck import Settings, entry, known, need, schemes_of, values
from engine.policy.problems import Place, Problems
from engine.policy.rules import GROUPING_FLAGS
from engine.policy.settings import Param, Start
from pointvalue.terms import Flag, SchemeKind, SpecialPay

PAID_BY: Final = {
    SpecialPay.POINTS_FROM_COST: ("approved_cost", "approved_cost_fen"),
    SpecialPay.ADJUSTED_STANDARD: ("points", "points_e4"),
    SpecialPay.ACTUAL_OUTSIDE_POOL: ("fund", "fund_fen"),
}
"""What a decision must bring for each way of paying it: column of the table, field of the record."""


def cross_check_facts(settings: Settings, problems: Problems) -> None:
    """Run every check; each reports on its own."""
    for check in CHECKS:
        check(settings, problems)


def _decisions(settings: Settings, problems: Problems) -> None:
    """Each decision brings what the way of paying reads, and is no older than its year."""
    for start in values(settings, own.DECISIONS):
        if start.on is None:
            continue
        column, field = PAID_BY[SpecialPay(_on(settings, case.SPECIAL_PAY, date(start.on.year, 12, 31)))]
        for decision in start.value.decisions:
            place = _line(problems, start, decision.case)
            if getattr(decision, field) is None:
                problems.add(place.child(column), "missing_value")
            if decision.decided < date(start.on.year, 1, 1):
                allowed = f"≥ {start.on.year}-01-01"
                problems.add(place.child("decided"), "out_of_range", found=decision.decided, allowed=allowed)


def _applications(settings: Settings, problems: Problems) -> None:
    """An application takes the place of one that is listed as well, and decisions of a year follow its applications."""
    decided = {start.on: start for start in values(settings, own.DECISIONS)}
    for start in values(settings, own.APPLICATIONS):
        listed = set(start.value.lines)
        words = ("申报表中的病例", "a case of the table of applications")
        for each in start.value.applications:
            if each.swapped_for:
                known(
                    problems, _line(problems, start, each.case).child("swapped_for"), each.swapped_for, listed, *words
                )
        for decision in decided[start.on].value.decisions if start.on in decided else ():
            if decision.case not in listed:
                known(problems, _line(problems, decided[start.on], decision.case), decision.case, listed, *words)


def _on(settings: Settings, param: Param[Any], day: date) -> Any:
    """The value on a day, or the default where none is written or none holds yet."""
    starts = [start for start in values(settings, param) if (start.on or date.min) <= day]
    return starts[-1].value if starts else param.default


def _line(problems: Problems, start: Start, key: Any) -> Place:
    return Place(f"{problems.folder.name}/{start.value.file}", start.value.lines[key], str(key))


def _review_scale(settings: Settings, problems: Problems) -> None:
    """A catalogue's scheme has both the scale and the mean that turn an approved cost into points; a scored scheme has
    its own and takes no other."""
    packs, scored = schemes_of(settings, SchemeKind.PACK_POINTS), schemes_of(settings, SchemeKind.POINTS)
    for param, other in ((own.SPECIAL_SCALE, own.SPECIAL_MEAN), (own.SPECIAL_MEAN, own.SPECIAL_SCALE)):
        there = {name for start in values(settings, other) for name in start.value}
        for start in values(settings, param):
            for name in start.value:
                place = entry(start.node, name).place
                if name in scored:
                    known(problems, place, name, packs, "自带分值的方案", "a scheme of kind pack_points")
                elif name not in there:
                    need(
                        problems,
                        place,
                        param.key,
                        f"{other.key}.{name}",
                        "两者并用",
                        "one is nothing without the other",
                    )


def _readmission(settings: Settings, problems: Problems) -> None:
    setting = settings.get(own.READMISSION_HOSPITAL.key)
    if setting is not None and case.READMISSION.key not in settings:
        zh, en = "缺少天数与系数", "days and factor are missing"
        need(problems, setting.place, own.READMISSION_HOSPITAL.key, f"{case.READMISSION.key}.values", zh, en)


def _new_tech(settings: Settings, problems: Problems) -> None:
    """Extra points need the factors of their years, and not more operations than a run can tell apart."""
    for param in (own.NEW_TECH_CASES, own.NEW_TECH_OPERATIONS):
        setting = settings.get(param.key)
        if setting is not None and case.NEW_TECH.key not in settings:
            need(problems, setting.place, param.key, case.NEW_TECH.key, "逐年退坡比例", "the factor of each year")
    codes: set[str] = set()
    for start in values(settings, own.NEW_TECH_OPERATIONS):
        codes |= {each.operation for operations in start.value.values() for each in operations}
    if len(codes) > BITS_MAX:
        place = settings[own.NEW_TECH_OPERATIONS.key].place
        problems.add(place, "out_of_range", found=f"{len(codes)} operations", allowed=f"≤ {BITS_MAX}")


def _scored_only(settings: Settings, problems: Problems) -> None:
    """A catalogue scores its cases itself: TCM lists and bed-day groups belong to schemes scored by the policy."""
    scored = schemes_of(settings, SchemeKind.POINTS)
    for param in (own.TCM_LIST, own.BED_DAY_GROUPS):
        for start in values(settings, param):
            for name in start.value:
                known(
                    problems, entry(start.node, name).place, name, scored, "按政策计分的方案", "a scheme of kind points"
                )


def _groups_weighed(settings: Settings, problems: Problems) -> None:
    """Groups that facts speak of stand in a weight table of their scheme."""
    weighed: dict[str, set[str]] = {}
    for start in values(settings, case.WEIGHTS):
        for scheme, table in start.value.items():
            weighed.setdefault(scheme, set()).update(table.groups)
    words = ("权重表中的病组", "a group of the weight tables")
    for start in values(settings, own.TCM_LIST):
        for scheme, table in start.value.items():
            file = f"{problems.folder.name}/{table.file}"
            for group, line in table.lines.items():
                if scheme in weighed:
                    known(problems, Place(file, line, group), group, weighed[scheme], *words)
    for start in values(settings, own.BED_DAY_GROUPS):
        for scheme, groups in start.value.items():
            for group in groups:
                if scheme in weighed:
                    place = entry(entry(start.node, scheme), group).place
                    known(problems, place, group, weighed[scheme], *words)
    every = set().union(*weighed.values())
    for start in values(settings, coef.GROUPS):
        for hospital, group in start.value.values:
            if every:
                known(problems, _line(problems, start, (hospital, group)), group, every, *words)


def _hospitals_known(settings: Settings, problems: Problems) -> None:
    codes = {hospital.code for start in values(settings, case.HOSPITALS) for hospital in start.value.hospitals}
    for start in values(settings, coef.GROUPS):
        for hospital, group in start.value.values:
            place = _line(problems, start, (hospital, group))
            known(problems, place, hospital, codes, "医院表中的医院", "a hospital of the hospital table")


def _flags(settings: Settings, problems: Problems) -> None:
    """A class rule that asks for a flag a mechanism gives needs that mechanism, else it would silently never apply."""
    givers: dict[Flag, Param[Any]] = {
        Flag.TCM: own.TCM_LIST,
        Flag.BED_DAY: own.BED_DAY_GROUPS,
        Flag.READMITTED: case.READMISSION,
    }
    whens = {each.when for start in values(settings, case.CASE_FLAGS) for each in start.value if each.when is not None}
    if len(whens) > BITS_MAX:
        place = settings[case.CASE_FLAGS.key].place
        problems.add(place, "out_of_range", found=f"{len(whens)} conditions", allowed=f"≤ {BITS_MAX}")
    assert not set(givers) & set(GROUPING_FLAGS), "grouping answers are given by the pack"
    for start in values(settings, case.CASE_CLASSES):
        for scheme, rules in start.value.items():
            for rule in rules:
                giver = None if rule.when.flag is None else givers.get(rule.when.flag)
                if giver is not None and giver.key not in settings:
                    zh, en = f"规则 {rule.id} 使用该标志", f"rule {rule.id} asks for the flag it gives"
                    need(problems, entry(start.node, scheme).place, rule.id, giver.key, zh, en)


CHECKS: Final = (
    _decisions,
    _applications,
    _review_scale,
    _readmission,
    _new_tech,
    _scored_only,
    _groups_weighed,
    _hospitals_known,
    _flags,
)
