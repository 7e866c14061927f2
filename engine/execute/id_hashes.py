"""Which of many hashes stand there more than once 「重复指纹」.

In: 64-bit hashes in some order, 0 = none; out: the places of those that repeat, ascending. Ten bits of a hash make way
for its place, so 54 are compared: a few places too many may be told, never one too few. Hashes are dealt into buckets
by their first bits, so that every bucket is searched within the processor's caches; of the whole, eight bytes a hash
lie in a file without a name, and a run of a million in memory.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from engine.execute.id_loops import (
    BUCKETS,
    PLACE_BITS,
    count_buckets,
    deal,
    mark_repeated,
    mark_seen,
    seen_again,
)
from engine.execute.scratch import Scratch

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
HELD_MAX = 1 << 20
"""Hashes of a run: what is dealt into buckets at once."""
_PIECE = 1 << PLACE_BITS
_scratch = Scratch()


@dataclass(frozen=True)
class _Run:
    """`counts`: how many hashes of each piece (a row) went to each bucket; they stand one behind the other, bucket by
    bucket, piece by piece. `begins`: where each bucket begins in the file, and where the last ends."""

    first: int
    counts: npt.NDArray[np.int32]
    begins: list[int]


class IdHashes:
    """The hashes of one reading. To be closed."""

    def __init__(self) -> None:
        self._held = np.empty(HELD_MAX, np.uint64)
        self._count, self._first, self._written = 0, 0, 0
        self._runs: list[_Run] = []
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close()

    def add(self, hashes: U64) -> None:
        """Some more."""
        done = 0
        while done < len(hashes):
            taken = min(len(hashes) - done, len(self._held) - self._count)
            self._held[self._count : self._count + taken] = hashes[done : done + taken]
            self._count, done = self._count + taken, done + taken
            if self._count == len(self._held):
                self._deal()

    def repeated(self, threads: int) -> I64:
        """Places of the hashes that stand there again."""
        self._deal()
        if not self._written:
            return np.zeros(0, np.int64)
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(self._repeated, range(BUCKETS)))
        return np.sort(np.concatenate(found))

    def close(self) -> None:
        """Lets the file go."""
        self._file.close()

    def _deal(self) -> None:
        """What is held goes to its buckets."""
        pieces = [self._held[low : min(low + _PIECE, self._count)] for low in range(0, self._count, _PIECE)]
        counts = np.zeros((len(pieces), BUCKETS), np.int64)
        for piece, row in zip(pieces, counts, strict=True):
            count_buckets(piece, row)
        of_bucket = counts.sum(axis=0)
        total = int(of_bucket.sum())
        ends = np.cumsum(of_bucket) - of_bucket
        begins = [*(ends + self._written).tolist(), self._written + total]
        dealt = _scratch.array("dealt", total, np.uint64)
        for piece in pieces:
            deal(piece, ends, dealt)
        _write(self._file, dealt)
        self._runs.append(_Run(self._first, counts.astype(np.int32), begins))
        self._first, self._written, self._count = self._first + self._count, self._written + total, 0

    def _repeated(self, bucket: int) -> I64:
        keys = self._keys(bucket)
        # Two bits in sixteen a hash single out the few that are worth a look.
        words = 1 << max(0, (len(keys) // 4).bit_length())
        seen, again = (_scratch.array(name, words, np.uint64) for name in ("seen", "again"))
        seen[:], again[:] = 0, 0
        mark_seen(keys, seen, again)
        some = _scratch.array("some", len(keys) + 1, np.uint32)
        some = some[: int(seen_again(keys, again, some))]
        table = np.zeros(1 << max(4, (2 * len(some)).bit_length()), np.uint32)
        marks = np.zeros(len(some), np.bool_)
        if not mark_repeated(keys, some, table, marks):
            return np.zeros(0, np.int64)
        firsts = [run.first + _PIECE * piece for run in self._runs for piece in range(len(run.counts))]
        counts = np.concatenate([run.counts[:, bucket] for run in self._runs])
        hits = some[marks]
        piece_of = np.searchsorted(np.cumsum(counts), hits, "right")
        found: I64 = np.asarray(firsts, np.int64)[piece_of] + (keys[hits] & np.uint64(_PIECE - 1)).astype(np.int64)
        return found

    def _keys(self, bucket: int) -> U64:
        """The dealt hashes of a bucket, until the thread asks for another's."""
        places = [(run.begins[bucket], run.begins[bucket + 1]) for run in self._runs]
        keys, done = _scratch.array("keys", sum(high - low for low, high in places), np.uint64), 0
        for low, high in places:
            part = keys[done : done + high - low]
            if len(part):
                read = os.preadv(self._file.fileno(), [part.data.cast("B")], 8 * low)
                assert read == part.nbytes, "the file holds what was written"
            done += len(part)
        return keys


def _write(file: IO[bytes], values: U64) -> None:
    left = values.data.cast("B") if len(values) else memoryview(b"")
    while left:
        left = left[file.write(left) :]
