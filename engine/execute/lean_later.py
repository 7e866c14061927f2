"""Columns that are put in place when it is known which rows stay 「后置列」.

In: places in a dictionary, and what stands there; out: the column of all rows where somebody looks at it, or at once
that of the rows that stay, which spares writing the others and closing up. A column nobody judges is written once.
"""

# mypy: disable-error-code="untyped-decorator, assignment"

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from numba import njit

from engine.execute.cells import Coded, Lists
from engine.execute.lean import LeanRows, Numbers
from engine.execute.lean_kept import kept_ids, kept_lists, kept_numbers, kept_offsets, kept_texts, without
from engine.execute.lean_row_loops import place
from engine.execute.vocabulary import I32, I64, Words


@dataclass
class Later:
    """An array of what stands in `of` at `places`, which are not negative."""

    places: npt.NDArray[Any]
    of: npt.NDArray[Any]
    _whole: npt.NDArray[Any] | None = None

    def whole(self) -> npt.NDArray[Any]:
        """All of it."""
        if self._whole is None:
            self._whole = np.empty(len(self.places), self.of.dtype)
            place(self.places, self.of, self._whole)
        return self._whole

    def without(self, low: I64, high: I64) -> npt.NDArray[Any]:
        """Without what lies between `low` and `high`; it may be asked for once."""
        size = len(self.places) - int((high - low).sum())
        if self._whole is not None:
            return without(self._whole, low, high, size)
        out = np.empty(size, self.of.dtype)
        place_stretches(self.places, self.of, low, high, out)
        return out


@dataclass
class LaterTexts:
    """As `Coded`."""

    later: Later
    words: Words

    @property
    def ids(self) -> I32:
        return self.later.whole()

    def series(self) -> pl.Series:
        """As text."""
        return Coded(self.ids, self.words).series()

    def kept(self, gone: I64) -> Coded:
        """The rows but those at these places."""
        return Coded(self.later.without(gone, gone + 1), self.words)


@dataclass
class LaterNumbers:
    """As `Numbers`."""

    later: Later
    marks: Later | None
    _missing: npt.NDArray[np.bool_] | None = field(default=None, init=False)

    @property
    def values(self) -> npt.NDArray[Any]:
        return self.later.whole()

    @property
    def missing(self) -> npt.NDArray[np.bool_] | None:
        if self.marks is not None and self._missing is None:
            self._missing = self.marks.whole()
            if not self._missing.any():
                self.marks = self._missing = None
        return self._missing

    def filled(self, missing: int) -> npt.NDArray[Any]:
        """As that of `Numbers`."""
        return Numbers(self.values, self.missing).filled(missing)

    def kept(self, gone: I64) -> Numbers:
        """The rows but those at these places."""
        missing = None if self.marks is None else self.marks.without(gone, gone + 1)
        return Numbers(self.later.without(gone, gone + 1), missing if missing is not None and missing.any() else None)


@dataclass
class LaterLists:
    """As `Lists`."""

    offsets: I64
    later: Later
    words: Words

    def series(self) -> pl.Series:
        """As lists of text."""
        return Lists(self.offsets, self.later.whole(), self.words).series()

    def kept(self, gone: I64) -> Lists:
        """The rows but those at these places."""
        ids = self.later.without(self.offsets[gone], self.offsets[gone + 1])
        return Lists(kept_offsets(self.offsets, gone), ids, self.words)


AnyTexts = Coded | LaterTexts
AnyNumbers = Numbers | LaterNumbers
AnyLists = Lists | LaterLists


def rows_left(
    ids: pa.Array,
    texts: Mapping[str, AnyTexts],
    numbers: Mapping[str, AnyNumbers],
    lists: Mapping[str, AnyLists],
    gone: I64,
) -> LeanRows:
    """The rows without those at the places `gone`, which ascend, each column in place. May be asked for once."""
    some = len(gone) > 0
    return LeanRows(
        kept_ids(ids, gone) if some else ids,
        {
            name: each.kept(gone) if isinstance(each, LaterTexts) else kept_texts(each, gone) if some else each
            for name, each in texts.items()
        },
        {
            name: each.kept(gone) if isinstance(each, LaterNumbers) else kept_numbers(each, gone) if some else each
            for name, each in numbers.items()
        },
        {
            name: each.kept(gone) if isinstance(each, LaterLists) else kept_lists(each, gone) if some else each
            for name, each in lists.items()
        },
    )


@njit(nogil=True, cache=True)
def place_stretches(ids: Any, of: Any, low: Any, high: Any, out: Any) -> None:
    """What stands at places of a dictionary, without those from low[k] up to high[k], which ascend."""
    begin, behind = np.int64(0), np.int64(0)
    for k in range(len(low) + 1):
        end = np.int64(low[k]) if k < len(low) else np.int64(len(ids))
        if end > begin:
            part, into = ids[begin:end], out[behind : behind + end - begin]
            for i in range(len(part)):
                into[i] = of[np.uint64(part[i])]
            behind += end - begin
        if k < len(low):
            begin = np.int64(high[k])
