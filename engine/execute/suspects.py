"""Rows whose settlement id may stand elsewhere too, found before the rows themselves are read 「疑似重复」.

In: the case files of a run; out: per file the numbers of rows to be looked at closely. Only the ids are read, eight
bytes are kept for each. A hash chooses what is looked at; `judge_copies` compares ids as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.cases.aliases import HeaderMap
from engine.cases.gather import gather, headers_needed
from engine.cases.piece import CaseTable
from engine.cases.read import CaseReader, no_rows
from engine.cases.repair import Repairs
from engine.cases.typed import read_text
from engine.execute.batches import batches
from engine.execute.cells import ID, is_text
from engine.execute.loops import fill_members, mark_members, plain_ids
from engine.execute.vocabulary import text_buffers

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Suspects:
    """By file in reading order: how many rows it had, which of them are suspect (ascending), how it looked on disk."""

    counts: tuple[int, ...]
    rows: tuple[I64, ...]
    looks: tuple[tuple[int, int], ...]

    def among(self, file: int, rows: I64) -> npt.NDArray[np.bool_]:
        """Which of these rows are suspect."""
        of_file = self.rows[file]
        if not len(of_file) or not len(rows):
            return np.zeros(len(rows), np.bool_)
        return np.isin(rows, of_file)

    @property
    def total(self) -> int:
        """All suspect rows of the run."""
        return sum(map(len, self.rows))


def look_of(path: Path) -> tuple[int, int]:
    """Size and time of change: what tells a file that was written to while it was read."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def find_suspects(reader: CaseReader, batch_rows: int) -> Suspects:
    """One pass over the ids of all files."""
    looks = tuple(look_of(table.path) for table in reader.tables)
    hashes: list[U64] = []
    rows: list[list[I64]] = []
    counts: list[int] = []
    for table, header in zip(reader.tables, reader.headers, strict=True):
        count, of_file = 0, list[I64]()
        for found, numbers, misshapen in _hashes(table, header, batch_rows):
            hashes.append(found)
            of_file.append(numbers)
            count += len(found) + misshapen
        if not count:
            raise no_rows(table.name)
        counts.append(count)
        rows.append(of_file)
    repeated = _repeated(np.concatenate(hashes))
    place = 0
    suspect: list[I64] = []
    for of_file in rows:
        parts = [np.empty(0, np.int64)]
        for numbers in of_file:
            if len(repeated):
                parts.append(numbers[_members(hashes[place], repeated)])
            place += 1
        suspect.append(np.concatenate(parts))
    return Suspects(tuple(counts), tuple(suspect), looks)


def _hashes(table: CaseTable, header: HeaderMap, batch_rows: int) -> Iterator[tuple[U64, I64, int]]:
    """(hash of every id, 0 where there is none; row numbers; rows that are not there)."""
    needed = headers_needed(header, (ID,))
    for batch in batches(table, needed, batch_rows, unique=needed):
        cells = None
        if not header.id_from and is_text(batch.table.column(needed[0]).type):
            cells = batch.table.column(needed[0]).combine_chunks()
            cells = cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells
        yield id_hashes(cells, batch.table, header), batch.rows, len(batch.misshapen)


def id_hashes(cells: pa.Array | None, table: pa.Table, header: HeaderMap) -> U64:
    """Hashes of the ids as they will be inside: mended where they need it."""
    if cells is not None:
        found, odd = _hashed(cells)
        if not odd:
            return found
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    ids = read_text(gather(frame, header, (ID,))[ID], Repairs()).values
    return _hashed(ids.to_arrow())[0]


def _hashed(cells: pa.Array) -> tuple[U64, int]:
    data, starts, ends = text_buffers(cells)
    found, odd = np.empty(len(cells), np.uint64), np.zeros(len(cells), np.bool_)
    count = int(plain_ids(data, starts, ends, odd, found))
    np.maximum(found, np.uint64(1), out=found)
    if cells.null_count:
        found[np.asarray(cells.is_null().to_numpy(zero_copy_only=False), np.bool_)] = 0
        count += 1
    return found, count


def _repeated(hashes: U64) -> U64:
    """The hashes that stand there more than once, each once. Sorts its argument's copy."""
    ordered = np.sort(hashes[hashes != 0])
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _members(hashes: U64, repeated: U64) -> npt.NDArray[np.bool_]:
    table = np.zeros(1 << max(4, (4 * len(repeated)).bit_length()), np.uint64)
    fill_members(repeated, table)
    out = np.zeros(len(hashes), np.bool_)
    mark_members(hashes, table, out)
    out &= hashes != 0
    return out
