"""`dianzhi runs diff`: two runs side by side 「两次运行之差」."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.shelf import Run, Shelf, folder_of
from engine.errors import RunError
from engine.lang import say

if TYPE_CHECKING:
    from polars import DataFrame
    from rich.table import Table

    from engine.diff import RunDiff


def diff(
    first: Run,
    second: Run,
    runs: Shelf = Path("runs"),
    out: Annotated[
        Path | None, typer.Option(help=".parquet or .csv: moved cases; hospitals, lines, rules beside it 输出文件")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="rows shown of each table 每表显示行数")] = 20,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="fail with 7 if anything moved 有变动即返回7")] = False,
) -> None:
    """What moved between two runs, and the rule that moved it 比较两次运行."""
    from rich.console import Console

    from engine.diff import diff_runs, write_diff
    from engine.diff_words import in_chinese

    found = diff_runs(folder_of(first, runs), folder_of(second, runs))
    console = Console(width=None if sys.stdout.isatty() else 160)
    typer.echo(f"{found.first.run_id} → {found.second.run_id}")
    numbered = {str(change): f"({at})" for at, change in enumerate(found.changes.rows, 1)}
    for change in found.changes.rows:
        beyond = "" if change.felt else say("（不在本期）", " (not in this period)")
        typer.echo(f"  {numbered[str(change)]} {say(in_chinese(str(change)), str(change))}{beyond}")
    if not found.changes.rows:
        typer.echo(
            say("  规则、参数、程序与病例文件都相同。", "  rules, parameters, program and case files are the same.")
        )
    if found.is_empty:
        typer.echo(say("结果没有变动。", "nothing moved."))
    else:
        for table in _tables(found, rows, numbered):
            console.print(table)
    if out is not None:
        for path in write_diff(found, out):
            typer.echo(say(f"已写入：{path}", f"written: {path}"))
    if exit_code and not found.is_empty:
        raise RunError(say("两次运行不同。", "the runs differ."))


def _tables(found: RunDiff, rows: int, numbered: Mapping[str, str]) -> list[Table]:
    """Why, whom, which cases, which lines; hospitals with the largest difference first."""
    cases, hospitals, lines = found.cases, found.hospitals, found.lines
    made = [
        _table(
            say(f"原因（{cases.height:,} 例）", f"why ({cases.height:,} cases moved)"), found.reasons(), rows, numbered
        )
    ]
    if hospitals.height:
        order = hospitals["delta_fen"].abs().arg_sort(descending=True)
        title = say(f"医疗机构（{hospitals.height:,}）", f"hospitals ({hospitals.height:,})")
        made.append(_table(title, hospitals[order], rows, numbered))
    if cases.height:
        made.append(_table(say("病例", "cases"), cases, rows, numbered))
    if lines.height:
        made.append(
            _table(say(f"分录（{lines.height:,}）", f"posting lines ({lines.height:,})"), lines, rows, numbered)
        )
    return made


def _table(title: str, frame: DataFrame, rows: int, numbered: Mapping[str, str]) -> Table:
    """The first rows of a frame: fen as yuan, pairs as from → to, a rule by its number in the list above."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    names = [name for name in frame.columns if not (name.endswith("_b") and name[:-2] in frame.columns)]
    for name in names:
        right = frame.schema[name].is_numeric()
        table.add_column(name.replace("_fen", ""), justify="right" if right else "left", overflow="fold")
    for row in frame.head(rows).iter_rows(named=True):
        table.add_row(*(Text(_cell(name, row, numbered)) for name in names))
    if frame.height > rows:
        table.caption = say(f"共 {frame.height:,} 行，仅显示 {rows} 行；--out 写出全部",
                            f"{rows} of {frame.height:,} rows; --out writes all")  # fmt: skip
    return table


def _cell(name: str, row: Mapping[str, Any], numbered: Mapping[str, str]) -> str:
    from engine.diff_words import STEPS_ZH, in_chinese
    from engine.report.shown import yuan_text

    def shown(value: Any) -> str:
        return "–" if value is None else yuan_text(value) if "_fen" in name else str(value)

    if name == "reason":
        text = str(row[name])
        for rule, number in numbered.items():
            text = text.replace(rule, number)
        return say(in_chinese(text), text)
    if name == "step":
        return say(STEPS_ZH.get(row[name], row[name]), row[name])
    was, now = shown(row[name]), shown(row.get(f"{name}_b", row[name]))
    return was if was == now else f"{was} → {now}"
