"""What `engine.cases.load.iter_cases` gives, plain rows by the fast way 「快速载入」.

In: an open reader; out: `Validated` pieces in no particular order, whose rows together are those of the slow path, with
the same verdicts, texts and repairs. Rows that are not plain wait until there are enough of them to be worth a turn on
the slow path; rows whose id may repeat wait for the end. Memory is bounded by the batch, the ids, and what waits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from engine.cases.aliases import HeaderMap
from engine.cases.convert import Converter, accepted_columns, complete
from engine.cases.demand import Demand
from engine.cases.duplicates import judge_copies
from engine.cases.gather import headers_needed
from engine.cases.read import CaseReader
from engine.cases.rejection import Reject
from engine.cases.repair import Repairs
from engine.cases.typed import read_text
from engine.cases.validate import NO_REJECTION, Validated, judge, validate
from engine.execute.batches import RowBatch, Wanted, batches, count_groups, every
from engine.execute.cells import ID, Coded, Columns, Odd
from engine.execute.checks import breaks_a_rule
from engine.execute.plain import Plan, plan_of, raw_rows
from engine.execute.suspects import Suspects, find_suspects, look_of

_GROUPS = 16
_FRAMES_MAX = 32
IN_MEMORY_MAX = 20_000
WAITING_MAX = 16_384
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
    waiting: Waiting = field(init=False)
    """Raw rows for the slow path."""
    refused: Waiting = field(init=False)
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
        self.waiting, self.refused, self.held = Waiting(), Waiting(), Waiting()
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
            rest = raw_rows(header, demand, name, batch, odd)
            copies = pl.Series(np.append(suspect[odd], np.zeros(len(batch.misshapen), np.bool_)))
            self.held.add(rest.filter(copies))
            self.waiting.add(rest.filter(~copies))
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


class Waiting:
    """Frames that are worth a turn only together; those of one schema are joined. More than `limit` rows wait on disk.

    Small frames cost many times their cells, so many of them are made one.
    """

    def __init__(self, limit: int = IN_MEMORY_MAX) -> None:
        self._frames: dict[tuple[tuple[str, str], ...], list[pl.DataFrame]] = {}
        self._rows, self._held, self._limit = 0, 0, limit
        self._spool: tempfile.TemporaryDirectory[str] | None = None
        self._spooled: list[Path] = []

    def __len__(self) -> int:
        return self._rows

    def add(self, frame: pl.DataFrame) -> None:
        """Lets a frame wait."""
        if len(frame):
            key = tuple((name, str(kind)) for name, kind in frame.schema.items())
            frames = self._frames.setdefault(key, [])
            frames.append(_of_its_own(frame))
            if len(frames) >= _FRAMES_MAX:
                frames[:] = [_of_its_own(pl.concat(frames))]
            self._rows += len(frame)
            self._held += len(frame)
            if self._held > self._limit:
                self._put_away()

    def taken(self) -> list[pl.DataFrame]:
        """All that waited, which then waits no longer."""
        if self._spooled:
            for path in self._spooled:
                with path.open("rb") as file:
                    frame = pl.read_ipc(file)
                self._frames.setdefault(tuple((n, str(k)) for n, k in frame.schema.items()), []).append(frame)
            assert self._spool is not None
            self._spool.cleanup()
        frames = [pl.concat(frames) for frames in self._frames.values()]
        self._frames, self._rows, self._held, self._spooled, self._spool = {}, 0, 0, [], None
        return frames

    def _put_away(self) -> None:
        """What is in memory goes to disk, a file for each schema."""
        self._spool = self._spool or tempfile.TemporaryDirectory(prefix="dianzhi-waiting-")
        for frames in self._frames.values():
            path = Path(self._spool.name) / f"{len(self._spooled):06d}"
            pl.concat(frames).write_ipc(path)
            self._spooled.append(path)
        self._frames, self._held = {}, 0


class Copies:
    """Raw rows whose id may stand elsewhere too, in groups: rows of one id, as it will be inside, are in one."""

    def __init__(self) -> None:
        self._groups = [Waiting(IN_MEMORY_MAX // _GROUPS) for _ in range(_GROUPS)]

    def __len__(self) -> int:
        return sum(map(len, self._groups))

    def add(self, frame: pl.DataFrame) -> None:
        """Lets rows wait."""
        if not len(frame):
            return
        group = (read_text(frame[ID], Repairs()).values.hash(seed=0) % _GROUPS).fill_null(0)
        for number in group.unique().to_list():
            self._groups[number].add(frame.filter(group == number))

    def groups(self) -> Iterator[list[pl.DataFrame]]:
        """What waited, group by group; it then waits no longer."""
        for each in self._groups:
            if len(each):
                yield each.taken()

    def taken(self) -> list[pl.DataFrame]:
        """All of it."""
        return [frame for group in self.groups() for frame in group]


def _of_its_own(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows in memory of their own: picked rows would keep the texts of their whole batch alive."""
    whole = pl.from_arrow(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(whole, pl.DataFrame)
    return whole.cast(frame.schema)


def _id_header(header: HeaderMap) -> str:
    return header.direct.get(ID, "")
