"""The pages of the areas: every requirement of the plans is mapped, and what a page names is there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from engine.area import load_area
from engine.policy.catalogue import MECHANISMS, PARAMS
from engine.policy.load import load_policy
from engine.run import clear
from engine.run_parts import RunOptions
from fixtures.areas import AreaFolder, area_folders, find_area
from tests.area_years import HandCase, write_cases

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "areas"
OF_PLAN = {
    "zibo": range(1, 13),
    "fuzhou": range(13, 23),
    "shijiazhuang": (10, 17, *range(23, 29)),
    "shanwei": (10, 17, 18, 19, *range(29, 36)),
    "pingli": (10, *range(36, 43)),
}
"""Which requirements each plan states; a few stand in several plans."""
AREAS = area_folders()


def rows_of(short: str) -> list[list[str]]:
    """Cells of every row of the page's table: number, quote, keys, schemes, remark."""
    text = (PAGES / f"{short}.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_all_forty_two_requirements_are_mapped() -> None:
    found = {short: [int(row[0]) for row in rows_of(short)] for short in OF_PLAN}
    for short, numbers in OF_PLAN.items():
        assert found[short] == list(numbers), short
    assert {number for numbers in found.values() for number in numbers} == set(range(1, 43))


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.short)
def test_every_key_and_scheme_a_page_names_stands_in_the_policy(area: AreaFolder) -> None:
    policy = load_policy(area.policy)
    written = {*policy.settings, *(key.partition(".")[0] for key in policy.settings)}
    schemes = {entry.id for start in policy.settings["area.schemes"].starts for entry in start.value}
    for row in rows_of(area.short):
        assert len(row) == 5 and row[1].startswith("“"), row[0]
        for key in names(row[2]):
            assert key in written, f"{area.short} {row[0]}: {key}"
        for scheme in names(row[3]):
            assert scheme in schemes, f"{area.short} {row[0]}: {scheme}"
        assert names(row[2]), f"{area.short} {row[0]} names no key"


def test_every_test_a_page_names_exists() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_area*.py"))
    for short in OF_PLAN:
        for name in re.findall(r"`(test_\w+)`", (PAGES / f"{short}.md").read_text(encoding="utf-8")):
            assert f"def {name}(" in tests, f"{short}: {name}"


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.short)
def test_every_scheme_of_an_area_is_on_its_page(area: AreaFolder) -> None:
    policy = load_policy(area.policy)
    schemes = {entry.id for start in policy.settings["area.schemes"].starts for entry in start.value}
    assert schemes <= set(names((PAGES / f"{area.short}.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.short)
def test_what_the_plan_says_is_tagged_so_and_names_the_plan(area: AreaFolder) -> None:
    policy = load_policy(area.policy)
    assert policy.settings["area.schemes"].starts[0].tag == "S"
    for setting in policy.settings.values():
        for start in setting.starts:
            assert start.tag != "S" or "“十四五”" in str(start.source), setting.param.key
            assert start.tag != "PH" or "十四五" not in str(start.source), setting.param.key
    assert set(MECHANISMS) and set(PARAMS) >= set(policy.settings)


def copied(tmp_path: Path, short: str) -> Path:
    """A copy of an area beside the demo packs it borrows."""
    area = tmp_path / "area"
    shutil.copytree(find_area(short).folder, area)
    (tmp_path / "demo").symlink_to(find_area(short).folder.parent / "demo")
    return area


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} no longer holds {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_without_its_price_the_pot_of_fuzhou_divides_the_fund(tmp_path: Path) -> None:
    """The way the plan points to: 4,553,500.00 ÷ 0.62 over 0.3271 weights is what a weight is then worth."""
    area = copied(tmp_path, "fuzhou")
    changed(area / "policy" / "budget.yaml", ", price: 13600", "")
    path = write_cases(
        tmp_path / "c.csv", 2022, [HandCase("F1", "HX3501000001", "390", "K29.500", "4000.00", "2600.00")]
    )
    options = RunOptions(shelf=tmp_path / "runs", profile="strict", months="cases")
    settled = pl.read_parquet(clear([path], load_area(area), 2022, options).folder / "settled.parquet")
    # 455,350,000 ÷ 0.62 = 734,435,483.87 fen; ÷ 0.3271 = 22,452,934.39 yuan a weight.
    assert str(settled["pt_val"][0]).startswith("22452934.38") or str(settled["pt_val"][0]).startswith("22452934.39")
    assert int(settled["drg_dip_fund_payamt"][0] * 100) == 455_350_000


def test_a_budget_can_start_in_pingli(tmp_path: Path) -> None:
    """Growth, prices and behaviour become a cap and a change during the year, and the area still clears."""
    area = copied(tmp_path, "pingli")
    changed(
        area / "policy" / "budget.yaml",
        "  reserve_base: total\n",
        """\
  reserve_base: total
  prior_actual:
    unit: CNY
    values:
      2020-01-01: {"310": 20000000.00, "390": 33000000.00}
  growth_cap:
    unit: /1
    values:
      2020-01-01: 0.08
  adjustments:
    unit: CNY
    values:
      2020-01-01:
        - {pool: "390", line: plan, amount: 100000.00, reason: policy}
        - {pool: "390", line: by_item, amount: 100000.00, reason: policy}
""",
    )
    resolved = load_area(area).for_year(2020)
    residents = next(pool for pool in resolved.area.pools if pool.id == "390")
    assert residents.adjustment_fen == 100_000_00
    path = write_cases(tmp_path / "c.csv", 2020, [HandCase("P1", "HX6109260001", "390", "R10.400", "900.00", "500.00")])
    options = RunOptions(shelf=tmp_path / "runs", profile="strict", months="cases")
    result = clear([path], load_area(area), 2020, options)
    assert pl.read_parquet(result.folder / "settled.parquet")["drg_dip_fund_payamt"].to_list()[0] == 500
