"""DRG edition or DIP catalogue? Read from the pack's header before anything is loaded 「方案类型」."""

from __future__ import annotations

import tomllib
from pathlib import Path


def kind_of_pack(folder: Path) -> str:
    """`dip` if pack.toml says so, else `drg`; a header that cannot be read is the loader's to report."""
    header = folder / "pack.toml"
    if not header.is_file():
        return "drg"
    try:
        return str(tomllib.loads(header.read_text(encoding="utf-8-sig")).get("kind", "drg"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return "drg"
