"""From what a user writes after --area to the area itself 「统筹区所在」."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import PolicyError
from engine.lang import say

if TYPE_CHECKING:
    from engine.area import Area


def open_area(name: str, pack: Path | None = None) -> Area:
    """The area in a folder, or the embedded demo area."""
    from engine.area import load_area

    folder = demo_folder() if name == "demo" else Path(name)
    if not folder.is_dir():
        raise PolicyError(
            f"{name}: " + say("没有这个目录。请给出统筹区目录（含 policy/），或写 demo。",
                              "no such folder. Give an area folder (with policy/ inside), or `demo`.")
        )  # fmt: skip
    return load_area(folder, pack)


def demo_folder() -> Path:
    """Where the demo area stands: beside the packages, in a checkout or in the image."""
    try:
        import fixtures
    except ModuleNotFoundError:
        raise PolicyError(
            say("演示统筹区不在安装包中，请在源码目录中运行。",
                "the demo area is not part of the installed package; run this from a checkout of the sources.")
        ) from None  # fmt: skip
    return Path(str(fixtures.__file__)).parent / "demo"
