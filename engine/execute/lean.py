"""Accepted rows as bare arrays, for jobs that never build a frame 「数组病例」.

In: nothing; out: the records in which the streaming way hands rows from reading to grouping to scoring. Row i of every
array is the same case. Names are those of the typed columns of an accepted frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.execute.cells import Coded, Lists
from engine.execute.loops import pick_lists


@dataclass(frozen=True)
class Numbers:
    """A number or day column: int32 (days since 1970-01-01, counts) or int64 (fen). `missing`: rows without a value,
    whose number means nothing; None where every row has one."""

    values: npt.NDArray[Any]
    missing: npt.NDArray[np.bool_] | None = None

    def filled(self, missing: int, dtype: Any = np.int64) -> npt.NDArray[Any]:
        """The values in this type, `missing` where a row has none."""
        values = self.values.astype(dtype, copy=False)
        return values if self.missing is None else np.where(self.missing, dtype(missing), values)

    def take(self, rows: npt.NDArray[np.int64]) -> Numbers:
        """The values at these rows."""
        return Numbers(self.values[rows], None if self.missing is None else self.missing[rows])


@dataclass(frozen=True)
class LeanRows:
    """Accepted cases of one batch. A column that no file has is in none of the mappings."""

    ids: pa.Array
    """Settlement ids as text, none null."""
    texts: Mapping[str, Coded]
    numbers: Mapping[str, Numbers]
    lists: Mapping[str, Lists]
    """`diag_codes`, `oprn_codes`."""

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: npt.NDArray[np.int64]) -> LeanRows:
        """The cases at these rows."""
        return LeanRows(
            self.ids.take(pa.array(rows)),
            {name: Coded(each.ids[rows], each.words) for name, each in self.texts.items()},
            {name: each.take(rows) for name, each in self.numbers.items()},
            {name: _taken(each, rows) for name, each in self.lists.items()},
        )


def _taken(lists: Lists, rows: npt.NDArray[np.int64]) -> Lists:
    lengths = np.diff(lists.offsets)[rows]
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    ids = np.empty(int(offsets[-1]), np.int32)
    pick_lists(lists.ids, lists.offsets, rows, ids)
    return Lists(offsets, ids, lists.words)
