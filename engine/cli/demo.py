"""`dianzhi demo`: the whole job on the embedded demo area 「演示」: cases made, twelve months, one clearing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.shown import echo_result, echo_side_by_side, progress_of
from engine.cli.where import demo_folder
from engine.lang import say

if TYPE_CHECKING:
    from engine.run_parts import RunResult
    from fixtures.generate import CityFiles

YEAR = 2025


def demo(
    out: Annotated[
        Path, typer.Option(help="where cases and runs go; a new folder if this one is taken 输出目录")
    ] = Path("demo-out"),
    cases: Annotated[int, typer.Option(min=2_000, max=5_000_000, help="discharges in the year 病例数")] = 120_000,
    seed: Annotated[int, typer.Option(help="same seed, same bytes 随机种子")] = 7,
    threads: Annotated[int, typer.Option(min=1, max=256, help="threads; never changes a result 线程数")] = 2,
    scheme: Annotated[str, typer.Option(help="drg, dip, or both side by side 付费方式")] = "drg",
) -> None:
    """Settle a year of the demo city, from invented cases to clearing statements 演示一个城市的全年结算."""
    from fixtures.generate import generate_city

    if scheme not in ("drg", "dip", "both"):
        raise typer.BadParameter("one of: drg, dip, both", param_hint="--scheme")
    place = _next_folder(out)
    typer.echo(
        say(
            f"点值示范市 {YEAR} 年：虚构的城市、医院与病例，占位的政策。",
            f"The demo city, {YEAR}: city, hospitals and cases are invented, its policy holds placeholders.",
        )
    )
    with progress_of(say("生成病例", "making cases")):
        city = generate_city(place, cases, seed)
    chosen = ("drg", "dip") if scheme == "both" else (scheme,)
    results = {name: _settle_year(city, name, _shelf(place, name, chosen), threads) for name in chosen}
    for result in results.values():
        echo_result(result)
    if len(results) == 2:
        echo_side_by_side(results["drg"], results["dip"])


def _shelf(place: Path, scheme: str, chosen: tuple[str, ...]) -> Path:
    return place / "runs" if len(chosen) == 1 else place / f"runs_{scheme}"


def _settle_year(city: CityFiles, scheme: str, shelf: Path, threads: int) -> RunResult:
    """Twelve months and the clearing of the city under one scheme."""
    from engine.area import load_area
    from engine.run import clear, presettle
    from engine.run_parts import RunOptions

    area = load_area(demo_folder() / ("policy" if scheme == "drg" else "policy_dip"))
    for month in range(1, 13):
        with progress_of(say(f"{YEAR}-{month:02d} 月度预结算", f"presettling {YEAR}-{month:02d}")) as advance:
            options = RunOptions(shelf=shelf, threads=threads, profile="strict", progress=advance)
            result = presettle(city.months[f"{YEAR}{month:02d}"], area, YEAR, month, options)
        taken, refused, name = result.counts["in_period"], result.counts["rejected"], result.folder.name
        typer.echo(
            say(
                f"{YEAR}-{month:02d}  病例 {taken:>7,}  拒绝 {refused:>4,}  → {name}",
                f"{YEAR}-{month:02d}  cases {taken:>7,}  rejected {refused:>4,}  → {name}",
            )
        )
    with progress_of(say(f"{YEAR} 年度清算", f"clearing {YEAR}")) as advance:
        options = RunOptions(shelf=shelf, threads=threads, profile="strict", progress=advance)
        return clear([*city.case_files, city.later], area, YEAR, options)


def _next_folder(out: Path) -> Path:
    """`out` if it is new or empty, else the next free `out/run-N`: an earlier demo stays as it was."""
    if not out.exists() or not any(out.iterdir()):
        return out
    number = 2
    while (out.parent / f"{out.name}-{number}").exists():
        number += 1
    return out.parent / f"{out.name}-{number}"
