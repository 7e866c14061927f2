"""Columns of one row group straight from its Parquet pages 「页解码」.

In: an open Parquet file and its metadata; out: whole numbers, texts by dictionary, and lists of texts by dictionary as
arrays, without Arrow's way over 128-bit decimals and its own lists. A form, an encoding or a page it does not know is
no error: the column is then read by Arrow, which also says what is wrong with a broken file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from engine.execute.page_cells import (
    I32,
    I64,
    U8,
    ArrowCells,
    Cells,
    IndexedLists,
    IndexedNumbers,
    IndexedTexts,
    Numbers64,
)
from engine.execute.page_loops import (
    AT,
    BIG,
    DATA,
    DATA_2,
    DEF_BYTES,
    DEF_ENCODING,
    DICTIONARY,
    ENCODING,
    IS_PACKED,
    KIND,
    LITTLE,
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
    flat_ids,
    flat_texts,
    list_ids,
    page_headers,
)

_CODECS: Final = {"ZSTD": "zstd", "SNAPPY": "snappy", "GZIP": "gzip", "BROTLI": "brotli", "UNCOMPRESSED": None}
_BY_DICTIONARY: Final = (PLAIN_DICTIONARY, RLE_DICTIONARY)
_PAGES_MAX: Final = 1 << 14
_TEXT_BYTES_MAX: Final = (1 << 31) - 1
_UNITS: Final = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_INTEGERS: Final = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16())


class UnknownFormError(Exception):
    """Pages that are left to Arrow."""


@dataclass(frozen=True)
class Leaf:
    """One column of the file: where its chunks are, and what its levels and values mean."""

    place: int
    kind: pa.DataType
    """As Arrow reads it."""
    deepest: int
    nullable: int
    """Bit 0: the cell may be null; bit 1: the elements of a list may."""
    size: int
    """Bytes of a value of fixed size; 0 for text."""
    order: int

    @property
    def is_list(self) -> bool:
        return bool(pa.types.is_list(self.kind) or pa.types.is_large_list(self.kind))


def leaves(metadata: pq.FileMetaData) -> dict[str, Leaf]:
    """The columns whose form is known, by name."""
    schema = metadata.schema.to_arrow_schema()
    places: dict[str, list[int]] = {}
    for place in range(metadata.num_columns):
        places.setdefault(metadata.schema.column(place).path.split(".")[0], []).append(place)
    found = {}
    for field in schema:
        at = places.get(field.name, [])
        if len(at) == 1 and schema.names.count(field.name) == 1:
            leaf = _leaf(at[0], field, metadata.schema.column(at[0]))
            if leaf is not None:
                found[field.name] = leaf
    return found


def _leaf(place: int, field: pa.Field, column: Any) -> Leaf | None:
    kind, physical = field.type, column.physical_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        nullable = int(field.nullable) | int(kind.value_field.nullable) << 1
        deepest = 1 + (nullable & 1) + (nullable >> 1)
        levels = column.max_repetition_level, column.max_definition_level
        if physical != "BYTE_ARRAY" or not _is_text(kind.value_type) or levels != (1, deepest):
            return None
        return Leaf(place, kind, deepest, nullable, 0, LITTLE)
    deepest = int(field.nullable)
    if column.path != field.name or (column.max_repetition_level, column.max_definition_level) != (0, deepest):
        return None
    if physical == "BYTE_ARRAY" and _is_text(kind):
        return Leaf(place, kind, deepest, deepest, 0, LITTLE)
    sizes = {"INT32": (4, LITTLE), "INT64": (8, LITTLE), "FIXED_LEN_BYTE_ARRAY": (column.length, BIG)}
    if physical not in sizes or not _is_known_number(kind, column):
        return None
    return Leaf(place, kind, deepest, deepest, *sizes[physical])


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_known_number(kind: pa.DataType, column: Any) -> bool:
    """Whether the stored whole numbers are those of the Arrow type, so that nothing has to be converted."""
    if pa.types.is_decimal128(kind):
        return bool((kind.precision, kind.scale) == (column.precision, column.scale) and kind.precision <= 18)
    if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
        return False
    if pa.types.is_timestamp(kind):
        said = json.loads(column.logical_type.to_json()) if column.physical_type == "INT64" else {}
        return kind.tz is None and said.get("timeUnit") == _UNITS.get(kind.unit, "")
    return bool(kind in _INTEGERS or (pa.types.is_date32(kind) and column.physical_type == "INT32"))


@dataclass(frozen=True)
class _Page:
    """A page unpacked, its levels as in pages of the first version."""

    data: U8
    count: int
    encoding: int
    dictionary: bool


def read_columns(handle: int, group: pq.RowGroupMetaData, wanted: Mapping[str, Leaf]) -> dict[str, Cells]:
    """The columns of a row group that can be read here; the others are not in the answer."""
    found: dict[str, Cells] = {}
    for name, leaf in wanted.items():
        try:
            found[name] = _column(handle, group.column(leaf.place), leaf, group.num_rows)
        except (UnknownFormError, pa.ArrowException, OSError):
            continue
    return found


def _column(handle: int, chunk: pq.ColumnChunkMetaData, leaf: Leaf, rows: int) -> Cells:
    if chunk.compression not in _CODECS or (not leaf.is_list and chunk.num_values != rows):
        raise UnknownFormError
    pages = list(_pages(handle, chunk, leaf))
    dictionary = pages.pop(0) if pages and pages[0].dictionary else None
    if any(page.dictionary for page in pages):
        raise UnknownFormError
    by_dictionary = all(page.encoding in _BY_DICTIONARY for page in pages) and dictionary is not None
    if leaf.is_list:
        if not by_dictionary or dictionary is None:
            raise UnknownFormError
        return _lists(pages, dictionary, leaf, rows, chunk.num_values)
    if leaf.size:
        known = None if dictionary is None else _fixed([dictionary], leaf, dictionary.count, False)[0]
        if by_dictionary and known is not None:
            return IndexedNumbers(_ids(pages, leaf, len(known), rows), known, leaf.kind)
        return Numbers64(*_fixed(pages, leaf, rows, bool(leaf.deepest), known), leaf.kind)
    words = None if dictionary is None else _texts(dictionary, False)
    if by_dictionary and words is not None:
        return IndexedTexts(_ids(pages, leaf, len(words), rows), words, leaf.kind)
    return ArrowCells(_mixed_texts(pages, leaf, words), leaf.kind)


def _pages(handle: int, chunk: pq.ColumnChunkMetaData, leaf: Leaf) -> Iterator[_Page]:
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < (chunk.dictionary_page_offset or 0) < start:
        start = chunk.dictionary_page_offset
    packed = os.pread(handle, chunk.total_compressed_size, start)
    data = np.frombuffer(packed, np.uint8)
    for size in (64, _PAGES_MAX):
        table = np.zeros((size, AT + 1), np.int64)
        count = int(page_headers(data, chunk.num_values, table))
        if count >= 0:
            break
    if count < 0:
        raise UnknownFormError
    name = _CODECS[chunk.compression]
    codec, whole = None if name is None else pa.Codec(name), pa.py_buffer(packed)
    for row in table[:count].tolist():
        yield _page(row, whole, codec, leaf)


def _page(row: list[int], whole: pa.Buffer, codec: pa.Codec | None, leaf: Leaf) -> _Page:
    kind, encoding = row[KIND], row[ENCODING]
    if kind not in (DATA, DICTIONARY, DATA_2) or encoding not in (PLAIN, *_BY_DICTIONARY):
        raise UnknownFormError
    body = whole.slice(row[AT], row[PACKED])
    if kind == DATA_2:
        data = _second_version(row, body, codec, leaf)
    else:
        levels = (leaf.deepest and row[DEF_ENCODING] != RLE) or (leaf.is_list and row[REP_ENCODING] != RLE)
        if kind == DATA and levels:
            raise UnknownFormError
        data = _bytes(body if codec is None else codec.decompress(body, row[WHOLE]))
    data.flags.writeable = False
    return _Page(data, row[VALUES], encoding, kind == DICTIONARY)


def _second_version(row: list[int], body: pa.Buffer, codec: pa.Codec | None, leaf: Leaf) -> U8:
    """The same page as the first version of the format has it: levels packed with the values, behind their lengths."""
    reps, defs = row[REP_BYTES], row[DEF_BYTES]
    if reps < 0 or defs < 0 or reps + defs > len(body) or reps + defs > row[WHOLE]:
        raise UnknownFormError
    values = body.slice(reps + defs)
    if codec is not None and row[IS_PACKED] and len(values):
        values = codec.decompress(values, row[WHOLE] - reps - defs)
    parts = []
    for there, begin, size in ((leaf.is_list, 0, reps), (leaf.deepest > 0, reps, defs)):
        if there:
            parts += [np.frombuffer(size.to_bytes(4, "little"), np.uint8), _bytes(body.slice(begin, size))]
    return np.concatenate([*parts, _bytes(values)])


def _bytes(buffer: pa.Buffer) -> U8:
    return np.frombuffer(buffer, np.uint8) if len(buffer) else np.zeros(0, np.uint8)


def _ids(pages: list[_Page], leaf: Leaf, limit: int, rows: int) -> I32:
    """Numbers of dictionary entries, −1 where there is none."""
    out, base = np.empty(rows, np.int32), 0
    levels = np.empty(max((page.count for page in pages), default=0), np.uint8)
    for page in pages:
        _known(flat_ids(page.data, leaf.deepest > 0, page.count, limit, levels, out, base))
        base += page.count
    return out


def _fixed(
    pages: list[_Page], leaf: Leaf, rows: int, optional: bool, known: I64 | None = None
) -> tuple[I64, npt.NDArray[np.bool_] | None]:
    """Numbers, and which cells have none. `known`: the dictionary of pages that use one."""
    out, missing, base, absent = np.empty(rows, np.int64), np.zeros(rows, np.bool_), 0, 0
    levels = np.empty(max((page.count for page in pages), default=0), np.uint8)
    for page in pages:
        if page.encoding in _BY_DICTIONARY and not page.dictionary:
            if known is None:
                raise UnknownFormError
            ids = _ids([page], leaf, len(known), page.count)
            part = slice(base, base + page.count)
            out[part], missing[part] = np.append(known, 0)[ids], ids < 0
            absent += int(np.count_nonzero(ids < 0))
        else:
            args = page.data, optional, page.count, leaf.size, leaf.order
            absent += _known(flat_fixed(*args, levels, out, missing, base))
        base += page.count
    return out, missing if absent else None


def _texts(page: _Page, optional: bool) -> pa.Array:
    """The texts of a page, one behind the other."""
    levels, missing = np.empty(page.count, np.uint8), np.zeros(page.count, np.bool_)
    data, offsets = np.empty(len(page.data), np.uint8), np.zeros(page.count + 1, np.int32)
    if len(data) > _TEXT_BYTES_MAX:
        raise UnknownFormError
    size = _known(flat_texts(page.data, optional, page.count, levels, data, offsets[1:], missing))
    validity = pa.py_buffer(np.packbits(~missing, bitorder="little")) if optional and missing.any() else None
    return pa.Array.from_buffers(
        pa.string(), page.count, [validity, pa.py_buffer(offsets), pa.py_buffer(data).slice(0, size)]
    )


def _mixed_texts(pages: list[_Page], leaf: Leaf, words: pa.Array | None) -> pa.Array:
    parts = []
    for page in pages:
        if page.encoding == PLAIN:
            parts.append(_texts(page, leaf.deepest > 0))
        elif words is None:
            raise UnknownFormError
        else:
            ids = _ids([page], leaf, len(words), page.count)
            parts.append(words.take(pa.array(ids, mask=ids < 0)))
    if sum(part.nbytes for part in parts) > _TEXT_BYTES_MAX:
        raise UnknownFormError
    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def _lists(pages: list[_Page], dictionary: _Page, leaf: Leaf, rows: int, values: int) -> IndexedLists:
    words = _texts(dictionary, False)
    most = max((page.count for page in pages), default=0)
    reps, defs, numbers = np.empty(most, np.uint8), np.empty(most, np.uint8), np.empty(most, np.int32)
    offsets, out = np.zeros(rows + 1, np.int64), np.empty(values, np.int32)
    absent, state = np.zeros(rows, np.bool_), np.zeros(2, np.int64)
    for page in pages:
        args = page.data, leaf.nullable, leaf.deepest, page.count, len(words)
        _known(list_ids(*args, reps, defs, numbers, offsets, out, absent, state))
    if state[0] != rows:
        raise UnknownFormError
    offsets[rows] = state[1]
    return IndexedLists(offsets, out[: int(state[1])], words, absent, leaf.kind)


def _known(answer: int) -> int:
    if answer < 0:
        raise UnknownFormError
    return int(answer)
