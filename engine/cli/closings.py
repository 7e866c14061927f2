"""`dianzhi runs close`: a month or a year is closed 「结账」."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.shelf import Shelf
from engine.lang import say


def close(
    area: Annotated[
        str, typer.Option("--area", help="area code, area folder, or `demo` 统筹区或其代码", show_default=False)
    ],
    month: Annotated[str | None, typer.Option(help="the month closed, like 2025-03 结账月份")] = None,
    year: Annotated[int | None, typer.Option(min=2000, max=2100, help="or the year closed 或结账年度")] = None,
    runs: Shelf = Path("runs"),
) -> None:
    """Close a period: its run stays as it is, unless it is reopened with a reason 结账."""
    from engine.close import close as close_period

    if (month is None) == (year is None):
        raise typer.BadParameter("give either --month or --year 请给出 --month 或 --year 之一")
    if month is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise typer.BadParameter("a month is written like 2025-03 月份写作 2025-03", param_hint="--month")
    period = month or f"{year:04d}"
    folder = close_period(runs, _code_of(area), period)
    typer.echo(say(f"{period} 已结账：{folder}", f"{period} is closed: {folder}"))


def _code_of(area: str) -> str:
    """A code as it is, or the code a policy folder says."""
    from engine.cli.where import demo_folder
    from engine.policy.load import load_policy

    if re.fullmatch(r"\d{4,6}", area):
        return area
    folder = demo_folder() if area == "demo" else Path(area)
    return load_policy(folder / "policy" if (folder / "policy").is_dir() else folder).code
