"""Rows whose settlement id may stand elsewhere too, found before the rows themselves are read 「疑似重复」.

In: the case files of a run; out: per file the numbers of rows to be looked at closely. Only the ids are read, eight
bytes are kept for each, on disk. A hash only chooses what `judge_copies` compares as text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.cases.aliases import HeaderMap
from engine.cases.gather import gather
from engine.cases.piece import CaseTable
from engine.cases.read import CaseReader, no_rows
from engine.cases.repair import Repairs
from engine.cases.typed import read_text
from engine.execute.batches import count_groups
from engine.execute.cells import ID, is_text
from engine.execute.id_hashes import IdHashes
from engine.execute.id_loops import page_ids, plain_ids
from engine.execute.lean_batches import Batches, Task
from engine.execute.page_bytes import UnknownFormError
from engine.execute.vocabulary import text_buffers

U64 = npt.NDArray[np.uint64]
READ_AHEAD_BYTES = 1 << 28
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
        first, last = int(rows[0]), int(rows[-1])
        if last - first != len(rows) - 1:
            return np.isin(rows, of_file)
        found = np.zeros(len(rows), np.bool_)
        found[of_file[np.searchsorted(of_file, first) : np.searchsorted(of_file, last, "right")] - first] = True
        return found

    @property
    def total(self) -> int:
        """All suspect rows of the run."""
        return sum(map(len, self.rows))


def look_of(path: Path) -> tuple[int, int]:
    """Size and time of change: what tells a file that was written to while it was read."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def find_suspects(reader: CaseReader, batch_rows: int, threads: int = 1) -> Suspects:
    """One pass over the ids of all files, `threads` of them at a time."""
    with closing(IdHashes()) as hashes:
        return _found(hashes, reader, Batches(reader, batch_rows), threads)


def _found(hashes: IdHashes, reader: CaseReader, batches: Batches, threads: int) -> Suspects:
    looks, counts = tuple(look_of(table.path) for table in reader.tables), list[int]()
    numbers: list[list[I64 | range]] = []
    for table, pieces in zip(reader.tables, _by_file(reader, batches, threads), strict=True):
        count, of_file = 0, list[I64 | range]()
        for found, rows, misshapen in pieces:
            hashes.add(found)
            of_file.append(rows)
            count += len(found) + misshapen
        if not count:
            raise no_rows(table.name)
        counts.append(count)
        numbers.append(of_file)
    return Suspects(tuple(counts), tuple(_rows_at(hashes.repeated(threads), numbers)), looks)


_Hashed = tuple[U64, I64 | range, int]


def _by_file(reader: CaseReader, batches: Batches, threads: int) -> Iterator[Iterable[_Hashed]]:
    """The hashes of each file in turn. Files of a usual size are read ahead, a few at a time, larger ones as asked."""
    waiting: deque[Future[list[_Hashed]] | Iterator[_Hashed]] = deque()

    def taken() -> Iterable[_Hashed]:
        first = waiting.popleft()
        return first.result() if isinstance(first, Future) else first

    with ThreadPoolExecutor(threads) as pool:
        for file, (table, header) in enumerate(zip(reader.tables, reader.headers, strict=True)):
            hashes = _hashes(batches, file, table, header)
            ahead = threads > 1 and table.path.stat().st_size < READ_AHEAD_BYTES
            waiting.append(pool.submit(list, hashes) if ahead else hashes)
            if len(waiting) > threads:
                yield taken()
        while waiting:
            yield taken()


def _rows_at(places: I64, numbers: list[list[I64 | range]]) -> list[I64]:
    """By file the numbers of the rows at these places, counted over all files."""
    before, suspect = 0, list[I64]()
    for of_file in numbers:
        parts = [np.empty(0, np.int64)]
        for rows in of_file:
            low, high = np.searchsorted(places, [before, before + len(rows)])
            hit = places[low:high] - before
            parts.append(rows[hit] if isinstance(rows, np.ndarray) else hit + rows.start)
            before += len(rows)
        suspect.append(np.concatenate(parts))
    return suspect


def _hashes(batches: Batches, file: int, table: CaseTable, header: HeaderMap) -> Iterator[_Hashed]:
    """(hash of every id, 0 where there is none; row numbers; rows that are not there)."""
    for group in range(count_groups(table)):
        task = Task(file, group)
        known = None if header.id_from else _page_hashes(batches, task, header.direct.get(ID, ""))
        if known is not None:
            yield known
            continue
        for batch in batches.of(task, (ID,)):
            raw = batch.raw(np.ones(len(batch.rows), np.bool_)).table
            cells = None
            if not header.id_from and is_text(raw.column(0).type):
                cells = raw.column(0).combine_chunks()
                cells = cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells
            rows = batch.rows
            whole = len(rows) and int(rows[-1]) - int(rows[0]) == len(rows) - 1 and not batch.misshapen
            numbers = range(int(rows[0]), int(rows[-1]) + 1) if whole else rows
            yield id_hashes(cells, raw, header), numbers, len(batch.misshapen)


def _page_hashes(batches: Batches, task: Task, name: str) -> _Hashed | None:
    """The same from the bytes of the pages, where every id is plain or missing."""
    try:
        found = batches.text_pages(task, name)
        if found is None:
            return None
        rows, pages = found
        hashes, done = np.empty(len(rows), np.uint64), 0
        for data, table, optional, levels in pages:
            count = int(table[0, 2])
            if page_ids(data, table, optional, levels, hashes[done : done + count]) != 0:
                return None
            done += count
    except (UnknownFormError, pa.ArrowException, OSError):
        return None
    return (hashes, rows, 0) if done == len(rows) else None


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
    if cells.null_count:
        found[np.asarray(cells.is_null().to_numpy(zero_copy_only=False), np.bool_)] = 0
        count += 1
    return found, count
