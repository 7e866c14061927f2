"""Patients insured elsewhere: who they are, the cap and its posting lines, leaving the points; worked by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.errors import CaseFileError
from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.policy import PolicyFaults
from engine.policy.resolve import resolve
from engine.run import presettle
from engine.run_parts import RunOptions
from tests.facts_area import (
    FILES,
    HEAD,
    YEAR,
    area_with,
    case,
    classes,
    cleared,
    fund_parts,
    lines,
    points,
    write_cases,
)

CASES = [
    case("A1"),
    case("A2", insuplc_admdvs="370399"),  # of this area: 3703 is not 3700
    case("A3", insuplc_admdvs="371500", fixmedins_code="H2", hifp_pay="9999.99"),
    case("A4", insuplc_admdvs=""),  # nothing said: of this area
]


def out_of_area(text: str) -> dict[str, str]:
    return {"out_of_area.yaml": f"out_of_area:\n{HEAD}{text}"}


def test_the_cap_stops_at_the_booked_fund_and_the_rest_goes_to_the_reserve(tmp_path: Path) -> None:
    """400 points over 120,000: 30,000 a case. A2 booked 8,000.00, A3 9,999.99: 22,000.00 and 20,000.01 are kept."""
    run = cleared(tmp_path, out_of_area("  cap: ffs\n"), CASES)
    assert fund_parts(run) == {"A1": "30000.00", "A2": "8000.00", "A3": "9999.99", "A4": "30000.00"}
    assert lines(run, "standard.drg") == {"H1": 9_000_000, "H2": 3_000_000}
    assert lines(run, "out_of_area_cap.drg") == {"": 4_200_001, "H1": -2_200_000, "H2": -2_000_001}
    assert parse_manifest(run.folder / MANIFEST_NAME).checks["fund_closed_fen.310"] == 0
    table = pl.read_parquet(run.folder / "settled.parquet")
    reasons = dict(table.select("setl_id", "setl_rea").iter_rows())
    assert reasons == {"A1": "normal", "A2": "normal+out_of_area_cap", "A3": "normal+out_of_area_cap", "A4": "normal"}
    assert str(dict(table.select("setl_id", "drg_dip_sumamt").iter_rows())["A2"]) == "30000.00"


def test_the_capped_amount_is_what_hospitals_are_entitled_to_in_every_table(tmp_path: Path) -> None:
    """H1: 90,000 − 22,000 = 68,000 against 24,000 booked; it keeps a tenth of its standard, 6,800."""
    run = cleared(tmp_path, out_of_area("  cap: ffs\n"), CASES)
    year = pl.read_parquet(run.folder / "clearing.parquet").filter(
        (pl.col("fixmedins_code") == "H1") & (pl.col("stmt_type") == "YEAR")
    )
    assert [str(value) for value in year.select("drg_dip_sumamt", "drg_dip_fund_payamt", "rtn_amt").row(0)] == [
        "90000.00", "68000.00", "6800.00",
    ]  # fmt: skip
    lines_of = pl.read_parquet(run.folder / "lines.parquet").filter(pl.col("cause") == "out_of_area_cap.drg")
    assert set(lines_of["rule"]) == {"out_of_area.cap"}
    assert set(lines_of["tag"]) == {"PH"}
    assert (run.folder / "summary.html").is_file()


def test_without_a_cap_nothing_is_cut(tmp_path: Path) -> None:
    run = cleared(tmp_path, out_of_area("  cap: none\n"), CASES)
    assert set(fund_parts(run).values()) == {"30000.00"}
    assert lines(run, "out_of_area_cap.drg") == {}


def test_cases_from_elsewhere_may_stay_out_of_the_points(tmp_path: Path) -> None:
    """A2 and A3 are paid what they booked, borne by the reserve, so 120,000 over 200 points: 600 a point."""
    changes = out_of_area("  in_points: false\n")
    changes["budget.yaml"] = FILES["budget.yaml"] + (
        '  fixed_lines:\n    unit: CNY\n    values: {2024-01-01: {"310": {ffs: 18000.00}, "390": {}}}\n'
    )
    run = cleared(tmp_path, changes, CASES)
    assert points(run) == {"A1": "100.0000", "A4": "100.0000"}
    assert fund_parts(run) == {"A1": "51000.00", "A2": "8000.00", "A3": "9999.99", "A4": "51000.00"}
    assert classes(run)["A2"] == "out_of_area"
    assert lines(run, "fixed_standard.ffs") == {"H1": 800_000, "H2": 999_999}
    assert lines(run, "fixed_variance.ffs") == {"": 1}


def test_a_class_rule_may_ask_for_the_flag_without_the_mechanism(tmp_path: Path) -> None:
    rule = "        - {id: visitor, when: {flag: out_of_area}, shape: scaled_base, factor: 0.5}\n"
    classes_yaml = FILES["case_classes.yaml"].replace("        - {id: low,", rule + "        - {id: low,")
    run = cleared(tmp_path, {"case_classes.yaml": classes_yaml}, CASES)
    assert points(run) == {"A1": "100.0000", "A2": "50.0000", "A3": "50.0000", "A4": "100.0000"}


def test_a_month_shows_what_is_expected_under_the_cap(tmp_path: Path) -> None:
    changes = out_of_area("  cap: ffs\n")
    changes["points.yaml"] = FILES["points.yaml"] + (
        '  budget_point_value:\n    unit: CNY/point\n    values: {2024-01-01: {drg: {"310": 250}}}\n'
    )
    area = area_with(tmp_path / "area", changes)
    run = presettle([write_cases(tmp_path / "c.csv", CASES)], area, YEAR, 3, RunOptions(shelf=tmp_path / "runs"))
    assert fund_parts(run) == {"A1": "25000.00", "A2": "8000.00", "A3": "9999.99", "A4": "25000.00"}


def test_files_without_the_insured_place_are_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match="insuplc_admdvs"):
        cleared(tmp_path, out_of_area("  cap: ffs\n"), CASES, without=["insuplc_admdvs"])


def test_the_provincial_value_and_misspelt_choices_are_refused(tmp_path: Path) -> None:
    for text, words in (
        ("  pv: provincial\n", "provincial is not accepted"),
        ("  cap: fss\n", "did you mean ffs"),
        ("  in_points: no\n", "no is not accepted"),
    ):
        with pytest.raises(PolicyFaults, match=words):
            area_with(tmp_path / "area", out_of_area(text))


def test_the_choices_stand_among_the_values_used(tmp_path: Path) -> None:
    used = {each.key: each.text for each in resolve(area_with(tmp_path, out_of_area("  cap: ffs\n")).policy, YEAR).used}
    assert {key: text for key, text in used.items() if key.startswith("out_of_area")} == {
        "out_of_area.cap": "ffs",
        "out_of_area.in_points": "True",
        "out_of_area.pv": "local",
    }
