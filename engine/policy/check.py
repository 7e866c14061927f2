"""A policy held against the rule packs it will price 「政策与分组方案核对」.

In: an `AreaPolicy` and, per pack, the groups it can give and the days it is used; out: nothing, or one error with every
group without weight, weight without group, and class rule that would need base points a case does not have.
It opens no pack: the caller says which groups there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from engine.policy import case_params as case
from engine.policy.crosscheck import entry
from engine.policy.load import AreaPolicy
from engine.policy.nodes import Listing
from engine.policy.problems import Place, Problems, listed
from engine.policy.rules import check_cover
from engine.policy.settings import Setting, Start
from engine.policy.tables import WeightTable
from pointvalue.terms import Flag


@dataclass(frozen=True, slots=True)
class PackGroups:
    """What one pack may answer, and the first and last case day it answers for.

    `ambiguous`: codes it gives to cases of no single group 「歧义病组 QY」, which may or may not have weights.
    """

    scheme: str
    label: str
    groups: frozenset[str]
    first: date
    last: date
    ambiguous: frozenset[str] = frozenset()


def check(policy: AreaPolicy, packs: Iterable[PackGroups]) -> None:
    """Raise everything that keeps this policy from pricing what these packs answer."""
    problems = Problems(policy.folder)
    for pack in packs:
        for start in in_force(policy.settings[case.WEIGHTS.key], pack.first, pack.last):
            if pack.scheme in start.value:
                _weights(pack, start, problems)
                _same_price(policy, pack, start, problems)
        tables = [s.value[pack.scheme] for s in in_force(policy.settings[case.WEIGHTS.key], pack.first, pack.last)]
        _cover(policy, pack, tables, problems)
    problems.stop_if_any()


def in_force(setting: Setting, first: date, last: date) -> list[Start]:
    """The values that hold on some day between the two, both counted; asking before the first value is an error."""
    held = [setting.on(first)]
    held += [start for start in setting.starts if start.on is not None and first < start.on <= last and not start.ended]
    return held


def _weights(pack: PackGroups, start: Start, problems: Problems) -> None:
    table: WeightTable = start.value[pack.scheme]
    place = Place(f"{problems.folder.name}/{table.file}", 1, f"{case.WEIGHTS.key}.{start.on}.{pack.scheme}")
    weighed = set(table.groups)
    wanted = pack.groups | (pack.ambiguous if weighed & pack.ambiguous else frozenset())
    lacking = sorted(wanted - weighed)
    if lacking:
        facts = {"pack": pack.label, "count": len(lacking), "found": listed(lacking)}
        problems.add(place, "groups_without_weight", **facts)
    unknown = sorted(weighed - pack.groups - pack.ambiguous)
    if unknown:
        facts = {"pack": pack.label, "count": len(unknown), "found": listed(unknown)}
        problems.add(place, "weights_without_group", **facts)


def _same_price(policy: AreaPolicy, pack: PackGroups, start: Start, problems: Problems) -> None:
    setting = policy.settings.get(case.SAME_PRICE.key)
    if setting is None:
        return
    table: WeightTable = start.value[pack.scheme]
    for same in in_force(setting, max(pack.first, start.on or pack.first), pack.last):
        for group in (same.value or {}).get(pack.scheme, ()):
            if table.row(group) < 0:
                place = entry(same.node, pack.scheme).place
                problems.add(place, "group_not_weighed", found=group, on=start.on)


def _cover(policy: AreaPolicy, pack: PackGroups, tables: Sequence[WeightTable], problems: Problems) -> None:
    """Ungrouped, ambiguous and invalid cases are classed before any rule that needs base points."""
    known = Flag(0)
    if pack.ambiguous and all(pack.ambiguous <= set(table.groups) for table in tables):
        known |= Flag.AMBIGUOUS
    for start in in_force(policy.settings[case.CASE_CLASSES.key], pack.first, pack.last):
        node = entry(start.node, pack.scheme)
        assert isinstance(node, Listing)
        check_cover(start.value[pack.scheme], [item.place for item in node.items], known, problems)
