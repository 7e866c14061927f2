"""Everything a clearing is watched by, put together for its folder and its page 「监测汇总」.

In: the area, the settled cases, the year's result and how the year opened; out: small tables by file name, and page
tables. It computes no amount a hospital is paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from engine.area import Area
from engine.clearing_table import ClearingRow
from engine.opening import Opening
from engine.report.page_tables import PageTable
from engine.watch.bundles import bundle_file, bundle_page, bundle_rows
from engine.watch.by_scheme import scheme_file, scheme_page, scheme_rows
from engine.watch.counties import county_file, county_page, county_rows
from engine.watch.divisions import division_file, division_page, division_rows
from engine.watch.kpi import area_page, hospital_page, kpi_file, kpi_rows
from engine.watch.opened import opening_table
from engine.write_settled import SettledCases
from pointvalue.results import YearResult


@dataclass(frozen=True)
class Watched:
    """Tables by file name without its ending, and what the page shows of them."""

    files: Mapping[str, pa.Table]
    pages: tuple[PageTable, ...]


NOTHING = Watched({}, ())


def watch_year(
    area: Area, settled: SettledCases, rows: list[ClearingRow], year: YearResult | None, opening: Opening | None
) -> Watched:
    """What a clearing shows beside its accounts; a month shows nothing."""
    if year is None:
        return NOTHING
    names = {hospital.code: hospital.name for hospital in settled.area.hospitals}
    files: dict[str, pa.Table] = {}
    pages = [opening_table(opening, names)] if opening else []
    if schemes := scheme_rows(settled):
        files["schemes"] = scheme_file(schemes)
        pages.append(scheme_page(schemes))
    if bundles := bundle_rows(settled):
        files["bundles"] = bundle_file(bundles)
        pages.append(bundle_page(settled, bundles))
    if divisions := division_rows(area, settled, year):
        files["sub_budgets"] = division_file(divisions)
        pages.append(division_page(divisions))
    if counties := county_rows(area, settled, year):
        files["county_share"] = county_file(counties)
        pages.append(county_page(counties))
    indicators = kpi_rows(settled, rows, year, opening)
    files["kpi"] = kpi_file(indicators)
    pages += [area_page(indicators), hospital_page(settled, indicators)]
    return Watched(files, tuple(page for page in pages if page is not None))
