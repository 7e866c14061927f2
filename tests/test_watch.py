"""What a clearing is watched by, from the files and the page of a run: sub-budgets, counties, indicators.

The year by hand: plan 11,000, no reserve, 1,000 of it for stays paid at cost. 200 points share 10,000, so each
hospital's standard is 5,000; H2 has besides a stay of 40 days that is paid the 1,000 it booked: 5,000 and 6,000.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from engine.errors import PolicyError
from engine.run import clear
from engine.run_parts import RunOptions, RunResult
from engine.watch.divisions import MEANING
from engine.watch.spend import PoolSpend
from tests.small_county import FILES, HEAD, Stay, village_area, write_stays

STAYS = (
    Stay("A1", "H1", "FV1", "2025-03-05", "10000.00", "8000.00"),
    Stay("A2", "H2", "FV1", "2025-03-05", "10000.00", "8000.00"),
    Stay("A3", "H2", "FR25", "2025-03-05", "5000.00", "1000.00", days=40),
)
YEAR = {
    "budget.yaml": f"""\
budget:
{HEAD}  plan:
    unit: CNY
    values: {{2025-01-01: {{"310": 11000.00}}}}
  prior_actual:
    unit: CNY
    values: {{2025-01-01: {{"310": 9800.00}}}}
  fixed_lines:
    unit: CNY
    values: {{2025-01-01: {{"310": {{ffs: 1000.00}}}}}}
  reserve_rate:
    unit: /1
    values: {{2025-01-01: 0}}
""",
    "case_classes.yaml": FILES["case_classes.yaml"].replace(
        "        - {id: normal, shape: normal}\n",
        "        - {id: long, when: {days_from: 31}, shape: ffs}\n        - {id: normal, shape: normal}\n",
    ),
}
DIVISIONS = {
    "sub_budgets.yaml": f"""\
sub_budgets:
{HEAD}  unit: /1
  values:
    2025-01-01:
      "310":
        in_or_outpatient: {{inpatient: 0.7, outpatient: 0.3}}
        drugs_or_services: {{drugs: 0.4, services: 0.6}}
        local_or_referred: {{local: 0.9, referred: 0.1}}
        bundle_or_others: {{bundle: 0, others: 1}}
        by_season: {{summer: 0.5, winter: 0.5}}
"""
}
COUNTIES = {
    "county_share.yaml": f"""\
county_share:
{HEAD}  deficit_ratio:
    unit: /1
    values: {{2025-01-01: 0.3}}
  surplus_ratio:
    unit: /1
    values: {{2025-01-01: 0.1}}
  allotment:
    unit: CNY
    values: {{2025-01-01: {{"310": {{东县: 4000.00, 西县: 7000.01}}}}}}
"""
}


def cleared(folder: Path, more: dict[str, str], stays: tuple[Stay, ...] = STAYS) -> RunResult:
    area = village_area(folder / "area", {**YEAR, **more})
    return clear([write_stays(folder / "cases.csv", stays)], area, 2025, RunOptions(shelf=folder / "runs"))


def rows(result: RunResult, name: str) -> list[dict[str, object]]:
    return pl.read_parquet(result.folder / f"{name}.parquet").to_dicts()


# --- sub-budgets ----------------------------------------------------------------------------------------------------


def test_planned_and_spent_by_part_and_unknown_where_the_run_cannot_know(tmp_path: Path) -> None:
    result = cleared(tmp_path, DIVISIONS)
    found = {(row["division"], row["part"]): (row["planned_fen"], row["spent_fen"], row["left_fen"])
             for row in rows(result, "sub_budgets")}  # fmt: skip
    assert found == {
        ("in_or_outpatient", "inpatient"): (770_000, 1_100_000, -330_000),
        ("in_or_outpatient", "outpatient"): (330_000, 0, 330_000),
        ("drugs_or_services", "drugs"): (440_000, None, None),
        ("drugs_or_services", "services"): (660_000, None, None),
        ("local_or_referred", "local"): (990_000, 1_100_000, -110_000),
        ("local_or_referred", "referred"): (110_000, 0, 110_000),
        ("bundle_or_others", "bundle"): (0, 0, 0),
        ("bundle_or_others", "others"): (1_100_000, 1_100_000, 0),
        ("by_season", "summer"): (550_000, None, None),
        ("by_season", "winter"): (550_000, None, None),
    }
    why = {row["part"]: str(row["known_from"]) for row in rows(result, "sub_budgets")}
    known = {row["part"]: row["known_fen"] for row in rows(result, "sub_budgets")}
    assert (known["inpatient"], known["outpatient"], known["drugs"]) == (1_100_000, 0, 0)
    assert "no cost by item" in why["drugs"] and "in_or_outpatient" in why["summer"]
    page = (result.folder / "summary.html").read_text(encoding="utf-8")
    assert "Sub-budgets, planned and spent" in page and "未知 unknown" in page


def test_a_change_of_the_budget_during_the_year_changes_its_parts(tmp_path: Path) -> None:
    change = """\
  adjustments:
    unit: CNY
    values:
      2025-06-01:
        - {pool: "310", line: plan, amount: 1000.00, reason: patient_volume}
"""
    result = cleared(tmp_path, {**DIVISIONS, "budget.yaml": YEAR["budget.yaml"] + change})
    planned = {row["part"]: row["planned_fen"] for row in rows(result, "sub_budgets")}
    assert (planned["inpatient"], planned["outpatient"]) == (840_000, 360_000)


def test_a_policy_without_sub_budgets_has_no_such_file(tmp_path: Path) -> None:
    result = cleared(tmp_path, {})
    assert not (result.folder / "sub_budgets.parquet").exists()
    assert not (result.folder / "county_share.parquet").exists()
    assert "Sub-budgets" not in (result.folder / "summary.html").read_text(encoding="utf-8")


def test_kinds_of_care_tell_visits_and_referred_stays_apart(tmp_path: Path) -> None:
    """The long stay, paid its 1,000, is a visit now; A2 is a stay after referral. Visits are no stays of the share."""
    kinds = (STAYS[0], replace(STAYS[1], med_type="23"), replace(STAYS[2], med_type="14"))
    result = cleared(tmp_path, DIVISIONS, kinds)
    spent = {row["part"]: row["spent_fen"] for row in rows(result, "sub_budgets")}
    assert (spent["inpatient"], spent["outpatient"]) == (1_000_000, 100_000)
    assert (spent["local"], spent["referred"]) == (600_000, 500_000)
    share = [row for row in rows(result, "kpi") if row["kpi"] == "share_by_disease"]
    assert [(row["numerator"], row["denominator"]) for row in share] == [(2_000_000, 2_000_000)] * 2


def test_without_the_kind_of_care_in_the_files_it_is_unknown(tmp_path: Path) -> None:
    area = village_area(tmp_path / "area", {**YEAR, **DIVISIONS})
    path = write_stays(tmp_path / "cases.csv", STAYS)
    pl.read_csv(path, infer_schema=False).drop("med_type").write_csv(path)
    result = clear([path], area, 2025, RunOptions(shelf=tmp_path / "runs"))
    spent = {row["part"]: (row["known_fen"], row["spent_fen"]) for row in rows(result, "sub_budgets")}
    assert spent["inpatient"] == (1_100_000, 1_100_000)
    assert spent["outpatient"] == (0, None) and spent["referred"] == (0, None)


SPEND = PoolSpend(
    by_hospital={"H1": 600, "H2": 400},
    capitation_fen=50,
    bundle_paid_fen=0,
    outpatient_fen=70,
    referred_fen=30,
    bundle_hospitals=frozenset(),
    bundle_outside_fen=0,
    outside_planned={},
    has_bundle=False,
)


@pytest.mark.parametrize(
    ("division", "part", "change", "known", "complete"),
    [
        ("in_or_outpatient", "inpatient", {}, 1000 - 50 - 70, True),
        ("in_or_outpatient", "inpatient", {"outside_planned": {"outpatient": 9}}, 880, True),
        ("in_or_outpatient", "inpatient", {"outside_planned": {"out_of_area": 9}}, 880, False),
        ("in_or_outpatient", "inpatient", {"has_bundle": True, "bundle_paid_fen": 300}, 580, False),
        ("in_or_outpatient", "outpatient", {}, 50 + 70, True),
        ("in_or_outpatient", "outpatient", {"outside_planned": {"outpatient": 9}}, 120, False),
        ("in_or_outpatient", "outpatient", {"outpatient_fen": None}, 50, True),
        ("in_or_outpatient", "outpatient", {"outpatient_fen": None, "capitation_fen": 0}, 0, False),
        ("local_or_referred", "local", {}, 1000 - 30, True),
        ("local_or_referred", "local", {"outside_planned": {"out_of_area": 9}}, 970, True),
        ("local_or_referred", "local", {"outside_planned": {"outpatient": 9}}, 970, False),
        ("local_or_referred", "referred", {"has_bundle": True, "bundle_outside_fen": 200}, 30 + 200, True),
        (
            "local_or_referred",
            "referred",
            {"has_bundle": True, "bundle_outside_fen": 7, "referred_fen": None},
            7,
            False,
        ),
        ("local_or_referred", "referred", {"referred_fen": None}, 0, False),
        ("local_or_referred", "referred", {"outside_planned": {"out_of_area": 9}}, 30, False),
        ("local_or_referred", "referred", {"outside_planned": {"outpatient": 9}}, 30, True),
        ("bundle_or_others", "bundle", {"bundle_hospitals": frozenset({"H2"}), "bundle_outside_fen": 200}, 600, True),
        ("bundle_or_others", "others", {"bundle_hospitals": frozenset({"H2"})}, 600, True),
        ("bundle_or_others", "others", {"outside_planned": {"maternity": 9}}, 1000, False),
        ("bundle_or_others", "others", {"outside_planned": {"maternity": 0}}, 1000, True),
    ],
)
def test_what_a_part_is_made_of(
    division: str, part: str, change: dict[str, object], known: int, complete: bool
) -> None:
    found = MEANING[division][part](replace(SPEND, **change))  # type: ignore[arg-type]
    assert (found.fen, found.complete) == (known, complete) and found.zh and found.en
    away = None if change.get("outpatient_fen", 0) is None else change.get("outside_planned")
    if away and not complete:
        assert all(name in found.zh and name in found.en for name in away)  # type: ignore[attr-defined]


# --- counties -------------------------------------------------------------------------------------------------------


def test_the_gap_of_a_county_is_borne_by_both_treasuries_to_the_fen(tmp_path: Path) -> None:
    """东县: 5,000 over 4,000, the county bears 0.3 of 1,000. 西县: 1,000.01 under, the county keeps 0.1: 100.00."""
    result = cleared(tmp_path, COUNTIES)
    assert rows(result, "county_share") == [
        {"insutype": "310", "county": "东县", "allotted_fen": 400_000, "spent_fen": 500_000, "gap_fen": 100_000,
         "county_fen": 30_000, "city_fen": 70_000},
        {"insutype": "310", "county": "西县", "allotted_fen": 700_001, "spent_fen": 600_000, "gap_fen": -100_001,
         "county_fen": -10_000, "city_fen": -90_001},
    ]  # fmt: skip
    page = (result.folder / "summary.html").read_text(encoding="utf-8")
    assert "City and county" in page and "+700.00" in page and "−900.01" in page


def test_the_county_statement_moves_no_line_of_the_fund(tmp_path: Path) -> None:
    with_it, without = cleared(tmp_path / "a", COUNTIES), cleared(tmp_path / "b", {})
    assert rows(with_it, "lines") == rows(without, "lines")


def test_a_county_that_spends_without_an_allotment_is_an_error_of_the_policy(tmp_path: Path) -> None:
    """H2 counts in 东县 from 2025 on and takes its spend there; an allotment that leaves a county out is refused."""
    moved = {
        "hospitals_2025.csv": FILES["hospitals.csv"].replace("西县", "东县"),
        "hospitals.yaml": FILES["hospitals.yaml"] + "    2025-01-01: hospitals_2025.csv\n",
    }
    result = cleared(tmp_path, COUNTIES | moved)
    assert [(row["county"], row["spent_fen"]) for row in rows(result, "county_share")] == [
        ("东县", 1_100_000),
        ("西县", 0),
    ]
    late = COUNTIES["county_share.yaml"].replace("东县: 4000.00, 西县: 7000.01", "东县: 4000.00")
    with pytest.raises(PolicyError, match="西县"):
        cleared(tmp_path / "late", {"county_share.yaml": late})


# --- indicators -----------------------------------------------------------------------------------------------------


def test_indicators_show_numerator_and_denominator(tmp_path: Path) -> None:
    """FV1 weighs 1, FR25 2. H2: weight 3 over 2 cases; cost (1 + 5,000/20,000) ÷ 2 = 0.625; stays: own mean."""
    result = cleared(tmp_path, {})
    found = {(row["kpi"], row["insutype"], row["fixmedins_code"]): (row["numerator"], row["denominator"],
             row["value_e6"]) for row in rows(result, "kpi")}  # fmt: skip
    for pool in ("", "310"):
        assert found["share_by_disease", pool, ""] == (2_000_000, 2_500_000, 800_000)
        assert found["fund_growth", pool, ""] == (1_100_000, 980_000, 122_449)
        assert found["cmi", pool, "H1"] == (1_000_000, 1, 1_000_000)
        assert found["cmi", pool, "H2"] == (3_000_000, 2, 1_500_000)
        assert found["groups", pool, "H2"] == (2, None, None)
        assert found["cost_index", pool, "H2"] == (1_250_000, 2, 625_000)
        assert found["time_index", pool, "H2"] == (2_000_000, 2, 1_000_000)
    page = (result.folder / "summary.html").read_text(encoding="utf-8")
    assert "80.00 %" in page and "12.24 %" in page and "0.6250" in page and "1.5000" in page


def test_growth_against_nothing_is_unknown(tmp_path: Path) -> None:
    silent = YEAR["budget.yaml"]
    start = silent.index("  prior_actual")
    without = silent[:start] + silent[silent.index("  fixed_lines") :]
    result = cleared(tmp_path, {"budget.yaml": without})
    growth = [row for row in rows(result, "kpi") if row["kpi"] == "fund_growth"]
    assert [(row["denominator"], row["value_e6"]) for row in growth] == [(None, None)] * 2
