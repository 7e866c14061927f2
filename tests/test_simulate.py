"""What another policy would pay, from the command: differences by hand, and a shelf that does not notice.

What stands is the year of test_opening: plan 10,000, reserve 500, standards 4,750, shares 250, entitled 5,000 each.
With a plan of 12,000 the reserve is 600, the standards are 5,700; both booked 8,000, a tenth of the standard at 0.7 is
399 each, 600 are there: shares 300, entitled 6,000. With 0.5 in place of 0.7 the claims are 237.50 each, less than the
500 that are there: entitled 4,987.50.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.area import load_area
from engine.errors import PolicyError, RunError
from engine.ledger.verify import verify_shelf
from engine.run import clear
from engine.run_parts import RunOptions
from engine.simulate import Simulated, SimulateOptions, simulate, standing_policy, standing_run
from tests.small_county import FILES, Stay, village, village_area, write_stays
from tests.test_cli import dianzhi
from tests.test_measure import ROUTED
from tests.test_opening import FIRST, SECOND

RICHER = {"budget.yaml": FILES["budget.yaml"].replace('2025-01-01: {"310": 10000.00}', '2025-01-01: {"310": 12000.00}')}
LESS = {
    "surplus_and_overspend.yaml": FILES["surplus_and_overspend.yaml"].replace("fund_shares: 0.7", "fund_shares: 0.5")
}


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    return write_stays(tmp_path / "cases.csv", FIRST)


@pytest.fixture
def run(tmp_path: Path, cases: Path) -> Path:
    """The standing clearing."""
    return clear([cases], village_area(tmp_path / "area"), 2025, RunOptions(shelf=tmp_path / "runs")).folder


def moved(found: Simulated) -> dict[tuple[str, str], tuple[int, int]]:
    """(standing, other) of what differs."""
    return {(row.hospital, row.cause): (row.standing_fen, row.other_fen) for row in found.rows if row.difference_fen}


def tried(run: Path, cases: Path, folder: Path, files: dict[str, str]) -> Simulated:
    standing, options = standing_run(run, [cases])
    return simulate([cases], standing, village_area(folder, files), options)


def test_a_larger_budget_moves_standards_shares_and_what_is_carried(tmp_path: Path, cases: Path, run: Path) -> None:
    found = tried(run, cases, tmp_path / "other", RICHER)
    assert moved(found) == {
        ("H1", "standard.drg"): (475_000, 570_000),
        ("H1", "overspend_shared"): (25_000, 30_000),
        ("H1", "entitled"): (500_000, 600_000),
        ("H1", "carried_to_next_year"): (260_000, 160_000),
        ("H2", "standard.drg"): (475_000, 570_000),
        ("H2", "overspend_shared"): (25_000, 30_000),
        ("H2", "entitled"): (500_000, 600_000),
        ("H2", "carried_to_next_year"): (280_000, 180_000),
        ("", "reserve_set_aside"): (50_000, 60_000),
        ("", "overspend_shared"): (-50_000, -60_000),
    }
    assert found.values == {("310", "drg"): "57.0000"}


def test_other_tiers_move_shares_and_the_reserve_only(tmp_path: Path, cases: Path, run: Path) -> None:
    found = moved(tried(run, cases, tmp_path / "other", LESS))
    assert found["H1", "entitled"] == (500_000, 498_750)
    assert found["", "final"] == (20_000, 22_500)
    assert not [key for key in found if key[1].startswith("standard")]


def test_the_same_policy_moves_nothing(tmp_path: Path, cases: Path, run: Path) -> None:
    assert moved(tried(run, cases, tmp_path / "same", {})) == {}


def test_what_the_budget_gains_hospitals_and_the_reserve_gain(tmp_path: Path, cases: Path, run: Path) -> None:
    found = tried(run, cases, tmp_path / "other", RICHER)
    entitled = sum(row.difference_fen for row in found.rows if row.cause == "entitled")
    reserve = sum(row.difference_fen for row in found.rows if not row.hospital and row.cause == "final")
    assert entitled + reserve == 200_000


def test_a_year_that_opened_with_receivables_is_tried_with_them(tmp_path: Path, cases: Path, run: Path) -> None:
    later = write_stays(tmp_path / "later.csv", SECOND)
    area = load_area(tmp_path / "area")
    second = clear([later], area, 2026, RunOptions(shelf=run.parent)).folder
    standing, options = standing_run(second, [later])
    found = {(row.hospital, row.cause): row for row in simulate([later], standing, area, options).rows}
    assert found["H1", "receivable_recovered"].other_fen == -260_000
    assert all(row.difference_fen == 0 for row in found.values())


def test_an_area_of_several_schemes_is_tried_by_its_routes(tmp_path: Path) -> None:
    """Stays of 40 days go by the day at 100: 4,000 from a line of its own. Tried at 50 a day H2 gets 2,000 less."""
    stays = (*FIRST, Stay("A3", "H2", "FR25", "2025-03-05", "9000.00", "4000.00", days=40))
    lines = '  fixed_lines:\n    unit: CNY\n    values: {2025-01-01: {"310": {long: 4000.00}}}\n'
    routed = {**ROUTED, "budget.yaml": RICHER["budget.yaml"] + lines}
    cheaper = {**routed, "bed_day.yaml": routed["bed_day.yaml"].replace("rate: 100", "rate: 50")}
    cases = write_stays(tmp_path / "cases.csv", stays)
    run = clear([cases], village_area(tmp_path / "area", routed), 2025, RunOptions(shelf=tmp_path / "runs")).folder
    found = moved(tried(run, cases, tmp_path / "other", cheaper))
    assert found["H2", "fixed_standard.long"] == (400_000, 200_000)
    assert found["", "fixed_variance.long"] == (0, 200_000)
    assert not [key for key in found if key[1].startswith("standard.")]


def test_nothing_on_the_shelf_changes_and_the_table_adds_up(tmp_path: Path, cases: Path, run: Path) -> None:
    before = {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()}
    other = village(tmp_path / "other", RICHER)
    words = ("policy", "simulate", cases, "--run", run.name, "--with", other, "--out", "diff.parquet")
    done = dianzhi(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "+1,000.00" in done.stdout and "+950.00" in done.stdout and "57.0000" in done.stdout
    assert "nothing posted" in done.stdout
    assert before == {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()}
    assert verify_shelf(run.parent) == (1, [])
    table = pl.read_parquet(tmp_path / "diff.parquet")
    assert table.filter((pl.col("other_fen") - pl.col("standing_fen")) != pl.col("difference_fen")).height == 0
    assert int(table.filter(pl.col("cause") == "entitled")["difference_fen"].sum()) == 200_000


def test_without_a_run_the_area_s_own_policy_stands(tmp_path: Path, cases: Path) -> None:
    standing, _ = standing_policy([cases], village_area(tmp_path / "area"), 2025, SimulateOptions())
    found = simulate([cases], standing, village_area(tmp_path / "other", RICHER), SimulateOptions())
    assert moved(found)["H1", "entitled"] == (500_000, 600_000)
    words = (
        "policy",
        "simulate",
        cases,
        "--area",
        tmp_path / "area",
        "--with",
        tmp_path / "other",
        "--out",
        "d.parquet",
    )
    assert dianzhi(*words, cwd=tmp_path).returncode == 2
    done = dianzhi(*words, "--year", "2025", cwd=tmp_path)
    assert done.returncode == 0 and "+1,000.00" in done.stdout, done.stderr


def test_other_files_another_area_or_a_month_are_refused(tmp_path: Path, cases: Path, run: Path) -> None:
    changed = write_stays(tmp_path / "changed.csv", SECOND)
    with pytest.raises(RunError, match=r"settled cases\.csv, which is not among the case files"):
        standing_run(run, [changed])
    with pytest.raises(RunError, match=r"changed\.csv is no input of"):
        standing_run(run, [cases, changed])
    standing, options = standing_run(run, [cases])
    away = {"area.yaml": FILES["area.yaml"].replace('"370000"', '"410000"')}
    with pytest.raises(PolicyError, match="that of area 410000, but what stands is area 370000"):
        simulate([cases], standing, village_area(tmp_path / "away", away), options)
    (run / "lines.parquet").write_bytes(b"x")
    with pytest.raises(RunError, match="cannot be compared with"):
        standing_run(run, [cases])
