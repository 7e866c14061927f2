"""`dianzhi settle`: a year of any number of cases in constant memory 「流式清算」."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.cases import Area, Cases, Empty, Mapping, Out, PackOption, ProfileOption, Shelf, Threads
from engine.cli.shown import echo_tallies, progress_of
from engine.cli.where import open_area
from engine.lang import say

if TYPE_CHECKING:
    from engine.stream.settle import Streamed


def settle(
    cases: Cases,
    area: Area,
    year: Annotated[int, typer.Option(min=2000, max=2100, help="the year settled 清算年度", show_default=False)],
    also: Annotated[
        Path | None, typer.Option(help="a pack of the other kind, shown beside 同时按另一类方案分组")
    ] = None,
    pack: PackOption = None,
    runs: Shelf = Path("runs"),
    out: Out = None,
    profile: ProfileOption = None,
    mapping: Mapping = None,
    threads: Threads = 2,
    allow_empty: Empty = False,
) -> None:
    """A year of any number of cases: money by case and posting lines, in two passes 流式清算."""
    if profile not in (None, "compatible", "strict"):
        raise typer.BadParameter("one of: compatible, strict", param_hint="--profile")
    from engine.ledger.ahead import DigestsAhead

    # Files are read for their digests while the modules are loaded, which is work for one thread.
    with DigestsAhead(cases) as ahead:
        from engine.run_parts import RunOptions
        from engine.stream.settle import settle as run_settle

        with progress_of(say(f"{year} 年流式清算", f"settling {year}"), _rows_of(cases)) as advance:
            options = RunOptions(
                shelf=runs,
                out=out,
                profile=profile,  # type: ignore[arg-type]
                mapping=mapping,
                threads=threads,
                allow_empty=allow_empty,
                progress=advance,
                digest_input=ahead.digest,
            )
            result = run_settle(cases, open_area(area, pack), year, options, also)
    _echo(result)


def _rows_of(cases: Sequence[Path]) -> int | None:
    """How many rows the files say they have; None where one of them does not say, or nobody would see it."""
    if not sys.stderr.isatty():
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    from engine.cases.files import find_files
    from engine.errors import CaseFileError

    try:
        return sum(int(pq.read_metadata(path).num_rows) for path in find_files(cases))
    except (pa.ArrowException, OSError, CaseFileError):
        return None  # whoever reads them says what is wrong


def _echo(result: Streamed) -> None:
    """Counts, each pool's accounts, and where everything stands."""
    from rich.console import Console
    from rich.table import Table

    from engine.publish import value_text
    from engine.report.shown import yuan_text

    echo_tallies(result.counts, result.repairs, result.rejected_by_code, result.notes)
    table = Table(title=say("各险种清算（元）", "by pool (yuan)"), title_justify="left")
    table.add_column(say("险种", "pool"))
    for name in (
        *(say("点数", "points"), say("点值", "point value"), say("基金", "fund"), say("付医院", "to hospitals")),
        *(say("风险金余", "reserve left"), say("差额", "difference")),
    ):
        table.add_column(name, justify="right")
    for pool in result.year.pools:
        kept = pool.conservation
        points = sum(pot.points_e4 for pot in pool.pots)
        values = " ".join(value_text(pot.value.published, 8) for pot in pool.pots)
        money = (kept.fund_fen, kept.paid_to_hospitals_fen, kept.reserve_left_fen, kept.difference_fen)
        table.add_row(pool.pool, f"{points // 10**4:,}.{points % 10**4:04d}", values, *map(yuan_text, money))
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    folder = result.folder
    typer.echo(say(f"运行目录：{folder}", f"run folder: {folder}"))
    typer.echo(say(f"  病例：{folder / 'settled'}", f"  cases: {folder / 'settled'}"))
    typer.echo(say(f"  分录：{folder / 'lines.parquet'}", f"  posting lines: {folder / 'lines.parquet'}"))
