"""Every case of a pot paid from disk, with exact remainders 「第二遍」.

In: a pot's spilled cases, the factor and the total the clearing found; out: standard and fund part of every case in the
spill, and their sums by row of the digest. A fen left over goes to the largest remainder, ties by case id, whatever the
order of the files. Each case is held against its exact share before anything is summed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.stream.digest import DigestColumns, Slots
from engine.stream.pay_loops import OUTSIDE, pay_cases, places_in_pot
from engine.stream.spill import PotSpill, Spill
from pointvalue.allocate_chunks import FirstOfTies, Run, allocate_chunks, chunks
from pointvalue.model import AreaYear
from pointvalue.terms import NegativeCase, Payable
from pointvalue.view import Paid

I64 = npt.NDArray[np.int64]
_TIES_AT_ONCE = 1 << 20
_PIECES_AT_ONCE = 8


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
            np.asarray(pot.read("fund")[each]),
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
            table = self.spill.shown.read(piece)
            places = np.empty(len(own), np.int64)
            pots = table["pot"].combine_chunks().to_numpy(zero_copy_only=False)
            assert places_in_pot(pots, number, own - begins[piece], places) == len(own), "the pot holds these cases"
            return table["setl_id"].combine_chunks().take(pa.array(places)).cast(pa.string()), own

        def first(rows: I64, count: int) -> I64:
            kept_ids, kept_rows = pa.array([], pa.string()), np.zeros(0, np.int64)
            cuts = np.searchsorted(rows, begins)
            pieces = np.flatnonzero(np.diff(cuts)).tolist()
            for low in range(0, len(pieces), _PIECES_AT_ONCE):
                some = pieces[low : low + _PIECES_AT_ONCE]
                found = list(run(of_piece, some, [rows[cuts[each] : cuts[each + 1]] for each in some]))
                kept_ids = pa.concat_arrays([kept_ids, *(ids for ids, _ in found)])
                kept_rows = np.concatenate([kept_rows, *(own for _, own in found)])
                if len(kept_rows) > count + _TIES_AT_ONCE:
                    kept_ids, kept_rows = _smallest(kept_ids, kept_rows, count)
            return np.sort(_smallest(kept_ids, kept_rows, count)[1])

        return first


def _smallest(ids: pa.Array, rows: I64, count: int) -> tuple[pa.Array, I64]:
    order = pc.sort_indices(ids)[:count]
    return ids.take(order), rows[np.asarray(order.to_numpy())]
