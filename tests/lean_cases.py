"""Bare arrays back as frames, and a whole reading by arrays, to be held against the other ways of reading."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from engine.cases.columns import TYPED
from engine.cases.convert import EMPTY_DTYPES, accepted_columns
from engine.cases.demand import Demand
from engine.cases.load import LoadedCases, _in_order
from engine.cases.read import open_cases
from engine.cases.repair import Repairs
from engine.cases.validate import NO_REJECTION, Validated
from engine.execute.lean import Numbers
from engine.execute.lean_batches import Task
from engine.execute.lean_read import LateRows, LeanPart, LeanReader

KINDS = {typed.name: typed.kind for typed in TYPED}


def frame_of(part: LeanPart, demand: Demand) -> pl.DataFrame:
    """The accepted frame of a part's rows."""
    rows = part.rows
    assert rows is not None
    count, found = len(rows), list[pl.Series]()
    for name in accepted_columns(demand):
        if name == "setl_id":
            assert rows.ids.null_count == 0
            series = pl.Series(rows.ids.to_pylist(), dtype=pl.String)
        elif name == "file":
            series = pl.Series([part.file] * count, dtype=pl.String)
        elif name == "row":
            series = pl.Series(part.row_numbers)
        elif name in rows.texts:
            series = rows.texts[name].series().cast(pl.String)
        elif name in rows.lists:
            series = rows.lists[name].series().cast(pl.List(pl.String))
        elif name in rows.numbers:
            series = numbers_series(name, rows.numbers[name])
        else:
            kind = "fen" if name == "patient_fen" else KINDS.get(name, "int")
            series = pl.repeat(None, count, dtype=EMPTY_DTYPES.get(kind, pl.List(pl.String)), eager=True)
        assert len(series) == count, name
        found.append(series.alias(name))
    return pl.DataFrame(found)


def numbers_series(name: str, column: Numbers) -> pl.Series:
    assert column.values.dtype == (np.int64 if name.endswith("_fen") else np.int32), name
    series = pl.from_arrow(pa.array(column.values, mask=column.missing))
    assert isinstance(series, pl.Series)
    return series.cast(pl.Date) if KINDS.get(name) == "date" else series


def parts_of(lean: LeanReader, threads: int) -> list[LeanPart]:
    """Every part in the order of the tasks."""

    def read(task: Task) -> list[LeanPart]:
        return list(lean.read(task))

    with ThreadPoolExecutor(threads) as pool:
        return [part for parts in pool.map(read, lean.tasks()) for part in parts]


def validated(lean: LeanReader, threads: int) -> list[Validated]:
    """Pieces as `iter_cases` gives them."""
    late, pieces = LateRows(lean), list[Validated]()
    for part in parts_of(lean, threads):
        if part.rows is not None:
            frame = frame_of(part, lean.reader.demand)
            pieces.append(Validated(frame, NO_REJECTION, part.repairs, part.read_count))
        if (turn := late.add(part)) is not None:
            pieces += turn()
    return [*pieces, *(piece for turn in late.rest() for piece in turn())]


def lean_cases(paths: Sequence[Path], demand: Demand, batch_rows: int = 1_000, threads: int = 2) -> LoadedCases:
    """What `load_cases` gives, read by arrays."""
    reader = open_cases(paths, demand)
    pieces = validated(LeanReader(reader, batch_rows), threads)
    repairs = Repairs()
    for piece in pieces:
        repairs.update(piece.repairs)
    accepted = _in_order(pl.concat([piece.accepted for piece in pieces]), reader)
    rejected = _in_order(pl.concat([piece.rejected for piece in pieces]), reader)
    return LoadedCases(accepted, rejected, sum(piece.read_count for piece in pieces), repairs, reader.notes)
