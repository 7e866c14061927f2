"""`cliffs.parquet`: the edges each hospital and its cases stand near 「临近断点」.

In: settled cases, and the year's result where there is one. Out: a row per hospital, pool and edge: where the edge is,
where the hospital is or how many cases lie on either side, and what the jump is worth. How near is near is a choice of
display and moves no money.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.cases.columns import arrow_schema
from engine.report.cliff_words import NEAR_CASE, NEAR_HOSPITAL
from engine.write_settled import SettledCases
from pointvalue.cliffs import hospital_edges
from pointvalue.cliffs_near import NO_POINTS, NearEdge, near_edges
from pointvalue.fixed import half_up
from pointvalue.fixed_wide import scaled_floor, sum_by
from pointvalue.results import YearResult
from pointvalue.terms import Payable

I64 = npt.NDArray[np.int64]
Row = dict[str, Any]


def cliff_table(settled: SettledCases, year: YearResult | None) -> pa.Table:
    """Hospitals near an edge first by name of the edge, then cases near class edges."""
    rows = [*_case_rows(settled), *(_hospital_rows(settled, year) if year else ())]
    rows.sort(
        key=lambda row: (row["fixmedins_code"], row["insutype"], row["edge_kind"], row["edge_at"], row["edge_name"])
    )
    return pa.Table.from_pylist(rows, schema=arrow_schema("cliffs"))


def _place(value: Fraction) -> Decimal:
    return Decimal(half_up(value * 10**8)).scaleb(-8)


def _yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def _hospital_rows(settled: SettledCases, year: YearResult) -> Iterator[Row]:
    scores = {hospital.code: hospital.score for hospital in settled.area.hospitals}
    for result, pool in zip(year.pools, settled.area.pools, strict=True):
        for code, share in result.shares.items():
            statement = result.statements.get(code)
            withheld = 0 if statement is None else statement.deposit_withheld_fen
            for edge in hospital_edges(pool, share, scores[code], withheld, result.scale_back.k, NEAR_HOSPITAL):
                if not edge.jump_fen:
                    continue  # a step of a table that moves no money of this hospital
                yield {
                    "fixmedins_code": code,
                    "insutype": pool.id,
                    "edge_kind": edge.kind,
                    "edge_name": edge.kind,
                    "edge_at": _place(edge.at),
                    "own_at": _place(edge.own),
                    "edge_from": _place(edge.value_below),
                    "edge_to": _place(edge.value),
                    "jump_amt": _yuan(edge.jump_fen),
                }


def _case_rows(settled: SettledCases) -> Iterator[Row]:
    """Cases near a class edge; the same edge of two class sets of a year is one."""
    area = settled.area
    pools = len(area.pools)
    size = len(area.hospitals) * pools
    sums: dict[tuple[str, Fraction], I64] = defaultdict(lambda: np.zeros((3, size), np.int64))
    for edge in _near(settled):
        where = settled.cases.hospital[edge.rows].astype(np.int64) * pools + settled.cases.pool[edge.rows]
        jumps = np.abs(_paid(settled, edge, edge.after_e4) - _paid(settled, edge, edge.before_e4))
        found = sums[f"{edge.scheme}: {edge.class_before} → {edge.class_after}", edge.limit]
        for row, measure in enumerate((edge.is_below.astype(np.int64), (~edge.is_below).astype(np.int64), jumps)):
            found[row] += sum_by(where, measure, size)
    for (name, limit), (below, above, stake) in sums.items():
        for place in np.flatnonzero(below + above):
            yield {
                "fixmedins_code": area.hospitals[int(place) // pools].code,
                "insutype": area.pools[int(place) % pools].id,
                "edge_kind": "class",
                "edge_name": name,
                "edge_at": _place(limit),
                "blw_psntime": int(below[place]),
                "abv_psntime": int(above[place]),
                "jump_amt": _yuan(int(stake[place])),
            }


def _near(settled: SettledCases) -> Iterator[NearEdge]:
    yield from near_edges(settled.cases, settled.scored, settled.area, NEAR_CASE)
    if settled.editions.has_dip:
        from engine.cliff_dip import near_dip_edges

        yield from near_dip_edges(settled.book, settled.editions, settled.cases, settled.area, NEAR_CASE)


def _paid(settled: SettledCases, edge: NearEdge, points_e4: I64) -> I64:
    """What the fund pays of each case at these points and the run's point value; without points what was booked."""
    cases, area = settled.cases, settled.area
    values, paid = _values_of(settled, edge.rows), np.zeros(edge.rows.size, np.int64)
    for place, pool in enumerate(area.pools):
        terms = pool.point_value
        share = terms.ratio or Fraction(1) if terms.payable is Payable.TIMES_RATIO else Fraction(1)
        for value in np.unique(values[cases.pool[edge.rows] == place]):
            mine = (cases.pool[edge.rows] == place) & (values == value)
            factor = share * Fraction(int(value), 10**10)
            paid[mine] = scaled_floor(np.maximum(points_e4[mine], 0), factor.numerator, factor.denominator)[0]
        if terms.payable is Payable.MINUS_PATIENT:
            mine = cases.pool[edge.rows] == place
            paid[mine] -= cases.patient_fen[edge.rows[mine]]
    return np.where(points_e4 == NO_POINTS, cases.fund_fen[edge.rows], paid)


def _values_of(settled: SettledCases, rows: I64) -> I64:
    """The point value of each case's pot; a case outside the pots takes the mean one of its pool's, for the eye."""
    values = settled.point_value_e8[rows].copy()
    for place in range(len(settled.area.pools)):
        mine = settled.cases.pool[rows] == place
        known = settled.point_value_e8[settled.cases.pool == place]
        known = known[known > 0]
        if known.size:
            values[mine & (values == 0)] = int(np.median(known))
    return values
