"""The first half of a run: files → accepted and grouped cases 「读取、校验、编码、分组」.

In: case files, the demand on them, the editions, and which cases belong to the run. Out: the casebook, the rejections,
the cases of another period, and counts that prove that no row was lost. Batches are grouped by threads (the kernel
holds no lock); their order does not matter, because the casebook sorts. It knows no money rule.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from engine.casebook import Casebook, CasebookBuilder, casebook_schema
from engine.cases.demand import Demand
from engine.cases.fact_columns import fact_columns
from engine.cases.facts import Facts
from engine.cases.files import find_files
from engine.cases.load import iter_cases
from engine.cases.read import ReadNote, open_cases
from engine.cases.validate import Validated
from engine.conditions import stay_days
from engine.editions import Editions
from engine.execute.texts import ShortColumns
from engine.misfit import Misfit, misfit_rows
from engine.routing import NO_EDITION, NO_SCHEME

CARRIED = (
    *("setl_id", "fixmedins_code", "insutype", "setl_ym", "settled_on", "discharged_on", "act_ipt_days", "dscg_way"),
    *("ipt_med_type", "insuplc_admdvs", "medfee_sumamt_fen", "fund_fen", "patient_fen"),
)
OTHER_PERIOD = ("setl_id", "fixmedins_code", "settled_on", "discharged_on")
_LOST = {NO_EDITION: Misfit.NO_EDITION, NO_SCHEME: Misfit.NO_SCHEME}
ROWS_AT_A_TIME = 65_536
"""Rows of a batch. Several batches are in memory at once, and validating one makes copies of its columns."""


@dataclass(frozen=True)
class Scope:
    """Which accepted cases belong to the run: a date column between two days, and the hospitals of the policy."""

    date_column: str
    first: date
    last: date
    hospitals: frozenset[str]


@dataclass(frozen=True)
class MappedCases:
    """read_count = len(book) + rejected rows + rows of another period, asserted where it is made."""

    book: Casebook
    rejected: pl.DataFrame
    other_period: pl.DataFrame
    read_count: int
    repairs: dict[str, int]
    notes: list[ReadNote]
    files: list[Path]

    @property
    def rejected_by_code(self) -> dict[str, int]:
        return dict(sorted(Counter(self.rejected["code"]).items()))


@dataclass(frozen=True)
class Part:
    """What became of one piece."""

    table: pa.Table
    rejected: pl.DataFrame
    other_period: pl.DataFrame
    read_count: int
    repairs: Counter[str]


def map_cases(
    paths: Iterable[str | Path],
    demand: Demand,
    editions: Editions,
    *,
    scope: Scope | None = None,
    mapping: bool | None = None,
    threads: int = 2,
    batch_rows: int = ROWS_AT_A_TIME,
    progress: Callable[[int], None] | None = None,
) -> MappedCases:
    """Read, validate, encode and group every case. `progress` is told how many rows each finished batch held."""
    files = find_files(paths)
    reader = open_cases(files, demand)
    grouping = Grouping(editions, mapping, scope, demand.facts)
    parts = in_threads(grouping.part, iter_cases(reader, batch_rows), threads)
    return collected(parts, grouping, reader.notes, files, progress)


def collected(
    parts: Iterable[Part],
    grouping: Grouping,
    notes: list[ReadNote],
    files: list[Path],
    progress: Callable[[int], None] | None = None,
) -> MappedCases:
    """Parts in any order as one, sorted."""
    builder, rejected, other, repairs = CasebookBuilder(grouping.schema), [], [], Counter[str]()
    read_count = 0
    for part in parts:
        builder.add(part.table)
        rejected.append(part.rejected)
        other.append(part.other_period)
        repairs.update(part.repairs)
        read_count += part.read_count
        if progress is not None:
            progress(part.read_count)
    book = builder.finish()
    mapped = MappedCases(
        book=book,
        rejected=pl.concat(rejected).sort(["file", "row"]),
        other_period=pl.concat(other).sort("setl_id"),
        read_count=read_count,
        repairs={str(kind): count for kind, count in sorted(repairs.items())},
        notes=notes,
        files=files,
    )
    found = len(book) + len(mapped.rejected) + len(mapped.other_period)
    assert found == read_count, f"read {read_count} rows and accounted for {found}"
    return mapped


def in_threads(work: Callable[[Validated], Part], pieces: Iterator[Validated], threads: int) -> Iterator[Part]:
    """Results in order, with at most one piece waiting per thread, so memory stays bounded."""
    waiting: deque[Future[Part]] = deque()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for piece in pieces:
            waiting.append(pool.submit(work, piece))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Grouping:
    """One run's encoders, and what happens to one piece."""

    def __init__(self, editions: Editions, mapping: bool | None, scope: Scope | None, facts: Facts) -> None:
        self.facts, self.schema = facts, casebook_schema(facts)
        self.editions = editions
        self.scope = scope
        self.columns = ShortColumns()
        self.groupings = [edition.grouping(mapping) for edition in editions.editions]

    def part(self, piece: Validated) -> Part:
        """Group one piece; threads may call it at the same time."""
        inside, outside, rejected = self._in_scope(piece.accepted)
        index = self.editions.place(inside)
        lost = {misfit: inside.filter(pl.Series(index == place)) for place, misfit in _LOST.items()}
        rejected = pl.concat([piece.rejected, rejected, *(misfit_rows(rows, kind) for kind, rows in lost.items())])
        tables = [
            self._grouped(inside.filter(pl.Series(index == edition)), edition)
            for edition in np.unique(index[index >= 0]).tolist()
        ]
        table = pa.concat_tables(tables) if tables else self.schema.empty_table()
        return Part(table, rejected, outside, piece.read_count, Counter(piece.repairs))

    def _in_scope(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """(cases of the run, cases of another period, cases of a hospital the policy does not know)."""
        if self.scope is None:
            return frame, frame.clear().select(OTHER_PERIOD), misfit_rows(frame.clear(), Misfit.HOSPITAL_UNKNOWN)
        within = frame.select(pl.col(self.scope.date_column).is_between(self.scope.first, self.scope.last)).to_series()
        known = frame["fixmedins_code"].is_in(list(self.scope.hospitals))
        strangers = frame.filter(within & ~known)
        return (
            frame.filter(within & known),
            frame.filter(~within).select(OTHER_PERIOD),
            misfit_rows(strangers, Misfit.HOSPITAL_UNKNOWN),
        )

    def _grouped(self, frame: pl.DataFrame, edition: int) -> pa.Table:
        made = dict(self.groupings[edition](frame))
        made["edition"] = pa.array(np.full(len(frame), edition, np.int8))
        made |= {name: self.columns.array(frame[name]) for name in CARRIED if name in frame.columns}
        made |= fact_columns(frame, self.facts)
        # The rules saw the stay as it was sent; settling may also know it from the dates.
        made["act_ipt_days"] = frame.select(stay_days()).to_series().to_arrow()
        arrays = [_column(made.get(field.name), field.type, len(frame)) for field in self.schema]
        return pa.table(arrays, schema=self.schema)


def _column(values: pa.Array | pa.ChunkedArray | None, wanted: pa.DataType, count: int) -> pa.Array:
    if values is None:
        values = pa.nulls(count, wanted.value_type if pa.types.is_dictionary(wanted) else wanted)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if values.type == wanted:
        return values
    if pa.types.is_dictionary(wanted):
        plain = values.cast(pa.string()) if not pa.types.is_string(values.type) else values
        return plain.dictionary_encode()
    return values.cast(wanted)
