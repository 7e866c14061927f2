"""A pack becomes a workbook an officer can review, and the same pack comes back out of it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import polars as pl
import pytest

from engine.packs import dip_schema, schema
from engine.packs.dip_load import load_dip_pack
from engine.packs.dip_options import OPTION_KEYS
from engine.packs.errors import PackError
from engine.packs.load import load_pack
from engine.packs.xlsx_cells import NUMBER, TEXT, Sheet
from engine.packs.xlsx_export import CELL_MAX, export_workbook
from engine.packs.xlsx_file import read_book
from engine.packs.xlsx_import import import_workbook, read_workbook
from engine.packs.xlsx_names import COLUMNS_ZH, OPTIONS_ZH, TABLES_ZH, WORDS_ZH
from fixtures.dip_national import write_national
from fixtures.dip_profiles import write_profile
from tests.shared_data import SHARED, needs_shared
from tests.test_cli import dianzhi
from tests.xlsx_books import MESSY, messy_book, write_mapping

TINY_DRG = Path(__file__).resolve().parents[1] / "fixtures" / "tiny_pack"
HEADER = """# 注释保留
id = "odd"
kind = "dip"
version = "2024.10"
area = "370000"
valid_from = 2024-01-01
valid_to = 2024-12-31
chosen_by = "discharge_date"
dx_system = "d"
op_system = "o"
scheme = "2.0"
source = { document = "文件'''号", url = "=HYPERLINK(1)" }
"""
TABLES = {
    "layer": "seq,name,source\n1,核心,core\n2,兜底,fallback\n",
    "group": (
        "code,name,layer,dx_expr,main_op_expr,op_type,score,ref_cost,ref_days,basic_factor,is_basic,age_min\n"
        '=1+1,"两\n行，全角（１）",核心,K35.8,47.0100+54.2100,手术,430.1100,12345.60,7.5,0.39312,1,0\n'
        "+5-1,  前后空格 ,核心,M47.0+|M51.1+,,内科诊疗,99999999.9999,,,,0,\n"
        '@x,"_x000D_ \u2028a",核心,"A22.801+G01*",,,0,0.01,0.000001,,,\n'
        "-7,-7,兜底,*,,,,,,,,\n"
    ),
    "match_policy": "key,value\nop_sep,+\nprefix_len,7\n",
    "tie_break": "seq,scope,rule,ties\n1,相关手术,highest_score,first\n2,,nearest_cost,last\n",
    "excluded_procedure": "code,match,action,dx_range\n00.3100,exact,main_only_if_dx,C00-C75\n",
    "aux": "group_code,dimension,level,condition_expr,factor\n=1+1,年龄,66岁及以上,age>=66,1.05\n",
}


def odd_pack(folder: Path, **changed: str) -> Path:
    """A pack whose cells try everything a workbook might spoil."""
    folder.mkdir()
    (folder / "pack.toml").write_text(HEADER, encoding="utf-8")
    for stem, text in {**TABLES, **changed}.items():
        (folder / f"{stem}.csv").write_text(text, encoding="utf-8")
    return folder


def sheets_of(book: Path) -> dict[str, Sheet]:
    return {sheet.name: sheet for sheet in read_book(book)}


def comes_back(pack: Path, place: Path) -> None:
    """Export and import of a pack give its fingerprint, with every row of every table placed."""
    done = export_workbook(pack, place / "b.xlsx")
    assert done.mapping == place / "b.mapping.toml"
    back = import_workbook(done.book, done.mapping, place / "back")
    assert back.pack.fingerprint == done.fingerprint == load_dip_pack(pack).fingerprint
    assert back.report.faults == []
    made = {table: count.made[table] for count in back.report.sheets.values() for table in count.made}
    assert made == {table: rows for table, rows in done.rows.items() if rows}


def test_a_pack_of_odd_cells_comes_back_with_its_fingerprint(tmp_path: Path) -> None:
    comes_back(odd_pack(tmp_path / "pack"), tmp_path)


def test_a_pack_of_parquet_tables_comes_back_with_its_fingerprint(tmp_path: Path) -> None:
    pack = odd_pack(tmp_path / "pack")
    table = pl.read_csv(pack / "group.csv", infer_schema=False)
    (pack / "group.csv").unlink()
    table.write_parquet(pack / "group.parquet")
    comes_back(pack, tmp_path)


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_a_header_comes_back_byte_by_byte(tmp_path: Path, ends: str) -> None:
    pack = odd_pack(tmp_path / "pack")
    text = "\ufeff" + HEADER.replace("\n", ends)
    (pack / "pack.toml").write_bytes(text.encode("utf-8"))
    comes_back(pack, tmp_path)
    assert (tmp_path / "back" / "pack.toml").read_bytes() == text.encode("utf-8")


def test_an_imported_messy_catalogue_comes_back_with_its_fingerprint(tmp_path: Path) -> None:
    import_workbook(messy_book(tmp_path / "m.xlsx"), write_mapping(tmp_path, MESSY), tmp_path / "pack")
    comes_back(tmp_path / "pack", tmp_path)


@needs_shared
@pytest.mark.parametrize("area", ["370800-jining-2023", "421000-jingzhou-2023"])
def test_a_whole_catalogue_comes_back_with_its_fingerprint(tmp_path: Path, area: str) -> None:
    write_profile(SHARED / "data" / "dip" / "profiles" / area, tmp_path / "profile")
    comes_back(tmp_path / "profile" / "pack", tmp_path)


@needs_shared
def test_the_national_rule_chain_comes_back_with_its_fingerprint(tmp_path: Path) -> None:
    write_national(SHARED / "data" / "dip" / "national-3.0", tmp_path / "pack")
    comes_back(tmp_path / "pack", tmp_path)


def test_a_changed_cell_of_the_workbook_changes_the_fingerprint(tmp_path: Path) -> None:
    done = export_workbook(odd_pack(tmp_path / "pack"), tmp_path / "b.xlsx")
    assert done.mapping is not None
    with zipfile.ZipFile(done.book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part = next(name for name, data in parts.items() if b"<v>430.11" in data)
    parts[part] = parts[part].replace(b"<v>430.11", b"<v>430.12")
    with zipfile.ZipFile(done.book, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    back = import_workbook(done.book, done.mapping, tmp_path / "back")
    assert back.pack.tables.groups[0].base_points_e4 == 4_301_200
    assert back.pack.fingerprint != done.fingerprint


def test_text_that_looks_like_a_formula_stays_text_and_codes_stay_text(tmp_path: Path) -> None:
    done = export_workbook(odd_pack(tmp_path / "pack"), tmp_path / "b.xlsx")
    with zipfile.ZipFile(done.book) as archive:
        for name in archive.namelist():
            assert b"<f>" not in archive.read(name) and b"<hyperlink" not in archive.read(name), name
    group = sheets_of(done.book)["病种目录"]
    assert [group.rows[row][1] for row in range(6, 10)] == [(TEXT, "=1+1"), (TEXT, "+5-1"), (TEXT, "@x"), (TEXT, "-7")]
    score = next(column for column, cell in group.rows[5].items() if cell.text == "score")
    assert [group.rows[row][score] for row in (6, 7)] == [(NUMBER, "430.11"), (NUMBER, "99999999.9999")]
    assert sheets_of(done.book)["不入组手术操作"].rows[6][1] == (TEXT, "00.3100")


def test_a_sheet_has_chinese_headers_over_the_column_names_frozen_with_a_filter(tmp_path: Path) -> None:
    done = export_workbook(odd_pack(tmp_path / "pack"), tmp_path / "b.xlsx")
    rules = sheets_of(done.book)["优选规则"]
    assert [cell.text for cell in rules.rows[4].values()] == ["序次", "适用类型", "规则", "并列取"]
    assert [cell.text for cell in rules.rows[5].values()] == ["seq", "scope", "rule", "ties"]
    assert [cell.text for cell in rules.rows[6].values()] == ["1", "相关手术", "最高分值", "取首个"]
    names = list(sheets_of(done.book))
    assert names[:2] == ["封面", "病种目录"]
    with zipfile.ZipFile(done.book) as archive:
        for place in range(2, len(names) + 1):
            text = archive.read(f"xl/worksheets/sheet{place}.xml").decode("utf-8")
            assert 'ySplit="5"' in text and "<autoFilter" in text, names[place - 1]


def test_the_cover_says_which_pack_it_is(tmp_path: Path) -> None:
    pack = odd_pack(tmp_path / "pack")
    done = export_workbook(pack, tmp_path / "b.xlsx")
    said = {cell.text for cells in sheets_of(done.book)["封面"].rows.values() for cell in cells.values()}
    assert {"odd", "2024.10", "2024-01-01", "2024-12-31", "文件'''号", load_dip_pack(pack).fingerprint, "7"} <= said
    assert any(text.startswith("first　（默认") for text in said), "options left at their default are shown too"
    assert not {one for one in said if one in OPTIONS_ZH} ^ {key for key in OPTION_KEYS if key in OPTIONS_ZH}


def test_the_same_pack_gives_the_same_bytes(tmp_path: Path) -> None:
    pack = odd_pack(tmp_path / "pack")
    one, two = (export_workbook(pack, tmp_path / name).book.read_bytes() for name in ("a.xlsx", "b.xlsx"))
    assert one == two


def test_every_table_column_word_and_option_of_the_schema_has_its_own_chinese_name() -> None:
    for tables in (dip_schema.TABLES, schema.TABLES):
        assert set(tables) <= set(TABLES_ZH)
        assert {column.name for columns in tables.values() for column in columns} <= set(COLUMNS_ZH)
    assert len(set(TABLES_ZH.values())) == len(TABLES_ZH), "two sheets of one name"
    for stem, columns in dip_schema.TABLES.items():
        for column in columns:
            names = [WORDS_ZH.get(word, word) for word in column.words]
            assert all(re.search("[一-鿿]", name) for name in names), (stem, column.name, names)
            assert len(set(names)) == len(names), (stem, column.name, names)
    assert set(OPTION_KEYS) <= set(OPTIONS_ZH)


def test_a_cell_too_long_for_a_workbook_stops_the_export(tmp_path: Path) -> None:
    codes = "|".join(f"A{number:02d}.{number % 10}" for number in range(100)) * 70
    assert len(codes) > CELL_MAX
    long = f"code,layer,dx_expr\nG1,核心,{codes.replace('A99.9A', 'A99.9|A')}\n"
    pack = odd_pack(tmp_path / "pack", group=long, aux="group_code,dimension,level,factor\n")
    with pytest.raises(PackError, match=r"group\.csv:2 dx_expr.*@"):
        export_workbook(pack, tmp_path / "b.xlsx")
    assert not (tmp_path / "b.xlsx").exists()


def test_an_export_never_writes_over_a_file(tmp_path: Path) -> None:
    pack = odd_pack(tmp_path / "pack")
    (tmp_path / "b.mapping.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(PackError, match="stands there already"):
        export_workbook(pack, tmp_path / "b.xlsx")
    assert not (tmp_path / "b.xlsx").exists()


def test_a_drg_pack_is_written_for_review_without_a_mapping(tmp_path: Path) -> None:
    done = export_workbook(TINY_DRG, tmp_path / "b.xlsx")
    assert done.mapping is None and done.fingerprint == load_pack(TINY_DRG).fingerprint
    book = sheets_of(done.book)
    assert set(book) == {"封面", *(TABLES_ZH[table] for table in done.rows)}
    for table, rows in done.rows.items():
        assert len([row for row in book[TABLES_ZH[table]].filled_rows() if row > 5]) == rows


# The commands


def test_the_commands_import_report_and_export(tmp_path: Path) -> None:
    messy_book(tmp_path / "m.xlsx")
    write_mapping(tmp_path, MESSY)
    words = ("pack", "import", "xlsx", "m.xlsx", "--mapping", "m.toml", "--out", "pack", "--report", "r.xlsx")
    done = dianzhi(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "filled rows 18 = placed 6 + reported 12" in done.stdout and "4 groups" in done.stdout
    report = sheets_of(tmp_path / "r.xlsx")
    assert len([row for row in report["未放入的行"].filled_rows() if row > 5]) == 12
    draft = read_workbook(tmp_path / "m.xlsx", tmp_path / "m.toml")
    assert len([row for row in report["已修正的单元格"].filled_rows() if row > 5]) == len(draft.report.repaired)
    done = dianzhi("pack", "export", "xlsx", "pack", "--out", "e.xlsx", cwd=tmp_path, lang="zh")
    assert done.returncode == 0 and load_dip_pack(tmp_path / "pack").fingerprint in done.stdout
    assert (tmp_path / "e.mapping.toml").exists()


def test_a_row_that_cannot_be_placed_ends_the_command_with_code_4(tmp_path: Path) -> None:
    messy_book(tmp_path / "m.xlsx")
    write_mapping(tmp_path, MESSY.replace('skip = { "序号" = ["合计", "注*"] }', ""))
    words = ("pack", "import", "xlsx", "m.xlsx", "--mapping", "m.toml", "--out", "pack")
    done = dianzhi(*words, cwd=tmp_path, lang="zh")
    assert done.returncode == 4 and "核心病种!B12" in done.stderr and "未能放入的行" in done.stdout
    assert not (tmp_path / "pack").exists()
    assert dianzhi(*words, "--partial", cwd=tmp_path).returncode == 0
