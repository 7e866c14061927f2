"""What belongs to a case is read at the case's own date, whatever else is read on 31 December. Worked by hand.

FR25 has 100 points at a mean of 10,000.00 yuan; every case costs that unless it says otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine.area import load_area
from engine.policy import PolicyFaults, load_policy
from engine.run import clear
from engine.run_parts import RunOptions
from pointvalue.by_day import scored_by, scored_on
from pointvalue.model import PointScheme
from tests.facts_area import FILES, HEAD, YEAR, case, cleared, points, write_area, write_cases

MARCH = case("A1")
AUGUST = case("A2", adm_time="2024-08-01", dscg_time="2024-08-08", setl_end_date="2024-08-09")
DEAR = FILES["hospitals.csv"].replace("H1,甲医院,3,1.000000", "H1,甲医院,3,1.200000")


def coefficient(text: str) -> str:
    return f"coefficient:\n{HEAD}{text}"


def test_same_price_groups_change_within_the_year(tmp_path: Path) -> None:
    lists = "  same_price_groups:\n    values: {2024-01-01: {drg: []}, 2024-07-01: {drg: [FR25]}}\n"
    files = {"hospitals.csv": DEAR, "points.yaml": FILES["points.yaml"] + lists}
    assert points(cleared(tmp_path, files, [MARCH, AUGUST])) == {"A1": "120.0000", "A2": "100.0000"}


def test_the_region_mean_changes_within_the_year(tmp_path: Path) -> None:
    """Ungrouped: cost ÷ region mean × 100 × 0.8; 80 points at a mean of 10,000.00, 64 at 12,500.00."""
    once, twice = "{2024-01-01: {drg: 10000.00}}", "{2024-01-01: {drg: 10000.00}, 2024-07-01: {drg: 12500.00}}"
    mean = FILES["points.yaml"].replace(once, twice)
    strays = [{**each, "diag_codes": "Z00.000"} for each in (MARCH, AUGUST)]
    assert points(cleared(tmp_path, {"points.yaml": mean}, strays)) == {"A1": "80.0000", "A2": "64.0000"}


def test_the_form_of_the_coefficient_changes_within_the_year(tmp_path: Path) -> None:
    text = (
        "  form:\n    values: {2024-01-01: level, 2024-07-01: table}\n"
        '  level_values:\n    unit: /1\n    values: {2024-01-01: {"3": 0.8, "2": 0.7}}\n'
    )
    files = {"hospitals.csv": DEAR, "coefficient.yaml": coefficient(text)}
    assert points(cleared(tmp_path, files, [MARCH, AUGUST])) == {"A1": "80.0000", "A2": "120.0000"}


LEVELS = '  form: level\n  level_values:\n    unit: /1\n    values: {2024-01-01: {"3": 0.8, "2": 0.7, "3/eye": 0.65}}\n'


def test_a_value_by_level_and_kind_goes_before_the_level(tmp_path: Path) -> None:
    facts = "  facts:\n    values: {2024-01-01: facts.csv}\n"
    files = {"coefficient.yaml": coefficient(LEVELS + facts), "facts.csv": "fixmedins_code,kind\nH1,eye\nH2,\n"}
    assert points(cleared(tmp_path, files, [MARCH])) == {"A1": "65.0000"}


def test_a_value_by_kind_without_kinds_is_an_error(tmp_path: Path) -> None:
    folder = write_area(tmp_path, {"coefficient.yaml": coefficient(LEVELS)})
    with pytest.raises(PolicyFaults, match=r"3/eye requires coefficient\.facts"):
        load_policy(folder / "policy")


def test_an_unstable_group_is_what_the_policy_says_it_is(tmp_path: Path) -> None:
    rule = (
        "        - {id: unstable, when: {flag: unstable_group}, shape: scaled_base, factor: 0.5}\n        - {id: low,"
    )
    files = {"case_classes.yaml": FILES["case_classes.yaml"].replace("        - {id: low,", rule)}
    with pytest.raises(PolicyFaults, match="case_flags: unstable_group"):
        load_policy(write_area(tmp_path / "without", files) / "policy")
    files["case_flags.yaml"] = (
        f"case_flags:\n{HEAD}  values:\n    2024-01-01:\n      - {{flag: unstable_group, when: {{diagnosis: [I50]}}}}\n"
    )
    assert points(cleared(tmp_path, files, [MARCH])) == {"A1": "50.0000"}


def test_a_case_settled_after_its_year_takes_the_values_of_its_settlement(tmp_path: Path) -> None:
    """The year goes by discharge, packs and values by settlement: coefficient 0.5 holds from 2025."""
    files = {
        "area.yaml": FILES["area.yaml"].replace("../pack}", "../pack, upto: 2025-12-31}")
        + "  period_by: discharge_date\n  case_values_by: pack\n",
        "hospitals.yaml": FILES["hospitals.yaml"] + "    2025-01-01: hospitals_2025.csv\n",
        "hospitals_2025.csv": FILES["hospitals.csv"].replace("3,1.000000", "3,0.500000"),
    }
    folder = write_area(tmp_path / "area", files)
    header = folder / "pack" / "pack.toml"
    header.write_text(header.read_text(encoding="utf-8").replace('"discharge_date"', '"settlement_date"'), "utf-8")
    late = {**case("A2"), "adm_time": "2024-12-20", "dscg_time": "2024-12-27", "setl_end_date": "2025-01-10"}
    file = write_cases(tmp_path / "cases.csv", [MARCH, late])
    run = clear([file], load_area(folder), YEAR, RunOptions(shelf=tmp_path / "runs", months="cases"))
    assert points(run) == {"A1": "100.0000", "A2": "50.0000"}


SINGLE = f"""\
single_disease:
{HEAD}  diseases:
    values: {{2024-01-01: diseases.csv}}
  quotas:
    unit: CNY
    values:
      2024-01-01: [{{group: APP, level: "3", pool: "310", quota: 10000.00}}]
      2024-07-01: [{{group: APP, level: "3", pool: "310", quota: 8000.00}}]
  fund_ratio:
    unit: /1
    values: {{2024-01-01: {{"310": 0.8, "390": 0.7}}}}
  deviation:
    unit: /1
    values: {{2024-01-01: {{share: 1, width: 1}}}}
"""


def test_a_hospitals_own_ratio_counts_its_cases_at_every_price_of_the_year(tmp_path: Path) -> None:
    """p̄ = (6,000 + 4,000) ÷ (12,000 + 4,000) = 0.625, not that of the half-year before the quota fell.

    A1: 0.8 × 10,000 + 0.625 × 2,000 = 9,250. A2: 0.8 × 4,000 + 4,000 saved = 7,200.
    """
    files = {
        "area.yaml": FILES["area.yaml"].replace(
            "    - {id: drg, kind: points}\n",
            "    - {id: single, kind: single, when: {listed: true}}\n    - {id: drg, kind: points}\n",
        ),
        "single_disease.yaml": SINGLE,
        "diseases.csv": "code,name,diagnosis,operation\nAPP,阑尾炎,K35,\n",
        "budget.yaml": FILES["budget.yaml"]
        + '  fixed_lines:\n    unit: CNY\n    values: {2024-01-01: {"310": {single: 17000.00}, "390": {}}}\n',
    }
    cases = [
        {**MARCH, "diag_codes": "K35.800", "medfee_sumamt": "12000.00", "hifp_pay": "6000.00"},
        {**AUGUST, "diag_codes": "K35.800", "medfee_sumamt": "4000.00", "hifp_pay": "4000.00"},
        case("B1"),
    ]
    table = pl.read_parquet(cleared(tmp_path, files, cases).folder / "settled.parquet")
    paid = {name: str(amount) for name, amount in table.select("setl_id", "drg_dip_fund_payamt").iter_rows()}
    assert {name: paid[name] for name in ("A1", "A2")} == {"A1": "9250.00", "A2": "7200.00"}


def test_terms_on_a_day_are_those_that_began_last() -> None:
    first, second, last = (PointScheme("drg", 100, mean, (), {}) for mean in (1, 2, 3))
    whole = replace(last, dated=((10, first), (20, second), (30, last)))
    assert [scored_on(whole, day).region_mean_fen for day in (0, 10, 19, 20, 29, 30, 99)] == [1, 1, 1, 2, 2, 3, 3]
    days = np.array([0, 10, 19, 20, 29, 30, 99], np.int32)
    spans = {terms.region_mean_fen: places.tolist() for terms, places in scored_by(whole, days)}
    assert spans == {1: [0, 1, 2], 2: [3, 4], 3: [5, 6]}
    assert scored_on(last, 5) is last
