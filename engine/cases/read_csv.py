"""CSV files of cases, block by block, every cell as text 「CSV 读取」.

In: a path; out: its header, then polars frames of the columns asked for, named by their header. UTF-8 with or without
mark, GB18030 where the file is not UTF-8 (and said). A row with too many or too few fields is handed on by number, to
be rejected like any other bad row; a quote that is never closed stops the run, because rows would vanish into one cell.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.csv as pc

from engine.cases.aliases import HeaderMap
from engine.cases.files import fault, text_facts
from engine.cases.piece import Piece

_BLOCK_BYTES = 1 << 24


class CsvCases:
    """One CSV file; tabs separate if the header has tabs and no comma."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.notes: list[tuple[str, str]] = []
        self._facts = text_facts(path, name)
        if self._facts.encoding != "utf-8":
            encoding = self._facts.encoding.upper()
            self.notes.append((f"按 {encoding} 编码读取", f"read as {encoding}, because it is not UTF-8"))
        with self._open_text() as stream:
            first = next((line for line in stream if line.strip()), "")
            self._delimiter = "\t" if "\t" in first and "," not in first else ","
            stream.seek(0)
            self.header: list[str] = next((row for row in csv.reader(stream, delimiter=self._delimiter) if row), [])

    def check(self, header: HeaderMap, needed: Sequence[str]) -> None:
        """Every cell is text: nothing to refuse before the rows are read."""

    def pieces(self, needed: Sequence[str], batch_rows: int) -> Iterator[Piece]:
        """The columns asked for, with row numbers, and the numbers of misshapen rows passed over."""
        names = [f"c{place}" for place in range(len(self.header))]
        wanted = [names[self.header.index(name)] for name in needed]
        misshapen: deque[int] = deque()
        reached = read = 0
        try:
            for batch in self._open(names, wanted, misshapen):
                frame = pl.from_arrow(pa.Table.from_batches([batch]))
                assert isinstance(frame, pl.DataFrame)
                frame.columns = list(needed)
                for part in frame.iter_slices(batch_rows):
                    rows, passed_over = _number(reached, len(part), misshapen)
                    reached += len(rows) + len(passed_over)
                    read += len(rows) + len(passed_over)
                    yield Piece(part, rows, passed_over)
        except pa.ArrowInvalid as error:
            if self._facts.line_ends <= 1:
                return
            said = str(error).splitlines()[0]
            raise fault(
                self.name,
                f"无法按 CSV 解析（{said}）。请重新导出。",
                f"cannot be parsed as CSV ({said}). Export it again.",
            ) from error
        if misshapen:
            none = pl.DataFrame(schema=dict.fromkeys(needed, pl.String))
            yield Piece(none, np.empty(0, np.int64), list(misshapen))
        self._account_for_lines(read + len(misshapen))

    def _open(self, names: list[str], wanted: list[str], misshapen: deque[int]) -> pc.CSVStreamingReader:
        def pass_over(row: pc.InvalidRow) -> str:
            # The number counts the header and leaves blank lines out.
            misshapen.append(row.number - 1)
            return "skip"

        return pc.open_csv(
            self.path,
            # One thread: rows are numbered only when they are read in order.
            read_options=pc.ReadOptions(
                use_threads=False,
                block_size=_BLOCK_BYTES,
                column_names=names,
                skip_rows_after_names=1,
                encoding=self._facts.encoding,
            ),
            parse_options=pc.ParseOptions(
                delimiter=self._delimiter, newlines_in_values=True, invalid_row_handler=pass_over
            ),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=wanted,
                strings_can_be_null=True,
                null_values=[""],
            ),
        )

    def _open_text(self) -> TextIO:
        encoding = "utf-8-sig" if self._facts.encoding == "utf-8" else self._facts.encoding
        return self.path.open(encoding=encoding, newline="")

    def _account_for_lines(self, read: int) -> None:
        """Fewer rows than lines: cells with line breaks, or a stray quote that swallowed rows; a strict parse tells."""
        if read + 1 >= self._facts.line_ends - self._facts.blank_lines:
            return
        with self._open_text() as stream:
            reader = csv.reader(stream, delimiter=self._delimiter, strict=True)
            try:
                deque(reader, maxlen=0)
                return
            except csv.Error as error:
                line, said = reader.line_num, str(error)
        raise fault(
            self.name,
            f"第 {line} 行附近有未配对的引号，其后的行会被并入一个单元格。请更正引号后重新导出。",
            f"a quote near line {line} is not closed, so the rows after it fall into one cell ({said}). "
            f"Mend the quote and export again.",
        )


def _number(reached: int, count: int, misshapen: deque[int]) -> tuple[npt.NDArray[np.int64], list[int]]:
    """Numbers of the next `count` good rows, and of the misshapen rows among them, which are taken off the queue."""
    end = reached + count
    passed_over: list[int] = []
    while misshapen and misshapen[0] <= end:
        passed_over.append(misshapen.popleft())
        end += 1
    return np.setdiff1d(np.arange(reached + 1, end + 1, dtype=np.int64), passed_over, assume_unique=True), passed_over
