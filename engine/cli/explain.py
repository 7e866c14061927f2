"""`dianzhi explain`: one case, step by step 「分组说明」. It never imports the batch kernels, so it answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import CaseFileError, PackError
from engine.lang import current, say


def explain(
    cases: Annotated[list[Path], typer.Argument(help="case files or folders 病例文件", show_default=False)],
    case: Annotated[str, typer.Option("--case", help="settlement id 结算ID", show_default=False)],
    pack: Annotated[Path | None, typer.Option("--pack", help="rule pack folder 分组方案")] = None,
    area: Annotated[str | None, typer.Option("--area", help="area folder or `demo`; its packs are used 统筹区")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="compatible or strict 校验档")] = None,
) -> None:
    """Why a case is in its group, and why not in another 说明一个病例为何入此组."""
    from engine.explain import explain_case
    from engine.single import SingleCase, find_case

    packs = _packs(pack, area)
    found: SingleCase = find_case(cases, case, packs, profile)
    if found.rejection is not None:
        raise CaseFileError(
            say(f"病例 {case} 未被接受：{found.rejection[0]}", f"case {case} was rejected: {found.rejection[1]}")
        )
    if found.case is None or found.pack is None:
        raise CaseFileError(
            say(f"文件中没有结算ID为 {case} 的病例。", f"no case with settlement id {case} in these files.")
        )
    explanation = explain_case(found.pack, found.case, current())
    typer.echo(f"{explanation.setl_id}  {explanation.pack_id}@{explanation.pack_version}  {explanation.drg}")
    for line in explanation.lines:
        typer.echo(line)


def _packs(pack: Path | None, area: str | None) -> list[Path]:
    from engine.cli.where import demo_folder

    if pack is not None:
        return [pack]
    if area is None:
        raise PackError(say("请给出 --pack 或 --area。", "give --pack or --area."))
    from engine.policy.case_params import PACKS
    from engine.policy.load import load_policy

    folder = demo_folder() if area == "demo" else Path(area)
    folder = folder / "policy" if (folder / "policy").is_dir() else folder
    desk = load_policy(folder).desk()
    from datetime import date

    return [folder / entry.path for entry in desk.at(PACKS, date.max)]
