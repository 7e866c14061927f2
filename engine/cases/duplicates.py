"""Settlement ids that stand in more than one row 「重复结算」.

In: all case files of a run; out: the rows to be rejected for it, whatever the order of rows, files or batches. Exact
copies keep one row; rows that share an id and differ are all rejected, because nobody can know which is right.
The first pass keeps eight bytes per case; full rows are held only for ids that repeat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.cases.columns import TYPED
from engine.cases.convert import TOO_FINE, UNREADABLE, Converter, label_of
from engine.cases.named import names_of
from engine.cases.read import BATCH_ROWS, CaseReader
from engine.cases.rejection import Reject
from engine.cases.repair import Repairs
from engine.cases.typed import read_text

VERDICTS_SCHEMA = {
    "file": pl.String,
    "row": pl.Int64,
    "copy": pl.String,
    "fields_zh": pl.String,
    "fields_en": pl.String,
}
NO_DUPLICATES = pl.DataFrame(schema=VERDICTS_SCHEMA)
"""`copy` is the rejection code of the row at (file, row); `fields_*` name what differs."""


@dataclass(frozen=True)
class _Field:
    """A compared column: inside, in files, and for people."""

    name: str
    column: str


def find_duplicates(reader: CaseReader, batch_rows: int = BATCH_ROWS) -> pl.DataFrame:
    """The rows to reject for a repeated id, in VERDICTS_SCHEMA."""
    repeated = _repeated_hashes(reader, batch_rows)
    if not len(repeated):
        return NO_DUPLICATES
    converter = Converter(reader.demand)
    suspects = []
    for raw in reader.iter_batches(batch_rows):
        chosen = raw.filter(_id_hashes(raw).is_in(repeated.implode()).fill_null(False))
        if len(chosen):
            suspects.append(converter.convert(chosen)[0])
    return judge_copies(pl.concat(suspects, how="diagonal"), reader.files)


def _id_hashes(raw: pl.DataFrame) -> pl.Series:
    ids = read_text(raw["setl_id"], Repairs()).values
    # A hash only chooses which rows are looked at closely; ids are compared as text after that.
    return pl.select(pl.when(ids.is_not_null()).then(ids.hash())).to_series()


def _repeated_hashes(reader: CaseReader, batch_rows: int) -> pl.Series:
    parts = [
        np.asarray(_id_hashes(raw).drop_nulls().to_numpy()) for raw in reader.iter_batches(batch_rows, ("setl_id",))
    ]
    hashes = np.concatenate(parts)
    hashes.sort()
    return pl.Series(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]), dtype=pl.UInt64)


def judge_copies(suspects: pl.DataFrame, files: list[str]) -> pl.DataFrame:
    """Verdicts on typed rows of which some share an id. The kept copy is the first by file order and row."""
    order = pl.col("file").replace_strict(files, list(range(len(files))), return_dtype=pl.Int64)
    fields = _compared(suspects)
    rows = suspects.with_columns(order.alias("place"), *(_comparable(suspects, field.name) for field in fields))
    # Rows of one id differ in a field where any differs from the one before it.
    rows = rows.sort("setl_id", maintain_order=True)
    again = pl.col("setl_id") == pl.col("setl_id").shift()
    apart = (pl.col(field.name).ne_missing(pl.col(field.name).shift()) & again for field in fields)
    groups = rows.select("setl_id", *(each.alias(field.name) for each, field in zip(apart, fields, strict=True)))
    groups = groups.group_by("setl_id").agg(pl.len().alias("count"), *(pl.col(field.name).any() for field in fields))
    groups = groups.filter(pl.col("count") > 1).sort("setl_id")
    marks = groups.select(field.name for field in fields)
    differs = pl.any_horizontal([field.name for field in fields])
    judged = groups.select(
        "setl_id",
        pl.when(differs).then(pl.lit(Reject.CONFLICTING_COPY)).otherwise(pl.lit(Reject.EXACT_COPY)).alias("copy"),
        names_of(marks, [label_of(field.column) for field in fields], "、", once=True).alias("fields_zh"),
        names_of(marks, [field.column for field in fields], ", ", once=True).alias("fields_en"),
    )
    verdicts = rows.select("setl_id", "file", "row", "place").join(judged, on="setl_id", how="inner")
    verdicts = verdicts.sort(["setl_id", "place", "row"])
    kept = (pl.col("copy") == Reject.EXACT_COPY) & pl.col("setl_id").ne_missing(pl.col("setl_id").shift())
    return verdicts.filter(~kept).select(list(VERDICTS_SCHEMA))


def _compared(suspects: pl.DataFrame) -> list[_Field]:
    """Every column that carries content; the id itself, the place and what is derived do not."""
    columns = {typed.name: typed.column for typed in TYPED} | {"diag_mains": "diag_codes", "oprn_mains": "oprn_codes"}
    fields = []
    for name in suspects.columns:
        plain = name.removesuffix(UNREADABLE).removesuffix(TOO_FINE)
        if name in ("setl_id", "file", "row", "patient_fen", "misshapen") or name.endswith("!flags"):
            continue
        fields.append(_Field(name, columns.get(plain, plain)))
    return fields


def _comparable(suspects: pl.DataFrame, name: str) -> pl.Expr:
    if isinstance(suspects.schema[name], pl.List):
        return pl.col(name).list.join("|").alias(name)
    return pl.col(name).fill_null(False) if suspects.schema[name] == pl.Boolean else pl.col(name)
