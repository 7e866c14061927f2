"""The columns of a Parquet file whose pages can be read without Arrow 「列形式」.

In: what the file says of itself; out: for every column of a known form where it is and what its levels and values mean.
It reads no page; a column of any other form is not in the answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from engine.execute.page_loops import BIG, LITTLE

_UNITS: Final = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_INTEGERS: Final = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16())


@dataclass(frozen=True)
class Leaf:
    """One column of the file: where its chunks are, and what its levels and values mean."""

    place: int
    kind: pa.DataType
    """As Arrow reads it."""
    deepest: int
    nullable: int
    """Bit 0: the cell may be null; bit 1: the elements of a list may."""
    size: int
    """Bytes of a value of fixed size; 0 for text."""
    order: int

    @property
    def is_list(self) -> bool:
        return bool(pa.types.is_list(self.kind) or pa.types.is_large_list(self.kind))


def leaves(metadata: pq.FileMetaData) -> dict[str, Leaf]:
    """The columns whose form is known, by name."""
    schema = metadata.schema.to_arrow_schema()
    places: dict[str, list[int]] = {}
    for place in range(metadata.num_columns):
        places.setdefault(metadata.schema.column(place).path.split(".")[0], []).append(place)
    found = {}
    for field in schema:
        at = places.get(field.name, [])
        if len(at) == 1 and schema.names.count(field.name) == 1:
            leaf = _leaf(at[0], field, metadata.schema.column(at[0]))
            if leaf is not None:
                found[field.name] = leaf
    return found


def _leaf(place: int, field: pa.Field, column: Any) -> Leaf | None:
    kind, physical = field.type, column.physical_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        nullable = int(field.nullable) | int(kind.value_field.nullable) << 1
        deepest = 1 + (nullable & 1) + (nullable >> 1)
        levels = column.max_repetition_level, column.max_definition_level
        if physical != "BYTE_ARRAY" or not _is_text(kind.value_type) or levels != (1, deepest):
            return None
        return Leaf(place, kind, deepest, nullable, 0, LITTLE)
    deepest = int(field.nullable)
    if column.path != field.name or (column.max_repetition_level, column.max_definition_level) != (0, deepest):
        return None
    if physical == "BYTE_ARRAY" and _is_text(kind):
        return Leaf(place, kind, deepest, deepest, 0, LITTLE)
    sizes = {"INT32": (4, LITTLE), "INT64": (8, LITTLE), "FIXED_LEN_BYTE_ARRAY": (column.length, BIG)}
    if physical not in sizes or not _is_known_number(kind, column):
        return None
    return Leaf(place, kind, deepest, deepest, *sizes[physical])


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_known_number(kind: pa.DataType, column: Any) -> bool:
    """Whether the stored whole numbers are those of the Arrow type, so that nothing has to be converted."""
    if pa.types.is_decimal128(kind):
        return bool((kind.precision, kind.scale) == (column.precision, column.scale) and kind.precision <= 18)
    if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
        return False
    if pa.types.is_timestamp(kind):
        said = json.loads(column.logical_type.to_json()) if column.physical_type == "INT64" else {}
        return kind.tz is None and said.get("timeUnit") == _UNITS.get(kind.unit, "")
    return bool(kind in _INTEGERS or (pa.types.is_date32(kind) and column.physical_type == "INT32"))
