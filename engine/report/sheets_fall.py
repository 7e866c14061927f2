"""The sheet 清算瀑布 of a statement: posting lines in the order of the clearing, with live sums and the engine's own.

In: the figures of a run and a hospital; out: one sheet, pool after pool. Each line stands as yuan and as the engine's
whole fen; each stage ends in SUM formulas over the lines above it, beside the engine's integer and their difference,
which is 0. Formulas are made from row numbers alone; everything from a policy or a run is written as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.report.cliff_words import cliff_text
from engine.report.figures import PostingLine, RunFigures
from engine.report.labels import POOLS, TAGS, label
from engine.report.sheets_chart import ChartPlace, step
from engine.report.shown import yuan_cell
from engine.report.stages import FallLine, FallStage, waterfall
from engine.report.tier_words import TierWords
from engine.report.waterfall import Step
from engine.report.workbook import Book, Column, Sheet

SHEET = "清算瀑布"
COLUMNS = [
    Column("项目", "Item", "text", 30),
    Column("英文", "English", "text", 26),
    Column("期间", "Period", "text", 9),
    Column("分录号", "Line", "int", 8),
    Column("规则参数", "Rule key", "text", 22),
    Column("证据", "Evidence tag", "text", 13),
    Column("依据文件", "Document", "text", 28),
    Column("金额", "Amount", "yuan", 17),
    Column("小计（公式）", "Subtotal, live", "yuan", 17),
    Column("余额（公式）", "Balance, live", "yuan", 17),
    Column("引擎金额（分）", "Engine, fen", "int", 16),
    Column("核对", "Check, 0", "int", 8),
]
AMOUNT, SUBTOTAL, BALANCE, ENGINE, CHECK = 7, 8, 9, 10, 11
CHART_ROWS = 19


class _Rows(NamedTuple):
    """Where a pool's lines begin, and where the stage being written begins; 0-based rows."""

    pool: int
    stage: int


def fall_sheet(book: Book, hospital: str, figures: RunFigures) -> list[ChartPlace]:
    """清算瀑布: every pool's stages, how its gap was shared, edges close by, and room for its picture."""
    page = Sheet(book, SHEET, pages=(1, 0))
    facts = figures.facts
    who = f"{facts.hospital(hospital).name}（{hospital}）　运行 {facts.run_id}"
    page.title(f"{facts.period} {SHEET}", f"{who}　单位：元 yuan；小计与余额为公式 live sums，核对应为 0")
    page.header(COLUMNS, freeze_columns=1)
    places: list[ChartPlace] = []
    ends: list[int] = []
    mine = [line for line in figures.lines if line.hospital == hospital]
    for pool in [row.pool for row in figures.head_rows if row.hospital == hospital]:
        lines = [line for line in mine if line.pool == pool]
        stages = waterfall(lines, year=facts.kind == "clear")
        _pool(page, figures, pool, stages)
        _remarks(page, figures, hospital, pool, lines)
        places.append(ChartPlace(page, page.row, pool, chart_steps(stages)))
        page.row += CHART_ROWS
        ends.append(page.row)
    page.sheet.set_h_pagebreaks(ends[:-1])
    return places


def chart_steps(stages: tuple[FallStage, ...]) -> tuple[Step, ...]:
    """The picture: a column a line, a total where a stage ends."""
    found = []
    for stage in stages:
        found += [step(each.name.zh, each.line.amount_fen) for each in stage.lines]
        if stage.lines:
            found.append(step(stage.result.zh.partition("（")[0], stage.balance_fen, is_total=True))
    return tuple(found)


def _pool(page: Sheet, figures: RunFigures, pool: str, stages: tuple[FallStage, ...]) -> None:
    names, first = label(POOLS, pool), page.row + 2
    _head(page, f"{names.zh} {pool}", names.en)
    for stage in stages:
        _head(page, stage.name.zh, stage.name.en)
        at = _Rows(first, page.row)
        for each in stage.lines:
            _line(page, figures, each)
        _result(page, stage, at)


def _head(page: Sheet, zh: str, en: str) -> None:
    style = page.book.format(bold=True, font_color="#1F4E79", top=1)
    for column in range(len(COLUMNS)):
        page.sheet.write_blank(page.row, column, None, style)
    page.sheet.write_string(page.row, 0, zh, style)
    page.sheet.write_string(page.row, 1, en, style)
    page.row += 1


def _line(page: Sheet, figures: RunFigures, each: FallLine) -> None:
    """One posting line: names, period, number, ground, yuan, fen."""
    line, row = each.line, page.row
    tag = f"{line.tag} {label(TAGS, line.tag).zh}" if line.tag else ""
    document = figures.grounds.document(line.rule)
    page.add(
        [
            *each.name,
            line.period,
            line.line,
            line.rule,
            tag,
            document,
            line.amount_fen,
            None,
            None,
            line.amount_fen,
            None,
        ]
    )
    page.formula(CHECK, _check(AMOUNT, row), 0, page.book.cell_format("int"), row)


def _result(page: Sheet, stage: FallStage, at: _Rows) -> None:
    """The end of a stage: its own sum, the balance of all lines of the pool so far, and the engine's balance."""
    row, last = page.row, page.row - 1
    page.add([*stage.result, *[None] * (len(COLUMNS) - 4), stage.balance_fen, None], bold=True)
    strong: dict[str, object] = {"bold": True, "bg_color": "#E8EEF5", "top": 1, "top_color": "#1F4E79"}
    yuan, whole = page.book.cell_format("yuan", **strong), page.book.cell_format("int", **strong)
    own = _sum(at.stage, last) if stage.lines else "=0"
    page.formula(SUBTOTAL, own, yuan_cell(stage.amount_fen), yuan, row)
    page.formula(BALANCE, _sum(at.pool, last), yuan_cell(stage.balance_fen), yuan, row)
    page.formula(CHECK, _check(BALANCE, row), 0, whole, row)


def _sum(first: int, last: int) -> str:
    """Over the amounts of lines; heads and results leave that column empty."""
    return f"=SUM({_cell(AMOUNT, first)}:{_cell(AMOUNT, max(first, last))})"


def _check(column: int, row: int) -> str:
    """The distance in fen between a cell in yuan and the engine's integer."""
    return f"=ROUND({_cell(column, row)}*100,0)-{_cell(ENGINE, row)}"


def _cell(column: int, row: int) -> str:
    return f"{chr(ord('A') + column)}{row + 1}"


def _remarks(page: Sheet, figures: RunFigures, hospital: str, pool: str, lines: Sequence[PostingLine]) -> None:
    """Tiers, assessment, scale-back and deposit release in words, edges close by, unverified values."""
    words = TierWords(figures.grounds.tiers_of(hospital, pool), "zh")
    texts = [*words.tiers(), *(words.scaled() or words.assessment())]
    texts += ["断点 " + cliff_text(row, "zh") for row in figures.grounds.cliffs_of(hospital, pool)]
    if keys := dict.fromkeys(f"{row['rule']}（{row['tag']}）" for row in figures.grounds.unverified(lines)):
        texts.append("未核实或占位的参数，不得作为当地政策引用：" + "、".join(keys))
    for text in texts:
        page.note(text)
