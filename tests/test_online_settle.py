"""The plain single-case path against the batch flow: the same cases, the same answers, the same refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.area import load_area
from engine.cases.demand import Demand
from engine.cases.read import open_cases
from engine.online.counter import Counter, open_counter
from engine.online.settle import Answer, Refused, group_case, settle_case
from engine.run import presettle
from engine.run_parts import RunOptions
from tests.small_city import DEMO, YEAR, small_city

ROOT = Path(__file__).resolve().parents[1]
MONTHS = ("202502", "202507", "202511")
AREAS = ("policy", "policy_dip")


@cache
def counter(area: str) -> Counter:
    return open_counter(DEMO / area)


def plain(value: Any) -> Any:
    """A cell as JSON would carry it: money and dates as text."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return str(value) if isinstance(value, (Decimal, date, datetime)) else value


def rows_of(month: str, demand: Demand) -> Iterator[dict[str, Any]]:
    """The rows of a month under canonical names, cells as JSON."""
    reader = open_cases(small_city().months[month], demand)
    for frame in reader.iter_batches():
        for row in frame.filter(~pl.col("misshapen")).iter_rows(named=True):
            yield {name: plain(value) for name, value in row.items() if value is not None}


def answered(area: str, row: dict[str, Any]) -> Answer | str:
    try:
        return settle_case(counter(area), row)
    except Refused as error:
        return error.refusals[0].code


def same(value: Any, expected: Any) -> bool:
    """Equal, trailing zeros of a decimal aside; an empty list and none are the same."""
    if isinstance(expected, Decimal) and value is not None:
        return Decimal(value) == expected
    return bool(value == expected) or (not value and not expected)


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("month", MONTHS)
def test_every_case_of_a_month_gets_at_the_counter_what_the_month_gives_it(
    area: str, month: str, tmp_path: Path
) -> None:
    loaded = load_area(DEMO / area)
    options = RunOptions(shelf=tmp_path / "runs", profile=counter(area).demand.profile)
    folder = presettle(small_city().months[month], loaded, YEAR, int(month[4:]), options).folder
    grouped = {row["setl_id"]: row for row in pl.read_parquet(folder / "grouped.parquet").iter_rows(named=True)}
    settled = {row["setl_id"]: row for row in pl.read_parquet(folder / "settled.parquet").iter_rows(named=True)}
    rejected = {
        (row["file"], row["row"]): row["code"] for row in pl.read_parquet(folder / "rejected.parquet").to_dicts()
    }
    met = 0
    for row in rows_of(month, counter(area).demand):
        place = (row.pop("file"), row.pop("row"))
        row.pop("misshapen", None)
        answer = answered(area, row)
        if place in rejected:
            if rejected[place] not in ("V003", "V004"):
                assert answer == rejected[place], (place, row)
            continue
        assert isinstance(answer, Answer), (answer, row)
        expected = grouped[answer.record.setl_id] | settled[answer.record.setl_id]
        for name, value in answer.columns.items():
            assert same(value, expected[name]), (name, value, expected[name], row)
        assert {name for name, value in expected.items() if value} <= {*answer.columns, "maindiag_code"}
        met += 1
    assert met == len(settled) > 100


def test_grouping_asks_no_money() -> None:
    row = next(rows_of("202504", counter("policy").grouping))
    kept = {name: row[name] for name in row if name not in ("medfee_sumamt", "hifp_pay", "setl_end_date")}
    assert group_case(counter("policy"), kept).columns["drg_code"]


def test_before_discharge_the_planned_discharge_stands_in_for_the_settlement() -> None:
    row = next(row for row in rows_of("202504", counter("policy").demand) if row["insutype"] == "390")
    sure = settle_case(counter("policy"), row)
    early = {name: value for name, value in row.items() if name not in ("setl_id", "setl_end_date", "setl_ym")}
    found = settle_case(counter("policy"), early, provisional=True)
    assert found.columns["drg_dip_fund_payamt"] == sure.columns["drg_dip_fund_payamt"]
    with pytest.raises(Refused):
        settle_case(counter("policy"), early)


def test_a_stranger_and_a_year_without_policy_are_refused() -> None:
    row = next(rows_of("202504", counter("policy").demand))
    for change, code in (
        ({"fixmedins_code": "H99999999999"}, "R001"),
        (
            {"dscg_time": "2031-01-05", "setl_end_date": "2031-01-06", "setl_ym": "203101", "adm_time": "2030-12-20"},
            "R010",
        ),
        ({"dscg_time": "2021-01-05", "adm_time": "2020-12-17"}, "R002"),
        ({"medfee_sumamt": "12.345"}, "V008"),
        ({"hifp_pay": None}, "V015"),
        ({"gend": "9"}, "V031"),
    ):
        assert answered("policy", row | change) == code, code


def test_the_counter_needs_no_kernel() -> None:
    probe = (
        "import sys\nfrom pathlib import Path\nfrom engine.online.counter import open_counter\n"
        "import engine.online.settle\n"
        f"for area in {AREAS!r}:\n    open_counter(Path({str(DEMO)!r}) / area).warm()\n"
        "print([name for name in ('numba', 'llvmlite', 'pyarrow.parquet') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
