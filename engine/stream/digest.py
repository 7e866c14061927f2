"""Sums of a year by hospital, pool, scheme, way of payment and month 「汇总」, added up piece by piece.

In: scored pieces; out: case columns and scores of a digest, whose rows stand for all cases alike in those five. The
clearing runs on them as on cases. Sums are integers, so neither the order of pieces nor how the cases were divided
changes one. Each addition is checked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.stream.piece_loops import sum_cases, ways_of
from engine.stream.spill import COLUMNS
from pointvalue.cases import CaseColumns, CaseFault, shut
from pointvalue.classes import Scored, fixed_line_names
from pointvalue.model import AreaYear
from pointvalue.terms import Flag, Route

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
I16 = npt.NDArray[np.int16]
MONTHS = 12
MEASURES = ("count", "cost", "patient", "fund", "points", "declared", "gross", "price")
AS_BOOKED = np.isin(np.arange(128), [int(Route.FIXED), int(Route.EPIDEMIC)])
"""Routes whose cases no pot pays and that are paid what they booked, unless a price says otherwise."""
_LARGE = 1 << 62
_TURNS = 4
_ALWAYS = frozenset({"points", "cell", "elsewhere"})
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Slots:
    """How cases are told apart beside hospital and month: pool, scheme, fixed line or route, from elsewhere or not."""

    area: AreaYear

    @property
    def hospitals(self) -> int:
        return len(self.area.hospitals)

    @property
    def ways(self) -> int:
        """A pot, each fixed line, then the routes that no line pays."""
        return 1 + len(fixed_line_names(self.area)) + len(Route)

    @property
    def count(self) -> int:
        return len(self.area.pools) * len(self.area.schemes) * self.ways * 2

    def parts(self, slot: int) -> tuple[int, int, int, int, bool]:
        """(pool, scheme, route, fixed line or −1, from elsewhere) of a slot."""
        rest, elsewhere = divmod(slot, 2)
        rest, way = divmod(rest, self.ways)
        pool, scheme = divmod(rest, len(self.area.schemes))
        lines = len(fixed_line_names(self.area))
        if way == 0:
            return pool, scheme, int(Route.POT), -1, bool(elsewhere)
        if way <= lines:
            return pool, scheme, int(Route.FIXED), way - 1, bool(elsewhere)
        return pool, scheme, way - 1 - lines, -1, bool(elsewhere)


@dataclass(frozen=True)
class Divided:
    """The cases of a piece by slot and by pot."""

    sums: dict[int, I64]
    """By slot: [measure, month × hospital]."""
    pot: I16
    """Number of each case's pot, −1 = none."""
    apart: int
    """How many cases have none."""
    inside: dict[int, dict[str, npt.NDArray[Any]]]
    """By pot that has cases: what `engine.stream.spill` keeps of them."""


def divide(
    slots: Slots,
    pot_of: I32,
    kept: Sequence[Collection[str]],
    cases: CaseColumns,
    scored: Scored,
    declared: I64,
    prices: tuple[I64, I64] | None,
) -> Divided:
    """Every case to its slot and its pot. `pot_of` [pool, scheme, hospital], −1 = none or two; `kept`: of every pot,
    the columns asked for; `prices`: full price and fund part of cases no pot pays, None = as booked."""
    count = len(cases)
    slot, pot = np.empty(count, np.int32), np.empty(count, np.int16)
    used, counts = np.zeros(slots.count, np.bool_), np.zeros((_TURNS, len(kept) + 1), np.int64)
    lost = ways_of(
        shut(cases.pool), shut(cases.scheme), shut(cases.hospital), shut(cases.flags), scored.route, scored.line,
        len(slots.area.schemes), slots.ways, len(scored.lines), int(Route.POT), int(Route.FIXED),
        int(Flag.OUT_OF_AREA), pot_of, slot, used, pot, counts,
    )  # fmt: skip
    if lost >= 0:
        raise CaseFault(lost, cases.ids[lost], "it lies in no pot of its pool, or in two")
    numbers = np.flatnonzero(used)
    place = np.zeros(slots.count, np.int32)
    place[numbers] = np.arange(len(numbers), dtype=np.int32)
    sums = np.zeros((len(numbers), MONTHS * slots.hospitals, len(MEASURES)), np.int64)
    by_pot = counts.sum(axis=0)
    begins = np.concatenate([[0], np.cumsum(by_pot[:-1])])
    asked = _ALWAYS.union(*kept)
    columns: dict[str, npt.NDArray[Any]] = {
        name: np.empty(int(begins[-1]) if name in asked else 0, kind) for name, kind in COLUMNS.items()
    }
    gross, price = (_NONE, _NONE) if prices is None else prices
    sum_cases(
        slot, place, shut(cases.month), shut(cases.hospital), slots.hospitals, pot, shut(cases.cost_fen),
        shut(cases.patient_fen), shut(cases.fund_fen), scored.points_e4, shut(declared), scored.route,
        int(Route.POT), AS_BOOKED, shut(gross), shut(price), begins[:-1].copy(), sums, *columns.values(),
    )  # fmt: skip
    ends = zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True)
    inside = {
        number: {name: values[low:high] for name, values in columns.items() if name in asked}
        for number, (low, high) in enumerate(ends)
        if high > low
    }
    return Divided(
        {int(one): sums[number].T for number, one in enumerate(numbers.tolist())}, pot, int(by_pot[-1]), inside
    )


@dataclass
class Digest:
    """The sums so far."""

    slots: Slots
    sums: dict[int, I64] = field(default_factory=dict)

    def add(self, found: dict[int, I64]) -> None:
        """One piece more. Raises OverflowError where a sum leaves 62 bits."""
        for slot, sums in found.items():
            if slot in self.sums:
                self.sums[slot] += sums
            else:
                self.sums[slot] = np.array(sums, order="C")
            if sums.size and int(np.abs(self.sums[slot]).max()) >= _LARGE:
                raise OverflowError("a sum of amounts passes 62 bits: an amount is implausible")

    def columns(self) -> DigestColumns:
        """Everything as case columns, one row for each slot, month and hospital with a case."""
        parts: dict[str, list[npt.NDArray[Any]]] = {}

        def put(name: str, values: npt.NDArray[Any]) -> None:
            parts.setdefault(name, []).append(values)

        for slot in sorted(self.sums):
            sums = self.sums[slot]
            cells = np.flatnonzero(sums[0])
            ones = np.ones(len(cells), np.int32)
            pool, scheme, route, line, elsewhere = self.slots.parts(slot)
            for name, value in (("pool", pool), ("scheme", scheme), ("route", route), ("line", line)):
                put(name, ones * np.int32(value))
            put("flags", ones.astype(np.int64) * (int(Flag.OUT_OF_AREA) if elsewhere else 0))
            put("cell", cells.astype(np.int32))
            put("slot", ones * np.int32(slot))
            for number, name in enumerate(MEASURES):
                put(name, sums[number, cells])
        kinds = {"flags": np.int64} | dict.fromkeys(MEASURES, np.int64)
        columns = {
            name: np.concatenate(parts[name]) if name in parts else np.zeros(0, kinds.get(name, np.int32))
            for name in ("pool", "scheme", "route", "line", "flags", "cell", "slot", *MEASURES)
        }
        return DigestColumns.of(columns, self.slots)


@dataclass(frozen=True)
class DigestColumns:
    """A digest as the clearing reads it. `slot` and `cell` say what each row stands for."""

    cases: CaseColumns
    scored: Scored
    slot: I32
    cell: I32

    @classmethod
    def of(cls, columns: dict[str, npt.NDArray[Any]], slots: Slots) -> DigestColumns:
        count = len(columns["cell"])
        zeros, none = np.zeros(count, np.int64), np.zeros(count, np.int32)
        cases = CaseColumns(
            # Rows are no cases; their keys only have to ascend.
            ids=[f"{row:012d}" for row in range(count)],
            hospital=columns["cell"] % np.int32(slots.hospitals),
            pool=columns["pool"],
            scheme=columns["scheme"],
            group=none,
            groups=("",),
            month=columns["cell"] // np.int32(slots.hospitals) + np.int32(1),
            value_day=none,
            days=none,
            cost_fen=columns["cost"],
            patient_fen=columns["patient"],
            fund_fen=columns["fund"],
            base_points_e4=zeros,
            reference_fen=zeros,
            flags=columns["flags"],
            count=columns["count"],
            declared_fen=columns["declared"],
            gross_fen=columns["gross"],
            price_fen=columns["price"],
        )
        scored = Scored(
            classes=(),
            lines=fixed_line_names(slots.area),
            class_index=none,
            points_e4=columns["points"],
            route=columns["route"].astype(np.int8),
            line=columns["line"],
            readmitted=np.zeros(count, np.bool_),
        )
        return cls(cases, scored, columns["slot"], columns["cell"])
