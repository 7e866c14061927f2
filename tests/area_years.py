"""Small years of the area folders, settled once per test session, and hand-made ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from engine.area import Area, load_area
from engine.run import clear, presettle
from engine.run_parts import RunOptions, RunResult
from fixtures.area_cases import YearFiles, generate_year
from fixtures.areas import AreaFolder, area_folders, find_area

CASES, SEED = 260, 5
YEARS = [(area.short, year) for area in area_folders() for year in area.years]


def folder_of(short: str) -> AreaFolder:
    return find_area(short)


@cache
def loaded(short: str) -> Area:
    return load_area(folder_of(short).folder)


@cache
def small_files(short: str, year: int) -> YearFiles:
    return generate_year(folder_of(short), year, Path(mkdtemp(prefix=f"{short}-")), CASES, SEED)


@dataclass(frozen=True)
class SettledYear:
    """Twelve months and the clearing after them."""

    months: Mapping[int, RunResult]
    cleared: RunResult

    @property
    def lines(self) -> pl.DataFrame:
        return pl.read_parquet(self.cleared.folder / "lines.parquet")


@cache
def settled_year(short: str, year: int) -> SettledYear:
    """Settled as the demo does it; the years of one area share a shelf."""
    files, area, options = small_files(short, year), loaded(short), RunOptions(shelf=shelf_of(short), profile="strict")
    months = {
        int(month[4:]): presettle([path], area, year, int(month[4:]), options) for month, path in files.months.items()
    }
    return SettledYear(months, clear(files.case_files, area, year, options))


@cache
def shelf_of(short: str) -> Path:
    return Path(mkdtemp(prefix=f"{short}-runs-"))


HEADER = (
    "setl_id,fixmedins_code,insutype,med_type,ipt_med_type,insuplc_admdvs,dscg_caty,gend,age,act_ipt_days,dscg_way,"
    "adm_time,dscg_time,setl_end_date,setl_ym,diag_codes,oprn_codes,medfee_sumamt,hifp_pay"
)


@dataclass(frozen=True)
class HandCase:
    """A case as a page of paper would hold it; money in yuan. `out` is day of discharge, `settled` of settlement."""

    id: str
    hospital: str
    pool: str
    diagnoses: str
    cost: str
    fund: str
    days: int = 5
    operations: str = ""
    med_type: str = "21"
    ipt_med_type: str = "1"
    department: str = "A03"
    out: str = "03-20"
    settled: str = "03-25"
    gender: int = 1


def write_cases(path: Path, year: int, cases: Sequence[HandCase], area: str = "000000") -> Path:
    """The cases as CSV. A day may name its own year: 2021-12-31."""
    rows = [HEADER]
    for one in cases:
        out, settled = (day if len(day) > 5 else f"{year}-{day}" for day in (one.out, one.settled))
        rows.append(
            f"{one.id},{one.hospital},{one.pool},{one.med_type},{one.ipt_med_type},{area},{one.department},{one.gender},"
            f"50,{one.days},1,,{out} 10:00:00,{settled},{settled[:4]}{settled[5:7]},{one.diagnoses},{one.operations},"
            f"{one.cost},{one.fund}"
        )
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def statement_lines(result: RunResult, hospital: str, pool: str) -> dict[tuple[str, str], int]:
    """(period, cause) → fen of every posting line of one hospital in one pool."""
    lines = pl.read_parquet(result.folder / "lines.parquet")
    own = lines.filter((pl.col("fixmedins_code") == hospital) & (pl.col("insutype") == pool))
    return {(period, cause): fen for period, cause, fen in own.select("period", "cause", "amount_fen").iter_rows()}
