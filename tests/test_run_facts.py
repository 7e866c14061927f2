"""Facts of single cases from files to points and money: readmissions, and the rows that lack what a policy asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from engine.errors import CaseFileError
from engine.policy import PolicyFaults
from engine.run import clear
from engine.run_parts import RunOptions
from tests.facts_area import FILES, HEAD, YEAR, area_with, case, classes, cleared, fund_parts, points, write_cases

READMISSION = f"""\
readmission:
{HEAD}  values:
    2024-01-01: {{days: 10, factor_prev: 0.5}}
"""


def stay(setl_id: str, person: str, admitted: str, discharged: str, **changes: str) -> dict[str, str]:
    dates = {"adm_time": admitted, "dscg_time": discharged, "setl_end_date": discharged, "act_ipt_days": "3"}
    return case(setl_id, psn_no=person, **dates, **changes)


STAYS = [
    stay("A1", "P1", "2024-03-01", "2024-03-04"),
    stay("A2", "P1", "2024-03-14", "2024-03-17", fixmedins_code="H2"),  # ten days after A1
    stay("A3", "P1", "2024-03-28", "2024-03-31"),  # eleven days after A2
    stay("B1", "P2", "2024-03-01", "2024-03-04"),
    stay("B2", "P2", "2024-03-06", "2024-03-09", diag_codes="I10.x00x002", medfee_sumamt="5000", hifp_pay="4000"),
]


def readmission(more: str = "") -> dict[str, str]:
    return {"readmission.yaml": READMISSION + more}


def test_the_stay_before_a_readmission_in_the_same_group_is_reduced(tmp_path: Path) -> None:
    """A1 is followed by A2 on the tenth day: 50 points. 50 + 3 × 100 + 50 = 400: 300 yuan a point."""
    run = cleared(tmp_path, readmission(), STAYS)
    assert points(run) == {"A1": "50.0000", "A2": "100.0000", "A3": "100.0000", "B1": "100.0000", "B2": "50.0000"}
    assert fund_parts(run)["A1"] == "15000.00"
    assert classes(run)["A1"] == "normal"


def test_a_readmission_may_count_only_within_one_hospital(tmp_path: Path) -> None:
    run = cleared(tmp_path, readmission("  hospital: same\n"), STAYS)
    assert points(run)["A1"] == "100.0000"


@pytest.mark.parametrize(("same", "first"), [("group", "100.0000"), ("adrg", "50.0000"), ("diagnosis", "100.0000")])
def test_what_must_be_the_same_is_the_policys_choice(same: str, first: str, tmp_path: Path) -> None:
    """C1 is FR25; C2 has left within four days by transfer, FR20: another group, the same ADRG FR2, and other codes."""
    stays = [
        stay("C1", "P3", "2024-03-01", "2024-03-04"),
        stay("C2", "P3", "2024-03-06", "2024-03-09", dscg_way="2", diag_codes="I50.100"),
    ]
    run = cleared(tmp_path, readmission(f"  same: {same}\n"), stays)
    assert set(pl.read_parquet(run.folder / "grouped.parquet")["drg_code"]) == {"FR25", "FR20"}
    assert points(run) == {"C1": first, "C2": "100.0000"}


def test_the_same_diagnosis_counts_across_groups(tmp_path: Path) -> None:
    stays = [
        stay("C1", "P3", "2024-03-01", "2024-03-04"),
        stay("C2", "P3", "2024-03-06", "2024-03-09", dscg_way="2"),
    ]
    assert points(cleared(tmp_path, readmission("  same: diagnosis\n"), stays))["C1"] == "50.0000"


def test_a_stay_settled_last_year_is_not_reduced_by_one_of_this_year(tmp_path: Path) -> None:
    stays = [
        stay("Z1", "P1", "2023-12-20", "2023-12-27"),
        stay("A1", "P1", "2024-01-02", "2024-01-05"),
    ]
    run = cleared(tmp_path, readmission(), stays)
    assert points(run) == {"A1": "100.0000"}


def test_cases_without_the_person_column_are_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match=r"psn_no"):
        cleared(tmp_path, readmission(), STAYS, without=["psn_no"])
    with pytest.raises(CaseFileError, match=r"adm_time"):
        cleared(tmp_path / "b", readmission(), STAYS, without=["adm_time"])


def test_a_row_without_person_or_admission_is_rejected_and_no_file_of_the_run_shows_the_person(tmp_path: Path) -> None:
    rows = [*STAYS, stay("X1", "", "2024-03-01", "2024-03-04"), stay("X2", "P9", "", "2024-03-04")]
    run = cleared(tmp_path, readmission(), rows)
    rejected = pl.read_parquet(run.folder / "rejected.parquet")
    assert dict(rejected.select("setl_id", "code").iter_rows()) == {"X1": "V026", "X2": "V027"}
    for path in run.folder.rglob("*.parquet"):
        table = pl.read_parquet(path)
        assert "psn_no" not in table.columns
        assert "'P1'" not in str(table.to_dicts())


def test_without_readmission_the_person_is_neither_asked_for_nor_carried(tmp_path: Path) -> None:
    run = cleared(tmp_path, {}, STAYS, without=["psn_no"])
    assert "psn_no" not in run.mapped.book.table.column_names
    assert points(run)["A1"] == "100.0000"


def test_a_readmission_key_without_its_days_is_named_at_load(tmp_path: Path) -> None:
    with pytest.raises(PolicyFaults, match=r"readmission.hospital requires readmission.values"):
        area_with(tmp_path / "area", {"readmission.yaml": f"readmission:\n{HEAD}  hospital: same\n"})


# --- flags by condition ------------------------------------------------------------------------------------------


def flagged(*definitions: str, rule: str = "incomplete") -> dict[str, str]:
    rows = "".join(f"      - {definition}\n" for definition in definitions)
    halved = f"        - {{id: half, when: {{flag: {rule}}}, shape: scaled_base, factor: 0.5}}\n"
    return {
        "case_flags.yaml": f"case_flags:\n{HEAD}  values:\n    2024-01-01:\n{rows}",
        "case_classes.yaml": FILES["case_classes.yaml"].replace("        - {id: low,", halved + "        - {id: low,"),
    }


MIXED = [
    case("A1"),
    case("A2", age="70"),
    case("A3", age="70", diag_codes="I50.100"),
    case("A4", oprn_codes="99.2503|54.9800"),
    case("A5", fixmedins_code="H2", med_type="2104"),
    case("A6", dscg_way="4"),
]


@pytest.mark.parametrize(
    ("definitions", "halved"),
    [
        (["{flag: incomplete, when: {age_from: 65, diagnosis: [I50.9]}}"], {"A2"}),
        (["{flag: incomplete, when: {operation: ['54.98', '39.95']}}"], {"A4"}),
        (["{flag: incomplete, when: {med_type: ['2104'], level: ['2']}}"], {"A5"}),
        (["{flag: incomplete, when: {any: [{diagnosis: [I50.1]}, {dscg_way: ['4']}]}}"], {"A3", "A6"}),
        (["{flag: incomplete, when: {not: {age_from: 65}, no_operation: true}}"], {"A1", "A5", "A6"}),
        (["{flag: incomplete, when: {age_from: 65}}", "{flag: incomplete, dscg_way: ['4']}"], {"A2", "A3", "A6"}),
        (["{flag: transferred, when: {age_from: 65}}", "{flag: incomplete, when: {age_from: 71}}"], set()),
    ],
)
def test_a_flag_may_be_defined_by_any_condition_a_scheme_may_have(
    definitions: list[str], halved: set[str], tmp_path: Path
) -> None:
    run = cleared(tmp_path, flagged(*definitions), MIXED)
    expected = {one["setl_id"]: "50.0000" if one["setl_id"] in halved else "100.0000" for one in MIXED}
    assert points(run) == expected


def test_a_condition_holds_from_its_own_day(tmp_path: Path) -> None:
    """The stay of 8 March is judged by the first text, that of 1 July by the second."""
    changes = flagged("{flag: incomplete, when: {age_from: 65}}")
    changes["case_flags.yaml"] += "    2024-07-01:\n      - {flag: incomplete, when: {age_upto: 64}}\n"
    july = {"adm_time": "2024-06-24", "dscg_time": "2024-07-01", "setl_end_date": "2024-07-02"}
    run = cleared(tmp_path, changes, [*MIXED[:2], case("B1", **july), case("B2", age="70", **july)])
    assert points(run) == {"A1": "100.0000", "A2": "50.0000", "B1": "50.0000", "B2": "100.0000"}


def test_columns_a_condition_reads_must_be_in_the_files(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match="med_type"):
        cleared(tmp_path, flagged("{flag: incomplete, when: {med_type: ['2104']}}"), MIXED[:4], without=["med_type"])


def test_a_flag_with_two_ways_of_saying_it_or_a_list_is_named_at_load(tmp_path: Path) -> None:
    for text, words in (
        ("{flag: incomplete, dscg_way: ['4'], when: {age_from: 65}}", "unknown key dscg_way"),
        ("{flag: incomplete, when: {listed: true}}", "unknown key listed"),
        ("{flag: incomplete, when: {age_form: 65}}", "did you mean age_from"),
        ("{flag: incomplete}", "write at least one of dscg_way, ipt_med_type, days_upto, when"),
        ("{flag: special, when: {age_from: 65}}", "special is not accepted"),
    ):
        with pytest.raises(PolicyFaults, match=words):
            area_with(tmp_path / "area", flagged(text))


# --- the quick reading --------------------------------------------------------------------------------------------


def test_facts_are_the_same_from_parquet_and_from_csv(tmp_path: Path) -> None:
    """Parquet rows that are plain take another way through the reader; rejections and facts must not notice."""
    mixed = [{**row, "setl_id": f"M{row['setl_id']}"} for row in MIXED]
    rows = [*STAYS, *mixed, stay("X1", "", "2024-03-01", "2024-03-04")]
    rows = [{"psn_no": f"Q{place}", **{k: v for k, v in row.items() if v}} for place, row in enumerate(rows)]
    rows[-1].pop("psn_no")
    changes = readmission() | flagged("{flag: incomplete, when: {age_from: 65, diagnosis: [I50.9]}}")
    area = area_with(tmp_path / "area", changes)
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.col("adm_time", "dscg_time", "setl_end_date").str.to_date(),
        pl.col("medfee_sumamt", "hifp_pay").cast(pl.Decimal(16, 2)),
        pl.col("age", "act_ipt_days").cast(pl.Int32),
        pl.col("diag_codes", "oprn_codes").str.split("|"),
    )
    frame.write_parquet(tmp_path / "cases.parquet")
    options = RunOptions(shelf=tmp_path / "runs", months="cases")
    one = clear([write_cases(tmp_path / "cases.csv", rows)], area, YEAR, options)
    two = clear([tmp_path / "cases.parquet"], area, YEAR, replace(options, shelf=tmp_path / "again"))
    assert points(one) == points(two)
    assert (points(one)["A1"], classes(one)["MA2"]) == ("50.0000", "half")
    for run in (one, two):
        rejected = pl.read_parquet(run.folder / "rejected.parquet")
        assert rejected.select("setl_id", "code").rows() == [("X1", "V026")]
