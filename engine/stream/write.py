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

from engine.cases.columns import arrow_schema
from engine.editions import Editions
from engine.money import decimal_from_fen, decimal_from_points_e4
from engine.stream.spill import Spill
from engine.write_parquet import looked_up, row_writer
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
        name, rows = f"{number:05d}.parquet", 0
        with row_writer(folder / name, SCHEMA, lean=True) as write:
            for piece in pieces:
                made = self._piece(piece)
                rows += len(made["setl_id"])
                write(made)
        return name, rows

    def _piece(self, piece: int) -> Mapping[str, pa.Array]:
        shown = self.spill.shown.read(piece)
        pot, price = (np.asarray(shown[name].to_numpy()) for name in ("pot", "price"))
        standard, part = self._paid(piece, pot, price)
        valued = (pot >= 0) | np.asarray(shown["at_cost"].to_numpy(zero_copy_only=False))
        return {
            "setl_id": shown["setl_id"],
            "fixmedins_code": looked_up(_texts(self.area.hospital_codes), shown["hospital"].to_numpy()),
            "insutype": looked_up(_texts([pool.id for pool in self.area.pools]), shown["pool"].to_numpy()),
            "setl_ym": shown["setl_ym"],
            "drg_code": self._drg(shown),
            "dip_code": shown["dip"],
            "class_id": shown["class"],
            "setl_pt": decimal_from_points_e4(shown["points"].to_numpy(), valid=valued),
            "drg_dip_sumamt": decimal_from_fen(standard, valid=valued),
            "drg_dip_fund_payamt": decimal_from_fen(part),
        }

    def _paid(self, piece: int, pot: npt.NDArray[np.int16], price: I64) -> tuple[I64, I64]:
        """(standard, fund part) of every case of a piece: what its pot paid, or no standard and its price."""
        own = [slice(begins[piece], begins[piece + 1]) for begins in self._begins]
        begin = np.zeros(len(own) + 1, np.int64)
        np.cumsum([each.stop - each.start for each in own], out=begin[1:])
        standard, part = (
            np.concatenate(
                [np.zeros(0, np.int64), *(one.work(name)[each] for one, each in zip(pots, own, strict=True))]
            )
            for pots, name in ((self.spill.pots, "standard"), (self.spill.pots, "part"))
        )
        assert np.array_equal(np.bincount(pot + 1, minlength=len(begin))[1:], np.diff(begin)), "pots hold their cases"
        made = np.empty((2, len(pot)), np.int64)
        _put_in_place(pot, begin, standard, part, price, made[0], made[1])
        return made[0], made[1]

    @cached_property
    def _begins(self) -> list[list[int]]:
        return [pot.begins() for pot in self.spill.pots]

    def _drg(self, shown: pa.Table) -> pa.Array:
        if not self.also_codes:
            return looked_up(self.editions.results["drg_code"], shown["result"].to_numpy())
        leaf = np.asarray(shown["also"].to_numpy())
        return looked_up(_texts([*self.also_codes, None]), np.where(leaf == NONE, len(self.also_codes), leaf))


@njit(nogil=True, cache=True)
def _put_in_place(
    pot: Any, begin: Any, standard: Any, part: Any, price: Any, standard_out: Any, part_out: Any
) -> None:  # fmt: skip
    """Amounts of the pots, one behind the other, in the order of the cases."""
    place = begin.copy()
    for i in range(len(pot)):
        number = pot[i]
        if number >= 0:
            at = place[number]
            standard_out[i], part_out[i] = standard[at], part[at]
            place[number] = at + 1
        else:
            standard_out[i], part_out[i] = 0, price[i]


def _texts(words: Sequence[str | None]) -> pa.Array:
    return pa.array(list(words), pa.string())
