"""The result of two passes: a folder of Parquet files, a line a case 「流式结果」.

In: spilled pieces with the money of their pots; out: `settled/00000.parquet` and so on, pieces in order, a fixed number
of them a file, so that what stands in which file follows from the input alone. Amounts are decimals, exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from engine.cases.columns import arrow_schema
from engine.stream.encode import Cells, Chunk, DecimalCells, Room
from engine.stream.flat_file import flat_file
from engine.stream.shown import COLUMNS, Shown
from engine.stream.spill import Spill
from pointvalue.cases import shut

I64 = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
PIECES_A_FILE = 8
NAMES = (*COLUMNS, "drg_dip_sumamt", "drg_dip_fund_payamt")
"""Columns of the result, a part of those of `settled.parquet`, with the same meaning and type."""


SCHEMA = pa.schema([arrow_schema("settled").field(name) for name in NAMES])


@dataclass(frozen=True)
class Result:
    """What a run left on disk, its cases paid."""

    spill: Spill

    def write(self, folder: Path, threads: int, progress: Callable[[int], None]) -> dict[str, int]:
        """Write all files; returns how many rows each has."""
        folder.mkdir()
        count = len(self.spill.shown)
        files = [range(low, min(count, low + PIECES_A_FILE)) for low in range(0, count, PIECES_A_FILE)]
        with ThreadPoolExecutor(threads) as pool:
            done = pool.map(lambda item: self._file(folder, *item), enumerate(files))
            rows = {}
            for name, written in done:
                progress(written)
                rows[name] = written
        return rows

    def _file(self, folder: Path, number: int, pieces: Sequence[int]) -> tuple[str, int]:
        name = f"{number:05d}.parquet"
        room = Room()
        with flat_file(folder / name, SCHEMA) as file:
            for piece in pieces:
                file.write(*self._piece(piece, room))
        return name, file.rows

    def _piece(self, piece: int, room: Room) -> tuple[int, dict[str, Cells | Chunk]]:
        """How many cases a piece has, and their columns."""
        shown = self.spill.shown.read(piece)
        standard, part, valued = self._paid(piece, shown, room)
        return len(shown), {
            **shown.chunks,
            "drg_dip_sumamt": DecimalCells(standard, 16, 1, valued),
            "drg_dip_fund_payamt": DecimalCells(part, 16),
        }

    def _paid(self, piece: int, shown: Shown, room: Room) -> tuple[I64, I64, Marks]:
        """(standard, fund part, whether there is a standard) of every case of a piece: what its pot paid, or no amount
        and its price."""
        counts = [one.counts[piece] for one in self.spill.pots]
        begin = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        paid = [room.array(f"paid {name}", np.int64, int(begin[-1])) for name in ("standard", "part")]
        for number, one in enumerate(self.spill.pots):
            for name, out in zip(("standard", "part"), paid, strict=True):
                one.worked(name, self._begins[number][piece], out[begin[number] : begin[number + 1]])
        standard, part = (room.array(name, np.int64, len(shown)) for name in ("standard", "part"))
        valued = room.array("valued", np.bool_, len(shown))
        apart = shut(shown.apart), shut(shown.valued)
        put = _put_in_place(shut(shown.pot), begin, paid[0], paid[1], *apart, standard, part, valued)
        assert put == begin[-1], "every case of a pot stands in its place once"
        return standard, part, valued

    @cached_property
    def _begins(self) -> list[list[int]]:
        return [pot.begins() for pot in self.spill.pots]


@njit(nogil=True, cache=True)
def _put_in_place(
    pot: Any, begin: Any, standard: Any, part: Any, price: Any, priced: Any, standard_out: Any, part_out: Any,
    valued: Any,
) -> int:  # fmt: skip
    """Amounts of the pots, one behind the other, in the order of the cases, and what the others have in theirs; returns
    how many cases have a pot, or −1 if a pot or the others have not as many cases."""
    place, put, apart = begin.copy(), 0, 0
    for i in range(len(pot)):
        number = np.int64(pot[i])
        if number < 0:
            if apart == len(price):
                return -1
            standard_out[i], part_out[i], valued[i] = 0, price[apart], priced[apart]
            apart += 1
            continue
        if number >= len(begin) - 1:
            return -1
        at = place[number]
        if at == begin[number + 1]:
            return -1
        standard_out[i], part_out[i], valued[i] = standard[at], part[at], True
        place[number] = at + 1
        put += 1
    return put if apart == len(price) and len(priced) == len(price) else -1
