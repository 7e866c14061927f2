"""One pool's cases of a year, as the clearing steps see them: row numbers into the year's columns, never copies.

In: case columns, scores and the area; out: rows of the pool, its hospitals, and which cases an audit has cancelled.
It checks that every audited case exists and has points. It computes no money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pointvalue.budget import ClearingStopped
from pointvalue.cases import I64, CaseColumns, row_of
from pointvalue.classes import Scored
from pointvalue.fixed_wide import sum_by
from pointvalue.model import AreaYear, AuditCancel, Hospital, Pool
from pointvalue.terms import Route


@dataclass(frozen=True, slots=True)
class Paid:
    """What the cases behind each row of a digest were paid from a pot: sums of standards, floors and caps, fen."""

    standard_fen: I64
    floor_fen: I64
    cap_fen: I64


class Payer(Protocol):
    """Pays the cases of a pot where they lie outside the columns, and proves that each got its exact share."""

    def pay(self, pool_index: int, label: str, rows: I64, factor: Fraction, total_fen: int) -> Paid:
        """Largest remainder over all cases of the pot at `factor` fen per stored point; sums placed like `rows`."""
        ...


@dataclass(frozen=True)
class PoolView:
    """The cases of one pool. `cancelled` maps rows of this pool to their audit decision. `payer`: the rows are those
    of a digest, and this pays the cases behind them."""

    area: AreaYear
    pool_index: int
    cases: CaseColumns
    scored: Scored
    rows: I64
    cancelled: Mapping[int, AuditCancel]
    payer: Payer | None = None

    @property
    def pool(self) -> Pool:
        return self.area.pools[self.pool_index]

    @property
    def hospitals(self) -> tuple[Hospital, ...]:
        return self.area.hospitals

    @cached_property
    def cancelled_rows(self) -> I64:
        """Rows cancelled by audit, ascending."""
        return np.array(sorted(self.cancelled), dtype=np.int64)

    def routed(self, route: Route) -> I64:
        """Rows of the pool whose money comes this way."""
        rows: I64 = self.rows[self.scored.route[self.rows] == int(route)]
        return rows

    def live(self, rows: I64) -> NDArray[np.bool_]:
        """Which of these rows no audit has cancelled."""
        return ~np.isin(rows, self.cancelled_rows)

    def by_hospital(self, rows: I64, amounts: I64) -> dict[str, int]:
        """Sums of amounts (placed like `rows`) by hospital code, hospitals in order."""
        sums = sum_by(self.cases.hospital[rows], amounts, len(self.hospitals))
        return {hospital.code: int(amount) for hospital, amount in zip(self.hospitals, sums, strict=True)}

    def hospital_of(self, row: int) -> str:
        return self.hospitals[int(self.cases.hospital[row])].code


def pool_view(
    cases: CaseColumns, scored: Scored, area: AreaYear, pool_index: int, payer: Payer | None = None
) -> PoolView:
    """The view of one pool."""
    rows = np.flatnonzero(cases.pool == pool_index)
    cancelled: dict[int, AuditCancel] = {}
    for audit in area.audits:
        row = row_of(cases.ids, audit.case)
        if row < 0:
            raise ClearingStopped(
                f"audit decision on case {audit.case!r}: no such case in this year; check the id or settle it by "
                f"audit_money 审核扣减的病例不在本年度"
            )
        if int(cases.pool[row]) != pool_index:
            continue
        if int(scored.route[row]) != int(Route.POT):
            raise ClearingStopped(
                f"audit decision on case {audit.case!r}: the case has no points, so points cannot be taken from it; "
                f"use audit_money 该病例无点数，请改用金额扣减"
            )
        if row in cancelled:
            raise ClearingStopped(f"audit decisions: case {audit.case!r} is cancelled twice 重复扣减")
        cancelled[row] = audit
    return PoolView(area, pool_index, cases, scored, rows, cancelled, payer)
