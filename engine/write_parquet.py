"""Parquet files with the same bytes for the same rows, whatever made the rows 「结果文件」.

In: a schema and a function that gives the columns of rows lo..hi. Out: a file in fixed row groups. Texts that repeat
are written as a dictionary in order of first occurrence, whatever dictionary the caller had, so the bytes follow from
the values alone; a reader sees plain text. It holds one row group at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from engine.casebook import whole
from engine.execute.texts import coded_array

ROWS_PER_GROUP = 131_072
UNIQUE = frozenset({"setl_id"})
"""Texts that hardly repeat: a dictionary of them would be built in vain."""

WriteRows = Callable[[Mapping[str, pa.Array]], None]


def write_rows(
    path: Path, schema: pa.Schema, count: int, columns: Callable[[int, int], Mapping[str, pa.Array]]
) -> None:
    """Write `count` rows. `columns(lo, hi)` gives every column of the schema for those rows."""
    with row_writer(path, schema) as write:
        for low in range(0, count, ROWS_PER_GROUP):
            write(columns(low, min(count, low + ROWS_PER_GROUP)))
    pa.default_memory_pool().release_unused()


@contextmanager
def row_writer(path: Path, schema: pa.Schema) -> Iterator[WriteRows]:
    """Writes one row group at a time; every one but the last has ROWS_PER_GROUP rows."""
    fields = [field.with_type(_CODED) if _repeats(field) else field for field in schema]
    stored = pa.schema(fields)
    # Numbers mostly differ from case to case; amounts as eight-byte integers pack better than as sixteen-byte decimals.
    options = {
        "compression": "zstd",
        "compression_level": 1,
        "version": "2.6",
        "use_dictionary": [*_dictionary_paths(schema)],
        "store_decimal_as_integer": True,
        "store_schema": False,
    }
    with pq.ParquetWriter(path, stored, **options) as writer:

        def write(made: Mapping[str, pa.Array]) -> None:
            arrays = [_written(made[field.name], field) for field in schema]
            writer.write_table(pa.table(arrays, schema=stored), row_group_size=ROWS_PER_GROUP)

        yield write


def looked_up(values: pa.Array, rows: npt.NDArray[np.integer]) -> pa.Array:
    """`values.take(rows)` for a short table of texts, without writing out the texts."""
    return pa.DictionaryArray.from_arrays(pa.array(rows.astype(np.int32, copy=False)), values)


_CODED = pa.dictionary(pa.int32(), pa.string())


def _repeats(field: pa.Field) -> bool:
    return bool(pa.types.is_string(field.type)) and field.name not in UNIQUE


def _dictionary_paths(schema: pa.Schema) -> Collection[str]:
    lists = [f"{field.name}.list.element" for field in schema if pa.types.is_list(field.type)]
    return [*(field.name for field in schema if _repeats(field)), *lists]


def _written(values: pa.Array | pa.ChunkedArray, field: pa.Field) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = whole(values)
    if not _repeats(field):
        return values if values.type == field.type else values.cast(field.type)
    if not pa.types.is_dictionary(values.type):
        plain = values if pa.types.is_string(values.type) else values.cast(pa.string())
        return plain.dictionary_encode()
    # The caller's dictionary may name a text twice, hold a null, or texts that do not occur here.
    known = values.dictionary.cast(pa.string()).dictionary_encode()
    number = np.append(known.indices.fill_null(-1).to_numpy(), np.int32(-1))
    places = values.indices.fill_null(len(number) - 1) if values.null_count else values.indices
    return coded_array(number[places.to_numpy()], known.dictionary.to_pylist())
