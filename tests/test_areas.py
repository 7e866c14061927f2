"""The area folders: their policies hold for their years, their demo settles every month and clears."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from engine.area import load_area
from engine.run import clear, presettle
from engine.run_parts import RunOptions, RunResult
from fixtures.area_cases import generate_year
from fixtures.area_tables import tables_of
from fixtures.areas import RECIPE, RecipeError, area_folders, find_area
from pointvalue.lines import RESERVE
from pointvalue.model import BundleContract
from tests.area_years import YEARS, HandCase, loaded, settled_year, small_files, write_cases

AREAS = [area.short for area in area_folders()]
CODES = {"zibo": "370300", "shijiazhuang": "130100", "fuzhou": "350100", "shanwei": "441500", "pingli": "610926"}


def test_areas_are_found_by_their_folders() -> None:
    assert {area.short: area.code for area in area_folders()} == CODES
    for short, code in CODES.items():
        assert find_area(code) == find_area(short) == find_area(f"{short}_{code}")
    with pytest.raises(RecipeError, match="zibo \\(370300\\)"):
        find_area("atlantis")


@pytest.mark.parametrize(("short", "year"), YEARS)
def test_the_policy_of_an_area_holds_for_its_years(short: str, year: int) -> None:
    resolved = loaded(short).for_year(year)
    assert loaded(short).policy.code == CODES[short]
    assert {used.tag for used in resolved.used} <= {"S", "A", "B", "C", "U", "PH"}
    assert resolved.unverified, "an area of invented amounts without one placeholder"


@pytest.mark.parametrize("short", AREAS)
def test_no_hospital_looks_like_a_real_one(short: str) -> None:
    for hospital in loaded(short).for_year(find_area(short).years[0]).area.hospitals:
        assert hospital.code.startswith("HX") and hospital.name.startswith("虚构")


@pytest.mark.parametrize("short", AREAS)
def test_committed_tables_are_what_the_writer_writes(short: str) -> None:
    import tomllib

    area = find_area(short)
    told = tomllib.loads((area.folder / RECIPE).read_text(encoding="utf-8")).get("tables", {})
    for name, text in tables_of(told):
        assert (area.policy / name).read_text(encoding="utf-8") == text, f"{name}: python -m fixtures.area_tables"


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    area = find_area("pingli")
    first, again, other = (generate_year(area, 2020, tmp_path / str(n), 200, seed) for n, seed in enumerate((3, 3, 4)))
    assert [path.read_bytes() for path in first.case_files] == [path.read_bytes() for path in again.case_files]
    assert first.months["202003"].read_bytes() != other.months["202003"].read_bytes()


@pytest.mark.parametrize(("short", "year"), YEARS)
def test_every_month_settles_and_the_year_clears(short: str, year: int) -> None:
    settled = settled_year(short, year)
    files = small_files(short, year)
    assert sorted(settled.months) == list(range(1, 13))
    assert sum(result.counts["in_period"] for result in settled.months.values()) == files.rows
    assert settled.cleared.counts["in_period"] == files.rows
    assert not settled.cleared.counts["rejected"]
    checks = json.loads((settled.cleared.folder / "manifest.json").read_text(encoding="utf-8"))["checks"]
    assert checks["fund_closed_fen.310"] == checks["fund_closed_fen.390"] == 0


@pytest.mark.parametrize(("short", "year"), YEARS)
def test_the_fund_of_each_pool_is_closed_by_its_lines(short: str, year: int) -> None:
    """total + epidemic money + owed at the end = outside + bundles outside + hospitals + owed before + suppliers +
    reserve; what the year opened with comes from last year's clearing on the same shelf."""
    settled, resolved = settled_year(short, year), loaded(short).for_year(year)
    for pool in resolved.area.pools:
        lines = settled.lines.filter(pl.col("insutype") == pool.id)
        ours, theirs = pl.col("fixmedins_code") == RESERVE, pl.col("fixmedins_code") != RESERVE

        def fen(*wanted: pl.Expr, of: pl.DataFrame = lines) -> int:
            return int(of.filter(*wanted)["amount_fen"].sum())

        total = pool.plan_fen
        if pool.growth_cap is not None and pool.prior_actual_fen is not None:
            total = min(total, int(pool.prior_actual_fen * (1 + pool.growth_cap)))
        total += fen(pl.col("cause") == "epidemic_outside") + fen(pl.col("cause") == "carried_to_next_year")
        total += fen(pl.col("cause") == "reserve_brought_forward")
        outside = sum(pool.outside_fen.values()) - fen(pl.col("cause") == "receivable_recovered")
        bundles = [each for each in resolved.area.contracts if isinstance(each, BundleContract)]
        outside += sum(each.outside_fen for each in bundles if each.pool == pool.id)
        hospitals = fen(theirs)
        suppliers = -fen(theirs, pl.col("cause") == "supplier_paid")
        assert total == outside + hospitals + suppliers + fen(ours), pool.id


@pytest.mark.parametrize(("short", "year"), YEARS)
def test_every_scheme_takes_a_case(short: str, year: int) -> None:
    resolved = loaded(short).for_year(year)
    schemes = loaded(short).routed(resolved).schemes
    editions = settled_year(short, year).cleared.mapped.book.ints("edition")
    taken = {schemes[edition] for edition in set(editions.tolist())}
    wanted = {entry.name for entry in resolved.area.schemes}
    if (short, year) == ("shanwei", 2021):
        wanted.remove("drg")
    assert taken == wanted


def test_credit_class_sets_the_monthly_rate() -> None:
    """Class C gets 0.97 of what it declares, class A all of it; nobody's contract falls on these two hospitals."""
    month = settled_year("zibo", 2022).months[3]
    lines = pl.read_parquet(month.folder / "lines.parquet").filter(pl.col("cause") == "prepayment")
    booked = pl.read_parquet(month.folder / "settled.parquet").group_by("fixmedins_code", "insutype").agg(
        pl.col("hifp_pay").sum()
    )  # fmt: skip
    both = lines.join(booked, on=["fixmedins_code", "insutype"])
    for code, hundredths in (("HX3703000006", 97), ("HX3703000003", 100)):
        for row in both.filter(pl.col("fixmedins_code") == code).iter_rows(named=True):
            declared = int(row["hifp_pay"] * 100)
            assert row["amount_fen"] == (declared * hundredths + 50) // 100


def test_growth_cap_binds_the_plan_of_zibo() -> None:
    """A target of the plan: at most 10 % more than last year, which the plan of the example stays under."""
    for pool in loaded("zibo").for_year(2022).area.pools:
        assert pool.prior_actual_fen is not None and pool.growth_cap is not None
        assert str(pool.growth_cap) == "1/10"
        assert pool.plan_fen <= pool.prior_actual_fen * (1 + pool.growth_cap)


def test_lists_hold_as_many_diseases_as_the_plans_say() -> None:
    wanted = {("pingli", "390"): 119, ("pingli", "310"): 111, ("fuzhou", "310"): 600, ("fuzhou", "390"): 600}
    for (short, pool), count in wanted.items():
        year = find_area(short).years[0]
        route = next(route for route in loaded(short).for_year(year).routes if route.diseases)
        assert len({group for group, _, of in route.priced if of == pool}) == count


def test_the_precedents_of_the_plans_stand_in_the_policies() -> None:
    advance = loaded("shanwei").policy.settings["advance"].starts[0]
    assert (advance.on, advance.tag) == (date(2020, 1, 1), "S")
    assert len({hospital for hospital, _ in advance.value}) == 5 and sum(advance.value.values()) == 41_000_000_00
    lines = loaded("pingli").policy.settings["audits"].starts[0]
    assert [decision.amount_fen for decision in lines.value] == [11_008_600_00] and lines.tag == "S"


def test_sub_budgets_are_watched() -> None:
    """Each part is planned; its spend is known, known in part, or said to be unknown and why."""
    for short, year in (("shijiazhuang", 2023), ("fuzhou", 2022), ("shanwei", 2022)):
        found = pl.read_parquet(settled_year(short, year).cleared.folder / "sub_budgets.parquet")
        assert {"in_or_outpatient", "local_or_referred"} <= set(found["division"])
        assert not found["known_from"].str.contains("no meaning").any(), short
        local = found.filter(pl.col("part") == "local")
        assert (local["known_fen"] > 0).all() and (local["planned_fen"] > 0).all()


def test_counties_bear_their_part() -> None:
    """Three tenths of what a county's hospitals got beyond its allotment; nothing of a surplus."""
    found = pl.read_parquet(settled_year("shijiazhuang", 2023).cleared.folder / "county_share.parquet")
    assert set(found["county"]) == {"130100", "130123", "130132"}
    for row in found.iter_rows(named=True):
        gap = row["spent_fen"] - row["allotted_fen"]
        assert row["county_fen"] == (0 if gap <= 0 else (3 * gap + 5) // 10)


def test_share_paid_by_disease_is_reported() -> None:
    found = pl.read_parquet(settled_year("shijiazhuang", 2023).cleared.folder / "kpi.parquet")
    assert found.filter(pl.col("kpi") == "share_by_disease").height == 3


def test_procurement_savings_stay_with_the_hospital() -> None:
    """(180,000 − 120,000) × 0.80 × 0.50 × 0.95 = 22,800; (150,000 − 96,000) × 0.65 × 0.50 × 0.92 = 16,146."""
    lines = settled_year("fuzhou", 2022).lines.filter(pl.col("cause") == "other.vbp_retention")
    ours = lines.filter(pl.col("fixmedins_code") != RESERVE)
    assert dict(ours.select("fixmedins_code", "amount_fen").iter_rows()) == {
        "HX3501000001": 22_800_00, "HX3501000002": 16_146_00,
    }  # fmt: skip


def test_pingli_shares_nothing() -> None:
    resolved = loaded("pingli").for_year(2020)
    assert all(not pool.pots for pool in resolved.area.pools)
    causes = {cause.partition(".")[0] for cause in settled_year("pingli", 2020).lines["cause"]}
    assert not causes & {
        "standard",
        "surplus_returned",
        "overspend_shared",
        "pool_sharing",
        "pv_rounding",
        "pv_bound_spill",
    }


def test_procurement_is_settled_once_a_year() -> None:
    paid = settled_year("pingli", 2020).lines.filter(pl.col("cause") == "supplier_paid")
    assert set(paid["period"]) == {"2020"} and paid["amount_fen"].sum() == -(86_000_00 + 132_000_00)


def test_the_day_before_and_the_day_after_settle_by_different_schemes(tmp_path: Path) -> None:
    """One run of January 2022: two like cases, one discharged on the last day of DIP, one on the first of DRG."""
    cases = [
        HandCase("BEFORE", "HX4415000001", "310", "K25.300", "6000.00", "4500.00", out="2021-12-31", settled="01-05"),
        HandCase("AFTER", "HX4415000001", "310", "K25.300", "6000.00", "4500.00", out="2022-01-01", settled="01-05"),
    ]
    path = write_cases(tmp_path / "cases.csv", 2022, cases)
    result = presettle([path], loaded("shanwei"), 2022, 1, RunOptions(shelf=tmp_path / "runs", profile="strict"))
    grouped = pl.read_parquet(result.folder / "grouped.parquet")
    assert dict(grouped.select("setl_id", "pay_mode").iter_rows()) == {"BEFORE": "DIP", "AFTER": "DRG"}
    year = clear([path], loaded("shanwei"), 2022, RunOptions(shelf=tmp_path / "runs", profile="strict"))
    settled = pl.read_parquet(year.folder / "settled.parquet")
    points = dict(settled.select("setl_id", "base_pt").iter_rows())
    assert str(points["BEFORE"]).startswith("468.0729") and points["AFTER"] < 100
    worth = dict(settled.select("setl_id", "pt_val").iter_rows())
    assert str(worth["BEFORE"]).startswith("13.61"), "what is left of DIP is paid at last year's value"


def rows_without_version(path: Path) -> list[dict[str, object]]:
    """Rows as they would stand under any version of the policy: its digest is part of two names."""
    rows = pl.read_parquet(path).to_dicts()
    digests = [re.sub(r"@[0-9a-f]{12}$", "", str(row.pop("grp_ver", ""))) for row in rows]
    for row, digest in zip(rows, digests, strict=True):
        row.pop("plcy_ver", None)
        row["grp_ver"] = digest
    return rows


def test_a_later_version_moves_no_settled_month(tmp_path: Path) -> None:
    """January under the policy as it stands, and under the same policy with values that start in July."""
    area = tmp_path / "area"
    shutil.copytree(find_area("shanwei").folder, area)
    (tmp_path / "demo").symlink_to(find_area("shanwei").folder.parent / "demo")
    january = [small_files("shanwei", 2022).months["202201"]]

    def settle(name: str) -> RunResult:
        options = RunOptions(shelf=tmp_path / name, profile="strict")
        return presettle(january, load_area(area), 2022, 1, options)

    before = settle("before")
    for name, old, new in (
        ("deposit.yaml", "      2020-01-01: 0.05\n", "      2020-01-01: 0.05\n      2022-07-01: 0.03\n"),
        (
            "case_classes.yaml",
            "      2021-01-01: {drg: 3}\n",
            "      2021-01-01: {drg: 3}\n      2022-07-01: {drg: 2}\n",
        ),
        ("points.yaml", "{drg: weights.csv}\n", "{drg: weights.csv}\n      2022-07-01: {drg: later.csv}\n"),
    ):
        text = (area / "policy" / name).read_text(encoding="utf-8")
        assert old in text, name
        (area / "policy" / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    rows = (area / "policy" / "weights.csv").read_text(encoding="utf-8").splitlines()
    later = [rows[0], *(",".join([*row.split(",")[:1], "50.0000", "6000.00"]) for row in rows[1:])]
    (area / "policy" / "later.csv").write_text("\n".join(later) + "\n", encoding="utf-8")
    after = settle("after")
    assert load_area(area).policy.fingerprint != loaded("shanwei").policy.fingerprint
    for table in ("settled", "lines", "grouped"):
        first, second = (rows_without_version(each.folder / f"{table}.parquet") for each in (before, after))
        assert first == second, table


def test_chinese_medicine_earns_the_same_points(tmp_path: Path) -> None:
    """同病同治同价: a listed disease of Chinese medicine earns 1 × the points of its group; 50.2445 × 0.94 here."""
    cases = [
        HandCase(ward, "HX4415000006", "390", "M51.200", "6000.00", "4500.00", department=ward)
        for ward in ("A50", "A04")
    ]
    path = write_cases(tmp_path / "cases.csv", 2022, cases)
    result = presettle([path], loaded("shanwei"), 2022, 3, RunOptions(shelf=tmp_path / "runs", profile="strict"))
    settled = pl.read_parquet(result.folder / "settled.parquet")
    assert set(settled["class_id"]) == {"tcm_same_price"}
    assert settled["setl_pt"].to_list() == [Decimal("47.2298")] * 2


def test_new_technology_adds_points_in_its_first_year(tmp_path: Path) -> None:
    """The same case with the listed operation and with a neighbour that is not: 30 points × 1.0 in the first year."""
    cases = [
        HandCase("NEW", "HX4415000001", "390", "I25.103", "40000.00", "25000.00", operations="36.0700|00.6600"),
        HandCase("OLD", "HX4415000001", "390", "I25.103", "40000.00", "25000.00", operations="36.0700"),
    ]
    path = write_cases(tmp_path / "cases.csv", 2022, cases)
    result = presettle([path], loaded("shanwei"), 2022, 3, RunOptions(shelf=tmp_path / "runs", profile="strict"))
    points = dict(pl.read_parquet(result.folder / "settled.parquet").select("setl_id", "setl_pt").iter_rows())
    assert points["NEW"] - points["OLD"] == 30


def test_a_second_diagnosis_changes_the_points_of_a_dip_case(tmp_path: Path) -> None:
    """A49.9 has auxiliary rows by complication: alone it is mild, with a counted second diagnosis it is not."""
    cases = [
        HandCase("ALONE", "HX4415000001", "390", "A41.900", "20000.00", "13000.00", days=9, out="03-01"),
        HandCase("SECOND", "HX4415000001", "390", "A41.900|N17.900", "20000.00", "13000.00", days=9, out="03-01"),
    ]
    path = write_cases(tmp_path / "cases.csv", 2021, cases)
    result = presettle([path], loaded("shanwei"), 2021, 3, RunOptions(shelf=tmp_path / "runs", profile="strict"))
    points = dict(pl.read_parquet(result.folder / "settled.parquet").select("setl_id", "setl_pt").iter_rows())
    assert points["SECOND"] > points["ALONE"] > 0
