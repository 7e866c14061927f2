"""Single cells of a published workbook: numbers stay exact, codes keep their zeros, doubtful cells are told."""

from __future__ import annotations

import datetime
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from engine.packs.xlsx_cells import BOOL, ERROR, NUMBER
from engine.packs.xlsx_file import read_book, shortest
from engine.packs.xlsx_import import read_workbook
from tests.xlsx_books import GROUPS, HEADER, draft_of, edit_part, write_book, write_mapping

# Numbers


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 8))
def test_a_stored_double_comes_back_as_the_decimal_that_was_typed(digits: int, places: int) -> None:
    typed = Decimal(digits).scaleb(-places)
    assert Decimal(shortest(format(float(typed), ".17g"))) == typed


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("12", "12"),
        ("12.50", "12.5"),
        (" 1 234.5 ", "1234.5"),
        ("１２．５元", "12.5"),
        (".5", "0.5"),
        ("-0.5", "-0.5"),
        ("85.5%", "0.855"),
        *((4.35, "4.35"), (1e-4, "0.0001"), (100000.0, "100000"), (2.675, "2.675"), (1.1 * 3, "3.3")),
    ],
)
def test_a_number_is_read_exactly_however_it_is_written(tmp_path: Path, cell: Any, read: str) -> None:
    mapping = HEADER + GROUPS + '"分值" = "score"\n'
    draft = draft_of(tmp_path, [["编码", "诊断", "分值"], ["G1", "K35.8", cell]], mapping)
    assert draft.report.faults == []
    assert draft.tables["group"].rows[0]["score"] == read


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (1 / 3, "cell.places"),
        ("1.23456", "cell.places"),
        ("约12", "cell.number"),
        ("1,23", "cell.number"),
        (True, "cell.number"),
        ("1e5", "cell.number"),
    ],
)
def test_a_number_that_is_none_or_too_fine_is_told_and_not_rounded(tmp_path: Path, cell: Any, kind: str) -> None:
    mapping = HEADER + GROUPS + '"分值" = "score"\n'
    draft = draft_of(tmp_path, [["编码", "诊断", "分值"], ["G1", "K35.8", cell], ["G2", "K36", 1]], mapping)
    assert [(row.kind, row.row, row.header) for row in draft.report.faults] == [(kind, 2, "分值")]
    assert [row["code"] for row in draft.tables["group"].rows] == ["G2"]


def test_a_mapping_may_round_and_change_units_and_that_is_counted(tmp_path: Path) -> None:
    rules = '"均费" = "ref_cost"\n[sheet.decimals]\nref_cost = { times = "10000", places = 2, round = "half_up" }\n'
    draft = draft_of(
        tmp_path,
        [["编码", "诊断", "均费"], ["G1", "K35.8", 1.23456785], ["G2", "K36", -0.0000005]],
        HEADER + GROUPS + rules,
    )
    assert [row["ref_cost"] for row in draft.tables["group"].rows] == ["12345.68", "-0.01"]
    assert {"scaled", "rounded"} <= {cell.kind for cell in draft.report.repaired}


# Codes


@pytest.mark.parametrize(
    ("cell", "rules", "read"),
    [
        ("47.0100/47.0901+54.2100", "", "47.0100/47.0901+54.2100"),
        ("４７.０１００＋５４.２１００", "", "47.0100+54.2100"),
        ("99.2800X005", "", "99.2800x005"),
        ("47.0100；47.0901\n；54.2100", 'or = ["；"]', "47.0100/47.0901/54.2100"),
        ("47.0100\r\n47.0901", 'and = ["\\n"]', "47.0100+47.0901"),
        ("47.0100 \n+ 54.2100\n", "", "47.0100+54.2100"),
        ("47.01至47.09", 'range = ["至"]', "47.01-47.09"),
        ("47.01—47.09", "", "47.01-47.09"),
        ("47.0100或47.0901", 'or = ["或"]', "47.0100/47.0901"),
        ("@切除术", "", "@切除术"),
    ],
)
def test_a_procedure_cell_is_written_in_the_signs_of_the_pack(tmp_path: Path, cell: str, rules: str, read: str) -> None:
    mapping = (
        HEADER
        + GROUPS
        + '"操作" = "main_op_expr"\n'
        + (f"[sheet.lists]\nmain_op_expr = {{ {rules} }}\n" if rules else "")
    )
    draft = draft_of(tmp_path, [["编码", "诊断", "操作"], ["G1", "K35.8", cell]], mapping)
    assert draft.report.faults == []
    assert draft.tables["group"].rows[0]["main_op_expr"] == read


@pytest.mark.parametrize(
    ("cell", "kind", "word"),
    [
        ("47.0100\n47.0901", "cell.separator", "lists"),
        ("47.0100、47.0901", "cell.separator", "、"),
        ("47.0100//47.0901", "cell.separator", "twice"),
        ("阑尾切除术", "cell.separator", "阑"),
        (47.01, "cell.code_number", "zeros"),
    ],
)
def test_a_code_cell_that_can_mean_two_things_is_told(tmp_path: Path, cell: Any, kind: str, word: str) -> None:
    mapping = HEADER + GROUPS + '"操作" = "main_op_expr"\n'
    draft = draft_of(tmp_path, [["编码", "诊断", "操作"], ["G1", "K35.8", cell]], mapping)
    assert [row.kind for row in draft.report.faults] == [kind]
    assert word in draft.report.faults[0].en


def test_and_or_that_bind_the_other_way_round_are_refused(tmp_path: Path) -> None:
    mapping = HEADER + GROUPS + '"操作" = "main_op_expr"\n[sheet.lists]\nmain_op_expr = { tighter = "and" }\n'
    draft = draft_of(
        tmp_path,
        [["编码", "诊断", "操作"], ["G1", "K35.8", "47.01+47.02/47.03"], ["G2", "K36", "47.01+47.02"]],
        mapping,
    )
    assert [(row.kind, row.row) for row in draft.report.faults] == [("cell.separator", 2)]
    assert [row["code"] for row in draft.tables["group"].rows] == ["G2"]


def test_a_code_held_as_a_number_gets_its_zeros_back_where_the_mapping_states_its_places(tmp_path: Path) -> None:
    mapping = HEADER + GROUPS + '"操作" = "main_op_expr"\n[sheet.code_places]\nmain_op_expr = 4\n'
    draft = draft_of(tmp_path, [["编码", "诊断", "操作"], ["G1", "K35.8", 47.01], ["G2", "K36", 0.31]], mapping)
    assert [row["main_op_expr"] for row in draft.tables["group"].rows] == ["47.0100", "00.3100"]


def test_dagger_and_asterisk_of_a_diagnosis_stay(tmp_path: Path) -> None:
    rows = [["编码", "诊断"], ["G1", "a22.801+g01*"], ["G2", "M47.0+、M51.1+"], ["G3", "A15～A16"], ["G4", "*"]]
    draft = draft_of(tmp_path, rows, HEADER + GROUPS + '[sheet.lists]\ndx_expr = { or = ["、"] }\n')
    assert [row["dx_expr"] for row in draft.tables["group"].rows] == ["A22.801+G01*", "M47.0+|M51.1+", "A15-A16", "*"]


def test_one_cell_of_many_codes_becomes_one_row_each(tmp_path: Path) -> None:
    sheet = """
[[sheet]]
name = "排除"
table = "excluded_procedure"
header_row = 1
constants = { action = "drop" }
split = { code = ["、", "\\n"] }
columns = { "编码" = "code" }
"""
    draft = draft_of(
        tmp_path,
        [["编码", "诊断"], ["G1", "K35.8"]],
        HEADER + GROUPS + sheet,
        排除=[["编码"], ["47.0100、47.0901\n54.2100"], ["00.3100"]],
    )
    assert [row["code"] for row in draft.tables["excluded_procedure"].rows] == [
        "47.0100",
        "47.0901",
        "54.2100",
        "00.3100",
    ]
    count = draft.report.sheets["排除"]
    assert (count.filled, len(count.placed), count.made["excluded_procedure"]) == (3, 2, 4)


# Cells that are neither


def test_formula_errors_dates_and_logical_values_are_told_as_such(tmp_path: Path) -> None:
    book = write_book(
        tmp_path / "b.xlsx", {"核心病种": [["编码", "诊断", "分值"], ["G1", "K35.8", 1], ["G2", "K36", True]]}
    )
    edit_part(book, "xl/worksheets/sheet1.xml", '<c r="C2"><v>1</v></c>', '<c r="C2" t="e"><v>#N/A</v></c>')
    (sheet,) = read_book(book)
    assert (sheet.rows[2][3].kind, sheet.rows[3][3].kind) == (ERROR, BOOL)
    report = read_workbook(book, write_mapping(tmp_path, HEADER + GROUPS + '"分值" = "score"\n')).report
    assert [(row.kind, row.row) for row in report.faults] == [("cell.error", 2), ("cell.number", 3)]


def test_a_number_shown_as_a_day_is_a_date_and_no_code(tmp_path: Path) -> None:
    book = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(str(book)) as made:
        sheet = made.add_worksheet("核心病种")
        sheet.write_row(0, 0, ["编码", "诊断"])
        sheet.write_datetime(1, 0, datetime.datetime(2024, 1, 3), made.add_format({"num_format": 'm"月"d"日"'}))
        sheet.write(1, 1, "K35.8")
        sheet.write_number(2, 0, 7, made.add_format({"num_format": '0"种"'}))
        sheet.write(2, 1, "K36")
    assert read_book(book)[0].rows[2][1].text == "2024-01-03" and read_book(book)[0].rows[3][1].kind == NUMBER
    draft = read_workbook(book, write_mapping(tmp_path, HEADER + GROUPS))
    assert [(row.kind, row.row) for row in draft.report.faults] == [("cell.date", 2)]
    assert draft.tables["group"].rows[0]["code"] == "7"


def test_a_formula_nobody_has_computed_is_told_and_an_empty_result_is_empty(tmp_path: Path) -> None:
    rows = [["编码", "诊断", "分值"], ["G1", "K35.8", 1], ["G2", "K36", 2]]
    book = write_book(tmp_path / "b.xlsx", {"核心病种": rows})
    edit_part(book, "xl/worksheets/sheet1.xml", "<v>1</v></c></row><row", "<f>B1*2</f></c></row><row")
    edit_part(book, "xl/worksheets/sheet1.xml", '<c r="C3"><v>2</v>', '<c r="C3" t="str"><f>""</f><v></v>')
    draft = read_workbook(book, write_mapping(tmp_path, HEADER + GROUPS + '"分值" = "score"\n'))
    assert [(row.kind, row.row) for row in draft.report.faults] == [("cell.error", 2)]
    assert draft.tables["group"].rows[0]["score"] == ""


def test_other_writers_of_workbooks_are_understood(tmp_path: Path) -> None:
    book = write_book(tmp_path / "b.xlsx", {"核心病种": [["编码", "诊断"], ["G1", "K35.8"]]})
    sheet = (
        '<?xml version="1.0"?><x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:sheetData>'
        '<x:row><x:c t="inlineStr"><x:is><x:r><x:t>编</x:t></x:r><x:r><x:t>码</x:t></x:r></x:is></x:c>'
        '<x:c t="inlineStr"><x:is><x:t>诊断</x:t><x:rPh sb="0" eb="1"><x:t>シン</x:t></x:rPh></x:is></x:c></x:row>'
        '<x:row><x:c t="str"><x:v>G1</x:v></x:c><x:c t="inlineStr"><x:is><x:t>K35.8</x:t></x:is></x:c></x:row>'
        "</x:sheetData></x:worksheet>"
    )
    with zipfile.ZipFile(book) as archive:
        old = archive.read("xl/worksheets/sheet1.xml").decode("utf-8")
    edit_part(book, "xl/worksheets/sheet1.xml", old, sheet)
    draft = read_workbook(book, write_mapping(tmp_path, HEADER + GROUPS))
    assert draft.report.faults == []
    assert draft.tables["group"].rows == [{"layer": "核心", "code": "G1", "dx_expr": "K35.8"}]
