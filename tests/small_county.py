"""A village area whose years can be settled with a pencil: one pool, two hospitals in two counties, two groups.

A point is worth the fund over the points, no class rule moves a case, every coefficient is 1. FV1 has 100 base points
and a mean of 10,000 yuan, FR25 200 and 20,000. Policies differ by the files given over the usual ones.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.area import Area, load_area
from fixtures.small_policy import SMALL

TINY = Path(__file__).resolve().parents[1] / "fixtures" / "tiny_pack"
HEAD = "  description: 样例\n  source: {document: 样例}\n  tag: PH\n"
GROUPS = (
    *("AA19", "AH11", "AH15", "PS19", "PS29", "PU19", "ZZ19", "FM19", "FM21", "FM25"),
    *("FR20", "FR21", "FR23", "MR11", "MR15"),
)
DISEASE = {"FV1": "I10.x00x002", "FR25": "I50.900"}

FILES: dict[str, str] = {
    **{name: SMALL[name] for name in ("surplus_and_overspend.yaml", "deposit.yaml", "hospitals.yaml")},
    "area.yaml": f"""\
area:
{HEAD}  code: "370000"
  name: 小区
  pools: ["310"]
  schemes:
    - {{id: drg, kind: points}}
  packs:
    - {{scheme: drg, path: ../pack}}
""",
    "hospitals.csv": """\
fixmedins_code,fixmedins_name,hi_setl_lv,medins_coef,county,score,credit
H1,甲医院,3,1.000000,东县,95,A
H2,乙医院,2,1.000000,西县,82.5,B
""",
    "weights.csv": "group_code,base_points,cost_mean\nFV1,100.0000,10000.00\nFR25,200.0000,20000.00\n"
    + "".join(f"{code},100.0000,10000.00\n" for code in GROUPS),
    "points.yaml": SMALL["points.yaml"]
    + """\
  budget_point_value:
    unit: CNY/point
    values: {2024-01-01: {drg: {"310": 100}}}
""",
    "case_classes.yaml": f"""\
case_classes:
{HEAD}  values:
    2024-01-01:
      drg:
        - {{id: ungrouped, when: {{flag: ungrouped}}, shape: scaled_cost, factor: 0.8}}
        - {{id: ambiguous, when: {{flag: ambiguous}}, shape: scaled_cost, factor: 0.8}}
        - {{id: invalid, when: {{flag: invalid}}, shape: scaled_cost, factor: 0.7}}
        - {{id: normal, shape: normal}}
""",
    "budget.yaml": f"""\
budget:
{HEAD}  plan:
    unit: CNY
    values:
      2025-01-01: {{"310": 10000.00}}
      2026-01-01: {{"310": 20000.00}}
  prior_actual:
    unit: CNY
    values:
      2025-01-01: {{"310": 9800.00}}
      2026-01-01: {{"310": 9000.00}}
  reserve_rate:
    unit: /1
    values: {{2025-01-01: 0.05}}
""",
    "point_value.yaml": f"point_value:\n{HEAD}  basis: fund\n  payable: fund\n",
}

HEADER = (
    *("setl_id", "fixmedins_code", "insutype", "gend", "age", "diag_codes", "oprn_codes", "act_ipt_days", "dscg_way"),
    *("dscg_time", "setl_end_date", "medfee_sumamt", "hifp_pay", "med_type", "insuplc_admdvs"),
)


@dataclass(frozen=True)
class Stay:
    """One case; settled on the day it left. Yuan as text."""

    id: str
    hospital: str
    group: str
    day: str
    cost: str
    booked: str
    days: int = 5
    diagnosis: str = ""
    med_type: str = "21"
    insured_in: str = "370001"
    pool: str = "310"

    def cells(self) -> list[str]:
        codes = self.diagnosis or DISEASE[self.group]
        return [
            *(self.id, self.hospital, self.pool, "2", "60", codes, "", str(self.days), "1"),
            *(self.day, self.day, self.cost, self.booked, self.med_type, self.insured_in),
        ]


def village(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """The area folder: policy and pack; `files` come over the usual ones."""
    policy = folder / "policy"
    policy.mkdir(parents=True)
    for name, text in {**FILES, **(files or {})}.items():
        (policy / name).write_text(text, encoding="utf-8")
    shutil.copytree(TINY, folder / "pack")
    head = (folder / "pack" / "pack.toml").read_text(encoding="utf-8")
    head = head.replace("valid_from  = 2024-01-01", "valid_from  = 2020-01-01").replace("2024-12-31", "2029-12-31")
    (folder / "pack" / "pack.toml").write_text(head, encoding="utf-8")
    return folder


def village_area(folder: Path, files: Mapping[str, str] | None = None) -> Area:
    return load_area(village(folder, files))


def write_stays(path: Path, stays: Iterable[Stay]) -> Path:
    """The cases as CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(HEADER)
        out.writerows(stay.cells() for stay in stays)
    return path
