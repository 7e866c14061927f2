"""The batches of one row group, for a thread of its own 「行组批次」.

In: an open reader, one task; out: batches of the columns the run demands, each column as the pages hold it or as Arrow
does. Row groups of a usual size are read from their pages; a larger one by Arrow, which holds less of it at a time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.cases.gather import headers_needed
from engine.cases.piece import CaseTable
from engine.cases.read import CaseReader
from engine.cases.read_parquet import ParquetCases, broken
from engine.execute.batches import RowBatch, batches, dictionary_paths, group_tables
from engine.execute.cells import ID, Odd
from engine.execute.page_cells import U8, ArrowCells, Cells
from engine.execute.page_leaves import Leaf, leaves
from engine.execute.pages import plain_pages, read_columns
from engine.execute.vocabulary import I64

PAGE_ROWS_MAX = 1 << 18
"""Rows of a row group that is unpacked as a whole: some 150 bytes each, for every thread."""
_FILES_KNOWN = 8
TextPage = tuple[U8, I64, bool, U8]
"""See `pages.plain_pages`."""


@dataclass(frozen=True)
class Task:
    """One row group of one file, both by number from 0; a file without row groups is one task."""

    file: int
    group: int


@dataclass(frozen=True)
class LeanBatch:
    """Some rows: cells by the file's own headers, the rows' numbers from 1, and those of rows that have no cells."""

    cells: dict[str, Cells]
    rows: I64
    misshapen: list[int] = field(default_factory=list)

    @property
    def schema(self) -> pa.Schema:
        """The types of the cells."""
        return pa.schema([(name, cells.kind) for name, cells in self.cells.items()])

    def raw(self, keep: Odd) -> RowBatch:
        """Some of its rows as Arrow, and those that are not in the cells."""
        return self.picked(np.flatnonzero(keep))

    def picked(self, places: I64) -> RowBatch:
        """The same by the places of the rows, in any order."""
        every = len(places) == len(self.rows) and bool((places[1:] > places[:-1]).all())
        columns = [cells.arrow() if every else cells.at(places) for cells in self.cells.values()]
        return RowBatch(pa.Table.from_arrays(columns, list(self.cells)), self.rows[places], self.misshapen)


@dataclass(frozen=True)
class _Footer:
    """What a Parquet file says of itself."""

    metadata: pq.FileMetaData
    leaves: dict[str, Leaf]
    before: tuple[int, ...]
    """Rows before each row group."""


class Batches:
    """Batches of any task; threads may ask at the same time, each for its own."""

    def __init__(self, reader: CaseReader, batch_rows: int) -> None:
        self._reader, self._batch_rows = reader, batch_rows
        self._footers: OrderedDict[int, _Footer] = OrderedDict()
        self._lock = Lock()

    def rows_of(self, task: Task) -> int | None:
        """How many rows a row group has; None for a file without row groups."""
        table = self._reader.tables[task.file]
        if not isinstance(table, ParquetCases):
            return None
        return int(self._footer(task.file, table).metadata.row_group(task.group).num_rows)

    def of(self, task: Task, columns: tuple[str, ...] | None = None) -> Iterator[LeanBatch]:
        """At most about `batch_rows` rows at a time, with the columns the run demands or just these."""
        table, header = self._reader.tables[task.file], self._reader.headers[task.file]
        needed = headers_needed(header, columns or self._reader.demand.wanted)
        unique = (header.direct.get(ID, ""),)
        if isinstance(table, ParquetCases):
            try:
                whole = self._from_pages(table, task, needed, unique)
            except (pa.ArrowException, OSError) as error:
                raise broken(table.name, error) from error
            if whole is not None:
                columns_held, before, count = whole
                parts = self._parts([columns_held], before, count)
                del whole, columns_held  # whoever waits for the next batch holds no cells of the last
                yield from parts
                return
        for batch in batches(table, needed, self._batch_rows, unique, lambda group: group == task.group):
            cells = {name: batch.table.column(name).combine_chunks() for name in batch.table.column_names}
            yield LeanBatch(
                {name: ArrowCells(each, each.type) for name, each in cells.items()}, batch.rows, batch.misshapen
            )

    def text_pages(self, task: Task, name: str) -> tuple[range, Iterator[TextPage]] | None:
        """The numbers of a row group's rows, and the pages of one column of texts, for the caller's own loop. None,
        or UnknownFormError from the pages, where `of` is to be asked."""
        table = self._reader.tables[task.file]
        if not isinstance(table, ParquetCases):
            return None
        footer = self._footer(task.file, table)
        if task.group >= footer.metadata.num_row_groups or name not in footer.leaves:
            return None
        group = footer.metadata.row_group(task.group)
        if group.num_rows > PAGE_ROWS_MAX:
            return None
        before = footer.before[task.group]
        return range(before + 1, before + 1 + group.num_rows), _text_pages(table.path, group, footer.leaves[name])

    def _parts(self, held: list[dict[str, Cells]], before: int, count: int) -> Iterator[LeanBatch]:
        """The rows of a group cut evenly; the columns in `held` are let go with the last part."""
        if not count:
            return
        parts = max(1, round(count / self._batch_rows))
        cuts = [count * part // parts for part in range(parts + 1)]
        for low, high in pairwise(cuts):
            yield self._part(held, before, low, high, count)

    def _part(self, held: list[dict[str, Cells]], before: int, low: int, high: int, count: int) -> LeanBatch:
        cells = held.pop() if high == count else held[0]
        part = cells if high - low == count else {name: each.part(low, high) for name, each in cells.items()}
        return LeanBatch(part, np.arange(before + low + 1, before + high + 1, dtype=np.int64))

    def _from_pages(
        self, table: CaseTable, task: Task, needed: list[str], unique: tuple[str, ...]
    ) -> tuple[dict[str, Cells], int, int] | None:
        """All columns of the row group, rows before it, and its rows; None where Arrow is to read it."""
        footer = self._footer(task.file, table)
        if task.group >= footer.metadata.num_row_groups:
            return None
        group = footer.metadata.row_group(task.group)
        if group.num_rows > PAGE_ROWS_MAX:
            return None
        with table.path.open("rb", buffering=0) as file:
            known = {name: footer.leaves[name] for name in needed if name in footer.leaves}
            found = read_columns(file.fileno(), group, known)
        rest = [name for name in needed if name not in found]
        if rest:
            others = _by_arrow(table, footer, task.group, rest, unique)
            if others is None:
                return None
            found |= others
        return {name: found[name] for name in needed}, footer.before[task.group], group.num_rows

    def _footer(self, file: int, table: CaseTable) -> _Footer:
        with self._lock:
            footer = self._footers.get(file)
            if footer is None:
                metadata = pq.read_metadata(table.path)
                counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
                before = tuple(int(n) for n in np.cumsum([0, *counts]))
                footer = self._footers[file] = _Footer(metadata, leaves(metadata), before)
                if len(self._footers) > _FILES_KNOWN:
                    self._footers.popitem(last=False)
            return footer


def _text_pages(path: Path, group: pq.RowGroupMetaData, leaf: Leaf) -> Iterator[TextPage]:
    with path.open("rb", buffering=0) as file:
        yield from plain_pages(file.fileno(), group, leaf)


def _by_arrow(
    table: CaseTable, footer: _Footer, group: int, names: list[str], unique: tuple[str, ...]
) -> dict[str, Cells] | None:
    """Columns whose pages are not known; None if Arrow cannot give the group in one piece."""
    with pq.ParquetFile(table.path, metadata=footer.metadata) as plain:
        paths = dictionary_paths(plain, names, unique)
        with pq.ParquetFile(table.path, metadata=footer.metadata, read_dictionary=paths) as file:
            rows = max(1, footer.metadata.row_group(group).num_rows)
            tables = list(group_tables(file, plain, group, names, rows))
    if len(tables) != 1:
        return None
    whole = {name: tables[0].column(name).combine_chunks() for name in names}
    return {name: ArrowCells(cells, cells.type) for name, cells in whole.items()}
