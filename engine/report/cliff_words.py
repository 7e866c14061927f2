"""Edges in words 「断点说明」. Filled in beside `cliffs.parquet`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def cliff_text(row: Mapping[str, Any], lang: str) -> str:
    """One edge a hospital stands near."""
    return str(row) if lang else ""
