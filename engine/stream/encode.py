"""Columns as the pages of a Parquet file 「列编码」.

In: a column of a row group; out: `Chunk`, its pages as bytes and what the footer says of them. Texts that repeat become
a dictionary in order of first occurrence, amounts packed differences, ids what they do not share with the id before. A
column is one data page. Bytes follow from the values alone, whatever dictionary the caller had. Every form is one that
common readers know; no value is changed, and one that does not fit its decimal is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.stream import page_write_loops as loops
from engine.stream import thrift_out as thrift
from pointvalue.cases import shut

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
PLAIN, RLE, DIFFERENCES, CUT_TEXTS, DICTIONARY = 0, 3, 5, 7, 8
UNPACKED, ZSTD = 0, 6
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_BYTES_MAX = (1 << 31) - 1
_NONE_MISSING = np.zeros(0, np.uint8)


@dataclass(frozen=True)
class Words:
    """A table of texts that columns refer to by number; it may name a text twice or hold a null."""

    texts: pa.Array

    @cached_property
    def same(self) -> npt.NDArray[np.int32]:
        """Of every text the first like it, −1 for null, and −1 for no number."""
        coded = self.texts.dictionary_encode()
        index = np.asarray(coded.indices.fill_null(-1).to_numpy())
        first = np.full(len(coded.dictionary) + 1, -1, np.int32)
        # Written from the back, so that the first of equal texts stays.
        first[index[::-1]] = np.arange(len(index) - 1, -1, -1, dtype=np.int32)
        first[-1] = -1
        return np.append(first[index], np.int32(-1))

    @cached_property
    def plain(self) -> tuple[U8, I64]:
        """Their bytes and where each begins."""
        return text_buffers(self.texts)


@dataclass(frozen=True)
class TextCells:
    """A column of repeating texts: numbers of `words`, below 0 where there is none."""

    numbers: npt.NDArray[Any]
    words: Words


@dataclass(frozen=True)
class DecimalCells:
    """A column of decimals: value × `times` is the number without its point. `held`: where there is one; None = all."""

    values: I64
    precision: int
    times: int = 1
    held: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class UniqueCells:
    """A column of texts that hardly repeat, none of them null."""

    texts: pa.Array


Cells = TextCells | DecimalCells | UniqueCells


@dataclass(frozen=True)
class Chunk:
    """A column of a row group as it stands in a file."""

    pages: tuple[bytes | memoryview, ...]
    encodings: tuple[int, ...]
    values: int
    unpacked: int
    """Size of pages and headers before they were compressed."""
    codec: int = UNPACKED
    dictionary: int = 0
    """Size of the dictionary page, which stands first."""
    bounds: tuple[bytes, bytes] | None = None
    """Least and greatest value."""

    @property
    def size(self) -> int:
        """In the file."""
        return sum(len(page) for page in self.pages)


class Room:
    """Working memory that is used again, by one thread at a time: fresh memory costs more than what is done with it."""

    def __init__(self) -> None:
        self._arrays: dict[str, npt.NDArray[Any]] = {}

    def array(self, name: str, kind: Any, size: int) -> npt.NDArray[Any]:
        """An array by a name of its own; what it holds is left over from before."""
        found = self._arrays.get(name)
        if found is None or len(found) < size:
            found = self._arrays[name] = np.empty(size, kind)
        return found[:size]


class Encoder:
    """Makes the chunks of one file. It keeps its working memory, so it serves one thread at a time."""

    def __init__(self) -> None:
        self._room = Room()
        self._zstd = pa.Codec("zstd", 1)

    def chunk(self, cells: Cells) -> Chunk:
        """A column of a row group, which has rows."""
        if isinstance(cells, TextCells):
            return self._texts(cells)
        return self._decimals(cells) if isinstance(cells, DecimalCells) else self._unique(cells)

    def _texts(self, cells: TextCells) -> Chunk:
        count, words, given = len(cells.numbers), cells.words, np.asarray(cells.numbers, np.int32)
        places, used = np.full(len(words.same), -1, np.int32), np.empty(len(words.same), np.int32)
        numbers = self._room.array("numbers", np.uint32, count + 8)
        held = self._room.array("held", np.uint8, count + 8)
        different, present = loops.number_words(shut(given), words.same, places, used, numbers, held)
        assert different >= 0, "every number is one of a text"
        width = max(int(different) - 1, 0).bit_length()
        room = self._room.array("page", np.uint8, loops.packed_size(count, 1) + loops.packed_size(count, width) + 8)
        at = self._levels(held, count, int(present), room)
        room[at] = width
        end = loops.pack_runs(numbers, int(present), width, room, at + 1)
        data, offsets = words.plain
        used = used[: int(different)]
        table = np.empty(int((offsets[used + 1] - offsets[used]).sum()) + 4 * len(used), np.uint8)
        assert loops.plain_words(data, offsets, used, table, 0) == len(table) <= _BYTES_MAX
        listed = thrift.inner(7, thrift.whole(1, len(used)), thrift.whole(2, PLAIN))
        head = _page_header(_DICTIONARY_PAGE, len(table), len(table), listed)
        pages = (head, table.data, _data_header(count, end, end, DICTIONARY), room[:end].tobytes())
        size = sum(len(page) for page in pages)
        return Chunk(pages, (PLAIN, RLE, DICTIONARY), count, size, dictionary=len(head) + len(table))

    def _decimals(self, cells: DecimalCells) -> Chunk:
        count, bound = len(cells.values), (10**cells.precision - 1) // cells.times
        whole, given = self._room.array("whole", np.int64, count), _NONE_MISSING
        held = self._room.array("held", np.uint8, count + 8)
        if cells.held is not None:
            assert len(cells.held) == count, "every cell holds a value or does not"
            held[:count] = cells.held
            given = held[:count]
        present, wrong = loops.scale_held(shut(cells.values), given, cells.times, bound, whole)
        if wrong >= 0:
            value = int(cells.values[wrong])
            raise OverflowError(f"value {value} at index {wrong} needs more than {cells.precision} digits")
        room = self._room.array("page", np.uint8, loops.packed_size(count, 1) + loops.differences_size(count) + 8)
        at = self._levels(held, count, int(present), room)
        end = loops.pack_differences(whole, int(present), room, at)
        pages = (_data_header(count, end, end, DIFFERENCES), room[:end].tobytes())
        return Chunk(pages, (RLE, DIFFERENCES), count, len(pages[0]) + end)

    def _unique(self, cells: UniqueCells) -> Chunk:
        assert cells.texts.null_count == 0, "every case has its id"
        count = len(cells.texts)
        data, offsets = text_buffers(cells.texts)
        size = int(offsets[-1] - offsets[0])
        shared, rest = self._room.array("whole", np.int64, count), self._room.array("rest", np.int64, count)
        behind, ends = self._room.array("behind", np.uint8, size + loops.SLACK), np.zeros(2, np.int64)
        left = int(loops.cut_texts(data, offsets, shared, rest, behind, 0, ends))
        room = self._room.array("page", np.uint8, 2 * loops.differences_size(count) + left + 16)
        at = self._levels(_NONE_MISSING, count, count, room)
        at = loops.pack_differences(shared, count, room, at)
        at = loops.pack_differences(rest, count, room, at)
        end = at + left
        room[at:end] = behind[:left]
        assert end <= _BYTES_MAX, "a page of texts has its size in 31 bits"
        packed = self._zstd.compress(room[:end], asbytes=True)
        head = _data_header(count, end, len(packed), CUT_TEXTS)
        least, greatest = (data[offsets[one] : offsets[one + 1]].tobytes() for one in ends.tolist())
        return Chunk((head, packed), (RLE, CUT_TEXTS), count, len(head) + end, ZSTD, bounds=(least, greatest))

    def _levels(self, held: U8, count: int, present: int, room: U8) -> int:
        """Which cells hold a value, behind its size in four bytes; returns the place behind."""
        if present == count:
            runs = thrift.varint(count << 1) + b"\1"
            room[4 : 4 + len(runs)] = np.frombuffer(runs, np.uint8)
            end = 4 + len(runs)
        else:
            end = int(loops.pack_runs(held, count, 1, room, 4))
        room[:4] = np.frombuffer((end - 4).to_bytes(4, "little"), np.uint8)
        return end


def text_buffers(texts: pa.Array) -> tuple[U8, I64]:
    """The bytes of texts and where each begins, with the end of the last; no copy of the bytes."""
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        texts = texts.cast(pa.large_string())
    kind = np.int32 if pa.types.is_string(texts.type) else np.int64
    _, begins, data = texts.buffers()
    if not len(texts):
        return shut(np.zeros(0, np.uint8)), shut(np.zeros(1, np.int32))
    offsets = np.frombuffer(begins, kind)[texts.offset : texts.offset + len(texts) + 1]
    found = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    assert int(offsets[-1]) <= len(found), "texts end within their bytes"
    return shut(found), shut(offsets)


def _data_header(values: int, unpacked: int, packed: int, encoding: int) -> bytes:
    kinds = (thrift.whole(2, encoding), thrift.whole(3, RLE), thrift.whole(4, RLE))
    return _page_header(_DATA_PAGE, unpacked, packed, thrift.inner(5, thrift.whole(1, values), *kinds))


def _page_header(kind: int, unpacked: int, packed: int, what: thrift.Field) -> bytes:
    return thrift.struct(thrift.whole(1, kind), thrift.whole(2, unpacked), thrift.whole(3, packed), what)
