"""A point value for each county through a run: weights are the area's, the fund of each county makes its own value.

By hand: plan 10,000 less reserve 500 is 9,500; 东县 has 0.4 of it, 3,800 over H1's 100 points: 38. 西县 has 5,700 over
H2's 300 points (FV1 and FR25): 19. H1 is paid 3,800, H2 1,900 and 3,800.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.policy.problems import PolicyFaults
from engine.run import clear, presettle
from engine.run_parts import RunOptions
from tests.small_county import FILES, Stay, village_area, write_stays

STAYS = (
    Stay("A1", "H1", "FV1", "2025-03-05", "10000.00", "3800.00"),
    Stay("A2", "H2", "FV1", "2025-03-05", "10000.00", "1900.00"),
    Stay("A3", "H2", "FR25", "2025-03-05", "20000.00", "3800.00"),
)
POTS = """\
  pots:
    unit: /1
    values:
      2025-01-01:
        - {scheme: drg, county: 东县, ratio: 0.4, budget_point_value: 40}
        - {scheme: drg, county: 西县, ratio: 0.6, budget_point_value: 20}
"""
BY_COUNTY = {
    "budget.yaml": FILES["budget.yaml"] + POTS,
    "point_value.yaml": FILES["point_value.yaml"] + "  pot_unit: county\n",
}


def test_each_county_has_its_point_value_in_lines_cases_and_reports(tmp_path: Path) -> None:
    area, cases = village_area(tmp_path / "area", BY_COUNTY), write_stays(tmp_path / "c.csv", STAYS)
    result = clear([cases], area, 2025, RunOptions(shelf=tmp_path / "runs"))
    lines = {
        (row["fixmedins_code"], row["cause"]): row["amount_fen"]
        for row in pl.read_parquet(result.folder / "lines.parquet").iter_rows(named=True)
    }
    assert lines["H1", "standard.drg.东县"] == 380_000
    assert lines["H2", "standard.drg.西县"] == 570_000
    assert not [key for key in lines if key[0] and "overspend" in key[1]]
    settled = pl.read_parquet(result.folder / "settled.parquet")
    assert [str(value) for value in settled["pt_val"]] == ["38.00000000", "19.00000000", "19.00000000"]
    assert [str(value) for value in settled["drg_dip_fund_payamt"]] == ["3800.00", "1900.00", "3800.00"]
    assert result.published is not None
    pots = {pot.name: (pot.fund_fen, pot.published_text) for pot in result.published.figures.facts.pots}
    assert pots == {"drg.东县": (380_000, "38.0000"), "drg.西县": (570_000, "19.0000")}
    page = (result.folder / "summary.html").read_text(encoding="utf-8")
    assert "drg.东县" in page and "drg.西县" in page


def test_a_month_is_worth_the_budget_value_of_its_county(tmp_path: Path) -> None:
    """100 points × 40 at H1; 100 × 20 and 200 × 20 at H2."""
    area, cases = village_area(tmp_path / "area", BY_COUNTY), write_stays(tmp_path / "c.csv", STAYS)
    month = presettle([cases], area, 2025, 3, RunOptions(shelf=tmp_path / "runs"))
    settled = pl.read_parquet(month.folder / "settled.parquet")
    assert [str(value) for value in settled["drg_dip_fund_payamt"]] == ["4000.00", "2000.00", "4000.00"]
    assert [str(value) for value in settled["pt_val"]] == ["40.00000000", "20.00000000", "20.00000000"]


def test_more_points_in_one_county_leave_the_value_of_the_other(tmp_path: Path) -> None:
    area = village_area(tmp_path / "area", BY_COUNTY)
    more = (*STAYS, Stay("A4", "H2", "FV1", "2025-03-05", "10000.00", "1000.00"))
    result = clear([write_stays(tmp_path / "c.csv", more)], area, 2025, RunOptions(shelf=tmp_path / "runs"))
    assert result.published is not None
    pots = {pot.name: pot.published_text for pot in result.published.figures.facts.pots}
    assert pots == {"drg.东县": "38.0000", "drg.西县": "14.2500"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"point_value.yaml": BY_COUNTY["point_value.yaml"]}, "budget.pots .310."),
        ({"budget.yaml": BY_COUNTY["budget.yaml"]}, "pot_unit"),
        ({**BY_COUNTY, "budget.yaml": BY_COUNTY["budget.yaml"].replace("西县", "南县")}, "南县"),
        (
            {**BY_COUNTY, "hospitals.csv": FILES["hospitals.csv"] + "H3,丙医院,1,1.000000,北县,70,B\n"},
            "the pot of drg there",
        ),
    ],
)
def test_counties_and_unit_go_together(tmp_path: Path, files: dict[str, str], words: str) -> None:
    with pytest.raises(PolicyFaults, match=words):
        village_area(tmp_path / "area", files)
