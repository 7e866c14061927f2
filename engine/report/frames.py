"""The tables of one run as the reports read them.

In: the run's Parquet files or polars frames with the national column names; out: lazy frames whose columns have been
checked, and the one expression that turns a yuan column into fen. Money columns must be decimals with two places:
a float column is refused, because its fen can no longer be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.report.facts import ReportError

TABLES: Mapping[str, tuple[str, ...]] = {
    "settled": (
        *("setl_id", "fixmedins_code", "setl_ym", "insutype", "drg_code", "medfee_sumamt", "hifp_pay", "psn_part_amt"),
        *("drg_wt", "medins_coef", "std_fee", "fee_mult", "mult_type", "setl_pt", "drg_dip_sumamt"),
        *("drg_dip_fund_payamt", "setl_dif_amt", "fund_dif_amt", "setl_rea"),
    ),
    "grouped": (
        *("setl_id", "grp_stas", "grp_rea_code", "grp_rea", "drg_name", "mcc_cc_flag"),
        *("maindiag_code", "main_oprn_code"),
    ),
    "clearing": (
        *("fixmedins_code", "clr_ym", "insutype", "stmt_type", "clr_psntime", "grp_psntime", "ungrp_psntime"),
        *("low_psntime", "high_psntime", "medfee_sumamt", "hifp_pay", "tot_wt", "tot_pt", "pt_val", "fee_idx"),
        *("time_idx", "drg_dip_sumamt", "drg_dip_fund_payamt", "setl_dif_amt", "fund_dif_amt", "fund_appy_sum"),
        *("det_sumamt", "dpst_sumamt", "prepay_amt", "dfr_amt", "act_dfr_amt"),
    ),
    "lines": ("line", "fixmedins_code", "insutype", "period", "cause", "rule", "tag", "amount_fen"),
    "rejected": ("file", "row", "setl_id", "field", "code", "reason_zh", "reason_en"),
}
"""Columns every report needs. Two optional ones add to it: `act_ipt_days` in grouped or settled (time index per
group), `fixmedins_code` in rejected (a hospital then sees its own rejected rows)."""

MONEY = frozenset(
    {
        *("medfee_sumamt", "hifp_pay", "psn_part_amt", "std_fee", "drg_dip_sumamt", "drg_dip_fund_payamt"),
        *("setl_dif_amt", "fund_dif_amt", "fund_appy_sum", "det_sumamt", "dpst_sumamt", "prepay_amt"),
        *("dfr_amt", "act_dfr_amt"),
    }
)


def fen(column: str) -> pl.Expr:
    """The fen of a decimal yuan column, exact: the unscaled integer of a decimal with two places."""
    return pl.col(column).to_physical().cast(pl.Int64).alias(column)


@dataclass(frozen=True, slots=True)
class RunFrames:
    """The five tables of one run, lazy."""

    settled: pl.LazyFrame
    grouped: pl.LazyFrame
    clearing: pl.LazyFrame
    lines: pl.LazyFrame
    rejected: pl.LazyFrame

    def __post_init__(self) -> None:
        for name, needed in TABLES.items():
            schema = getattr(self, name).collect_schema()
            missing = [column for column in needed if column not in schema]
            if missing:
                raise ReportError(f"{name}: columns {', '.join(missing)} are missing; it has {', '.join(schema)}")
            for column in MONEY.intersection(schema):
                dtype = schema[column]
                if not (isinstance(dtype, pl.Decimal) and dtype.scale == 2):
                    raise ReportError(f"{name}.{column} is {dtype}; money must be a decimal with two places, in yuan")

    @classmethod
    def of(
        cls,
        *,
        settled: pl.DataFrame,
        grouped: pl.DataFrame,
        clearing: pl.DataFrame,
        lines: pl.DataFrame,
        rejected: pl.DataFrame,
    ) -> RunFrames:
        """From frames in memory."""
        return cls(settled.lazy(), grouped.lazy(), clearing.lazy(), lines.lazy(), rejected.lazy())

    @classmethod
    def from_folder(cls, folder: Path) -> RunFrames:
        """From the Parquet files of a finished run; only the columns a report uses are ever read."""
        return cls(*(pl.scan_parquet(folder / f"{name}.parquet") for name in TABLES))
