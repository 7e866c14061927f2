"""`dianzhi map`, `reduce`: one job in parts, for any scheduler 「分片作业」."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.cases import Cases, Mapping, Out, ProfileOption, Shelf, Supersedes, Threads
from engine.cli.shown import echo_counts, echo_result, progress_of
from engine.cli.where import demo_folder
from engine.lang import say

_SHARD = re.compile(r"(\d{1,5})/(\d{1,5})")


def map_shard(
    cases: Cases,
    shard: Annotated[str, typer.Option(help="which part of how many, like 3/7 第几片/共几片", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="folder of the parts 分片目录", show_default=False)],
    area: Annotated[str | None, typer.Option("--area", help="area folder, or `demo` 统筹区")] = None,
    period: Annotated[str | None, typer.Option(help="year or month, like 2025 or 2025-03 期间")] = None,
    pack: Annotated[Path | None, typer.Option("--pack", help="rule pack folder 分组方案")] = None,
    profile: ProfileOption = None,
    mapping: Mapping = None,
    threads: Threads = 2,
) -> None:
    """Read, validate and group one part of a job; a part already there is left alone 分片分组."""
    match = _SHARD.fullmatch(shard)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise typer.BadParameter("a shard is written like 3/7, counted from 1 分片写作 3/7", param_hint="--shard")
    if profile not in (None, "compatible", "strict"):
        raise typer.BadParameter("one of: compatible, strict", param_hint="--profile")
    from engine.execute.fast_cases import Shard
    from engine.execute.order import Order

    folder = None if area is None else demo_folder() if area == "demo" else Path(area).resolve()
    order = Order(
        area=None if folder is None else str(folder),
        period=period,
        pack=None if pack is None else str(pack.resolve()),
        profile=profile,
        mapping=mapping,
    )
    with progress_of(say(f"分片 {shard}", f"part {shard}")) as advance:
        part = order.map_part(cases, Shard(int(match[1]), int(match[2])), out, threads, advance)
    typer.echo(say(f"分片结果：{part}", f"part: {part}"))


def reduce_parts(
    parts: Annotated[Path, typer.Argument(help="folder of all parts 分片目录", show_default=False)],
    runs: Shelf = Path("runs"),
    out: Out = None,
    threads: Threads = 2,
    supersedes: Supersedes = None,
    months: Annotated[str, typer.Option(help="prepaid money from: posted, cases, auto 预付来源")] = "auto",
) -> None:
    """All parts of a job as one run, as if it had been run in one go 汇总分片."""
    from engine.execute.order import Order
    from engine.execute.parts import order_of

    order = Order.of(order_of(parts))
    if months not in ("auto", "posted", "cases"):
        raise typer.BadParameter("one of: auto, posted, cases", param_hint="--months")
    if order.area is None and out is None:
        raise typer.BadParameter("grouping needs --out 分组需要 --out", param_hint="--out")
    if order.area is None and out is not None and out.suffix == ".parquet":
        grouped, rejected = order.reduce_to_file(parts, out)
        typer.echo(say(f"分组结果：{out}（{grouped:,} 例，拒绝 {rejected:,} 行）",
                       f"grouped: {out} ({grouped:,} cases; {rejected:,} rows rejected)"))  # fmt: skip
        return
    with progress_of(say("汇总", "gathering")) as advance:
        result = order.reduce(
            parts, shelf=runs, out=out, threads=threads, supersedes=supersedes, months=months, progress=advance
        )
    if result.published is None:
        echo_counts(result.mapped)
    else:
        echo_result(result)
