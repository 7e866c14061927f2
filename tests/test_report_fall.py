"""The sheet 清算瀑布: live sums over posting lines, evaluated here, equal the engine's whole fen; text stays text."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from engine.report.facts import HospitalFacts
from engine.report.figures import RunFigures
from engine.report.grounds import Grounds
from engine.report.sheets_fall import COLUMNS, SHEET
from engine.report.stages import waterfall
from engine.report.statement import write_statement
from engine.run import clear
from engine.run_parts import RunOptions, RunResult
from tests.report_frames import Invented, invent
from tests.small_city import YEAR, demo_area, small_city

HOSPITAL = "H3700001"
NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Cells = dict[str, tuple[str, str, str]]
"""Address → (type, value, formula) as the file holds them."""


def cells_of(path: Path, sheet: str = SHEET) -> Cells:
    with zipfile.ZipFile(path) as book:
        names = [each.get("name") for each in ET.fromstring(book.read("xl/workbook.xml")).iter(f"{NS}sheet")]
        shared = "xl/sharedStrings.xml"  # a book written row by row keeps its texts in the cells
        items = ET.fromstring(book.read(shared)).iter(f"{NS}si") if shared in book.namelist() else ()
        words = ["".join(part.text or "" for part in item.iter(f"{NS}t")) for item in items]
        root = ET.fromstring(book.read(f"xl/worksheets/sheet{names.index(sheet) + 1}.xml"))
    found = {}
    for cell in root.iter(f"{NS}c"):
        kind, value = cell.get("t", "n"), cell.findtext(f"{NS}v") or ""
        inline = "".join(part.text or "" for part in cell.iter(f"{NS}t"))
        text = words[int(value)] if kind == "s" else inline or value
        found[str(cell.get("r"))] = (kind, text, cell.findtext(f"{NS}f") or "")
    return found


def number(cells: Cells, address: str) -> Decimal:
    """The value of a cell, its formula worked out where it has one; a double's 15 digits are those of the yuan."""
    kind, text, formula = cells.get(address, ("n", "", ""))
    if formula:
        return evaluated(cells, formula)
    return Decimal(f"{float(text):.15G}") if text and kind == "n" else Decimal(0)


def evaluated(cells: Cells, formula: str) -> Decimal:
    if found := re.fullmatch(r"SUM\(([A-Z])(\d+):\1(\d+)\)", formula):
        column, first, last = found[1], int(found[2]), int(found[3])
        return sum((number(cells, f"{column}{row}") for row in range(first, last + 1)), Decimal(0))
    if found := re.fullmatch(r"ROUND\((\w+)\*100,0\)-(\w+)", formula):
        rounded = (number(cells, found[1]) * 100).quantize(Decimal(1), ROUND_HALF_UP)
        return rounded - number(cells, found[2])
    assert formula == "0", formula
    return Decimal(0)


@pytest.fixture(scope="module")
def run() -> Invented:
    return invent()


@pytest.fixture(scope="module", params=["clear", "presettle", "row by row"])
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunFigures]:
    made = invent(kind="presettle" if request.param == "presettle" else "clear")
    figures = RunFigures.build(made.facts, made.frames)
    path = tmp_path_factory.mktemp("fall") / "one.xlsx"
    write_statement(path, HOSPITAL, figures, case_detail=request.param == "row by row")
    return path, figures


def stage_rows(figures: RunFigures, hospital: str) -> list[tuple[int, int]]:
    """(sum of the stage, balance after it) of every stage, pool after pool."""
    found = []
    for pool in figures.pools:
        lines = [line for line in figures.lines if (line.hospital, line.pool) == (hospital, pool)]
        stages = waterfall(lines, year=figures.facts.kind == "clear")
        found += [(stage.amount_fen, stage.balance_fen) for stage in stages]
    return found


def test_live_sums_evaluate_to_the_engines_whole_fen(book: tuple[Path, RunFigures]) -> None:
    path, figures = book
    cells = cells_of(path)
    balances = [address for address, (_, _, formula) in cells.items() if address[0] == "J" and formula]
    expected = stage_rows(figures, HOSPITAL)
    assert len(balances) == len(expected) >= 2
    for address, (subtotal, balance) in zip(balances, expected, strict=True):
        row = address[1:]
        assert number(cells, f"I{row}") * 100 == subtotal
        assert number(cells, address) * 100 == number(cells, f"K{row}") == balance
        for column, fen in (("I", subtotal), ("J", balance)):
            assert round(float(cells[f"{column}{row}"][1]) * 100) == fen, "the value shown before a program calculates"
    checks = [address for address, (_, _, formula) in cells.items() if address[0] == "L" and formula]
    assert len(checks) == len(balances) + sum(1 for a, (k, _, f) in cells.items() if a[0] == "H" and k == "n" and _)
    assert all(number(cells, address) == 0 for address in checks)


def test_every_line_of_the_hospital_stands_once_with_number_key_tag_and_fen(book: tuple[Path, RunFigures]) -> None:
    path, figures = book
    cells = cells_of(path)
    at = {cells[address][1]: address[1:] for address in cells if re.fullmatch(r"D\d+", address) and cells[address][1]}
    wanted = figures.facts.year if figures.facts.kind == "clear" else figures.facts.period
    mine = [line for line in figures.lines if line.hospital == HOSPITAL and line.period == wanted]
    for line in mine:
        row = at[str(line.line)]
        assert cells[f"E{row}"][1] == line.rule
        assert cells[f"F{row}"][1].startswith(line.tag)
        assert number(cells, f"K{row}") == line.amount_fen == number(cells, f"H{row}") * 100
    heads = [cells[f"{chr(ord('A') + n)}4"][1] for n in range(len(COLUMNS))]
    assert heads == [column.zh for column in COLUMNS]


def test_a_fen_moved_in_a_line_shows_in_the_check_column(book: tuple[Path, RunFigures]) -> None:
    """Whoever types over an amount sees it beside the engine's."""
    path, _ = book
    cells = cells_of(path)
    address = next(a for a, (kind, text, _) in cells.items() if a[0] == "H" and kind == "n" and text)
    cells[address] = ("n", str(Decimal(cells[address][1]) + Decimal("0.01")), "")
    assert evaluated(cells, cells[f"L{address[1:]}"][2]) == 1
    balance = next(a for a, (_, _, formula) in cells.items() if a[0] == "J" and formula)
    assert evaluated(cells, cells[f"L{balance[1:]}"][2]) == 1


def test_what_looks_like_a_formula_in_policy_or_names_stays_text(run: Invented, tmp_path: Path) -> None:
    evil = "=1+1"
    edge = {"fixmedins_code": HOSPITAL, "insutype": "310", "edge_kind": "class", "edge_name": "+cmd: a → b"}
    near = {"edge_at": Decimal(1), "own_at": None, "blw_psntime": 1, "abv_psntime": 0, "jump_amt": Decimal("1.00")}
    grounds = Grounds(
        values=tuple({"rule": line["rule"], "tag": "U", "val_text": evil, "source_doc": "=HYPERLINK(1)", "val_dflt": 0}
                     for line in run.lines.select("rule").unique().to_dicts()),
        cliffs=(edge | near,),
    )  # fmt: skip
    facts = replace(run.facts, hospitals={HOSPITAL: HospitalFacts(HOSPITAL, "@SUM(1)", "3")})
    path = tmp_path / "x.xlsx"
    write_statement(path, HOSPITAL, RunFigures.build(facts, run.frames, grounds))
    cells = cells_of(path)
    documents = [cell for address, cell in cells.items() if address[0] == "G" and cell[1] == "=HYPERLINK(1)"]
    assert documents and all(kind in ("s", "inlineStr", "str") and not formula for kind, _, formula in documents)
    assert any("+cmd: a → b" in text and kind != "n" for kind, text, _ in cells.values())


def test_the_picture_is_a_native_chart_over_numbers_in_the_open(book: tuple[Path, RunFigures]) -> None:
    path, figures = book
    with zipfile.ZipFile(path) as archive:
        charts = [archive.read(n).decode() for n in archive.namelist() if re.fullmatch(r"xl/charts/chart\d+.xml", n)]
    assert len(charts) == 2 * len(figures.pools)
    assert all('<c:grouping val="stacked"/>' in chart and "图表数据" in chart for chart in charts)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    city = small_city()
    options = RunOptions(tmp_path_factory.mktemp("sheets"), months="cases")
    return clear([*city.case_files, city.later], demo_area(), YEAR, options)


def test_a_runs_own_statement_holds_the_sheet_with_documents_tiers_and_edges(real: RunResult) -> None:
    figures: Any = real.published and real.published.figures
    cells = cells_of(real.folder / "statements" / "H37000000002.xlsx")
    texts = [text for _, text, _ in cells.values()]
    assert any("第1档 0 %–2 %" in text for text in texts)
    assert any(text.startswith("断点 质量保证金返还分档：90 分") for text in texts)
    assert "演示政策，非任何城市的规定 第十条" in texts
    balances = [number(cells, address) * 100 for address, cell in cells.items() if address[0] == "J" and cell[2]]
    assert balances == [balance for _, balance in stage_rows(figures, "H37000000002")]
