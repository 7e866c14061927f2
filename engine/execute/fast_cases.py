"""What `engine.cases.load.iter_cases` gives, plain rows by the fast way 「快速载入」.

In: an open reader; out: `Validated` pieces in no particular order, whose rows together are those of the slow path, with
the same verdicts, texts and repairs. Rows that are not plain wait until there are enough of them to be worth a turn on
the slow path; rows whose id may repeat wait for the end. Memory is bounded by the batch, the ids, and what waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import polars as pl
import pyarrow as pa

from engine.cases.aliases import HeaderMap
from engine.cases.convert import Converter, accepted_columns, complete
from engine.cases.demand import Demand
from engine.cases.duplicates import judge_copies
from engine.cases.gather import headers_needed
from engine.cases.read import CaseReader
from engine.cases.rejection import Reject
from engine.cases.repair import Repairs
from engine.cases.validate import NO_REJECTION, Validated, judge, validate
from engine.execute.batches import RowBatch, Wanted, batches, count_groups, every
from engine.execute.cells import ID, Coded, Columns, Odd
from engine.execute.checks import breaks_a_rule
from engine.execute.pile import Pile
from engine.execute.plain import Plan, plan_of
from engine.execute.raw import IN_MEMORY_MAX, RawForms, Waiting, copies_first
from engine.execute.suspects import Suspects, find_suspects, look_of

WAITING_MAX = 32_768
"""Rows that wait for the slow path before it is worth its fixed cost."""


class ChangedWhileReadError(Exception):
    """A file is not what it was when its ids were read."""


@dataclass
class FastCases:
    """One reading of all files, or of one shard of them."""

    reader: CaseReader
    batch_rows: int
    shard: Shard | None = None
    suspects: Suspects = field(init=False)
    columns: Columns = field(init=False)
    converter: Converter = field(init=False)
    forms: RawForms = field(init=False)
    waiting: Waiting = field(init=False)
    """Raw rows for the slow path."""
    refused: Refused = field(init=False)
    """Typed rows that break a rule."""
    groups: list[int] = field(init=False)
    """Row groups of every file, where there are shards."""
    held: Waiting = field(init=False)
    """Raw rows whose id may repeat."""

    def pieces(self) -> Iterator[Validated]:
        """Every row once. Raises ChangedWhileReadError when a file was written to meanwhile."""
        yield from self.pieces_but_copies()
        if len(self.held):
            yield from divided_copies(self.held.taken(), self.reader.demand, self.reader.files, self.converter)

    def pieces_but_copies(self) -> Iterator[Validated]:
        """Every row whose id stands in one row only; `held` has the rest afterwards."""
        demand = self.reader.demand
        self.suspects = find_suspects(self.reader, self.batch_rows)
        self.groups = [] if self.shard is None else [count_groups(table) for table in self.reader.tables]
        self.columns, self.converter = Columns(demand), Converter(demand)
        self.forms = RawForms(self.reader)
        self.waiting, self.refused, self.held = Waiting(self.forms), Refused(), Waiting(self.forms)
        for number, (table, header) in enumerate(zip(self.reader.tables, self.reader.headers, strict=True)):
            count = 0
            wanted = every if self.shard is None else self.shard.of_file(number, self.groups)
            needed = headers_needed(header, demand.wanted)
            for batch in batches(table, needed, self.batch_rows, (_id_header(header),), wanted):
                count += len(batch.rows) + len(batch.misshapen)
                yield from self._batch(number, table.name, header, batch)
            whole = self.shard is None
            if (whole and count != self.suspects.counts[number]) or look_of(table.path) != self.suspects.looks[number]:
                raise ChangedWhileReadError(table.name)
        yield from self._late(at_least=1)

    def _batch(self, number: int, name: str, header: HeaderMap, batch: RowBatch) -> Iterator[Validated]:
        demand = self.reader.demand
        suspect = self.suspects.among(number, batch.rows)
        odd = suspect.copy()
        plan = plan_of(name, header, demand)
        if plan is None or not plan.serves(batch.table.schema):
            odd[:] = True
        else:
            yield self._plain(plan, batch, odd)
        if odd.any() or batch.misshapen:
            places, copies = copies_first(odd, suspect)
            picked = RowBatch(batch.table.take(pa.array(places)), batch.rows[places], batch.misshapen)
            waiting, held = self.forms.divided(number, picked, copies)
            self.waiting.add(waiting)
            self.held.add(held)
        yield from self._late(at_least=WAITING_MAX)

    def _late(self, at_least: int) -> Iterator[Validated]:
        """What has waited long enough."""
        if len(self.waiting) >= at_least:
            for frame in self.waiting.taken():
                yield validate(frame, self.reader.demand, converter=self.converter)
        if len(self.refused) >= at_least:
            for frame in self.refused.taken():
                yield judge(frame, Repairs(), self.reader.demand)

    def _plain(self, plan: Plan, batch: RowBatch, odd: Odd) -> Validated:
        """The plain rows that may pass; those that may not wait with the other refused ones."""
        found = plan.convert(batch, self.columns, odd)
        repairs, texts, frame = Repairs(), found.texts, found.frame()
        if odd.any():
            keep = np.flatnonzero(~odd)
            frame = frame.filter(~odd)
            texts = {name: Coded(coded.ids[keep], coded.words) for name, coded in texts.items()}
        frame = complete(frame, self.reader.demand, repairs)
        if (filled := frame["setl_ym"]).null_count() or "setl_ym" not in texts or (texts["setl_ym"].ids < 0).any():
            texts = {name: coded for name, coded in texts.items() if name != filled.name}
        bad = breaks_a_rule(frame, texts, self.reader.demand)
        accepted = frame.select(accepted_columns(self.reader.demand))
        if bad.any():
            self.refused.add(frame.filter(bad))
            accepted = accepted.filter(~bad)
        return Validated(accepted, NO_REJECTION, +repairs, len(accepted))


@dataclass(frozen=True)
class Shard:
    """Part `number` (from 1) of `count`: row groups are dealt out in turn, whatever file they stand in."""

    number: int
    count: int

    def of_file(self, file: int, groups: list[int]) -> Wanted:
        """Which row groups of a file are this shard's."""
        before = sum(groups[:file])
        return lambda group: (before + group) % self.count == self.number - 1


def divided_copies(
    held: list[pl.DataFrame], demand: Demand, files: list[str], converter: Converter
) -> Iterator[Validated]:
    """Raw rows whose id may repeat, judged together, and divided where their columns are alike."""
    converted = [converter.convert(frame) for frame in held]
    verdicts = judge_copies(pl.concat([typed for typed, _ in converted], how="diagonal"), files)
    copies = 0
    for typed, repairs in converted:
        piece = judge(typed, repairs, demand, verdicts)
        copies += int(piece.rejected["code"].is_in([Reject.EXACT_COPY, Reject.CONFLICTING_COPY]).sum())
        yield piece
    assert copies == len(verdicts), "a verdict on a copy met no row"


class Refused:
    """Typed frames that are worth a turn only together."""

    def __init__(self) -> None:
        self._pile = Pile(IN_MEMORY_MAX)

    def __len__(self) -> int:
        return len(self._pile)

    def add(self, frame: pl.DataFrame) -> None:
        """Lets a frame wait, in memory of its own: picked rows would keep the texts of their whole batch alive."""
        if len(frame):
            self._pile.add(tuple(frame.schema.items()), frame.to_arrow(compat_level=pl.CompatLevel.oldest()))

    def taken(self) -> list[pl.DataFrame]:
        """All that waited, which then waits no longer; frames of one schema are one."""
        frames = []
        for key, heap in self._pile.taken().items():
            frame = pl.from_arrow(heap.table())
            assert isinstance(frame, pl.DataFrame)
            frames.append(frame.cast(dict(cast("tuple[tuple[str, pl.DataType], ...]", key))))
        return frames


def _id_header(header: HeaderMap) -> str:
    return header.direct.get(ID, "")
