"""Advances of working capital: amount and bars from last year's months and clearing, worked by hand.

2025: plan 40,000, reserve 2,000; 24 stays of 100 points share 38,000: standard 19,000 each. Both hospitals booked
12,000, 1,000 a month; they keep a tenth of the standard, 1,900, of their surplus of 7,000 and are entitled to 13,900.
H1: 13,900 − 12,000 + 600 = 2,500. H2 had an advance of 5,000: 13,900 − 12,000 + 300 − 5,000 = −2,800, so 2,800 of it
was not returned.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from engine.advances import AdvanceRow, plan_advances, write_advances
from engine.area import load_area
from engine.errors import PolicyError, RunError
from engine.policy.load import load_policy
from engine.run import clear, presettle
from engine.run_parts import RunOptions
from tests.small_county import FILES, HEAD, Stay, village, write_stays
from tests.test_cli import dianzhi

RULES = {
    "budget.yaml": FILES["budget.yaml"].replace('2025-01-01: {"310": 10000.00}', '2025-01-01: {"310": 40000.00}'),
    "advance.yaml": f"""\
advance:
{HEAD}  unit: CNY
  values:
    2025-01-01: {{H2/310: 5000.00}}
    2026-01-01: {{H2/310: 700.00}}
""",
    "advance_rules.yaml": f"""\
advance_rules:
{HEAD}  months:
    unit: month
    values: {{2025-01-01: 1.5}}
  reserve_months:
    unit: month
    values: {{2025-01-01: {{"310": 12}}}}
""",
}
STAYS = tuple(
    Stay(f"{hospital}{month:02d}", hospital, "FV1", f"2025-{month:02d}-05", "10000.00", "1000.00")
    for hospital in ("H1", "H2")
    for month in range(1, 13)
)
GOOD = "310,12000.00,1000.00,0,0"


def standing(folder: Path, row: str = GOOD) -> Path:
    path = folder / "standing.csv"
    path.write_text(f"insutype,balance,monthly_spend,prior_result,projected_result\n{row}\n", encoding="utf-8")
    return path


@pytest.fixture
def area(tmp_path: Path) -> Path:
    """The area folder, with 2025 cleared on tmp_path/runs."""
    folder = village(tmp_path / "area", RULES)
    clear([write_stays(tmp_path / "c.csv", STAYS)], load_area(folder), 2025, RunOptions(shelf=tmp_path / "runs"))
    return folder


def planned(area: Path, row: str | None = GOOD, year: int = 2026) -> dict[str, AdvanceRow]:
    policy, shelf = load_policy(area / "policy"), area.parent / "runs"
    file = None if row is None else standing(area.parent, row)
    return {each.hospital: each for each in plan_advances(policy, shelf, year, file)}


def test_amount_is_months_times_the_mean_month_and_an_advance_not_returned_bars_the_next(area: Path) -> None:
    found = planned(area)
    assert (found["H1"].months, found["H1"].mean_fen, found["H1"].granted_fen) == (12, 100_000, 150_000)
    assert found["H1"].bars == ()
    assert (found["H2"].amount_fen, found["H2"].granted_fen) == (150_000, 0)
    assert found["H2"].bars == ("not_returned",) and found["H2"].uncovered_fen == 280_000


@pytest.mark.parametrize(
    ("row", "bars"),
    [
        ("310,11999.99,1000.00,0,0", ("pool_reserve",)),
        ("310,12000.00,1000.00,-0.01,0", ("prior_deficit",)),
        ("310,12000.00,1000.00,0,-0.01", ("projected_deficit",)),
        ("310,1.00,1000.00,-1,-1", ("pool_reserve", "prior_deficit", "projected_deficit")),
        (None, ("unknown_standing",)),
    ],
)
def test_what_the_pool_stands_at_bars_everybody(area: Path, row: str | None, bars: tuple[str, ...]) -> None:
    found = planned(area, row)["H1"]
    assert found.bars == bars and found.granted_fen == 0 and found.amount_fen == 150_000


def test_eleven_months_are_no_full_year(tmp_path: Path) -> None:
    folder = village(tmp_path / "area", RULES)
    stays = [stay for stay in STAYS if stay.id != "H112"]
    clear([write_stays(tmp_path / "c.csv", stays)], load_area(folder), 2025, RunOptions(shelf=tmp_path / "runs"))
    assert planned(folder)["H1"].bars == ("no_full_year",) and planned(folder)["H1"].months == 11


def test_in_january_the_months_are_known_but_an_advance_is_not_cleared_yet(tmp_path: Path) -> None:
    folder = village(tmp_path / "area", RULES)
    area, cases = load_area(folder), write_stays(tmp_path / "c.csv", STAYS)
    for month in range(1, 13):
        presettle([cases], area, 2025, month, RunOptions(shelf=tmp_path / "runs"))
    found = planned(folder)
    assert (found["H1"].granted_fen, found["H1"].bars) == (150_000, ())
    assert found["H2"].bars == ("not_cleared",)


def test_the_policy_paying_somebody_its_rules_bar_is_said(area: Path) -> None:
    found = planned(area)
    assert found["H2"].paid_against_the_rules and not found["H1"].paid_against_the_rules
    assert not replace(found["H2"], bars=(), in_policy_fen=150_000).paid_against_the_rules


def test_the_command_shows_reasons_and_writes_them(area: Path) -> None:
    shelf, file = area.parent / "runs", standing(area.parent)
    words = ("policy", "advance", "--area", area, "--year", "2026", "--runs", shelf, "--standing", file)
    done = dianzhi(*words, "--out", "rows.csv", cwd=area.parent)
    assert done.returncode == 0, done.stderr
    assert "1,500.00" in done.stdout and "the policy advances 700.00 yuan to H2/310" in done.stdout
    with (area.parent / "rows.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["fixmedins_code"]: row for row in csv.DictReader(stream)}
    assert (rows["H1"]["granted"], rows["H1"]["bars"]) == ("1500.00", "")
    assert (rows["H2"]["granted"], rows["H2"]["bars"], rows["H2"]["uncovered"]) == ("0.00", "not_returned", "2800.00")
    assert "last year's advance was not returned in full" in rows["H2"]["reasons"]


def test_what_is_missing_is_named(area: Path, tmp_path: Path) -> None:
    policy = load_policy(area / "policy")
    with pytest.raises(RunError, match="neither a month nor the clearing of 2025"):
        plan_advances(policy, tmp_path / "nowhere", 2026, None)
    silent = load_policy(village(tmp_path / "silent") / "policy")
    with pytest.raises(PolicyError, match="advance_rules: the policy does not say"):
        plan_advances(silent, area.parent / "runs", 2026, None)
    for row, words in (
        ("310,12000.00,1000.00,0", "projected_result missing"),
        ("310,12000.00,0,0,0", "monthly_spend must be above zero"),
        ("310,lots,1000.00,0,0", "not an amount in yuan"),
    ):
        with pytest.raises(PolicyError, match=words):
            plan_advances(policy, area.parent / "runs", 2026, standing(tmp_path, row))
    with pytest.raises(PolicyError, match="there is no such file"):
        plan_advances(policy, area.parent / "runs", 2026, tmp_path / "none.csv")


def test_a_run_that_was_changed_is_not_relied_on(area: Path) -> None:
    path = next((area.parent / "runs").glob("2025-*-clear-01")) / "lines.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(RunError, match="cannot be relied on"):
        planned(area)


def test_rows_are_written_whole(area: Path, tmp_path: Path) -> None:
    write_advances(tmp_path / "a" / "rows.csv", tuple(planned(area).values()))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["rows.csv"]
