"""All rows of one settlement id 「按结算ID取行」, without converting the others.

In: an open reader and an id; out: its rows divided as a run divides them, copies found; repairs are not counted. Ids
of all files are read; of the files that have it, the other columns too.
"""

from __future__ import annotations

import polars as pl

from engine.cases.convert import Converter
from engine.cases.duplicates import NO_DUPLICATES, judge_copies
from engine.cases.read import CaseReader
from engine.cases.repair import Repairs
from engine.cases.typed import read_text
from engine.cases.validate import Validated, judge


def rows_of(reader: CaseReader, setl_id: str) -> Validated | None:
    """The rows with this id; None where there is none."""
    parts = []
    for table, header in zip(reader.tables, reader.headers, strict=True):
        alone = CaseReader((table,), (header,), reader.demand)
        if any(_own(ids, setl_id).any() for ids in alone.iter_batches(columns=("setl_id",))):
            parts += [own for raw in alone.iter_batches() if len(own := raw.filter(_own(raw, setl_id)))]
    if not parts:
        return None
    converter = Converter(reader.demand)
    typed = pl.concat([converter.convert(raw)[0] for raw in parts], how="diagonal")
    copies = judge_copies(typed, reader.files) if len(typed) > 1 else NO_DUPLICATES
    return judge(typed, Repairs(), reader.demand, copies)


def _own(raw: pl.DataFrame, setl_id: str) -> pl.Series:
    return (read_text(raw["setl_id"], Repairs()).values == setl_id).fill_null(False)
