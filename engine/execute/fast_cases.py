"""What `engine.cases.load.iter_cases` gives, plain rows by the fast way 「快速载入」.

In: an open reader; out: `Validated` pieces in no particular order, whose rows together are those of the slow path, with
the same verdicts, texts and repairs. Rows that are not plain wait until there are enough of them to be worth a turn on
the slow path; rows whose id may repeat wait for the end. Memory is bounded by the batch, the ids, and what waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from engine.cases.aliases import HeaderMap
from engine.cases.convert import Converter, accepted_columns, complete
from engine.cases.duplicates import NO_DUPLICATES, judge_copies
from engine.cases.gather import headers_needed
from engine.cases.piece import CaseTable
from engine.cases.read import CaseReader
from engine.cases.rejection import Reject
from engine.cases.repair import Repairs
from engine.cases.validate import NO_REJECTION, Validated, judge, validate
from engine.execute.batches import RowBatch, batches
from engine.execute.cells import ID, Coded, Columns, Odd
from engine.execute.checks import breaks_a_rule
from engine.execute.plain import Plan, plan_of, raw_rows
from engine.execute.suspects import Suspects, find_suspects, look_of

WAITING_MAX = 16_384
"""Rows that wait for the slow path before it is worth its fixed cost."""


class ChangedWhileReadError(Exception):
    """A file is not what it was when its ids were read."""


@dataclass
class FastCases:
    """One reading of all files."""

    reader: CaseReader
    batch_rows: int
    suspects: Suspects = field(init=False)
    columns: Columns = field(init=False)
    converter: Converter = field(init=False)
    held: list[pl.DataFrame] = field(default_factory=list)
    """Suspect rows, a frame a file."""

    def pieces(self) -> Iterator[Validated]:
        """Every row once. Raises ChangedWhileReadError when a file was written to meanwhile."""
        self.suspects = find_suspects(self.reader, self.batch_rows)
        self.columns, self.converter = Columns(self.reader.demand), Converter(self.reader.demand)
        for number, (table, header) in enumerate(zip(self.reader.tables, self.reader.headers, strict=True)):
            count = 0
            for piece in self._file(number, table, header):
                count += piece.read_count
                yield piece
            expected = self.suspects.counts[number] - len(self.suspects.rows[number])
            if count != expected or look_of(table.path) != self.suspects.looks[number]:
                raise ChangedWhileReadError(table.name)
        if self.held:
            yield from self._copies()

    def _file(self, number: int, table: CaseTable, header: HeaderMap) -> Iterator[Validated]:
        plan = plan_of(table.name, header, self.reader.demand)
        needed = headers_needed(header, self.reader.demand.wanted)
        waiting, refused, held = _Waiting(), _Waiting(), _Waiting()
        for batch in batches(table, needed, self.batch_rows, unique=(header.direct.get(ID, ""),)):
            suspect = self.suspects.among(number, batch.rows)
            odd = suspect.copy()
            if plan is None or not plan.serves(batch.table.schema):
                odd[:] = True
            else:
                yield self._plain(plan, batch, odd, refused)
            if odd.any() or batch.misshapen:
                rest = raw_rows(header, self.reader.demand, table.name, batch, odd)
                copies = pl.Series(np.append(suspect[odd], np.zeros(len(batch.misshapen), np.bool_)))
                held.add(rest.filter(copies))
                waiting.add(rest.filter(~copies))
            if len(waiting) >= WAITING_MAX:
                yield validate(waiting.taken(), self.reader.demand, converter=self.converter)
        if len(waiting):
            yield validate(waiting.taken(), self.reader.demand, converter=self.converter)
        if len(refused):
            yield judge(refused.taken(), Repairs(), self.reader.demand)
        if len(held):
            self.held.append(held.taken())

    def _plain(self, plan: Plan, batch: RowBatch, odd: Odd, refused: _Waiting) -> Validated:
        """The plain rows that may pass; those that may not go to `refused`."""
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
            refused.add(frame.filter(bad))
            accepted = accepted.filter(~bad)
        return Validated(accepted, NO_REJECTION, +repairs, len(accepted))

    def _copies(self) -> Iterator[Validated]:
        """Rows that share an id, judged together and divided file by file."""
        converted = [self.converter.convert(frame) for frame in self.held]
        verdicts = judge_copies(pl.concat([typed for typed, _ in converted], how="diagonal"), self.reader.files)
        copies = 0
        for typed, repairs in converted:
            # A file without a copy of its own still wants the columns of the verdicts.
            piece = judge(typed, repairs, self.reader.demand, verdicts if len(verdicts) else NO_DUPLICATES)
            copies += int(piece.rejected["code"].is_in([Reject.EXACT_COPY, Reject.CONFLICTING_COPY]).sum())
            yield piece
        assert copies == len(verdicts), "a verdict on a copy met no row"


class _Waiting:
    """Frames of one file that are worth a turn only together."""

    def __init__(self) -> None:
        self.frames: list[pl.DataFrame] = []

    def __len__(self) -> int:
        return sum(map(len, self.frames))

    def add(self, frame: pl.DataFrame) -> None:
        if len(frame):
            self.frames.append(frame)

    def taken(self) -> pl.DataFrame:
        """All of them as one, which then wait no longer."""
        whole = pl.concat(self.frames)
        self.frames = []
        return whole
