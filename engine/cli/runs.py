"""`dianzhi runs`: what has been run, with what, and whether it is still what it was 「运行台账」."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.closings import close
from engine.cli.runs_again import replay
from engine.cli.runs_diff import diff
from engine.cli.shelf import Shelf, folder_of
from engine.errors import RunError
from engine.lang import say

app = typer.Typer(
    help="Runs on a shelf: list, show, verify, replay, diff, close 运行记录",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("replay")(replay)
app.command("diff")(diff)
app.command("close")(close)


@app.command("list")
def list_runs(runs: Shelf = Path("runs")) -> None:
    """Every finished run, oldest first within its area 列出运行."""
    from engine.ledger.closing import closed_periods
    from engine.ledger.store import runs_on

    found = runs_on(runs)
    closed = {
        area: closed_periods([manifest for _, manifest in found if manifest.area == area])
        for area in {manifest.area for _, manifest in found}
    }
    replaced = {(manifest.area, manifest.supersedes): manifest.run_id for _, manifest in found}
    if not found:
        typer.echo(say(f"{runs} 中没有运行记录。", f"no run on {runs}."))
    for _, manifest in found:
        counts = " ".join(f"{key}={value}" for key, value in sorted(manifest.counts.items()))
        state = ""
        if by := replaced.get((manifest.area, manifest.run_id)):
            state = say(f"  已被 {by} 取代", f"  superseded by {by}")
        elif manifest.kind in ("presettle", "clear") and (by := closed[manifest.area].get(manifest.period)):
            state = say(f"  已由 {by} 结账", f"  closed by {by}")
        typer.echo(
            f"{manifest.sequence:>4}  {manifest.run_id}  {manifest.kind:<9} {manifest.written_at}  {counts}{state}"
        )


@app.command("show")
def show_run(
    run: Annotated[str, typer.Argument(help="run folder or run id 运行号或目录")], runs: Shelf = Path("runs")
) -> None:
    """The manifest of one run: inputs, rules, counts, totals, outputs 查看运行清单."""
    from engine.ledger.manifest import MANIFEST_NAME, parse_manifest

    path = folder_of(run, runs) / MANIFEST_NAME
    parse_manifest(path)
    typer.echo(path.read_text(encoding="utf-8"), nl=False)


@app.command("verify")
def verify(
    run: Annotated[str | None, typer.Argument(help="one run; default: every run on the shelf 运行号或目录")] = None,
    runs: Shelf = Path("runs"),
) -> None:
    """Recompute every digest and the chain; name each file that changed 核验."""
    from engine.ledger.verify import verify_rules, verify_run, verify_shelf

    if run is None:
        if not runs.is_dir():
            raise RunError(f"{runs}: there is no such folder. Name the shelf with --runs.")
        seen, findings = verify_shelf(runs)
    else:
        folder = folder_of(run, runs)
        seen, findings = 1, verify_run(folder) or verify_rules(folder)
    for finding in findings:
        typer.echo(str(finding))
    if findings:
        raise RunError(say(f"{len(findings)} 处不符。", f"{len(findings)} finding(s): the run is not what it was."))
    typer.echo(say(f"{seen} 个运行核验无误。", f"{seen} run(s) verified: every byte is as sealed."))
