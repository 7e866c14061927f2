"""The result of two passes: a folder of Parquet files, a line a case 「流式结果」.

In: spilled pieces with the money of their pots; out: `settled/00000.parquet` and so on, pieces in order, a fixed number
of them a file, so that what stands in which file follows from the input alone. Amounts are decimals, exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from engine.casebook import whole
from engine.cases.columns import arrow_schema
from engine.editions import Editions
from engine.stream.encode import Cells, DecimalCells, Room, TextCells, UniqueCells, Words
from engine.stream.flat_file import flat_file
from engine.stream.spill import Spill
from pointvalue.cases import NONE
from pointvalue.model import AreaYear

I64 = npt.NDArray[np.int64]
PIECES_A_FILE = 8
NAMES = (
    *("setl_id", "fixmedins_code", "insutype", "setl_ym", "drg_code", "dip_code", "class_id"),
    *("setl_pt", "drg_dip_sumamt", "drg_dip_fund_payamt"),
)
"""Columns of the result, a part of those of `settled.parquet`, with the same meaning and type."""


SCHEMA = pa.schema([arrow_schema("settled").field(name) for name in NAMES])


@dataclass(frozen=True)
class Result:
    """What the tables of pieces refer to. `also_codes`: groups of the pack beside the area's own, by leaf."""

    area: AreaYear
    editions: Editions
    spill: Spill
    also_codes: tuple[str, ...] = ()

    def write(self, folder: Path, threads: int, progress: Callable[[int], None]) -> dict[str, int]:
        """Write all files; returns how many rows each has."""
        folder.mkdir()
        count = len(self.spill.shown.ends)
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

    def _piece(self, piece: int, room: Room) -> tuple[int, dict[str, Cells]]:
        """How many cases a piece has, and their columns."""
        table = self.spill.shown.read(piece)
        shown = {name: whole(table[name]) for name in table.column_names}
        pot, price = (np.asarray(shown[name].to_numpy()) for name in ("pot", "price"))
        standard, part = self._paid(piece, pot, price, room)
        valued = (pot >= 0) | np.asarray(shown["at_cost"].to_numpy(zero_copy_only=False))
        return len(pot), {
            "setl_id": UniqueCells(shown["setl_id"]),
            "fixmedins_code": TextCells(_numbers(shown["hospital"]), self._hospitals),
            "insutype": TextCells(_numbers(shown["pool"]), self._pools),
            "setl_ym": _coded(shown["setl_ym"]),
            "drg_code": self._drg(shown),
            "dip_code": _coded(shown["dip"]),
            "class_id": _coded(shown["class"]),
            "setl_pt": DecimalCells(np.asarray(shown["points"].to_numpy()), 18, 10_000, valued),
            "drg_dip_sumamt": DecimalCells(standard, 16, 1, valued),
            "drg_dip_fund_payamt": DecimalCells(part, 16),
        }

    def _paid(self, piece: int, pot: npt.NDArray[np.int16], price: I64, room: Room) -> tuple[I64, I64]:
        """(standard, fund part) of every case of a piece: what its pot paid, or no standard and its price."""
        counts = [one.counts[piece] for one in self.spill.pots]
        begin = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        paid = [room.array(f"paid {name}", np.int64, int(begin[-1])) for name in ("standard", "part")]
        for number, one in enumerate(self.spill.pots):
            for name, out in zip(("standard", "part"), paid, strict=True):
                one.worked(name, self._begins[number][piece], out[begin[number] : begin[number + 1]])
        standard, part = (room.array(name, np.int64, len(pot)) for name in ("standard", "part"))
        put = _put_in_place(pot, begin, paid[0], paid[1], price, standard, part)
        assert put == begin[-1], "every case of a pot stands in its place once"
        return standard, part

    @cached_property
    def _begins(self) -> list[list[int]]:
        return [pot.begins() for pot in self.spill.pots]

    def _drg(self, shown: Mapping[str, pa.Array]) -> TextCells:
        return TextCells(_numbers(shown["also" if self.also_codes else "result"]), self._groups)

    @cached_property
    def _hospitals(self) -> Words:
        return _words(self.area.hospital_codes)

    @cached_property
    def _pools(self) -> Words:
        return _words([pool.id for pool in self.area.pools])

    @cached_property
    def _groups(self) -> Words:
        return _words(self.also_codes) if self.also_codes else Words(self.editions.results["drg_code"])


@njit(nogil=True, cache=True)
def _put_in_place(
    pot: Any, begin: Any, standard: Any, part: Any, price: Any, standard_out: Any, part_out: Any
) -> int:  # fmt: skip
    """Amounts of the pots, one behind the other, in the order of the cases; returns how many there are, or −1 if a pot
    has not as many cases."""
    place, put = begin.copy(), 0
    for i in range(len(pot)):
        number = np.int64(pot[i])
        if number < 0:
            standard_out[i], part_out[i] = 0, price[i]
            continue
        if number >= len(begin) - 1:
            return -1
        at = place[number]
        if at == begin[number + 1]:
            return -1
        standard_out[i], part_out[i] = standard[at], part[at]
        place[number] = at + 1
        put += 1
    return put


def _words(texts: Sequence[str]) -> Words:
    return Words(pa.array(list(texts), pa.string()))


def _coded(values: pa.DictionaryArray) -> TextCells:
    return TextCells(_numbers(values.indices), Words(values.dictionary))


def _numbers(values: pa.Array) -> npt.NDArray[np.int32]:
    return np.asarray((values.fill_null(NONE) if values.null_count else values).to_numpy(), np.int32)
