"""The synthetic DIP profiles through `group` and `presettle`: every case agrees with the published answers."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.area import load_area
from engine.editions import Editions
from engine.run import group_to_file, presettle
from engine.run_parts import RunOptions
from fixtures.dip_profiles import write_profile
from tests.shared_data import SHARED

PROFILES = SHARED / "data" / "dip" / "profiles"
NAMES = sorted(path.name for path in PROFILES.iterdir() if path.is_dir()) if PROFILES.is_dir() else []
needs_profiles = pytest.mark.skipif(not NAMES, reason=f"DIP PROFILES ABSENT: put them at {PROFILES}; NOT run")
STATUS = {"GROUPED": "OK", "UNGROUPED": "FAIL"}
DEVIATION = {"低倍率": "LOW", "正常倍率": "NORM", "高倍率": "HIGH"}


def answers(name: str) -> pl.DataFrame:
    found = pl.read_csv(PROFILES / name / "expected.csv", infer_schema_length=0)
    return found.filter(pl.col("status") != "ERROR").with_columns(pl.col("case_id").alias("setl_id"))


def same(one: str, other: str) -> pl.Expr:
    return pl.col(one).fill_null("") == pl.col(other).fill_null("")


@needs_profiles
@pytest.mark.parametrize("name", NAMES)
def test_every_case_gets_the_published_group_and_auxiliary_level(tmp_path: Path, name: str) -> None:
    write_profile(PROFILES / name, tmp_path / "area")
    out = tmp_path / "grouped.parquet"
    group_to_file([PROFILES / name / "cases.csv"], Editions.of(tmp_path / "area" / "pack"), out, RunOptions())
    got = pl.read_parquet(out).rename({"dip_code": "code", "dip_type": "type"})
    both = answers(name).join(got, on="setl_id", how="left", validate="1:1")
    assert both["grp_stas"].null_count() == 0
    alike = both.filter(
        (pl.col("status").replace_strict(STATUS) == pl.col("grp_stas"))
        & same("dip_code", "code")
        & same("dip_type", "type")
        & same("supplement_name", "dip_sup_name")
    )
    assert alike.height == both.height


@needs_profiles
@pytest.mark.parametrize("name", NAMES[:2])
def test_a_month_is_scored_and_priced_as_published(tmp_path: Path, name: str) -> None:
    write_profile(PROFILES / name, tmp_path / "area")
    area = load_area(tmp_path / "area")
    run = presettle([PROFILES / name / "cases.csv"], area, 2022, 6, RunOptions(shelf=tmp_path / "runs")).folder
    settled = pl.read_parquet(run / "settled.parquet")
    both = settled.join(answers(name).filter(pl.col("status") == "GROUPED"), on="setl_id", how="inner")
    assert both.height > 10
    assert both.filter(pl.col("deviation").replace_strict(DEVIATION) != pl.col("mult_type")).rows() == []
    score = pl.col("settle_score").cast(pl.Decimal(18, 8)) - pl.col("setl_pt")
    amount = pl.col("settle_amount").cast(pl.Decimal(18, 4)) - pl.col("drg_dip_sumamt")
    assert both.filter((score.abs() > 0.0001) | (amount.abs() > 0.0101)).rows() == []
