"""Columns of one row group straight from its Parquet pages 「页解码」.

In: an open Parquet file and its metadata; out: whole numbers, texts by dictionary, and lists of texts by dictionary as
arrays, without Arrow's way over 128-bit decimals and its own lists. A form, an encoding or a page it does not know is
no error: the column is then read by Arrow, which also says what is wrong with a broken file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from engine.execute.page_bytes import BY_DICTIONARY, BYTES_MAX, CODECS, Pages, UnknownFormError, pages_of, room
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
from engine.execute.page_loops import DICTIONARY, ENCODING, KIND, PLAIN, VALUES, WHOLE, flat_fixed, flat_texts
from engine.execute.page_runs import SLACK, TOO_WIDE, flat_ids, list_ids

_NARROW_MAX: Final = (1 << 16) - 1


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
    if leaf.is_list or leaf.size or chunk.compression not in CODECS or chunk.num_values != group.num_rows:
        raise UnknownFormError
    pages = pages_of(handle, chunk, leaf, one_by_one=True)
    if any(head[KIND] == DICTIONARY or head[ENCODING] != PLAIN for head in pages.heads):
        raise UnknownFormError
    optional, levels = leaf.deepest > 0, room.bytes("levels", pages.most)
    for head in pages.heads:
        yield *pages.of([head]).alone(optional), optional, levels


def _column(handle: int, chunk: pq.ColumnChunkMetaData, leaf: Leaf, rows: int) -> Cells:
    if chunk.compression not in CODECS or (not leaf.is_list and chunk.num_values != rows):
        raise UnknownFormError
    every = pages_of(handle, chunk, leaf)
    first = 1 if every.heads and every.heads[0][KIND] == DICTIONARY else 0
    dictionary, pages = every.of(every.heads[:first]) if first else None, every.of(every.heads[first:])
    if dictionary is not None and dictionary.most > dictionary.heads[0][WHOLE]:
        raise UnknownFormError
    by_dictionary = all(head[ENCODING] in BY_DICTIONARY for head in pages.heads)
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


def _ids(pages: Pages, limit: int, rows: int) -> tuple[Ids, int]:
    """Numbers of dictionary entries, `limit` where there is none; and how many rows have none."""
    data, table = pages.unpacked()
    levels = room.bytes("levels", pages.most)
    for kind, bits in _kinds(limit):
        out, numbers = np.empty(rows, kind), room.bytes("numbers", 4 * pages.most).view(kind)
        answer = flat_ids(data, table, pages.leaf.deepest > 0, limit, bits, levels, numbers, out)
        if answer != TOO_WIDE:
            break
    return out, _known(answer)


def _kinds(limit: int) -> list[tuple[Any, int]]:
    """Types for dictionary numbers, and the bits a page may give each of them."""
    wide = (np.int32, 31)
    return [wide] if limit > _NARROW_MAX else [(np.uint16, 16), wide]


def _known_numbers(dictionary: Pages) -> I64:
    """The entries, and a 0."""
    count = dictionary.heads[0][VALUES]
    found = np.zeros(count + 1, np.int64)
    _fill(dictionary, False, found[:count], np.zeros(0, np.bool_))
    return found


def _fill(page: Pages, optional: bool, out: I64, missing: npt.NDArray[np.bool_]) -> int:
    data, table = page.alone(optional)
    leaf, levels = page.leaf, room.bytes("levels", page.most)
    return _known(flat_fixed(data, table, optional, leaf.size, leaf.order, levels, out, missing))


def _fixed(pages: Pages, rows: int, known: I64 | None) -> tuple[I64, npt.NDArray[np.bool_] | None]:
    """Numbers, and which cells have none. `known`: the dictionary of pages that use one."""
    out, missing, base, absent = np.empty(rows, np.int64), np.zeros(rows, np.bool_), 0, 0
    for head in pages.heads:
        part, page = slice(base, base + head[VALUES]), pages.of([head])
        if head[ENCODING] in BY_DICTIONARY:
            if known is None:
                raise UnknownFormError
            ids, none = _ids(page, len(known) - 1, head[VALUES])
            out[part], missing[part] = known[ids], ids == len(known) - 1
            absent += none
        else:
            absent += _fill(page, pages.leaf.deepest > 0, out[part], missing[part])
        base += head[VALUES]
    return out, missing if absent else None


def _texts(pages: Pages, optional: bool) -> pa.Array:
    """The texts of pages, one behind the other."""
    count = sum(head[VALUES] for head in pages.heads)
    missing, offsets = np.empty(count, np.bool_), np.empty(count + 1, np.int32)
    offsets[0] = 0
    levels, base, behind = room.bytes("levels", pages.most), 0, 0
    size = sum(head[WHOLE] for head in pages.heads)
    if size > BYTES_MAX:
        raise UnknownFormError
    texts = np.empty(size + SLACK, np.uint8)
    for head in pages.heads:
        part = slice(base, base + head[VALUES])
        args = *pages.of([head]).alone(optional), optional, levels
        behind = _known(flat_texts(*args, texts, behind, offsets[1:][part], missing[part]))
        base += head[VALUES]
    validity = pa.py_buffer(np.packbits(~missing, bitorder="little")) if optional and missing.any() else None
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(texts).slice(0, behind)]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def _mixed_texts(pages: Pages, words: pa.Array | None) -> pa.Array:
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
    if sum(part.nbytes for part in parts) > BYTES_MAX:
        raise UnknownFormError
    return pa.concat_arrays(parts)


def _lists(pages: Pages, words: pa.Array, rows: int, values: int) -> IndexedLists:
    data, table = pages.unpacked()
    reps, defs = room.bytes("reps", pages.most), room.bytes("levels", pages.most)
    offsets, absent = np.empty(rows + 1, np.int64), np.empty(rows + 1, np.bool_)
    nullable = pages.leaf.nullable
    for kind, bits in _kinds(len(words)):
        out, numbers, none = (
            np.empty(values, kind),
            room.bytes("numbers", 4 * pages.most).view(kind),
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
