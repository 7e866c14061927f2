"""`dianzhi group`, `presettle`, `clear`: from case files to a run 「分组、月度预结算、年度清算」."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.shown import echo_counts, echo_result, progress_of
from engine.cli.where import open_area
from engine.lang import say

if TYPE_CHECKING:
    from engine.run_parts import RunOptions

Cases = Annotated[
    list[Path], typer.Argument(help="case files or folders: .parquet .csv .xlsx 病例文件或目录", show_default=False)
]
Area = Annotated[
    str,
    typer.Option("--area", help="area folder (policy/ and packs), policy folder, or `demo` 统筹区", show_default=False),
]
PackOption = Annotated[Path | None, typer.Option("--pack", help="rule pack folder; replaces the area's own 分组方案")]
Shelf = Annotated[Path, typer.Option("--runs", help="folder the runs stand in 运行目录")]
Out = Annotated[Path | None, typer.Option("--out", help="this very run folder instead of the next one 输出目录")]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="compatible or strict; default: the pack's 校验档")
]
Mapping = Annotated[bool | None, typer.Option("--mapping/--no-mapping", help="code mapping on or off 编码映射")]
Threads = Annotated[int, typer.Option(min=1, max=256, help="threads; never changes a result 线程数")]
Supersedes = Annotated[str | None, typer.Option(help="run id this run corrects 更正的运行号")]
Detail = Annotated[bool, typer.Option("--case-detail", help="a sheet with every case in the workbooks 病例明细")]
Keep = Annotated[bool, typer.Option("--keep-inputs", help="the shelf keeps the case files too 留存病例文件")]
Reopen = Annotated[str | None, typer.Option(help="why a closed period is settled again 重开已结账期间的理由")]
Empty = Annotated[bool, typer.Option("--allow-empty", help="settle a period without one case 允许没有病例")]
Months = Annotated[str, typer.Option(help="prepaid money from: posted, cases, auto 预付来源")]


def group(
    cases: Cases,
    pack: Annotated[Path, typer.Option("--pack", help="rule pack folder 分组方案", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", help="run folder, or one file ending in .parquet 输出", show_default=False)
    ],
    profile: ProfileOption = None,
    mapping: Mapping = None,
    threads: Threads = 2,
    keep_inputs: Keep = False,
) -> None:
    """Group cases under one rule pack 分组."""
    from engine.editions import Editions
    from engine.run import group as run_group
    from engine.run import group_to_file, rejected_beside

    with progress_of(say("分组", "grouping")) as advance:
        options = _options(
            out=out, profile=profile, mapping=mapping, threads=threads, keep_inputs=keep_inputs, progress=advance
        )
        editions = Editions.of(pack)
        if out.suffix == ".parquet":
            mapped, where = group_to_file(cases, editions, out, options), out
        else:
            mapped, where = run_group(cases, editions, options).mapped, out / "grouped.parquet"
    echo_counts(mapped)
    typer.echo(say(f"分组结果：{where}", f"grouped: {where}"))
    if mapped.rejected.height:
        beside = rejected_beside(out) if where == out else out / "rejected.parquet"
        typer.echo(say(f"拒绝清单：{beside}", f"rejected rows: {beside}"))


def presettle(
    cases: Cases,
    area: Area,
    month: Annotated[str, typer.Option(help="the month settled, like 2025-03 结算月份", show_default=False)],
    pack: PackOption = None,
    runs: Shelf = Path("runs"),
    out: Out = None,
    profile: ProfileOption = None,
    mapping: Mapping = None,
    threads: Threads = 2,
    supersedes: Supersedes = None,
    case_detail: Detail = False,
    allow_empty: Empty = False,
    keep_inputs: Keep = False,
    reopen: Reopen = None,
) -> None:
    """Settle one month at the budget point value 月度预结算."""
    from engine.run import presettle as run_presettle

    match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", month)
    if match is None:
        raise typer.BadParameter("a month is written like 2025-03 月份写作 2025-03", param_hint="--month")
    with progress_of(say(f"{month} 预结算", f"presettling {month}")) as advance:
        options = _options(
            runs, out, profile, mapping, threads, supersedes, case_detail, allow_empty,
            keep_inputs=keep_inputs, reopen=reopen, progress=advance,
        )  # fmt: skip
        result = run_presettle(cases, open_area(area, pack), int(match[1]), int(match[2]), options)
    echo_result(result)


def clear(
    cases: Cases,
    area: Area,
    year: Annotated[int, typer.Option(min=2000, max=2100, help="the year cleared 清算年度", show_default=False)],
    pack: PackOption = None,
    runs: Shelf = Path("runs"),
    out: Out = None,
    profile: ProfileOption = None,
    mapping: Mapping = None,
    threads: Threads = 2,
    supersedes: Supersedes = None,
    case_detail: Detail = False,
    allow_empty: Empty = False,
    months: Months = "auto",
    keep_inputs: Keep = False,
    reopen: Reopen = None,
) -> None:
    """Clear a year: point value, standards, sharing, cash 年度清算."""
    from engine.run import clear as run_clear

    if months not in ("auto", "posted", "cases"):
        raise typer.BadParameter("one of: auto, posted, cases", param_hint="--months")
    with progress_of(say(f"{year} 年清算", f"clearing {year}")) as advance:
        options = _options(
            runs, out, profile, mapping, threads, supersedes, case_detail, allow_empty, months,
            keep_inputs=keep_inputs, reopen=reopen, progress=advance,
        )  # fmt: skip
        result = run_clear(cases, open_area(area, pack), year, options)
    echo_result(result)


def _options(
    runs: Path = Path("runs"),
    out: Path | None = None,
    profile: str | None = None,
    mapping: bool | None = None,
    threads: int = 2,
    supersedes: str | None = None,
    case_detail: bool = False,
    allow_empty: bool = False,
    months: str = "auto",
    *,
    keep_inputs: bool = False,
    reopen: str | None = None,
    progress: Callable[[int], None],
) -> RunOptions:
    from engine.run_parts import RunOptions

    if profile is not None and profile not in ("compatible", "strict"):
        raise typer.BadParameter("one of: compatible, strict", param_hint="--profile")
    return RunOptions(
        shelf=runs, out=out, profile=profile, mapping=mapping, threads=threads,  # type: ignore[arg-type]
        supersedes=supersedes, case_detail=case_detail, allow_empty=allow_empty, months=months,
        keep_inputs=keep_inputs, reopen=reopen, progress=progress,
    )  # fmt: skip
