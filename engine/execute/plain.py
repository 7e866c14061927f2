"""The plain rows of a file, converted column by column 「规整行」.

In: Arrow tables of one file, its header; out: the typed frame of `Converter.convert` for the rows that are plain, and
which rows are not. A file whose form the fast reader does not know has no plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa

from engine.cases.aliases import LIST_PARTS, HeaderMap
from engine.cases.columns import TYPED
from engine.cases.convert import EMPTY_DTYPES
from engine.cases.demand import Demand
from engine.cases.gather import headers_needed
from engine.cases.read import MISSHAPEN
from engine.execute.batches import RowBatch
from engine.execute.cells import ID, Coded, Columns, Lists, Odd, is_code_list, is_text
from engine.execute.vocabulary import I64, U8


@dataclass(frozen=True)
class Source:
    """One column of the typed frame: its name, the file column, how cells are read, its header (None = not there)."""

    name: str
    column: str
    kind: str
    header: str | None


@dataclass(frozen=True)
class Plan:
    """How one file's columns become typed ones."""

    file: str
    header: HeaderMap
    demand: Demand
    sources: tuple[Source, ...]

    def serves(self, schema: pa.Schema) -> bool:
        """Whether every code column has a form whose codes can be told apart."""
        kinds = [schema.field(one.header).type for one in self.sources if one.kind == "codes" and one.header]
        return all(is_text(kind) or is_code_list(kind) for kind in kinds)

    def convert(self, batch: RowBatch, columns: Columns, odd: Odd) -> PlainRows:
        """Every column, converted; rows that are not plain are marked in `odd`, their values mean nothing."""
        found = PlainRows(self, batch.rows)
        for one in self.sources:
            if one.header is None:
                if one.column == "diag_codes":
                    odd[:] = True
                continue
            cells = batch.table.column(one.header)
            whole = cells.chunk(0) if cells.num_chunks == 1 else cells.combine_chunks()
            if one.kind == "codes":
                found.lists[one.name], found.flags[one.column] = columns.read_codes(one.column, whole, odd)
                continue
            values = columns.read(one.column, one.kind, whole, odd)
            if one.column == ID and not isinstance(values, Coded) and values.null_count():
                odd |= values.is_null().to_numpy()
            if isinstance(values, Coded):
                found.texts[one.name] = values
            else:
                found.series[one.name] = values.alias(one.name)
        return found


@dataclass
class PlainRows:
    """The columns of one batch by the names inside; a column the file does not have is in none of the three."""

    plan: Plan
    rows: I64
    series: dict[str, pl.Series] = field(default_factory=dict)
    texts: dict[str, Coded] = field(default_factory=dict)
    lists: dict[str, Lists] = field(default_factory=dict)
    flags: dict[str, U8] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def frame(self) -> pl.DataFrame:
        """The typed frame as `Converter.convert` has it before `complete`."""
        count, found = len(self.rows), list[pl.Series]()
        for one in self.plan.sources:
            if one.kind == "codes":
                found.append(self._codes(one.name).alias(one.name))
                flags = self.flags.get(one.column, np.zeros(count, np.uint8))
                found.append(pl.Series(f"{one.column}!flags", flags))
            elif one.name in self.texts:
                found.append(self.texts[one.name].series().alias(one.name))
            elif one.name in self.series:
                found.append(self.series[one.name])
            else:
                found.append(pl.repeat(None, count, dtype=EMPTY_DTYPES[one.kind], eager=True).alias(one.name))
        found += [pl.Series("row", self.rows), pl.Series(MISSHAPEN, np.zeros(count, np.bool_))]
        return pl.DataFrame(found).with_columns(pl.lit(self.plan.file).alias("file"))

    def _codes(self, name: str) -> pl.Series:
        if name in self.lists:
            return self.lists[name].series()
        return pl.repeat([], len(self.rows), dtype=pl.List(pl.String), eager=True)


def plan_of(file: str, header: HeaderMap, demand: Demand) -> Plan | None:
    """The plan of a file, or None where a column is made of several or codes come as nodes."""
    if header.id_from:
        return None
    wanted = set(demand.wanted)
    kinds = [(one.name, one.column, one.kind) for one in TYPED]
    kinds += [(column, column, "int") for column in demand.extra_numbers]
    sources = []
    for name, column, kind in kinds:
        direct = header.direct.get(column) if column in wanted else None
        if column in wanted and direct is None and headers_needed(header, (column,)):
            return None  # it is gathered from other columns
        sources.append(Source(name, column, kind, direct))
    if any(len(headers_needed(header, (whole,))) > 1 for whole in LIST_PARTS):
        return None
    return Plan(file, header, demand, tuple(sources))
