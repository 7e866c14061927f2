"""A tiny area on disk for facts of single cases: the tiny pack, two hospitals, figures that can be worked by hand.

Basis `fund`, no reserve, no coefficients: the point value is the fund of the pool over its points. Pool 310 has
120,000.00 yuan. FR25 (I50.900) has 100 points at a mean of 10,000.00; FV1 (I10.x00x002) 50 at 5,000.00; FM25
(I21.900 with 36.0600) 250 at 25,000.00.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from engine.area import Area, load_area
from engine.run import clear
from engine.run_parts import RunOptions, RunResult
from fixtures.small_policy import SMALL

TINY = Path(__file__).resolve().parents[1] / "fixtures" / "tiny_pack"
YEAR = 2024
HEAD = "  description: 样例\n  source: {document: 样例}\n  tag: PH\n"
_POINTS = {"FR25": ("100.0000", "10000.00"), "FV1": ("50.0000", "5000.00"), "FM25": ("250.0000", "25000.00")}
_GROUPS = [line.split(",")[0] for line in (TINY / "drg_names.csv").read_text(encoding="utf-8").splitlines()[1:]]

FILES: dict[str, str] = {
    **{name: text.replace("2025-01-01", "2024-01-01") for name, text in SMALL.items() if name != "special_case.yaml"},
    "area.yaml": SMALL["area.yaml"].replace(
        "    - {id: drg, kind: points}\n",
        "    - {id: drg, kind: points}\n  packs:\n    - {scheme: drg, path: ../pack}\n",
    ),
    "hospitals.csv": "fixmedins_code,fixmedins_name,hi_setl_lv,medins_coef,county,score,credit\n"
    "H1,甲医院,3,1.000000,东县,95,A\nH2,乙医院,2,1.000000,西县,95,B\n",
    "weights.csv": "group_code,base_points,cost_mean\n"
    + "".join(f"{code},{','.join(_POINTS.get(code, ('100.0000', '10000.00')))}\n" for code in _GROUPS),
    "point_value.yaml": f"point_value:\n{HEAD}  basis: fund\n  payable: fund\n",
}
FILES["budget.yaml"] = FILES["budget.yaml"].replace("1000000.00", "120000.00").replace("0.05", "0")

CASE: dict[str, str] = {
    "fixmedins_code": "H1",
    "insutype": "310",
    "psn_no": "",
    "gend": "1",
    "age": "60",
    "adm_time": "2024-03-01",
    "dscg_time": "2024-03-08",
    "act_ipt_days": "7",
    "dscg_way": "1",
    "insuplc_admdvs": "370000",
    "diag_codes": "I50.900",
    "oprn_codes": "",
    "medfee_sumamt": "10000.00",
    "hifp_pay": "8000.00",
    "setl_end_date": "2024-03-09",
}
"""A heart failure without complications at hospital H1: FR25, cost at its mean."""


def case(setl_id: str, **changes: str) -> dict[str, str]:
    return {"setl_id": setl_id, **CASE, **changes}


def write_cases(path: Path, cases: Sequence[Mapping[str, str]], *, without: Sequence[str] = ()) -> Path:
    """The cases as a CSV file."""
    names = [name for name in dict.fromkeys(key for one in cases for key in one) if name not in without]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(cases)
    return path


def write_area(folder: Path, changes: Mapping[str, str] | None = None) -> Path:
    """The area folder with some policy files changed or added."""
    policy = folder / "policy"
    policy.mkdir(parents=True, exist_ok=True)
    for name, text in {**FILES, **(changes or {})}.items():
        (policy / name).write_text(text, encoding="utf-8")
    if not (folder / "pack").exists():
        shutil.copytree(TINY, folder / "pack")
    return folder


def area_with(folder: Path, changes: Mapping[str, str] | None = None) -> Area:
    return load_area(write_area(folder, changes))


def cleared(
    tmp_path: Path, changes: Mapping[str, str], cases: Sequence[Mapping[str, str]], without: Sequence[str] = ()
) -> RunResult:
    """A clearing of the cases under the area, through files."""
    tmp_path.mkdir(exist_ok=True)
    area = area_with(tmp_path / "area", changes)
    file = write_cases(tmp_path / "cases.csv", cases, without=without)
    return clear([file], area, YEAR, RunOptions(shelf=tmp_path / "runs", months="cases"))


def points(run: RunResult) -> dict[str, str]:
    """Points of every case as its file shows them."""
    table = pl.read_parquet(run.folder / "settled.parquet")
    return {setl_id: f"{value:.4f}" for setl_id, value in table.select("setl_id", "setl_pt").iter_rows() if value}


def fund_parts(run: RunResult) -> dict[str, str]:
    """What the fund pays for every case, yuan."""
    table = pl.read_parquet(run.folder / "settled.parquet")
    return {setl_id: str(value) for setl_id, value in table.select("setl_id", "drg_dip_fund_payamt").iter_rows()}


def classes(run: RunResult) -> dict[str, str]:
    table = pl.read_parquet(run.folder / "settled.parquet")
    return dict(table.select("setl_id", "class_id").iter_rows())


def lines(run: RunResult, cause: str) -> dict[str, int]:
    """Fen by hospital of one cause of pool 310; the reserve is the empty hospital."""
    table = pl.read_parquet(run.folder / "lines.parquet").filter(
        (pl.col("cause") == cause) & (pl.col("insutype") == "310")
    )
    return dict(table.select("fixmedins_code", "amount_fen").iter_rows())
