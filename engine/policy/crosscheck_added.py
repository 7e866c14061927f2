"""What the rarer mechanisms of a policy say about the rest of it 「补充机制核对」.

In: all settings of a folder; out: problems. As in `crosscheck`, a check whose settings are missing or unreadable is
skipped: that has been reported already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from engine.policy import added_params as added
from engine.policy import case_params as case
from engine.policy import coefficient_params as coef
from engine.policy import money_params as money
from engine.policy.crosscheck import Settings, entry, fixed, known, need, schemes_of, values
from engine.policy.nodes import Listing, Node
from engine.policy.problems import Place, Problems, listed
from engine.policy.readers import plain
from engine.policy.settings import Param, Start
from engine.policy.tables import FactsTable
from pointvalue.model import Hospital
from pointvalue.sub_budget import PLAN
from pointvalue.terms import PotUnit, SchemeKind


def cross_check_added(settings: Settings, problems: Problems) -> None:
    """Run every check; each reports on its own."""
    for check in CHECKS:
        check(settings, problems)


def _hospitals(settings: Settings) -> list[Hospital]:
    return [hospital for start in values(settings, case.HOSPITALS) for hospital in start.value.hospitals]


def _items(start: Start) -> Iterator[tuple[Node, Any]]:
    assert isinstance(start.node, Listing)
    return zip(start.node.items, start.value, strict=True)


def _coefficient(settings: Settings, problems: Problems) -> None:
    """The form has its parts and no others; bounds are not upside down."""
    forms = [*values(settings, coef.FORM)]
    needed = {part for start in forms for part in (*coef.NEEDS[start.value], *coef.MAY.get(start.value, ()))}
    for part, param in coef.PARTS.items():
        setting = settings.get(param.key)
        if setting is not None and part not in needed:
            shown = listed(start.value for start in forms) if forms else "table"
            allowed = listed(sorted(needed)) if needed else f"coefficient.form: {listed(coef.FORMS)}"
            problems.add(setting.place, "unknown_key", found=f"{part} (form {shown})", allowed=allowed)
    for start in forms:
        for part in coef.NEEDS[start.value]:
            param = coef.PARTS[part]
            if param.key not in settings:
                need(problems, start.node.place, f"form: {start.value}", param.key, param.zh, "the form is made of it")
    low, high = fixed(settings, coef.LEAST), fixed(settings, coef.MOST)
    if low is not None and high is not None and low > high:
        problems.add(settings[coef.LEAST.key].place, "out_of_range", found=plain(low), allowed=f"≤ {plain(high)}")


def _kinds(settings: Settings, problems: Problems) -> None:
    """A value by level and kind needs the kinds of hospitals, else it would silently never apply."""
    for start in values(settings, coef.LEVEL_VALUES) if coef.FACTS.key not in settings else ():
        for key in start.value:
            if "/" in key:
                zh, en = "其中的 kind 列给出医院类别", "its column kind says which hospitals are of that kind"
                need(problems, entry(start.node, key).place, key, coef.FACTS.key, zh, en)


def _facts(settings: Settings, problems: Problems) -> None:
    """Hospitals and indicators that a computed coefficient reads stand in the table of facts."""
    wanted = {name: key for key, names in _indicators(settings) for name in names}
    codes = {hospital.code for hospital in _hospitals(settings)}
    words = ("医院表中的医院", "a hospital of the hospital table")
    for start in values(settings, coef.FACTS):
        table: FactsTable = start.value
        file = f"{problems.folder.name}/{table.file}"
        for code, line in table.lines.items():
            known(problems, Place(file, line, code), code, codes, *words)
        for code in sorted(codes - set(table.lines)):
            facts = {
                "found": code,
                "detail_zh": "系数由这些指标算出",
                "detail_en": "its coefficient is computed from them",
            }
            problems.add(Place(file, 1, code), "missing_key", **facts)
        there = {name for indicators in table.indicators.values() for name in indicators}
        for name in sorted(set(wanted) - there):
            found = {
                "found": f"ind_{name}",
                "detail_zh": f"{wanted[name]} 使用它",
                "detail_en": f"{wanted[name]} reads it",
            }
            problems.add(Place(file, 1, f"ind_{name}"), "missing_key", **found)


def _indicators(settings: Settings) -> Iterator[tuple[str, Iterable[str]]]:
    for start in values(settings, coef.COMPOSITE_WEIGHTS):
        yield coef.COMPOSITE_WEIGHTS.key, start.value
    for start in values(settings, coef.BONUS):
        yield coef.BONUS.key, (start.value.base, *start.value.weights)
    for start in values(settings, coef.INCREMENTS):
        yield coef.INCREMENTS.key, (each.indicator for each in start.value)


def _levels(settings: Settings, problems: Problems) -> None:
    """Levels that are named exist, and every level of a hospital has its coefficient."""
    levels = {hospital.level for hospital in _hospitals(settings)}
    if not levels:
        return
    words = ("医院表中的等级", "a level of the hospital table")
    for start in values(settings, coef.LEVEL_VALUES):
        for key in start.value:
            known(problems, entry(start.node, key).place, key.partition("/")[0], levels, *words)
        for level in sorted(levels - set(start.value)):
            detail = {"detail_zh": "医院表中有该等级", "detail_en": "hospitals of that level exist"}
            problems.add(start.node.place, "missing_key", found=level, **detail)
    for start in values(settings, coef.INCREMENTS):
        for node, increment in _items(start):
            for level in increment.caps:
                known(problems, node.place, level, levels, *words)
    for start in values(settings, added.QUOTA_BY_LEVEL):
        for scheme, rates in start.value.items():
            for level in rates:
                known(problems, entry(entry(start.node, scheme), level).place, level, levels, *words)


def _reviews(settings: Settings, problems: Problems) -> None:
    """A quota by level refines one for the scheme; a readmission needs its days."""
    quotas = fixed(settings, case.SPECIAL_QUOTA) or {}
    for start in values(settings, added.QUOTA_BY_LEVEL):
        for scheme in start.value:
            if scheme not in quotas:
                zh, en = "未列等级适用方案的比例", "levels that are not named take the scheme's"
                place = entry(start.node, scheme).place
                need(problems, place, f"quota_by_level.{scheme}", f"{case.SPECIAL_QUOTA.key}.{scheme}", zh, en)
    setting = settings.get(added.READMISSION_SAME.key)
    if setting is not None and case.READMISSION.key not in settings:
        zh, en = "缺少天数与系数", "days and factor are missing"
        need(problems, setting.place, added.READMISSION_SAME.key, f"{case.READMISSION.key}.values", zh, en)


def _single(settings: Settings, problems: Problems) -> None:
    """A deviation belongs to a single-disease scheme, a ratio of its own to a deviation."""
    deviation, own = settings.get(added.DEVIATION.key), settings.get(added.OWN_RATIO.key)
    if deviation is not None and not schemes_of(settings, SchemeKind.SINGLE):
        zh, en = "没有单病种方案", "no scheme is of that kind"
        need(problems, deviation.place, added.DEVIATION.key, "kind: single", zh, en)
    if own is not None and deviation is None:
        need(problems, own.place, added.OWN_RATIO.key, added.DEVIATION.key, "用于偏离分担", "it is read by it")


def _adjustments(settings: Settings, problems: Problems) -> None:
    """A change names a line the budget of that pool and year has."""
    held = fixed(settings, case.POOLS_HELD) or ()
    for start in values(settings, added.ADJUSTMENTS):
        year = None if start.on is None else start.on.year
        for node, each in _items(start):
            known(problems, node.place, each.pool, held, "本区险种", "a pool of this area")
            lines = {PLAN, *_lines_of(settings, each.pool, year)}
            words = (f"{year} 年预算中的项目", f"a line of the budget of {year}")
            known(problems, node.place, each.change.line, lines, *words)


def _lines_of(settings: Settings, pool: str, year: int | None) -> Iterator[str]:
    for param in (money.OUTSIDE, money.FIXED_LINES):
        for start in values(settings, param):
            if year is None or start.on is None or start.on.year == year:
                yield from start.value.get(pool, ())


def _savings(settings: Settings, problems: Problems) -> None:
    """Retained savings name hospitals of the area and pools with a fund ratio."""
    codes = {hospital.code for hospital in _hospitals(settings)}
    ratios = fixed(settings, added.VBP_FUND_RATIO) or {}
    for start in values(settings, added.VBP_SAVINGS):
        for node, each in _items(start):
            known(problems, node.place, each.hospital, codes, "医院表中的医院", "a hospital of the hospital table")
            known(problems, node.place, each.pool, ratios, "已写统筹支付比例的险种", "a pool with a vbp.fund_ratio")


def _counties(settings: Settings, problems: Problems) -> None:
    """Counties with an allotment are those of the hospitals, all of which say theirs."""
    hospitals = _hospitals(settings)
    counties = {hospital.county for hospital in hospitals if hospital.county}
    for start in values(settings, added.COUNTY_ALLOTMENT):
        for pool, allotments in start.value.items():
            node = entry(start.node, pool)
            for county in allotments:
                known(problems, entry(node, county).place, county, counties, "医院所在县", "a county of the hospitals")
            for county in sorted(counties - set(allotments)):
                detail = {"detail_zh": "该县有医院", "detail_en": "there are hospitals in it"}
                problems.add(node.place, "missing_key", found=county, **detail)
    if added.COUNTY_ALLOTMENT.key in settings:
        for table in values(settings, case.HOSPITALS):
            for hospital in table.value.hospitals:
                if not hospital.county:
                    place = Place(
                        f"{problems.folder.name}/{table.value.file}",
                        table.value.lines[hospital.code],
                        f"{hospital.code}.county",
                    )
                    facts = {"detail_zh": "支出按县归集", "detail_en": "spend is counted by county"}
                    problems.add(place, "hospital_lacks", found=hospital.code, other="county", **facts)


def _county_pots(settings: Settings, problems: Problems) -> None:
    """Pots by county are those of the hospitals' counties, and every scheme's pots leave no county out."""
    units = fixed(settings, money.POT_UNIT) or {}
    counties = {hospital.county for hospital in _hospitals(settings) if hospital.county}
    for pool in fixed(settings, case.POOLS_HELD) or ():
        if units.get(pool) != PotUnit.COUNTY:
            continue
        written = [start for start in values(settings, money.POTS) if pool in start.value]
        if not written:
            zh, en = "按县设点数池须写明各县所占比例", "say what part of the point fund each county has"
            place = settings[money.POT_UNIT.param.key].place
            need(problems, place, "point_value.pot_unit: county", f"budget.pots ({pool})", zh, en)
        for start in written:
            place, found = entry(start.node, pool).place, start.value[pool]
            for county in sorted({pot.county for pot in found if pot.county}):
                known(problems, place, county, counties, "医院所在县", "a county of the hospitals")
            for scheme in sorted({pot.scheme for pot in found}):
                for county in sorted(counties - {pot.county for pot in found if pot.scheme == scheme}):
                    detail = {"detail_zh": f"{scheme} 在该县的点数池", "detail_en": f"the pot of {scheme} there"}
                    problems.add(place, "missing_key", found=county, **detail)


def _together(settings: Settings, problems: Problems) -> None:
    """Parameters that mean nothing without each other."""
    pairs: tuple[tuple[Param[Any], Param[Any]], ...] = (
        (added.VBP_SAVINGS, added.VBP_RETAIN),
        (added.VBP_SAVINGS, added.VBP_FUND_RATIO),
        (added.VBP_RETAIN, added.VBP_SAVINGS),
        (added.COUNTY_DEFICIT, added.COUNTY_ALLOTMENT),
        (added.COUNTY_ALLOTMENT, added.COUNTY_DEFICIT),
        (added.ADVANCE_MONTHS, added.ADVANCE_RESERVE),
        (added.ADVANCE_RESERVE, added.ADVANCE_MONTHS),
    )
    for param, other in pairs:
        setting = settings.get(param.key)
        if setting is not None and other.key not in settings:
            need(problems, setting.place, param.key, other.key, other.zh, "one is nothing without the other")


def _pools_known(settings: Settings, problems: Problems) -> None:
    """Pools that are named are pools of the area."""
    held = fixed(settings, case.POOLS_HELD)
    if held is None:
        return
    for param in (added.SUB_BUDGETS, added.COUNTY_ALLOTMENT, added.VBP_FUND_RATIO, added.ADVANCE_RESERVE):
        for start in values(settings, param):
            for pool in start.value:
                known(problems, entry(start.node, pool).place, pool, held, "本区险种", "a pool of this area")


CHECKS: Final = (
    _coefficient,
    _kinds,
    _facts,
    _levels,
    _reviews,
    _single,
    _adjustments,
    _savings,
    _counties,
    _county_pots,
    _together,
    _pools_known,
)
