"""The accepted and grouped cases of one run in compact columns 「病例册」, in ascending order of settlement id.

In: one Arrow table per batch, in any order. Out: one table sorted by `setl_id`, from which every later stage reads
numpy columns and every output file is written in chunks. About 150 bytes a case; strings that repeat are kept once.
It decides nothing: validation, grouping and settlement happen before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.cases.fact_columns import fact_schema
from engine.cases.facts import NO_FACTS, Facts

_CODE = pa.dictionary(pa.int32(), pa.string())

CASEBOOK_SCHEMA = pa.schema(
    [
        ("setl_id", pa.string()),
        ("fixmedins_code", _CODE),
        ("insutype", _CODE),
        ("setl_ym", _CODE),
        ("settled_on", pa.date32()),
        ("discharged_on", pa.date32()),
        ("act_ipt_days", pa.int32()),
        ("dscg_way", _CODE),
        ("ipt_med_type", _CODE),
        ("medfee_sumamt_fen", pa.int64()),
        ("fund_fen", pa.int64()),
        ("patient_fen", pa.int64()),
        ("edition", pa.int8()),
        ("status", pa.uint8()),
        ("reason", pa.uint8()),
        ("leaf", pa.int32()),
        ("auxiliary", pa.int32()),
        ("dip_code", _CODE),
        ("insuplc_admdvs", _CODE),
        ("severity", pa.uint8()),
        ("maindiag_code", _CODE),
        ("main_oprn_code", _CODE),
        ("mcc_diag_codes", pa.list_(pa.string())),
        ("excl_diag_codes", pa.list_(pa.string())),
    ]
)


def casebook_schema(facts: Facts = NO_FACTS) -> pa.Schema:
    """The casebook's columns, with those a policy asks for."""
    return pa.schema([*CASEBOOK_SCHEMA, *(pa.field(name, kind) for name, kind in fact_schema(facts))])


@dataclass(frozen=True)
class Casebook:
    """Sorted compact columns of one run, and what they refer to."""

    table: pa.Table
    """`casebook_schema`, one chunk a column, ascending `setl_id`, no id twice."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def ints(self, column: str) -> npt.NDArray[np.int64]:
        """A number or date column as int64; dates are days since 1970-01-01. Raises ValueError on nulls."""
        return self.column(column).astype(np.int64, copy=False)

    def column(self, column: str) -> npt.NDArray[Any]:
        """As `ints`, in the type it is kept in, and not to be written."""
        values = whole(self.table[column])
        if values.null_count:
            raise ValueError(f"column {column} holds {values.null_count} empty cells; validation let them pass")
        return np.asarray((values.view(pa.int32()) if pa.types.is_date32(values.type) else values).to_numpy())

    def numbers_or(self, column: str, missing: int) -> npt.NDArray[np.int64]:
        """As `ints`, with `missing` where a case has none."""
        values = pc.fill_null(whole(self.table[column]).cast(pa.int64()), missing)
        return np.asarray(values.to_numpy(zero_copy_only=False))

    def codes(self, column: str) -> tuple[npt.NDArray[np.int32], list[str]]:
        """A repeated string column as (index per case, -1 = empty; the distinct strings in ascending order)."""
        values = whole(self.table[column])
        words: list[str] = values.dictionary.to_pylist()
        order = sorted(range(len(words)), key=words.__getitem__)
        rank = np.empty(len(words) + 1, np.int32)
        rank[order] = np.arange(len(words), dtype=np.int32)
        rank[-1] = -1
        index = np.asarray(pc.fill_null(values.indices, len(words)).to_numpy(zero_copy_only=False))
        return rank[index], [words[i] for i in order]

    def texts(self, column: str) -> tuple[npt.NDArray[np.int32], Sequence[str]]:
        """A repeated string column as it is kept: (number of each case's text, −1 = empty; the texts)."""
        values = whole(self.table[column])
        index = pc.fill_null(values.indices, -1) if values.null_count else values.indices
        return np.asarray(index.to_numpy()), values.dictionary.to_pylist()

    def places(self, column: str, names: tuple[str, ...]) -> npt.NDArray[np.int32]:
        """Place of each case's text among `names`, −1 for another text or none."""
        codes, words = self.codes(column)
        place = {name: index for index, name in enumerate(names)}
        return np.array([place.get(word, -1) for word in words] + [-1], np.int32)[codes]

    def select(self, rows: npt.NDArray[np.int64]) -> Casebook:
        """The cases at `rows`, which must ascend."""
        return Casebook(_one_chunk(self.table.take(pa.array(rows))))


@dataclass
class CasebookBuilder:
    """Collects batches in any order; `finish` sorts them."""

    schema: pa.Schema = CASEBOOK_SCHEMA
    tables: list[pa.Table] = field(default_factory=list)

    def add(self, table: pa.Table) -> None:
        """One batch in the schema."""
        self.tables.append(table)

    def finish(self) -> Casebook:
        """Sort by settlement id. Asserts that no id is there twice: duplicates were settled by validation."""
        tables: Sequence[pa.Table] = self.tables or [self.schema.empty_table()]
        columns = pa.concat_tables(tables).columns
        order = pc.sort_indices(columns[self.schema.get_field_index("setl_id")])
        # Column by column, so that only one of them is there twice.
        self.tables, tables = [], []
        for place, column in enumerate(columns):
            columns[place] = column.unify_dictionaries().combine_chunks()
            columns[place] = pc.take(columns[place], order, memory_pool=pa.system_memory_pool())
        table = pa.table(columns, schema=self.schema)
        # What the batches needed goes back to the system before the money stages ask for theirs.
        pa.default_memory_pool().release_unused()
        ids = whole(table["setl_id"])
        twice = len(ids) > 1 and pc.any(pc.equal(ids[1:], ids[:-1])).as_py()
        assert not twice, "a settlement id passed validation twice"
        return Casebook(table)


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array; the one chunk of a casebook's column is not copied."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _one_chunk(table: pa.Table) -> pa.Table:
    return table.unify_dictionaries().combine_chunks()
