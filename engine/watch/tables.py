"""Rows of what is watched, as the Parquet files of a run hold them.

In: rows by column name; out: an Arrow table with the columns of that file. Missing cells are null, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from engine.cases.columns import arrow_schema


def table_of(file: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The rows under the schema of a file."""
    schema = arrow_schema(file)
    return pa.table([pa.array([row.get(name) for row in rows], schema.field(name).type) for name in schema.names],
                    schema=schema)  # fmt: skip
