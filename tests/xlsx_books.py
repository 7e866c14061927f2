"""Workbooks as bureaus publish them, made cell by cell, and the mapping files that read them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from engine.packs.xlsx_import import Draft, read_workbook

HEADER = """
[pack]
id = "dip_messy"
kind = "dip"
version = "2024"
area = "370000"
valid_from = 2024-01-01
chosen_by = "discharge_date"
dx_system = "医保版 ICD-10 2.0"
op_system = "医保版 ICD-9-CM-3 2.0"
scheme = "2.0"
source = { document = "某市按病种分值付费病种目录", issued = 2023-12-01 }

[rows]
layer = [{ seq = 1, name = "核心", source = "core" }, { seq = 2, name = "基层", source = "basic" }]
"""
"""The facts of a pack, and the layers every test pack needs."""

GROUPS = """
[[sheet]]
name = "核心病种"
table = "group"
header_row = 1
constants = { layer = "核心" }
[sheet.columns]
"编码" = "code"
"诊断" = "dx_expr"
"""
"""A mapping of a plain sheet; tests add to it."""


def write_book(
    path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], merged: Sequence[tuple[str, str]] = ()
) -> Path:
    """A workbook of these rows: numbers as numbers, text as text, None as nothing; `merged`: (sheet, A1:B2)."""
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str) and cell:
                        sheet.write_string(row, column, cell)
                    elif cell is not None and cell != "":
                        sheet.write(row, column, cell)
            for where, area in merged:
                if where == name:
                    top = area.partition(":")[0]
                    row, column = xlsxwriter.utility.xl_cell_to_rowcol(top)
                    sheet.merge_range(area, rows[row][column])
    return path


def write_mapping(folder: Path, text: str, name: str = "m.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def draft_of(tmp_path: Path, rows: list[list[Any]], mapping: str, **sheets: list[list[Any]]) -> Draft:
    book = write_book(tmp_path / "b.xlsx", {"核心病种": rows, **sheets})
    return read_workbook(book, write_mapping(tmp_path, mapping))


def edit_part(book: Path, part: str, old: str, new: str) -> None:
    """The workbook with one part changed."""
    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts[part].decode("utf-8")
    assert old in text, text[:2000]
    parts[part] = text.replace(old, new).encode("utf-8")
    with zipfile.ZipFile(book, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def messy_book(path: Path) -> Path:
    """Titles, a header of two lines, merged cells, text numbers, full-width forms, headings, totals, notes."""
    head = ["序号", "病种编码", "病种\n名称", "诊断编码", "操作编码", "操作类型", "标准", None, "基层", "备注"]
    core = [
        ["某市核心病种目录（２０２４年）"],
        ["单位：元"],
        head,
        [None, None, None, None, None, None, "分值", "均费", None, None],
        ["一、消化系统疾病"],
        [
            1,
            "K35.8-1",
            "急性\n阑尾炎",
            "Ｋ３５.８",
            "47.0100\n/47.0901",
            "手术",
            "４３０.１１",
            "￥12,345.60",
            "是",
            "甲",
        ],
        [2, "K35.8-2", "阑尾炎（其他）", None, "47.0100、47.0901", "治疗", 4731.210000000001, 0.1 + 0.2, "√"],
        [3, "K35.8-3", "保守", None, "—", "无", 12, "85%", "否", "乙"],
        head,
        [None, None, None, None, None, None, "分值", "均费", None, None],
        [4, "I10.x-1", "高血压", "i10.X", None, "无", "1,234.50", 99.5, 0],
        ["合计", None, None, None, None, None, 6407.82],
        ["注：分值按2023年数据测算。"],
    ]
    auxiliary = [
        ["病种", "年龄档", "二级", "三级"],
        ["K35.8-1", "66岁及以上", 1.05, "1.1"],
        ["K35.8-2", "66岁及以上", 1.05, None],
    ]
    merged = [("核心病种", "A1:J1"), ("核心病种", "A5:J5"), ("核心病种", "D6:D8"), ("核心病种", "G3:H3")]
    merged += [("核心病种", f"{letter}3:{letter}4") for letter in "ABCDEFIJ"]
    return write_book(
        path, {"说明": [["本目录自发布之日起施行"], ["解释权归市医保局"]], "核心病种": core, " 辅助": auxiliary}, merged
    )


MESSY = (
    """
leave = ["说明"]

[options]
op_sep = "+"
"""
    + HEADER
    + """
[[sheet]]
name = "核心病种"
table = "group"
header_row = [3, 4]
empty = ["—"]
constants = { layer = "核心" }
unused = ["备注"]
skip = { "序号" = ["合计", "注*"] }
words.op_type = { "治疗" = "治疗性操作", "无" = "" }
lists.main_op_expr = { or = ["、", "/"] }
[sheet.columns]
"病种编码" = "code"
"病种名称" = "name"
"诊断编码" = "dx_expr"
"操作编码" = "main_op_expr"
"操作类型" = "op_type"
"标准/分值" = "score"
"标准/均费" = "ref_cost"
"基层" = "is_basic"

[[sheet]]
name = "辅助"
table = "aux"
header_row = 1
constants = { dimension = "年龄", condition_expr = "age>=66" }
[sheet.columns]
"病种" = "group_code"
"年龄档" = "level"
"二级" = "factor"
"""
)
