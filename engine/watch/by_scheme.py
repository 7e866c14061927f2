"""Which scheme took how many cases, and what each pays 「各付费方式」.

In: settled cases; out: rows by pool and scheme in the policy's order, schemes that took no case among them, with the
condition that chose their cases. Standard and fund part are those of the cases: what contracts pay stands on their own
lines. It computes no amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from engine.edition_apart import KIND_NAMES
from engine.report.page_tables import Head, PageTable
from engine.watch.tables import table_of
from engine.write_settled import SettledCases
from pointvalue.fixed_wide import total
from pointvalue.terms import SchemeKind

_POINT_NAMES = {
    SchemeKind.POINTS: ("DRG 点数或费率", "DRG points or price"),
    SchemeKind.PACK_POINTS: ("DIP 分值", "DIP scores"),
}


@dataclass(frozen=True)
class SchemeRow:
    """One scheme in one pool, money in fen."""

    pool: str
    scheme: str
    kind: SchemeKind
    when: str
    cases: int
    cost_fen: int
    booked_fen: int
    fund_part_fen: int


def scheme_rows(settled: SettledCases) -> list[SchemeRow]:
    """A row per pool and scheme; nothing where the area has but one scheme."""
    routes = settled.resolved.routes
    if len(routes) < 2:
        return []
    found = []
    for pool_index, pool in enumerate(settled.area.pools):
        in_pool = settled.cases.pool == pool_index
        for index, route in enumerate(routes):
            rows = np.flatnonzero(in_pool & (settled.cases.scheme == index))
            found.append(
                SchemeRow(
                    pool.id,
                    route.scheme,
                    route.kind,
                    str(route.when or ""),
                    len(rows),
                    total(settled.cases.cost_fen[rows]),
                    total(settled.cases.fund_fen[rows]),
                    total(settled.fund_part_fen[rows]),
                )
            )
    return found


def scheme_file(rows: Sequence[SchemeRow]) -> pa.Table:
    """`schemes.parquet`."""
    return table_of("schemes", [
        {"insutype": row.pool, "scheme": row.scheme, "kind": str(row.kind), "applies": row.when, "cases": row.cases,
         "cost_fen": row.cost_fen, "booked_fen": row.booked_fen, "fund_part_fen": row.fund_part_fen}
        for row in rows
    ])  # fmt: skip


def scheme_page(rows: Sequence[SchemeRow]) -> PageTable:
    """The page's table."""
    columns = (
        *(
            Head("险种", "Pool"),
            Head("付费方式", "Scheme"),
            Head("适用条件", "Condition"),
            Head("病例", "Cases", "count"),
        ),
        *(Head("医疗费总额", "Cost", "money"), Head("统筹记账", "Booked", "money")),
        Head("病例应付基金", "Fund part of its cases", "money"),
    )
    names = {**KIND_NAMES, **_POINT_NAMES}
    cells = tuple(
        (row.pool, f"{row.scheme} {names[row.kind][0]}", row.when or "其余病例 the rest", row.cases, row.cost_fen,
         row.booked_fen, row.fund_part_fen)
        for row in rows
    )  # fmt: skip
    notes = ("按人头、打包的协议金额见入账明细 What capitation and bundle contracts pay stands in the posting lines.",)
    return PageTable("各付费方式", "Cases and money by scheme", columns, cells, notes)
