"""What the schemes of a policy say about each other and about the tables 「付费方式核对」.

In: all settings of a folder; out: problems. As in `crosscheck`, a check whose settings are missing or unreadable is
skipped: that has been reported already. It knows no case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from engine.policy import case_params as case
from engine.policy.crosscheck import Settings, fixed, known, need, values
from engine.policy.nodes import Listing, Node
from engine.policy.predicates import When
from engine.policy.problems import Place, Problems, listed
from pointvalue.model import Hospital
from pointvalue.terms import SchemeKind


def cross_check_routes(settings: Settings, problems: Problems) -> None:
    """Run every check; each reports on its own."""
    for check in CHECKS:
        check(settings, problems)


def _entries(settings: Settings) -> Iterator[tuple[Place, case.SchemeEntry]]:
    for start in values(settings, case.SCHEMES):
        assert isinstance(start.node, Listing)
        for node, entry in zip(start.node.items, start.value, strict=True):
            yield node.place, entry


def _reachable(settings: Settings, problems: Problems) -> None:
    """Nothing stands after a scheme that takes every case; no id is given twice."""
    for start in values(settings, case.SCHEMES):
        assert isinstance(start.node, Listing)
        seen: dict[str, int] = {}
        taker = ""
        for node, entry in zip(start.node.items, start.value, strict=True):
            if entry.id in seen:
                problems.add(node.place, "repeated", found=entry.id, first=seen[entry.id])
            seen.setdefault(entry.id, node.place.line)
            if taker:
                problems.add(node.place, "never_asked", found=entry.id, other=taker)
            taker = taker or ("" if entry.when else entry.id)


def _lists(settings: Settings, problems: Problems) -> None:
    """`listed` is asked of the scheme that has the list, and a single-disease scheme takes only what it lists."""
    diseases = case.SINGLE_DISEASES.key
    for place, entry in _entries(settings):
        asks = entry.when is not None and any(part.listed is not None for part in entry.when.parts())
        single = entry.kind == SchemeKind.SINGLE
        if asks and not single:
            problems.add(place, "unknown_key", found=f"listed ({entry.id})", allowed="kind: single")
        if single and diseases in settings and not (entry.when is not None and entry.when.listed):
            zh, en = "单病种只收目录内的病例", "it takes only the diseases it lists"
            need(problems, place, f"kind: single ({entry.id})", "when: {listed: true}", zh, en)
        if asks and single and diseases not in settings:
            need(problems, place, f"listed ({entry.id})", diseases, "单病种目录", "the list of diseases")


def _quotas(settings: Settings, problems: Problems) -> None:
    """Every listed disease has a quota somewhere, and every quota a disease."""
    for start in values(settings, case.SINGLE_DISEASES):
        codes = {disease.code for disease in start.value}
        priced = {quota.group for quotas in values(settings, case.SINGLE_QUOTA) for quota in quotas.value}
        for code in sorted(codes - priced):
            need(problems, start.node.place, code, case.SINGLE_QUOTA.key, "该病种没有定额", "this disease has no quota")
        for quotas in values(settings, case.SINGLE_QUOTA):
            for code in sorted({quota.group for quota in quotas.value} - codes):
                known(problems, quotas.node.place, code, codes, "单病种目录中的病种", "a disease of the list")


def _categories(settings: Settings, problems: Problems) -> None:
    """Categories are those that have tiers."""
    tiers = {name for start in values(settings, case.BED_DAY_BY_GROUP) for name in start.value}
    for start in values(settings, case.BED_DAY_CATEGORIES):
        assert isinstance(start.node, Listing)
        for node, category in zip(start.node.items, start.value, strict=True):
            known(problems, node.place, category.name, tiers, "有分档标准的床日类别", "a category with tiers")


def _names(settings: Settings, problems: Problems) -> None:
    """Hospitals, levels, counties and pools that conditions name exist."""
    hospitals = [hospital for start in values(settings, case.HOSPITALS) for hospital in start.value.hospitals]
    if not hospitals:
        return
    for place, when in _conditions(settings):
        for part in when.parts():
            _known_all(problems, place, part, hospitals, fixed(settings, case.POOLS_HELD) or ())


def _known_all(problems: Problems, place: Place, part: When, hospitals: list[Hospital], pools: Iterable[str]) -> None:
    for wanted, names, zh, en in (
        (part.hospital, {h.code for h in hospitals}, "医院表中的医院", "a hospital of the hospital table"),
        (part.level, {h.level for h in hospitals}, "医院表中的等级", "a level of the hospital table"),
        (part.county, {h.county for h in hospitals if h.county}, "医院表中的县区", "a county of the hospital table"),
        (part.pool, set(pools), "本区险种", "a pool of this area"),
    ):
        for name in wanted:
            known(problems, place, name, names, zh, en)


def _conditions(settings: Settings) -> Iterator[tuple[Place, When]]:
    for place, entry in _entries(settings):
        if entry.when is not None:
            yield place, entry.when
    for start in values(settings, case.BED_DAY_CATEGORIES):
        nodes: tuple[Node, ...] = start.node.items if isinstance(start.node, Listing) else ()
        for node, category in zip(nodes, start.value, strict=True):
            yield node.place, category.when


def _packs(settings: Settings, problems: Problems) -> None:
    """Once packs are listed, each point scheme has one."""
    held = {pack.scheme for start in values(settings, case.PACKS) for pack in start.value}
    for place, entry in _entries(settings) if held else ():
        if entry.kind in (SchemeKind.POINTS, SchemeKind.PACK_POINTS) and entry.id not in held:
            need(problems, place, entry.id, f"area.packs ({listed(sorted(held))})", "分组方案", "its rule pack")


CHECKS: Final = (_reachable, _lists, _quotas, _categories, _names, _packs)
