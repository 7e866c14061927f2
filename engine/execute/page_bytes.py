"""The pages of one column of a row group, unpacked 「页解压」.

In: an open Parquet file and what it says of a column; out: the bytes of the pages, levels and values, and where each
page begins and ends. Zstd pages are unpacked in one go where the frames say their size: a context for every page, and
putting the pages together again, took a fifth of the time. It reads no value.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.execute.page_cells import I64, U8
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
    START,
    VALUES,
    WHOLE,
    join_frames,
    page_headers,
)
from engine.execute.page_runs import SLACK

CODECS: Final = {"ZSTD": "zstd", "SNAPPY": "snappy", "GZIP": "gzip", "BROTLI": "brotli", "UNCOMPRESSED": None}
BY_DICTIONARY: Final = (PLAIN_DICTIONARY, RLE_DICTIONARY)
BYTES_MAX: Final = (1 << 31) - 1
_PAGES_MAX: Final = 1 << 14
_ROOM_KEPT_MAX: Final = 1 << 23
_TOGETHER_MAX: Final = 1 << 22
"""Bytes of a column that is unpacked in one go: what every thread has to hold."""
_SLACK_FRAME: Final = np.frombuffer(pa.Codec("zstd").compress(bytes(SLACK)), np.uint8)


class UnknownFormError(Exception):
    """Pages that are left to Arrow."""


class Room(threading.local):
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


room = Room()
"""Every thread's own."""


@dataclass(frozen=True)
class Pages:
    """Pages of one column of a row group, still packed, until the thread takes up another column."""

    heads: Sequence[Sequence[int]]
    packed: pa.Buffer
    codec: pa.Codec | None
    leaf: Leaf
    together: U8 | None = None
    """All pages of the column unpacked, each from its `START`, with `SLACK` bytes more behind the last."""

    def of(self, heads: Sequence[Sequence[int]]) -> Pages:
        """Some of them that follow one another."""
        return replace(self, heads=heads)

    @property
    def most(self) -> int:
        """Values of the largest."""
        return max((head[VALUES] for head in self.heads), default=0)

    def unpacked(self) -> tuple[U8, I64]:
        """One behind the other with `SLACK` bytes more, their levels as in pages of the first version, until the thread
        unpacks others; and where each begins and ends, and its values."""
        if self.together is not None:
            return self.together, self._places()
        return self._joined([self._bytes(head) for head in self.heads])

    def alone(self, optional: bool) -> tuple[U8, I64]:
        """The only page, `SLACK` bytes or more behind its levels, which spares a copy of the values."""
        if self.together is not None:
            return self.together, self._places()
        data = self._bytes(self.heads[0])
        levels = 4 + int.from_bytes(data[:4].tobytes(), "little") if optional else 0
        if levels + SLACK > len(data):
            return self._joined([data])
        data.flags.writeable = False
        return data, np.array([[0, len(data), self.heads[0][VALUES]]])

    def _places(self) -> I64:
        places = [(head[START], head[START] + head[WHOLE], head[VALUES]) for head in self.heads]
        return np.array(places, np.int64).reshape(-1, 3)

    def _joined(self, parts: list[U8]) -> tuple[U8, I64]:
        ends = list(accumulate(map(len, parts), initial=0))
        size = ends[-1]
        data = room.bytes("pages", size + SLACK)[: size + SLACK]
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


def pages_of(handle: int, chunk: pq.ColumnChunkMetaData, leaf: Leaf, one_by_one: bool = False) -> Pages:
    """The pages of a column of a row group, of forms that can be read here. `one_by_one`: each is looked at but once,
    while it is in the caches."""
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < (chunk.dictionary_page_offset or 0) < start:
        start = chunk.dictionary_page_offset
    size = chunk.total_compressed_size
    if not 0 <= size <= BYTES_MAX:
        raise UnknownFormError
    held = room.bytes("packed", size + len(_SLACK_FRAME))[: size + len(_SLACK_FRAME)]
    data = held[: os.preadv(handle, [held[:size].data], start)]
    data.flags.writeable = False
    table = _heads(data, chunk.num_values)
    heads = table.tolist()
    optional, lists = leaf.deepest > 0, leaf.is_list
    for number, head in enumerate(heads):
        kind = head[KIND]
        if kind not in (DATA, DICTIONARY, DATA_2) or head[ENCODING] not in (PLAIN, *BY_DICTIONARY):
            raise UnknownFormError
        levels = (optional and head[DEF_ENCODING] != RLE) or (lists and head[REP_ENCODING] != RLE)
        if (kind == DATA and levels) or (kind == DICTIONARY and number):
            raise UnknownFormError
    name = CODECS[chunk.compression]
    codec = None if name is None else pa.Codec(name)
    together = None
    if codec is not None and name == "zstd" and len(heads) > 1 and not one_by_one:
        together = _together(codec, held, table)
    return Pages(heads, pa.py_buffer(data), codec, leaf, together)


def _heads(data: U8, values: int) -> I64:
    for size in (64, _PAGES_MAX):
        table = np.zeros((size, START + 1), np.int64)
        count = int(page_headers(data, values, table))
        if count >= 0:
            return table[:count]
    raise UnknownFormError


def _together(codec: pa.Codec, held: U8, table: I64) -> U8 | None:
    """All pages unpacked; None where each has to be looked at on its own. The headers between the pages become frames
    that are skipped."""
    size = int(table[:, WHOLE].sum())
    if size > _TOGETHER_MAX or (table[:, KIND] == DATA_2).any() or not join_frames(held, table):
        return None
    end = int(table[-1, AT] + table[-1, PACKED])
    held[end : end + len(_SLACK_FRAME)] = _SLACK_FRAME
    try:
        data = np.frombuffer(codec.decompress(pa.py_buffer(held[: end + len(_SLACK_FRAME)]), size + SLACK), np.uint8)
    except pa.ArrowException as error:
        raise UnknownFormError from error
    data.flags.writeable = False
    return data
