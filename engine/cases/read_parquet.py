"""Parquet files of cases, batch by batch, without ever holding a whole file 「Parquet 读取」.

In: a path; out: its header with the types checked, then polars frames of the columns asked for. A column of a type
that cannot hold what it should (a float amount, a list where a number belongs) stops the run before the first row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.cases.alias_table import DURATION_PARTS
from engine.cases.aliases import LIST_PARTS, HeaderMap
from engine.cases.columns import COLUMNS, TYPED
from engine.cases.files import fault
from engine.cases.piece import Piece
from engine.errors import CaseFileError

_KINDS = {typed.column: typed.kind for typed in TYPED}
for _whole, (_plain, _node, _main, _other) in LIST_PARTS.items():
    _KINDS |= {_plain: "codes", _node: "node", _main: "text", _other: "codes"}
_KINDS |= {"icuinfo": "node"} | dict.fromkeys((part for parts in DURATION_PARTS.values() for part in parts), "int")
_KINDS |= {"mdtrt_id": "text", "medcasno": "text", "ipt_cnt": "text"}

_WISH = {
    "fen": ("小数 decimal(16,2) 或文本", "decimal(16,2), integer yuan or text; a float cannot hold every fen"),
    "date": ("日期、时间戳或文本", "date, timestamp or text"),
    "text": ("文本或整数", "text or an integer"),
    "codes": ("文本列表，或以 | 连接的文本", "a list of text, or text joined by |"),
    "node": ("结构体列表", "a list of structs, as the national node"),
    "int": ("整数、小数或文本", "an integer, a decimal or text"),
    "whole": ("整数或文本", "an integer or text"),
}


class ParquetCases:
    """One Parquet file."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        try:
            with pq.ParquetFile(path) as file:
                self.schema: pa.Schema = file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise broken(name, error) from error
        self.header: list[str] = self.schema.names
        self.notes: list[tuple[str, str]] = []

    def check(self, header: HeaderMap, needed: Sequence[str]) -> None:
        """Raise CaseFileError for the first needed column whose type cannot hold what the column means."""
        placed = {name: column for column, name in header.direct.items()}
        placed |= {name: part for part, numbered in header.others.items() for _, name in numbered}
        single = {name for numbered in header.others.values() for _, name in numbered}
        for name in needed:
            column = placed[name]
            kind = "text" if name in single else _KINDS.get(column, "int")
            if not _fits(kind, self.schema.field(name).type):
                label = COLUMNS[column].label if column in COLUMNS else column
                zh, en = _WISH[kind]
                raise fault(
                    self.name,
                    f"列“{name}”（{label}）的类型是 {self.schema.field(name).type}，应为{zh}。请转换后重新导出。",
                    f"column {name!r} ({label}) is {self.schema.field(name).type}; it must be {en}. "
                    f"Convert it and export again.",
                )

    def pieces(self, needed: Sequence[str], batch_rows: int) -> Iterator[Piece]:
        """The columns asked for, row group by row group."""
        try:
            with pq.ParquetFile(self.path) as file:
                reached = 0
                for batch in file.iter_batches(batch_size=batch_rows, columns=list(needed), use_threads=True):
                    frame = pl.from_arrow(pa.Table.from_batches([batch]).select(list(needed)))
                    assert isinstance(frame, pl.DataFrame)
                    yield Piece(frame, np.arange(reached + 1, reached + len(frame) + 1, dtype=np.int64))
                    reached += len(frame)
        except (pa.ArrowException, OSError) as error:
            raise broken(self.name, error) from error


def broken(name: str, error: Exception) -> CaseFileError:
    said = str(error).splitlines()[0]
    return fault(
        name,
        f"不是完整的 Parquet 文件（{said}）。文件可能未传完或已损坏，请重新传输或重新导出。",
        f"not a complete Parquet file ({said}). It may be truncated or damaged: copy or export it again.",
    )


def _fits(kind: str, type_: pa.DataType) -> bool:
    is_ = pa.types
    if is_.is_dictionary(type_):
        type_ = type_.value_type
    text = is_.is_string(type_) or is_.is_large_string(type_) or is_.is_string_view(type_)
    if text or is_.is_null(type_):
        return kind != "node" or is_.is_null(type_)
    whole = is_.is_integer(type_)
    if kind == "fen":
        return bool(whole or is_.is_decimal128(type_))
    if kind == "date":
        return bool(whole or is_.is_date(type_) or is_.is_timestamp(type_))
    if kind in ("codes", "node"):
        is_list = is_.is_list(type_) or is_.is_large_list(type_) or is_.is_fixed_size_list(type_)
        if not is_list:
            return False
        inner = type_.value_type
        return (
            bool(is_.is_struct(inner) or is_.is_null(inner))
            if kind == "node"
            else _fits("text", inner) and not is_.is_floating(inner)
        )
    # Programs that know no missing integers write floats; whole ones are exact, others are found cell by cell.
    number = whole or is_.is_floating(type_) or is_.is_decimal128(type_)
    return bool(number or (kind != "text" and is_.is_boolean(type_)))
