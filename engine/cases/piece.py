"""What every kind of file hands on: some rows, and where they stood 「数据片」.

`CaseTable` is the shape the readers share; a `Piece` is a bounded run of rows under the file's own headers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.cases.aliases import HeaderMap


@dataclass(frozen=True)
class Piece:
    """Rows of one file. `rows` are their numbers in it, from 1; `misshapen` the numbers of rows that could not be
    split into cells and are not in `frame`."""

    frame: pl.DataFrame
    rows: npt.NDArray[np.int64]
    misshapen: list[int] = field(default_factory=list)


class CaseTable(Protocol):
    """One open file."""

    path: Path
    name: str
    header: list[str]
    notes: list[tuple[str, str]]
    """What the user should know about how it was read, in Chinese and English."""

    def check(self, header: HeaderMap, needed: Sequence[str]) -> None: ...

    def pieces(self, needed: Sequence[str], batch_rows: int) -> Iterator[Piece]: ...
