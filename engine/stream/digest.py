"""Sums of a year by hospital, pool, scheme, way of payment and month 「汇总」, added up piece by piece.

In: scored pieces; out: case columns and scores of a digest, whose rows stand for all cases alike in those five. The
clearing runs on them as on cases. Sums are integers, so neither the order of pieces nor how the cases were divided
changes one. Each addition is checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from pointvalue.cases import CaseColumns
from pointvalue.classes import Scored, fixed_line_names
from pointvalue.model import AreaYear
from pointvalue.terms import Flag, Route

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
MONTHS = 12
MEASURES = ("count", "cost", "patient", "fund", "points", "declared", "gross", "price")
_LARGE = 1 << 62


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

    def of(self, cases: CaseColumns, scored: Scored) -> I32:
        """The slot of every case."""
        other = np.where(scored.route == int(Route.FIXED), 1 + scored.line, 1 + len(scored.lines) + scored.route)
        way = np.where(scored.route == int(Route.POT), 0, other)
        elsewhere = (cases.flags & int(Flag.OUT_OF_AREA)) != 0
        slot = ((cases.pool * len(self.area.schemes) + cases.scheme) * self.ways + way) * 2 + elsewhere
        found: I32 = slot.astype(np.int32)
        return found

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


def cell_of(cases: CaseColumns, hospitals: int) -> I32:
    """Place of every case by month and hospital."""
    return (cases.month - 1) * np.int32(hospitals) + cases.hospital


def piece_sums(
    slots: Slots, slot: I32, cell: I32, cases: CaseColumns, scored: Scored, declared: I64, gross: I64, price: I64
) -> dict[int, I64]:
    """Sums of one piece by slot: [measure, month × hospital]."""
    used = np.flatnonzero(np.bincount(slot, minlength=slots.count))
    place = np.full(slots.count, -1, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    sums = np.zeros((len(used), len(MEASURES), MONTHS * slots.hospitals), np.int64)
    _add(
        place, slot, cell, cases.cost_fen, cases.patient_fen, cases.fund_fen, scored.points_e4, declared, gross, price,
        sums,
    )  # fmt: skip
    return {int(one): sums[number] for number, one in enumerate(used.tolist())}


@njit(nogil=True, cache=True)
def _add(
    place: Any, slot: Any, cell: Any, cost: Any, patient: Any, fund: Any, points: Any, declared: Any, gross: Any,
    price: Any, sums: Any,
) -> None:  # fmt: skip
    for i in range(len(slot)):
        at, where = place[slot[i]], cell[i]
        sums[at, 0, where] += 1
        sums[at, 1, where] += cost[i]
        sums[at, 2, where] += patient[i]
        sums[at, 3, where] += fund[i]
        sums[at, 4, where] += points[i]
        sums[at, 5, where] += declared[i]
        sums[at, 6, where] += gross[i]
        sums[at, 7, where] += price[i]


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
                self.sums[slot] = sums.copy()
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
