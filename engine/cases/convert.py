"""From canonical columns of any type to the typed columns of a case 「转换」.

In: a frame as `read` gives it; out: the frame of `columns.TYPED` (plus the packs' numbers, file and row), columns that
mark what could not be read, and the count of repairs. Rules look at this frame and nothing else. It rejects nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from engine.cases.alias_table import VALUE_WORDS
from engine.cases.codes import CodeMender
from engine.cases.columns import COLUMNS
from engine.cases.demand import Demand
from engine.cases.gather import MAINS
from engine.cases.limits import DIAGNOSIS_LENGTH_MAX, PROCEDURE_LENGTH_MAX
from engine.cases.read import MISSHAPEN
from engine.cases.repair import Repair, Repairs, tidy_texts
from engine.cases.typed import Read, read_date, read_fen, read_int, read_text

UNREADABLE = "!unreadable"
TOO_FINE = "!too_fine"
"""Endings of the columns that mark cells, added only where there is such a cell."""

EMPTY_DTYPES = {"text": pl.String(), "int": pl.Int32(), "whole": pl.Int32(), "fen": pl.Int64(), "date": pl.Date()}


@dataclass
class Converter:
    """Converts the pieces of one run; remembers the codes it has seen."""

    demand: Demand

    def __post_init__(self) -> None:
        strict = self.demand.profile == "strict"
        self._menders = {
            "diag_codes": CodeMender(DIAGNOSIS_LENGTH_MAX, strict, sexed=True),
            "oprn_codes": CodeMender(PROCEDURE_LENGTH_MAX, strict),
        }

    def convert(self, raw: pl.DataFrame) -> tuple[pl.DataFrame, Repairs]:
        """The typed frame of one piece, and what was repaired in it."""
        repairs = Repairs()
        columns: list[pl.Series] = []
        texts = {typed.column for typed in self.demand.typed if typed.kind == "text"}
        tidy = tidy_texts(raw.select(name for name in raw.columns if name in texts))
        for typed in self.demand.typed:
            if typed.kind == "codes":
                columns += self._codes(raw, typed.column, repairs)
            else:
                columns += _cells(raw, typed.column, typed.name, typed.kind, repairs, typed.column in tidy)
        for column in self.demand.extra_numbers:
            columns += _cells(raw, column, column, "int", repairs)
        frame = pl.DataFrame([*columns, raw["file"], raw["row"], raw[MISSHAPEN]])
        whole = complete(frame, self.demand, repairs)
        # Unary plus drops the kinds that were looked for and not met.
        return whole, +repairs

    def _codes(self, raw: pl.DataFrame, column: str, repairs: Repairs) -> list[pl.Series]:
        none = pl.repeat(None, len(raw), dtype=pl.List(pl.String), eager=True)
        lists, flags = self._menders[column].read(raw[column] if column in raw.columns else none, repairs)
        columns = [lists.alias(column), flags.alias(f"{column}!flags")]
        if MAINS[column] in raw.columns:
            columns.append(raw[MAINS[column]].fill_null(0))
        return columns


def _cells(
    raw: pl.DataFrame, column: str, name: str, kind: str, repairs: Repairs, tidy: bool = False
) -> list[pl.Series]:
    if column not in raw.columns:
        return [pl.repeat(None, len(raw), dtype=EMPTY_DTYPES[kind], eager=True).alias(name)]
    words = VALUE_WORDS.get(column)
    readers: dict[str, Callable[[pl.Series], Read]] = {
        "text": lambda cells: read_text(cells, repairs, words, tidy),
        "int": lambda cells: read_int(cells, repairs, whole=False, words=words),
        "whole": lambda cells: read_int(cells, repairs, whole=True, words=words),
        "fen": lambda cells: read_fen(cells, repairs),
        "date": lambda cells: read_date(cells, repairs),
    }
    read = readers[kind](raw[column])
    columns = [read.values.alias(name)]
    if read.unreadable is not None:
        columns.append(read.unreadable.fill_null(False).alias(column + UNREADABLE))
    if read.too_fine is not None:
        columns.append(read.too_fine.fill_null(False).alias(column + TOO_FINE))
    return columns


def complete(frame: pl.DataFrame, demand: Demand, repairs: Repairs) -> pl.DataFrame:
    """What follows from other cells: the patient's part, the month, and in the strict profile age 0 and the stay."""
    if demand.fund_unused:
        frame = frame.with_columns(pl.col("fund_fen").fill_null(0))
    frame = frame.with_columns((pl.col("medfee_sumamt_fen") - pl.col("fund_fen")).alias("patient_fen"))
    if frame["setl_ym"].null_count():
        frame = frame.with_columns(pl.col("setl_ym").fill_null(pl.col("settled_on").dt.strftime("%Y%m")))
    if demand.profile == "compatible":
        # The published rule sets group a record without diagnoses as one blank code; no more is done to it.
        blank = pl.lit([""], pl.List(pl.String))
        empty = pl.col("diag_codes").list.len() == 0
        return frame.with_columns(pl.when(empty).then(blank).otherwise("diag_codes").alias("diag_codes"))
    infant = pl.col("age").is_null() & pl.col("nwb_age").is_between(0, 365)
    # Admitted and discharged on one day is a stay of one day.
    stay = (pl.col("discharged_on") - pl.col("adm_on")).dt.total_days().clip(lower_bound=1).cast(pl.Int32)
    from_dates = pl.col("act_ipt_days").is_null() & (pl.col("discharged_on") >= pl.col("adm_on"))
    found = frame.select(infant.sum().alias("age"), from_dates.sum().alias("stay")).row(0)
    repairs[Repair.AGE_FROM_DAYS] += found[0]
    repairs[Repair.STAY_FROM_DATES] += found[1]
    return frame.with_columns(
        pl.when(infant).then(0).otherwise("age").cast(pl.Int32).alias("age"),
        pl.when(from_dates).then(stay).otherwise("act_ipt_days").alias("act_ipt_days"),
    )


def accepted_columns(demand: Demand) -> list[str]:
    """Columns of the accepted frame, in order."""
    names = [typed.name for typed in demand.typed]
    return [*names, "patient_fen", *demand.extra_numbers, "file", "row"]


def label_of(column: str) -> str:
    """The Chinese label of a file column, or its name if only a pack knows it."""
    return COLUMNS[column].label if column in COLUMNS else column
