"""The demo city's policy: complete, honest about itself, and fitting its packs and its year."""

from __future__ import annotations

import re
import shutil
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from engine.packs.load import load_pack
from engine.policy import AreaPolicy, PackGroups, check, load_policy, resolve, show
from fixtures.demo_source import DEMO
from fixtures.national_policy import PoolTotals, write_policy
from pointvalue.budget import waterfall
from pointvalue.model import PointScheme
from pointvalue.terms import Shape, Side

POLICY = DEMO / "policy"
YEAR = 2025


@pytest.fixture(scope="module")
def policy() -> AreaPolicy:
    return load_policy(POLICY)


def drg(policy: AreaPolicy) -> PointScheme:
    (scheme,) = resolve(policy, YEAR).area.schemes
    assert isinstance(scheme, PointScheme)
    return scheme


def test_the_demo_policy_covers_its_packs_from_december_of_the_year_before(policy: AreaPolicy) -> None:
    packs = []
    for scheme, path in policy.pack_paths:
        pack = load_pack(path)
        compiled = pack.compiled()
        both = list(zip(compiled.leaf_code, compiled.leaf_adrg, strict=True))
        assert pack.meta.valid_from is not None and pack.meta.valid_to is not None
        packs.append(
            PackGroups(
                scheme=scheme,
                label=f"{pack.meta.id} {pack.meta.version}",
                groups=frozenset(code for code, adrg in both if adrg != "QY"),
                ambiguous=frozenset(code for code, adrg in both if adrg == "QY"),
                first=pack.meta.valid_from,
                last=pack.meta.valid_to,
            )
        )
    assert sorted(pack.first.year for pack in packs) == [2024, 2025]
    check(policy, packs)


def test_it_settles_two_pools_and_twenty_hospitals_from_one_drg_pot_each(policy: AreaPolicy) -> None:
    area = resolve(policy, YEAR).area
    assert [pool.id for pool in area.pools] == ["310", "390"]
    assert len(area.hospitals) == 20
    assert [[pot.scheme for pot in pool.pots] for pool in area.pools] == [["drg"], ["drg"]]
    assert {hospital.level for hospital in area.hospitals} == {"1", "2", "3"}


def test_the_budget_leaves_most_of_the_plan_for_points_after_a_reserve_of_5_percent(policy: AreaPolicy) -> None:
    for pool in resolve(policy, YEAR).area.pools:
        budget = waterfall(pool)
        assert budget.total_fen == pool.plan_fen  # the growth cap does not bind
        assert budget.reserve_fen * 20 == budget.total_fen
        assert budget.point_fund_fen > budget.total_fen // 2


def test_a_discharge_of_december_has_weights_of_its_own_edition(policy: AreaPolicy) -> None:
    weights = resolve(policy, YEAR).weights["drg"]
    old, new = weights.on(date(2024, 12, 31)), weights.on(date(2025, 1, 1))
    assert old.row("GK19") >= 0 > new.row("GK19")
    assert len(new.groups) > len(old.groups)


def test_one_limit_changes_on_1_july_and_nothing_else(policy: AreaPolicy) -> None:
    before, after = drg(policy).class_sets
    assert after.from_day == (date(2025, 7, 1) - date(1970, 1, 1)).days
    assert before.rules == after.rules
    assert [limit.k for limit in before.k_limits if limit.upto == 100] == [Fraction(3)]
    assert after.k_limits[0].k == Fraction(5, 2)


def test_the_classes_are_the_ones_the_city_describes(policy: AreaPolicy) -> None:
    shapes = {rule.id: rule.shape for rule in drg(policy).class_sets[0].rules}
    assert list(shapes) == [
        *("ungrouped", "ambiguous", "invalid", "incomplete", "day_surgery", "low", "low_normal", "high", "normal")
    ]
    assert (shapes["low"], shapes["low_normal"], shapes["high"]) == (Shape.BY_RATIO, Shape.RAMP_ADD, Shape.LINEAR_ADD)


def test_same_price_groups_exist_in_both_editions(policy: AreaPolicy) -> None:
    weights = resolve(policy, YEAR).weights["drg"]
    groups = drg(policy).same_price_groups
    assert len(groups) >= 5
    assert all(weights.on(day).row(group) >= 0 for group in groups for day in (date(2024, 12, 31), date(2025, 1, 1)))


def test_the_mean_cost_of_the_city_is_what_its_weights_were_measured_against(policy: AreaPolicy) -> None:
    resolved = resolve(policy, YEAR)
    table, mean = resolved.weights["drg"].on(date(2025, 6, 1)), drg(policy).region_mean_fen
    for points_e4, cost_fen in zip(table.base_points_e4, table.cost_mean_fen, strict=True):
        assert abs(points_e4 * mean - cost_fen * 100 * 10_000) <= mean  # within a ten-thousandth of a point


def test_sharing_has_five_tiers_and_an_open_end_on_both_sides(policy: AreaPolicy) -> None:
    sharing = resolve(policy, YEAR).area.pools[0].sharing
    assert sharing is not None
    for side in Side:
        ends = [tier.end for tier in sharing.tiers if tier.side is side]
        assert ends == [Fraction(percent, 100) for percent in (2, 4, 6, 8, 10)] + [None]


def test_every_value_is_tagged_as_a_placeholder_or_unverified_and_says_it_is_no_citys_law(policy: AreaPolicy) -> None:
    resolved = resolve(policy, YEAR)
    assert {used.tag for used in resolved.used} == {"PH", "U"}
    assert all("非任何城市" in used.source for used in resolved.used if not used.is_default)
    for row in show(policy, date(2025, 12, 31)):
        assert row.state != "missing", row.key


def test_every_description_is_chinese(policy: AreaPolicy) -> None:
    for setting in policy.settings.values():
        assert re.search("[\u4e00-\u9fff]", setting.description), setting.param.key


def test_the_folder_may_lie_anywhere_without_becoming_another_policy(policy: AreaPolicy, tmp_path: Path) -> None:
    shutil.copytree(POLICY, tmp_path / "elsewhere")
    assert load_policy(tmp_path / "elsewhere").fingerprint == policy.fingerprint


def test_a_policy_for_another_pack_scales_its_budget_to_the_cases(tmp_path: Path) -> None:
    totals = {"310": PoolTotals(1000, 2_000_000_00, 1_600_000_07), "390": PoolTotals(3000, 3_000_000_00, 2_000_000_00)}
    out = tmp_path / "policy"
    write_policy(out, DEMO / "pack_drg", POLICY / "hospitals.csv", POLICY / "weights_2025.csv", totals)
    derived = load_policy(out)
    resolved = resolve(derived, YEAR)
    for pool in resolved.area.pools:
        wanted = Fraction(99, 100) * totals[pool.id].fund_fen
        assert abs(waterfall(pool).point_fund_fen - wanted) <= 2
    (scheme,) = resolved.area.schemes
    assert isinstance(scheme, PointScheme)
    assert scheme.budget_point_value["310"] == Fraction("133.2151")  # what a point of the demo's weights costs
    assert scheme.region_mean_fen == 13_321_51
    ((name, pack),) = derived.pack_paths
    assert (name, pack.resolve()) == ("drg", (DEMO / "pack_drg").resolve())
    assert all(used.unverified or used.is_default for used in resolved.used)
