"""Cases of areas with many schemes at the counter: what the month gives them, case by case."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from engine.cases.read import open_cases
from engine.online.counter import open_counter
from engine.online.settle import Answer, Refused, settle_case
from engine.run import presettle
from engine.run_parts import RunOptions, demand_of
from tests.area_years import loaded, small_files
from tests.test_online_settle import answered, counter, plain, rows_of, same

SAMPLE = 12
AREAS = [("fuzhou", 2022), ("pingli", 2020), ("shanwei", 2022), ("shijiazhuang", 2023), ("zibo", 2022)]


@pytest.mark.parametrize(("short", "year"), AREAS)
def test_a_case_of_an_area_gets_at_the_counter_what_its_month_gives_it(short: str, year: int, tmp_path: Path) -> None:
    area, path = loaded(short), small_files(short, year).months[f"{year}06"]
    folder = presettle([path], area, year, 6, RunOptions(shelf=tmp_path / "runs")).folder
    settled = {row["setl_id"]: row for row in pl.read_parquet(folder / "settled.parquet").to_dicts()}
    grouped = {row["setl_id"]: row for row in pl.read_parquet(folder / "grouped.parquet").to_dicts()}
    opened = open_counter(area.policy.folder)
    resolved = area.for_year(year)
    demand = demand_of("settle", area.routed(resolved).editions, RunOptions(), resolved)
    rows = [row for frame in open_cases([path], demand).iter_batches() for row in frame.to_dicts()]
    kinds: set[str | None] = set()
    met = 0
    for row in rows:
        if row["setl_id"] not in settled or (met >= SAMPLE and grouped[row["setl_id"]]["pay_mode"] in kinds):
            continue
        kinds.add(grouped[row["setl_id"]]["pay_mode"])
        met += 1
        sent = {name: plain(value) for name, value in row.items() if value is not None and "!" not in name}
        for name in ("file", "row", "misshapen"):
            sent.pop(name, None)
        found = settle_case(opened, sent)
        expected = grouped[row["setl_id"]] | settled[row["setl_id"]]
        for name, value in found.columns.items():
            assert same(value, expected[name]), (name, value, expected[name], sent)
    assert met >= SAMPLE


def test_the_long_way_gives_what_the_short_one_gives() -> None:
    opened = counter("policy")
    year = opened.year(2025)
    assert year.plain and counter("policy_dip").year(2025).plain
    for number, row in enumerate(rows_of("202504", opened.demand)):
        if number >= 6:
            break
        short = answered("policy", row)
        assert isinstance(short, Answer)
        found = opened.general().settle(row, year.resolved, 2025, 4)
        assert not isinstance(found, list)
        assert (found.standard_fen, found.fund_fen, found.points_e4) == (
            short.standard_fen, short.fund_fen, short.points_e4,
        )  # fmt: skip
        for name, value in short.columns.items():
            assert same(value, as_cell(found.columns[name])), name


def as_cell(value: object) -> object:
    """A decimal as the file holds it, so that its trailing zeros do not count."""
    return Decimal(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]+\.[0-9]+", value) else value


def test_a_case_no_scheme_takes_is_refused_in_words() -> None:
    opened = open_counter(loaded("zibo").policy.folder)
    row = next(rows_of("202504", opened.demand))
    with pytest.raises(Refused) as refused:
        settle_case(opened, row)
    assert refused.value.refusals[0].zh
