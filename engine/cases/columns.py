"""What a column is called, holds and means, in files and inside the engine 「数据项对照」.

One table (`column_table`) names every column once; `FILES` says which file has which, in which order; `TYPED` joins
the file columns of a case to the identifiers and units used inside (fen, `*_on` dates). Everything that writes or
reads a file takes names and types from here. Money in files is decimal yuan, inside int64 fen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from engine.cases.column_table import TABLE

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `national` is False for a proposed name (P); `length` is the national text length, 0 = none."""

    name: str
    type: str
    unit: str
    source: str
    label: str
    meaning: str

    @property
    def national(self) -> bool:
        return not self.source.startswith("P")

    @property
    def length(self) -> int:
        kind, _, size = self.type.partition(" ")
        return int(size) if kind == "text" and size else 0


def _parse(table: str) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for line in table.strip().splitlines():
        if line.startswith("#"):
            continue
        column = Column(*(cell.strip() for cell in line.split("|")))
        assert column.name not in columns, f"column {column.name} is listed twice"
        columns[column.name] = column
    return columns


COLUMNS: Mapping[str, Column] = _parse(TABLE)


@dataclass(frozen=True, slots=True)
class Typed:
    """A column of the accepted frame: its name inside, the file column it comes from, and how cells are read.

    kind: `text` · `int` (Int32; fractions of a year, gram or hour are cut to completed units) · `whole` (Int32,
    a fraction is unreadable) · `fen` (Int64) · `date` · `codes` (list of text).
    """

    name: str
    column: str
    kind: str


TREATMENT_FEES = (
    *("wm_trt_fee", "oprn_fee", "mcs_fee", "wm_drug_fee"),
    *("tcm_trt_fee", "tcm_patn_fee", "tcm_herb_fee"),
)
"""Fees of treatment, which the TCM share is made of."""

TYPED: tuple[Typed, ...] = (
    Typed("setl_id", "setl_id", "text"),
    Typed("fixmedins_code", "fixmedins_code", "text"),
    Typed("hi_setl_lv", "hi_setl_lv", "text"),
    Typed("insutype", "insutype", "text"),
    Typed("setl_ym", "setl_ym", "text"),
    Typed("psn_no", "psn_no", "text"),
    Typed("gend", "gend", "whole"),
    Typed("age", "age", "int"),
    Typed("nwb_age", "nwb_age", "whole"),
    Typed("nwb_bir_wt", "nwb_bir_wt", "int"),
    Typed("act_ipt_days", "act_ipt_days", "whole"),
    Typed("dscg_way", "dscg_way", "text"),
    Typed("dscg_caty", "dscg_caty", "text"),
    Typed("med_type", "med_type", "text"),
    Typed("ipt_med_type", "ipt_med_type", "text"),
    Typed("insuplc_admdvs", "insuplc_admdvs", "text"),
    Typed("born_on", "brdy", "date"),
    Typed("adm_on", "adm_time", "date"),
    Typed("discharged_on", "dscg_time", "date"),
    Typed("settled_on", "setl_end_date", "date"),
    Typed("diag_codes", "diag_codes", "codes"),
    Typed("oprn_codes", "oprn_codes", "codes"),
    Typed("medfee_sumamt_fen", "medfee_sumamt", "fen"),
    Typed("fund_fen", "hifp_pay", "fen"),
    *(Typed(f"{name}_fen", name, "fen") for name in TREATMENT_FEES),
)
"""The accepted frame. It also holds `patient_fen` (= medfee_sumamt_fen - fund_fen, in files `psn_part_amt`),
the further numbers a pack reads (Int32), and `file`, `row`. Columns that only a policy asks for (`facts.FACT_COLUMNS`)
are there when it does."""

DERIVED_FEN = {"patient_fen": "psn_part_amt"}

FILES: Mapping[str, tuple[str, ...]] = {
    "cases": (
        *("setl_id", "mdtrt_id", "fixmedins_code", "hi_setl_lv", "psn_no", "medcasno", "insuplc_admdvs"),
        *("mdtrtarea_admvs", "insutype", "med_type", "ipt_med_type", "clr_type", "clr_way", "hi_paymtd", "gend"),
        *("brdy", "age", "nwb_age", "nwb_bir_wt", "nwb_adm_wt", "nwb_adm_type", "adm_time", "dscg_time"),
        *("act_ipt_days", "adm_caty", "dscg_caty", "adm_way", "trt_type", "dscg_way", "days_rinp_flag_31"),
        *("vent_used_h", "bfadm_coma_h", "afadm_coma_h", "icu_hours", "diag_codes", "oprn_codes"),
        *("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"),
        *("act_pay_dedc", "hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay"),
        *("fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay", "hosp_part_amt"),
        *TREATMENT_FEES,
        *("setl_begn_date", "setl_end_date", "setl_ym", "stas_type"),
    ),
    "grouped": (
        *("setl_id", "fixmedins_code", "setl_ym", "insutype", "pay_mode", "grp_ver", "grp_stas", "grp_rea_code"),
        *("grp_rea", "mdc_code", "mdc_name", "adrg_code", "adrg_name", "drg_code", "drg_name", "mcc_cc_flag"),
        *("mcc_diag_codes", "excl_diag_codes", "maindiag_code", "main_oprn_code"),
        *("dip_type", "dip_code", "dip_name", "dip_sup_type", "dip_sup_name", "dip_sup_coef", "dip_sco"),
    ),
    "settled": (
        *("setl_id", "fixmedins_code", "setl_ym", "clr_ym", "insutype", "drg_code", "dip_code", "plcy_ver", "grp_ver"),
        *(
            "act_ipt_days",
            "medfee_sumamt",
            "hifp_pay",
            "psn_part_amt",
            "drg_wt",
            "base_pt",
            "medins_coef",
            "std_fee",
            "fee_mult",
        ),
        *("mult_type", "class_id", "setl_pt", "pt_val", "drg_dip_sumamt", "drg_dip_fund_payamt", "setl_dif_amt"),
        *("fund_dif_amt", "setl_rea"),
    ),
    "clearing": (
        *("clr_appy_evt_id", "fee_clr_id", "fixmedins_code", "fixmedins_name", "hi_setl_lv", "clr_optins", "clr_ym"),
        *("begndate", "enddate", "clr_type", "clr_type_lv2", "clr_way", "insutype", "clr_stas", "stmt_type"),
        *("clr_psntime", "grp_psntime", "ungrp_psntime", "low_psntime", "high_psntime", "grp_rate", "iptdayscum"),
        *("medfee_sumamt", "med_sumfee", "hifp_pay", "fund_pay_sumamt", "acct_pay", "cash_payamt", "tot_wt", "cmi"),
        *("tot_pt", "pt_val", "fee_idx", "time_idx", "drg_dip_sumamt", "drg_dip_fund_payamt", "setl_dif_amt"),
        *("fund_dif_amt", "rtn_amt", "shar_amt", "fund_appy_sum", "det_sumamt", "dpst_sumamt", "prepay_amt"),
        *("dfr_amt", "act_dfr_amt", "rslt_hash", "plcy_ver", "grp_ver"),
    ),
    "lines": ("line", "fixmedins_code", "insutype", "period", "cause", "rule", "tag", "amount_fen"),
    "schemes": ("insutype", "scheme", "kind", "applies", "cases", "cost_fen", "booked_fen", "fund_part_fen"),
    "sub_budgets": (
        *("insutype", "division", "part", "planned_fen", "known_fen", "spent_fen", "left_fen", "known_from"),
    ),
    "bundles": (
        *("fixmedins_code", "insutype", "package_fen", "public_health_fen", "inside_fen", "outside_fen", "surplus_fen"),
        "paid_fen",
    ),
    "county_share": (*("insutype", "county", "allotted_fen", "spent_fen", "gap_fen", "county_fen", "city_fen"),),
    "kpi": (
        *("kpi", "insutype", "fixmedins_code", "numerator", "num_unit", "denominator", "den_unit", "value_e6"),
        "known_from",
    ),
    "simulation": (
        *("fixmedins_code", "fixmedins_name", "insutype", "cause", "standing_fen", "other_fen", "difference_fen"),
    ),
    "sharing": (
        *("fixmedins_code", "insutype", "side", "tier", "tier_from", "tier_to", "tier_share", "part_amt", "tier_amt"),
        *("den_amt", "std_amt", "act_amt", "fund_mult", "asmt_score", "asmt_coef", "clm_amt", "clm_sumamt"),
        *("avail_amt", "shar_k", "shar_amt", "dpst_rel"),
    ),
    "cliffs": (
        *("fixmedins_code", "insutype", "edge_kind", "edge_name", "edge_at", "own_at", "edge_from", "edge_to"),
        *("blw_psntime", "abv_psntime", "jump_amt"),
    ),
    "values": ("rule", "since", "tag", "val_text", "unit", "source_doc", "rule_name", "val_dflt"),
    "rejected": ("file", "row", "setl_id", "field", "code", "reason_zh", "reason_en", "fixmedins_code"),
}

_DECIMAL = re.compile(r"decimal (\d+),(\d+)")


def arrow_type(name: str) -> pa.DataType:
    """How the column stands in a Parquet file."""
    import pyarrow as pa

    kind = COLUMNS[name].type
    if match := _DECIMAL.fullmatch(kind):
        return pa.decimal128(int(match[1]), int(match[2]))
    plain: dict[str, pa.DataType] = {
        "int16": pa.int16(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "date": pa.date32(),
        "time": pa.timestamp("s"),
        "list": pa.list_(pa.string()),
        "text": pa.string(),
    }
    return plain[kind.partition(" ")[0]]


@cache
def arrow_schema(file: str) -> pa.Schema:
    """The Parquet schema of one file of `FILES`."""
    import pyarrow as pa

    return pa.schema([(name, arrow_type(name)) for name in FILES[file]])


def typed_by_column() -> dict[str, Typed]:
    """The accepted frame's columns by the file column they come from."""
    return {typed.column: typed for typed in TYPED}
