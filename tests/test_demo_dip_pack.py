"""The demo DIP catalogue: what its sources say, planted means as points, and a city it groups and pays."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from engine.cases.demand import Demand
from engine.cases.load import load_cases
from engine.packs.dip_load import DipPack, load_dip_pack
from fixtures.city_recipes import build_recipes, build_vocabulary
from fixtures.demo_dip_pack import PACK, write_demo_dip
from fixtures.demo_pack import cost_means_fen
from fixtures.demo_source import DEMO, read_source
from grouper.dip_reason import DipReason
from grouper.dip_reference import DipOutcome, DipWalker
from grouper.dip_tables import TYPE_ZH, DipCase, ProcedureType
from grouper.dip_witness import reach_rows
from pointvalue.dip_scoring import CaseKeys, CaseScore, GroupedCase, look_up, score_case
from tests.small_city import small_city

POOLS = ("310", "390")
Record = dict[str, Any]


@dataclass(frozen=True)
class Settled:
    """One discharge of the small city, grouped and scored."""

    record: Record
    outcome: DipOutcome
    score: CaseScore


@pytest.fixture(scope="module")
def pack() -> DipPack:
    return load_dip_pack(DEMO / PACK)


@pytest.fixture(scope="module")
def walker(pack: DipPack) -> DipWalker:
    return DipWalker(pack.tables)


@pytest.fixture(scope="module")
def city(pack: DipPack, walker: DipWalker) -> list[Settled]:
    accepted = load_cases(small_city().case_files, Demand("settle", "strict")).accepted
    return [settle(pack, walker, record) for record in accepted.iter_rows(named=True)]


def settle(pack: DipPack, walker: DipWalker, record: Record) -> Settled:
    keys = CaseKeys(record["fixmedins_code"], record["insutype"], record["setl_ym"])
    price = look_up(pack.scoring.prices, keys, "price")
    case = DipCase(
        setl_id=record["setl_id"],
        diagnoses=tuple(record["diag_codes"]),
        procedures=tuple(record["oprn_codes"] or ()),
        cost_total_fen=record["medfee_sumamt_fen"],
        cost_factor_e6=price.cost_factor_e6,
        basic_cost_factor_e6=price.basic_cost_factor_e6,
        stay_days=(record["discharged_on"] - record["adm_on"]).days,
        age_years=record["age"],
        age_days=record["nwb_age"],
        birth_weight_g=record["nwb_bir_wt"],
        icu_days=None if record["icu_hours"] is None else -(-record["icu_hours"] // 24),
        is_death=record["dscg_way"] == "5",
    )
    out = walker.walk(case)
    grouped = GroupedCase(
        cost_total_fen=record["medfee_sumamt_fen"],
        group_code=out.code,
        base_points_e4=out.base_points_e4,
        auxiliary_factor_e6=out.auxiliary_factor_e6,
        reference_cost_fen=out.reference_cost_fen,
        primary_care_factor_e6=out.group.basic_factor_e6 if out.group is not None and out.is_primary_care else None,
    )
    return Settled(record, out, score_case(pack.scoring, keys, grouped))


def table(stem: str) -> list[dict[str, str]]:
    with (DEMO / PACK / f"{stem}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def walk(walker: DipWalker, dx: list[str], op: list[str] | None = None, **known: int) -> DipOutcome:
    """A patient of 60 who stayed six days, unless told otherwise, at the city's K."""
    k = 13_312_820
    numbers: dict[str, Any] = {"age_years": 60, "stay_days": 6, "cost_total_fen": 10**6} | known
    case = DipCase("1", tuple(dx), tuple(op or ()), cost_factor_e6=k, basic_cost_factor_e6=k, **numbers)
    return walker.walk(case)


def test_the_committed_tables_are_what_the_sources_write(tmp_path: Path) -> None:
    written = {path.relative_to(tmp_path): path.read_bytes() for path in write_demo_dip(tmp_path)}
    for name, content in written.items():
        assert (DEMO / name).read_bytes() == content, f"{name} differs: run python -m fixtures.demo_dip_pack"
    assert {path.relative_to(DEMO) for path in (DEMO / PACK).iterdir()} == set(written), "a table no source writes"


def test_the_catalogue_is_of_a_believable_size_and_says_that_it_is_invented(pack: DipPack) -> None:
    assert 1_500 <= len(pack.tables.groups) <= 3_000
    assert (pack.meta.valid_from, pack.meta.valid_to) == (date(2024, 1, 1), date(2025, 12, 31))
    assert (pack.meta.area, pack.meta.chosen_by) == ("370000", "discharge_date")
    assert "自编" in pack.meta.source.note and "虚构" in pack.meta.source.note


def test_every_row_can_be_reached(pack: DipPack) -> None:
    assert [one.group.code for one in reach_rows(pack.tables) if one.witness is None] == []


def test_every_procedure_of_the_demo_has_a_type_and_every_action_of_exclusion_occurs(pack: DipPack) -> None:
    assert set(pack.tables.procedures) == {one.code for one in read_source().procedures}
    assert {one.type for one in pack.tables.procedures.values()} == set(ProcedureType) - {ProcedureType.CONSERVATIVE}
    actions = {one.action for one in pack.tables.excluded_procedures}
    assert actions == {"drop", "conservative", "not_main", "main_only_if_dx"}


def test_hospital_coefficients_are_those_of_the_policy(pack: DipPack) -> None:
    with (DEMO / "policy" / "hospitals.csv").open(encoding="utf-8", newline="") as stream:
        policy = {row["fixmedins_code"]: Decimal(row["medins_coef"]) for row in csv.DictReader(stream)}
    factors = {one.hospital: Decimal(one.factor_e6) / 10**6 for one in pack.scoring.hospitals}
    assert factors.pop(None) == 1, "a hospital that is not listed has no coefficient"
    assert factors == policy
    assert len(policy) == 20


def test_points_are_the_mean_cost_over_the_city_mean_times_a_thousand() -> None:
    source = read_source()
    city = sum(recipe.share * recipe.mean_fen for recipe in build_recipes(source, build_vocabulary(source))) / 100
    for row in table("group"):
        points, mean = Decimal(row["score"]), Decimal(row["ref_cost"])
        # The city's mean is known to a fen in a million; points have four decimals.
        assert abs(float(points) - float(mean) / city * 1000) < float(points) * 1e-6 + 0.00006, row["code"]


def test_a_row_one_kind_of_case_leads_to_has_the_planted_mean_of_its_groups(pack: DipPack) -> None:
    """A08.0 without procedures is GU2 alone, which splits.txt divides 0.42 : 0.24 : 0.34."""
    means = cost_means_fen(read_source())
    mean = Decimal("0.42") * means["GU20"] + Decimal("0.24") * means["GU23"] + Decimal("0.34") * means["GU25"]
    row = next(one for one in pack.tables.groups if one.code == "A08.0:保守治疗")
    assert row.cost_mean_fen == int(mean.quantize(Decimal(1), ROUND_HALF_UP))


def test_levels_of_the_auxiliary_catalogue_cost_what_their_group_is_planted_with() -> None:
    """M51.2 without procedures is IS1 alone: with complications 0.34 of its cases, without 0.66."""
    means = cost_means_fen(read_source())
    rows = {row["level"]: row for row in table("aux") if row["group_code"] == "M51.2:保守治疗"}
    assert set(rows) == {"中度II级", "轻度I级"}
    assert Decimal(rows["中度II级"]["ref_cost"]) * 100 == means["IS13"]
    assert Decimal(rows["轻度I级"]["ref_cost"]) * 100 == means["IS15"]
    whole = Decimal("0.34") * Decimal(rows["中度II级"]["factor"]) + Decimal("0.66") * Decimal(rows["轻度I级"]["factor"])
    assert abs(whole - 1) < Decimal("0.0001"), "the levels together cost what the row costs"


def test_a_complication_of_the_same_exclusion_table_leaves_the_case_light(walker: DipWalker) -> None:
    levels = {}
    for other in ("A41.900", "J96.000"):
        found = walk(walker, ["J44.100", other]).auxiliary
        assert found is not None
        levels[other] = found.level
    assert levels == {"A41.900": "重度III级", "J96.000": "轻度I级"}


def test_joined_procedures_win_over_one_and_imaging_changes_nothing(walker: DipWalker) -> None:
    both = walk(walker, ["C50.900"], ["85.4300", "40.5100"])
    assert both.group is not None and both.group.main is not None and both.group.main.joins == 1
    bare, imaged = walk(walker, ["J18.900"]), walk(walker, ["J18.900"], ["87.4100", "88.7200"])
    assert bare.code == imaged.code == "J18.9:保守治疗"


def test_an_endoscopy_is_a_row_for_the_stomach_and_nothing_for_the_back(walker: DipWalker) -> None:
    assert walk(walker, ["K25.900"], ["45.1300"]).type is ProcedureType.DIAGNOSTIC
    assert walk(walker, ["M51.200"], ["45.1300"]).code == "M51.2:保守治疗"


def test_at_least_97_of_100_cases_are_grouped_and_the_rest_say_why(city: list[Settled]) -> None:
    reasons = Counter(one.outcome.reason for one in city)
    assert len(city) > 2_000
    assert reasons[DipReason.GROUPED] >= 0.97 * len(city)
    assert set(reasons) == {DipReason.GROUPED, DipReason.PRINCIPAL_DIAGNOSIS_EXCLUDED, DipReason.NO_ROW_FITS}


def test_every_layer_type_and_dimension_occurs(city: list[Settled]) -> None:
    layers = Counter(one.outcome.layer for one in city)
    assert set(layers) == {"核心", "基层", "综合", None}
    assert layers["核心"] > layers["基层"] > layers["综合"] > 0
    comprehensive = {one.outcome.type for one in city if one.outcome.layer == "综合"}
    assert comprehensive == set(TYPE_ZH) - {ProcedureType.INTERVENTIONAL}
    levels = {one.outcome.auxiliary.level for one in city if one.outcome.auxiliary is not None}
    assert levels >= {"轻度I级", "中度II级", "重度III级", "17岁及以下", "18岁及以上", "60天及以下"}
    assert {one.score.label for one in city} >= {"低倍率", "正常倍率", "高倍率"}


def test_primary_care_groups_take_no_hospital_coefficient(city: list[Settled]) -> None:
    basic = {one.score.hospital_coefficient for one in city if one.outcome.layer == "基层"}
    assert basic == {Fraction(95, 100)}
    assert len({one.score.hospital_coefficient for one in city if one.outcome.layer == "核心"}) > 15


@pytest.mark.parametrize("pool", POOLS)
def test_points_at_their_price_come_to_the_cost_of_a_pool(city: list[Settled], pool: str) -> None:
    mine = [one for one in city if one.record["insutype"] == pool]
    paid = sum((one.score.amount_yuan for one in mine), Fraction(0)) * 100
    cost = sum(one.record["medfee_sumamt_fen"] for one in mine)
    assert Fraction(9, 10) < paid / cost < Fraction(11, 10), float(paid / cost)


def test_ungrouped_cases_earn_visibly_less_than_the_mean_case(city: list[Settled]) -> None:
    points = {one.score.points for one in city if one.outcome.group is None}
    assert points == {Fraction(400)}
