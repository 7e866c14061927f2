"""Texts of a polars column as numbers, and answers about texts as arrays by number 「文本编号」.

In: text or lists of text as polars holds them; out: numbers into a vocabulary, offsets of lists, and for any question
about a text an array with its answer for every number. Short texts are recognised by their sixteen-byte view alone,
without touching their bytes. What a number means holds for the snapshot it came with, and for every later one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.execute.loops import code_at_place, compact, marked_codes
from engine.execute.vocabulary import I32, I64, U8, Vocabulary, Words

TEXTS_MAX = 1_000_000
"""So many different texts are no vocabulary; a fresh one is begun, because memory must not grow with the cases."""


@dataclass(frozen=True)
class Texts:
    """A text column, −1 = null."""

    ids: I32
    words: Words

    def dictionary(self) -> pa.Array:
        """As dictionary<int32, string> of the texts that occur."""
        return coded_array(self.ids, self.words.texts)


@dataclass(frozen=True)
class TextLists:
    """A list column: texts of row i are ids[offsets[i]:offsets[i+1]]. A null list is empty."""

    offsets: I64
    ids: I32
    words: Words

    def at(self, place: npt.NDArray[np.integer[Any]], blank: int) -> I32:
        """Number of the text at `place` of every row, −1 where there is none or it is the text number `blank`."""
        out = np.empty(len(self.offsets) - 1, np.int32)
        code_at_place(self.ids, self.offsets, place, blank, out)
        return out

    def marked(self, marks: U8, low: int, high: int, rank: I32, texts: Sequence[str]) -> pa.Array:
        """Per row the distinct texts whose mark lies in low..high, ascending by rank, as list<string>."""
        hit = int(np.count_nonzero((marks >= low) & (marks <= high)))
        bounds, out = np.empty(len(self.offsets), np.int32), np.empty(hit + 1, np.int32)
        found = int(marked_codes(self.ids, self.offsets, marks, low, high, rank, bounds, out))
        return pa.ListArray.from_arrays(pa.array(bounds), coded_array(out[:found], texts).cast(pa.string()))


def coded_array(ids: I32, texts: Sequence[str]) -> pa.Array:
    """dictionary<int32, string> of the texts at these numbers; the dictionary holds the texts that occur, each once."""
    places, used = np.full(len(texts), -1, np.int32), np.empty(len(texts), np.int32)
    compacted = ids.copy()
    count = int(compact(compacted, places, used))
    dictionary = pa.array([texts[word] for word in used[:count].tolist()], pa.string())
    indices = pa.array(compacted, mask=compacted < 0)
    return pa.DictionaryArray.from_arrays(indices, dictionary)


@dataclass
class TextReader:
    """Gives numbers to the texts of one or more columns of a run; threads may share it."""

    _vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary(_nothing))

    def texts(self, values: pl.Series) -> Texts:
        """A text column."""
        vocabulary = self._current()
        ids = vocabulary.ids_of_views(_arrow(values))
        return Texts(ids, vocabulary.words)

    def lists(self, values: pl.Series) -> TextLists:
        """A column of lists of text."""
        cells = _arrow(values)
        assert pa.types.is_large_list(cells.type), f"{cells.type} is no list as polars has it"
        counts = cells.value_lengths()
        offsets = np.zeros(len(cells) + 1, np.int64)
        np.cumsum((counts.fill_null(0) if counts.null_count else counts).to_numpy(), out=offsets[1:])
        vocabulary = self._current()
        ids = vocabulary.ids_of_views(_flat(cells, int(offsets[-1])))
        assert len(ids) == offsets[-1], "list lengths and values disagree"
        return TextLists(offsets, ids, vocabulary.words)

    def _current(self) -> Vocabulary:
        if len(self._vocabulary.words) > TEXTS_MAX:
            self._vocabulary = Vocabulary(_nothing)
        return self._vocabulary


def _nothing(texts: Sequence[str]) -> tuple[npt.NDArray[Any], ...]:
    return ()


def _arrow(values: pl.Series) -> pa.Array:
    cells = values.to_arrow(compat_level=pl.CompatLevel.newest())
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def _flat(cells: pa.Array, count: int) -> pa.Array:
    """The texts of all lists. A slice without null lists needs no copy, which Arrow cannot make of views anyway."""
    offsets = np.frombuffer(cells.buffers()[1], np.int64)[cells.offset : cells.offset + len(cells) + 1]
    if len(cells) == 0:
        return cells.values.slice(0, 0)
    first, end = int(offsets[0]), int(offsets[-1])
    if end - first == count:
        return cells.values.slice(first, count)
    plain = cells.cast(pa.large_list(pa.large_string())).flatten()  # a null list with texts under it
    return plain.cast(pa.string_view())


@dataclass
class Answers:
    """One question about texts, asked once for each of a vocabulary; the last entry answers for null."""

    ask: Callable[[str], int]
    of_null: int
    dtype: Any = np.int32
    _known: npt.NDArray[Any] = field(init=False)
    _of: object = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self._known = np.array([self.of_null], self.dtype)

    def of(self, words: Words) -> npt.NDArray[Any]:
        """The answers for all texts of a snapshot, at least."""
        with self._lock:
            have = len(self._known) - 1 if self._of is words.of else 0
            if len(words) > have or self._of is not words.of:
                fresh = [self.ask(text) for text in words.texts[have:]]
                self._known = np.concatenate([self._known[:have], np.array([*fresh, self.of_null], self.dtype)])
                self._of = words.of
            return self._known

    def take(self, found: Texts | TextLists) -> npt.NDArray[Any]:
        """The answer for every text of a column."""
        known = self.of(found.words)
        # The last entry is that of null, and −1 finds it: the snapshot may be older than what is known.
        return known[found.ids]


class ShortColumns:
    """Columns of a run as Arrow, those of repeating texts as dictionaries."""

    def __init__(self, unique: Sequence[str] = ("setl_id",)) -> None:
        self._unique = frozenset(unique)
        self._readers: dict[str, TextReader] = {}

    def array(self, values: pl.Series) -> pa.Array:
        """The column, by its own name."""
        if values.dtype != pl.String or values.name in self._unique:
            return values.to_arrow()
        return self._readers.setdefault(values.name, TextReader()).texts(values).dictionary()
