"""A Parquet file of texts and decimals, written one row group at a time 「结果文件」.

In: a schema of `string` and `decimal` columns and the cells of every row group; out: a file any Parquet reader knows,
with the same bytes for the same cells. Decimals stand as eight-byte integers. Least and greatest value are noted for
texts that hardly repeat. It keeps no row group in memory, and knows no other type of column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pyarrow as pa

from engine.stream import thrift_out as thrift
from engine.stream.encode import Cells, Chunk, DecimalCells, Encoder

_MAGIC = b"PAR1"
_INT64, _BYTE_ARRAY = 2, 6
_OPTIONAL = 1
_UTF8, _DECIMAL = 0, 5
"""Kinds of value as readers of old know them."""
_AS_STRING, _AS_DECIMAL = 1, 5
"""The same as readers of today know them."""
MADE_BY = b"dianzhi version 1"
"""The form of the file, not of the program: the same cells have the same bytes after a release."""


@contextmanager
def flat_file(path: Path, schema: pa.Schema) -> Iterator[FlatFile]:
    """A file to write, whole when the block ends well."""
    with path.open("wb") as file:
        made = FlatFile(schema, file)
        yield made
        made.end()


@dataclass
class FlatFile:
    """See `flat_file`."""

    schema: pa.Schema
    file: IO[bytes]
    rows: int = 0
    _groups: list[bytes] = field(default_factory=list)
    _encoder: Encoder = field(default_factory=Encoder)

    def __post_init__(self) -> None:
        for each in self.schema:
            assert pa.types.is_string(each.type) or pa.types.is_decimal(each.type), f"{each} is neither text nor amount"
        self.file.write(_MAGIC)
        self._at = len(_MAGIC)

    def write(self, rows: int, cells: Mapping[str, Cells | Chunk]) -> None:
        """One row group; none where there are no rows. A chunk was made by an `Encoder` of a column of the schema."""
        if not rows:
            return
        columns, begin, unpacked = [], self._at, 0
        for each in self.schema:
            own = cells[each.name]
            chunk = own if isinstance(own, Chunk) else self._made(each, own)
            assert chunk.values == rows, f"{each.name} has {chunk.values} cells in a group of {rows} rows"
            columns.append(_column(each, chunk, self._at))
            unpacked += chunk.unpacked
            for page in chunk.pages:
                self.file.write(page)
            self._at += chunk.size
        self._groups.append(
            thrift.struct(
                thrift.listed(1, thrift.STRUCT, columns),
                thrift.whole(2, unpacked, thrift.I64),
                thrift.whole(3, rows, thrift.I64),
                thrift.whole(5, begin, thrift.I64),
                thrift.whole(6, self._at - begin, thrift.I64),
                thrift.whole(7, len(self._groups), thrift.I16),
            )
        )
        self.rows += rows

    def _made(self, each: pa.Field, own: Cells) -> Chunk:
        amount = pa.types.is_decimal(each.type)
        assert amount == isinstance(own, DecimalCells), f"{each} is a column of another type"
        assert not isinstance(own, DecimalCells) or own.precision == each.type.precision, "as many digits"
        return self._encoder.chunk(own)

    def end(self) -> None:
        """The footer."""
        root = thrift.struct(thrift.binary(4, b"schema"), thrift.whole(5, len(self.schema)))
        by_type = thrift.struct(thrift.inner(1))
        footer = thrift.struct(
            thrift.whole(1, 2),
            thrift.listed(2, thrift.STRUCT, [root, *(_element(each) for each in self.schema)]),
            thrift.whole(3, self.rows, thrift.I64),
            thrift.listed(4, thrift.STRUCT, self._groups),
            thrift.binary(6, MADE_BY),
            thrift.listed(7, thrift.STRUCT, [by_type] * len(self.schema)),
        )
        self.file.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)


def _element(each: pa.Field) -> bytes:
    name = thrift.binary(4, each.name.encode())
    if pa.types.is_string(each.type):
        kind = thrift.inner(10, thrift.inner(_AS_STRING))
        return thrift.struct(
            thrift.whole(1, _BYTE_ARRAY), thrift.whole(3, _OPTIONAL), name, thrift.whole(6, _UTF8), kind
        )
    scale, precision = each.type.scale, each.type.precision
    return thrift.struct(
        thrift.whole(1, _INT64),
        thrift.whole(3, _OPTIONAL),
        name,
        thrift.whole(6, _DECIMAL),
        thrift.whole(7, scale),
        thrift.whole(8, precision),
        thrift.inner(10, thrift.inner(_AS_DECIMAL, thrift.whole(1, scale), thrift.whole(2, precision))),
    )


def _column(each: pa.Field, chunk: Chunk, at: int) -> bytes:
    fields = [
        thrift.whole(1, _BYTE_ARRAY if pa.types.is_string(each.type) else _INT64),
        thrift.listed(2, thrift.I32, [thrift.zigzag(one) for one in chunk.encodings]),
        thrift.listed(3, thrift.BINARY, [thrift.binary(1, each.name.encode())[2]]),
        thrift.whole(4, chunk.codec),
        thrift.whole(5, chunk.values, thrift.I64),
        thrift.whole(6, chunk.unpacked, thrift.I64),
        thrift.whole(7, chunk.size, thrift.I64),
        thrift.whole(9, at + chunk.dictionary, thrift.I64),
    ]
    if chunk.dictionary:
        fields.append(thrift.whole(11, at, thrift.I64))
    if chunk.bounds is not None:
        least, greatest = chunk.bounds
        none = thrift.whole(3, 0, thrift.I64)
        fields.append(thrift.inner(12, none, thrift.binary(5, greatest), thrift.binary(6, least)))
    return thrift.struct(thrift.whole(2, 0, thrift.I64), thrift.inner(3, *fields))
