"""Drawn case files with nulls and odd cells, as writers of many settings make them: the fast reader says what the slow
one says."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.cases.demand import Demand
from grouper.tables import STANDARD_NUMERIC
from tests.input_rows import INFANT, Row, arrow_table, many, row
from tests.test_execute_reader import both

ODD: list[Row] = [
    {"gend": "3"},
    {"diag_codes": "k35.800|I10.X00"},
    {"diag_codes": " K35.800"},
    {"diag_codes": "|".join(["I10.x00"] * 41)},
    {"insutype": " 310"},
    {"dscg_way": "医嘱离院"},
    {"age": "131"},
    {"age": None, "nwb_age": "30"},
    {"act_ipt_days": "40"},
    {"medfee_sumamt": "-1.00"},
    {"hifp_pay": "99999999.00"},
    {"dscg_time": "2023-01-01 00:00:00"},
    {"setl_end_date": "1850-01-01"},
    INFANT,
]
HOLES = (
    "gend",
    "age",
    "act_ipt_days",
    "hifp_pay",
    "dscg_way",
    "medfee_sumamt",
    "setl_end_date",
    "oprn_codes",
    "insutype",
)
SETTINGS: dict[str, dict[str, Any]] = {
    "usual": {},
    "plain": {"use_dictionary": False},
    "grown": {"dictionary_pagesize_limit": 300, "data_page_size": 200},
    "small": {"data_page_size": 100, "row_group_size": 170, "compression": "zstd"},
    "second": {"data_page_version": "2.0", "data_page_size": 300, "compression": "zstd"},
    "mixed": {"use_dictionary": ["medfee_sumamt", "gend", "diag_codes.list.element"], "compression": "none"},
    "whole": {"store_decimal_as_integer": True, "write_statistics": False},
}


def drawn(seed: int, codes: str) -> pa.Table:
    """Good rows, some with a hole or an odd cell, some twice."""
    rng, rows = random.Random(seed), list[Row]()
    for number, good in enumerate(many(400)):
        cells = dict(good)
        if rng.random() < 0.1:
            cells[rng.choice(HOLES)] = None
        if rng.random() < 0.06:
            cells |= rng.choice(ODD)
        if rng.random() < 0.02:
            cells["setl_id"] = rng.choice(["S0007", "S0008", "S.0"])
        rows.append(row(**cells) if number else good)
    return arrow_table(rows, codes)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("codes", ["list", "large_list"])
def test_drawn_files_of_many_settings(setting: str, codes: str, tmp_path: Path) -> None:
    for seed, profile in enumerate(("strict", "compatible")):
        pq.write_table(drawn(seed, codes), tmp_path / "a.parquet", **SETTINGS[setting])
        for batch_rows in (1_000, 90):
            both([tmp_path / "a.parquet"], Demand("settle", profile, STANDARD_NUMERIC), batch_rows)
