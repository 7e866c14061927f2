"""The statement between city and counties 「市县责任分担」 of a cleared year.

In: the policy's allotments and ratios, the hospitals' counties and what each pool spent; out: a row per county with its
gap and who bears it. Money between two treasuries: it is no line of the pool's ledger and changes no hospital's amount.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from engine.area import Area
from engine.errors import PolicyError
from engine.policy.ask import county_share
from engine.report.page_tables import Cell, Head, PageTable
from engine.watch.spend import pool_spend
from engine.watch.tables import table_of
from engine.write_settled import SettledCases
from pointvalue.county import CountyFault, CountyGap, county_gaps
from pointvalue.results import YearResult


@dataclass(frozen=True)
class CountyRow:
    """One county in one pool."""

    pool: str
    county: str
    gap: CountyGap


def county_rows(area: Area, settled: SettledCases, year: YearResult) -> list[CountyRow]:
    """Every allotted county, pool by pool. Raises PolicyError where a county spends without an allotment."""
    county_of = {hospital.code: hospital.county for hospital in settled.area.hospitals}
    rows: list[CountyRow] = []
    for pool in settled.area.pools:
        share = county_share(area.policy, pool.id, settled.area.year)
        if share is None or not share.allotted_fen:
            continue
        spent: dict[str, int] = defaultdict(int)
        for code, amount in pool_spend(settled, pool, year.pool(pool.id)).by_hospital.items():
            spent[county_of[code]] += amount
        try:
            gaps = county_gaps(spent, share.allotted_fen, share.terms)
        except CountyFault as fault:
            raise PolicyError(f"county_share.allotment, pool {pool.id}, {settled.area.year}: {fault}") from None
        rows += [CountyRow(pool.id, county, gap) for county, gap in gaps.items()]
    return rows


def county_file(rows: Sequence[CountyRow]) -> pa.Table:
    """`county_share.parquet`."""
    return table_of("county_share", [
        {"insutype": row.pool, "county": row.county, "allotted_fen": row.gap.allotted_fen,
         "spent_fen": row.gap.spent_fen, "gap_fen": row.gap.gap_fen, "county_fen": row.gap.county_fen,
         "city_fen": row.gap.city_fen}
        for row in rows
    ])  # fmt: skip


def county_page(rows: Sequence[CountyRow]) -> PageTable:
    """The page's table, a total per pool."""
    columns = (
        *(Head("险种", "Pool"), Head("县区", "County"), Head("县级额度", "Allotted", "money")),
        *(Head("县内机构应得基金", "Spent by its hospitals", "money"), Head("超支（负为结余）", "Gap", "signed")),
        *(Head("县级承担", "County's part", "signed"), Head("市级承担", "City's part", "signed")),
    )
    cells: list[tuple[Cell, ...]] = []
    for pool in dict.fromkeys(row.pool for row in rows):
        own = [row for row in rows if row.pool == pool]
        cells += [(pool, row.county, *_amounts([row])) for row in own]
        cells.append((pool, "合计 total", *_amounts(own)))
    note = (
        "市县两级财政之间的结算，不是基金分录；正数为承担，负数为留用。"
        " Money between two treasuries, no line of the fund: above zero it is borne, below zero it is kept."
    )
    return PageTable("市县责任分担", "City and county", columns, tuple(cells), (note,))


def _amounts(rows: Sequence[CountyRow]) -> tuple[int, ...]:
    gaps = [row.gap for row in rows]
    return (
        sum(gap.allotted_fen for gap in gaps),
        sum(gap.spent_fen for gap in gaps),
        sum(gap.gap_fen for gap in gaps),
        sum(gap.county_fen for gap in gaps),
        sum(gap.city_fen for gap in gaps),
    )
