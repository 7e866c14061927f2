"""An area with many schemes, made by hand, and a handful of cases whose way and money can be worked out on paper."""

from __future__ import annotations

import shutil
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / "fixtures" / "demo"
HOSPITAL = "H37000000001"

SCHEMES = """\
  schemes:
    - {id: epidemic, kind: epidemic, when: {diagnosis: ["U07.1"]}}
    - {id: psych, kind: bed_day, when: {diagnosis: ["F20-F29"], days_from: 10}}
    - {id: single, kind: single, when: {listed: true, med_type: ["21"]}}
    - {id: clinic, kind: capitation, when: {med_type: ["11"]}}
    - {id: elsewhere, kind: excluded, when: {out_of_area: true}}
    - {id: drg, kind: points, when: {any: [{department: ["03"]}, {not: {no_operation: true}}]}}
    - {id: ffs, kind: actual, when: {settled: {from: 2025-01-01}}}
"""
BED_DAY = """\
bed_day:
  description: 按床日付费
  source: {document: 样例}
  tag: PH
  tiers:
    unit: CNY/d
    values:
      2024-01-01:
        - {from: 1, to: null, rate: 100.00}
  tiers_by_category:
    unit: CNY/d
    values:
      2024-01-01:
        severe:
          - {from: 1, to: 30, rate: 200.00}
          - {from: 31, to: null, rate: 160.00}
  categories:
    - {name: severe, when: {diagnosis: ["F20"], age_from: 18}}
  fund_ratio:
    unit: /1
    values:
      2024-01-01: {"310": 0.80, "390": 0.70}
"""
SINGLE = """\
single_disease:
  description: 单病种付费
  source: {document: 样例}
  tag: PH
  diseases:
    values:
      2024-01-01: diseases.csv
  quotas:
    unit: CNY
    values:
      2024-01-01: quotas.csv
  fund_ratio:
    unit: /1
    values:
      2024-01-01: {"310": 0.80, "390": 0.70}
"""
DISEASES = """\
code,name,diagnosis,operation
APP,阑尾炎手术,K35;K36-K37,47.0;47.1
CAT,白内障,H25,-
"""
QUOTAS = """\
group,level,pool,quota
APP,3,310,6000.00
CAT,3,310,2000.00
CAT,3,390,1900.00
"""
CONTRACTS = f"""\
contracts:
  description: 年度协议
  source: {{document: 样例}}
  tag: PH
  unit: CNY
  values:
    2025-01-01:
      - {{kind: capitation, hospital: {HOSPITAL}, pool: "310", service: clinic, rate: 60, enrolled: 100, assessment: 1}}
"""
HEADER = (
    "setl_id,fixmedins_code,insutype,med_type,insuplc_admdvs,dscg_caty,gend,age,act_ipt_days,dscg_way,adm_time,"
    "dscg_time,setl_end_date,diag_codes,oprn_codes,medfee_sumamt,hifp_pay"
)
_ROWS = (
    # id, pool, med_type, insured, dept, age, days, dx, op, cost, fund
    ("A1", "310", "21", "370000", "03", 40, 5, "U07.100x001", "", "8000.00", "7000.00"),
    ("A2", "310", "21", "370000", "15", 40, 35, "F20.000", "", "9000.00", "7000.00"),
    ("A3", "310", "21", "370000", "15", 17, 12, "F20.000", "", "3000.00", "2000.00"),
    ("A4", "310", "21", "370000", "03", 40, 6, "K35.800", "47.0100", "7000.00", "5000.00"),
    ("A5", "390", "21", "370000", "04", 40, 6, "K36.x00", "", "7000.00", "5000.00"),
    ("A6", "310", "21", "370000", "10", 70, 1, "H25.900", "", "3000.00", "2500.00"),
    ("A7", "390", "21", "370000", "10", 70, 1, "H25.900", "13.4100", "3000.00", "2500.00"),
    ("A8", "310", "11", "370000", "03", 40, 1, "J06.900", "", "100.00", "60.00"),
    ("A9", "310", "21", "420100", "03", 40, 5, "J18.900", "", "9000.00", "6000.00"),
    ("B1", "310", "21", "370000", "03", 40, 8, "J18.900", "", "9000.00", "6000.00"),
    ("B2", "310", "21", "370000", "04", 40, 9, "F20.000", "", "500.00", "400.00"),
)
WAYS = {
    "A1": "EPIDEMIC", "A2": "BED_DAY", "A3": "BED_DAY", "A4": "SINGLE", "A5": "ACTUAL", "A6": "SINGLE", "A7": "DRG",
    "A8": "CAPITATION", "A9": "EXCLUDED", "B1": "DRG", "B2": "ACTUAL",
}  # fmt: skip
"""By hand: A5 has no quota for residents and no operation; A7 was operated on, so it is no CAT, and a DRG; B2 stayed
nine days, under the ten of `psych`, in a department that is not 03 and without an operation."""


def write_area(folder: Path) -> Path:
    """The demo policy with these schemes; its packs are named by their full path."""
    policy = folder / "policy"
    shutil.copytree(DEMO / "policy", policy)
    area = policy / "area.yaml"
    text = area.read_text(encoding="utf-8").replace("  schemes:\n    - {id: drg, kind: points}\n", SCHEMES)
    text = text.replace("../pack_drg", str(DEMO / "pack_drg"))
    area.write_text(text, encoding="utf-8")
    files = (
        ("bed_day.yaml", BED_DAY), ("single_disease.yaml", SINGLE), ("diseases.csv", DISEASES), ("quotas.csv", QUOTAS),
        ("contracts.yaml", CONTRACTS),
    )  # fmt: skip
    for name, content in files:
        (policy / name).write_text(content, encoding="utf-8")
    budget = policy / "budget.yaml"
    text = budget.read_text(encoding="utf-8").replace(
        "  reserve_rate:",
        "  fixed_lines:\n    description: 定额类额度\n    unit: CNY\n    values:\n      2025-01-01:\n"
        '        "310": {psych: 10000.00, single: 10000.00, capitation: 6000.00, ffs: 1000.00}\n'
        '        "390": {ffs: 8000.00}\n  reserve_rate:',
        1,
    )
    budget.write_text(text, encoding="utf-8")
    return folder


def write_cases(path: Path) -> Path:
    """The cases as CSV, all discharged and settled in March 2025 at one hospital of level III."""
    lines = [HEADER]
    for case, pool, kind, insured, department, age, days, dx, op, cost, fund in _ROWS:
        day = 1 + days if days < 25 else 1
        admitted = "2025-03-01" if days < 25 else "2025-02-01"
        left = f"2025-03-{day:02d}" if days < 25 else "2025-03-08"
        lines.append(
            f"{case},{HOSPITAL},{pool},{kind},{insured},{department},1,{age},{days},1,{admitted} 08:00:00,"
            f"{left} 10:00:00,2025-03-20,{dx},{op},{cost},{fund}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


UNPOINTED = """\
  schemes:
    - {id: psych, kind: bed_day, when: {diagnosis: ["F20-F29"]}}
    - {id: ffs, kind: actual}
"""


def write_unpointed_area(folder: Path) -> Path:
    """No points, no packs, no global budget: every yuan of the plan stands on a fixed line."""
    write_area(folder)
    policy = folder / "policy"
    for name in (
        "points",
        "case_classes",
        "special_case",
        "single_disease",
        "contracts",
        "case_flags",
        "weight_measurement",
    ):
        (policy / f"{name}.yaml").unlink()
    area = policy / "area.yaml"
    text = area.read_text(encoding="utf-8")
    head, _, tail = text.partition("  schemes:\n")
    tail = tail[tail.index("  packs:") :]
    after = tail[tail.index("  period_by") :].replace("case_values_by: discharge_date", "case_values_by: pack")
    area.write_text(head + UNPOINTED + after, encoding="utf-8")
    (policy / "budget.yaml").write_text(
        "budget:\n  description: 年度支出\n  source: {document: 样例}\n  tag: PH\n"
        '  plan:\n    unit: CNY\n    values:\n      2025-01-01: {"310": 100000.00, "390": 50000.00}\n'
        '  outside:\n    unit: CNY\n    values:\n      2025-01-01: {"310": {}, "390": {}}\n'
        "  fixed_lines:\n    unit: CNY\n    values:\n"
        '      2025-01-01: {"310": {psych: 20000.00, ffs: 70000.00}, "390": {ffs: 45000.00}}\n'
        "  reserve_rate:\n    unit: /1\n    values: {2025-01-01: 0.10}\n",
        encoding="utf-8",
    )
    for name in ("other_lines", "supplier_paid", "advance", "audits"):
        (policy / f"{name}.yaml").unlink()
    return folder
