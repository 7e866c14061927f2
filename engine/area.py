"""A pooling area on disk: its policy and the rule packs the policy names 「统筹区」.

In: an area folder (with `policy/` inside), a policy folder, or a pack named beside it. Out: the loaded policy, the
editions, and the scheme each edition groups for. It checks that the policy can price what the packs answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from engine.conditions import Conditions
from engine.edition import PackEdition
from engine.edition_apart import ApartEdition
from engine.editions import Editions, adopted, open_edition
from engine.errors import PolicyError
from engine.policy.case_params import PACKS, SCHEMES
from engine.policy.check import PackGroups, check
from engine.policy.load import AreaPolicy, load_policy
from engine.policy.resolve import ResolvedPolicy, latest_value_day, resolve
from engine.routing import Router
from pointvalue.terms import POINT_KINDS


@dataclass(frozen=True)
class Area:
    """`schemes[i]` is the scheme that edition i groups for."""

    policy: AreaPolicy
    editions: Editions
    schemes: tuple[str, ...]
    pack_given: bool = False
    """Whether a pack was named for this run in place of the policy's own."""

    def for_year(self, year: int) -> ResolvedPolicy:
        """The policy at the dates of one year, held against every edition that may answer for a case of it."""
        resolved = resolve(self.policy, year, self._chosen_by)
        check(self.policy, [groups for groups in self._pack_groups(year) if groups.first <= groups.last])
        return resolved

    def routed(self, resolved: ResolvedPolicy) -> Area:
        """The area as it takes the cases of one year: every scheme has its editions, those at a price of their own too.

        An area with one scheme that takes every case needs no routing.
        """
        routes = resolved.routes
        if self.editions.router is not None or (len(routes) == 1 and routes[0].when is None):
            return self
        names = [route.scheme for route in routes]
        hospitals = {hospital.code: hospital for hospital in resolved.area.hospitals}
        conditions = Conditions(hospitals, self.policy.code)
        packs = self.editions.editions
        chosen_by = packs[0].meta.chosen_by if packs else "discharge_date"
        apart = tuple(
            ApartEdition(route, conditions, resolved.version, resolved.fingerprint, chosen_by)
            for route in routes
            if route.kind not in POINT_KINDS
        )
        schemes = (*self.schemes, *(edition.route.scheme for edition in apart))
        router = Router(routes, tuple(names.index(scheme) for scheme in schemes), conditions)
        return replace(self, editions=Editions((*packs, *apart), router=router), schemes=schemes)

    @property
    def _chosen_by(self) -> str:
        """The date that picks the pack of a case; an area without packs goes by discharge."""
        return self.editions.chosen_by if len(self.editions) else "discharge_date"

    def _pack_groups(self, year: int) -> list[PackGroups]:
        # A case settled in January may have been discharged long before; a year back covers what can be priced.
        opens, ends = date(year - 1, 1, 1), latest_value_day(self.policy.desk(), year, self._chosen_by)
        found = []
        for edition, scheme in zip(self.editions.editions, self.schemes, strict=True):
            if edition.kind != "drg":
                continue  # a DIP catalogue brings its own scores
            first = max(edition.meta.valid_from or date(year, 1, 1), opens)
            last = min(edition.meta.valid_to or ends, ends)
            label = f"{edition.meta.id}@{edition.meta.version}"
            ambiguous = edition.ambiguous_codes
            groups = frozenset(edition.group_codes) - ambiguous
            found.append(PackGroups(scheme, label, groups, first, last, ambiguous))
        return found


def load_area(where: Path, pack: Path | None = None) -> Area:
    """Load an area from its folder, or from a policy folder. `pack` replaces the packs the policy names."""
    return area_of(load_policy(where / "policy" if (where / "policy").is_dir() else where), pack)


def area_of(policy: AreaPolicy, pack: Path | None = None, opened: Sequence[PackEdition] = ()) -> Area:
    """The area of a loaded policy. `opened` are its packs in the order it lists them, if they stand elsewhere."""
    folder = policy.folder
    desk = policy.desk()
    entries = desk.at(PACKS, date.max)
    points = [entry.id for entry in desk.at(SCHEMES, date.max) if entry.kind in POINT_KINDS]
    if pack is not None:
        if len(points) != 1:
            raise PolicyError(f"{folder}: the policy has {len(points)} point schemes; --pack serves exactly one.")
        return Area(policy, Editions.of(pack), (points[0],), pack_given=True)
    if without := sorted(set(points) - {entry.scheme for entry in entries}):
        raise PolicyError(
            f"{folder}: area.packs names no rule pack for {', '.join(without)}. List one there, or give --pack."
        )
    by_path = {} if opened else {entry.path: open_edition(folder / entry.path) for entry in entries}
    found = tuple(opened) or tuple(by_path[entry.path] for entry in entries)
    editions = tuple(adopted(one, each.first, each.last) for one, each in zip(found, entries, strict=True))
    undated = len(editions) == 1 and editions[0].meta.valid_from is None and editions[0].meta.valid_to is None
    several = len({entry.scheme for entry in entries}) > 1
    return Area(policy, Editions(editions, always=undated, calendar=not several), tuple(e.scheme for e in entries))


def period_of(year: int, month: int | None) -> tuple[date, date]:
    """First and last day of a month, or of the year."""
    if month is None:
        return date(year, 1, 1), date(year, 12, 31)
    nxt = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), nxt - timedelta(days=1)
