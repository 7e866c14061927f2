"""Case files as bare arrays, row group by row group, for worker threads 「数组读取」.

In: an open reader; out: for every task (a row group of a Parquet file, or a whole file of another kind) parts of
`LeanRows` with the plain rows that pass, and all others as they are. `LateRows` takes the parts in the order of the
tasks and hands out turns in which the others are judged the general way. All rows together are those of `FastCases`,
with the same verdicts, texts and repairs, whatever thread read or judged what.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from engine.cases.convert import Converter
from engine.cases.load import changed_while_read
from engine.cases.read import CaseReader
from engine.cases.repair import Repairs
from engine.cases.validate import Validated, validate
from engine.execute.batches import count_groups
from engine.execute.cells import Columns, Odd
from engine.execute.fast_cases import WAITING_MAX, Shard, divided_copies
from engine.execute.lean import LeanRows
from engine.execute.lean_batches import Batches, LeanBatch
from engine.execute.lean_batches import Task as Task
from engine.execute.lean_cells import lean_columns
from engine.execute.lean_later import rows_left
from engine.execute.lean_rules import LeanColumns, LeanRules, counted, patient_of
from engine.execute.plain import Plan, plan_of
from engine.execute.raw import Copies, Frames, RawForms, RawRows, Waiting, copies_first
from engine.execute.suspects import find_suspects, look_of
from engine.execute.vocabulary import I64

_MONEY = ("medfee_sumamt_fen", "fund_fen")
BATCH_ROWS = 131_072
"""Larger batches spare fixed costs; row groups of more are cut evenly."""


@dataclass(frozen=True)
class LeanPart:
    """Some rows of a task. Every row read is in `rows`, `waiting` or `held`."""

    task: Task
    file: str
    rows: LeanRows | None
    """Accepted plain rows; None if the file has no plan, as all its rows go the general way."""
    row_numbers: I64
    """Where each of them stood in the file, from 1."""
    repairs: Repairs
    """Of the accepted rows."""
    waiting: RawRows | None
    """Raw rows to be judged the general way."""
    held: RawRows | None
    """Raw rows whose id may stand elsewhere too."""
    seen: int
    """Rows of the file in this part."""

    @property
    def read_count(self) -> int:
        """The accepted rows; the others are counted when they are judged."""
        return len(self.row_numbers)


class LeanReader:
    """One reading of all files, or of one shard of them. Finding repeated ids is done when it is made."""

    def __init__(
        self,
        reader: CaseReader,
        batch_rows: int = BATCH_ROWS,
        shard: Shard | None = None,
        columns: Collection[str] | None = None,
        threads: int = 1,
    ) -> None:
        """`threads` look for repeated ids. `columns`: typed columns whose values are wanted; None = all. Cells of the
        others are judged all the same."""
        self.reader, self.shard = reader, shard
        self.suspects = find_suspects(reader, batch_rows, threads)
        self._wanted = None if columns is None else frozenset(columns)
        self._columns = Columns(reader.demand)
        self._rules = LeanRules(self._columns)
        self._plans = [
            plan_of(table.name, header, reader.demand)
            for table, header in zip(reader.tables, reader.headers, strict=True)
        ]
        self._batches = Batches(reader, batch_rows)
        self._groups = [count_groups(table) for table in reader.tables]
        self.forms = RawForms(reader)
        names = {one.name for plan in self._plans if plan is not None for one in plan.sources}
        self._asked = names if self._wanted is None else self._wanted | self._rules.columns

    def tasks(self) -> Sequence[Task]:
        """In the order of files and row groups."""
        found = []
        for file, count in enumerate(self._groups):
            mine = (lambda group: True) if self.shard is None else self.shard.of_file(file, self._groups)
            found += [Task(file, group) for group in range(count) if mine(group)]
        return found

    def rows_of(self, task: Task) -> int:
        """How many rows a task has; of a file without row groups, all."""
        rows = self._batches.rows_of(task)
        return self.suspects.counts[task.file] if rows is None else rows

    def require_unchanged(self, file: int | None = None) -> None:
        """Raises CaseFileError where a file, or this one, was written to since its ids were read."""
        for each in range(len(self._groups)) if file is None else (file,):
            if look_of(self.reader.tables[each].path) != self.suspects.looks[each]:
                raise changed_while_read(self.reader)

    def read(self, task: Task) -> Iterator[LeanPart]:
        """The rows of a task, at most about `batch_rows` at a time. Threads may read at once, each its own task."""
        # No name for the batch: its cells are let go before the part is worked on.
        yield from map(partial(self._part, task), self._batches.of(task))

    def _part(self, task: Task, batch: LeanBatch) -> LeanPart:
        name = self.reader.tables[task.file].name
        suspect = self.suspects.among(task.file, batch.rows)
        odd, plan = suspect.copy(), self._plans[task.file]
        rows, repairs = None, Repairs()
        if plan is None or not plan.serves(batch.schema):
            odd[:] = True
        else:
            rows, repairs = self._plain(plan, batch, odd)
        waiting = held = None
        if odd.any() or batch.misshapen:
            places, copies = copies_first(odd, suspect)
            waiting, held = self.forms.divided(task.file, batch.picked(places), copies)
        seen = len(batch.rows) + len(batch.misshapen)
        return LeanPart(task, name, rows, batch.rows[~odd], repairs, waiting, held, seen)

    def _plain(self, plan: Plan, batch: LeanBatch, odd: Odd) -> tuple[LeanRows, Repairs]:
        """The plain rows that pass. Those that may not are marked in `odd` too: the general way finds out why."""
        found = lean_columns(plan, batch, self._columns, odd, self._asked)
        bad, repaired = self._rules.apply(found, odd)
        odd |= bad
        keep = ~odd
        return self._kept(found, keep), counted(repaired, keep)

    def _kept(self, found: LeanColumns, keep: Odd) -> LeanRows:
        def wanted(name: str) -> bool:
            return self._wanted is None or name in self._wanted

        patient = wanted("patient_fen")
        texts = {name: column for name, column in found.texts.items() if wanted(name)}
        numbers = {name: each for name, each in found.numbers.items() if wanted(name) or (patient and name in _MONEY)}
        lists = {name: column for name, column in found.lists.items() if wanted(name)}
        rows = rows_left(found.ids, texts, numbers, lists, np.flatnonzero(~keep))
        left = {name: column for name, column in rows.numbers.items() if wanted(name)}
        if patient and (part := patient_of(rows.numbers)) is not None:
            left["patient_fen"] = part
        return replace(rows, numbers=left)


Turn = Callable[[], list[Validated]]
"""Rows to be judged, by any thread."""


class LateRows:
    """Rows that need the general way. It is handed every part, in the order of the tasks, by one thread."""

    def __init__(self, reader: LeanReader) -> None:
        self._lean, self._reader = reader, reader.reader
        self._converter = Converter(reader.reader.demand)
        self._waiting = Waiting(reader.forms)
        self.held = Copies(reader.forms)
        """Raw rows whose id may stand elsewhere too, until `rest`."""
        self._seen = [0] * len(reader.reader.tables)
        self._last = -1

    def add(self, part: LeanPart) -> Turn | None:
        """Takes a part; gives what has waited long enough."""
        assert part.task.file >= self._last, "parts come in the order of the tasks"
        for file in range(max(self._last, 0), part.task.file):
            self._require_unchanged(file)
        self._last = part.task.file
        self._seen[part.task.file] += part.seen
        if part.waiting is not None:
            self._waiting.add(part.waiting)
        if part.held is not None:
            self.held.add(part.held)
        return partial(self._judged, self._waiting.turn()) if len(self._waiting) >= WAITING_MAX else None

    def rest(self) -> Iterator[Turn]:
        """All that waits, after the last part, and the rows whose ids repeat. Raises CaseFileError when a file was
        written to meanwhile."""
        yield from self.rest_but_copies()
        for frames in self.held.groups():
            yield partial(self._divided, frames)

    def rest_but_copies(self) -> Iterator[Turn]:
        """The same without the latter, which stay in `held`."""
        for file in range(max(self._last, 0), len(self._seen)):
            self._require_unchanged(file)
        if len(self._waiting):
            yield partial(self._judged, self._waiting.turn())

    def _judged(self, frames: Frames) -> list[Validated]:
        return [validate(frame, self._reader.demand, converter=self._converter) for frame in frames()]

    def _divided(self, frames: Frames) -> list[Validated]:
        return list(divided_copies(frames(), self._reader.demand, self._reader.files, self._converter))

    def _require_unchanged(self, file: int) -> None:
        suspects, whole = self._lean.suspects, self._lean.shard is None
        if whole and self._seen[file] != suspects.counts[file]:
            raise changed_while_read(self._reader)
        self._lean.require_unchanged(file)
