"""Small Arrow tables that wait until they are worth a turn together 「攒批」.

In: tables under keys, those of one key of one schema; out: `Heap`s, one a key, each joined when it is asked for its
table, by whatever thread. More rows than a limit lie in a file without a name. It does not know what the rows are.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc

_JOINED_AT = 32


@dataclass
class Heap:
    """The tables of one key, in memory and on disk."""

    rows: int = 0
    _small: list[pa.Table] = field(default_factory=list)
    _joined: list[pa.Table] = field(default_factory=list)
    _away: list[tuple[_Disk, int, int]] = field(default_factory=list)

    def add(self, table: pa.Table) -> None:
        """One more. Every table costs some thousand bytes beside its cells, so many small ones are made one."""
        self.rows += table.num_rows
        self._small.append(table)
        if len(self._small) >= _JOINED_AT:
            self._joined.append(_joined(self._small))
            self._small = []
        if len(self._joined) >= _JOINED_AT:
            self._joined = [_joined(self._joined)]

    def put_away(self, disk: _Disk) -> None:
        """What is in memory goes to disk."""
        if here := [*self._joined, *self._small]:
            self._away.append((disk, *disk.add(pa.concat_tables(here))))
            self._joined, self._small = [], []

    def table(self) -> pa.Table:
        """All of it, in the order it came."""
        return pa.concat_tables([*(disk.read(*place) for disk, *place in self._away), *self._joined, *self._small])


class Pile:
    """Heaps by key."""

    def __init__(self, limit: int) -> None:
        self._heaps: dict[Hashable, Heap] = {}
        self._limit, self._held = limit, 0
        self._disk: _Disk | None = None

    def __len__(self) -> int:
        return sum(heap.rows for heap in self._heaps.values())

    def add(self, key: Hashable, table: pa.Table) -> None:
        """Lets a table wait."""
        self._heaps.setdefault(key, Heap()).add(table)
        self._held += table.num_rows
        if self._held > self._limit:
            self._disk = self._disk or _Disk()
            for heap in self._heaps.values():
                heap.put_away(self._disk)
            self._held = 0

    def taken(self) -> dict[Hashable, Heap]:
        """All that waited, which then waits no longer. The disk is free when the heaps are gone."""
        heaps, self._heaps, self._held, self._disk = self._heaps, {}, 0, None
        return heaps


class _Disk:
    """A file without a name: tables one after the other. One thread adds, any may read."""

    def __init__(self) -> None:
        self._handle, path = tempfile.mkstemp(prefix="dianzhi-waiting-")
        Path(path).unlink()
        self._end = 0

    def __del__(self) -> None:
        os.close(self._handle)

    def add(self, table: pa.Table) -> tuple[int, int]:
        """Where the table begins, and its size."""
        sink = pa.BufferOutputStream()
        with ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        left, start = memoryview(sink.getvalue()), self._end
        while left:
            written = os.pwrite(self._handle, left, self._end)
            self._end += written
            left = left[written:]
        return start, self._end - start

    def read(self, start: int, size: int) -> pa.Table:
        """A table again."""
        found = memoryview(bytearray(size))
        filled = 0
        while filled < size:
            got = os.preadv(self._handle, [found[filled:]], start + filled)
            assert got, "the file holds what was written"
            filled += got
        return ipc.open_stream(pa.py_buffer(found)).read_all()


def _joined(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).combine_chunks()
