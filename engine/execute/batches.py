"""The batches of a case file as Arrow tables, dictionary pages left as dictionaries 「数据批」.

In: an open case file and the headers needed; out: tables of those columns with the rows' numbers. Parquet text is
read as dictionary indices where its pages hold a dictionary; other files give text. One thread, bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from engine.cases.piece import CaseTable
from engine.cases.read_parquet import ParquetCases, broken
from engine.execute.cells import is_code_list, is_text

_DICTIONARY = {"RLE_DICTIONARY", "PLAIN_DICTIONARY"}


@dataclass(frozen=True)
class RowBatch:
    """Some rows of a file: its own headers, numbers from 1, and the numbers of rows that are not in the table."""

    table: pa.Table
    rows: npt.NDArray[np.int64]
    misshapen: list[int] = field(default_factory=list)


Wanted = Callable[[int], bool]
"""Whether a row group, by its number in the file, is read. Files without row groups have one, number 0."""


def every(group: int) -> bool:
    """All of them."""
    return True


def batches(
    table: CaseTable, needed: Sequence[str], batch_rows: int, unique: Sequence[str] = (), wanted: Wanted = every
) -> Iterator[RowBatch]:
    """The rows of the file, at most about `batch_rows` at a time. `unique`: columns whose texts do not repeat."""
    if not isinstance(table, ParquetCases):
        if not wanted(0):
            return
        for piece in table.pieces(needed, batch_rows):
            yield RowBatch(without_views(piece.frame.to_arrow()), piece.rows, piece.misshapen)
        return
    try:
        with pq.ParquetFile(table.path) as plain:
            paths = dictionary_paths(plain, needed, unique)
            with pq.ParquetFile(table.path, read_dictionary=paths) as file:
                reached = 0
                for group in range(file.num_row_groups):
                    if not wanted(group):
                        reached += file.metadata.row_group(group).num_rows
                        continue
                    for batch in group_tables(file, plain, group, needed, batch_rows):
                        rows = np.arange(reached + 1, reached + batch.num_rows + 1, dtype=np.int64)
                        yield RowBatch(batch, rows)
                        reached += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise broken(table.name, error) from error


def group_tables(
    file: pq.ParquetFile, plain: pq.ParquetFile, group: int, needed: Sequence[str], batch_rows: int
) -> Iterator[pa.Table]:
    """One row group. Arrow cannot join lists of two dictionaries, as pages after an overfull dictionary have: as text
    then."""
    given = 0
    try:
        for batch in _read(file, group, needed, batch_rows):
            yield batch
            given += batch.num_rows
    except pa.ArrowNotImplementedError:
        for batch in _read(plain, group, needed, batch_rows):
            skip = min(given, batch.num_rows)
            given -= skip
            if skip < batch.num_rows:
                yield batch.slice(skip)


def _read(file: pq.ParquetFile, group: int, needed: Sequence[str], batch_rows: int) -> Iterator[pa.Table]:
    # A column that two row groups share one batch of cannot be read by dictionary, so every group is read by itself.
    for batch in file.iter_batches(batch_rows, row_groups=[group], columns=list(needed), use_threads=False):
        yield without_views(pa.Table.from_batches([batch]).select(list(needed)))


def dictionary_paths(file: pq.ParquetFile, needed: Sequence[str], unique: Sequence[str]) -> list[str]:
    """Leaf columns to read as dictionaries: texts whose every row group has a dictionary page.

    On plain pages a dictionary would be built value by value, which costs more than the texts themselves.
    """
    kinds = {field.name: field.type for field in file.schema_arrow}
    chosen = {
        name
        for name in needed
        if name not in unique
        and not pa.types.is_dictionary(kinds[name])
        and (is_text(kinds[name]) or is_code_list(kinds[name]))
    }
    metadata = file.metadata
    found = []
    for place in range(metadata.num_columns):
        path = metadata.schema.column(place).path
        if path.split(".")[0] in chosen and metadata.schema.column(place).physical_type == "BYTE_ARRAY":
            groups = (metadata.row_group(n).column(place) for n in range(metadata.num_row_groups))
            if metadata.num_row_groups and all(_DICTIONARY & set(group.encodings) for group in groups):
                found.append(path)
    return found


def without_views(table: pa.Table) -> pa.Table:
    """Arrow cannot pick rows of string views, so these become plain text."""
    kinds = [_without_view(field.type) for field in table.schema]
    if kinds == table.schema.types:
        return table
    return table.cast(pa.schema(list(zip(table.column_names, kinds, strict=True))))


def _without_view(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_dictionary(kind) and pa.types.is_string_view(kind.value_type):
        return pa.dictionary(kind.index_type, pa.large_string())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _without_view(kind.value_type)
        return kind if inner == kind.value_type else pa.large_list(inner)
    return kind


def count_groups(table: CaseTable) -> int:
    """Row groups of a Parquet file; 1 for any other."""
    if not isinstance(table, ParquetCases):
        return 1
    with pq.ParquetFile(table.path) as file:
        return max(1, int(file.num_row_groups))
