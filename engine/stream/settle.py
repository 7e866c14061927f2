"""`dianzhi settle`: a year of any number of cases in two passes 「流式清算」.

    read → group → points → sums  ·  clear the sums  ·  pay every case → write

In: case files, an area, a year; out: a run with every case's group, points and money in `settled/`, the posting lines
of the year as a clearing has them, what was rejected. Months are computed from the cases. Memory holds one piece a
thread, the sums, and nothing by case. It joins no chain: `clear` is what settles an area's books.
"""

from __future__ import annotations

import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.area import Area
from engine.cases.demand import Demand
from engine.cases.files import find_files
from engine.cases.read import MISSHAPEN, ReadNote, open_cases
from engine.cases.repair import Repairs
from engine.cases.validate import NO_REJECTION, Validated, validate
from engine.clearing_table import Period, lines_table
from engine.edition import PackEdition
from engine.editions import open_edition
from engine.errors import RunError
from engine.execute.lean_frame import LeanFrames, frame_of
from engine.execute.lean_read import LateRows, LeanPart, LeanReader, Turn
from engine.execute.memory import give_back
from engine.ledger.kept import Keep
from engine.ledger.store import NO_AREA, RunDraft
from engine.line_grounds import policy_keys
from engine.map_cases import OTHER_PERIOD
from engine.misfit import Misfit, misfit_rows
from engine.policy.resolve import ResolvedPolicy
from engine.record_policy import kept_policy, record_policy
from engine.run_parts import RunOptions, demand_of, draft_run, record_inputs, scope_of
from engine.stream.allow import require_two_passes
from engine.stream.digest import Digest
from engine.stream.pay import StreamPayer
from engine.stream.piece import Left, Piece, Pieces
from engine.stream.spill import Spill
from engine.stream.write import Result
from pointvalue.annual import clear_year
from pointvalue.results import YearResult

I64 = npt.NDArray[np.int64]
SETTLED = "settled"
RELEASED_EVERY = 64
WHOLE_TASK_MAX = 1 << 18
"""Rows of a row group that one thread takes whole."""
COLUMNS = frozenset(
    {
        *("fixmedins_code", "insutype", "setl_ym", "gend", "age", "nwb_age", "nwb_bir_wt", "born_on", "adm_on"),
        *("settled_on", "discharged_on", "act_ipt_days", "dscg_way", "ipt_med_type", "insuplc_admdvs", "icu_hours"),
        *("medfee_sumamt_fen", "fund_fen", "patient_fen", "diag_codes", "oprn_codes"),
    }
)
"""Typed columns that grouping or settling may read; the numbers a pack asks for come beside them."""


@dataclass(frozen=True)
class Streamed:
    """A finished run. `counts`: read, accepted, rejected, other_period, in_period."""

    folder: Path
    counts: dict[str, int]
    rejected_by_code: dict[str, int]
    repairs: dict[str, int]
    notes: list[ReadNote]
    year: YearResult


def settle(
    cases: Sequence[str | Path], area: Area, year: int, options: RunOptions, also: Path | None = None
) -> Streamed:
    """Settle a year. `also`: a pack of the other kind every case is grouped by as well, to be shown beside."""
    resolved, period = area.for_year(year), Period(year, None)
    area = area.routed(resolved)
    require_two_passes(area, resolved, options.mapping)
    beside = None if also is None else _beside(also, area)
    target = options.target(period.line_period, area.policy.code, "settle")
    packs = [*area.editions.packs, *([] if beside is None else [beside])]
    demand = demand_of("settle", area.editions, options, resolved)
    if beside is not None:
        demand = replace(demand, dip=demand.dip or beside.kind == "dip").with_numbers(beside.numbers)
    with (
        draft_run(target, "settle", NO_AREA, period.line_period, options) as draft,
        ThreadPoolExecutor(2) as aside,
    ):
        files = find_files(cases)
        reader = open_cases(files, demand)
        wanted = _columns(area, resolved, demand)
        # Ids are compared while the packs are compiled. This thread loads no kernel meanwhile: Ctrl-C arrives here, and
        # one that arrives while numba's lock is held would leave the others waiting for it.
        reading = aside.submit(LeanReader, reader, columns=wanted, threads=options.threads)
        making = aside.submit(Pieces, area, resolved, scope_of(resolved, period), options.mapping, beside)
        pieces = making.result()
        rehearsing = aside.submit(rehearse, pieces, demand, wanted)
        first = FirstPass(draft.folder, pieces, wanted)
        lean = reading.result()
        rehearsing.result()
        first.run(lean, options)
        first.close(options.allow_empty)
        policy = None if options.again else kept_policy(area, resolved)
        recorded = aside.submit(_record, draft, files, packs, demand, policy)
        result = _clear(first, resolved, options.threads)
        written = Result(first.spill).write(draft.folder / SETTLED, options.threads, lambda rows: None)
        recorded.result()
        lean.require_unchanged()
        shutil.rmtree(first.spill.folder)
        draft.rows |= {f"{SETTLED}/{name}": count for name, count in written.items()}
        assert sum(written.values()) == first.counts["in_period"], "every case is in the result once"
        draft.parameters["also"] = None if beside is None else beside.fingerprint
        _publish(draft, area, resolved, first, result)
    codes = dict(sorted(first.codes.items()))
    return Streamed(draft.target, draft.counts, codes, first.repaired, reader.notes, result)


def _record(
    draft: RunDraft, files: Sequence[Path], packs: Sequence[PackEdition], demand: Demand, policy: Keep | None
) -> None:
    """What the manifest says of the inputs, and copies of the rules to keep: clearing leaves threads idle."""
    record_inputs(draft, files, packs, demand)
    if policy is not None:
        draft.copy_rules([policy])


def rehearse(pieces: Pieces, demand: Demand, columns: frozenset[str] | None) -> None:
    """Settle no case at all, which loads what is compiled while ids are compared."""
    nothing = pl.DataFrame(schema={"file": pl.String(), "row": pl.Int64(), MISSHAPEN: pl.Boolean()})
    pieces.piece(LeanFrames().rows(validate(nothing, demand).accepted, columns))


def _beside(also: Path, area: Area) -> PackEdition:
    edition = open_edition(also)
    if edition.kind in {pack.kind for pack in area.editions.packs}:
        raise RunError(f"{also}: the area itself groups by a {edition.kind} pack; name one of the other kind.")
    return edition


def _columns(area: Area, resolved: ResolvedPolicy, demand: Demand) -> frozenset[str] | None:
    """Typed columns the run reads; None = all, because a condition may ask for any."""
    asked = resolved.facts.asked
    if area.editions.router is not None or asked.conditions or asked.operations or asked.fees:
        return None
    return COLUMNS | frozenset(demand.extra_numbers)


@dataclass
class FirstPass:
    """What the first pass leaves behind."""

    folder: Path
    pieces: Pieces
    columns: frozenset[str] | None
    """Typed columns the run reads."""
    counts: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.spill = Spill.begin(self.folder / ".spill", self.pieces.kept)
        self.digest = Digest(self.pieces.slots)
        self._frames = LeanFrames()
        self._rejected = _Table(self.folder / "rejected.parquet")
        self._other = _Table(self.folder / "other_period.parquet")

    @property
    def tables(self) -> tuple[_Table, _Table]:
        return self._rejected, self._other

    @property
    def repaired(self) -> dict[str, int]:
        return {str(kind): count for kind, count in sorted(self.repairs.items()) if count}

    def run(self, reader: LeanReader, options: RunOptions) -> None:
        """Every row of the files, in order, by as many threads as asked for. What a turn of late rows became is taken
        when the next turn is due, so that the order does not depend on threads."""
        late, turns = LateRows(reader), deque[Future[list[Done]]]()
        with ThreadPoolExecutor(options.threads) as pool:
            for number, (part, done) in enumerate(in_order(reader, self.pieces, pool, options.threads)):
                if number % RELEASED_EVERY == 0:
                    give_back()
                self._take(done, options)
                if (turn := late.add(part)) is not None:
                    self._take_turns(turns, 0, options)
                    turns.append(pool.submit(self._judged, turn))
            for turn in late.rest():
                turns.append(pool.submit(self._judged, turn))
                self._take_turns(turns, options.threads, options)
            self._take_turns(turns, 0, options)

    def _judged(self, turn: Turn) -> list[Done]:
        """Rows that went the general way."""
        return [self._done(judged) for judged in turn()]

    def _done(self, judged: Validated) -> Done:
        frame, found = judged.accepted, Done(judged.repairs, judged.read_count, rejected=judged.rejected)
        if not len(frame):
            return found
        piece = self.pieces.piece(self._frames.rows(frame, self.columns))
        misfits = {kind: frame[left.places] for kind, left in piece.misfits.items()}
        other = None if piece.other_period is None else frame[piece.other_period.places]
        return replace(found, piece=piece, misfits=misfits, other=other)

    def _take_turns(self, turns: deque[Future[list[Done]]], leave: int, options: RunOptions) -> None:
        while len(turns) > leave:
            for done in turns.popleft().result():
                self._take(done, options)

    def _take(self, done: Done, options: RunOptions) -> None:
        """Some rows, where they belong."""
        if done.piece is not None:
            self._add(done.piece, done.misfits, done.other)
        self._reject(done.rejected)
        self.repairs.update(done.repairs)
        self.counts["read"] += done.read
        options.progress(done.read)

    def _add(self, piece: Piece, misfits: Mapping[Misfit, pl.DataFrame], other: pl.DataFrame | None) -> None:
        for misfit, frame in misfits.items():
            self._reject(misfit_rows(frame, misfit))
        if other is not None:
            self._other.add(other.select(OTHER_PERIOD))
            self.counts["other_period"] += len(other)
        self.digest.add(piece.sums)
        for number, pot in enumerate(self.spill.pots):
            pot.add(piece.pots.get(number))
        self.spill.shown.add(piece.shown)
        self.counts["in_period"] += piece.settled

    def _reject(self, rows: pl.DataFrame) -> None:
        if not len(rows):
            return
        self._rejected.add(rows)
        self.codes.update(rows["code"].to_list())
        self.counts["rejected"] += len(rows)

    def close(self, allow_empty: bool) -> None:
        """No more rows. Every row read is rejected, of another period, or settled."""
        for table in self.tables:
            table.close()
        self.spill.close()
        give_back()
        found = self.counts["rejected"] + self.counts["other_period"] + self.counts["in_period"]
        assert found == self.counts["read"], f"read {self.counts['read']} rows and accounted for {found}"
        if not self.counts["in_period"] and not allow_empty:
            raise RunError("no case of this year in these files. Check --year and the files, or add --allow-empty.")


@dataclass(frozen=True)
class Done:
    """What became of some rows. `misfits`, `other`: those rows by file and row."""

    repairs: Repairs
    read: int
    piece: Piece | None = None
    misfits: Mapping[Misfit, pl.DataFrame] = field(default_factory=dict)
    other: pl.DataFrame | None = None
    rejected: pl.DataFrame = field(default_factory=lambda: NO_REJECTION)


def in_order(
    reader: LeanReader, pieces: Pieces, pool: ThreadPoolExecutor, threads: int
) -> Iterator[tuple[LeanPart, Done]]:
    """Every part of every task, in the order of the tasks, its plain rows gone, and what became of those. Few are in
    work at once, so memory stays bounded."""
    waiting: deque[Future[list[tuple[LeanPart, Done]]]] = deque()
    for job in _jobs(reader, pieces):
        waiting.append(pool.submit(job))
        if len(waiting) > threads:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


def _jobs(reader: LeanReader, pieces: Pieces) -> Iterator[Callable[[], list[tuple[LeanPart, Done]]]]:
    """What the threads do: a row group each, or, of a file that has none or large ones, a part each."""
    for task in reader.tasks():
        if reader.rows_of(task) <= WHOLE_TASK_MAX:
            yield partial(lambda task: [_plain(pieces, part) for part in reader.read(task)], task)
        else:
            for part in reader.read(task):
                yield partial(lambda part: [_plain(pieces, part)], part)


def _plain(pieces: Pieces, part: LeanPart) -> tuple[LeanPart, Done]:
    done = Done(part.repairs, part.read_count)
    if part.rows is None or not len(part.rows):
        return part, done
    piece = pieces.piece(part.rows)
    other = None if piece.other_period is None else _placed(part, piece.other_period)
    misfits = {kind: _placed(part, left) for kind, left in piece.misfits.items()}
    return replace(part, rows=None), replace(done, piece=piece, misfits=misfits, other=other)


def _placed(part: LeanPart, left: Left) -> pl.DataFrame:
    """Rows of a part as a frame that names each by file and row."""
    frame = frame_of(left.rows, {"fixmedins_code", "settled_on", "discharged_on"})
    return frame.with_columns(
        pl.Series("setl_id", pl.from_arrow(left.rows.ids)),
        pl.lit(part.file).alias("file"),
        pl.Series("row", part.row_numbers[left.places]),
    )


class _Table:
    """A table of the run, written as its rows come; no file without a row."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0
        self._writer: pq.ParquetWriter | None = None

    def add(self, frame: pl.DataFrame) -> None:
        if not len(frame):
            return
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        plain = pa.schema([(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema])
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, plain, compression="zstd", version="2.6")
        self._writer.write_table(table.cast(plain))
        self.rows += len(frame)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _clear(first: FirstPass, resolved: ResolvedPolicy, threads: int) -> YearResult:
    """The year's clearing on the sums; the pots pay their cases as it goes."""
    digest = first.digest.columns()
    payer = StreamPayer(resolved.area, first.pieces.slots, digest, first.spill, first.pieces.pots, threads)
    return clear_year(digest.cases, digest.scored, resolved.area, None, payer)


def _publish(draft: RunDraft, area: Area, resolved: ResolvedPolicy, first: FirstPass, result: YearResult) -> None:
    """Posting lines, and what the manifest says."""
    lines = lines_table(result.lines, policy_keys(resolved))
    pq.write_table(lines, draft.folder / "lines.parquet", compression="zstd", version="2.6")
    draft.rows |= {"lines.parquet": lines.num_rows}
    for table in first.tables:
        if table.rows:
            draft.rows[table.path.name] = table.rows
    counts = first.counts
    draft.counts |= {
        "read": counts["read"],
        "accepted": counts["read"] - counts["rejected"],
        "rejected": counts["rejected"],
        "other_period": counts["other_period"],
        "in_period": counts["in_period"],
    }
    draft.checks["rows_accounted"] = True
    draft.totals |= {"rejected_by_code": dict(sorted(first.codes.items())), "repairs": first.repaired}
    record_policy(draft, area, resolved, result)
