"""Which edition applies on which day: the packs of one area laid end to end 「方案选用」.

In: packs with periods of validity, or packs with the area's own switch dates; out: `PackCalendar`, asked by day.
Periods count both ends. A gap or an overlap is an error naming both packs: a day has exactly one edition, or the run
does not start. The date asked for is the discharge or the settlement date, as the packs say (`chosen_by`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

from engine.packs.errors import PackError, Problem, Problems
from engine.packs.meta import PackMeta


class Dated(Protocol):
    """A pack of any kind: it says when it holds."""

    @property
    def meta(self) -> PackMeta: ...


P = TypeVar("P", bound=Dated)

_FIRST, _LAST = date.min, date.max
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class PackPeriod(Generic[P]):
    """One edition and the days it serves, both ends inclusive."""

    pack: P
    first: date
    last: date

    def __str__(self) -> str:
        shown = ("…" if day in (_FIRST, _LAST) else str(day) for day in (self.first, self.last))
        return f"{self.pack.meta.id} {self.pack.meta.version} ({' – '.join(shown)})"


@dataclass(frozen=True)
class PackCalendar(Generic[P]):
    """The editions of one area in order of time, without gap or overlap."""

    area: str
    chosen_by: str
    periods: tuple[PackPeriod[P], ...]

    def pack_on(self, day: date) -> P:
        """The edition of that day. Raises `PackError` naming the nearest one if there is none."""
        for period in self.periods:
            if period.first <= day <= period.last:
                return period.pack
        near = self.periods[0] if day < self.periods[0].first else self.periods[-1]
        text = f"no edition on {day}; the nearest is {near}. Add the edition of that day or correct the date."
        raise PackError(self.area, [Problem("choice.none", self.area, text)])

    def pack_for(self, discharged_on: date | None, settled_on: date | None) -> P:
        """The edition of a case by the date the area goes by."""
        day = discharged_on if self.chosen_by == "discharge_date" else settled_on
        if day is None:
            if len(self.periods) == 1 and (self.periods[0].first, self.periods[0].last) == (_FIRST, _LAST):
                return self.periods[0].pack
            text = f"the edition is chosen by {self.chosen_by}, which is empty; fill it in."
            raise PackError(self.area, [Problem("choice.none", self.area, text)])
        return self.pack_on(day)


def calendar_of(packs: Sequence[P], switches: Mapping[date, str] | None = None, area: str = "") -> PackCalendar[P]:
    """The calendar of an area.

    Without `switches` the packs' own periods are laid end to end. With `switches` (first day → pack id, or
    `id version`) the area says itself on which day it goes over to which edition, inside the packs' periods; this is
    how one national edition starts on different days in different areas.
    """
    if not packs:
        raise PackError(area or "?", [Problem("choice.none", area or "?", "no pack was given; name at least one.")])
    problems = Problems(area or packs[0].meta.area)
    ways = {pack.meta.chosen_by for pack in packs}
    if len(ways) > 1:
        named = ", ".join(f"{pack.meta.id} {pack.meta.version}: {pack.meta.chosen_by}" for pack in packs)
        problems.add("key.value", "chosen_by", f"the packs of one area go by different dates ({named}); settle on one.")
    areas = sorted({pack.meta.area for pack in packs} - {"CN"})
    if len(areas) > 1:
        problems.add(
            "key.value", "area", f"packs of different areas: {', '.join(areas)}; one calendar serves one area."
        )
    periods = _own_periods(packs) if switches is None else _switched(packs, switches, problems)
    _check(periods, problems)
    problems.raise_if_any()
    return PackCalendar(area or (areas[0] if areas else "CN"), ways.pop(), tuple(periods))


def choose_pack(packs: Sequence[P], chosen_by: str, day: date) -> P:
    """The edition of that day among the packs of one area, which must all go by `chosen_by`."""
    calendar = calendar_of(packs)
    if calendar.chosen_by != chosen_by:
        text = f"asked by {chosen_by}, but the packs go by {calendar.chosen_by}; pass that date."
        raise PackError(calendar.area, [Problem("key.value", "chosen_by", text)])
    return calendar.pack_on(day)


def _own_periods(packs: Sequence[P]) -> list[PackPeriod[P]]:
    periods = [PackPeriod(pack, pack.meta.valid_from or _FIRST, pack.meta.valid_to or _LAST) for pack in packs]
    return sorted(periods, key=lambda period: (period.first, period.last))


def _switched(packs: Sequence[P], switches: Mapping[date, str], problems: Problems) -> list[PackPeriod[P]]:
    by_name = {pack.meta.id: pack for pack in packs} | {f"{p.meta.id} {p.meta.version}": p for p in packs}
    days = sorted(switches)
    periods = []
    for index, day in enumerate(days):
        pack = by_name.get(switches[day])
        if pack is None:
            text = f"{switches[day]!r} is none of the packs at hand. Allowed: {', '.join(sorted(by_name))}."
            problems.add("choice.none", str(day), text)
            continue
        own_first, own_last = pack.meta.valid_from or _FIRST, pack.meta.valid_to or _LAST
        last = days[index + 1] - _DAY if index + 1 < len(days) else own_last
        period = PackPeriod(pack, day, last)
        if day < own_first or last > own_last or day > last:
            allowed = PackPeriod(pack, own_first, own_last)
            problems.add(
                "choice.gap", str(day), f"{period} reaches beyond its own validity {allowed}; move the switch."
            )
        periods.append(period)
    return periods


def _check(periods: Sequence[PackPeriod[P]], problems: Problems) -> None:
    for index, (earlier, later) in enumerate(pairwise(periods)):
        where = f"{earlier.pack.meta.id} / {later.pack.meta.id}"
        reached = max(period.last for period in periods[: index + 1])
        if later.first <= reached:
            text = f"{earlier} and {later} both hold on {later.first}; end the first one the day before."
            problems.add("choice.overlap", where, text)
        elif later.first > reached + _DAY:
            hole = f"{reached + _DAY} – {later.first - _DAY}"
            problems.add("choice.gap", where, f"no edition on {hole} between {earlier} and {later}; join their dates.")
