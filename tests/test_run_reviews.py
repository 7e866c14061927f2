"""Special-case decisions from the policy's table to the posting lines, through files; figures worked by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from engine.diff import diff_runs
from engine.errors import PolicyError
from engine.policy import PolicyFaults
from engine.run import clear, presettle
from engine.run_parts import RunOptions
from tests.facts_area import HEAD, YEAR, area_with, case, classes, cleared, fund_parts, lines, points, write_cases

FOUR = [case("A1"), case("A2"), case("A3", fixmedins_code="H2"), case("A4", fixmedins_code="H2", medfee_sumamt="30000")]


def special(rows: str, *, header: str = "approved_cost", quota: str = "0.5", more: str = "") -> dict[str, str]:
    return {
        "special_case.yaml": f"""\
special_case:
{HEAD}  quota:
    unit: /1
    values: {{2024-01-01: {{drg: {quota}}}}}
  decisions:
    values: {{2024-01-01: decisions.csv}}
{more}""",
        "decisions.csv": f"setl_id,decided,document,{header}\n{rows}",
    }


def test_an_approved_cost_becomes_points_at_the_region_mean(tmp_path: Path) -> None:
    """30,000 ÷ 10,000 × 100 = 300 points; Σ 600, 120,000 yuan: 200 a point."""
    run = cleared(tmp_path, special("A4,2024-04-02,纪要〔2024〕1号,30000.00\n"), FOUR)
    assert points(run) == {"A1": "100.0000", "A2": "100.0000", "A3": "100.0000", "A4": "300.0000"}
    assert fund_parts(run) == {"A1": "20000.00", "A2": "20000.00", "A3": "20000.00", "A4": "60000.00"}
    assert classes(run)["A4"] == "special_case"
    table = pl.read_parquet(run.folder / "settled.parquet")
    assert dict(table.select("setl_id", "mult_type").iter_rows())["A4"] == "SP"
    assert lines(run, "standard.drg") == {"H1": 4_000_000, "H2": 8_000_000}


def test_points_may_be_decided_as_they_are(tmp_path: Path) -> None:
    """100 + 100 + 100 + 180 = 480 points: 250 a point."""
    changes = special("A4,2024-04-02,纪要,180\n", header="points", more="  pay: adjusted_standard\n")
    run = cleared(tmp_path, changes, FOUR)
    assert fund_parts(run) == {"A1": "25000.00", "A2": "25000.00", "A3": "25000.00", "A4": "45000.00"}


def test_an_approved_fund_is_paid_outside_the_points_and_borne_by_them(tmp_path: Path) -> None:
    """30,000 of the 120,000 are paid by decision; 90,000 over 300 points: 300 a point."""
    changes = special("A4,2024-04-02,纪要,30000\n", header="fund", more="  pay: actual_outside_pool\n")
    run = cleared(tmp_path, changes, FOUR)
    assert fund_parts(run) == {"A1": "30000.00", "A2": "30000.00", "A3": "30000.00", "A4": "30000.00"}
    assert lines(run, "fixed_standard.special") == {"H2": 3_000_000}


def test_more_decisions_than_the_quota_stop_the_clearing_and_name_the_hospital(tmp_path: Path) -> None:
    """H2 has 2 discharges; floor(2 × 0.5) = 1, and by its level floor(2 × 0.4) = 0."""
    both = "A3,2024-04-02,纪要,20000\nA4,2024-04-02,纪要,30000\n"
    with pytest.raises(PolicyError, match=r"hospital H2, scheme drg: 2 approved, allowed 1 of 2 discharges \(A3, A4\)"):
        cleared(tmp_path, special(both), FOUR)
    level = '  quota_by_level:\n    unit: /1\n    values: {2024-01-01: {drg: {"2": 0.4}}}\n'
    with pytest.raises(PolicyError, match="hospital H2, scheme drg: 1 approved, allowed 0 of 2"):
        cleared(tmp_path, special("A4,2024-04-02,纪要,30000\n", more=level), FOUR)
    ceil = cleared(tmp_path, special("A4,2024-04-02,纪要,30000\n", more=level + "  rounding: ceil\n"), FOUR)
    assert points(ceil)["A4"] == "300.0000"


def test_a_decision_without_its_case_is_named_with_what_became_of_it(tmp_path: Path) -> None:
    rows = "A4,2024-04-02,纪要,30000\nB9,2024-04-02,纪要,1\nC1,2024-04-02,纪要,1\nD1,2024-04-02,纪要,1\n"
    cases = [*FOUR, case("C1", setl_end_date="2025-01-04"), case("D1", medfee_sumamt="")]
    with pytest.raises(PolicyError) as caught:
        cleared(tmp_path, special(rows), cases)
    text = str(caught.value)
    assert "case B9 is in none of the files of this year" in text
    assert "case C1 belongs to another period (settled 2025-01-04, discharged 2024-03-08)" in text
    assert "case D1 was rejected (V014)" in text
    assert "A4" not in text


def test_a_decision_outside_every_trigger_is_refused(tmp_path: Path) -> None:
    triggers = "  triggers:\n    values:\n      2024-01-01:\n        drg: [{over_group_mean: 3}, {days_from: 60}]\n"
    run = cleared(tmp_path, special("A4,2024-04-02,纪要,30000\n", more=triggers), FOUR)
    assert points(run)["A4"] == "300.0000"
    with pytest.raises(PolicyError, match=r"case A3 meets none of special_case.triggers of drg: 7 days"):
        cleared(tmp_path / "b", special("A3,2024-04-02,纪要,30000\n", more=triggers), FOUR)


def test_a_trigger_of_birth_weight_reads_it_from_the_record(tmp_path: Path) -> None:
    triggers = "  triggers:\n    values:\n      2024-01-01:\n        drg: [{birth_weight_below_g: 1500}]\n"
    decided = special("A4,2024-04-02,纪要,30000\n", more=triggers)
    light = [*FOUR[:3], {**FOUR[3], "nwb_bir_wt": "1499"}]
    (tmp_path / "light").mkdir()
    (tmp_path / "heavy").mkdir()
    assert points(cleared(tmp_path / "light", decided, light))["A4"] == "300.0000"
    with pytest.raises(PolicyError, match="meets none of"):
        cleared(tmp_path / "heavy", decided, [*FOUR[:3], {**FOUR[3], "nwb_bir_wt": "1500"}])


def test_a_decision_older_than_the_discharge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="case A4 was decided on 2024-03-07, before its discharge on 2024-03-08"):
        cleared(tmp_path, special("A4,2024-03-07,纪要,30000\n"), FOUR)


def test_a_month_takes_the_decisions_on_its_own_cases_and_leaves_the_rest(tmp_path: Path) -> None:
    area = area_with(tmp_path / "area", special("A4,2024-05-02,纪要,30000\nZ1,2024-05-02,纪要,1\n"))
    file = write_cases(tmp_path / "march.csv", FOUR)
    values = area.policy.folder / "points.yaml"
    values.write_text(
        values.read_text(encoding="utf-8")
        + '  budget_point_value:\n    unit: CNY/point\n    values: {2024-01-01: {drg: {"310": 150}}}\n',
        encoding="utf-8",
    )
    from engine.area import load_area

    run = presettle([file], load_area(tmp_path / "area"), YEAR, 3, RunOptions(shelf=tmp_path / "runs"))
    assert points(run)["A4"] == "300.0000"
    assert fund_parts(run)["A4"] == "45000.00"


def test_a_late_decision_comes_in_by_a_superseding_run_with_other_lines(tmp_path: Path) -> None:
    """First 400 points at 300, then 600 at 200: H1 falls from 60,000 to 40,000, H2 rises to 80,000."""
    none = special("A4,2024-04-02,纪要,30000\n")
    none["special_case.yaml"] = none["special_case.yaml"].partition("  decisions:")[0]
    file = write_cases(tmp_path / "cases.csv", FOUR)
    options = RunOptions(shelf=tmp_path / "runs", months="cases")
    first = clear([file], area_with(tmp_path / "area", none), YEAR, options)
    assert lines(first, "standard.drg") == {"H1": 6_000_000, "H2": 6_000_000}
    late = area_with(tmp_path / "area", special("A4,2025-06-20,纪要,30000\n"))
    second = clear([file], late, YEAR, replace(options, supersedes=first.folder.name))
    assert lines(second, "standard.drg") == {"H1": 4_000_000, "H2": 8_000_000}
    found = diff_runs(first.folder, second.folder)
    told = {row["setl_id"]: row for row in found.cases.iter_rows(named=True)}
    assert (told["A4"]["class_id"], told["A4"]["class_id_b"]) == ("normal", "special_case")
    assert told["A4"]["reason"].startswith("policy special_case.decisions 2024-01-01: – → ")
    moved = found.lines.filter((pl.col("cause") == "standard.drg") & (pl.col("fixmedins_code") == "H2"))
    assert moved["delta_fen"].to_list() == [2_000_000]


def applied(rows: str, swap_rate: str = "0.5") -> tuple[str, str]:
    """Keys and table of applications."""
    more = f"""\
  applications:
    values: {{2024-01-01: applications.csv}}
  swap_rate:
    unit: /1
    values: {{2024-01-01: {swap_rate}}}
"""
    return more, f"setl_id,filed,swapped_for\n{rows}"


def with_applications(decisions: str, rows: str, swap_rate: str = "0.5") -> dict[str, str]:
    more, table = applied(rows, swap_rate)
    return {**special(decisions, more=more), "applications.csv": table}


def test_exchanged_cases_stay_within_their_part_of_those_applied_for(tmp_path: Path) -> None:
    """H2 applied for two, A4 in place of A3: floor(2 × 0.5) = 1 may be exchanged, floor(2 × 0.4) = 0 not."""
    rows = "A3,2024-04-01,\nA4,2024-04-09,A3\n"
    decisions = "A4,2024-05-02,纪要,30000\n"
    run = cleared(tmp_path / "a", with_applications(decisions, rows), FOUR)
    assert points(run)["A4"] == "300.0000"
    with pytest.raises(PolicyError, match=r"hospital H2, scheme drg: 1 exchanged, allowed 0 of 2 applied for \(A4\)"):
        cleared(tmp_path / "b", with_applications(decisions, rows, "0.4"), FOUR)


def test_a_decision_nobody_applied_for_and_an_exchange_for_nothing_are_named_at_load(tmp_path: Path) -> None:
    with pytest.raises(PolicyFaults, match="A4 is not a case of the table of applications"):
        area_with(tmp_path / "a", with_applications("A4,2024-05-02,纪要,30000\n", "A3,2024-04-01,\n"))
    with pytest.raises(PolicyFaults, match="A9 is not a case of the table of applications"):
        area_with(tmp_path / "b", with_applications("A4,2024-05-02,纪要,30000\n", "A4,2024-04-01,A9\n"))


def test_an_application_for_a_case_that_is_not_there_stops_the_clearing(tmp_path: Path) -> None:
    changes = with_applications("A4,2024-05-02,纪要,30000\n", "A4,2024-04-01,\nB8,2024-04-01,\n")
    with pytest.raises(PolicyError, match=r"special_case.applications: case B8 is in none of the files"):
        cleared(tmp_path, changes, FOUR)


def test_decisions_stand_among_the_values_a_run_used(tmp_path: Path) -> None:
    area = area_with(tmp_path / "area", special("A4,2024-04-02,纪要,30000\n"))
    used = {each.key: each for each in area.for_year(YEAR).used}
    assert used["special_case.decisions"].text == "decisions.csv"
    assert used["special_case.decisions"].tag == "PH"
    assert used["special_case.quota"].text == "{drg: 0.5}"


FAULTS = {
    "cost_missing": (
        special("A4,2024-04-02,纪要,\n"),
        ("decisions.csv:2", "A4.approved_cost", "the value is empty"),
    ),
    "wrong_column": (
        special("A4,2024-04-02,纪要,5\n", header="points"),
        ("decisions.csv:2", "A4.approved_cost", "the value is empty"),
    ),
    "unknown_column": (
        special("A4,2024-04-02,纪要,5\n", header="aproved_cost"),
        ("decisions.csv:1", "did you mean approved_cost"),
    ),
    "twice": (
        special("A4,2024-04-02,纪要,5\nA4,2024-04-02,纪要,6\n"),
        ("decisions.csv:3", "A4 appears twice"),
    ),
    "no_document": (special("A4,2024-04-02,,5\n"), ("decisions.csv:2", "A4.document", "the value is empty")),
    "no_date": (special("A4,April,纪要,5\n"), ("decisions.csv:2", "April is not a date")),
    "negative": (special("A4,2024-04-02,纪要,-5\n"), ("decisions.csv:2", "-5 is out of range")),
    "before_its_year": (special("A4,2023-12-31,纪要,5\n"), ("decisions.csv:2", "2023-12-31 is out of range")),
    "scale_of_a_scored_scheme": (
        special("A4,2024-04-02,纪要,5\n", more="  scale:\n    values: {2024-01-01: {drg: 100}}\n"),
        ("special_case.scale", "drg is not a scheme of kind pack_points"),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_decision_is_named_at_load(name: str, tmp_path: Path) -> None:
    changes, words = FAULTS[name]
    with pytest.raises(PolicyFaults) as caught:
        area_with(tmp_path / "area", changes)
    text = caught.value.render("en")
    assert [word for word in words if word not in text] == [], text
