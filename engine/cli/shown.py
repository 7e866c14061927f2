"""What a command shows at work and when done 「界面」: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from engine.lang import say

if TYPE_CHECKING:
    from engine.cases.read import ReadNote
    from engine.map_cases import MappedCases
    from engine.run_parts import RunResult


@contextmanager
def progress_of(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A running count of cases under `title`, of `total` where that is known. It moves on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    ]
    if total is not None:
        columns[3:3] = [TextColumn("/ {task.total:,.0f}"), BarColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda rows: bar.update(task, advance=rows)


def echo_counts(mapped: MappedCases) -> None:
    """Read = accepted + rejected, what was repaired, what was rejected and why, and notes about the files."""
    counts = {
        "read": mapped.read_count,
        "accepted": len(mapped.book) + len(mapped.other_period),
        "rejected": len(mapped.rejected),
        "other_period": len(mapped.other_period),
    }
    echo_tallies(counts, mapped.repairs, mapped.rejected_by_code, mapped.notes)


def echo_tallies(
    counts: Mapping[str, int], repairs: Mapping[str, int], rejected_by_code: Mapping[str, int], notes: list[ReadNote]
) -> None:
    """The same from numbers alone."""
    read, accepted, rejected = (counts[name] for name in ("read", "accepted", "rejected"))
    typer.echo(
        say(
            f"读取 {read:,} 行 = 接受 {accepted:,} + 拒绝 {rejected:,}",
            f"read {read:,} rows = accepted {accepted:,} + rejected {rejected:,}",
        )
    )
    if count := counts["other_period"]:
        typer.echo(
            say(f"其中 {count:,} 例不属于本期，未结算", f"of these {count:,} belong to another period, not settled")
        )
    if repairs:
        listed = ", ".join(f"{kind} {count:,}" for kind, count in repairs.items())
        typer.echo(say(f"已修正（不改变含义）：{listed}", f"repaired without changing meaning: {listed}"))
    if rejected_by_code:
        listed = ", ".join(f"{code} {count:,}" for code, count in rejected_by_code.items())
        typer.echo(say(f"拒绝原因：{listed}", f"rejected by code: {listed}"))
    for (zh, en), names in _by_text(notes).items():
        count = len(names)
        shown = names[0] if count == 1 else say(f"{names[0]} 等 {count} 个文件", f"{names[0]} and {count - 1} more")
        typer.echo(say(f"提示 {shown}：{zh}", f"note {shown}: {en}"))


def _by_text(notes: list[ReadNote]) -> dict[tuple[str, str], list[str]]:
    """Files by what is noted about them: twelve months with one thing in common are one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        found.setdefault((note.zh, note.en), []).append(note.file)
    return found


def echo_result(result: RunResult) -> None:
    """The clearing table and where everything stands."""
    from rich.console import Console

    from engine.report.console import render_clearing_table

    echo_counts(result.mapped)
    if result.published is not None:
        width = None if sys.stdout.isatty() else 140
        Console(width=width).print(render_clearing_table(result.published.figures))
    folder = result.folder
    typer.echo(say(f"运行目录：{folder}", f"run folder: {folder}"))
    if result.published is not None:
        count = len(result.published.statements)
        typer.echo(say(f"  汇总页：{folder / 'summary.html'}", f"  summary: {folder / 'summary.html'}"))
        typer.echo(
            say(
                f"  医院结算单：{folder / 'statements'}（{count} 份）",
                f"  statements: {folder / 'statements'} ({count})",
            )
        )


def echo_side_by_side(first: RunResult, second: RunResult) -> None:
    """Two clearings of the same cases by hospital 「DRG与DIP对照」: what the fund would pay under each."""
    from rich.console import Console
    from rich.table import Table

    from engine.report.shown import yuan_text

    published = [result.published for result in (first, second)]
    table = Table(title=say("DRG 与 DIP 对照（元）", "DRG and DIP side by side (yuan)"), title_justify="left")
    for name in (say("医疗机构", "hospital"), say("险种", "pool")):
        table.add_column(name)
    for name in ("统筹记账 booked", "DRG 基金标准", "DIP 基金标准", "DIP − DRG"):
        table.add_column(name, justify="right")
    figures = [one.figures for one in published if one is not None]
    rows = [{(row.hospital, row.pool): row for row in each.head_rows} for each in figures]
    for key in sorted(set(rows[0]) | set(rows[1])):
        drg, dip = (each.get(key) for each in rows)
        amounts = [0 if row is None else row.fund_standard_fen for row in (drg, dip)]
        booked = next(row.booked_fen for row in (drg, dip) if row is not None)
        name = figures[0].facts.hospital(key[0]).name
        shown = (booked, *amounts, amounts[1] - amounts[0])
        table.add_row(name, key[1], *(yuan_text(fen) for fen in shown))
    Console(width=None if sys.stdout.isatty() else 140).print(table)
