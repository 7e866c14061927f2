"""What a cell says, in the forms people and programs write it."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cases.codes import TOO_LONG, CodeMender
from engine.cases.one_cell import repaired_code
from engine.cases.repair import Repair, Repairs, code_repairs
from engine.cases.sex import FEMALE, MALE, sex_of
from engine.cases.typed import read_date, read_int, read_text
from engine.packs.load import load_pack
from tests.shared_data import EDITIONS_ROOT, needs_shared

FIRST = dt.date(2024, 3, 1)


@pytest.mark.parametrize(
    "text",
    [
        *("2024-03-01", "20240301", "2024/3/1", "2024-3-1", "2024.03.01", "2024年3月1日", "２０２４-０３-０１"),
        *("2024-03-01 10:20:00", "2024-03-01T10:20:00.123", "2024/3/1 9:05", "20240301102000", " 2024-03-01 "),
        *("45352", "45352.75"),
    ],
)
def test_a_day_in_every_usual_form(text: str) -> None:
    # 45352 = days from 1899-12-30 to 2024-03-01, the spreadsheet's count.
    assert (FIRST - dt.date(1899, 12, 30)).days == 45352
    assert read_date(pl.Series([text, None]), Repairs()).values.to_list() == [FIRST, None]


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "2024-13-01", "3/1/2024", "2024-03-01abc", "1024-01-01", "2024", "12345", "99999", "yesterday"],
)
def test_what_is_no_day_is_unreadable(text: str) -> None:
    read = read_date(pl.Series([text]), Repairs())
    assert read.values.to_list() == [None]
    assert read.unreadable is not None and read.unreadable.to_list() == [True]


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d"]))
def test_any_day_written_down_is_read_again(day: dt.date, form: str) -> None:
    assert read_date(pl.Series([day.strftime(form)]), Repairs()).values.to_list() == [day]


def test_a_time_with_a_zone_is_read_as_the_day_in_china() -> None:
    late = pl.Series([dt.datetime(2024, 2, 29, 20, 0)]).dt.replace_time_zone("UTC")
    assert read_date(late, Repairs()).values.to_list() == [FIRST]


@pytest.mark.parametrize(
    ("cell", "whole", "number"),
    [
        ("45", True, 45),
        ("45.0", True, 45),
        ("４５", True, 45),
        (" 45 ", True, 45),
        ("45.9", False, 45),
        ("-0.5", False, -1),
        ("NULL", True, None),
        ("", True, None),
    ],
)
def test_numbers_as_text(cell: str, whole: bool, number: int | None) -> None:
    read = read_int(pl.Series([cell]), Repairs(), whole)
    assert read.values.to_list() == [number] and read.unreadable is None


@pytest.mark.parametrize("cell", ["45.5", "forty", "4 5", "1e3", "3000000000", "-2147483648", "12-03", "1/2"])
def test_what_is_no_whole_number_is_unreadable(cell: str) -> None:
    read = read_int(pl.Series([cell]), Repairs(), whole=True)
    assert read.values.to_list() == [None]
    assert read.unreadable is not None and read.unreadable.to_list() == [True]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([2, None], dtype=pl.Int8),
        pl.Series([2.0, float("nan")]),
        pl.Series([Decimal("2.0"), None], dtype=pl.Decimal(4, 1)),
        pl.Series(["2.0", None]),
        pl.Series(["2", None], dtype=pl.Categorical),
    ],
)
def test_a_number_is_the_same_in_every_type(values: pl.Series) -> None:
    assert read_int(values, Repairs(), whole=True).values.to_list() == [2, None]
    assert read_text(values, Repairs()).values.to_list() == ["2", None]


def test_text_is_trimmed_folded_and_counted() -> None:
    repairs = Repairs()
    read = read_text(pl.Series([" a ", "ｂ１", "310.0", "NULL", None, "c"]), repairs)
    assert read.values.to_list() == ["a", "b1", "310", None, None, "c"]
    assert repairs == {Repair.BLANKS: 1, Repair.FULL_WIDTH: 1, Repair.DECIMAL_ENDING: 1}


def test_a_fraction_where_a_code_belongs_is_unreadable() -> None:
    read = read_text(pl.Series([1.5, 2.0]), Repairs())
    assert read.values.to_list() == [None, "2"]
    assert read.unreadable is not None and read.unreadable.to_list() == [True, False]


@pytest.mark.parametrize(
    ("code", "mended"),
    [
        ("e11.501+i79.2*", "E11.501+I79.2*"),
        ("q55.606", "Q55.606"),
        ("A00.000X001", "A00.000x001"),
        ("I10.X00", "I10.x00"),
        ("I10.X00X002", "I10.x00x002"),
        ("86.700X0013", "86.700x0013"),
        (" K35.800 ", "K35.800"),
        ("K35. 800", "K35.800"),
        ("Ｋ３５．８００", "K35.800"),
        ("17.912a0", "17.912A0"),
        ("m81600/3", "M81600/3"),
        ("x44.x00", "X44.x00"),
    ],
)
def test_a_code_is_mended_to_the_form_of_the_tables(code: str, mended: str) -> None:
    assert repaired_code(code) == mended
    assert code_repairs(code) and not code_repairs(mended)


@pytest.mark.parametrize("code", ["51.2300", "51.2300x001", "A33.x00", "01.6x00", "A01.001+K77.0*", "17.912A0"])
def test_a_code_in_the_form_of_the_tables_is_left_alone(code: str) -> None:
    assert repaired_code(code) == code


@needs_shared
def test_no_code_of_a_published_code_table_would_be_changed() -> None:
    # A repair that changed a listed code would send its cases to another group.
    tables = load_pack(EDITIONS_ROOT / "chs_drg_11").tables
    changed = {code for code in (*tables.dx_known, *tables.op_known) if repaired_code(code) != code}
    assert len(tables.dx_known) == 33_304
    assert changed == set()


def test_lists_are_mended_code_by_code_and_counted() -> None:
    lists = pl.Series([["a00.000", "B00.000"], None, [], ["A00.000", None, "", "b00.000 "], [None, "A00.000"]])
    repairs = Repairs()
    mended, flags = CodeMender(20, strict=True, sexed=True).read(lists, repairs)
    assert mended.to_list() == [["A00.000", "B00.000"], [], [], ["A00.000", "B00.000"], ["", "A00.000"]]
    assert flags.to_list() == [0] * 5
    assert repairs == {Repair.LETTER_CASE: 2, Repair.BLANKS: 1, Repair.EMPTY_CODE: 2}


def test_the_compatible_profile_leaves_codes_letter_for_letter() -> None:
    lists = pl.Series([["a00.000", " B00.000"], None, [None, "x"], ["k", ""]])
    repairs = Repairs()
    kept, _ = CodeMender(20, strict=False).read(lists, repairs)
    assert kept.to_list() == [["a00.000", " B00.000"], [], ["", "x"], ["k"]]


codes = st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "B", "ZZ", "o80", "c61", "x" * 21])), max_size=4)


@given(st.lists(st.one_of(st.none(), codes), max_size=12), st.booleans(), st.integers(0, 3))
def test_lists_agree_with_a_plain_walk(lists: list[list[str | None] | None], strict: bool, cut: int) -> None:
    series = pl.Series(lists, dtype=pl.List(pl.String)).slice(min(cut, len(lists)))
    mended, flags = CodeMender(20, strict, sexed=True).read(series, Repairs())
    for raw, found, flag in zip(lists[cut:], mended.to_list(), flags.to_list(), strict=True):
        slots = [repaired_code(code) if strict else code for code in ((code or "") for code in raw or [])]
        expected = slots[:1] + [code for code in slots[1:] if code]
        assert found == (expected if any(slots) else [])
        marks = [sex_of(code) | (TOO_LONG if len(code) > 20 else 0) for code in slots] if strict else []
        assert flag == (0 if not marks else max(marks) if len(set(marks)) == 1 else _joined(marks))


def _joined(marks: list[int]) -> int:
    found = 0
    for mark in marks:
        found |= mark
    return found


@pytest.mark.parametrize(
    ("code", "sex"),
    [
        *(("O00.000", FEMALE), ("O80.000", FEMALE), ("O99.900", FEMALE), ("C50.900", 0), ("C51.000", FEMALE)),
        *(("C58.x00", FEMALE), ("C59", 0), ("C60.900", MALE), ("C61.x00", MALE), ("C63.900", MALE), ("C64.x00", 0)),
        *(("N39.000", 0), ("N40.x00", MALE), ("N51.000", MALE), ("N60.000", 0), ("N70.000", FEMALE)),
        *(("N98.900", FEMALE), ("N99.000", 0), ("N99.200", FEMALE), ("D07.300", FEMALE), ("D07.400", MALE)),
        *(
            ("Z38.000", 0),
            ("P01.000", 0),
            ("I10.x00", 0),
            ("", 0),
            ("O", 0),
            ("O80.001+I10.x00*", FEMALE),
            ("A18.109+N51.0*", MALE),
        ),
    ],
)
def test_the_sex_a_diagnosis_belongs_to(code: str, sex: int) -> None:
    assert sex_of(code) == sex


@needs_shared
def test_no_code_is_given_a_sex_that_the_published_rules_contradict() -> None:
    """MDCM takes men only and MDCN women only; their gates are an independent witness."""
    tables = load_pack(EDITIONS_ROOT / "chs_drg_11").tables
    gate = {node.code: node.node_id for node in tables.nodes if node.level == "MDC"}
    for mdc, sex, other in (("MDCM", MALE, FEMALE), ("MDCN", FEMALE, MALE)):
        atoms = [atom for atom in tables.atoms if atom.node_id == gate.get(mdc, gate.get(mdc[3:]))]
        listed = [atom.list_id for atom in atoms if atom.var == "dx_main" and atom.list_id is not None]
        found = [sex_of(code) for list_id in listed for code in tables.lists[list_id].codes]
        assert found and other not in found, mdc
        # The rest names an organ only in its last digits (C79.819, S30.205), which no range of categories can tell.
        assert found.count(sex) > 0.8 * len(found), f"{mdc}: {found.count(sex)} of {len(found)}"
