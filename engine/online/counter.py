"""An area as the counter needs it 「单病例结算的统筹区」: policy and packs loaded once, nothing compiled, no kernel.

In: an area or policy folder; out: `Counter`, which reads, groups and prices one record in plain Python.
The numbers are those a monthly run would give the same case; a test holds the two against each other.
It books nothing and knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from engine.cases.demand import POOLS, Demand, Profile
from engine.errors import PolicyError
from engine.packs.choose import calendar_of
from engine.packs.dip_load import DipPack, load_dip_pack
from engine.packs.kind import kind_of_pack
from engine.packs.load import Pack, load_pack
from engine.policy.case_params import PACKS, SCHEMES
from engine.policy.load import AreaPolicy, load_policy
from engine.policy.resolve import ResolvedPolicy, resolve
from pointvalue.model import Hospital, PointScheme, Pool
from pointvalue.terms import POINT_KINDS, Payable

if TYPE_CHECKING:
    from engine.online.general import GeneralArea
    from grouper.dip_reference import DipWalker

AnyPack = Pack | DipPack
YEARS_KEPT = 50
UNSETTLED = (PolicyError, ValueError)
"""What a case may meet that the policy does not answer; pointvalue's faults are ValueErrors."""


@dataclass(frozen=True)
class Edition:
    """One pack, the scheme it groups for, and the days it serves."""

    pack: AnyPack
    scheme: str
    first: date
    last: date

    @property
    def version(self) -> str:
        return f"{self.pack.meta.id}@{self.pack.meta.version}"

    @property
    def is_dip(self) -> bool:
        return isinstance(self.pack, DipPack)


@dataclass(frozen=True)
class PolicyYear:
    """The policy of one settlement year and what is looked up in it for every case."""

    resolved: ResolvedPolicy
    hospitals: Mapping[str, Hospital]
    pools: Mapping[str, Pool]
    schemes: Mapping[str, PointScheme]
    pays_whole: bool
    """Every pool pays the fund's part of a standard without looking at what a case booked."""
    plain: bool
    """One scheme takes every case by points, and no fact of a case but its flags matters: no batch code is needed."""

    @classmethod
    def of(cls, resolved: ResolvedPolicy) -> PolicyYear:
        whole = (Payable.FUND, Payable.TIMES_RATIO)
        area = resolved.area
        return cls(
            resolved,
            {each.code: each for each in area.hospitals},
            {each.id: each for each in area.pools},
            {each.name: each for each in area.schemes if isinstance(each, PointScheme)},
            all(pool.point_value.payable in whole for pool in area.pools),
            _is_plain(resolved),
        )


def _is_plain(resolved: ResolvedPolicy) -> bool:
    routes, facts = resolved.routes, resolved.facts
    if len(routes) != 1 or routes[0].when is not None or routes[0].kind not in POINT_KINDS:
        return False
    asked = facts.asked.required or facts.asked.operations or facts.asked.conditions
    if asked or facts.insured_elsewhere or facts.readmission_days is not None or not facts.in_points:
        return False
    matters = ("decisions", "new_tech_cases", "new_tech", "tcm", "group_coefficients", "bed_day_groups")
    return not any(getattr(facts, name) for name in matters) and not any(span.value for span in facts.flags)


@dataclass
class Counter:
    """`editions` are laid end to end; `demand` is what a settling record must hold, `grouping` what a grouped one."""

    policy: AreaPolicy
    editions: tuple[Edition, ...]
    demand: Demand
    grouping: Demand
    chosen_by: str
    one_scheme: bool = True
    """Every case belongs to the packs of one scheme; otherwise the area's routes decide."""
    _years: dict[int, PolicyYear | PolicyError] = field(default_factory=dict)
    _walkers: dict[int, Any] = field(default_factory=dict)
    _general: GeneralArea | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def code(self) -> str:
        return self.policy.code

    def edition_on(self, day: date | None) -> Edition | None:
        """The edition in force on a day; a case without a date has one only if a single pack serves every day."""
        if day is None:
            only = self.editions[0]
            return only if len(self.editions) == 1 and (only.first, only.last) == (date.min, date.max) else None
        return next((each for each in self.editions if each.first <= day <= each.last), None)

    def year(self, year: int) -> PolicyYear:
        """The policy of a settlement year, resolved once. Raises PolicyError if it does not hold for that year."""
        found = self._years.get(year)
        if found is None:
            with self._lock:
                found = self._years.get(year) or self._resolved(year)
                if len(self._years) > YEARS_KEPT:
                    self._years.clear()
                self._years[year] = found
        if isinstance(found, PolicyError):
            raise found
        return found

    def year_of(self, settled_on: date, discharged_on: date) -> PolicyYear:
        """The year a case belongs to, by the date the policy goes by."""
        found = self.year(settled_on.year)
        return found if found.resolved.period_by == "settle_date" else self.year(discharged_on.year)

    def _resolved(self, year: int) -> PolicyYear | PolicyError:
        try:
            return PolicyYear.of(resolve(self.policy, year, self.chosen_by))
        except PolicyError as error:
            return error

    def walker(self, edition: Edition) -> Any:
        """What walks the edition's rules, prepared once."""
        key = id(edition.pack)
        if (found := self._walkers.get(key)) is None:
            with self._lock:
                found = self._walkers[key] = _walker(edition.pack)
        return found

    def general(self) -> GeneralArea:
        """The area with its batch code, loaded when a case first needs it."""
        if self._general is None:
            with self._lock:
                if self._general is None:
                    from engine.online.general import GeneralArea

                    self._general = GeneralArea.of(self.policy)
        return self._general

    def warm(self) -> None:
        """Prepare every edition, so that the first case waits for nothing."""
        for edition in self.editions:
            self.walker(edition)
        if not self.one_scheme:
            self.general()


def _walker(pack: AnyPack) -> Any:
    if isinstance(pack, DipPack):
        from grouper.dip_reference import DipWalker

        walker: DipWalker = DipWalker(pack.tables)
        return walker
    from grouper.prepared import PreparedWalker

    return PreparedWalker(pack.tables)


def open_counter(where: Path) -> Counter:
    """Load an area from its folder, or from a policy folder. Raises PolicyError or PackError."""
    folder = where / "policy" if (where / "policy").is_dir() else where
    policy = load_policy(folder)
    desk = policy.desk()
    entries = desk.at(PACKS, date.max)
    routed = [entry.kind not in POINT_KINDS or entry.when is not None for entry in desk.at(SCHEMES, date.max)]
    by_path = {entry.path: _open_pack(folder / entry.path) for entry in entries}
    by_scheme: dict[str, list[AnyPack]] = {}
    for entry in entries:
        pack = by_path[entry.path]
        first, last = entry.first or pack.meta.valid_from, entry.last or pack.meta.valid_to
        by_scheme.setdefault(entry.scheme, []).append(
            replace(pack, meta=replace(pack.meta, valid_from=first, valid_to=last))
        )
    editions = []
    for scheme, own in by_scheme.items():
        editions += [Edition(each.pack, scheme, each.first, each.last) for each in calendar_of(own).periods]
    packs = [edition.pack for edition in editions]
    return Counter(
        policy,
        tuple(editions),
        _demand("settle", packs),
        _demand("group", packs),
        packs[0].meta.chosen_by if packs else "discharge_date",
        one_scheme=len(routed) == 1 and not routed[0] and len(by_scheme) == 1,
    )


def _open_pack(path: Path) -> AnyPack:
    return load_dip_pack(path) if kind_of_pack(path) == "dip" else load_pack(path)


def _demand(purpose: Any, packs: list[AnyPack]) -> Demand:
    profiles = {"compatible" if isinstance(p, DipPack) else p.tables.options.validation_profile for p in packs}
    profile: Profile = "strict" if profiles == {"strict"} else "compatible"
    demand = Demand(purpose, profile, numbers=(), pools=POOLS, dip=any(isinstance(pack, DipPack) for pack in packs))
    for pack in packs:
        if isinstance(pack, Pack):
            demand = demand.with_numbers(pack.tables.numeric)
    if demand.dip:
        from grouper.tables import NumericField

        demand = demand.with_numbers((NumericField("icu_hours", "h", "icu_hours"),))
    return demand
