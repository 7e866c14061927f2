"""A year opens with what the one before left: receivables come back, the reserve may follow, the base is compared.

2025, pool 310, worked by hand: plan 10,000; reserve 500; 200 points share 9,500, so each hospital's standard is 4,750
and it booked 8,000. The claim is 0.7 × 475 = 332.50 each; the reserve holds 500, so each gets 250: entitled 5,000.
Prepaid 8,000 less deposit 400. H1 gets 400 back: 5,000 − 8,000 + 400 = −2,600. H2 gets 200: −2,800; 200 are forfeited
and are all the reserve that is left. Next year's base is the two standards, 9,500.

2026: plan 20,000; reserve 1,000; 200 points share 19,000: standard 9,500 each. H1 booked 5,000: of its surplus 4,500 it
keeps 950 and returns 3,550, entitled 5,950; 5,950 − 5,000 + 250 = 1,200. H2 booked 9,000, keeps its 500: 9,500 − 9,000
+ 225 = 725. Reserve 1,000 + 3,550 + 225 = 4,775.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from engine.area import Area
from engine.errors import RunError
from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.report.flow import year_flow
from engine.run import clear
from engine.run_parts import RunOptions, RunResult
from tests.small_county import FILES, Stay, village_area, write_stays

FIRST = (
    Stay("A1", "H1", "FV1", "2025-03-05", "10000.00", "8000.00"),
    Stay("A2", "H2", "FV1", "2025-03-05", "10000.00", "8000.00"),
)
SECOND = (
    Stay("B1", "H1", "FV1", "2026-03-05", "10000.00", "5000.00"),
    Stay("B2", "H2", "FV1", "2026-03-05", "10000.00", "9000.00"),
)
LATER = {
    "budget.yaml": FILES["budget.yaml"]
    .replace(
        '      2026-01-01: {"310": 20000.00}\n',
        '      2026-01-01: {"310": 20000.00}\n      2027-01-01: {"310": 20000.00}\n',
    )
    .replace(
        '      2026-01-01: {"310": 9000.00}\n',
        '      2026-01-01: {"310": 9000.00}\n      2027-01-01: {"310": 9000.00}\n',
    )
}
CARRIES = {"budget.yaml": FILES["budget.yaml"] + "  reserve_left: carried\n"}


@pytest.fixture
def cases(tmp_path: Path) -> dict[int, Path]:
    return {
        2025: write_stays(tmp_path / "2025.csv", FIRST),
        2026: write_stays(tmp_path / "2026.csv", SECOND),
    }


def settle(area: Area, cases: dict[int, Path], shelf: Path, year: int, supersedes: str | None = None) -> RunResult:
    return clear([cases[year]], area, year, RunOptions(shelf=shelf, supersedes=supersedes))


def lines(result: RunResult) -> dict[tuple[str, str], int]:
    table = pl.read_parquet(result.folder / "lines.parquet")
    return {(row["fixmedins_code"], row["cause"]): row["amount_fen"] for row in table.iter_rows(named=True)
            if len(row["period"]) == 4}  # fmt: skip


def test_a_receivable_of_last_year_is_recovered_and_goes_back_to_its_fund(
    tmp_path: Path, cases: dict[int, Path]
) -> None:
    area, shelf = village_area(tmp_path / "area"), tmp_path / "runs"
    first = lines(settle(area, cases, shelf, 2025))
    assert (first["H1", "carried_to_next_year"], first["H2", "carried_to_next_year"]) == (260_000, 280_000)
    second = settle(area, cases, shelf, 2026)
    found = lines(second)
    assert (found["H1", "receivable_recovered"], found["H2", "receivable_recovered"]) == (-260_000, -280_000)
    assert found["H1", "carried_to_next_year"] == 260_000 - 120_000
    assert found["H2", "carried_to_next_year"] == 280_000 - 72_500
    totals = parse_manifest(second.folder / MANIFEST_NAME).totals
    assert totals["pool.310"]["recovered_receivable"] == "5400.00"
    assert totals["pool.310"]["reserve_left"] == "4775.00"
    assert totals["opening.310"] == {
        "receivables": "5400.00",
        "reserve_left": "200.00",
        "reserve_brought_forward": "0.00",
        "base_written_by_last_year": "9500.00",
    }


def test_over_both_years_money_in_is_money_out(tmp_path: Path, cases: dict[int, Path]) -> None:
    """10,000 + 20,000 + still owed 3,475 = cash of the hospitals + reserves left 200 + 4,775."""
    area, shelf = village_area(tmp_path / "area"), tmp_path / "runs"
    paid = 0
    for year in (2025, 2026):
        table = pl.read_parquet(settle(area, cases, shelf, year).folder / "lines.parquet")
        paid += int(table.filter(pl.col("fixmedins_code") != "")["amount_fen"].sum())
    assert paid + 20_000 + 477_500 == 3_000_000 + 347_500


def test_the_reserve_follows_where_the_policy_says_so(tmp_path: Path, cases: dict[int, Path]) -> None:
    area, shelf = village_area(tmp_path / "area", CARRIES), tmp_path / "runs"
    settle(area, cases, shelf, 2025)
    second = settle(area, cases, shelf, 2026)
    assert lines(second)["", "reserve_brought_forward"] == 20_000
    manifest = parse_manifest(second.folder / MANIFEST_NAME)
    assert manifest.totals["pool.310"]["reserve_left"] == "4975.00"
    assert "budget.reserve_left" in manifest.placeholders_used
    page = (second.folder / "summary.html").read_text(encoding="utf-8")
    assert "上年风险金转入" in page and "收回上年应收" in page
    assert "How 2026 opened, from 2025-370000-clear-01" in page and "2,600.00" in page and "⚠" in page


def test_the_flow_of_funds_shows_the_reserve_of_last_year_and_loses_nothing(
    tmp_path: Path, cases: dict[int, Path]
) -> None:
    area, shelf = village_area(tmp_path / "area", CARRIES), tmp_path / "runs"
    settle(area, cases, shelf, 2025)
    published = settle(area, cases, shelf, 2026).published
    assert published is not None
    flow = year_flow(published.figures, "310")
    into, out = Counter[str](), Counter[str]()
    for link in flow.links:
        into[link.target] += link.amount_fen
        out[link.source] += link.amount_fen
    assert out["brought"] == 20_000 and out["fund"] == 2_000_000
    assert all(into[node.key] == out[node.key] for node in flow.nodes if 0 < node.column < 3)
    assert into["reserve_end"] == 497_500


def test_a_base_that_differs_from_the_policy_is_said_and_settles_all_the_same(
    tmp_path: Path, cases: dict[int, Path]
) -> None:
    area, shelf = village_area(tmp_path / "area"), tmp_path / "runs"
    settle(area, cases, shelf, 2025)
    second = settle(area, cases, shelf, 2026)
    (note,) = [note for note in second.mapped.notes if note.file == "budget.prior_actual"]
    assert "9500.00" in note.en and "9000.00" in note.en and "-500.00" in note.en
    notes = parse_manifest(second.folder / MANIFEST_NAME).totals["notes"]
    assert [text for text in notes if text.startswith("budget.prior_actual: pool 310")]
    same = {"budget.yaml": FILES["budget.yaml"].replace("9000.00", "9500.00")}
    shelf = tmp_path / "other"
    area = village_area(tmp_path / "area2", same)
    settle(area, cases, shelf, 2025)
    assert not [note for note in settle(area, cases, shelf, 2026).mapped.notes if "prior_actual" in note.file]


def test_without_last_years_clearing_a_year_opens_with_nothing_and_says_so(
    tmp_path: Path, cases: dict[int, Path]
) -> None:
    result = settle(village_area(tmp_path / "area"), cases, tmp_path / "runs", 2026)
    assert parse_manifest(result.folder / MANIFEST_NAME).parameters["opening"] == "nothing"
    assert lines(result)["H2", "quality_deposit"] == 22_500
    assert not [key for key in lines(result) if key[1] == "receivable_recovered"]


def test_a_superseded_clearing_no_longer_counts(tmp_path: Path, cases: dict[int, Path]) -> None:
    """Booked 5,000 the second time: 5,000 is 250 over the standard, 0.7 of it is 175 each; nothing is carried."""
    area, shelf = village_area(tmp_path / "area"), tmp_path / "runs"
    first = settle(area, cases, shelf, 2025)
    cases[2025] = write_stays(tmp_path / "again.csv", [replace(stay, booked="5000.00") for stay in FIRST])
    again = settle(area, cases, shelf, 2025, supersedes=first.folder.name)
    # 4,750 + 175 − 5,000 + 250 = 175 for H1; 4,750 + 175 − 5,000 + 125 = 50 for H2
    assert not [key for key in lines(again) if key[1] == "carried_to_next_year"]
    second = settle(area, cases, shelf, 2026)
    assert parse_manifest(second.folder / MANIFEST_NAME).parameters["opening"] == again.folder.name
    assert not [key for key in lines(second) if key[1] == "receivable_recovered"]


def test_a_year_that_opened_from_a_run_since_corrected_is_named(tmp_path: Path, cases: dict[int, Path]) -> None:
    area, shelf = village_area(tmp_path / "area"), tmp_path / "runs"
    first, second = (settle(area, cases, shelf, year) for year in (2025, 2026))
    again = settle(area, cases, shelf, 2025, supersedes=first.folder.name)
    (note,) = [note for note in again.mapped.notes if note.file == second.folder.name]
    assert f"clear 2026 again with --supersedes {second.folder.name}" in note.en


def test_growth_is_told_against_last_years_clearing_where_the_policy_states_no_prior_actual(
    tmp_path: Path, cases: dict[int, Path]
) -> None:
    """Entitled 10,000 in 2025, 5,950 + 9,500 = 15,450 in 2026: 54.5 % more."""
    text = FILES["budget.yaml"]
    silent = text[: text.index("  prior_actual")] + text[text.index("  reserve_rate") :]
    area, shelf = village_area(tmp_path / "area", {"budget.yaml": silent}), tmp_path / "runs"
    settle(area, cases, shelf, 2025)
    table = pl.read_parquet(settle(area, cases, shelf, 2026).folder / "kpi.parquet")
    rows = table.filter(pl.col("kpi") == "fund_growth").select("numerator", "denominator", "value_e6").rows()
    assert rows == [(1_545_000, 1_000_000, 545_000)] * 2
    assert "last year's clearing" in table.filter(pl.col("kpi") == "fund_growth")["known_from"][0]


def test_a_year_left_out_in_between_is_said(tmp_path: Path, cases: dict[int, Path]) -> None:
    area, shelf = village_area(tmp_path / "area", LATER), tmp_path / "runs"
    first = settle(area, cases, shelf, 2025)
    cases[2027] = write_stays(tmp_path / "2027.csv", [replace(stay, day="2027-03-05") for stay in SECOND])
    third = settle(area, cases, shelf, 2027)
    (note,) = [note for note in third.mapped.notes if note.file == first.folder.name]
    assert "2026 is not cleared" in note.en and "does not open 2027" in note.en


def test_a_hospital_that_owes_and_left_the_policy_stops_the_year(tmp_path: Path, cases: dict[int, Path]) -> None:
    area, shelf = village_area(tmp_path / "area"), tmp_path / "runs"
    settle(area, cases, shelf, 2025)
    table = FILES["hospitals.csv"]
    gone = {
        "hospitals.csv": table,
        "hospitals_2026.csv": "".join(line for line in table.splitlines(True) if not line.startswith("H2")),
        "hospitals.yaml": FILES["hospitals.yaml"] + "    2026-01-01: hospitals_2026.csv\n",
    }
    cases[2026] = write_stays(tmp_path / "one.csv", SECOND[:1])
    with pytest.raises(RunError, match=r"H2 owes pool 310 2800\.00 yuan"):
        settle(village_area(tmp_path / "area2", gone), cases, shelf, 2026)


def test_a_clearing_changed_since_is_not_built_upon(tmp_path: Path, cases: dict[int, Path]) -> None:
    area, shelf = village_area(tmp_path / "area"), tmp_path / "runs"
    first = settle(area, cases, shelf, 2025)
    path = first.folder / "lines.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(RunError, match="cannot be relied on"):
        settle(area, cases, shelf, 2026)
