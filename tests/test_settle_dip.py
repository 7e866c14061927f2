"""Scores of a casebook's DIP cases against the case-by-case rule, on the small city under varied catalogues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from engine.casebook import Casebook
from engine.cases.demand import Demand
from engine.dip_answers import answer_of, reference_of
from engine.edition_dip import DipEdition
from engine.editions import Editions
from engine.map_cases import map_cases
from engine.packs.dip_load import DipPack, load_dip_pack
from engine.settle_dip import DipScores, score_dip
from fixtures.demo_dip_pack import PACK
from pointvalue.dip_score_tables import CaseKeys, CaseScore, GroupedCase, ScoringError, UngroupedPay
from pointvalue.dip_scoring import score_case
from pointvalue.fixed import E4, E6, half_up
from tests.small_city import DEMO, small_city

Change = Callable[[DipPack], DipPack]


@cache
def book() -> Casebook:
    return map_cases(small_city().case_files[:3], Demand("settle", "strict"), Editions.of(DEMO / PACK)).book


@cache
def catalogue() -> DipPack:
    return load_dip_pack(DEMO / PACK)


def codes(column: str, row: int) -> str | None:
    index, words = book().codes(column)
    return words[index[row]] if index[row] >= 0 else None


def one_by_one(edition: DipEdition, row: int) -> CaseScore:
    """The rule itself: everything looked up for this one case."""
    keys = CaseKeys(
        codes("fixmedins_code", row) or "",
        codes("insutype", row) or "",
        codes("setl_ym", row),
        codes("insuplc_admdvs", row),
    )
    leaf, cost = int(book().ints("leaf")[row]), int(book().ints("medfee_sumamt_fen")[row])
    if leaf < 0:
        return score_case(edition.pack.scoring, keys, GroupedCase(cost))
    answer = answer_of(edition, leaf, int(book().numbers_or("auxiliary", -1)[row]))
    price = edition.price_of(keys.hospital, keys.insurance, keys.month, keys.insured_place)
    case = GroupedCase(
        cost,
        codes("dip_code", row),
        answer.base_points_e4,
        answer.auxiliary_factor_e6,
        reference_of(answer, price),
        answer.basic_factor_e6,
        answer.group_mean_fen,
        answer.is_blank,
    )
    return score_case(edition.pack.scoring, keys, case)


def groups(pack: DipPack, change: Callable[..., object]) -> DipPack:
    """The catalogue with some of its rows changed; the cases keep the rows they were given."""
    changed = tuple(change(at, group) for at, group in enumerate(pack.tables.groups))
    return replace(pack, tables=replace(pack.tables, groups=changed))


def by_level(pack: DipPack) -> DipPack:
    """Every second hospital has a level, and a third of the groups their own coefficient at it."""
    hospitals = tuple(replace(row, level="3" if n % 2 else None) for n, row in enumerate(pack.scoring.hospitals))
    own = {(g.code, "3"): 700_001 + n for n, g in enumerate(pack.tables.groups) if n % 3 == 0}
    return replace(pack, scoring=replace(pack.scoring, hospitals=hospitals, group_factors_e6=own))


def flagged(pack: DipPack) -> DipPack:
    """Primary-care groups by flag, as the national scheme has them, with their own factor and their own K."""
    pack = groups(pack, lambda n, g: replace(g, is_basic=n % 4 == 0, basic_factor_e6=880_000 if n % 8 == 0 else None))
    prices = tuple(replace(price, basic_cost_factor_e6=9_400_000) for price in pack.scoring.prices)
    return replace(pack, scoring=replace(pack.scoring, prices=prices))


def at_cost(pack: DipPack) -> DipPack:
    """A fifth of the groups have score 0; K is not asked for there."""
    return groups(pack, lambda n, g: replace(g, base_points_e4=0) if n % 5 == 0 else g)


def city_mean(pack: DipPack) -> DipPack:
    pay = UngroupedPay("city_mean", 800_000, 1_234_567)
    return replace(pack, scoring=replace(pack.scoring, ungrouped=pay))


CHANGES: dict[str, Change] = {
    "as it is": lambda pack: pack,
    "coefficient by group and level": by_level,
    "flagged primary care": flagged,
    "some at cost": at_cost,
    "ungrouped by the city's mean": city_mean,
    "all of them": lambda pack: city_mean(at_cost(flagged(by_level(pack)))),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_casebook_is_scored_as_its_cases_are_one_by_one(change: Change) -> None:
    edition = DipEdition(change(catalogue()))
    rows = np.arange(len(book()), dtype=np.int64)
    scores = DipScores.empty(len(book()))
    score_dip(book(), edition, rows, scores)
    assert len(rows) > 500
    for row in rows.tolist():
        found = one_by_one(edition, row)
        points = -1 if found.paid_at_cost else half_up(found.points * E4)
        assert int(scores.points_e4[row]) == points
        assert int(scores.coefficient_e6[row]) == half_up(found.hospital_coefficient * E6)
        if book().ints("leaf")[row] >= 0:
            assert scores.labels[scores.label[row]] == found.label


def test_a_group_without_a_score_stops_the_run_and_is_named() -> None:
    pack = groups(catalogue(), lambda _, g: replace(g, base_points_e4=None))
    rows = np.flatnonzero(book().ints("leaf") >= 0)
    with pytest.raises(ScoringError, match="has no score; add it to the group table"):
        score_dip(book(), DipEdition(pack), rows, DipScores.empty(len(book())))


def test_a_case_without_a_price_stops_the_run_and_names_the_row_to_add() -> None:
    pack = replace(catalogue(), scoring=replace(catalogue().scoring, prices=()))
    with pytest.raises(ScoringError, match="table price has no row for hospital"):
        score_dip(book(), DipEdition(pack), np.arange(len(book())), DipScores.empty(len(book())))


def test_a_price_without_k_stops_the_run_unless_no_reference_is_asked_for() -> None:
    prices = tuple(replace(price, cost_factor_e6=None) for price in catalogue().scoring.prices)
    pack = replace(catalogue(), scoring=replace(catalogue().scoring, prices=prices))
    rows = np.flatnonzero(book().ints("leaf") >= 0)
    with pytest.raises(ScoringError, match="no reference cost"):
        score_dip(book(), DipEdition(pack), rows, DipScores.empty(len(book())))
    free = groups(pack, lambda _, g: replace(g, base_points_e4=0))
    free = replace(free, tables=replace(free.tables, auxiliary=()))
    scores = DipScores.empty(len(book()))
    score_dip(book(), DipEdition(free), rows, scores)
    assert set(scores.points_e4[rows].tolist()) == {-1}
