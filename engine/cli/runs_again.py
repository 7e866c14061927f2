"""`dianzhi runs replay`: a sealed run computed again and compared 「重算核对」."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.shelf import Run, Shelf, folder_of
from engine.errors import RunError
from engine.lang import say


def replay(
    run: Run,
    cases: Annotated[
        list[Path] | None, typer.Option("--cases", help="case files or folders, known by digest 病例文件或目录")
    ] = None,
    runs: Shelf = Path("runs"),
    threads: Annotated[int, typer.Option(min=1, max=256, help="threads; never changes a result 线程数")] = 2,
) -> None:
    """Compute a run again from the rules it kept and compare every byte 重算核对."""
    from engine.replay import replay as compute_again

    done = compute_again(folder_of(run, runs), cases or (), threads)
    for part, was, now in done.others:
        typer.echo(say(f"提示 {part}：记录为 {was}，现为 {now}", f"note: {part} was {was}, is {now}"))
    for difference in done.differences:
        typer.echo(str(difference))
    if done.differences:
        count = len(done.differences)
        raise RunError(say(f"{done.run_id}：{count} 处不同。", f"{done.run_id}: {count} difference(s)."))
    typer.echo(
        say(
            f"{done.run_id}：重算 {done.compared} 个文件，逐字节相同。",
            f"{done.run_id}: computed again, {done.compared} files, every byte the same.",
        )
    )
