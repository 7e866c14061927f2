"""Parquet files with the same bytes for the same rows, whatever made the rows 「结果文件」.

In: a schema and a function that gives the columns of rows lo..hi. Out: a file in fixed row groups. Strings are written
plain (never as the caller's dictionary), so the bytes follow from the values alone. It holds one row group at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.casebook import whole

ROWS_PER_GROUP = 131_072


def write_rows(
    path: Path, schema: pa.Schema, count: int, columns: Callable[[int, int], Mapping[str, pa.Array]]
) -> None:
    """Write `count` rows. `columns(lo, hi)` gives every column of the schema for those rows."""
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=3, version="2.6") as writer:
        for low in range(0, count, ROWS_PER_GROUP):
            high = min(count, low + ROWS_PER_GROUP)
            made = columns(low, high)
            arrays = [_plain(made[field.name], field.type) for field in schema]
            writer.write_table(pa.table(arrays, schema=schema), row_group_size=ROWS_PER_GROUP)
    pa.default_memory_pool().release_unused()


def _plain(values: pa.Array | pa.ChunkedArray, wanted: pa.DataType) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = whole(values)
    return values if values.type == wanted else values.cast(wanted)
