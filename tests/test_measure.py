"""Measuring a policy's weights from past years, from the command: every figure worked by hand.

Cost by year of discharge: FV1 9,000 · 10,000 · 12,000 at H1; FR25 20,000 · 22,000 · none at H2; weights 2 : 3 : 5.
FV1 (2×9,000 + 3×10,000 + 5×12,000) ÷ 10 = 10,800. FR25 has no third year: (2×20,000 + 3×22,000) ÷ 5 = 21,200.
Region 14,500 · 16,000 · 12,000: 13,700. Points 100 × 10,800/13,700 = 78.8321 and 100 × 21,200/13,700 = 154.7445.
"""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path

import pytest

from engine.area import load_area
from engine.cli.failure import report as exit_code
from engine.errors import CaseFileError, PolicyError, RunError
from engine.measure import Measured, MeasureOptions, measure_policy
from engine.measure_files import value_text, write_measured
from engine.measure_routes import on_day
from engine.policy import PolicyFaults
from engine.policy.load import load_policy
from engine.policy.predicates import Days, When
from pointvalue.weights import GroupState
from tests.small_county import FILES, HEAD, Stay, village, write_stays
from tests.test_cli import dianzhi

YEARS = [2022, 2023, 2024]
STAYS = (
    Stay("P1", "H1", "FV1", "2022-05-01", "9000.00", "0.00"),
    Stay("P2", "H1", "FV1", "2023-05-01", "10000.00", "0.00"),
    Stay("P3", "H1", "FV1", "2024-05-01", "12000.00", "0.00"),
    Stay("P4", "H2", "FR25", "2022-05-01", "20000.00", "0.00"),
    Stay("P5", "H2", "FR25", "2023-05-01", "22000.00", "0.00"),
    Stay("P6", "H2", "FR25", "2021-05-01", "99000.00", "0.00"),
    Stay("P7", "H2", "", "2023-05-01", "5000.00", "0.00", diagnosis="Z00.000"),
)


def measuring(terms: str) -> dict[str, str]:
    return {"weight_measurement.yaml": f"weight_measurement:\n{HEAD}  values:\n    2024-01-01:\n      drg: {terms}\n"}


PLAIN = measuring("{year_weights: [2, 3, 5], trim: none, min_cases: 2}")


def measured(folder: Path, files: dict[str, str] | None = None, stays: tuple[Stay, ...] = STAYS) -> Measured:
    area = village(folder / "area", {**PLAIN, **(files or {})})
    cases = write_stays(folder / "past.csv", stays)
    return measure_policy([cases], load_policy(area / "policy"), "drg", YEARS, MeasureOptions())


def by_code(found: Measured, code: str) -> tuple[int | None, int | None, GroupState]:
    move = next(each for each in found.groups if each.code == code)
    return move.points_e4, move.mean_fen, move.measured.state


def read(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row[0]: row[1:] for row in csv.reader(stream)}


def test_weights_and_region_mean_are_those_worked_by_hand(tmp_path: Path) -> None:
    found = measured(tmp_path)
    assert found.region_mean_fen == 1_370_000
    assert found.region_in_force_fen == 1_000_000
    assert by_code(found, "FV1") == (788_321, 1_080_000, GroupState.STABLE)
    assert by_code(found, "FR25") == (1_547_445, 2_120_000, GroupState.STABLE)
    assert by_code(found, "MR15") == (1_000_000, 1_000_000, GroupState.NO_CASES)
    assert found.counts == {"measured": 5, "not_grouped": 1, "other_schemes": 0, "without_cost": 0, "other_years": 1}


def test_a_year_without_a_case_is_said(tmp_path: Path) -> None:
    """Without 2022 FV1 is (3×10,000 + 5×12,000) ÷ 8 = 11,250."""
    found = measured(tmp_path, stays=tuple(stay for stay in STAYS if not stay.day.startswith("2022")))
    assert found.empty_years == (2022,) and found.cases_by_year == {2022: 0, 2023: 2, 2024: 1}
    assert next(each for each in found.groups if each.code == "FV1").measured.mean_fen == 1_125_000
    write_measured(tmp_path / "out", found)
    assert "⚠ 2022" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_a_group_with_too_few_cases_or_too_uneven_keeps_what_is_in_force(tmp_path: Path) -> None:
    """FR25 has two cases. FV1: Σx = 31, Σx² = 325 thousands: n·Σx² − (Σx)² = 14, over 961: cv² = 0.01457, cv 0.1207."""
    few = measured(tmp_path / "few", measuring("{year_weights: [2, 3, 5], trim: none, min_cases: 3}"))
    assert by_code(few, "FR25") == (2_000_000, 2_000_000, GroupState.FEW_CASES)
    assert by_code(few, "FV1") == (788_321, 1_080_000, GroupState.STABLE)
    for limit, state in (("0.12", GroupState.UNEVEN), ("0.121", GroupState.STABLE)):
        terms = f"{{year_weights: [2, 3, 5], trim: none, min_cases: 2, cv_max: {limit}}}"
        assert by_code(measured(tmp_path / limit, measuring(terms)), "FV1")[2] is state


def test_an_outlier_is_trimmed_within_its_group_and_year(tmp_path: Path) -> None:
    """Nine stays of 10,000 and one of 90,000 a year: quartiles both 10,000, so the outlier alone lies outside."""
    stays = tuple(
        Stay(f"{year}{n}", "H1", "FV1", f"{year}-05-{n + 1:02d}", "90000.00" if n == 9 else "10000.00", "0.00")
        for year in YEARS
        for n in range(10)
    )
    found = measured(tmp_path, measuring("{year_weights: [2, 3, 5], trim: iqr, min_cases: 2}"), stays)
    (move,) = [each for each in found.groups if each.code == "FV1"]
    assert (move.points_e4, move.mean_fen, found.region_mean_fen) == (1_000_000, 1_000_000, 1_000_000)
    assert (move.measured.read_count, move.measured.kept_count) == (30, 27)


def test_the_proposal_is_a_table_the_policy_takes_and_the_moves_add_up(tmp_path: Path) -> None:
    """FV1 moves by −21.1679 points over 3 cases, FR25 by −45.2555 over 2."""
    write_measured(tmp_path / "out", measured(tmp_path))
    moves = read(tmp_path / "out" / "moves.csv")
    head = moves["group_code"]
    effect, moved = head.index("effect_points"), head.index("moved")
    assert (moves["FV1"][moved], moves["FV1"][effect]) == ("-21.1679", "-63.5037")
    assert (moves["FR25"][moved], moves["FR25"][effect]) == ("-45.2555", "-90.5110")
    assert moves["FV1"][head.index("moved_ppm")] == "-211679"
    policy = tmp_path / "area" / "policy"
    shutil.copy(tmp_path / "out" / "weights.csv", policy / "weights_2025.csv")
    text = (policy / "points.yaml").read_text(encoding="utf-8")
    new = text.replace("weights.csv}", "weights_2025.csv}").replace("drg: 10000.00", "drg: 13700.00")
    (policy / "points.yaml").write_text(new, encoding="utf-8")
    table = load_area(tmp_path / "area").for_year(2025).weights["drg"].values[-1]
    assert table.base_points_e4[table.row("FV1")] == 788_321
    assert table.cost_mean_fen[table.row("FR25")] == 2_120_000
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "13700.00" in report and "-154.0147" in report and "no case | 无病例 | 15" in report


def test_means_by_level_are_measured_where_the_table_has_them(tmp_path: Path) -> None:
    table = "group_code,base_points,cost_mean,cost_mean_2\n" + "".join(
        line + ",\n" for line in FILES["weights.csv"].splitlines()[1:]
    )
    found = measured(tmp_path, {"weights.csv": table})
    place = [move.code for move in found.groups].index("FR25")
    assert found.level_means_fen["2"][place] == 2_120_000
    assert found.level_means_fen["2"][[move.code for move in found.groups].index("FV1")] is None
    write_measured(tmp_path / "out", found)
    rows = read(tmp_path / "out" / "weights.csv")
    assert rows["FR25"] == ["154.7445", "21200.00", "21200.00"] and rows["FV1"] == ["78.8321", "10800.00", ""]


ROUTED = {
    "area.yaml": FILES["area.yaml"].replace(
        "    - {id: drg, kind: points}\n",
        "    - {id: long, kind: bed_day, when: {days_from: 31}}\n"
        '    - {id: clinic, kind: actual, when: {med_type: ["14"]}}\n'
        "    - {id: drg, kind: points}\n",
    ),
    "bed_day.yaml": f"""\
bed_day:
{HEAD}  tiers:
    unit: CNY/d
    values: {{2024-01-01: [{{from: 1, to: null, rate: 100}}]}}
  fund_ratio:
    unit: /1
    values: {{2024-01-01: {{"310": 1}}}}
""",
}


def test_cases_that_other_schemes_take_are_not_measured(tmp_path: Path) -> None:
    """The same year with a long stay and a visit, both dear: the scheme's own figures do not move."""
    dear = (
        Stay("Q1", "H1", "FV1", "2024-06-01", "500000.00", "0.00", days=40),
        Stay("Q2", "H1", "FV1", "2024-06-01", "500000.00", "0.00", med_type="14"),
    )
    found = measured(tmp_path, ROUTED, (*STAYS, *dear))
    assert found.region_mean_fen == 1_370_000
    assert by_code(found, "FV1") == (788_321, 1_080_000, GroupState.STABLE)
    assert (found.counts["measured"], found.counts["other_schemes"]) == (5, 2)


def test_an_area_that_changes_its_way_of_paying_measures_from_cases_the_old_way_paid(tmp_path: Path) -> None:
    """Points begin on 1 January 2025; all the past was paid otherwise, and all of it is measured."""
    dated = ROUTED["area.yaml"].replace(
        "    - {id: drg, kind: points}\n",
        "    - {id: before, kind: actual, when: {discharged: {upto: 2024-12-31}}}\n"
        "    - {id: drg, kind: points, when: {discharged: {from: 2025-01-01}}}\n",
    )
    found = measured(tmp_path, {**ROUTED, "area.yaml": dated})
    assert by_code(found, "FV1") == (788_321, 1_080_000, GroupState.STABLE)
    assert (found.counts["measured"], found.counts["other_schemes"]) == (5, 0)
    later = {**ROUTED, "area.yaml": dated.replace("from: 2025", "from: 2026")}
    with pytest.raises(PolicyError, match="it takes no case on 2025-01-01"):
        measured(tmp_path / "later", later)


IN_2025, IN_2024 = Days(date(2025, 1, 1), date(2025, 12, 31)), Days(None, date(2024, 12, 31))
CARE = When(med_type=("14",))


@pytest.mark.parametrize(
    ("when", "left"),
    [
        (When(discharged=IN_2025), True),
        (When(settled=IN_2024), False),
        (When(discharged=IN_2025, med_type=("14",)), CARE),
        (When(any=(When(discharged=IN_2024), CARE)), When(any=(CARE,))),
        (When(any=(When(discharged=IN_2025), CARE)), True),
        (When(any=(When(discharged=IN_2024), When(settled=IN_2024))), False),
        (When(other_than=When(discharged=IN_2025)), False),
        (When(other_than=When(discharged=IN_2024), med_type=("14",)), CARE),
        (When(other_than=When(discharged=IN_2025, med_type=("14",))), When(other_than=CARE)),
    ],
)
def test_what_a_condition_says_of_days_is_answered_for_the_day(when: When, left: When | bool) -> None:
    assert on_day(when, date(2025, 6, 1)) == left


COMPOSITE = {
    "coefficient.yaml": f"""\
coefficient:
{HEAD}  form: composite
  composite_weights:
    unit: /1
    values: {{2024-01-01: {{cmi: 0.5, cost_index: 0.3, score: 0.2}}}}
  facts:
    values: {{2024-01-01: facts.csv}}
""",
    "facts.csv": "fixmedins_code,kind,ind_cmi,ind_cost_index,ind_score\nH1,,1,1,1\nH2,tcm,1,1,0.9\n",
}


def test_indicators_and_the_coefficients_the_policy_makes_of_them(tmp_path: Path) -> None:
    """H1: CMI 0.7883; cost 31,000 over 3 × 10,800: 0.956790. H2: 1.5474; 42,000 over 2 × 21,200: 0.990566.

    Level means 31,000/3 and 21,000 over 14,600: 0.707763 and 1.438356. The score stays as the policy has it.
    H1 0.5 × 0.7883 + 0.3 × 0.95679 + 0.2 = 0.881187; H2 0.7737 + 0.2971698 + 0.18 = 1.250870 (1.2508698).
    """
    found = measured(tmp_path, COMPOSITE)
    assert found.coefficient_form == "composite"
    assert [(each.hospital, each.in_force_e6, each.measured_e6) for each in found.coefficients] == [
        ("H1", 1_000_000, 881_187),
        ("H2", 980_000, 1_250_870),
    ]
    write_measured(tmp_path / "out", found)
    assert read(tmp_path / "out" / "facts.csv") == {
        "fixmedins_code": ["kind", "ind_cmi", "ind_cost_index", "ind_level_cost", "ind_score"],
        "H1": ["", "0.788300", "0.956790", "0.707763", "1.000000"],
        "H2": ["tcm", "1.547400", "0.990566", "1.438356", "0.900000"],
    }


BY_GROUP = {
    "coefficient.yaml": f"""\
coefficient:
{HEAD}  form: group_cost
  groups:
    values: {{2024-01-01: groups.csv}}
  max:
    unit: /1
    values: {{2024-01-01: 1.1}}
""",
    "groups.csv": "fixmedins_code,group_code,coefficient\nH1,FV1,1.000000\n",
}


def test_coefficients_by_group_are_measured_where_the_policy_uses_them(tmp_path: Path) -> None:
    """FV1 with two stays of 15,500 at H2: 31,000 over 3 and 31,000 over 2 against 62,000 over 5, that is 12,400.

    H1 31,000/3 over 12,400 is 0.833333; H2 15,500 over 12,400 is 1.25, at most 1.1. FR25 is H2's alone: 1.
    """
    more = (*STAYS, *(Stay(f"R{n}", "H2", "FV1", "2024-05-01", "15500.00", "0.00") for n in (1, 2)))
    found = measured(tmp_path, BY_GROUP, more)
    assert found.group_coefficients == (
        ("H1", "FV1", 833_333),
        ("H2", "FR25", 1_000_000),
        ("H2", "FV1", 1_100_000),
    )
    write_measured(tmp_path / "out", found)
    shutil.copy(tmp_path / "out" / "group_coefficients.csv", tmp_path / "area" / "policy" / "groups.csv")
    assert load_policy(tmp_path / "area" / "policy").code == "370000"


def test_a_policy_that_lists_coefficients_has_none_measured(tmp_path: Path) -> None:
    found = measured(tmp_path)
    assert found.coefficient_form == "table"
    assert [each.measured_e6 for each in found.coefficients] == [None, None]


def test_the_initial_point_value_rests_on_the_band_of_the_policy(tmp_path: Path) -> None:
    """All: (2 × 29,000 + 3 × 32,000 + 5 × 12,000) ÷ (2 × 233.5766 + 3 × 233.5766 + 5 × 78.8321) = 137.00003.

    Low price and low cost: FV1 of 2022 and 2023 alone; 12,000 lies above its group's 10,800, and FR25 above the mean
    value of its years. (2 × 9,000 + 3 × 10,000) ÷ (5 × 78.8321) = 121.7778.
    """
    every = measured(tmp_path / "all")
    assert {pool: (value_text(each.value), each.kept_count) for pool, each in every.point_values.items()} == {
        "310": ("137.0000", 5)
    }
    band = measuring("{year_weights: [2, 3, 5], trim: none, min_cases: 2, value_band: low_price_low_cost}")
    low = measured(tmp_path / "low", band)
    assert {pool: (value_text(each.value), each.kept_count) for pool, each in low.point_values.items()} == {
        "310": ("121.7778", 2)
    }
    write_measured(tmp_path / "out", low)
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "310: **121.7778** 元/点 yuan per point, from 2 of 5 cases" in text
    assert 'budget_point_value: {unit: CNY/point, values: {2025-01-01: {drg: {"310": 121.7778}}}}' in text


def test_a_band_of_its_own_is_refused(tmp_path: Path) -> None:
    terms = measuring("{year_weights: [1], trim: none, min_cases: 2, value_band: below}")
    with pytest.raises(PolicyFaults, match="below is not accepted"):
        load_policy(village(tmp_path / "area", terms) / "policy")


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_what_keeps_a_measurement_from_being_made(tmp_path: Path) -> None:
    cases = write_stays(tmp_path / "past.csv", STAYS)
    policy = load_policy(village(tmp_path / "area", PLAIN) / "policy")
    silent = load_policy(village(tmp_path / "silent") / "policy")
    options = MeasureOptions()
    with pytest.raises(PolicyError, match=r"weight_measurement\.drg: the policy does not say"):
        measure_policy([cases], silent, "drg", YEARS, options)
    with pytest.raises(PolicyError, match="has 3 weights, but 2 years"):
        measure_policy([cases], policy, "drg", YEARS[1:], options)
    with pytest.raises(PolicyError, match=r"--scheme dip: .* has: drg"):
        measure_policy([cases], policy, "dip", YEARS, options)
    with pytest.raises(CaseFileError, match="the files hold: 2021, 2022, 2023, 2024"):
        measure_policy([cases], policy, "drg", [2025, 2026, 2027], options)
    found = measure_policy([cases], policy, "drg", YEARS, options)
    write_measured(tmp_path / "out", found)
    with pytest.raises(RunError, match="nothing is overwritten") as caught:
        write_measured(tmp_path / "out", found)
    assert exit_code(caught.value) == 7


def test_the_command_says_what_it_measured_and_where_it_stands(tmp_path: Path) -> None:
    area, cases = village(tmp_path / "area", PLAIN), write_stays(tmp_path / "past.csv", STAYS)
    words = ("policy", "measure", cases, "--area", area, "--scheme", "drg", "--years", "2022,2023,2024")
    done = dianzhi(*words, "--out", "proposal", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "measured 5 cases (not grouped 1, of other schemes 0, of other years 1)" in done.stdout
    assert "region mean 13700.00 yuan (in force 10000.00)" in done.stdout and "154.7445" in done.stdout
    assert sorted(path.name for path in (tmp_path / "proposal").iterdir()) == [
        *("coefficients.csv", "facts.csv", "moves.csv", "report.md", "weights.csv"),
    ]
    assert dianzhi(*words[:-1], "2024,2023", "--out", "b", cwd=tmp_path).returncode == 2
    assert dianzhi(*words[:-1], "2023,2024", "--out", "b", cwd=tmp_path).returncode == 5
    assert not (tmp_path / "b").exists()
