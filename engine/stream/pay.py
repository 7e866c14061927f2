"""Every case of a pot paid from disk, with exact remainders 「第二遍」.

In: a pot's spilled cases, the factor and the total the clearing found; out: standard and fund part of every case in the
spill, and their sums by row of the digest. A fen left over goes to the largest remainder, ties by case id, whatever the
order of the files. Each case is held against its exact share before anything is summed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.stream.digest import DigestColumns, Slots
from engine.stream.pay_loops import OUTSIDE, pay_cases, places_in_pot
from engine.stream.spill import PotSpill, Spill
from pointvalue.allocate_chunks import FirstOfTies, Run, allocate_chunks, chunks
from pointvalue.cases import shut
from pointvalue.model import AreaYear
from pointvalue.terms import NegativeCase, Payable
from pointvalue.view import Paid

I64 = npt.NDArray[np.int64]
_TIES_AT_ONCE = 1 << 20
_PIECES_AT_ONCE = 8


def kept_columns(area: AreaYear, pots: list[tuple[int, str]]) -> list[list[str]]:
    """Of every pot the columns that paying its cases reads."""
    capped = ["fund"] if area.out_of_area_cap else []
    minus = [area.pools[pool].point_value.payable is Payable.MINUS_PATIENT for pool, _ in pots]
    return [["points", "cell", "elsewhere", *capped, *(["patient"] if each else [])] for each in minus]


@dataclass(frozen=True)
class StreamPayer:
    """See `pointvalue.view.Payer`."""

    area: AreaYear
    slots: Slots
    digest: DigestColumns
    spill: Spill
    pots: list[tuple[int, str]]
    threads: int = 1

    def pay(self, pool_index: int, label: str, rows: I64, factor: Fraction, total_fen: int) -> Paid:
        """Pay the pot; sums placed like `rows`."""
        number = self.pots.index((pool_index, label))
        pot = self.spill.pots[number]
        standard, part = pot.work("standard"), pot.work("part")
        columns = np.asarray(standard), np.asarray(part)
        with ThreadPoolExecutor(self.threads) as pool:
            first = self._first_by_id(number, pot, pool.map)
            allocate_chunks(pot.read("points"), factor, total_fen, *columns, first, pool.map)
            sums = np.zeros((3, 2 * self._cells), np.int64)
            for found in pool.map(lambda each: self._settle(pool_index, pot, each, *columns), chunks(len(pot))):
                sums += found
        cells = self.digest.cell[rows] + self._cells * (self.digest.slot[rows] & 1)
        paid = sums[:, cells]
        assert int(paid[0].sum()) == total_fen, "every case of the pot is in its digest"
        return Paid(paid[0], paid[1], paid[2])

    @property
    def _cells(self) -> int:
        return 12 * self.slots.hospitals

    def _settle(self, pool_index: int, pot: PotSpill, each: slice, standard: I64, part: I64) -> I64:
        """Floors, caps and fund parts of some cases; returns the sums of standards, floors and caps by cell."""
        terms = self.area.pools[pool_index]
        minus = terms.point_value.payable is Payable.MINUS_PATIENT
        sums = np.zeros((2 * self._cells, 3), np.int64)
        row = pay_cases(
            np.asarray(standard[each]),
            np.asarray(pot.read("patient")[each if minus else slice(0)]),
            minus,
            terms.negative_case is not NegativeCase.KEEP,
            np.asarray(pot.read("fund")[each if self.area.out_of_area_cap else slice(0)]),
            np.asarray(pot.read("elsewhere")[each]),
            self.area.out_of_area_cap,
            np.asarray(pot.read("cell")[each]),
            part[each],
            sums,
        )
        if row == OUTSIDE:
            raise IndexError("a case of the pot is in no cell of the digest")
        if row >= 0:
            raise OverflowError(f"a sum in row {row} passes 63 bits: an amount is implausible")
        return sums.T

    def _first_by_id(self, number: int, pot: PotSpill, run: Run) -> FirstOfTies:
        """Of some cases of the pot those whose ids come first."""
        begins = np.asarray(pot.begins())

        def of_piece(piece: int, own: I64) -> tuple[pa.Array, I64]:
            places = np.empty(len(own), np.int64)
            pots = shut(self.spill.shown.pot(piece))
            assert places_in_pot(pots, number, own - begins[piece], places) == len(own), "the pot holds these cases"
            return self.spill.shown.ids(piece).take(pa.array(places)), own

        def first(rows: I64, count: int) -> I64:
            kept_ids, kept_rows = pa.array([], pa.string()), np.zeros(0, np.int64)
            cuts = np.searchsorted(rows, begins)
            held = np.flatnonzero(np.diff(cuts)).tolist()
            bounds = [self.spill.shown.id_bounds(each) for each in held]
            taken, torn = surely_first(bounds, [int(cuts[each + 1] - cuts[each]) for each in held], count)
            chosen = [rows[cuts[held[each]] : cuts[held[each] + 1]] for each in taken]
            count -= sum(map(len, chosen))
            for low in range(0, len(torn), _PIECES_AT_ONCE):
                some = [held[each] for each in torn[low : low + _PIECES_AT_ONCE]]
                found = list(run(of_piece, some, [rows[cuts[each] : cuts[each + 1]] for each in some]))
                kept_ids = pa.concat_arrays([kept_ids, *(ids for ids, _ in found)])
                kept_rows = np.concatenate([kept_rows, *(own for _, own in found)])
                if len(kept_rows) > count + _TIES_AT_ONCE:
                    kept_ids, kept_rows = _smallest(kept_ids, kept_rows, count)
            return np.sort(np.concatenate([*chosen, _smallest(kept_ids, kept_rows, count)[1]]))

        return first


def surely_first(
    bounds: Sequence[tuple[bytes, bytes]], sizes: Sequence[int], count: int
) -> tuple[list[int], list[int]]:
    """Of heaps with known least and greatest id, those that lie wholly among the `count` first ids, and those of which
    some may. The others have none."""
    least = sorted(range(len(sizes)), key=lambda each: bounds[each][0])
    greatest = sorted(range(len(sizes)), key=lambda each: bounds[each][1])
    begun = [bounds[each][0] for each in least], [0, *accumulate(sizes[each] for each in least)]
    ended = [bounds[each][1] for each in greatest], [0, *accumulate(sizes[each] for each in greatest)]
    taken, torn = [], []
    for each, (low, high) in enumerate(bounds):
        if begun[1][bisect_right(begun[0], high)] <= count:
            taken.append(each)
        elif ended[1][bisect_left(ended[0], low)] < count:
            torn.append(each)
    return taken, torn


def _smallest(ids: pa.Array, rows: I64, count: int) -> tuple[pa.Array, I64]:
    order = pc.sort_indices(ids)[:count]
    return ids.take(order), rows[np.asarray(order.to_numpy())]
