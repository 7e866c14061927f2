"""`dianzhi explain`: one case, step by step 「分组说明」, or a hospital's year line by line 「清算瀑布」.

It never imports the batch kernels, so it answers at once. A year is explained from its run folder alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import PackError, RunError
from engine.lang import choose, current, say


def explain(
    cases: Annotated[
        list[Path] | None, typer.Argument(help="case files or folders 病例文件", show_default=False)
    ] = None,
    case: Annotated[str | None, typer.Option("--case", help="settlement id 结算ID")] = None,
    pack: Annotated[Path | None, typer.Option("--pack", help="rule pack folder 分组方案")] = None,
    area: Annotated[str | None, typer.Option("--area", help="area folder or `demo`; its packs are used 统筹区")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="compatible or strict 校验档")] = None,
    run: Annotated[str | None, typer.Option("--run", help="run folder, or its id on --runs 运行目录")] = None,
    hospital: Annotated[str | None, typer.Option("--hospital", help="hospital of that run 医疗机构编号")] = None,
    pool: Annotated[str | None, typer.Option("--pool", help="310 or 390; default both 险种")] = None,
    months: Annotated[bool, typer.Option("--months", help="list prepayments month by month 逐月列出预付")] = False,
    runs: Annotated[Path, typer.Option("--runs", help="folder the runs stand in 运行目录")] = Path("runs"),
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en 语言")] = None,
) -> None:
    """Why a case is in its group (CASES --case), or a hospital's money line by line (--run --hospital) 说明."""
    if lang is not None:
        _choose(lang)
    if run is not None:
        if cases or case or pack or area or profile:
            raise typer.BadParameter(
                "a run is explained with --hospital, --pool, --months alone 不与病例参数同用", param_hint="--run"
            )
        _explain_year(run, runs, hospital, pool, months=months)
        return
    for name, given in (("--hospital", hospital), ("--pool", pool), ("--months", months)):
        if given:
            raise typer.BadParameter("only with --run 须与 --run 同用", param_hint=name)
    if not cases or case is None:
        raise typer.BadParameter(
            "give CASES with --case, or --run with --hospital 请给出病例文件与 --case，或 --run 与 --hospital",
            param_hint="CASES",
        )
    _explain_case(cases, case, pack, area, profile)


def _choose(lang: str) -> None:
    try:
        choose(lang)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--lang") from None


def _explain_case(cases: list[Path], case: str, pack: Path | None, area: str | None, profile: str | None) -> None:
    if profile is not None and profile not in ("compatible", "strict"):
        raise typer.BadParameter("one of: compatible, strict", param_hint="--profile")
    if pack is not None:
        from engine.single import explain_one

        lines = explain_one(cases, case, [pack], profile)
    elif area is not None:
        from engine.cli.where import demo_folder
        from engine.single_area import explain_in_area

        folder = demo_folder() if area == "demo" else Path(area)
        folder = folder / "policy" if (folder / "policy").is_dir() else folder
        lines = explain_in_area(cases, case, folder, profile)
    else:
        raise PackError(say("请给出 --pack 或 --area。", "give --pack or --area."))
    for line in lines:
        typer.echo(line)


def _explain_year(run: str, runs: Path, hospital: str | None, pool: str | None, *, months: bool) -> None:
    """The waterfall of a hospital, pool by pool."""
    from shutil import get_terminal_size

    from engine.cli.shelf import folder_of
    from engine.report.year_text import YearText, no_such_hospital
    from engine.run_reader import read_books

    folder = folder_of(run, runs)
    books = read_books(folder)
    if hospital is None or hospital not in books.hospitals:
        raise RunError(no_such_hospital(books, hospital or "（--hospital）", current()))
    held = books.pools_of(hospital)
    if pool is not None and pool not in held:
        raise RunError(
            say(f"{hospital} 在本次运行中没有险种 {pool}。有：", f"{hospital} has no pool {pool} in this run. It has: ")
            + "、".join(held)
        )
    width = get_terminal_size((100, 24)).columns
    for place, each in enumerate((pool,) if pool else held):
        if place:
            typer.echo("")
        for line in YearText(books, hospital, each, current(), width, months=months).text():
            typer.echo(line)
