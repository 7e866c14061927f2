"""Grouping from bare arrays gives the answers of grouping from frames, case by case."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from engine.cases.load import iter_cases
from engine.cases.read import open_cases
from engine.edition import Edition
from engine.edition_apart import ApartEdition
from engine.edition_dip import DipEdition
from engine.edition_drg import DrgEdition
from engine.editions import Editions, open_edition
from engine.execute import lean_group_dip
from engine.execute.lean import LeanRows
from engine.execute.lean_frame import LeanFrames, lean_rows
from engine.execute.lean_group import LeanGroups, lean_grouping
from engine.execute.lean_group_dip import DipLean
from engine.run_parts import RunOptions, demand_of
from fixtures.dip_profiles import write_profile
from grouper.dip_layout import BASIC_COST_FACTOR, COST_FACTOR, NULL
from pointvalue.dip_score_tables import Price
from tests.shared_data import EDITIONS, EDITIONS_ROOT, needs_shared
from tests.small_city import DEMO, small_city
from tests.test_dip_profiles_flow import NAMES, PROFILES, needs_profiles

CODES = ("K35.800", "I10.x00", "O80.000", "Z37.000", "P07.100", "A41.900", "S72.000", "C34.100", "nonsense", "", None)


Codes = Sequence[str | None]


def accepted(files: list[Path], edition: Edition) -> list[pl.DataFrame]:
    """The accepted rows of some files, as frames that share nothing but their columns."""
    demand = demand_of("group", Editions((edition,), always=True), RunOptions())
    pieces = [piece.accepted for piece in iter_cases(open_cases(files, demand), 20_000)]
    return [piece for piece in pieces if len(piece)]


def same(edition: Edition, frame: pl.DataFrame, got: LeanGroups, mapping: bool | None = None) -> None:
    """Every answer of the arrays is that of the frame."""
    wanted = edition.grouping(mapping)(frame)
    for name in ("status", "reason", "leaf", "severity"):
        assert getattr(got, name).tolist() == wanted[name].to_pylist(), name
    assert (got.status.dtype, got.reason.dtype, got.severity.dtype) == (np.uint8,) * 3
    assert (got.leaf.dtype, got.auxiliary.dtype, got.main.dtype, got.dip_code.dtype) == (np.int32,) * 4
    auxiliary = wanted["auxiliary"].to_numpy() if "auxiliary" in wanted else np.full(len(frame), -1)
    assert np.array_equal(got.auxiliary, auxiliary)
    codes = [None if number < 0 else got.dip_texts[number] for number in got.dip_code.tolist()]
    assert codes == (wanted["dip_code"].to_pylist() if "dip_code" in wanted else [None] * len(frame))
    if edition.kind == "dip":
        shown = wanted["main_oprn_code"].to_pylist()
        lists = frame["oprn_codes"].to_list()
        # Where no procedure counted the first is shown.
        found = [codes[max(place, 0)] if codes else None for codes, place in zip(lists, got.main.tolist(), strict=True)]
        assert [code or None for code in found] == shown


def same_of_all(edition: Edition, frames: list[pl.DataFrame], mapping: bool | None = None) -> None:
    group, arrays = lean_grouping(edition, mapping), LeanFrames()
    assert frames
    for frame in frames:
        same(edition, frame, group(arrays.rows(frame)), mapping)


def city_frames(edition: Edition) -> list[pl.DataFrame]:
    files = [path for month in list(small_city().months.values())[:2] for path in month]
    return accepted(files, edition)


@pytest.mark.parametrize("pack", ["pack_drg", "pack_drg_2024", "pack_dip"])
def test_the_demo_city_has_the_same_answers(pack: str) -> None:
    edition = open_edition(DEMO / pack)
    frames = city_frames(edition)
    same_of_all(edition, [*frames, frames[0].clear(), frames[0].slice(7, 1)])


def drawn(frame: pl.DataFrame, seed: int, known: Codes = (), procedures: Codes = ()) -> pl.DataFrame:
    """The same rows with codes, days and keys drawn anew, among them what is null, blank or unknown."""
    pick, count = random.Random(seed), len(frame)
    known = known or frame["diag_codes"].head(300).explode().to_list()
    procedures = procedures or frame["oprn_codes"].head(300).explode().to_list()
    day = date(2025, 3, 1)

    def some(values: list[object], share: float = 0.2) -> list[object]:
        return [None if pick.random() < share else pick.choice(values) for _ in range(count)]

    def lists(of: list[str | None], least: int) -> list[list[str | None]]:
        return [pick.choices(of, k=pick.choice((least, 1, 2, 3, 8))) for _ in range(count)]

    ages: list[object] = [0, 1, 17, 66, 101]
    days: list[object] = [day - timedelta(days=back) for back in (0, 1, 28, 29, 364, 366, 30_000)]
    return frame.with_columns(
        pl.Series("diag_codes", lists([*known, *CODES], 1), dtype=pl.List(pl.String)),
        pl.Series("oprn_codes", lists([*procedures, "99.9999", "", None], 0), dtype=pl.List(pl.String)),
        pl.Series("born_on", some(days), dtype=pl.Date),
        pl.Series("adm_on", some([day, day + timedelta(days=3)]), dtype=pl.Date),
        pl.Series("discharged_on", some([day + timedelta(days=stay) for stay in (3, 10, 70)]), dtype=pl.Date),
        pl.Series("act_ipt_days", some([1, 5, 61]), dtype=pl.Int32),
        pl.Series("nwb_age", some([0, 5, 28]), dtype=pl.Int32),
        pl.Series("nwb_bir_wt", some([0, 900, 2_500]), dtype=pl.Int32),
        pl.Series("age", some(ages), dtype=pl.Int32),
        pl.Series("dscg_way", some(["1", "5", "9"]), dtype=pl.String),
        pl.Series("insutype", some(["310", "390", "999"]), dtype=pl.String),
        pl.Series("insuplc_admdvs", some(["999900", "110000"], 0.5), dtype=pl.String),
    )


@pytest.mark.parametrize("seed", range(5))
def test_drawn_cases_have_the_same_answers_in_a_catalogue(seed: int) -> None:
    edition = open_edition(DEMO / "pack_dip")
    same_of_all(edition, [drawn(frame, seed) for frame in city_frames(edition)[:1]])


@pytest.mark.parametrize("mapping", [None, True, False])
def test_drawn_codes_have_the_same_answers_in_a_drg_edition(mapping: bool | None) -> None:
    edition = open_edition(DEMO / "pack_drg")
    for seed, frame in enumerate(city_frames(edition)):
        codes = drawn(frame, seed).select("diag_codes", "oprn_codes", "nwb_bir_wt")
        same_of_all(edition, [frame.with_columns(codes)], mapping)


@needs_shared
@pytest.mark.parametrize("name", EDITIONS)
def test_a_real_edition_has_the_same_answers(name: str) -> None:
    edition = open_edition(EDITIONS_ROOT / name)
    assert isinstance(edition, DrgEdition)
    compiled = edition.pack.compiled()
    codes = list(compiled.dx_vocab), list(compiled.op_vocab)
    for mapping in (False, None):
        same_of_all(edition, [drawn(frame, 2, *codes) for frame in city_frames(edition)], mapping)


@needs_profiles
@pytest.mark.parametrize("name", NAMES)
def test_a_catalogue_of_a_city_has_the_same_answers(tmp_path: Path, name: str) -> None:
    write_profile(PROFILES / name, tmp_path / "area")
    edition = open_edition(tmp_path / "area" / "pack")
    frames = accepted([PROFILES / name / "cases.csv"], edition)
    same_of_all(edition, [*frames, *(drawn(frame, 3) for frame in frames)])


def test_columns_no_file_has_count_as_empty() -> None:
    edition = open_edition(DEMO / "pack_dip")
    frame = city_frames(edition)[0].head(500)
    gone = ("adm_on", "born_on", "nwb_bir_wt", "icu_hours", "insuplc_admdvs", "dscg_way", "oprn_codes", "setl_ym")
    kept = [name for name in frame.columns if name not in gone]
    empty = frame.with_columns(pl.lit(None, frame.schema[name]).alias(name) for name in gone if name in frame.columns)
    same(edition, empty, lean_grouping(edition, None)(lean_rows(frame, kept)))


def test_a_number_the_rules_need_and_nobody_has_is_an_error() -> None:
    plain = open_edition(DEMO / "pack_drg")
    assert isinstance(plain, DrgEdition)
    frame = city_frames(plain)[0].head(5)
    first, *others = plain.pack.tables.numeric
    needed = replace(first, null_allowed=False)
    edition = DrgEdition(replace(plain.pack, tables=replace(plain.pack.tables, numeric=(needed, *others))))
    group = lean_grouping(edition, None)
    with pytest.raises(ValueError, match=f"the rules need {needed.name}"):
        group(lean_rows(frame.drop(needed.source)))
    with pytest.raises(ValueError, match=f"5 cases have no {needed.source}"):
        group(lean_rows(frame.with_columns(pl.lit(None, pl.Int32).alias(needed.source))))


def test_a_number_outside_its_vocabulary_never_reaches_a_kernel() -> None:
    edition = open_edition(DEMO / "pack_drg")
    rows = lean_rows(city_frames(edition)[0].head(5))
    rows.lists["diag_codes"].ids[0] = 10**6
    with pytest.raises(AssertionError, match="vocabulary"):
        lean_grouping(edition, None)(rows)


@pytest.mark.parametrize("pack", ["pack_drg", "pack_dip"])
def test_threads_get_the_answers_of_one(pack: str) -> None:
    edition = open_edition(DEMO / pack)
    frames = city_frames(edition)
    arrays, group = LeanFrames(), lean_grouping(edition, None)
    parts: list[LeanRows] = [arrays.rows(frame.slice(at, 50)) for frame in frames for at in range(0, len(frame), 50)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(group, parts))
    leaves = np.concatenate([edition.grouping(None)(frame)["leaf"].to_numpy() for frame in frames])
    assert np.array_equal(np.concatenate([groups.leaf for groups in found]), leaves)


def test_a_scheme_at_its_own_price_has_no_kernel() -> None:
    apart = ApartEdition.__new__(ApartEdition)
    object.__setattr__(apart, "route", type("Route", (), {"kind": "bed_day"})())
    with pytest.raises(TypeError, match="bed_day groups nothing"):
        lean_grouping(apart, None)


def test_comprehensive_codes_are_rewritten_as_in_frames() -> None:
    """Only where a catalogue says so; the demo's does not, so it is told to."""
    plain = open_edition(DEMO / "pack_dip")
    assert isinstance(plain, DipEdition)
    tables = plain.pack.tables
    options = replace(tables.options, comprehensive_code="category_for_range")
    edition = DipEdition(replace(plain.pack, tables=replace(tables, options=options)))
    frame = city_frames(edition)[0]
    same_of_all(edition, [drawn(frame, 1), frame])
    group = edition.grouping(None)
    assert isinstance(group(frame)["dip_code"], pa.Array)


@pytest.mark.parametrize("slots", [1 << 22, 1])
def test_prices_are_found_by_whatever_keys_the_table_tells_apart(monkeypatch: pytest.MonkeyPatch, slots: int) -> None:
    """Also where the keys have too many combinations for a table of them."""
    monkeypatch.setattr(lean_group_dip, "SLOTS_MAX", slots)
    plain = open_edition(DEMO / "pack_dip")
    assert isinstance(plain, DipEdition)
    frame = drawn(city_frames(plain)[0].head(120), 4)
    hospital, month = frame["fixmedins_code"][0], frame["setl_ym"][0]
    prices = (
        Price(cost_factor_e6=1, basic_cost_factor_e6=2),
        Price(insurance="310", cost_factor_e6=3),
        Price(insurance="390", month=month, cost_factor_e6=4, basic_cost_factor_e6=5),
        Price(hospital=hospital, insured_place="110000", cost_factor_e6=6, basic_cost_factor_e6=7),
    )
    edition = DipEdition(replace(plain.pack, scoring=replace(plain.pack.scoring, prices=prices)))
    found = DipLean(edition).numbers(LeanFrames().rows(frame))
    wanted = [edition.case_of(frame.slice(at, 1)) for at in range(len(frame))]
    assert {case.cost_factor_e6 for case in wanted} >= {1, 3}
    for row, name in ((COST_FACTOR, "cost_factor_e6"), (BASIC_COST_FACTOR, "basic_cost_factor_e6")):
        assert found[row].tolist() == [NULL if (k := getattr(case, name)) is None else k for case in wanted]
