"""`dianzhi runs diff`: two runs side by side 「两次运行之差」."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

    found = diff_runs(folder_of(first, runs), folder_of(second, runs))
    console = Console(width=None if sys.stdout.isatty() else 160)
    typer.echo(f"{found.first.run_id} → {found.second.run_id}")
    for change in found.changes.rows:
        beyond = "" if change.felt else say("（不在本期）", " (not in this period)")
        typer.echo(f"  {change}{beyond}")
    if not found.changes.rows:
        typer.echo(
            say("  规则、参数、程序与病例文件都相同。", "  rules, parameters, program and case files are the same.")
        )
    if found.is_empty:
        typer.echo(say("结果没有变动。", "nothing moved."))
    else:
        for table in _tables(found, rows):
            console.print(table)
    if out is not None:
        for path in write_diff(found, out):
            typer.echo(say(f"已写入：{path}", f"written: {path}"))
    if exit_code and not found.is_empty:
        raise RunError(say("两次运行不同。", "the runs differ."))


def _tables(found: RunDiff, rows: int) -> list[Table]:
    """Why, whom, which cases, which lines; hospitals with the largest difference first."""
    cases, hospitals, lines = found.cases, found.hospitals, found.lines
    made = [_table(say(f"原因（{cases.height:,} 例）", f"why ({cases.height:,} cases moved)"), found.reasons(), rows)]
    if hospitals.height:
        order = hospitals["delta_fen"].abs().arg_sort(descending=True)
        title = say(f"医疗机构（{hospitals.height:,}）", f"hospitals ({hospitals.height:,})")
        made.append(_table(title, hospitals[order], rows))
    if cases.height:
        made.append(_table(say("病例", "cases"), cases, rows))
    if lines.height:
        made.append(_table(say(f"分录（{lines.height:,}）", f"posting lines ({lines.height:,})"), lines, rows))
    return made


def _table(title: str, frame: DataFrame, rows: int) -> Table:
    """The first rows of a frame; fen are shown as yuan."""
    from rich import box
    from rich.table import Table

    from engine.report.shown import yuan_text

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name, kind in frame.schema.items():
        plain = name.replace("_fen", "")
        table.add_column(plain, justify="right" if kind.is_numeric() else "left", overflow="fold")
    for row in frame.head(rows).iter_rows(named=True):
        shown = [
            yuan_text(cell) if "_fen" in name else "–" if cell is None else str(cell) for name, cell in row.items()
        ]
        table.add_row(*shown)
    if frame.height > rows:
        table.caption = say(f"共 {frame.height:,} 行，仅显示 {rows} 行；--out 写出全部",
                            f"{rows} of {frame.height:,} rows; --out writes all")  # fmt: skip
    return table
