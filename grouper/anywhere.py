"""Tests that look for a list among all codes of a record 「任意位置」, answered by the principal code where it can.

In: the tests of an edition, a code table, the candidates by principal code; out: a few bits for every code, by which
the kernel sees whether the other codes of a record change anything, and the candidates of records where they do not.
It evaluates no record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grouper.batch import DROPPED, EMPTY, I32, I64
from grouper.codes import CLASS_MASK, CodeTable
from grouper.layout import AtomCompiler
from grouper.plan import Clauses, holds_by
from grouper.tables import Atom

MET_SHIFT, SINGLES = 56, 6
MET_MASK, SINGLE_MASK = (2 << SINGLES) - 1, (1 << SINGLES) - 1
"""In a packed code, above its attribute: a bit each for `SINGLES` lists of which it matters only whether any code meets
them, then a bit for all other lists. What the others meet of the first changes nothing if the principal code meets it
as well; what they meet of the second always may."""


@dataclass(frozen=True)
class AnyPlace:
    """The tests on one kind of code beyond the principal one."""

    table: CodeTable
    first: int
    """Slots of the words of other codes, then as many of any code."""
    singles: tuple[tuple[int, int], ...]
    """Word and mask."""
    others: tuple[int, ...]
    """By word, the bits of all other lists."""
    counts: tuple[tuple[int, int, int, int], ...]
    """Slot, first code, column of the row, mask."""

    def packed(self) -> I64:
        """The attributes of codes with the bits above, by id − `DROPPED`: what is no code has none."""
        table, every = self.table, self.table.rows[:, self.table.main.words :]
        met = np.zeros(len(every), np.int64)
        met[(every & np.array(self.others, np.int64)).any(axis=1)] = 1 << SINGLES
        for bit, (word, mask) in enumerate(self.singles):
            met |= ((every[:, word] & mask) != 0).astype(np.int64) << bit
        packed = np.zeros(len(table.attributes) - DROPPED, np.int64)
        packed[EMPTY - DROPPED :] = table.attributes | met[table.attributes & CLASS_MASK] << MET_SHIFT
        packed[EMPTY - DROPPED] = 0
        return packed

    def with_known_rows(
        self, candidates: npt.NDArray[np.uint64], gates: I32, left: Sequence[Clauses], compiler: AtomCompiler
    ) -> npt.NDArray[np.uint64]:
        """The candidates by class of the principal code, then again without the gates that are closed if the other
        codes change nothing."""
        bits = np.unpackbits(candidates.astype("<u8").view(np.uint8), axis=1, bitorder="little")
        asked = [at for at, clauses in enumerate(left) if any(map(compiler.asks_any_place, sum(clauses, ())))]
        words = len(self.others)
        looked_for = np.array(self.others, np.int64)
        for word, mask in self.singles:
            looked_for[word] |= mask
        every = self.table.rows[:, self.table.main.words :]
        seen, of_class = np.unique(every & looked_for, axis=0, return_inverse=True)
        for number, row in enumerate(seen.tolist()):
            known = {0: 0, **{self.first + word: 0 for word in range(words)}}
            known |= {self.first + words + word: bits_met for word, bits_met in enumerate(row)}
            for slot, first_code, column, mask in self.counts:
                known[slot] = int(first_code == 0 and row[column - self.table.main.words] & mask != 0)
            classes = np.flatnonzero(of_class.reshape(-1) == number)
            for gate in asked:
                if holds_by(left[gate], compiler, known) is False:
                    end = int(gates[gate, 0]) if gates[gate, 1] == gate else gate + 1
                    bits[classes, gate:end] = 0
        rows = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
        return np.concatenate([candidates, rows])


def any_place(atoms: Iterable[Atom], compiler: AtomCompiler, is_dx: bool) -> AnyPlace:
    """What tests look for among all codes of a kind."""
    layout, table = compiler.layout, compiler.dx if is_dx else compiler.op
    first, words = (layout.dx_other, layout.dx_every_words) if is_dx else (layout.op_other, layout.op_every_words)
    others, anywhere = [0] * words, set[tuple[int, int]]()
    for slot, mask, _, _ in map(compiler.compile, atoms):
        if first <= slot < first + words:
            others[slot - first] |= mask
        elif first + words <= slot < first + 2 * words:
            anywhere.add((slot - first - words, mask))
    counts = [count for count in compiler.counts.values() if count[1] == is_dx]
    for _, _, _, _, column, mask in counts:
        others[column - table.main.words] |= mask
    single = [(word, mask) for word, mask in sorted(anywhere) if not others[word] & mask]
    single.sort(key=lambda place: -int(np.count_nonzero(table.rows[:, table.main.words + place[0]] & place[1])))
    for word, mask in single[SINGLES:]:
        others[word] |= mask
    kept = tuple((slot, first_code, column, mask) for slot, _, first_code, _, column, mask in counts)
    return AnyPlace(table, first, tuple(single[:SINGLES]), tuple(others), kept)
