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
    from engine.single import explain_one

    if profile is not None and profile not in ("compatible", "strict"):
        raise typer.BadParameter("one of: compatible, strict", param_hint="--profile")
    settling = pack is None and area is not None
    for line in explain_one(cases, case, _packs(pack, area), profile, settling=settling):
        typer.echo(line)


def _packs(pack: Path | None, area: str | None) -> list[Path]:
    from engine.cli.where import demo_folder

    if pack is not None:
        return [pack]
    if area is None:
        raise PackError(say("请给出 --pack 或 --area。", "give --pack or --area."))
    from datetime import date

    from engine.policy.case_params import PACKS
    from engine.policy.load import load_policy

    folder = demo_folder() if area == "demo" else Path(area)
    folder = folder / "policy" if (folder / "policy").is_dir() else folder
    desk = load_policy(folder).desk()
    return [folder / entry.path for entry in desk.at(PACKS, date.max)]
