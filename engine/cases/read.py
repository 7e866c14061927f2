"""Case files as a stream of frames with canonical columns, keeping file and row 「读取病例」.

In: files, folders or patterns of Parquet, CSV and Excel, and what the run demands; out: polars frames of bounded size,
with whatever types the file has. It judges no row: what a cell means is decided by `typed`, whether a row may pass by
`validate`. A file that cannot be understood as a whole raises CaseFileError before or while it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from engine.cases.aliases import HeaderMap, map_header
from engine.cases.demand import Demand
from engine.cases.files import SUFFIXES, fault, find_files, short_names
from engine.cases.gather import gather, headers_needed
from engine.cases.piece import CaseTable, Piece
from engine.errors import CaseFileError
from engine.lang import say

BATCH_ROWS = 131_072
MISSHAPEN = "misshapen"
"""Marks a row that could not be split into cells: its cells are null."""


@dataclass(frozen=True, slots=True)
class ReadNote:
    """Something the user should know about how a file was read; no fault."""

    file: str
    zh: str
    en: str


@dataclass(frozen=True)
class CaseReader:
    """The case files of a run, headers understood and types checked. Reads them again on every call."""

    tables: tuple[CaseTable, ...]
    headers: tuple[HeaderMap, ...]
    demand: Demand

    @property
    def files(self) -> list[str]:
        """Short names, in the order they are read."""
        return [table.name for table in self.tables]

    @property
    def notes(self) -> list[ReadNote]:
        """Encodings, columns nobody knows or that are not there, what stands in for a missing id."""
        notes = []
        for table, header in zip(self.tables, self.headers, strict=True):
            notes += [ReadNote(table.name, zh, en) for zh, en in table.notes]
            if names := [name for name in header.ignored if name.strip()]:
                zh = f"未使用的列（不认识）：{'、'.join(names)}"
                notes.append(ReadNote(table.name, zh, f"columns nobody knows were ignored: {', '.join(names)}"))
            if header.absent:
                zh = f"文件中没有、按空值处理的列：{'、'.join(header.absent)}"
                notes.append(ReadNote(table.name, zh, f"not in the file, read as empty: {', '.join(header.absent)}"))
            if header.id_from:
                names = [header.direct[column] for column in header.id_from]
                zh = f"没有结算ID，以 {'-'.join(names)} 代替"
                notes.append(ReadNote(table.name, zh, f"no settlement id; {'-'.join(names)} stands in for it"))
        return notes

    def iter_batches(
        self, batch_rows: int = BATCH_ROWS, columns: tuple[str, ...] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Frames of at most about `batch_rows` rows: canonical columns (all wanted, or just `columns`), `file`, `row`,
        and `misshapen`. A file without a data row raises CaseFileError when it is reached."""
        wanted = columns or self.demand.wanted
        for table, header in zip(self.tables, self.headers, strict=True):
            needed = headers_needed(header, wanted)
            count = 0
            for piece in table.pieces(needed, batch_rows):
                count += len(piece.rows) + len(piece.misshapen)
                yield with_place(gather(piece.frame, header, wanted), piece, table.name)
            if count == 0:
                raise no_rows(table.name)


def no_rows(name: str) -> CaseFileError:
    """What is wrong with a file that has a header and nothing else."""
    return fault(
        name,
        "文件只有表头，没有数据行。导出可能失败；如确实没有病例，请去掉该文件。",
        "the file has a header and no rows. The export may have failed; if it has no cases, leave it out.",
    )


def open_cases(paths: Iterable[str | Path], demand: Demand) -> CaseReader:
    """Find the files, understand every header, check every type; raise CaseFileError for the first that fails."""
    found = find_files(paths)
    if not found:
        raise CaseFileError(say("没有给出病例文件。", "No case file was given."))
    tables, headers = [], []
    for path, name in zip(found, short_names(found), strict=True):
        table = _open(path, name)
        if not table.header:
            raise fault(name, "文件是空的。请重新导出。", "the file is empty. Export it again.")
        header = map_header(name, table.header, demand)
        table.check(header, headers_needed(header, demand.wanted))
        tables.append(table)
        headers.append(header)
    return CaseReader(tuple(tables), tuple(headers), demand)


def _open(path: Path, name: str) -> CaseTable:
    suffix = path.suffix.lower()
    if path.stat().st_size == 0:
        raise fault(name, "文件是空的。请重新导出。", "the file is empty. Export it again.")
    # The readers are imported when a file needs them: none of them is light.
    if suffix == ".parquet":
        from engine.cases.read_parquet import ParquetCases

        return ParquetCases(path, name)
    if suffix in (".csv", ".tsv"):
        from engine.cases.read_csv import CsvCases

        return CsvCases(path, name)
    if suffix == ".xlsx":
        from engine.cases.read_excel import ExcelCases

        return ExcelCases(path, name)
    allowed = ", ".join(SUFFIXES)
    raise fault(
        name,
        f"不支持的文件类型 {suffix or '（无后缀）'}。可读取：{allowed}。旧的 .xls 请另存为 .xlsx。",
        f"files of type {suffix or '(no suffix)'} are not read. Readable: {allowed}. Save an old .xls as .xlsx.",
    )


def with_place(frame: pl.DataFrame, piece: Piece, file: str) -> pl.DataFrame:
    """Add where each row stood, and one row of nulls for each that could not be split into cells."""
    flags = np.zeros(len(piece.rows), np.bool_)
    placed = frame.with_columns(pl.lit(file).alias("file"), pl.Series("row", piece.rows), pl.Series(MISSHAPEN, flags))
    if not piece.misshapen:
        return placed
    lost = pl.DataFrame({"row": pl.Series(piece.misshapen, dtype=pl.Int64)}).with_columns(
        pl.lit(file).alias("file"), pl.lit(True).alias(MISSHAPEN)
    )
    return pl.concat([placed, lost], how="diagonal")
