"""Plain tables a run adds to its report page 「附表」: what is watched beside the accounts.

In: titles, columns and cells; out: records the page's template prints one after the other. A money cell is fen, None is
"not known" and shows as such, never as zero. It computes nothing: the modules of `engine.watch` fill it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Kind = Literal["text", "money", "signed", "count", "number"]
Cell: TypeAlias = int | str | None


class Head(NamedTuple):
    """A column: both names, and how its cells are written. `number` is text already, set to the right."""

    zh: str
    en: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class PageTable:
    """One table with its heading; `notes` stand below it, one a line."""

    zh: str
    en: str
    columns: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), f"{self.en}: a row of another width"
