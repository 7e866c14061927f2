"""`dianzhi map`, `reduce`: one job in parts, for any scheduler 「分片作业」."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.cases import Cases, Mapping, Out, ProfileOption, Shelf, Supersedes, Threads
from engine.cli.shown import echo_counts, echo_result, progress_of
from engine.cli.where import open_area
from engine.lang import say

if TYPE_CHECKING:
    from engine.run_parts import RunOptions

_SHARD = re.compile(r"(\d{1,5})/(\d{1,5})")
_PERIOD = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")


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
    """Read, validate and group one part of a job; parts already there are left alone 分片分组."""
    match = _SHARD.fullmatch(shard)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise typer.BadParameter("a shard is written like 3/7, counted from 1 分片写作 3/7", param_hint="--shard")
    if (area is None) != (period is None) or (area is None and pack is None):
        raise typer.BadParameter(
            "give --pack to group, or --area with --period to settle 给出 --pack，或 --area 与 --period"
        )
    order: dict[str, Any] = {
        "area": area if area in (None, "demo") else str(Path(area).resolve()),
        "period": period,
        "pack": None if pack is None else str(pack.resolve()),
        "profile": profile,
        "mapping": mapping,
    }
    from engine.execute.fast_cases import Shard
    from engine.execute.parts import write_part

    with progress_of(say(f"分片 {shard}", f"part {shard}")) as advance:
        demand, editions, scope = _asked(order, threads)
        part = write_part(
            cases, demand, editions, scope, Shard(int(match[1]), int(match[2])), out,
            mapping=mapping, threads=threads, order=order, progress=advance,
        )  # fmt: skip
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
    from engine.editions import Editions
    from engine.execute.parts import order_of
    from engine.run import clear, group, presettle

    order = order_of(parts)
    if months not in ("auto", "posted", "cases"):
        raise typer.BadParameter("one of: auto, posted, cases", param_hint="--months")
    with progress_of(say("汇总", "gathering")) as advance:
        options = _options(order, threads, shelf=runs, out=out, supersedes=supersedes, months=months, progress=advance)
        if order["area"] is None:
            if out is None:
                raise typer.BadParameter("grouping needs --out 分组需要 --out", param_hint="--out")
            mapped = group([parts], Editions.of(Path(order["pack"])), options).mapped
            echo_counts(mapped)
            return
        opened = open_area(order["area"], None if order["pack"] is None else Path(order["pack"]))
        year, month = _period(order["period"])
        result = clear([parts], opened, year, options) if month is None else presettle(
            [parts], opened, year, month, options
        )  # fmt: skip
    echo_result(result)


def _asked(order: dict[str, Any], threads: int) -> tuple[Any, Any, Any]:
    """Demand, editions and scope of the job, exactly as the command that runs it in one go has them."""
    from engine.clearing_table import Period
    from engine.editions import Editions
    from engine.run_parts import demand_of, scope_of

    options = _options(order, threads)
    pack = None if order["pack"] is None else Path(order["pack"])
    if order["area"] is None:
        assert pack is not None
        editions = Editions.of(pack)
        return demand_of("group", editions, options), editions, None
    year, month = _period(order["period"])
    opened = open_area(order["area"], pack)
    resolved = opened.for_year(year)
    opened = opened.routed(resolved)
    demand = demand_of("settle", opened.editions, options, resolved)
    return demand, opened.editions, scope_of(resolved, Period(year, month))


def _options(order: dict[str, Any], threads: int, **others: Any) -> RunOptions:
    from engine.run_parts import RunOptions

    profile = order["profile"]
    if profile not in (None, "compatible", "strict"):
        raise typer.BadParameter("one of: compatible, strict", param_hint="--profile")
    return RunOptions(profile=profile, mapping=order["mapping"], threads=threads, **others)


def _period(text: str) -> tuple[int, int | None]:
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise typer.BadParameter("like 2025 or 2025-03 写作 2025 或 2025-03", param_hint="--period")
    return int(match[1]), None if match[2] is None else int(match[2])
