"""New technology, Chinese medicine, group coefficients and bed-day groups, from files to points; worked by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.errors import CaseFileError, PolicyError
from engine.policy import PolicyFaults
from engine.policy.resolve import resolve
from tests.facts_area import FILES, HEAD, YEAR, area_with, case, classes, cleared, fund_parts, points

# --- new technology ---------------------------------------------------------------------------------------------------

FACTORS = f"new_tech:\n{HEAD}  year_factors:\n    unit: /1\n    values: {{2022-01-01: [1, 0.7, 0.4]}}\n"


def new_tech(text: str = "", table: str = "") -> dict[str, str]:
    files = {"new_tech.yaml": FACTORS + text}
    return files | ({"new_tech.csv": f"setl_id,points,year\n{table}"} if table else {})


OPERATIONS = """\
  operations:
    unit: point
    values:
      2022-01-01:
        drg:
          - {operation: "00.41", points: 30, from: 2022-03-08}
          - {operation: "36.0", points: 10.5, from: 2024-03-08}
"""


def with_operation(setl_id: str, codes: str, discharged: str) -> dict[str, str]:
    return case(setl_id, oprn_codes=codes, dscg_time=discharged, setl_end_date=discharged, diag_codes="I10.x00x002")


def test_points_of_an_operation_step_down_year_by_year_from_its_first_day(tmp_path: Path) -> None:
    """00.41 from 2022-03-08: 2024-03-07 is still its second year, × 0.7 = 21; the day after its third, × 0.4 = 12."""
    cases = [
        with_operation("A1", "89.0000|00.4100", "2024-03-07"),
        with_operation("A2", "89.0000|00.4100", "2024-03-08"),
        with_operation("A3", "00.4", "2024-03-08"),
        with_operation("A4", "36.0600", "2024-03-07"),  # a day before its first
        with_operation("A5", "36.0600|00.4100", "2024-03-09"),  # the one listed first
        with_operation("A6", "", "2024-03-09"),
    ]
    run = cleared(tmp_path, new_tech(OPERATIONS), cases)
    grouped = pl.read_parquet(run.folder / "grouped.parquet")
    assert dict(grouped.select("setl_id", "drg_code").iter_rows()) == dict.fromkeys(
        ("A1", "A2", "A3", "A4", "A5", "A6"), "FV1"
    ) | dict.fromkeys(("A4", "A5"), "FM25")
    of_group = {"A1": 50 + 21, "A2": 50 + 12, "A3": 50, "A4": 250, "A5": 250 + 12, "A6": 50}
    cheap = {"A4": 100, "A5": 100 + 12}  # cost 10,000 at a mean of 25,000: r = 0.4, 250 × 0.4
    assert points(run) == {name: f"{value:.4f}" for name, value in (of_group | cheap).items()}


def test_points_may_be_given_case_by_case_and_end_with_the_last_factor(tmp_path: Path) -> None:
    """33.3333 × 0.7 = 23.33331, kept to four places; the fourth year adds nothing; the table goes before the list."""
    cases = [case("A1"), case("A2"), with_operation("A3", "89.0000|00.4100", "2024-03-08"), case("A4")]
    changes = new_tech(
        "  cases:\n    values: {2024-01-01: new_tech.csv}\n" + OPERATIONS, "A1,33.3333,2\nA2,30,4\nA3,100,1\n"
    )
    run = cleared(tmp_path, changes, cases)
    assert points(run) == {"A1": "123.3333", "A2": "100.0000", "A3": "150.0000", "A4": "100.0000"}


def test_a_named_case_that_is_not_there_stops_the_clearing(tmp_path: Path) -> None:
    changes = new_tech("  cases:\n    values: {2024-01-01: new_tech.csv}\n", "B7,30,1\n")
    with pytest.raises(PolicyError, match=r"new_tech.cases: case B7 is in none of the files"):
        cleared(tmp_path, changes, [case("A1")])


def test_faults_of_new_technology_are_named_at_load(tmp_path: Path) -> None:
    without = f"new_tech:\n{HEAD}{OPERATIONS}"
    with pytest.raises(PolicyFaults, match=r"new_tech.operations requires new_tech.year_factors"):
        area_with(tmp_path / "a", {"new_tech.yaml": without})
    for old, new, words in (
        ("points: 30", "points: -1", "-1 is out of range"),
        ("from: 2022-03-08", "from: March", "March is not a date"),
        ("drg:", "drug:", "drug is not a scheme paid by points"),
    ):
        with pytest.raises(PolicyFaults, match=words):
            area_with(tmp_path / "a", new_tech(OPERATIONS.replace(old, new)))


# --- Chinese medicine -------------------------------------------------------------------------------------------------

FEES = ("wm_trt_fee", "oprn_fee", "mcs_fee", "wm_drug_fee", "tcm_trt_fee", "tcm_patn_fee", "tcm_herb_fee")
GATE = "        - {id: tcm, when: {flag: tcm, tcm: {ratio_min: 0.6, days_min: 10}}, shape: tcm_base}\n"
DAY_WARD = "        - {id: tcm_day, when: {flag: day_ward, tcm: {ratio_min: 0.6, days_min: 0}}, shape: tcm_base}\n"


def tcm(table: str, *, rules: str = GATE, more: str = "", **files: str) -> dict[str, str]:
    return {
        "tcm.yaml": f"tcm:\n{HEAD}  list:\n    values: {{2024-01-01: {{drg: tcm.csv}}}}\n{more}",
        "tcm.csv": f"group_code,diagnosis,base_points\n{table}",
        "case_classes.yaml": FILES["case_classes.yaml"].replace("        - {id: low,", rules + "        - {id: low,"),
        **files,
    }


def treated(setl_id: str, own: tuple[str, str, str], other: tuple[str, str, str, str], **more: str) -> dict[str, str]:
    """A stay with its fees: treatment, proprietary, herbs against western treatment, drugs, operations, materials."""
    named = dict(zip(("tcm_trt_fee", "tcm_patn_fee", "tcm_herb_fee"), own, strict=True))
    named |= dict(zip(("wm_trt_fee", "wm_drug_fee", "oprn_fee", "mcs_fee"), other, strict=True))
    stay = {"act_ipt_days": "10", "dscg_time": "2024-03-11", "setl_end_date": "2024-03-12"}
    return case(setl_id, **(stay | named | more))


def test_a_listed_group_past_the_gate_has_the_points_of_its_tcm_group(tmp_path: Path) -> None:
    """4,800 ÷ 8,000 = 0.6 opens the gate, 4,799.99 ÷ 8,000 does not; nine days do not; an unlisted group does not."""
    cases = [
        treated("A1", ("3000.00", "1000.00", "800.00"), ("1200.00", "1000.00", "", "1000.00")),
        treated("A2", ("2999.99", "1000.00", "800.00"), ("1200.01", "1000.00", "", "1000.00")),
        treated("A3", ("3000.00", "1000.00", "800.00"), ("", "", "", ""), act_ipt_days="9"),
        treated(
            "A4", ("3000.00", "", ""), ("", "", "", ""), diag_codes="I10.x00x002", medfee_sumamt="5000", hifp_pay="1"
        ),
        treated("A5", ("", "", ""), ("", "", "", "")),
    ]
    run = cleared(tmp_path, tcm("FR25,,72.5\n"), cases)
    assert points(run) == {"A1": "72.5000", "A2": "100.0000", "A3": "100.0000", "A4": "50.0000", "A5": "100.0000"}
    assert classes(run)["A1"] == "tcm"
    assert classes(run)["A2"] == "normal"


def test_same_price_takes_the_western_points_and_a_diagnosis_narrows_a_row(tmp_path: Path) -> None:
    """FR25 with I50.1: 90 of its own; any other FR25: 100 × 0.92."""
    cases = [
        treated("A1", ("100.00", "", ""), ("", "", "", "")),
        treated("A2", ("100.00", "", ""), ("", "", "", ""), diag_codes="I50.100"),
    ]
    factor = "  same_price_factor:\n    unit: /1\n    values: {2024-01-01: 0.92}\n"
    run = cleared(tmp_path, tcm("FR25,,\nFR25,I50.1,90\n", more=factor), cases)
    assert points(run) == {"A1": "92.0000", "A2": "90.0000"}
    used = {each.key: each.text for each in resolve(area_with(tmp_path / "area", {}).policy, YEAR).used}
    assert used["tcm.same_price_factor"] == "0.92"
    assert used["tcm.list"] == "{drg: tcm.csv}"


def test_a_day_ward_has_a_gate_without_days(tmp_path: Path) -> None:
    flags = f'case_flags:\n{HEAD}  values:\n    2024-01-01:\n      - {{flag: day_ward, ipt_med_type: ["3"]}}\n'
    short = {"act_ipt_days": "1", "ipt_med_type": "3"}
    cases = [
        treated("A1", ("100.00", "", ""), ("", "", "", ""), **short),
        treated("A2", ("100.00", "", ""), ("", "", "", ""), act_ipt_days="1", ipt_med_type="1"),
        treated(
            "A3",
            ("100.00", "", ""),
            ("", "", "", ""),
            **short,
            diag_codes="I10.x00x002",
            medfee_sumamt="5000",
            hifp_pay="1",
        ),
    ]
    run = cleared(tmp_path, tcm("FR25,,72.5\n", rules=GATE + DAY_WARD, **{"case_flags.yaml": flags}), cases)
    assert points(run) == {"A1": "72.5000", "A2": "100.0000", "A3": "50.0000"}


def test_fee_columns_are_asked_for_by_name_and_an_impossible_fee_rejects_its_row(tmp_path: Path) -> None:
    good, bad = treated("A1", ("1", "", ""), ("", "", "", "")), treated("A2", ("-1", "", ""), ("", "", "", ""))
    with pytest.raises(CaseFileError, match="tcm_herb_fee"):
        cleared(tmp_path, tcm("FR25,,72.5\n"), [good], without=["tcm_herb_fee"])
    run = cleared(tmp_path, tcm("FR25,,72.5\n"), [good, bad])
    rejected = pl.read_parquet(run.folder / "rejected.parquet")
    assert rejected.select("setl_id", "code", "field").rows() == [("A2", "V028", "tcm_trt_fee")]


def test_fees_arrive_under_their_chinese_names(tmp_path: Path) -> None:
    names = ("西医治疗费", "手术费", "卫生材料费", "西药费", "中医治疗费", "中成药费", "中药饮片费")
    renamed = dict(zip(FEES, names, strict=True))
    one = treated("A1", ("100.00", "", ""), ("", "", "", ""))
    run = cleared(tmp_path, tcm("FR25,,72.5\n"), [{renamed.get(key, key): value for key, value in one.items()}])
    assert points(run) == {"A1": "72.5000"}


def test_faults_of_the_tcm_list_are_named_at_load(tmp_path: Path) -> None:
    for table, words in (
        ("XX1,,72.5\n", "XX1 is not a group of the weight tables"),
        ("FR25,,0\n", "0 is out of range"),
        ("FR25,,1\nFR25,,2\n", "FR25/ appears twice"),
    ):
        with pytest.raises(PolicyFaults, match=words):
            area_with(tmp_path / "a", tcm(table))
    classes_only = {"case_classes.yaml": tcm("")["case_classes.yaml"]}
    with pytest.raises(PolicyFaults, match=r"tcm requires tcm.list"):
        area_with(tmp_path / "b", classes_only)


# --- coefficients by group --------------------------------------------------------------------------------------------


def group_cost(table: str, more: str = "") -> dict[str, str]:
    return {
        "coefficient.yaml": f"coefficient:\n{HEAD}  form: group_cost\n"
        f"  groups:\n    values: {{2024-01-01: groups.csv}}\n{more}",
        "groups.csv": f"fixmedins_code,group_code,coefficient\n{table}",
        "hospitals.csv": FILES["hospitals.csv"].replace("3,1.000000", "3,1.050000"),
    }


TWO_BY_TWO = [
    case("A1"),
    case("A2", diag_codes="I10.x00x002", medfee_sumamt="5000", hifp_pay="4000"),
    case("A3", fixmedins_code="H2"),
    case("A4", fixmedins_code="H2", diag_codes="I10.x00x002", medfee_sumamt="5000", hifp_pay="4000"),
]


def test_a_coefficient_by_hospital_and_group_replaces_the_hospitals_and_is_1_where_none_is_listed(
    tmp_path: Path,
) -> None:
    """110 + 50 + 100 + 40 = 300 points: 400 yuan a point."""
    run = cleared(tmp_path, group_cost("H1,FR25,1.1\nH2,FV1,0.8\n"), TWO_BY_TWO)
    assert points(run) == {"A1": "110.0000", "A2": "50.0000", "A3": "100.0000", "A4": "40.0000"}
    assert fund_parts(run) == {"A1": "44000.00", "A2": "20000.00", "A3": "40000.00", "A4": "16000.00"}
    table = pl.read_parquet(run.folder / "settled.parquet")
    assert [f"{value:.2f}" for value in table["medins_coef"]] == ["1.10", "1.00", "1.00", "0.80"]


def test_least_and_most_bind_listed_coefficients_and_a_mid_year_table_holds_from_its_day(tmp_path: Path) -> None:
    more = "      2024-07-01: later.csv\n  max:\n    unit: /1\n    values: {2024-01-01: 1.05}\n"
    changes = group_cost("H1,FR25,1.1\nH2,FV1,0.8\n", more)
    changes["coefficient.yaml"] = changes["coefficient.yaml"].replace(
        "values: {2024-01-01: groups.csv}\n", "values:\n      2024-01-01: groups.csv\n"
    )
    changes["later.csv"] = "fixmedins_code,group_code,coefficient\nH1,FR25,0.9\n"
    july = {"adm_time": "2024-06-24", "dscg_time": "2024-07-01", "setl_end_date": "2024-07-02"}
    run = cleared(tmp_path, changes, [*TWO_BY_TWO, case("B1", **july), case("B2", fixmedins_code="H2", **july)])
    assert points(run) == {
        "A1": "105.0000", "A2": "50.0000", "A3": "100.0000", "A4": "40.0000", "B1": "90.0000", "B2": "100.0000",
    }  # fmt: skip


def test_faults_of_group_coefficients_are_named_at_load(tmp_path: Path) -> None:
    for table, words in (
        ("H9,FR25,1.1\n", "H9 is not a hospital of the hospital table"),
        ("H1,FR99,1.1\n", "FR99 is not a group of the weight tables"),
        ("H1,FR25,1.1\nH1,FR25,1.2\n", "H1/FR25 appears twice"),
        ("H1,FR25,0\n", "0 is out of range"),
    ):
        with pytest.raises(PolicyFaults, match=words):
            area_with(tmp_path / "a", group_cost(table))
    without = group_cost("H1,FR25,1.1\n")
    without["coefficient.yaml"] = f"coefficient:\n{HEAD}  form: group_cost\n"
    with pytest.raises(PolicyFaults, match=r"form: group_cost requires coefficient.groups"):
        area_with(tmp_path / "b", without)


# --- bed-days as points -----------------------------------------------------------------------------------------------

BED_DAYS = """\
  bed_day_groups:
    unit: /1
    values:
      2024-01-01:
        drg:
          FV1: [{from: 1, to: 30, factor: 1}, {from: 31, to: 60, factor: 0.8}, {from: 61, to: null, factor: 0.5}]
"""


def bed_days(text: str = BED_DAYS, points_a_day: str = "2.5000,250.00") -> dict[str, str]:
    rule = "        - {id: bed_day, when: {flag: bed_day}, shape: normal}\n"
    return {
        "points.yaml": FILES["points.yaml"] + text,
        "weights.csv": FILES["weights.csv"].replace("FV1,50.0000,5000.00", f"FV1,{points_a_day}"),
        "case_classes.yaml": FILES["case_classes.yaml"].replace("        - {id: low,", rule + "        - {id: low,"),
    }


def long_stay(setl_id: str, days: int, cost: str) -> dict[str, str]:
    return case(
        setl_id, diag_codes="I10.x00x002", act_ipt_days=str(days), adm_time="", medfee_sumamt=cost, hifp_pay="0"
    )


def test_bed_day_groups_earn_points_by_days_inside_the_points_budget(tmp_path: Path) -> None:
    """30 × 2.5 = 75; 31 d: 75 + 2 = 77; 120 d: 75 + 30 × 2 + 60 × 1.25 = 210; a day: 2.5. The reference likewise."""
    cases = [
        long_stay("A1", 30, "7500"),
        long_stay("A2", 31, "3850"),
        long_stay("A3", 120, "1"),
        long_stay("A4", 1, "9"),
    ]
    run = cleared(tmp_path, bed_days(), [*cases, case("B1")])
    assert points(run) == {"A1": "75.0000", "A2": "77.0000", "A3": "210.0000", "A4": "2.5000", "B1": "100.0000"}
    table = pl.read_parquet(run.folder / "settled.parquet")
    assert [str(value) for value in table["std_fee"]] == ["7500.00", "7700.00", "21000.00", "250.00", "10000.00"]
    assert [f"{value:.2f}" for value in table["fee_mult"]][:2] == ["1.00", "0.50"]
    assert classes(run)["A3"] == "bed_day"


def test_points_of_a_stay_by_the_day_are_kept_to_four_places(tmp_path: Path) -> None:
    """31 days of 2.3333: 30 × 2.3333 + 0.8 × 2.3333 = 71.86564."""
    run = cleared(tmp_path, bed_days(points_a_day="2.3333,233.33"), [long_stay("A1", 31, "7000")])
    assert points(run) == {"A1": "71.8656"}


def test_faults_of_bed_day_groups_are_named_at_load(tmp_path: Path) -> None:
    for old, new, words in (
        ("from: 31", "from: 32", "do not meet at 31"),
        ("to: null", "to: 90", "last bed-day 床日 tier is closed"),
        ("FV1:", "FV9:", "FV9 is not a group of the weight tables"),
        ("factor: 1}", "factor: 11}", "11 is out of range"),
    ):
        with pytest.raises(PolicyFaults, match=words):
            area_with(tmp_path / "a", bed_days(BED_DAYS.replace(old, new)))
    flag_only = {"case_classes.yaml": bed_days()["case_classes.yaml"]}
    with pytest.raises(PolicyFaults, match=r"bed_day requires points.bed_day_groups"):
        area_with(tmp_path / "b", flag_only)
