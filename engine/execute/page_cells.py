"""A column of a batch as it stands in the file, by arrays 「列单元格」.

In: what the pages of a row group hold, or an Arrow array; out: a part of its rows, and any rows again as Arrow, of the
type the file has, for those who want the cells themselves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.execute.loops import pick_lists
from engine.execute.page_picks import picked_texts, validity

I32 = npt.NDArray[np.int32]
Ids = npt.NDArray[np.uint16] | npt.NDArray[np.int32]
"""Places in a dictionary; its length where there is nothing."""
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
Marks = npt.NDArray[np.bool_]


class Cells(ABC):
    """One column of some rows; `kind` is its Arrow type."""

    kind: pa.DataType

    @abstractmethod
    def __len__(self) -> int:
        """How many rows."""

    @abstractmethod
    def part(self, low: int, high: int) -> Cells:
        """The rows from `low` up to `high`."""

    @abstractmethod
    def at(self, rows: I64) -> pa.Array:
        """Some rows, as the file has them."""

    def arrow(self) -> pa.Array:
        """All rows, as the file has them."""
        return self.at(np.arange(len(self)))


@dataclass(frozen=True)
class Numbers64(Cells):
    """Whole numbers; `kind` says what they mean: a decimal's digits, days, ticks."""

    values: I64
    missing: Marks | None
    kind: pa.DataType

    def __len__(self) -> int:
        return len(self.values)

    def part(self, low: int, high: int) -> Numbers64:
        missing = None if self.missing is None else self.missing[low:high]
        return Numbers64(self.values[low:high], missing, self.kind)

    def at(self, rows: I64) -> pa.Array:
        missing = None if self.missing is None else self.missing.take(rows)
        return _arrow_numbers(self.values.take(rows), missing, self.kind)


@dataclass(frozen=True)
class IndexedNumbers(Cells):
    """Whole numbers by their place in a dictionary."""

    ids: Ids
    values: I64
    """The dictionary, and a 0 for the place behind it."""
    full: bool
    """No row is null."""
    kind: pa.DataType

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, low: int, high: int) -> IndexedNumbers:
        return IndexedNumbers(self.ids[low:high], self.values, self.full, self.kind)

    def at(self, rows: I64) -> pa.Array:
        ids = self.ids.take(rows)
        missing = None if self.full else ids == len(self.values) - 1
        return _arrow_numbers(self.values.take(ids), missing, self.kind)


@dataclass(frozen=True)
class IndexedTexts(Cells):
    """Texts by their place in a dictionary."""

    ids: Ids
    words: pa.Array
    full: bool
    """No row is null."""
    kind: pa.DataType

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, low: int, high: int) -> IndexedTexts:
        return IndexedTexts(self.ids[low:high], self.words, self.full, self.kind)

    def at(self, rows: I64) -> pa.Array:
        return _cast(picked_texts(self.words, self.ids.take(rows), self.full), self.kind)


@dataclass(frozen=True)
class IndexedLists(Cells):
    """Lists of texts by their place in a dictionary; `absent` = no list at all."""

    offsets: I64
    ids: Ids
    words: pa.Array
    absent: Marks
    full: bool
    """No list has a null in it."""
    kind: pa.DataType

    def __len__(self) -> int:
        return len(self.absent)

    def part(self, low: int, high: int) -> IndexedLists:
        first = int(self.offsets[low])
        ids = self.ids[first : int(self.offsets[high])]
        offsets = self.offsets[low : high + 1] - first
        return IndexedLists(offsets, ids, self.words, self.absent[low:high], self.full, self.kind)

    def at(self, rows: I64) -> pa.Array:
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(self.offsets.take(rows + 1) - self.offsets.take(rows), out=offsets[1:])
        ids = np.empty(int(offsets[-1]), self.ids.dtype)
        pick_lists(self.ids, self.offsets, rows, ids)
        texts = _cast(picked_texts(self.words, ids, self.full), self.kind.value_type)
        absent = self.absent.take(rows)
        if not pa.types.is_large_list(self.kind):
            offsets = offsets.astype(np.int32)
        buffers = [validity(absent if absent.any() else None), pa.py_buffer(offsets)]
        return pa.Array.from_buffers(self.kind, len(rows), buffers, children=[texts])


@dataclass(frozen=True)
class ArrowCells(Cells):
    """Any column as Arrow has it."""

    cells: pa.Array
    kind: pa.DataType

    def __len__(self) -> int:
        return len(self.cells)

    def part(self, low: int, high: int) -> ArrowCells:
        return ArrowCells(self.cells.slice(low, high - low), self.kind)

    def at(self, rows: I64) -> pa.Array:
        return _cast(self.cells.take(pa.array(rows)), self.kind)

    def arrow(self) -> pa.Array:
        return _cast(self.cells, self.kind)


def _cast(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    return cells if cells.type == kind else cells.cast(kind)


def _arrow_numbers(values: I64, missing: Marks | None, kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), [validity(missing), pa.py_buffer(_as_stored(values, kind))])


def _as_stored(values: I64, kind: pa.DataType) -> npt.NDArray[Any]:
    if pa.types.is_decimal128(kind):
        stored = np.empty((len(values), 2), np.int64)
        stored[:, 0], stored[:, 1] = values, values >> 63
        return stored
    if pa.types.is_timestamp(kind):
        return values
    width: Any = np.int32 if pa.types.is_date32(kind) else kind.to_pandas_dtype()
    return values.astype(width)
