"""The figures of a run, counted once and shared by every report.

In: the run's frames and facts; out: clearing rows, posting lines, and one cube of cases by hospital × pool × group ×
class, with sums in fen. Frames are read lazily and summed by the streaming engine, so cases never stand in memory
together. It asserts nothing about money moving: that is `closing`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from engine.report.facts import RunFacts
from engine.report.frames import RunFrames, fen
from engine.report.grounds import NO_GROUNDS, Grounds


class PostingLine(NamedTuple):
    """One posting line 「分录」; an empty hospital is the reserve."""

    line: int
    hospital: str
    pool: str
    period: str
    cause: str
    rule: str
    tag: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One row of the clearing table: a hospital, a pool, a month or the year."""

    hospital: str
    pool: str
    clr_ym: str
    stmt_type: str
    cases: int
    grouped: int
    ungrouped: int
    low: int
    high: int
    weight: Decimal | None
    points: Decimal | None
    point_value: Decimal | None
    fee_index: Decimal | None
    time_index: Decimal | None
    cost_fen: int
    booked_fen: int
    standard_fen: int
    fund_standard_fen: int
    gap_fen: int
    fund_gap_fen: int
    applied_fen: int
    deducted_fen: int
    deposit_fen: int
    prepaid_fen: int
    payable_fen: int
    cash_fen: int


_COUNTS = ("clr_psntime", "grp_psntime", "ungrp_psntime", "low_psntime", "high_psntime")
_RATES = ("tot_wt", "tot_pt", "pt_val", "fee_idx", "time_idx")
_AMOUNTS = (
    *("medfee_sumamt", "hifp_pay", "drg_dip_sumamt", "drg_dip_fund_payamt", "setl_dif_amt", "fund_dif_amt"),
    *("fund_appy_sum", "det_sumamt", "dpst_sumamt", "prepay_amt", "dfr_amt", "act_dfr_amt"),
)
CELL = ("fixmedins_code", "insutype", "drg_code", "class")
"""Key of the cube."""
_REASON = ("fixmedins_code", "insutype", "grp_stas", "grp_rea_code", "grp_rea")
_SUMS = ("medfee_sumamt", "hifp_pay", "drg_dip_sumamt", "drg_dip_fund_payamt", "setl_dif_amt", "fund_dif_amt")
_UNGROUPED = (
    *("setl_id", "fixmedins_code", "setl_ym", "insutype", "grp_stas", "grp_rea_code", "grp_rea"),
    *("maindiag_code", "main_oprn_code", "medfee_sumamt", "hifp_pay", "drg_dip_sumamt"),
)
_COUNTED = tuple(dict.fromkeys([*CELL, *_SUMS, "setl_pt", "drg_wt", "drg_name", *_REASON, *_UNGROUPED]))
"""Columns of a case that are counted."""
ROWS_AT_A_TIME = 65_536
"""Cases read at once. Reading them all by one query takes twice the memory: it decodes far ahead of what it sums."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What the reports print; tables are sorted by their keys, `rejections` by count.

    `ungrouped` holds single cases, `rejected` single rows with their hospital: None where the run does not know it.
    """

    facts: RunFacts
    frames: RunFrames
    rows: tuple[PoolRow, ...]
    lines: tuple[PostingLine, ...]
    cube: pl.DataFrame
    reasons: pl.DataFrame
    rejections: pl.DataFrame
    ungrouped: pl.DataFrame
    rejected: pl.DataFrame | None
    has_days: bool
    grounds: Grounds = NO_GROUNDS

    @classmethod
    def build(cls, facts: RunFacts, frames: RunFrames, grounds: Grounds = NO_GROUNDS) -> RunFigures:
        cube, reasons, ungrouped, has_days = _counted(frames)
        return cls(
            facts, frames, _clearing_rows(frames), _posting_lines(frames),
            cube, reasons, _rejections(frames), ungrouped, _rejected(frames), has_days, grounds,
        )  # fmt: skip

    @property
    def pools(self) -> tuple[str, ...]:
        """Pools of the run, in code order."""
        return tuple(sorted({row.pool for row in self.rows} | set(self.facts.split)))

    @property
    def hospitals(self) -> tuple[str, ...]:
        """Hospitals with a clearing row, in code order."""
        return tuple(sorted({row.hospital for row in self.rows}))

    @property
    def head_rows(self) -> tuple[PoolRow, ...]:
        """The rows the run is about: the year of a clearing, the month of a presettlement."""
        kind = "YEAR" if self.facts.kind == "clear" else "MONTH"
        return tuple(row for row in self.rows if row.stmt_type == kind and row.clr_ym == self.facts.clr_ym)

    def months(self, hospital: str) -> tuple[PoolRow, ...]:
        """A hospital's month rows, by pool and month."""
        return tuple(row for row in self.rows if row.hospital == hospital and row.stmt_type == "MONTH")


def joined_cases(frames: RunFrames) -> tuple[pl.LazyFrame, bool]:
    """Settled cases with their grouping result, money in fen, and whether lengths of stay are known.

    The class of a case is its `mult_type`, except that an ungrouped case with status QY is AMBIGUOUS 「歧义」.
    """
    cases, has_days, _ = _joined(frames)
    return cases, has_days


def _joined(frames: RunFrames) -> tuple[pl.LazyFrame, bool, bool]:
    """As `joined_cases`, and whether rows stand beside rows, so that a slice of them is read as a slice."""
    amounts = ("medfee_sumamt", "hifp_pay", "psn_part_amt", "std_fee", "drg_dip_sumamt", "drg_dip_fund_payamt")
    settled = frames.settled.with_columns(*(fen(name) for name in (*amounts, "setl_dif_amt", "fund_dif_amt")))
    settled = _one_group_column(settled, "drg_code", "dip_code")
    grouped = _one_group_column(frames.grouped, "drg_name", "dip_name")
    wanted = ["setl_id", "grp_stas", "grp_rea_code", "grp_rea", "drg_name", "mcc_cc_flag", "maindiag_code"]
    wanted.append("main_oprn_code")
    has_days = "act_ipt_days" in settled.collect_schema()
    if not has_days and "act_ipt_days" in grouped.collect_schema():
        wanted.append("act_ipt_days")
        has_days = True
    ambiguous = (pl.col("grp_stas") == "QY") & (pl.col("mult_type") == "UNGRP")
    case_class = pl.when(ambiguous).then(pl.lit("AMBIGUOUS")).otherwise(pl.col("mult_type")).alias("class")
    grouped = grouped.select(wanted)
    # A run writes both tables in the order of ids. Joining them would hold both in memory.
    beside = _same_ids(settled.select("setl_id"), grouped.select("setl_id"))
    if beside:
        cases = pl.concat([settled, grouped.drop("setl_id")], how="horizontal")
    else:
        cases = settled.join(grouped, on="setl_id", how="left", validate="1:1")
    return cases.with_columns(case_class), has_days, beside


def _same_ids(one: pl.LazyFrame, two: pl.LazyFrame) -> bool:
    """Whether two columns of ids are equal row by row and ascend, so that no id is there twice."""
    count, last = _length(one), None
    if count != _length(two):
        return False
    for low in range(0, count, ROWS_AT_A_TIME):
        ids, others = (table.slice(low, ROWS_AT_A_TIME).collect().to_series() for table in (one, two))
        if ids.null_count() or not ids.equals(others) or not (ids[1:] > ids[:-1]).all():
            return False
        if last is not None and ids[0] <= last:
            return False
        last = ids[-1]
    return True


def _length(table: pl.LazyFrame) -> int:
    return int(table.select(pl.len()).collect(engine="streaming").item())


def _one_group_column(frame: pl.LazyFrame, drg: str, dip: str) -> pl.LazyFrame:
    """DRG and DIP groups in one column: a case has one or the other."""
    if dip not in frame.collect_schema():
        return frame
    return frame.with_columns(pl.coalesce(drg, dip).alias(drg))


def _counted(frames: RunFrames) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, bool]:
    """Cube, reasons and ungrouped cases, read once, some cases at a time; and whether lengths of stay are known."""
    cases, has_days, beside = _joined(frames)
    cases = cases.select(*_COUNTED, *(("act_ipt_days",) if has_days else ()))
    count = _length(frames.settled)
    step = ROWS_AT_A_TIME if beside else max(1, count)
    cube: list[pl.DataFrame] = []
    reasons: list[pl.DataFrame] = []
    ungrouped: list[pl.DataFrame] = []
    for low in range(0, max(1, count), step):
        part = cases.slice(low, step).collect().lazy()
        cube = [_added([*cube, _cube(part)], CELL)]
        reasons = [_added([*reasons, _reasons(part)], _REASON)]
        ungrouped.append(_ungrouped(part))
    return cube[0], reasons[0], pl.concat(ungrouped).sort("setl_id"), has_days


def _added(parts: list[pl.DataFrame], key: tuple[str, ...]) -> pl.DataFrame:
    """Partial counts as one table: numbers are added, the names behind a key are the same in every part."""
    table = pl.concat(parts)
    rest = [name for name in table.columns if name not in key]
    measures = [pl.col(name).max() if table.schema[name] == pl.String else pl.col(name).sum() for name in rest]
    return table.group_by(key).agg(measures).sort(key, nulls_last=True)


def _cube(cases: pl.LazyFrame) -> pl.DataFrame:
    measures = [pl.len().cast(pl.Int64).alias("cases"), *(pl.col(name).sum() for name in _SUMS)]
    measures += [pl.col(name).sum() for name in ("setl_pt", "drg_wt")]
    measures.append(pl.col("drg_name").max())
    if "act_ipt_days" in cases.collect_schema():
        measures.append(pl.col("act_ipt_days").cast(pl.Int64).sum().alias("days"))
    return cases.group_by(CELL).agg(measures).collect(engine="streaming")


def _reasons(cases: pl.LazyFrame) -> pl.DataFrame:
    counted = cases.group_by(_REASON).agg(pl.len().cast(pl.Int64).alias("cases"), pl.col("medfee_sumamt").sum())
    return counted.collect(engine="streaming")


def _ungrouped(cases: pl.LazyFrame) -> pl.DataFrame:
    return cases.filter(pl.col("grp_stas") != "OK").select(_UNGROUPED).collect(engine="streaming")


def _rejected(frames: RunFrames) -> pl.DataFrame | None:
    """Rejected rows with their hospital; None if the table does not say whose rows they are."""
    if "fixmedins_code" not in frames.rejected.collect_schema():
        return None
    return frames.rejected.collect().sort("file", "row", "field", "code", nulls_last=True)


def _rejections(frames: RunFrames) -> pl.DataFrame:
    counted = frames.rejected.group_by("code").agg(
        pl.col("field").max(), pl.col("reason_zh").max(), pl.col("reason_en").max(), pl.len().cast(pl.Int64).alias("n")
    )
    return counted.collect(engine="streaming").sort(["n", "code"], descending=[True, False])


def _clearing_rows(frames: RunFrames) -> tuple[PoolRow, ...]:
    key = ("fixmedins_code", "insutype", "clr_ym", "stmt_type")
    counts = (pl.col(name).cast(pl.Int64).fill_null(0) for name in _COUNTS)
    amounts = (fen(name).fill_null(0) for name in _AMOUNTS)
    table = frames.clearing.select(*key, *counts, *_RATES, *amounts).collect().sort(key)
    if len(key) + len(_COUNTS) + len(_RATES) + len(_AMOUNTS) != len(fields(PoolRow)):
        raise AssertionError("PoolRow and the clearing columns have drifted apart")
    return tuple(PoolRow(*row) for row in table.iter_rows())


def _posting_lines(frames: RunFrames) -> tuple[PostingLine, ...]:
    names = ("line", "fixmedins_code", "insutype", "period", "cause", "rule", "tag", "amount_fen")
    table = frames.lines.select(names).collect().sort("line")
    return tuple(PostingLine(*row) for row in table.iter_rows())
