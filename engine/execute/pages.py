"""Columns of one row group straight from its Parquet pages 「页解码」.

In: an open Parquet file and its metadata; out: whole numbers, texts by dictionary, and lists of texts by dictionary as
arrays, without Arrow's way over 128-bit decimals and its own lists. A form, an encoding or a page it does not know is
no error: the column is then read by Arrow, which also says what is wrong with a broken file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from engine.execute.page_cells import (
    I64,
    U8,
    ArrowCells,
    Cells,
    Ids,
    IndexedLists,
    IndexedNumbers,
    IndexedTexts,
    Numbers64,
)
from engine.execute.page_leaves import Leaf
from engine.execute.page_loops import (
    AT,
    DATA,
    DATA_2,
    DEF_BYTES,
    DEF_ENCODING,
    DICTIONARY,
    ENCODING,
    IS_PACKED,
    KIND,
    PACKED,
    PLAIN,
    PLAIN_DICTIONARY,
    REP_BYTES,
    REP_ENCODING,
    RLE,
    RLE_DICTIONARY,
    VALUES,
    WHOLE,
    flat_fixed,
    flat_texts,
    page_headers,
)
from engine.execute.page_runs import SLACK, TOO_WIDE, flat_ids, list_ids

_CODECS: Final = {"ZSTD": "zstd", "SNAPPY": "snappy", "GZIP": "gzip", "BROTLI": "brotli", "UNCOMPRESSED": None}
_BY_DICTIONARY: Final = (PLAIN_DICTIONARY, RLE_DICTIONARY)
_PAGES_MAX: Final = 1 << 14
_BYTES_MAX: Final = (1 << 31) - 1
_NARROW_MAX: Final = (1 << 16) - 1
_ROOM_KEPT_MAX: Final = 1 << 23


class UnknownFormError(Exception):
    """Pages that are left to Arrow."""


class _Room(threading.local):
    """Memory of a thread for what is read and forgotten within a column, so that it is not asked for page by page."""

    def __init__(self) -> None:
        self._kept: dict[str, U8] = {}

    def bytes(self, name: str, size: int) -> U8:
        """At least so many bytes; what stood there before means nothing."""
        kept = self._kept.get(name)
        if kept is None or len(kept) < size:
            kept = np.empty(max(size, 1 << 16), np.uint8)
            if size <= _ROOM_KEPT_MAX:
                self._kept[name] = kept
        return kept


_room = _Room()


@dataclass(frozen=True)
class _Pages:
    """Pages of one column of a row group, still packed, until the thread takes up another column."""

    heads: Sequence[Sequence[int]]
    packed: pa.Buffer
    codec: pa.Codec | None
    leaf: Leaf

    def of(self, heads: Sequence[Sequence[int]]) -> _Pages:
        """Some of them."""
        return _Pages(heads, self.packed, self.codec, self.leaf)

    @property
    def most(self) -> int:
        """Values of the largest."""
        return max((head[VALUES] for head in self.heads), default=0)

    def unpacked(self) -> tuple[U8, I64]:
        """One behind the other with `SLACK` bytes more, their levels as in pages of the first version, until the thread
        unpacks others; and where each begins and ends, and its values."""
        return self._joined([self._bytes(head) for head in self.heads])

    def alone(self, optional: bool) -> tuple[U8, I64]:
        """The only page, `SLACK` bytes or more behind its levels, which spares a copy of the values."""
        data = self._bytes(self.heads[0])
        levels = 4 + int.from_bytes(data[:4].tobytes(), "little") if optional else 0
        if levels + SLACK > len(data):
            return self._joined([data])
        data.flags.writeable = False
        return data, np.array([[0, len(data), self.heads[0][VALUES]]])

    def _joined(self, parts: list[U8]) -> tuple[U8, I64]:
        ends = list(accumulate(map(len, parts), initial=0))
        size = ends[-1]
        data = _room.bytes("pages", size + SLACK)[: size + SLACK]
        if parts:
            np.concatenate(parts, out=data[:size])
        data.flags.writeable = False  # as memory of others is: one form for the compiled loops
        places = [(*each, head[VALUES]) for each, head in zip(pairwise(ends), self.heads, strict=True)]
        return data, np.array(places, np.int64).reshape(-1, 3)

    def _bytes(self, head: Sequence[int]) -> U8:
        body = self.packed.slice(head[AT], head[PACKED])
        if head[KIND] == DATA_2:
            return self._second_version(head, body)
        return _bytes(body if self.codec is None else self.codec.decompress(body, head[WHOLE]))

    def _second_version(self, head: Sequence[int], body: pa.Buffer) -> U8:
        """As in the first version of the format: levels packed with the values, behind their lengths."""
        reps, defs = head[REP_BYTES], head[DEF_BYTES]
        if reps < 0 or defs < 0 or reps + defs > len(body) or reps + defs > head[WHOLE]:
            raise UnknownFormError
        values = body.slice(reps + defs)
        if self.codec is not None and head[IS_PACKED] and len(values):
            values = self.codec.decompress(values, head[WHOLE] - reps - defs)
        parts = []
        for there, begin, size in ((self.leaf.is_list, 0, reps), (self.leaf.deepest > 0, reps, defs)):
            if there:
                parts += [np.frombuffer(size.to_bytes(4, "little"), np.uint8), _bytes(body.slice(begin, size))]
        return np.concatenate([*parts, _bytes(values)])


def _bytes(buffer: pa.Buffer) -> U8:
    return np.frombuffer(buffer, np.uint8) if len(buffer) else np.zeros(0, np.uint8)


def read_columns(handle: int, group: pq.RowGroupMetaData, wanted: Mapping[str, Leaf]) -> dict[str, Cells]:
    """The columns of a row group that can be read here; the others are not in the answer."""
    found: dict[str, Cells] = {}
    for name, leaf in wanted.items():
        try:
            found[name] = _column(handle, group.column(leaf.place), leaf, group.num_rows)
        except (UnknownFormError, pa.ArrowException, OSError):
            continue
    return found


def plain_pages(handle: int, group: pq.RowGroupMetaData, leaf: Leaf) -> Iterator[tuple[U8, I64, bool, U8]]:
    """The pages of a column of texts that uses no dictionary, each until the next is asked for: its bytes, where they
    begin and end and how many cells it has, whether cells may be empty, and room for their levels."""
    chunk = group.column(leaf.place)
    if leaf.is_list or leaf.size or chunk.compression not in _CODECS or chunk.num_values != group.num_rows:
        raise UnknownFormError
    pages = _pages(handle, chunk, leaf)
    if any(head[KIND] == DICTIONARY or head[ENCODING] != PLAIN for head in pages.heads):
        raise UnknownFormError
    optional, levels = leaf.deepest > 0, _room.bytes("levels", pages.most)
    for head in pages.heads:
        yield *pages.of([head]).alone(optional), optional, levels


def _column(handle: int, chunk: pq.ColumnChunkMetaData, leaf: Leaf, rows: int) -> Cells:
    if chunk.compression not in _CODECS or (not leaf.is_list and chunk.num_values != rows):
        raise UnknownFormError
    every = _pages(handle, chunk, leaf)
    first = 1 if every.heads and every.heads[0][KIND] == DICTIONARY else 0
    dictionary, pages = every.of(every.heads[:first]) if first else None, every.of(every.heads[first:])
    if dictionary is not None and dictionary.most > dictionary.heads[0][WHOLE]:
        raise UnknownFormError
    by_dictionary = all(head[ENCODING] in _BY_DICTIONARY for head in pages.heads)
    if leaf.is_list:
        if not by_dictionary or dictionary is None:
            raise UnknownFormError
        return _lists(pages, _texts(dictionary, False), rows, chunk.num_values)
    if leaf.size:
        known = None if dictionary is None else _known_numbers(dictionary)
        if by_dictionary and known is not None:
            ids, absent = _ids(pages, len(known) - 1, rows)
            return IndexedNumbers(ids, known, not absent, leaf.kind)
        return Numbers64(*_fixed(pages, rows, known), leaf.kind)
    words = None if dictionary is None else _texts(dictionary, False)
    if by_dictionary and words is not None:
        ids, absent = _ids(pages, len(words), rows)
        return IndexedTexts(ids, words, not absent, leaf.kind)
    return ArrowCells(_mixed_texts(pages, words), leaf.kind)


def _pages(handle: int, chunk: pq.ColumnChunkMetaData, leaf: Leaf) -> _Pages:
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < (chunk.dictionary_page_offset or 0) < start:
        start = chunk.dictionary_page_offset
    size = chunk.total_compressed_size
    if not 0 <= size <= _BYTES_MAX:
        raise UnknownFormError
    data = _room.bytes("packed", size)[:size]
    data = data[: os.preadv(handle, [data.data], start)]
    data.flags.writeable = False
    for size in (64, _PAGES_MAX):
        table = np.zeros((size, AT + 1), np.int64)
        count = int(page_headers(data, chunk.num_values, table))
        if count >= 0:
            break
    if count < 0:
        raise UnknownFormError
    heads = table[:count].tolist()
    optional, lists = leaf.deepest > 0, leaf.is_list
    for number, head in enumerate(heads):
        kind = head[KIND]
        if kind not in (DATA, DICTIONARY, DATA_2) or head[ENCODING] not in (PLAIN, *_BY_DICTIONARY):
            raise UnknownFormError
        levels = (optional and head[DEF_ENCODING] != RLE) or (lists and head[REP_ENCODING] != RLE)
        if (kind == DATA and levels) or (kind == DICTIONARY and number):
            raise UnknownFormError
    name = _CODECS[chunk.compression]
    return _Pages(heads, pa.py_buffer(data), None if name is None else pa.Codec(name), leaf)


def _ids(pages: _Pages, limit: int, rows: int) -> tuple[Ids, int]:
    """Numbers of dictionary entries, `limit` where there is none; and how many rows have none."""
    data, table = pages.unpacked()
    levels = _room.bytes("levels", pages.most)
    for kind, bits in _kinds(limit):
        out, numbers = np.empty(rows, kind), _room.bytes("numbers", 4 * pages.most).view(kind)
        answer = flat_ids(data, table, pages.leaf.deepest > 0, limit, bits, levels, numbers, out)
        if answer != TOO_WIDE:
            break
    return out, _known(answer)


def _kinds(limit: int) -> list[tuple[Any, int]]:
    """Types for dictionary numbers, and the bits a page may give each of them."""
    wide = (np.int32, 31)
    return [wide] if limit > _NARROW_MAX else [(np.uint16, 16), wide]


def _known_numbers(dictionary: _Pages) -> I64:
    """The entries, and a 0."""
    count = dictionary.heads[0][VALUES]
    found = np.zeros(count + 1, np.int64)
    _fill(dictionary, False, found[:count], np.zeros(0, np.bool_))
    return found


def _fill(page: _Pages, optional: bool, out: I64, missing: npt.NDArray[np.bool_]) -> int:
    data, table = page.alone(optional)
    leaf, levels = page.leaf, _room.bytes("levels", page.most)
    return _known(flat_fixed(data, table, optional, leaf.size, leaf.order, levels, out, missing))


def _fixed(pages: _Pages, rows: int, known: I64 | None) -> tuple[I64, npt.NDArray[np.bool_] | None]:
    """Numbers, and which cells have none. `known`: the dictionary of pages that use one."""
    out, missing, base, absent = np.empty(rows, np.int64), np.zeros(rows, np.bool_), 0, 0
    for head in pages.heads:
        part, page = slice(base, base + head[VALUES]), pages.of([head])
        if head[ENCODING] in _BY_DICTIONARY:
            if known is None:
                raise UnknownFormError
            ids, none = _ids(page, len(known) - 1, head[VALUES])
            out[part], missing[part] = known[ids], ids == len(known) - 1
            absent += none
        else:
            absent += _fill(page, pages.leaf.deepest > 0, out[part], missing[part])
        base += head[VALUES]
    return out, missing if absent else None


def _texts(pages: _Pages, optional: bool) -> pa.Array:
    """The texts of pages, one behind the other."""
    count = sum(head[VALUES] for head in pages.heads)
    missing, offsets = np.empty(count, np.bool_), np.empty(count + 1, np.int32)
    offsets[0] = 0
    levels, base, behind = _room.bytes("levels", pages.most), 0, 0
    room = sum(head[WHOLE] for head in pages.heads)
    if room > _BYTES_MAX:
        raise UnknownFormError
    texts = np.empty(room + SLACK, np.uint8)
    for head in pages.heads:
        part = slice(base, base + head[VALUES])
        args = *pages.of([head]).alone(optional), optional, levels
        behind = _known(flat_texts(*args, texts, behind, offsets[1:][part], missing[part]))
        base += head[VALUES]
    validity = pa.py_buffer(np.packbits(~missing, bitorder="little")) if optional and missing.any() else None
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(texts).slice(0, behind)]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def _mixed_texts(pages: _Pages, words: pa.Array | None) -> pa.Array:
    optional = pages.leaf.deepest > 0
    if all(head[ENCODING] == PLAIN for head in pages.heads):
        return _texts(pages, optional)
    parts = []
    for head in pages.heads:
        page = pages.of([head])
        if head[ENCODING] == PLAIN:
            parts.append(_texts(page, optional))
        elif words is None:
            raise UnknownFormError
        else:
            ids, _ = _ids(page, len(words), head[VALUES])
            parts.append(words.take(pa.array(ids, mask=ids == len(words))))
    if sum(part.nbytes for part in parts) > _BYTES_MAX:
        raise UnknownFormError
    return pa.concat_arrays(parts)


def _lists(pages: _Pages, words: pa.Array, rows: int, values: int) -> IndexedLists:
    data, table = pages.unpacked()
    reps, defs = _room.bytes("reps", pages.most), _room.bytes("levels", pages.most)
    offsets, absent = np.empty(rows + 1, np.int64), np.empty(rows + 1, np.bool_)
    nullable = pages.leaf.nullable
    for kind, bits in _kinds(len(words)):
        out, numbers, none = (
            np.empty(values, kind),
            _room.bytes("numbers", 4 * pages.most).view(kind),
            np.zeros(1, np.int64),
        )
        args = data, table, nullable, len(words), bits, reps, defs, numbers
        count = list_ids(*args, offsets, out, absent, none)
        if count != TOO_WIDE:
            break
    offsets[rows] = _known(count)
    return IndexedLists(offsets, out[: int(count)], words, absent[:rows], not none[0], pages.leaf.kind)


def _known(answer: int) -> int:
    if answer < 0:
        raise UnknownFormError
    return int(answer)
