"""Grouping, piece by piece: reading, encoding, the kernel, and the plain walk on the same cases 「分组测速」.

In: frames of accepted cases and a rule pack; out: `GroupingFigures`, nanoseconds of CPU per case. Kernel and walk run
on one thread, every piece the best of three, and their answers are compared: a fast kernel that is wrong measures
nothing. The walk starts from strings as it stands in a record; the kernel from encoded integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from bench.clock import Spent, best_thread_ns
from engine.cases.demand import Demand
from engine.cases.encode import Encoder
from engine.cases.load import iter_cases
from engine.cases.read import BATCH_ROWS, open_cases
from engine.packs.load import Pack
from engine.single_frame import case_of_row
from grouper.batch import GroupedBatch
from grouper.compile import CompiledDrg
from grouper.drg import group_batch
from grouper.reference import Outcome, Walker
from grouper.tables import Case

GOES = 3
_WALKED_AT_ONCE = 1_000

Answer = tuple[int, int, int | None, int, int]
"""Status, reason, leaf node, severity, index of the procedure used."""


@dataclass(frozen=True)
class GroupingFigures:
    """CPU per case. `read_ns` None where the cases were not read at scale; `differing` walked cases must be 0."""

    name: str
    pack: dict[str, str]
    case_count: int
    codes_per_case: float
    read_ns: float | None
    encode_ns: float
    kernel_ns: float
    walk_ns: float
    walked_count: int
    differing: int

    @property
    def ratio(self) -> float:
        """How many cases the kernel groups while the walk groups one."""
        return self.walk_ns / self.kernel_ns

    @property
    def ratio_with_encoding(self) -> float:
        """The same, with turning strings into integers on the kernel's side."""
        return self.walk_ns / (self.kernel_ns + self.encode_ns)

    def facts(self) -> dict[str, Any]:
        """For the JSON file."""
        return {**self.__dict__, "ratio": self.ratio, "ratio_with_encoding": self.ratio_with_encoding}


@dataclass
class _Sums:
    """What has been measured so far."""

    encode: Spent = field(default_factory=Spent)
    kernel_ns: int = 0
    case_count: int = 0
    code_count: int = 0
    cases: list[Case] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


def demo_figures(name: str, files: Sequence[Path], pack: Pack, expected: int, sample: int) -> GroupingFigures:
    """Read, validate, encode and group every case of the files, all of them under one pack."""
    demand = Demand("settle", _profile(pack), numbers=()).with_numbers(pack.tables.numeric)
    read = Spent()
    return _measure(name, _timed(files, demand, read), pack, None, max(1, expected // sample), read)


def answer_figures(path: Path, pack: Pack, mapping: bool | None, sample: int) -> GroupingFigures:
    """Cases of a file of published answers, repeated until they fill one batch of a run."""
    demand = Demand("group", _profile(pack), numbers=()).with_numbers(pack.tables.numeric)
    accepted = pl.concat([piece.accepted for piece in iter_cases(open_cases([path], demand))])
    repeated = pl.concat([accepted] * max(1, BATCH_ROWS // max(1, len(accepted))))
    name = f"{pack.meta.id} · {path.stem}"
    return _measure(name, [repeated], pack, mapping, max(1, len(repeated) // sample), None)


def _profile(pack: Pack) -> Any:
    return pack.tables.options.validation_profile


def _timed(files: Sequence[Path], demand: Demand, read: Spent) -> Iterator[pl.DataFrame]:
    """Accepted cases piece by piece, with reading and validating on the clock."""
    with read.running():
        pieces = iter_cases(open_cases(files, demand))
    while True:
        with read.running():
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece.accepted


def _measure(
    name: str, frames: Iterable[pl.DataFrame], pack: Pack, mapping: bool | None, step: int, read: Spent | None
) -> GroupingFigures:
    encoder = Encoder(pack.compiled(), pack.tables, mapping)
    options = replace(encoder.tables.options, code_mapping=encoder.mapping)
    walker = Walker(replace(encoder.tables, options=options))
    sums = _Sums()
    for frame in frames:
        if not sums.case_count:
            # The first call loads or compiles the kernel; that is the start-up's cost, not a case's.
            group_batch(encoder.compiled, encoder.encode(frame.head(1)))
        _measure_piece(sums, frame, encoder, step)
    walk_ns, differing = _walk(sums, walker)
    count = max(1, sums.case_count)
    return GroupingFigures(
        name=name,
        pack={"id": pack.meta.id, "version": pack.meta.version, "fingerprint": pack.fingerprint},
        case_count=sums.case_count,
        codes_per_case=sums.code_count / count,
        read_ns=None if read is None else read.cpu_ns / count,
        encode_ns=sums.encode.cpu_ns / count,
        kernel_ns=sums.kernel_ns / count,
        walk_ns=walk_ns / max(1, len(sums.cases)),
        walked_count=len(sums.cases),
        differing=differing,
    )


def _measure_piece(sums: _Sums, frame: pl.DataFrame, encoder: Encoder, step: int) -> None:
    """Encode and group one piece; every `step`-th case is kept for the walk."""
    with sums.encode.running():
        batch = encoder.encode(frame)
    sums.kernel_ns += best_thread_ns(partial(group_batch, encoder.compiled, batch), GOES)
    grouped = group_batch(encoder.compiled, batch)
    for row in range(-sums.case_count % step, len(frame), step):
        sums.cases.append(case_of_row(frame.row(row, named=True), encoder.tables))
        sums.answers.append(_answer(grouped, row, encoder.compiled))
    sums.case_count += len(frame)
    sums.code_count += len(batch.dx_ids) + len(batch.op_ids)


def _walk(sums: _Sums, walker: Walker) -> tuple[int, int]:
    """CPU of walking the kept cases, and how many answers differ from the kernel's."""
    spent = differing = 0
    for low in range(0, len(sums.cases), _WALKED_AT_ONCE):
        some = sums.cases[low : low + _WALKED_AT_ONCE]
        spent += best_thread_ns(partial(_walk_all, walker, some), GOES)
        walked = [_answer_of(outcome) for outcome in _walk_all(walker, some)]
        kernel = sums.answers[low : low + _WALKED_AT_ONCE]
        differing += sum(one != two for one, two in zip(walked, kernel, strict=True))
    return spent, differing


def _walk_all(walker: Walker, cases: Sequence[Case]) -> list[Outcome]:
    return [walker.walk(case) for case in cases]


def _answer(grouped: GroupedBatch, row: int, compiled: CompiledDrg) -> Answer:
    leaf = int(grouped.leaf[row])
    node = compiled.leaf_node[leaf] if leaf >= 0 else None
    return (
        int(grouped.status[row]), int(grouped.reason[row]), node, int(grouped.severity[row]), int(grouped.op_used[row])
    )  # fmt: skip


def _answer_of(outcome: Outcome) -> Answer:
    return (
        int(outcome.status), int(outcome.reason), outcome.leaf_node_id, outcome.severity, outcome.procedure_index
    )  # fmt: skip
