"""The demo packs: what their sources say, sound, and split where they claim to split."""

from __future__ import annotations

import csv
import string
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from engine.packs.lint import lint_pack
from engine.packs.load import Pack, load_pack
from fixtures.demo_pack import PACKS, write_demo
from fixtures.demo_source import DEMO, read_source
from grouper.reference import Walker
from grouper.tables import Case

MDC_ORDER = "APYZMNBCDEFGHIJKLOQRSTUVWX"
"""drg-grouping.md §3."""


@pytest.fixture(scope="module")
def packs() -> dict[int, Pack]:
    return {year: load_pack(DEMO / name) for year, name in PACKS.items()}


@pytest.fixture(scope="module")
def walkers(packs: dict[int, Pack]) -> dict[int, Walker]:
    return {year: Walker(pack.tables) for year, pack in packs.items()}


def drg(walker: Walker, dx: Sequence[str], op: Sequence[str] = (), *, leaving: str = "1", **numbers: int) -> str:
    """The group of a woman of 60 who stayed six days, unless told otherwise."""
    known: dict[str, int | None] = {"gender": 2, "age_years": 60, "los_days": 6}
    case = Case("1", tuple(dx), tuple(op), known | numbers, {"leaving_type": leaving, "dept": None})
    return walker.walk(case).drg


def test_the_committed_tables_are_what_the_sources_write(tmp_path: Path) -> None:
    written = {path.relative_to(tmp_path): path.read_bytes() for path in write_demo(tmp_path)}
    for name, content in written.items():
        assert (DEMO / name).read_bytes() == content, f"{name} differs: run python -m fixtures.demo_pack"
    for folder in PACKS.values():
        committed = {path.relative_to(DEMO) for path in (DEMO / folder).iterdir()}
        assert committed == {name for name in written if name.parts[0] == folder}, "a table no source writes"


@pytest.mark.parametrize("year", PACKS)
def test_an_edition_lints_without_errors(packs: dict[int, Pack], year: int) -> None:
    worst = [one for one in lint_pack(packs[year]) if one.severity != "info"]
    # L041: the linter counts DRG leaves alone; the ambiguous nodes have names of their own.
    assert {one.code for one in worst} <= {"L041"}
    assert all(item.where.endswith("QY") for one in worst for item in one.items)


def test_the_editions_meet_at_new_year_and_hold_for_one_area(packs: dict[int, Pack]) -> None:
    assert packs[2024].meta.valid_to is not None and packs[2025].meta.valid_from is not None
    assert (packs[2025].meta.valid_from - packs[2024].meta.valid_to).days == 1
    assert {pack.meta.area for pack in packs.values()} == {"370000"}
    assert packs[2024].fingerprint != packs[2025].fingerprint


@pytest.mark.parametrize("year", PACKS)
def test_all_26_mdcs_stand_in_the_usual_order_each_with_a_group(packs: dict[int, Pack], year: int) -> None:
    nodes = packs[year].tables.nodes
    top = [node.code for node in sorted((n for n in nodes if n.parent_id is None), key=lambda n: n.seq)]
    assert top == [f"MDC{letter}" for letter in MDC_ORDER]
    assert {node.code[0] for node in nodes if node.level == "DRG"} == set(string.ascii_uppercase)


@pytest.mark.parametrize("year", PACKS)
def test_every_code_and_group_has_a_name(packs: dict[int, Pack], year: int) -> None:
    tables, names = packs[year].tables, packs[year].names
    used = {kind: {c for one in tables.lists.values() if one.kind == kind for c in one.codes} for kind in ("dx", "op")}
    assert used["dx"] | set(tables.complications) | set(tables.sites) <= set(names.dx)
    assert used["op"] <= set(names.op)
    for level, known in (("MDC", names.mdc), ("ADRG", names.adrg), ("DRG", names.drg), ("QY", names.drg)):
        assert {node.code for node in tables.nodes if node.level == level} <= set(known), level


def test_the_pack_uses_every_kind_of_test_it_is_meant_to_show(packs: dict[int, Pack]) -> None:
    atoms = {(atom.var, atom.op) for atom in packs[2025].tables.atoms}
    assert {
        ("dx_main", "in"), ("dx_any", "in"), ("op_main", "in"), ("op_any", "in"), ("op_any", "notin"),
        ("op_any", "count"), ("gender", "range"), ("age_years", "range"), ("age_days", "range"),
        ("birth_weight_g", "range"), ("los_days", "range"), ("icu_hours", "range"), ("vent_hours", "range"),
        ("n_sites", "range"), ("leaving_type", "in"), ("has_mcc", "true"), ("has_cc", "true"),
    } <= atoms  # fmt: skip
    levels = {node.level for node in packs[2025].tables.nodes}
    assert "QY" in levels
    assert any(node.level == "DRG" and len(node.code) == 3 for node in packs[2025].tables.nodes)
    assert packs[2025].tables.lists[0].name == "valid_ops"


def test_a_group_is_split_by_age_at_seventeen(walkers: dict[int, Walker]) -> None:
    assert drg(walkers[2025], ["J18.900"], age_years=17) == "ES10"
    assert drg(walkers[2025], ["J18.900"], age_years=18) == "ES15"


@pytest.mark.parametrize(
    ("weight_g", "group"),
    [(1499, "PS19"), (1500, "PS29"), (1999, "PS29"), (2000, "PS39"), (2499, "PS39"), (2500, "PU15")],
)
def test_newborns_are_split_by_birth_weight(walkers: dict[int, Walker], weight_g: int, group: str) -> None:
    assert drg(walkers[2025], ["P07.300"], age_years=0, age_days=3, birth_weight_g=weight_g) == group


def test_a_newborn_of_29_days_is_a_newborn_no_longer(walkers: dict[int, Walker]) -> None:
    assert drg(walkers[2025], ["P59.900"], age_years=0, age_days=28, birth_weight_g=3200) == "PT15"
    assert drg(walkers[2025], ["P59.900"], age_years=0, age_days=29, birth_weight_g=3200) == "PV19"


def test_ventilation_reaches_the_first_chapter_at_96_hours(walkers: dict[int, Walker]) -> None:
    walker = walkers[2025]
    assert drg(walker, ["J96.000"], ["96.7201"], vent_hours=96) == "AH25"
    assert drg(walker, ["J96.000"], ["96.7101"], vent_hours=95) == "EK15"
    assert drg(walker, ["J96.000"], ["96.7201"]) == "EX15", "unknown hours meet no range"


def test_two_joints_count_twice_and_one_joint_once(walkers: dict[int, Walker]) -> None:
    assert drg(walkers[2025], ["M17.000"], ["81.5400", "81.5400x004"]) == "IC19"
    assert drg(walkers[2025], ["M17.000"], ["81.5400", "87.4400"]) == "IC29"


def test_early_death_needs_both_the_leaving_code_and_the_short_stay(walkers: dict[int, Walker]) -> None:
    walker = walkers[2025]
    assert drg(walker, ["I21.900"], leaving="5", los_days=4) == "FR17"
    assert drg(walker, ["I21.900"], leaving="5", los_days=5) == "FR15"
    assert drg(walker, ["I21.900"], leaving="1", los_days=4) == "FR15"


def test_burns_are_split_by_leaving_for_another_hospital(walkers: dict[int, Walker]) -> None:
    assert drg(walkers[2025], ["T31.300"], leaving="2") == "WR18"
    assert drg(walkers[2025], ["T31.300"], leaving="1") == "WR15"


def test_two_injured_sites_make_a_multiple_trauma(walkers: dict[int, Walker]) -> None:
    assert drg(walkers[2025], ["S22.400", "S42.000"]) == "ZZ19", "chest and arm"
    assert drg(walkers[2025], ["S22.400", "S20.200"])[0] == "E", "chest and chest"


def test_a_complication_of_the_same_exclusion_table_does_not_count(walkers: dict[int, Walker]) -> None:
    walker = walkers[2025]
    assert drg(walker, ["J44.100", "A41.900"]) == "ET11"
    assert drg(walker, ["J44.100", "J96.000"]) == "ET15", "respiratory failure goes with the lung disease"


def test_hiv_as_any_diagnosis_leads_to_its_own_chapter(walkers: dict[int, Walker]) -> None:
    assert drg(walkers[2025], ["J18.900", "B24.x00"]) == "YZ19"


def test_unrelated_surgery_is_ambiguous(walkers: dict[int, Walker]) -> None:
    assert drg(walkers[2025], ["J18.900"], ["86.2200"]) == "EQY"


def test_the_edition_of_2024_did_not_know_the_heaviest_diabetes_group(walkers: dict[int, Walker]) -> None:
    heavy = ["E11.900", "A41.900"]
    assert drg(walkers[2024], heavy) == "KS13"
    assert drg(walkers[2025], heavy) == "KS11"


@pytest.mark.parametrize("year", PACKS)
def test_every_group_has_a_weight_and_no_weight_is_left_over(packs: dict[int, Pack], year: int) -> None:
    weights = weight_rows(year)
    assert sorted(weights) == sorted({node.code for node in packs[year].tables.nodes if node.level == "DRG"})


def test_base_points_are_the_group_mean_over_the_city_mean_times_a_hundred() -> None:
    rows = weight_rows(2025)
    ratios = [cost / points for points, cost in rows.values() if points > 100]
    # Points have four decimals, so above 100 points the ratio is known to better than one in a million.
    assert max(ratios) - min(ratios) < max(ratios) / 1_000_000


def test_a_joined_group_of_2024_lies_between_the_groups_it_joins() -> None:
    old, new = weight_rows(2024), weight_rows(2025)
    for adrg, (_, moves) in read_source().changes_2024.items():
        for target in set(moves.values()):
            means = [new[adrg + suffix][1] for suffix, to in moves.items() if to == target]
            assert min(means) <= old[adrg + target][1] <= max(means)


def weight_rows(year: int) -> dict[str, tuple[Decimal, Decimal]]:
    with (DEMO / "policy" / f"weights_{year}.csv").open(encoding="utf-8", newline="") as stream:
        return {r["group_code"]: (Decimal(r["base_points"]), Decimal(r["cost_mean"])) for r in csv.DictReader(stream)}
