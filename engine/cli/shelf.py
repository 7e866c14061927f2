"""Where a run is that a user names, by its id or its folder 「运行所在」."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import RunError

Shelf = Annotated[Path, typer.Option("--runs", help="folder the runs stand in 运行目录")]
Run = Annotated[str, typer.Argument(help="run folder or run id 运行号或目录", show_default=False)]


def folder_of(run: str, shelf: Path) -> Path:
    """The folder of a run. Raises RunError if there is none."""
    for path in (Path(run), shelf / run):
        if path.is_dir():
            return path
    raise RunError(f"{run}: no such run, neither as a folder nor on {shelf}. `dianzhi runs list` shows what there is.")
