"""`dianzhi explain`: one case, step by step 「分组说明」. It never imports the batch kernels, so it answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import PackError
from engine.lang import say


def explain(
    cases: Annotated[list[Path], typer.Argument(help="case files or folders 病例文件", show_default=False)],
    case: Annotated[str, typer.Option("--case", help="settlement id 结算ID", show_default=False)],
    pack: Annotated[Path | None, typer.Option("--pack", help="rule pack folder 分组方案")] = None,
    area: Annotated[str | None, typer.Option("--area", help="area folder or `demo`; its packs are used 统筹区")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="compatible or strict 校验档")] = None,
) -> None:
    """Why a case is in its group, and why not in another 说明一个病例为何入此组."""
    from engine.cli.where import demo_folder

    if profile is not None and profile not in ("compatible", "strict"):
        raise typer.BadParameter("one of: compatible, strict", param_hint="--profile")
    if pack is not None:
        from engine.single import explain_one

        lines = explain_one(cases, case, [pack], profile)
    elif area is not None:
        from engine.single_area import explain_in_area

        folder = demo_folder() if area == "demo" else Path(area)
        folder = folder / "policy" if (folder / "policy").is_dir() else folder
        lines = explain_in_area(cases, case, folder, profile)
    else:
        raise PackError(say("请给出 --pack 或 --area。", "give --pack or --area."))
    for line in lines:
        typer.echo(line)
