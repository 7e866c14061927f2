"""`dianzhi policy measure`, `simulate`, `advance`: what a policy is planned with 「测算」. Nothing here is posted.

Heavy imports wait until a command really runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.shown import progress_of
from engine.lang import say

if TYPE_CHECKING:
    from engine.policy.load import AreaPolicy

Cases = Annotated[
    list[Path], typer.Argument(help="case files or folders: .parquet .csv .xlsx 病例文件或目录", show_default=False)
]
AreaOption = Annotated[
    str, typer.Option("--area", help="area folder, policy folder, or `demo` 统筹区", show_default=False)
]
Years = Annotated[str, typer.Option(help="years of discharge, oldest first: 2022,2023,2024 年度", show_default=False)]
ProfileOption = Annotated[str, typer.Option("--profile", help="compatible or strict 校验档")]


def measure(
    cases: Cases,
    area: AreaOption,
    scheme: Annotated[str, typer.Option(help="point scheme to measure 付费方式", show_default=False)],
    years: Years,
    out: Annotated[Path, typer.Option("--out", help="new folder for the proposals 输出目录", show_default=False)],
    pack: Annotated[Path | None, typer.Option("--pack", help="groups every case; default: the newest 分组方案")] = None,
    profile: ProfileOption = "compatible",
    threads: Annotated[int, typer.Option(min=1, max=256, help="threads; never changes a result 线程数")] = 2,
) -> None:
    """Measure weights, region mean and coefficients from past years' cases 权重测算."""
    from engine.cli.measured import echo_measured
    from engine.measure import MeasureOptions, measure_policy
    from engine.measure_files import write_measured

    named = years_of(years)
    if profile not in ("compatible", "strict"):
        raise typer.BadParameter("one of: compatible, strict", param_hint="--profile")
    with progress_of(say("测算", "measuring")) as advance:
        options = MeasureOptions(pack, profile, None, threads, advance)  # type: ignore[arg-type]
        found = measure_policy(cases, policy_of(area), scheme, named, options)
    write_measured(out, found)
    echo_measured(found, out)


def years_of(text: str) -> list[int]:
    """Years as a user writes them, oldest first."""
    parts = [part.strip() for part in text.split(",")]
    if not all(len(part) == 4 and part.isdigit() for part in parts):
        raise typer.BadParameter("years are written like 2022,2023,2024 年度写作 2022,2023,2024", param_hint="--years")
    found = [int(part) for part in parts]
    if found != sorted(set(found)):
        raise typer.BadParameter("oldest first, each once 从早到晚，各写一次", param_hint="--years")
    return found


def policy_of(area: str) -> AreaPolicy:
    """The policy of an area folder, a policy folder, or the demo."""
    from engine.cli.where import demo_folder
    from engine.policy.load import load_policy

    folder = demo_folder() if area == "demo" else Path(area)
    return load_policy(folder / "policy" if (folder / "policy").is_dir() else folder)


def advance(
    area: AreaOption,
    year: Annotated[int, typer.Option(min=2000, max=2100, help="the year of the advance 年度", show_default=False)],
    runs: Annotated[Path, typer.Option("--runs", help="folder last year's runs stand in 运行目录")] = Path("runs"),
    standing: Annotated[
        Path | None, typer.Option("--standing", help="CSV of what each pool holds 基金运行情况")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="a CSV file for the rows 输出文件")] = None,
) -> None:
    """Who may have an advance of working capital, how much, and what stands against it 周转金预付."""
    from engine.advances import plan_advances, write_advances
    from engine.cli.advanced import echo_advances

    rows = plan_advances(policy_of(area), runs, year, standing)
    echo_advances(rows, year)
    if out is not None:
        write_advances(out, rows)
        typer.echo(say(f"明细：{out}", f"rows: {out}"))


def simulate(
    cases: Cases,
    other: Annotated[Path, typer.Option("--with", help="area or policy folder to try 试算政策", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="a .parquet file 输出文件", show_default=False)],
    run: Annotated[str | None, typer.Option("--run", help="standing clearing: folder or run id 已有清算")] = None,
    runs: Annotated[Path, typer.Option("--runs", help="folder the runs stand in 运行目录")] = Path("runs"),
    area: Annotated[
        str | None, typer.Option("--area", help="instead of --run: what stands is this policy 统筹区")
    ] = None,
    year: Annotated[int | None, typer.Option(min=2000, max=2100, help="with --area: the year 年度")] = None,
    pack: Annotated[Path | None, typer.Option("--pack", help="replaces the packs the policies name 分组方案")] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="threads; never changes a result 线程数")] = 2,
) -> None:
    """What another budget, other tiers or another point value would pay each hospital; nothing is posted 政策模拟."""
    from dataclasses import replace

    from engine.cli.shelf import folder_of
    from engine.cli.simulated import echo_simulation
    from engine.cli.where import open_area
    from engine.simulate import SimulateOptions, standing_policy, standing_run, write_simulation
    from engine.simulate import simulate as simulate_policy

    if (run is None) == (area is None) or (area is None) != (year is None):
        raise typer.BadParameter("give --run, or --area with --year 请给出 --run，或 --area 与 --year")
    if out.suffix != ".parquet":
        raise typer.BadParameter("a file ending in .parquet 文件名须以 .parquet 结尾", param_hint="--out")
    tried = open_area(str(other), pack)
    with progress_of(say("模拟", "simulating")) as advance:
        if run is not None:
            standing, options = standing_run(folder_of(run, runs), cases)
            options = replace(options, threads=threads, progress=advance)
        else:
            assert area is not None and year is not None
            options = SimulateOptions(threads=threads, progress=advance)
            standing, _ = standing_policy(cases, open_area(area, pack), year, options)
        found = simulate_policy(cases, standing, tried, options)
    write_simulation(out, found)
    echo_simulation(found)
    typer.echo(say(f"差额表：{out}（未入账）", f"differences: {out} (nothing posted)"))
