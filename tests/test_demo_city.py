"""The generated city: groups come back as planted, faults are found and nothing else, figures are believable."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine.cases.demand import Demand
from engine.cases.encode import Encoder
from engine.cases.load import LoadedCases, load_cases
from engine.packs.load import Pack, load_pack
from fixtures.demo_pack import PACKS, cost_means_fen
from fixtures.demo_source import DEMO, read_source
from fixtures.generate import CityFiles, generate_city
from grouper.drg import group_batch
from grouper.reference import Walker
from grouper.tables import Case

CASES, SEED = 20_000, 7

REJECTION = {
    "duplicate_exact": "V003",
    "duplicate_conflicting": "V004",
    "unreadable_cost": "V007",
    "negative_cost": "V016",
    "discharged_before_admission": "V019",
    "no_principal_diagnosis": "V030",
    "newborn_without_weight": "V036",
    "impossible_sex": "V046",
}
"""Kind of planted fault → the code a strict run must give it."""


@dataclass(frozen=True)
class City:
    files: CityFiles
    loaded: LoadedCases
    planted: pl.DataFrame
    faults: pl.DataFrame
    packs: dict[int, Pack]

    @property
    def grouped(self) -> pl.DataFrame:
        """Accepted cases with the group the kernel gives them under the edition of their discharge year."""
        parts = []
        for year, pack in self.packs.items():
            frame = self.loaded.accepted.filter(pl.col("discharged_on").dt.year() == year)
            answer = group_batch(pack.compiled(), Encoder(pack.compiled(), pack.tables).encode(frame))
            codes = [pack.compiled().leaf_code[leaf] if leaf >= 0 else "0000" for leaf in answer.leaf]
            parts.append(frame.with_columns(group=pl.Series(codes, dtype=pl.String)))
        truth = self.planted.unique("setl_id").select("setl_id", "edition", "drg_code")
        return pl.concat(parts).join(truth, on="setl_id", how="left").sort("setl_id")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    files = generate_city(tmp_path_factory.mktemp("city"), CASES, SEED)
    packs = {year: load_pack(DEMO / name) for year, name in PACKS.items()}
    demand = Demand("settle", "strict")
    for pack in packs.values():
        demand = demand.with_numbers(pack.tables.numeric)
    faults = pl.read_parquet(files.faults).filter(pl.col("file") != files.later.name)
    return City(files, load_cases(files.case_files, demand), pl.read_parquet(files.planted), faults, packs)


def test_cases_group_back_to_the_group_they_were_made_from(city: City) -> None:
    grouped = city.grouped
    same = (grouped["group"] == grouped["drg_code"]).mean()
    assert isinstance(same, float) and same >= 0.999, grouped.filter(pl.col("group") != pl.col("drg_code")).head(5)


def test_the_plain_walk_gives_the_planted_groups_too(city: City) -> None:
    sample = city.grouped.gather_every(len(city.grouped) // 300)
    agreed = 0
    for year, pack in city.packs.items():
        walker = Walker(pack.tables)
        for row in sample.filter(pl.col("edition") == year).iter_rows(named=True):
            numbers = {field.name: row[field.source] for field in pack.tables.numeric}
            text = {name: row[column] for name, column in pack.tables.text_fields.items()}
            case = Case(row["setl_id"], tuple(row["diag_codes"]), tuple(row["oprn_codes"] or ()), numbers, text)
            agreed += walker.walk(case).drg == row["drg_code"]
    assert agreed >= 0.99 * len(sample)


def test_every_case_that_can_be_settled_has_an_edition(city: City) -> None:
    years = city.loaded.accepted["discharged_on"].dt.year()
    assert set(years) == {2024, 2025}
    assert (city.grouped["edition"] == city.grouped["discharged_on"].dt.year()).all()


def test_faults_are_found_each_with_its_code_and_nothing_else_is_rejected(city: City) -> None:
    expected = city.faults.filter(pl.col("fate") == "rejected").select(
        "file", "row", pl.col("kind").replace_strict(REJECTION).alias("code"), "field"
    )
    found = city.loaded.rejected.select("file", "row", "code", "field")
    assert found.sort("file", "row").rows() == expected.sort("file", "row").rows()
    assert set(city.faults["kind"]) >= set(REJECTION), "every kind is planted, however small the city"


def test_faults_of_form_are_repaired_and_the_cases_keep_their_group(city: City) -> None:
    mended = city.faults.filter(pl.col("fate") == "repaired")
    groups = mended.join(city.grouped, on="setl_id", how="inner")
    assert len(groups) == len(mended)
    assert (groups["group"] == groups["drg_code"]).all()
    for kind in ("letter_case", "blanks", "full_width", "decimal_ending"):
        planted = len(mended.filter(pl.col("kind") == kind))
        assert {str(r): n for r, n in city.loaded.repairs.items()}[kind] >= planted > 0


def test_faults_are_rare(city: City) -> None:
    share = len(city.faults) / city.files.rows
    assert 0.003 < share < 0.01


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_city(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        root = generate_city(tmp_path / name, 3_000, seed).root
        files = sorted(path for path in root.rglob("*") if path.is_file())
        digests.append([(p.relative_to(root), hashlib.sha256(p.read_bytes()).digest()) for p in files])
    assert digests[0] == digests[1]
    assert all(one != other for one, other in zip(digests[0], digests[2], strict=True))


def test_files_stand_by_settlement_month_and_the_next_january_stands_apart(city: City) -> None:
    assert list(city.files.months) == [f"2025{month:02}" for month in range(1, 13)]
    assert {path.suffix for path in city.files.case_files} == {".parquet", ".csv", ".xlsx"}
    accepted = city.loaded.accepted
    assert accepted["settled_on"].is_between(date(2025, 1, 1), date(2025, 12, 31)).all()
    assert (accepted["settled_on"].dt.strftime("%Y%m") == accepted["setl_ym"]).all()
    late = pl.read_parquet(city.files.later)
    assert late["dscg_time"].dt.year().unique().to_list() == [2025] and set(late["setl_ym"]) == {"202601"}


def test_money_adds_up_to_the_fen(city: City) -> None:
    frame = pl.read_parquet(city.files.months["202501"][0])
    fen = frame.select(pl.col("medfee_sumamt", "hifp_pay", "psn_part_amt").cast(pl.Decimal(18, 2)))
    assert (fen["medfee_sumamt"] - fen["hifp_pay"] == fen["psn_part_amt"]).all()
    accepted = city.loaded.accepted
    assert (accepted["medfee_sumamt_fen"] == accepted["fund_fen"] + accepted["patient_fen"]).all()


def test_planted_mean_costs_come_back(city: City) -> None:
    means = cost_means_fen(read_source())
    rows = (
        city.grouped.filter(pl.col("edition") == 2025)
        .group_by("drg_code")
        .agg(pl.len().alias("n"), pl.col("medfee_sumamt_fen").mean().alias("mean"))
        .filter(pl.col("n") >= 200)
    )
    ratio = np.array([row["mean"] / means[row["drg_code"]] for row in rows.iter_rows(named=True)])
    # One case spreads about its mean by some 60 %: four standard errors at 200 cases are 17 %.
    assert len(ratio) > 15 and np.abs(ratio - 1).max() < 0.17
    assert abs(ratio.mean() - 1) < 0.02


def test_the_city_looks_like_a_city(city: City) -> None:
    """The shapes of formats.md, each within a margin that a smaller or another city would still meet."""
    frame = city.grouped
    cost = frame["medfee_sumamt_fen"].to_numpy() / 100
    procedures = frame["oprn_codes"].list.len().fill_null(0).to_numpy()
    level_3 = (frame["hi_setl_lv"] == "3").to_numpy()
    employees = (frame["insutype"] == "310").to_numpy()
    fund = frame["fund_fen"].to_numpy() / 100
    sizes = np.sort(frame["drg_code"].value_counts()["count"].to_numpy())[::-1]
    figures = {
        "mean cost, yuan": (cost.mean(), 13_800, 0.10),
        "median cost, yuan": (np.median(cost), 8_000, 0.10),
        "mean stay, days": (frame["act_ipt_days"].mean(), 7.9, 0.10),
        "diagnoses": (frame["diag_codes"].list.len().mean(), 4.0, 0.10),
        "with a procedure": ((procedures > 0).mean(), 0.60, 0.05),
        "procedures where any": (procedures[procedures > 0].mean(), 1.7, 0.05),
        "residents": (1 - employees.mean(), 2 / 3, 0.05),
        "left on advice": ((frame["dscg_way"] == "1").mean(), 0.97, 0.01),
        "level III, cases": (level_3.mean(), 0.50, 0.10),
        "level III, cost": (cost[level_3].sum() / cost.sum(), 2 / 3, 0.10),
        "employee fund share of cost": (fund[employees].sum() / cost[employees].sum(), 0.825 * 0.925, 0.04),
        "resident fund share of cost": (fund[~employees].sum() / cost[~employees].sum(), 0.65 * 0.925, 0.08),
        "largest tenth of the groups": (sizes[: len(sizes) // 10].sum() / sizes.sum(), 0.5, 0.10),
    }
    far = {
        name: (found, wanted) for name, (found, wanted, margin) in figures.items() if abs(found / wanted - 1) > margin
    }
    assert not far
    assert cost.max() > 150_000, "the tail is long"
    groupless = frame["group"].str.ends_with("QY") | (frame["group"] == "0000")
    assert 0.005 < groupless.sum() / len(frame) < 0.02


def test_volume_falls_at_spring_festival_and_lungs_peak_in_winter(city: City) -> None:
    def by_month(frame: pl.DataFrame) -> list[int]:
        return [len(frame.filter(pl.col("setl_ym") == month)) for month in city.files.months]

    every = by_month(city.grouped)
    assert every[1] == min(every) and every[0] > sum(every) / 12
    lungs = by_month(city.grouped.filter(pl.col("group").str.starts_with("E")))
    assert lungs[0] + lungs[10] + lungs[11] > 1.5 * (lungs[5] + lungs[6] + lungs[7])
