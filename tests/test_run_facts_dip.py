"""Facts of single cases under a catalogue that scores by itself, on a month of the small city."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import polars as pl
import pytest

from engine.area import load_area
from engine.errors import PolicyError
from engine.run import presettle
from engine.run_parts import RunOptions
from tests.facts_area import HEAD
from tests.small_city import DEMO, YEAR, small_city

APRIL = 4


@cache
def april() -> Path:
    """The cases of April, each with a person of its own."""
    folder = Path(mkdtemp(prefix="april-"))
    cases = pl.concat([pl.read_parquet(each) for each in small_city().months[f"{YEAR}04"]])
    cases.with_columns(pl.format("P{}", pl.int_range(pl.len())).alias("psn_no")).write_parquet(folder / "april.parquet")
    return folder / "april.parquet"


def settled(folder: Path, changes: dict[str, str], cases: Path | None = None) -> pl.DataFrame:
    """April under the demo's DIP policy with some files added."""
    shutil.copytree(DEMO / "policy_dip", folder / "area" / "policy")
    shutil.copytree(DEMO / "pack_dip", folder / "area" / "pack_dip")
    for name, text in changes.items():
        (folder / "area" / "policy" / name).write_text(text, encoding="utf-8")
    run = presettle([cases or april()], load_area(folder / "area"), YEAR, APRIL, RunOptions(shelf=folder / "runs"))
    return pl.read_parquet(run.folder / "settled.parquet")


def special(case: str, more: str = "") -> dict[str, str]:
    day = date(YEAR, 12, 1).isoformat()
    return {
        "special_case.yaml": f"special_case:\n{HEAD}  decisions:\n    values: {{{YEAR}-01-01: decisions.csv}}\n{more}",
        "decisions.csv": f"setl_id,decided,document,approved_cost\n{case},{day},纪要,29400.00\n",
    }


SCALE = f"""\
  scale:
    values: {{{YEAR}-01-01: {{dip: 1000}}}}
  region_mean:
    unit: CNY
    values: {{{YEAR}-01-01: {{dip: 9800.00}}}}
"""


def test_an_approved_cost_takes_the_scale_and_mean_the_policy_gives_the_catalogue(tmp_path: Path) -> None:
    """29,400 ÷ 9,800 × 1000 = 3,000 points; no other case moves."""
    plain = settled(tmp_path / "plain", {})
    chosen = plain.filter(pl.col("mult_type") == "NORM")["setl_id"][0]
    decided = settled(tmp_path / "decided", special(chosen, SCALE))
    row = decided.row(by_predicate=pl.col("setl_id") == chosen, named=True)
    assert (row["setl_pt"], row["class_id"], row["mult_type"]) == (Decimal(3000), "special_case", "SP")
    rest = [frame.filter(pl.col("setl_id") != chosen).select("setl_id", "setl_pt") for frame in (plain, decided)]
    assert rest[0].equals(rest[1])


def test_without_scale_and_mean_the_case_and_the_keys_are_named(tmp_path: Path) -> None:
    chosen = settled(tmp_path / "plain", {}).filter(pl.col("mult_type") == "NORM")["setl_id"][0]
    with pytest.raises(PolicyError, match=rf"case {chosen}: scheme dip turns an approved cost into points by special"):
        settled(tmp_path / "decided", special(chosen))


def test_a_readmission_halves_what_the_catalogue_gave(tmp_path: Path) -> None:
    plain = settled(tmp_path / "plain", {})
    again = plain.filter(pl.col("mult_type") == "NORM").filter(pl.col("dip_code").is_duplicated()).sort("dip_code")
    first, second = again["setl_id"][:2]
    left = date(YEAR, 3, 20)
    days = {first: (left - timedelta(days=4), left), second: (left + timedelta(days=2), left + timedelta(days=6))}
    cases = pl.read_parquet(april())
    for setl_id, (admitted, discharged) in days.items():
        here = pl.col("setl_id") == setl_id
        cases = cases.with_columns(
            pl.when(here).then(pl.lit("SAME")).otherwise("psn_no").alias("psn_no"),
            pl.when(here).then(pl.lit(admitted)).otherwise(pl.col("adm_time").cast(pl.Date)).alias("adm_time"),
            pl.when(here).then(pl.lit(discharged)).otherwise(pl.col("dscg_time").cast(pl.Date)).alias("dscg_time"),
            pl.when(here).then(4).otherwise("act_ipt_days").cast(pl.Int32).alias("act_ipt_days"),
        )
    path = tmp_path / "april.parquet"
    cases.write_parquet(path)
    text = f"readmission:\n{HEAD}  values:\n    {YEAR}-01-01: {{days: 10, factor_prev: 0.5}}\n"
    found = [settled(tmp_path / "without", {}, path), settled(tmp_path / "with", {"readmission.yaml": text}, path)]
    before, after = (dict(frame.select("setl_id", "setl_pt").iter_rows()) for frame in found)
    assert after[first] == (before[first] / 2).quantize(Decimal("0.0001"), rounding="ROUND_HALF_UP")
    assert {key: value for key, value in before.items() if key != first} == {
        key: value for key, value in after.items() if key != first
    }
