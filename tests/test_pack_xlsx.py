"""A published workbook becomes a pack, cell by cell as a person reads it, and every row is placed or told."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import fastexcel
import pytest

from engine.errors import PackError as AnyPackError
from engine.packs.errors import PackError
from engine.packs.xlsx_cells import TEXT
from engine.packs.xlsx_file import read_book
from engine.packs.xlsx_import import import_workbook, read_workbook, write_pack
from engine.packs.xlsx_report import report_lines
from tests.xlsx_books import GROUPS, HEADER, MESSY, draft_of, edit_part, messy_book, write_book, write_mapping


def rows_of(pack: Path, stem: str) -> list[dict[str, str]]:
    with (pack / f"{stem}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def refused(tmp_path: Path, rows: list[list[Any]], mapping: str, **sheets: list[list[Any]]) -> str:
    book = write_book(tmp_path / "b.xlsx", {"核心病种": rows, **sheets})
    with pytest.raises(PackError) as error:
        import_workbook(book, write_mapping(tmp_path, mapping), tmp_path / "pack")
    assert isinstance(error.value, AnyPackError) and error.value.exit_code == 4
    assert not (tmp_path / "pack").exists(), "a pack that does not load must not stay behind"
    return str(error.value)


# The messy workbook


def test_a_messy_workbook_reads_as_a_person_reads_it(tmp_path: Path) -> None:
    done = import_workbook(messy_book(tmp_path / "b.xlsx"), write_mapping(tmp_path, MESSY), tmp_path / "pack")
    names = ("code", "name", "dx_expr", "main_op_expr", "op_type", "score", "ref_cost", "is_basic")
    assert [tuple(row[name] for name in names) for row in rows_of(tmp_path / "pack", "group")] == [
        ("K35.8-1", "急性阑尾炎", "K35.8", "47.0100/47.0901", "手术", "430.11", "12345.6", "1"),
        ("K35.8-2", "阑尾炎（其他）", "K35.8", "47.0100/47.0901", "治疗性操作", "4731.21", "0.3", "1"),
        ("K35.8-3", "保守", "K35.8", "", "", "12", "0.85", "0"),
        ("I10.x-1", "高血压", "I10.x", "", "", "1234.5", "99.5", "0"),
    ]
    assert [row["factor"] for row in rows_of(tmp_path / "pack", "aux")] == ["1.05", "1.05"]
    assert done.pack.path == tmp_path / "pack"
    assert [group.base_points_e4 for group in done.pack.tables.groups] == [4_301_100, 47_312_100, 120_000, 12_345_000]


def test_every_row_of_the_messy_workbook_is_placed_or_told(tmp_path: Path) -> None:
    report = read_workbook(messy_book(tmp_path / "b.xlsx"), write_mapping(tmp_path, MESSY)).report
    assert (report.rows, report.rows_placed, report.rows_reported) == (2 + 13 + 3, 4 + 2, 2 + 9 + 1)
    assert report.faults == []
    told = {(row.sheet, row.row): row.kind for row in report.reported}
    assert told == {
        **{("说明", row): "sheet.unused" for row in (1, 2)},
        **{("核心病种", row): "row.above" for row in (1, 2)},
        **{("核心病种", row): "row.header" for row in (3, 4, 9, 10)},
        ("核心病种", 5): "row.title",
        ("核心病种", 12): "row.left_out",
        ("核心病种", 13): "row.left_out",
        (" 辅助", 1): "row.header",
    }


def test_unused_sheets_and_columns_are_named_with_what_they_hold(tmp_path: Path) -> None:
    report = read_workbook(messy_book(tmp_path / "b.xlsx"), write_mapping(tmp_path, MESSY)).report
    assert [(one.sheet, one.header, one.filled, one.known) for one in report.unused] == [
        ("说明", "", 2, True),
        ("核心病种", "备注", 3, True),
        (" 辅助", "三级", 1, False),
    ]


def test_every_repair_is_counted_with_its_place(tmp_path: Path) -> None:
    report = read_workbook(messy_book(tmp_path / "b.xlsx"), write_mapping(tmp_path, MESSY)).report
    at = {(cell.kind, cell.row, cell.header) for cell in report.repaired if cell.sheet == "核心病种"}
    for expected in (
        ("full_width", 6, "诊断编码"),
        ("line_break", 6, "病种 名称"),
        ("line_break", 6, "操作编码"),
        ("merged", 7, "诊断编码"),
        ("merged", 8, "诊断编码"),
        ("separator", 7, "操作编码"),
        ("binary_tail", 7, "标准/分值"),
        ("money_sign", 6, "标准/均费"),
        ("text_number", 11, "标准/分值"),
        ("percent", 8, "标准/均费"),
        ("empty_word", 8, "操作编码"),
        ("letter_case", 11, "诊断编码"),
        ("word", 7, "操作类型"),
    ):
        assert expected in at, expected
    fixed = next(cell for cell in report.repaired if cell.kind == "binary_tail")
    assert (fixed.before, fixed.after) == ("4731.210000000001", "4731.21")


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", ("放入", "报告", "未使用的列")), ("en", ("placed", "reported", "column not used"))]
)
def test_the_report_speaks_both_languages(tmp_path: Path, lang: str, words: tuple[str, ...]) -> None:
    report = read_workbook(messy_book(tmp_path / "b.xlsx"), write_mapping(tmp_path, MESSY)).report
    text = "\n".join(report_lines(report, lang))
    assert all(word in text for word in words), text
    assert "18" in text.splitlines()[0] and "6" in text.splitlines()[0] and "12" in text.splitlines()[0]


def test_another_reader_finds_the_same_texts_and_numbers(tmp_path: Path) -> None:
    path = messy_book(tmp_path / "b.xlsx")
    other = fastexcel.read_excel(path)
    for sheet in read_book(path):
        table = other.load_sheet(sheet.name, header_row=None, skip_rows=0, dtypes="string").to_arrow()
        first = min(column for cells in sheet.rows.values() for column in cells)
        for row, cells in sheet.rows.items():
            for column, cell in cells.items():
                said = table.column(column - first)[row - 1].as_py()
                same = said == cell.text if cell.kind == TEXT else abs(float(said) - float(cell.text)) < 1e-9
                assert same, (sheet.name, row, column, said, cell)


# Rows and words


def test_a_value_no_closed_list_knows_is_told_once_with_all_its_rows(tmp_path: Path) -> None:
    rows = [["编码", "诊断", "类型"], ["G1", "K35.8", "外科"], ["G2", "K36", "手术"], ["G3", "K37", "外科"]]
    draft = draft_of(tmp_path, rows, HEADER + GROUPS + '"类型" = "op_type"\n')
    assert {(one.column, one.word): rows for one, rows in draft.report.unknown.items()} == {("op_type", "外科"): [2, 4]}
    assert "相关手术" in draft.report.faults[0].zh and draft.report.rows == 4 == 1 + 1 + 2
    assert (draft.report.rows_placed, draft.report.rows_reported) == (1, 3)


def test_rows_with_faults_stop_the_import_unless_they_may_be_left_out(tmp_path: Path) -> None:
    book = write_book(tmp_path / "b.xlsx", {"核心病种": [["编码", "诊断"], ["G1", "K35.8"], ["G2", None]]})
    mapping = write_mapping(tmp_path, HEADER + GROUPS)
    draft = read_workbook(book, mapping)
    with pytest.raises(PackError, match=r"b\.xlsx 核心病种!B3: \[数据行无法放入\].*dx_expr"):
        write_pack(draft, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()
    assert [group.code for group in write_pack(draft, tmp_path / "pack", partial=True).tables.groups] == ["G1"]


def test_all_faults_of_a_row_are_told_at_once(tmp_path: Path) -> None:
    rows = [["编码", "诊断", "分值"], [None, "K35.8、K36", "约1"]]
    draft = draft_of(tmp_path, rows, HEADER + GROUPS + '"分值" = "score"\n')
    assert sorted(row.kind for row in draft.report.faults) == ["cell.missing", "cell.number", "cell.separator"]
    assert draft.report.rows_reported == 2


def test_an_empty_cell_takes_the_value_above_only_where_the_mapping_says_so(tmp_path: Path) -> None:
    rows = [["编码", "诊断", "操作"], ["G1", "K35.8", "47.01"], ["G2", None, None]]
    told = draft_of(tmp_path, rows, HEADER + GROUPS + '"操作" = "main_op_expr"\n')
    assert [row.kind for row in told.report.faults] == ["cell.missing"]
    filled = GROUPS.replace("[sheet.columns]", 'fill_down = "诊断"\n[sheet.columns]')
    draft = draft_of(tmp_path, rows, HEADER + filled + '"操作" = "main_op_expr"\n')
    assert [(row["dx_expr"], row["main_op_expr"]) for row in draft.tables["group"].rows] == [
        ("K35.8", "47.01"),
        ("K35.8", ""),
    ]


def test_a_merge_across_columns_is_told_not_guessed(tmp_path: Path) -> None:
    rows = [["编码", "诊断", "操作", "相关"], ["G1", "K35.8", "47.01", None]]
    book = write_book(tmp_path / "b.xlsx", {"核心病种": rows}, [("核心病种", "C2:D2")])
    more = '"操作" = "main_op_expr"\n"相关" = "related_op_expr"\n'
    report = read_workbook(book, write_mapping(tmp_path, HEADER + GROUPS + more)).report
    assert [(row.kind, row.cell) for row in report.faults] == [("cell.merged", "核心病种!D2")]


def test_columns_are_joined_by_a_pattern_and_numbered(tmp_path: Path) -> None:
    sheet = """
[[sheet]]
name = "核心病种"
table = "group"
header_row = 1
constants = { layer = "核心" }
joined = { code = "JC-{序号}", name = "{诊断} {操作}", row_order = "{#}" }
columns = { "诊断" = "dx_expr", "操作" = "main_op_expr" }
"""
    draft = draft_of(tmp_path, [["序号", "诊断", "操作"], [7, "K35.8", "47.0100"], [8, "K36", None]], HEADER + sheet)
    assert [(row["code"], row["name"], row["row_order"]) for row in draft.tables["group"].rows] == [
        ("JC-7", "K35.8 47.0100", "1"),
        ("JC-8", "K36", "2"),
    ]


def test_one_sheet_may_feed_several_tables_and_a_row_is_placed_if_one_takes_it(tmp_path: Path) -> None:
    factors = """
[[sheet]]
name = "核心病种"
table = "hospital_group_factor"
header_row = 1
constants = { level = "三级" }
columns = { "编码" = "group_code", "三级" = "factor" }
"""
    draft = draft_of(
        tmp_path, [["编码", "诊断", "三级"], ["G1", "K35.8", 1.1], ["G2", "K36", None]], HEADER + GROUPS + factors
    )
    assert len(draft.tables["group"].rows) == 2 and len(draft.tables["hospital_group_factor"].rows) == 1
    assert (draft.report.rows_placed, draft.report.rows_reported) == (2, 1)
    assert [(row.kind, row.row) for row in draft.report.faults] == [("cell.missing", 3)], (
        "the refusal stays in the report"
    )


def test_rows_with_an_empty_cell_are_left_out_where_the_mapping_says_so(tmp_path: Path) -> None:
    rules = 'skip = { "分值" = [""] }\n'
    rows = [["编码", "诊断", "分值"], ["G1", "K35.8", 1], ["G2", "K36", None]]
    mapping = HEADER + GROUPS.replace("[sheet.columns]", rules + "[sheet.columns]") + '"分值" = "score"\n'
    draft = draft_of(tmp_path, rows, mapping)
    assert [row["code"] for row in draft.tables["group"].rows] == ["G1"]
    assert [(row.kind, row.row) for row in draft.report.reported] == [("row.header", 1), ("row.left_out", 3)]


def test_two_tables_below_each_other_on_one_sheet_are_told_row_by_row_once(tmp_path: Path) -> None:
    upper = GROUPS.replace("header_row = 1", "header_row = 1\nlast_row = 2")
    lower = GROUPS.replace("header_row = 1", "header_row = 4")
    rows = [["编码", "诊断"], ["G1", "K35.8"], ["（续）"], ["编码", "诊断"], ["G2", "K36"]]
    report = draft_of(tmp_path, rows, HEADER + upper + lower).report
    assert (report.rows, report.rows_placed, report.faults) == (5, 2, [])
    assert [(row.row, row.kind) for row in report.reported] == [(1, "row.header"), (4, "row.header"), (3, "row.above")]


def test_hidden_rows_are_read_and_named(tmp_path: Path) -> None:
    book = write_book(tmp_path / "b.xlsx", {"核心病种": [["编码", "诊断"], ["G1", "K35.8"]]})
    edit_part(book, "xl/worksheets/sheet1.xml", '<row r="2"', '<row hidden="1" r="2"')
    report = read_workbook(book, write_mapping(tmp_path, HEADER + GROUPS)).report
    assert report.sheets["核心病种"].hidden_read == [2]
    assert any("hidden rows were read too: 2" in line for line in report_lines(report, "en"))


# What does not fit


@pytest.mark.parametrize(
    ("data", "word"),
    [(b"\xd0\xcf\x11\xe0 old", "save it as .xlsx"), (b"PK\x05\x06" + bytes(18), "damaged")],
    ids=["old_xls", "empty_zip"],
)
def test_a_file_that_is_no_workbook_says_what_to_do(tmp_path: Path, data: bytes, word: str) -> None:
    (tmp_path / "b.xlsx").write_bytes(data)
    with pytest.raises(PackError, match=word):
        read_book(tmp_path / "b.xlsx")


def test_a_damaged_workbook_is_refused_and_never_read_in_part(tmp_path: Path) -> None:
    data = messy_book(tmp_path / "b.xlsx").read_bytes()
    for end in range(100, len(data), len(data) // 20):
        (tmp_path / "cut.xlsx").write_bytes(data[:end])
        with pytest.raises(PackError):
            read_book(tmp_path / "cut.xlsx")


def test_a_workbook_with_a_document_type_is_refused(tmp_path: Path) -> None:
    book = write_book(tmp_path / "b.xlsx", {"核心病种": [["编码", "诊断"]]})
    edit_part(book, "xl/workbook.xml", "<workbook ", '<!DOCTYPE w [<!ENTITY a "aaaa">]><workbook ')
    with pytest.raises(PackError, match="document type"):
        read_book(book)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "核心病种"', 'name = "核心"', (r"m\.toml:\d+", "工作表不存在", "Did you mean '核心病种'")),
        ('"诊断" = "dx_expr"', '"主诊" = "dx_expr"', (r"m\.toml:\d+", "表头不符", r"\[B\] 诊断")),
        ('"诊断" = "dx_expr"', '"诊断" = "dx_exp"', (r"m\.toml:\d+", "Did you mean 'dx_expr'", "needs dx_expr")),
        ('table = "group"', 'table = "groups"', (r"m\.toml:\d+", "Did you mean 'group'")),
        ("header_row = 1", "header_rows = 1", (r"m\.toml:\d+", "unknown key 'header_rows'", "header_row")),
        ('id = "dip_messy"', 'id = "dip_messy"\nplace = "x"', (r"m\.toml:4 \(pack\.toml:2\)", "unknown key 'place'")),
        ('source = "core"', 'source = "kern"', (r"m\.toml:\d+ \(layer\.csv:2 source\)", "core")),
        ("[rows]", '[options]\nop_sep = "、"\n[rows]', (r"m\.toml:\d+", "op_sep", r"Allowed: \+, ,, \|")),
        ("[rows]", "[options]\nop_sep = 1.5\n[rows]", ("op_sep = 1.5", "in quotes")),
        ("[rows]", '[options]\nempty_rows = "some"\n[rows]', (r"m\.toml:\d+ \(match_policy\.csv:2 value\)", "first")),
        ('constants = { layer = "核心" }', 'constants = { layer = "核心", code = "X" }', ("code has 2 sources",)),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_the_line_of_the_mapping(
    tmp_path: Path, old: str, new: str, words: tuple[str, ...]
) -> None:
    text = HEADER + GROUPS
    assert old in text
    said = refused(tmp_path, [["编码", "诊断"], ["G1", "K35.8"]], text.replace(old, new))
    for word in words:
        assert re.search(word, said), said


def test_a_header_that_stands_twice_is_named_by_its_letter(tmp_path: Path) -> None:
    rows = [["编码", "诊断", "诊断"], ["G1", "K35.8", "K36"]]
    assert re.search(r"write one of \[B\], \[C\]", refused(tmp_path, rows, HEADER + GROUPS))
    draft = draft_of(tmp_path, rows, HEADER + GROUPS.replace('"诊断" =', '"[C]" ='))
    assert draft.tables["group"].rows[0]["dx_expr"] == "K36"


def test_what_the_loader_refuses_is_told_with_sheet_and_row(tmp_path: Path) -> None:
    second = GROUPS.replace("核心病种", "基层病种").replace("核心", "基层") + '"操作" = "main_op_expr"\n'
    rows = [["编码", "诊断"], ["G1", "K35.8"], ["G2", "K36"]]
    said = refused(tmp_path, rows, HEADER + GROUPS + second, 基层病种=[["编码", "诊断", "操作"], ["G2", "K36", "4X"]])
    assert re.search(
        r"b\.xlsx 基层病种!A2 \(group\.csv:4 code\).*stands already at b\.xlsx 核心病种!3 \(group\.csv:3\)", said
    ), said
    assert re.search(r"b\.xlsx 基层病种!C2 \(group\.csv:4 main_op_expr\).*no procedure code", said), said


def test_tables_from_files_beside_the_mapping_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "dictionary.csv").write_text("code,type\n47.0100,手术\n", encoding="utf-8")
    mapping = 'files = { procedure = "dictionary.csv" }\n' + HEADER + GROUPS
    book = write_book(tmp_path / "b.xlsx", {"核心病种": [["编码", "诊断"], ["G1", "K35.8"]]})
    done = import_workbook(book, write_mapping(tmp_path, mapping), tmp_path / "pack")
    assert list(done.pack.tables.procedures) == ["47.0100"]


def test_a_folder_that_holds_something_is_never_written_over(tmp_path: Path) -> None:
    book = write_book(tmp_path / "b.xlsx", {"核心病种": [["编码", "诊断"], ["G1", "K35.8"]]})
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(PackError, match="give a folder that is new"):
        import_workbook(book, write_mapping(tmp_path, HEADER + GROUPS), tmp_path / "pack")
    assert [path.name for path in (tmp_path / "pack").iterdir()] == ["note.txt"]
