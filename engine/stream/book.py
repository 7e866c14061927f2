"""A piece of grouped cases as arrays, read like a casebook 「数组病例册」.

In: accepted rows as arrays and their groups; out: what `engine.settle` reads of a casebook, without building one. Rows
keep the order of the piece: whoever settles them needs no order among cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.casebook import Casebook
from engine.execute.lean import LeanRows

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LeanBook(Casebook):
    """`made`: columns that grouping gave, by the casebook's names; `dip`: group codes as numbers and texts."""

    rows: LeanRows
    made: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    dip: tuple[I32, tuple[str, ...]] = (np.zeros(0, np.int32), ())

    @classmethod
    def of(cls, rows: LeanRows, made: Mapping[str, npt.NDArray[Any]], dip: tuple[I32, tuple[str, ...]]) -> LeanBook:
        """The piece. `table` only serves messages that name a case."""
        return cls(pa.table({"setl_id": rows.ids}), rows, made, dip)

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, column: str) -> npt.NDArray[Any]:
        if column in self.made:
            return self.made[column]
        numbers = self.rows.numbers[column]
        if numbers.missing is not None and numbers.missing.any():
            raise ValueError(f"column {column} holds empty cells; validation let them pass")
        return numbers.values

    def numbers_or(self, column: str, missing: int) -> I64:
        if column in self.made:
            return self.made[column].astype(np.int64)
        numbers = self.rows.numbers.get(column)
        return np.full(len(self), missing, np.int64) if numbers is None else numbers.filled(missing)

    def codes(self, column: str) -> tuple[I32, list[str]]:
        if column == "dip_code":
            return _short(self.dip[0], self.dip[1]) if self.dip[1] else (self.dip[0], [])
        if column == "maindiag_code":
            return self._principal()
        coded = self.rows.texts.get(column)
        if coded is None:
            return np.full(len(self), -1, np.int32), []
        return _short(coded.ids, coded.words.texts)

    def texts(self, column: str) -> tuple[I32, Sequence[str]]:
        coded = self.rows.texts.get(column)
        return (np.full(len(self), -1, np.int32), ()) if coded is None else (coded.ids, coded.words.texts)

    def places(self, column: str, names: tuple[str, ...]) -> I32:
        if column in ("dip_code", "maindiag_code"):
            return super().places(column, names)
        coded = self.rows.texts.get(column)
        if coded is None:
            return np.full(len(self), -1, np.int32)
        place = {name: index for index, name in enumerate(names)}
        found = np.full(len(coded.words) + 1, -1, np.int32)
        for number, text in enumerate(coded.words.texts):
            found[number] = place.get(text, -1)
        return found[coded.ids]

    def _principal(self) -> tuple[I32, list[str]]:
        """Principal diagnoses as sent; a code map in between is refused before the run."""
        lists = self.rows.lists["diag_codes"]
        ids = np.append(lists.ids, np.int32(-1))
        first = np.where(np.diff(lists.offsets) > 0, lists.offsets[:-1], len(ids) - 1)
        return _short(ids[first], lists.words.texts)

    def select(self, rows: I64) -> LeanBook:
        raise NotImplementedError("a piece is settled whole")


def _short(ids: I32, texts: tuple[str, ...]) -> tuple[I32, list[str]]:
    """(index among the texts that occur, −1 = none; those texts in ascending order)."""
    present = np.zeros(len(texts) + 1, np.bool_)
    present[ids] = True  # −1 marks the last, which is no text
    used = sorted(np.flatnonzero(present[:-1]).tolist(), key=texts.__getitem__)
    rank = np.full(len(texts) + 1, -1, np.int32)
    rank[used] = np.arange(len(used), dtype=np.int32)
    return rank[ids], [texts[place] for place in used]
