"""National nodes, durations and wide columns are gathered with the principal code first."""

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from engine import lang
from engine.cases.demand import Demand
from engine.cases.load import LoadedCases, load_cases
from grouper.tables import STANDARD_NUMERIC, NumericField
from tests.input_rows import arrow_table, many, row, write_csv


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lang, "_chosen", "en")


def _nodes(tmp_path: Path, profile: str = "compatible", **nodes: list[list[dict[str, Any]] | None]) -> LoadedCases:
    count = len(next(iter(nodes.values())))
    table = arrow_table(many(count)).drop_columns(
        [name for name, node in (("diag_codes", "diseinfo"), ("oprn_codes", "oprninfo")) if node in nodes]
    )
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    frame = frame.with_columns(pl.Series(name, cells) for name, cells in nodes.items())
    pq.write_table(frame.to_arrow(), tmp_path / "a.parquet")
    demand = Demand("group", "strict" if profile == "strict" else "compatible")
    return load_cases([tmp_path / "a.parquet"], demand)


def _dx(code: str | None, **fields: Any) -> dict[str, Any]:
    return {"diag_code": code, "maindiag_flag": None, "diag_type": None, "diag_srt_no": None, **fields}


@pytest.mark.parametrize(
    ("elements", "codes"),
    [
        ([_dx("A"), _dx("B")], ["A", "B"]),
        ([_dx("A", maindiag_flag="0"), _dx("B", maindiag_flag="1"), _dx("C", maindiag_flag="0")], ["B", "A", "C"]),
        ([_dx("A", diag_srt_no=3), _dx("B", diag_srt_no=1), _dx("C", diag_srt_no=2)], ["B", "C", "A"]),
        ([_dx("A", diag_type="2"), _dx("B", diag_type="1"), _dx("C", diag_type="3")], ["B"]),
        ([_dx("A", maindiag_flag="0"), _dx("B", maindiag_flag="0")], ["", "A", "B"]),
        ([_dx(None, maindiag_flag="1"), _dx("B", maindiag_flag="0")], ["", "B"]),
        ([_dx("A", maindiag_flag=" 1 "), _dx(None), _dx("")], ["A"]),
        ([], [""]),
        (None, [""]),
    ],
)
def test_the_marked_diagnosis_comes_first_and_chinese_medicine_takes_no_part(
    elements: list[dict[str, Any]] | None, codes: list[str], tmp_path: Path
) -> None:
    # The second case keeps the column's type when the first is empty.
    loaded = _nodes(tmp_path, diseinfo=[elements, [_dx("Z", maindiag_flag="1", diag_type="1", diag_srt_no=1)]])
    assert loaded.accepted["diag_codes"].to_list() == [codes, ["Z"]]


def test_the_main_operation_is_the_one_of_type_1_and_none_may_be(tmp_path: Path) -> None:
    def op(code: str, kind: str) -> dict[str, str]:
        return {"oprn_oprt_code": code, "oprn_oprt_type": kind}

    loaded = _nodes(tmp_path, oprninfo=[[op("2", "2"), op("1", "1")], [op("2", "2"), op("3", "2")], [], None])
    assert loaded.accepted["oprn_codes"].to_list() == [["1", "2"], ["", "2", "3"], [], []]


def test_the_read_back_mark_of_procedures_is_known(tmp_path: Path) -> None:
    elements = [{"oprn_oprt_code": code, "main_oprn_flag": flag} for code, flag in (("2", 0), ("1", 1))]
    assert _nodes(tmp_path, oprninfo=[elements]).accepted["oprn_codes"].to_list() == [["1", "2"]]


@pytest.mark.parametrize("profile", ["compatible", "strict"])
def test_two_marked_principals_are_rejected_rather_than_one_chosen(profile: str, tmp_path: Path) -> None:
    twice = [_dx("A00.000", maindiag_flag="1"), _dx("B00.000", maindiag_flag="1")]
    once = [_dx("A00.000", maindiag_flag="1"), _dx("B00.000", maindiag_flag="0")]
    loaded = _nodes(tmp_path, profile, diseinfo=[twice, once])
    assert loaded.rejected.select("row", "code").rows() == [(1, "V022")]
    assert "2 diagnoses" in loaded.rejected["reason_en"][0]


def test_a_joined_text_keeps_a_blank_principal_slot_and_drops_other_blanks(tmp_path: Path) -> None:
    rows = [row("1", diag_codes="|I10.x00"), row("2", diag_codes="I10.x00||E11.900|"), row("3", diag_codes="|")]
    rows += [row("4", oprn_codes="|47.0100"), row("5", oprn_codes=None)]
    accepted = load_cases([write_csv(tmp_path / "a.csv", rows)], Demand("group", "compatible")).accepted
    assert accepted["diag_codes"].to_list()[:3] == [["", "I10.x00"], ["I10.x00", "E11.900"], [""]]
    assert accepted["oprn_codes"].to_list()[3:] == [["", "47.0100"], []]


VENT = NumericField("vent_hours", "h", "vent_used_h")


def _hours(tmp_path: Path, cells: list[dict[str, str | None]]) -> LoadedCases:
    rows = [{**row(f"S{n}"), **some} for n, some in enumerate(cells)]
    path = write_csv(tmp_path / "a.csv", rows)
    return load_cases([path], Demand("group", "compatible", (*STANDARD_NUMERIC, VENT)))


def test_a_duration_of_days_hours_and_minutes_is_completed_hours(tmp_path: Path) -> None:
    texts = ["1/13/24", "0/0/59", "4/0/0", "96", "96.5", None]
    loaded = _hours(tmp_path, [{"vent_used_dura": text} for text in texts])
    assert loaded.accepted["vent_used_h"].to_list() == [37, 0, 96, 96, 96, None]


def test_a_duration_in_three_columns_is_the_same(tmp_path: Path) -> None:
    names = ("vent_used_days", "vent_used_h_cnt", "vent_used_m_cnt")
    cells = [("1", "13", "24"), (None, "5", None), (None, None, None)]
    loaded = _hours(tmp_path, [dict(zip(names, some, strict=True)) for some in cells])
    assert loaded.accepted["vent_used_h"].to_list() == [37, 5, None]


def test_a_duration_nobody_can_read_rejects_the_row(tmp_path: Path) -> None:
    loaded = _hours(tmp_path, [{"vent_used_dura": "1/13"}, {"vent_used_dura": "two days"}])
    assert loaded.rejected["code"].to_list() == ["V005", "V005"]
    assert loaded.rejected["field"].to_list() == ["vent_used_h", "vent_used_h"]


def test_intensive_care_hours_are_the_sum_over_all_wards(tmp_path: Path) -> None:
    wards = [[{"scs_cutd_sum_dura": "1/2/40"}, {"scs_cutd_sum_dura": "0/1/30"}], [], None]
    loaded = _nodes(tmp_path, icuinfo=wards)
    assert loaded.accepted["icu_hours"].to_list() == [(1 * 24 * 60 + 2 * 60 + 40 + 60 + 30) // 60, None, None]


def test_columns_in_which_no_case_has_an_element_have_no_type_and_are_empty(tmp_path: Path) -> None:
    loaded = _nodes(tmp_path, oprninfo=[None, None], icuinfo=[[], []])
    assert loaded.accepted["oprn_codes"].to_list() == [[], []]
    assert loaded.accepted["icu_hours"].to_list() == [None, None]
