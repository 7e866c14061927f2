"""Which of many hashes stand there more than once 「重复指纹」.

In: 64-bit hashes in some order, 0 = none; out: the places of those that repeat, ascending. Ten bits of a hash make way
for its place, so 54 are compared: a few places too many may be told, never one too few. Hashes are dealt into buckets
by their first bits, so that every bucket is searched within the processor's caches; of the whole, eight bytes a hash
lie in a file without a name, and a run of a million in memory.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from engine.execute.id_loops import BUCKETS, PLACE_BITS, count_buckets, deal, mark_repeated

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
HELD_MAX = 1 << 20
"""Hashes of a run: what is dealt into buckets at once."""
_PIECE = 1 << PLACE_BITS


@dataclass(frozen=True)
class _Run:
    """`counts`: how many hashes of each piece (a row) went to each bucket; they stand one behind the other at `start`,
    bucket by bucket, piece by piece."""

    first: int
    start: int
    counts: I64

    def bucket(self, number: int) -> slice:
        start = self.start + int(self.counts[:, :number].sum())
        return slice(start, start + int(self.counts[:, number].sum()))


class IdHashes:
    """The hashes of one reading. To be closed."""

    def __init__(self) -> None:
        self._held = np.empty(HELD_MAX, np.uint64)
        self._count, self._first, self._written = 0, 0, 0
        self._runs: list[_Run] = []
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()

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
        self._file.flush()
        if not self._written:
            return np.zeros(0, np.int64)
        dealt = np.memmap(self._file, np.uint64, "r")
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(lambda bucket: self._repeated(dealt, bucket), range(BUCKETS)))
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
        total = int(counts.sum())
        dealt, ends = np.empty(total, np.uint64), np.cumsum(counts.sum(axis=0)) - counts.sum(axis=0)
        for piece in pieces:
            deal(piece, ends, dealt)
        dealt.tofile(self._file)
        self._runs.append(_Run(self._first, self._written, counts))
        self._first, self._written, self._count = self._first + self._count, self._written + total, 0

    def _repeated(self, dealt: U64, bucket: int) -> I64:
        keys = np.concatenate([dealt[run.bucket(bucket)] for run in self._runs])
        table = np.zeros(1 << max(4, (2 * len(keys)).bit_length()), np.uint32)
        marks = np.zeros(len(keys), np.bool_)
        if not mark_repeated(keys, table, marks):
            return np.zeros(0, np.int64)
        firsts = [run.first + _PIECE * piece for run in self._runs for piece in range(len(run.counts))]
        counts = np.concatenate([run.counts[:, bucket] for run in self._runs])
        hits = np.flatnonzero(marks)
        piece_of = np.searchsorted(np.cumsum(counts), hits, "right")
        return np.asarray(firsts, np.int64)[piece_of] + (keys[hits] & np.uint64(_PIECE - 1)).astype(np.int64)
