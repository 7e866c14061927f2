"""Excel workbooks of cases: the first sheet, every cell as text 「Excel 读取」.

In: a path; out: its header, then polars frames of the columns asked for. A number cell arrives as the shortest text
that names it, so an amount typed as 1234.56 is exactly that. Excel keeps fifteen digits: a longer id stored as a
number is already wrong, and stops the run. A sheet is read whole; Excel's own limit of 1,048,576 rows bounds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import fastexcel
import numpy as np
import polars as pl
import pyarrow as pa

from engine.cases.aliases import HeaderMap
from engine.cases.files import fault
from engine.cases.piece import Piece

EXACT_DIGITS = 15
_LONG_CODES = ("setl_id", "mdtrt_id", "medcasno", "fixmedins_code")


class ExcelCases:
    """One workbook. The first row of its first sheet is the header."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.notes: list[tuple[str, str]] = []
        try:
            book = fastexcel.read_excel(path)
            sheet = book.load_sheet(0, header_row=None, dtypes="string", skip_rows=0)
            table = pl.from_arrow(sheet.to_arrow())
        except fastexcel.FastExcelError as error:
            said = str(error).splitlines()[0]
            raise fault(
                name,
                f"无法作为 Excel 工作簿打开（{said}）。请用 Excel 另存为 .xlsx 后重试。",
                f"cannot be opened as an Excel workbook ({said}). Save it again as .xlsx.",
            ) from error
        assert isinstance(table, pl.DataFrame)
        if len(book.sheet_names) > 1:
            ignored = "、".join(book.sheet_names[1:])
            self.notes.append(
                (f"只读取第一张工作表“{book.sheet_names[0]}”", f"only the first sheet is read; not read: {ignored}")
            )
        self.header: list[str] = [cell or "" for cell in table.row(0)] if len(table) else []
        table.columns = [f"c{place}" for place in range(table.width)]
        self._table = table.slice(1)
        self._book = book

    def check(self, header: HeaderMap, needed: Sequence[str]) -> None:
        """Raise CaseFileError if an id of more than fifteen digits is stored as a number."""
        for column in _LONG_CODES:
            name = header.direct.get(column)
            if name not in needed:
                continue
            place = self.header.index(str(name))
            digits = self._table.to_series(place).str.extract(r"^(\d+)$").str.len_chars()
            row = (digits > EXACT_DIGITS).fill_null(False).arg_max()
            if row is None or (digits[row] or 0) <= EXACT_DIGITS or not self._is_number(place):
                continue
            raise fault(
                self.name,
                f"列“{name}”第 {row + 1} 行是超过 {EXACT_DIGITS} 位的数字，Excel 只保留 {EXACT_DIGITS} 位，"
                f"编号已不可靠。请将该列设为文本格式并重新导出。",
                f"column {name!r}, data row {row + 1}: a number of more than {EXACT_DIGITS} digits. Excel keeps only "
                f"{EXACT_DIGITS}, so the id is already wrong. Format the column as text and export again.",
            )

    def _is_number(self, place: int) -> bool:
        sheet = self._book.load_sheet(0, header_row=None, skip_rows=1, use_columns=[place], schema_sample_rows=None)
        type_ = sheet.to_arrow().schema.field(0).type
        return bool(pa.types.is_floating(type_) or pa.types.is_integer(type_))

    def pieces(self, needed: Sequence[str], batch_rows: int) -> Iterator[Piece]:
        """The columns asked for; rows that are blank in all of them are leftovers of formatting and are skipped."""
        chosen = self._table.select(pl.nth([self.header.index(name) for name in needed]))
        chosen.columns = list(needed)
        rows = pl.int_range(1, len(chosen) + 1, eager=True)
        filled = ~chosen.select(pl.all_horizontal(pl.all().is_null())).to_series()
        chosen, rows = chosen.filter(filled), rows.filter(filled)
        for start in range(0, len(chosen), batch_rows):
            part = rows.slice(start, batch_rows)
            yield Piece(chosen.slice(start, batch_rows), np.asarray(part.to_numpy(), dtype=np.int64))
