"""What the result shows of a piece's cases but their money, as it will stand in the file 「可见列」.

In: columns of scored cases; out: `Shown`, the finished columns, a dozen bytes a case, and which pot pays each case.
Made in the first pass, by the thread that has the cases at hand, so that they need not be kept as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.editions import Editions
from engine.stream.encode import Cells, Chunk, DecimalCells, Encoder, TextCells, UniqueCells, Words
from engine.stream.piece_loops import set_apart
from pointvalue.cases import shut
from pointvalue.model import AreaYear

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
Coded = tuple[npt.NDArray[Any], tuple[str, ...]]
"""Numbers of texts, below 0 where there is none; the texts."""
COLUMNS = (
    *("setl_id", "fixmedins_code", "insutype", "setl_ym", "drg_code", "dip_code", "class_id"),
    "setl_pt",
)
"""Columns of the result that the first pass knows, in their order."""


@dataclass(frozen=True)
class Shown:
    """The cases of a piece. `apart`: the fund part of those no pot pays, in their order; `valued`: which of these show
    points and a standard."""

    chunks: Mapping[str, Chunk]
    pot: npt.NDArray[np.integer[Any]]
    """Number of each case's pot, −1 = none."""
    apart: I64
    valued: Marks

    def __len__(self) -> int:
        return len(self.pot)


@dataclass(frozen=True)
class Seen:
    """Columns of scored cases; `groups`, `hospital`, `pool` are numbers of the policy's and the packs' own lists."""

    ids: pa.Array
    hospital: npt.NDArray[Any]
    pool: npt.NDArray[Any]
    months: Coded
    groups: I32
    dip: Coded
    classes: Coded
    points: I64
    pot: npt.NDArray[np.int16]
    price: I64
    """Fund part of cases no pot pays; empty where there is no such case."""
    at_cost: Marks | None
    """Cases a pot does not pay that show points all the same; None = no such case."""


class _Encoders(threading.local):
    """One a thread."""

    def __init__(self) -> None:
        self.own = Encoder()


class Showing:
    """Makes `Shown` of pieces, whichever thread asks. `also_codes`: groups of a pack beside the area's own, by leaf;
    None: groups are answers of the area's packs."""

    def __init__(self, area: AreaYear, editions: Editions, also_codes: Sequence[str] | None = None) -> None:
        self._hospitals = Words(pa.array(area.hospital_codes, pa.string()))
        self._pools = Words(pa.array([pool.id for pool in area.pools], pa.string()))
        self._groups = Words(editions.results["drg_code"] if also_codes is None else pa.array(also_codes, pa.string()))
        self._encoders = _Encoders()

    def of(self, seen: Seen) -> Shown:
        """The cases of a piece, which has some or none."""
        valued, apart, valued_apart = _set_apart(seen)
        chunks = {}
        if len(seen.pot):
            encoder = self._encoders.own
            chunks = {name: encoder.chunk(cells) for name, cells in self._cells(seen, valued).items()}
        return Shown(chunks, seen.pot, apart, valued_apart)

    def _cells(self, seen: Seen, valued: Marks | None) -> dict[str, Cells]:
        cells = (
            UniqueCells(seen.ids),
            TextCells(seen.hospital, self._hospitals),
            TextCells(seen.pool, self._pools),
            TextCells(seen.months[0], _words(seen.months[1])),
            TextCells(seen.groups, self._groups),
            TextCells(seen.dip[0], _words(seen.dip[1])),
            TextCells(seen.classes[0], _words(seen.classes[1])),
            DecimalCells(seen.points, 18, 10_000, valued),
        )
        return dict(zip(COLUMNS, cells, strict=True))


def _set_apart(seen: Seen) -> tuple[Marks | None, I64, Marks]:
    """Which cases show points (None: all); price and that mark of those no pot pays."""
    count = len(seen.pot)
    if not len(seen.price):
        assert count == 0 or int(seen.pot.min()) >= 0, "a case no pot pays has its price"
        return None, np.zeros(0, np.int64), np.zeros(0, np.bool_)
    valued, apart, valued_apart = np.empty(count, np.bool_), np.empty(count, np.int64), np.empty(count, np.bool_)
    marks = np.zeros(0, np.bool_) if seen.at_cost is None else seen.at_cost
    found = int(set_apart(shut(seen.pot), shut(seen.price), shut(marks), valued, apart, valued_apart))
    return valued, apart[:found].copy(), valued_apart[:found].copy()


@lru_cache(maxsize=16)
def _words(texts: tuple[str, ...]) -> Words:
    """Pieces name the same texts again and again."""
    return Words(pa.array(texts, pa.string()))
