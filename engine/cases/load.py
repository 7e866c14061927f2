"""All case files of a run, read and validated 「载入病例」.

In: paths and what the run demands; out: accepted and rejected rows, batch by batch or as a whole, with the counts that
prove that no row was lost. Memory is bounded by the batch, eight bytes per case for the ids, and what the caller keeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.cases.convert import Converter
from engine.cases.demand import Demand
from engine.cases.duplicates import find_duplicates
from engine.cases.files import fault
from engine.cases.read import BATCH_ROWS, CaseReader, ReadNote, open_cases
from engine.cases.rejection import Reject
from engine.cases.repair import Repairs
from engine.cases.validate import Validated, validate
from engine.errors import CaseFileError


@dataclass(frozen=True)
class LoadedCases:
    """The cases of a run. `read_count` = accepted + rejected; `accepted` holds every setl_id once."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    read_count: int
    repairs: Repairs
    notes: list[ReadNote]

    @property
    def rejected_by_code(self) -> dict[str, int]:
        """How many rows each rejection code took, by code."""
        return dict(sorted(Counter(self.rejected["code"]).items()))


FAST_FROM_BYTES = 1 << 22
"""Files of so many bytes together are worth loading the compiled reader, which takes a good part of a second."""


def iter_cases(reader: CaseReader, batch_rows: int = BATCH_ROWS, fast: bool | None = None) -> Iterator[Validated]:
    """Read and validate, piece by piece, in no particular order; duplicates are found over all files first.

    `fast`: by the compiled reader, whose rows, verdicts and repairs are the same; None = when the files are large.
    """
    if fast is None:
        fast = sum(table.path.stat().st_size for table in reader.tables) >= FAST_FROM_BYTES
    if not fast:
        yield from _iter_slow(reader, batch_rows)
        return
    from engine.execute.fast_cases import ChangedWhileReadError, FastCases

    try:
        yield from FastCases(reader, batch_rows).pieces()
    except ChangedWhileReadError as error:
        raise changed_while_read(reader) from error


def _iter_slow(reader: CaseReader, batch_rows: int) -> Iterator[Validated]:
    duplicates = find_duplicates(reader, batch_rows)
    converter = Converter(reader.demand)
    copies = 0
    for raw in reader.iter_batches(batch_rows):
        part = validate(raw, reader.demand, converter=converter, duplicates=duplicates)
        copies += int(part.rejected["code"].is_in([Reject.EXACT_COPY, Reject.CONFLICTING_COPY]).sum())
        yield part
    if copies != len(duplicates):
        raise changed_while_read(reader)


def changed_while_read(reader: CaseReader) -> CaseFileError:
    """A file is not what it was when its ids were read."""
    return fault(
        ", ".join(reader.files[:3]),
        "读取过程中文件内容发生了变化。请等文件写完后重试。",
        "the content changed while it was read. Try again when nothing writes to it.",
    )


def load_cases(
    paths: Iterable[str | Path], demand: Demand, batch_rows: int = BATCH_ROWS, fast: bool | None = None
) -> LoadedCases:
    """Read and validate everything into memory, in the order of files and rows."""
    reader = open_cases(paths, demand)
    parts = list(iter_cases(reader, batch_rows, fast))
    repairs = Repairs()
    for part in parts:
        repairs.update(part.repairs)
    accepted = _in_order(pl.concat([part.accepted for part in parts]), reader)
    rejected = _in_order(pl.concat([part.rejected for part in parts]), reader)
    read_count = sum(part.read_count for part in parts)
    assert len(accepted) + len(rejected) == read_count, "accepted + rejected = read"
    assert accepted["setl_id"].n_unique() == len(accepted), "a settlement id was accepted twice"
    return LoadedCases(accepted, rejected, read_count, repairs, reader.notes)


def _in_order(frame: pl.DataFrame, reader: CaseReader) -> pl.DataFrame:
    place = pl.col("file").replace_strict(reader.files, list(range(len(reader.files))), return_dtype=pl.Int64)
    return frame.sort(place, "row", maintain_order=True)
