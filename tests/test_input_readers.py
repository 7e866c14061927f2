"""The same cases are the same whatever kind of file they come in; a file that cannot be trusted stops the run."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from engine import lang
from engine.cases.demand import Demand
from engine.cases.read import open_cases
from engine.errors import CaseFileError
from tests.input_rows import (
    Row,
    arrow_table,
    check,
    content,
    load,
    many,
    row,
    write_csv,
    write_excel,
    write_parquet,
)
from tests.shared_data import EDITIONS_ROOT, needs_shared


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lang, "_chosen", "en")


FORMS: dict[str, Callable[[Path, Sequence[Row]], Path]] = {
    "csv with mark": lambda folder, rows: write_csv(folder / "a.csv", rows, "utf-8-sig"),
    "csv in GB18030": lambda folder, rows: write_csv(folder / "a.csv", rows, "gb18030", {"setl_id": "结算ID"}),
    "tab separated": lambda folder, rows: write_csv(folder / "a.tsv", rows, sep="\t"),
    "workbook": lambda folder, rows: write_excel(folder / "a.xlsx", rows),
    "parquet lists": lambda folder, rows: write_parquet(folder / "a.parquet", rows),
    "parquet large lists": lambda folder, rows: write_parquet(folder / "a.parquet", rows, "large_list"),
    "parquet joined codes": lambda folder, rows: write_parquet(folder / "a.parquet", rows, "joined"),
    "parquet national nodes": lambda folder, rows: write_parquet(folder / "a.parquet", rows, "struct"),
    "parquet row groups": lambda folder, rows: write_parquet(folder / "a.parquet", rows, row_group_size=7),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_accepted_cases(form: str, tmp_path: Path) -> None:
    rows = many(40)
    plain = content(check(tmp_path, rows).accepted)
    (tmp_path / "form").mkdir()
    loaded = load(FORMS[form](tmp_path / "form", rows))
    assert loaded.read_count == 40 and len(loaded.rejected) == 0
    assert content(loaded.accepted).equals(plain)
    assert loaded.accepted["row"].to_list() == list(range(1, 41))


def test_a_folder_of_mixed_files_is_one_input(tmp_path: Path) -> None:
    rows = many(30)
    folder = tmp_path / "cases" / "03"
    folder.mkdir(parents=True)
    write_csv(folder / "b.csv", rows[:10])
    write_parquet(folder / "a.parquet", rows[10:20])
    write_excel(folder.parent / "c.xlsx", rows[20:])
    (folder / "readme.txt").write_text("no case file")
    (folder / "~$c.xlsx").write_bytes(b"lock")
    loaded = load(folder.parent)
    assert content(loaded.accepted).equals(content(check(tmp_path, rows).accepted))
    assert set(loaded.accepted["file"]) == {"a.parquet", "b.csv", "c.xlsx"}
    assert content(load([folder.parent / "*.xlsx", folder / "*.csv", folder / "a.parquet"]).accepted).equals(
        content(loaded.accepted)
    )


def test_files_of_one_name_are_told_apart_without_machine_folders(tmp_path: Path) -> None:
    for part, rows in (("jan", many(2)), ("feb", [row("X")])):
        (tmp_path / part).mkdir()
        write_csv(tmp_path / part / "cases.csv", rows)
    files = set(load(tmp_path).accepted["file"])
    assert files == {"jan/cases.csv", "feb/cases.csv"}


@pytest.mark.parametrize("batch_rows", [1, 7, 1000])
def test_the_batch_size_changes_nothing(batch_rows: int, tmp_path: Path) -> None:
    rows = [*many(23), row("BAD", age="old")]
    for path in (write_csv(tmp_path / "a.csv", rows), write_parquet(tmp_path / "b.parquet", rows[:23])):
        one, many_batches = load(path), load(path, batch_rows=batch_rows)
        assert one.accepted.equals(many_batches.accepted)
        assert one.rejected.equals(many_batches.rejected)
        assert one.repairs == many_batches.repairs


def test_batches_are_bounded_and_keep_file_and_row(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", many(100))
    frames = list(open_cases([path], Demand("settle", "strict")).iter_batches(batch_rows=30))
    assert max(len(frame) for frame in frames) <= 30
    assert pl.concat(frames)["row"].to_list() == list(range(1, 101))


def test_a_row_with_too_few_or_too_many_cells_is_rejected_by_number_and_the_others_keep_theirs(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", many(6))
    lines = path.read_text().splitlines()
    lines[2] += ",one,more"
    lines.insert(4, "")
    lines[6] = "S9999,too,few"
    path.write_text("\n".join(lines))
    for batch_rows in (1, 2, 100):
        loaded = load(path, batch_rows=batch_rows)
        assert loaded.read_count == 6
        assert loaded.accepted["row"].to_list() == [1, 3, 4, 6], "blank lines are no data rows"
        assert loaded.rejected.select("row", "code").rows() == [(2, "V002"), (5, "V002")]


def test_a_misshapen_last_row_is_not_lost(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", many(3))
    path.write_text(path.read_text() + "S9999,cut o")
    loaded = load(path)
    assert loaded.read_count == 4 and loaded.rejected["row"].to_list() == [4]


def test_a_single_row_without_a_line_end_is_read(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", many(1))
    path.write_text(path.read_text().rstrip())
    assert len(load(path).accepted) == 1


def test_cells_with_line_breaks_and_quotes_are_read(tmp_path: Path) -> None:
    rows = [row(f"S{n}", address='No. 5\n"North" gate, room 3') for n in range(5)]
    assert len(check(tmp_path, rows).accepted) == 5


@pytest.mark.parametrize("quotes", [('"Li', "x"), ('"Li', '"Wang')])
def test_a_quote_never_closed_stops_the_run_before_it_swallows_rows(quotes: tuple[str, str], tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [row(f"S{n}", note="@") for n in range(9)])
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("@", quotes[0])
    lines[7] = lines[7].replace("@", quotes[1])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(CaseFileError, match="quote"):
        load(path)


def _fails(path: Path, *words: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        load(path)
    for word in (path.name, *words):
        assert word in str(caught.value), str(caught.value)


def test_files_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "a.xlsx", "a.parquet"):
        (tmp_path / name).write_bytes(b"")
        _fails(tmp_path / name, "empty")
    with_header = write_csv(tmp_path / "b.csv", many(1))
    with_header.write_text(with_header.read_text().splitlines()[0])
    _fails(with_header, "no rows")
    write_csv(tmp_path / "c.csv", many(1))
    (tmp_path / "c.csv").write_text((tmp_path / "c.csv").read_text().splitlines()[0] + "\n")
    _fails(tmp_path / "c.csv", "no rows")
    pq.write_table(arrow_table(many(1)).slice(0, 0), tmp_path / "d.parquet")
    _fails(tmp_path / "d.parquet", "no rows")
    _fails(write_excel(tmp_path / "e.xlsx", many(1)[:1]).parent / "nowhere.csv", "no such file")


def test_one_empty_file_among_others_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_csv(tmp_path / "in" / "a.csv", many(3))
    pq.write_table(arrow_table(many(1)).slice(0, 0), tmp_path / "in" / "b.parquet")
    with pytest.raises(CaseFileError, match=r"b\.parquet"):
        load(tmp_path / "in")


def test_a_truncated_or_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    whole = write_parquet(tmp_path / "a.parquet", many(2000)).read_bytes()
    for name, content_ in (("cut", whole[: len(whole) // 2]), ("text", b"not parquet at all")):
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(content_)
        _fails(path, "Parquet", "again")
    middle = tmp_path / "hole.parquet"
    middle.write_bytes(whole[:200] + b"\xff" * 3000 + whole[3200:])
    _fails(middle, "Parquet", "again")


def test_a_workbook_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("setl_id,age\n1,2\n")
    _fails(tmp_path / "a.xlsx", "Excel", "Save it again")


@pytest.mark.parametrize("suffix", [".xls", ".json", ""])
def test_kinds_of_file_nobody_reads_are_refused_with_what_is_read(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"a{suffix}").write_text("x")
    _fails(tmp_path / f"a{suffix}", ".parquet, .csv, .tsv, .xlsx")


def test_text_in_no_known_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", many(3))
    path.write_bytes(path.read_bytes() + b"\xff\xff\xff\n")
    _fails(path, "UTF-8 (line 5)", "GB18030 (line 5)")
    path.write_text("x", "utf-16")
    _fails(path, "UTF-16")


def test_gb18030_is_said(tmp_path: Path) -> None:
    notes = load(write_csv(tmp_path / "a.csv", [row(memo="阑尾炎")], "gb18030")).notes
    assert any("GB18030" in note.en and "GB18030" in note.zh for note in notes)


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("medfee_sumamt", pa.array([12345.67]), ("medfee_sumamt", "double", "decimal(16,2)", "float")),
        ("hifp_pay", pa.array([1.0], pa.float32()), ("hifp_pay", "float", "decimal(16,2)")),
        ("age", pa.array([[45]]), ("age", "list", "an integer")),
        ("diag_codes", pa.array([5]), ("diag_codes", "int64", "list of text")),
        ("diag_codes", pa.array([[1.5]]), ("diag_codes", "list")),
        ("setl_end_date", pa.array([[1]]), ("setl_end_date", "date")),
        ("setl_id", pa.array([["S1"]]), ("setl_id", "text")),
        ("setl_id", pa.array([b"S1"]), ("setl_id", "binary")),
    ],
)
def test_a_column_type_that_cannot_hold_its_meaning_stops_the_run(
    column: str, cells: pa.Array, words: tuple[str, ...], tmp_path: Path
) -> None:
    table = arrow_table(many(1))
    table = table.set_column(table.schema.get_field_index(column), column, cells)
    pq.write_table(table, tmp_path / "a.parquet")
    _fails(tmp_path / "a.parquet", *words)


def test_grouping_reads_no_money_so_a_float_amount_cannot_stop_it(tmp_path: Path) -> None:
    table = arrow_table(many(1)).drop_columns(["medfee_sumamt"]).append_column("medfee_sumamt", pa.array([1.5]))
    pq.write_table(table, tmp_path / "a.parquet")
    assert load(tmp_path / "a.parquet", "group").accepted["medfee_sumamt_fen"].to_list() == [None]


def test_whole_floats_of_programs_without_missing_integers_are_read(tmp_path: Path) -> None:
    table = arrow_table(many(2))
    table = table.set_column(table.schema.get_field_index("age"), "age", pa.array([45.0, 60.0]))
    weight = table.schema.get_field_index("nwb_bir_wt")
    table = table.set_column(weight, "nwb_bir_wt", pa.array([math.nan, None]))
    table = table.set_column(table.schema.get_field_index("gend"), "gend", pa.array([1, 2], pa.int64()))
    table = table.set_column(table.schema.get_field_index("insutype"), "insutype", pa.array([310.0, 390.0]))
    coded = table["dscg_way"].combine_chunks().dictionary_encode()
    table = table.set_column(table.schema.get_field_index("dscg_way"), "dscg_way", coded)
    pq.write_table(table, tmp_path / "a.parquet")
    accepted = load(tmp_path / "a.parquet").accepted
    assert accepted["age"].to_list() == [45, 60] and accepted["nwb_bir_wt"].to_list() == [None, None]
    assert accepted["insutype"].to_list() == ["310", "390"] and accepted["dscg_way"].to_list() == ["1", "1"]


def test_the_same_file_named_twice_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", many(1))
    with pytest.raises(CaseFileError, match="named twice"):
        load([path, tmp_path / "*.csv"])


def test_an_id_that_excel_has_already_cut_is_refused(tmp_path: Path) -> None:
    def book(name: str, as_text: bool) -> Path:
        with xlsxwriter.Workbook(str(tmp_path / name)) as workbook:
            sheet = workbook.add_worksheet()
            for place, (column, cell) in enumerate(row("123456789012345678").items()):
                sheet.write_string(0, place, column)
                if column == "setl_id" and not as_text:
                    sheet.write_number(1, place, 123456789012345678)
                elif cell is not None:
                    sheet.write_string(1, place, cell)
        return tmp_path / name

    assert load(book("text.xlsx", True)).accepted["setl_id"].to_list() == ["123456789012345678"]
    _fails(book("number.xlsx", False), "setl_id", "15 digits")


def test_blank_rows_left_by_formatting_are_no_cases_and_other_sheets_are_said(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        sheet = book.add_worksheet("病例")
        book.add_worksheet("说明")
        for place, (column, cell) in enumerate(row("S1").items()):
            sheet.write_string(0, place, column)
            if cell is not None:
                sheet.write_string(1, place, cell)
                sheet.write_string(4, place, "S2" if column == "setl_id" else cell)
            sheet.write_blank(7, place, None, book.add_format({"bold": True}))
    loaded = load(tmp_path / "a.xlsx")
    assert loaded.accepted.select("setl_id", "row").rows() == [("S1", 1), ("S2", 4)]
    assert any("说明" in note.en for note in loaded.notes)


@needs_shared
@pytest.mark.parametrize("name", ["chs_drg_11/oracle", "chs_drg_11/oracle_mapped", "fuzhou_2022/oracle"])
def test_the_published_answer_files_are_read_without_a_rejection(name: str) -> None:
    path = EDITIONS_ROOT / f"{name}.parquet"
    loaded = load(path, "group", "compatible")
    answers = pl.read_parquet(path)
    assert len(loaded.rejected) == 0 and loaded.read_count == len(answers)
    assert loaded.accepted["setl_id"].to_list() == answers["rec_id"].cast(pl.String).to_list()
    for ours, theirs in (("gend", "gender"), ("age", "age_years"), ("nwb_age", "age_days"), ("icu_hours", "icu_hours")):
        assert loaded.accepted[ours].equals(answers[theirs].cast(pl.Int32)), ours
    codes = answers["dx_codes"].to_list()
    assert loaded.accepted["diag_codes"].to_list() == [some or [""] for some in codes], "codes stay letter for letter"
    assert loaded.accepted["oprn_codes"].to_list() == answers["proc_codes"].to_list()
    assert any(code != code.upper() for some in codes for code in some if "x" not in code), "the file has such codes"
