"""Pieces of grouped cases on disk, and all of them in order of id 「排序归并」.

In: casebook tables in any order; out: one file of pieces, each ascending by settlement id, mapped into memory when read
again; and row groups over all pieces in ascending order. Memory holds one row group and a sample of the ids, whatever
the number of cases: pages of the file come and go as the system likes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc

from engine.casebook import Casebook

ID = "setl_id"
SAMPLED = 1_024
"""Every so manieth id of a piece is kept to see where all pieces may be cut."""


class PieceWriter:
    """Writes pieces one after another, each a stream of its own with its own dictionaries."""

    def __init__(self, path: Path) -> None:
        self._sink = pa.OSFile(str(path), "wb")
        self.ends: list[int] = []
        """Where each piece ends in the file, in bytes."""

    def __enter__(self) -> PieceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.close()

    def add(self, table: pa.Table) -> None:
        """One piece, sorted here."""
        if not table.num_rows:
            return
        piece = sorted_by_id(table)
        with ipc.new_stream(self._sink, piece.schema) as stream:
            stream.write_table(piece)
        self.ends.append(int(self._sink.tell()))


def read_pieces(path: Path, ends: Sequence[int]) -> list[pa.Table]:
    """The pieces of a file, mapped."""
    if not ends:
        return []
    whole = pa.memory_map(str(path)).read_buffer()
    starts = [0, *ends[:-1]]
    return [
        ipc.open_stream(pa.BufferReader(whole.slice(start, end - start))).read_all()
        for start, end in zip(starts, ends, strict=True)
    ]


def sorted_by_id(table: pa.Table) -> pa.Table:
    """One chunk a column, ascending by id."""
    whole = table.unify_dictionaries().combine_chunks()
    return whole.take(pc.sort_indices(whole[ID]))


def in_order(pieces: Sequence[pa.Table], rows: int) -> Iterator[Casebook]:
    """All cases in ascending order of id, `rows` at a time. Asserts that no id is there twice."""
    cut = _cuts(pieces, rows)
    at = [0] * len(pieces)
    left: pa.Table | None = None
    last: str | None = None
    for bound in [*cut, None]:
        slices = [] if left is None else [left]
        for number, piece in enumerate(pieces):
            end = piece.num_rows if bound is None else _place(piece, bound, at[number])
            if end > at[number]:
                slices.append(piece.slice(at[number], end - at[number]))
                at[number] = end
        if not slices:
            continue
        whole = sorted_by_id(pa.concat_tables(slices))
        full = whole.num_rows if bound is None else whole.num_rows - whole.num_rows % rows
        for low in range(0, full, rows):
            group = whole.slice(low, min(rows, full - low))
            last = _require_ascending(group, last)
            yield Casebook(group)
        left = whole.slice(full) if full < whole.num_rows else None


def _require_ascending(group: pa.Table, last: str | None) -> str:
    ids = group[ID].chunk(0) if group[ID].num_chunks == 1 else group[ID].combine_chunks()
    twice = len(ids) > 1 and pc.any(pc.equal(ids[1:], ids[:-1])).as_py()
    first = str(ids[0].as_py())
    assert not twice and (last is None or last < first), "a settlement id passed validation twice"
    return str(ids[-1].as_py())


def _cuts(pieces: Sequence[pa.Table], rows: int) -> list[str]:
    """Ids between which about `rows` cases lie."""
    sample: list[str] = []
    for piece in pieces:
        sample += piece[ID].take(pa.array(range(0, piece.num_rows, SAMPLED))).to_pylist()
    step = max(1, rows // SAMPLED)
    return sorted(sample)[step::step]


def _place(piece: pa.Table, bound: str, start: int) -> int:
    """How many cases of the piece come before the bound."""
    ids = piece[ID]
    return bisect_left(range(piece.num_rows), bound, lo=start, key=lambda row: ids[row].as_py())
