"""`dianzhi demo`: the whole job on invented cases 「演示」: the demo city or an area folder, month by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.shown import echo_result, echo_side_by_side, progress_of
from engine.cli.where import demo_folder
from engine.lang import say

if TYPE_CHECKING:
    from engine.area import Area
    from engine.run_parts import RunResult
    from fixtures.areas import AreaFolder

YEAR = 2025
CITY = "demo"
CITY_CASES, CITY_SEED, CITY_LEAST = 120_000, 7, 2_000


def demo(
    out: Annotated[
        Path, typer.Option(help="where cases and runs go; a new folder if this one is taken 输出目录")
    ] = Path("demo-out"),
    cases: Annotated[
        int | None,
        typer.Option(
            min=100, max=5_000_000, help="cases in a year; default 120000, for an area what it says 病例数",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="same seed, same bytes; default 7 or the area's 随机种子", show_default=False)
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="threads; never changes a result 线程数")] = 2,
    scheme: Annotated[str, typer.Option(help="of the demo city: drg, dip, or both side by side 付费方式")] = "drg",
    area: Annotated[
        str, typer.Option(help="demo, or an area folder by name or code, like zibo or 370300 统筹区")
    ] = CITY,
) -> None:  # fmt: skip
    """Settle a year of an invented city, from cases to clearing statements 演示一个城市的全年结算."""
    if area != CITY:
        _demo_area(_area_of(area), _next_folder(out), cases, seed, threads)
        return
    if scheme not in ("drg", "dip", "both"):
        raise typer.BadParameter("one of: drg, dip, both", param_hint="--scheme")
    if cases is not None and cases < CITY_LEAST:
        raise typer.BadParameter(f"the demo city needs at least {CITY_LEAST}", param_hint="--cases")
    _demo_city(_next_folder(out), cases or CITY_CASES, CITY_SEED if seed is None else seed, threads, scheme)


def _demo_city(place: Path, cases: int, seed: int, threads: int, scheme: str) -> None:
    from engine.area import load_area
    from fixtures.generate import generate_city

    typer.echo(
        say(
            f"点值示范市 {YEAR} 年：虚构的城市、医院与病例，占位的政策。",
            f"The demo city, {YEAR}: city, hospitals and cases are invented, its policy holds placeholders.",
        )
    )
    with progress_of(say("生成病例", "making cases")):
        city = generate_city(place, cases, seed)
    chosen = ("drg", "dip") if scheme == "both" else (scheme,)
    results = {}
    for name in chosen:
        shelf = place / ("runs" if len(chosen) == 1 else f"runs_{name}")
        loaded = load_area(demo_folder() / ("policy" if name == "drg" else "policy_dip"))
        months = {month: city.months[f"{YEAR}{month:02d}"] for month in range(1, 13)}
        results[name] = _settle_year(months, [*city.case_files, city.later], loaded, YEAR, shelf, threads)
    for result in results.values():
        echo_result(result)
    if len(results) == 2:
        echo_side_by_side(results["drg"], results["dip"])


def _area_of(name: str) -> AreaFolder:
    demo_folder()  # says where the fixtures are missing
    from fixtures.areas import RecipeError, find_area

    try:
        return find_area(name)
    except RecipeError as error:
        raise typer.BadParameter(str(error), param_hint="--area") from None


def _demo_area(folder: AreaFolder, place: Path, cases: int | None, seed: int | None, threads: int) -> None:
    """The years of an area folder, one after the other on one shelf."""
    from engine.area import load_area
    from fixtures.area_cases import generate_year

    years = "、".join(str(year) for year in folder.years)
    typer.echo(
        say(
            f"{folder.name} {years} 年：医院与病例全部虚构；付费方式出自规划，金额多为占位值，见政策中每个值的标记。",
            f"{folder.name}, {years}: hospitals and cases are invented; the plan names the schemes, most amounts are "
            "placeholders: see the tag of every value.",
        )
    )
    loaded = load_area(folder.folder)
    for year in folder.years:
        with progress_of(say("生成病例", "making cases")):
            files = generate_year(
                folder, year, place / "cases" / str(year), cases or folder.cases, folder.seed if seed is None else seed
            )
        months = {int(month[4:]): (path,) for month, path in files.months.items()}
        echo_result(_settle_year(months, files.case_files, loaded, year, place / "runs", threads))


def _settle_year(
    months: Mapping[int, tuple[Path, ...]], every: Sequence[Path], area: Area, year: int, shelf: Path, threads: int
) -> RunResult:
    """The months of a year and its clearing."""
    from engine.run import clear, presettle
    from engine.run_parts import RunOptions

    for month, files in months.items():
        with progress_of(say(f"{year}-{month:02d} 月度预结算", f"presettling {year}-{month:02d}")) as advance:
            options = RunOptions(shelf=shelf, threads=threads, profile="strict", progress=advance)
            result = presettle(files, area, year, month, options)
        taken, refused, name = result.counts["in_period"], result.counts["rejected"], result.folder.name
        typer.echo(
            say(
                f"{year}-{month:02d}  病例 {taken:>7,}  拒绝 {refused:>4,}  → {name}",
                f"{year}-{month:02d}  cases {taken:>7,}  rejected {refused:>4,}  → {name}",
            )
        )
    with progress_of(say(f"{year} 年度清算", f"clearing {year}")) as advance:
        options = RunOptions(shelf=shelf, threads=threads, profile="strict", progress=advance)
        return clear(every, area, year, options)


def _next_folder(out: Path) -> Path:
    """`out` if it is new or empty, else the next free `out/run-N`: an earlier demo stays as it was."""
    if not out.exists() or not any(out.iterdir()):
        return out
    number = 2
    while (out.parent / f"{out.name}-{number}").exists():
        number += 1
    return out.parent / f"{out.name}-{number}"
