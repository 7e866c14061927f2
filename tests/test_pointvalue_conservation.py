"""Conservation over random years: the fund is closed to the fen whatever the policy, the cases and the fund are."""

import importlib
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fixtures.area_json import read_area
from pointvalue.allocate import SharesDoNotMeetTotal
from pointvalue.budget import ClearingStopped
from pointvalue.invariants import InvariantBroken, prove_pool
from tests.pointvalue_slow_year import SlowYear
from tests.pointvalue_years import golden_area, golden_cases, posted, settle, years

random_years = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def cleared(year):
    """The engine's answer, or None where the year cannot be cleared."""
    try:
        return settle(*year)
    except ClearingStopped:
        return None


@random_years
@given(years())
def test_random_years_agree_with_a_second_clearing_line_by_line(year):
    area, cases = year
    try:
        slow = SlowYear(area, cases)
    except ValueError as stop:
        assert str(stop) == "stop"
        assert cleared(year) is None
        return
    found = cleared(year)
    if found is None:
        assert any(slow.reserve(pool) < 0 for pool in area["pools"])
        return
    result, columns, scored, _ = found
    assert posted(result.lines) == slow.posted()
    for row, case in enumerate(columns.ids):
        assert scored.points_e4[row] == slow.points.get(case, 0) * 10_000
        assert result.fund_part_fen[row] == slow.fund.get(case, 0)


@random_years
@given(years())
def test_paid_withheld_and_carried_equal_the_fund_of_every_pool(year):
    found = cleared(year)
    assume(found is not None)
    for pool in found[0].pools:
        assert pool.conservation.difference_fen == 0
        assert pool.conservation.reserve_left_fen >= 0


@random_years
@given(years(), st.integers(0, 10**6))
def test_shuffled_cases_hospitals_and_schemes_give_the_same_lines(year, seed):
    area, cases = year
    found = cleared(year)
    assume(found is not None)
    mixer = random.Random(seed)
    mixer.shuffle(cases)
    for key in ("hospitals", "schemes", "pools"):
        items = list(area[key].items())
        mixer.shuffle(items)
        area[key] = dict(items)
    assert settle(area, cases)[0].lines == found[0].lines


@random_years
@given(years(), st.sampled_from(["310", "390"]))
def test_each_pool_alone_gives_the_same_lines(year, pool):
    area, cases = year
    found = cleared(year)
    assume(found is not None)
    mine = {case["id"] for case in cases if case["pool"] == pool}
    area["pools"] = {pool: area["pools"][pool]}
    area["contracts"] = [each for each in area["contracts"] if each["pool"] == pool]
    area["audits"] = [each for each in area["audits"] if each["case"] in mine]
    alone = settle(area, [case for case in cases if case["id"] in mine])[0]
    assert alone.lines == tuple(line for line in found[0].lines if line.pool == pool)


def test_any_line_lost_or_changed_by_a_fen_breaks_an_identity():
    area_json = golden_area()
    area_json["clearing"]["negative_case"] = "floor_zero"
    area_json["clearing"]["hospital_growth_cap"] = {"rate": "0", "prior_fen": {"H1/310": 30_000_000}}
    area_json["assessment"]["applies_to"] = ["standard", "surplus", "overspend"]
    area_json["money_lines"] = [{"hospital": "H1", "pool": "310", "cause": "audit_money", "amount_fen": 5}]
    result = settle(area_json, golden_cases())[0]
    area = read_area(area_json)
    assert len({line.cause for line in result.lines}) >= 20
    for pool in area.pools:
        lines = [line for line in result.lines if line.pool == pool.id]
        prove_pool(result.pool(pool.id), pool, lines)
        for place, line in enumerate(lines):
            with pytest.raises(InvariantBroken):
                prove_pool(result.pool(pool.id), pool, lines[:place] + lines[place + 1 :])
            changed = [replace(line, amount_fen=line.amount_fen + 1)]
            with pytest.raises(InvariantBroken):
                prove_pool(result.pool(pool.id), pool, lines[:place] + changed + lines[place + 1 :])


def a_fen_more(amounts):
    return np.r_[amounts[:1] + 1, amounts[1:]]


def a_fen_moved(amounts):
    return np.r_[amounts[:1] + 1, amounts[1:2] - 1, amounts[2:]]


@pytest.mark.parametrize(
    ("place", "mutant"),
    [
        ("pots.allocate_points", lambda real: lambda *given: a_fen_more(real(*given))),
        ("pots.allocate_points", lambda real: lambda *given: a_fen_moved(real(*given))),
        ("pots.pot_total", lambda real: lambda *given: real(*given) + 1),
        ("pots.total", lambda real: lambda column: real(column) - 1),
        ("annual.split_over_pots", lambda real: lambda pool, fund: [each - 1 for each in real(pool, fund)]),
        ("annual.price_fixed_lines", lambda real: lambda view, fund: drop_a_fixed_payment(real(view, fund))),
        ("annual.scale_back", lambda real: lambda pool, shares, reserve: real(pool, shares, reserve + 1)),
        ("cash.half_up", lambda real: lambda value: real(value) + 1),
    ],
)
def test_an_engine_that_loses_or_moves_a_fen_is_stopped(place, mutant, monkeypatch):
    module, name = place.split(".")
    owner = importlib.import_module(f"pointvalue.{module}")
    monkeypatch.setattr(owner, name, mutant(getattr(owner, name)))
    if place in ("annual.price_fixed_lines", "annual.scale_back", "cash.half_up"):
        # These still close the fund: only the second clearing can tell.
        area, cases = golden_area(), golden_cases()
        assert posted(settle(area, cases)[0].lines) != SlowYear(area, cases).posted()
        return
    with pytest.raises((InvariantBroken, SharesDoNotMeetTotal)):
        settle(golden_area(), golden_cases())


def drop_a_fixed_payment(fixed):
    fixed.lines["bed_day"].paid_fen.popitem()
    return fixed


def test_broken_identity_says_which_where_and_how_much():
    result, _, _, area = settle(golden_area(), golden_cases())
    lines = [line for line in result.lines if line.pool == "390" and line.label != "pool_sharing"]
    with pytest.raises(InvariantBroken, match=r"identity 1 fund closed.*pool 390") as broken:
        prove_pool(result.pool("390"), area.pools[1], lines)
    assert (broken.value.identity, broken.value.pool) == ("1 fund closed", "390")
    assert broken.value.expected - broken.value.found == 313_918


# --- edges -----------------------------------------------------------------------------------------------------------


def bare_area(fund_fen, scheme="drg"):
    """One pool with one pot and nothing set aside."""
    area = golden_area()
    area |= {"audits": [], "contracts": [], "advances": {}, "supplier_paid": {}}
    area["clearing"] |= {"reserve": {"rate": "0"}}
    area["pools"] = {
        "310": {
            "plan_fen": fund_fen,
            "outside_fen": {},
            "fixed_lines_fen": {},
            "pots": [{"scheme": scheme, "ratio": "1"}],
        }
    }
    return area


def test_a_year_without_cases_leaves_the_fund_in_the_reserve():
    result = settle(bare_area(1_000), [])[0]
    assert posted(result.lines) == {("310", "", "2024", "pv_bound_spill.drg"): 1_000}


@pytest.mark.parametrize("fund", [0, 1])
@pytest.mark.parametrize("dp", [0, 4, None])
def test_a_fund_of_one_fen_is_closed(fund, dp):
    area = bare_area(fund)
    area["clearing"]["point_value"]["dp"] = dp
    cases = [
        case for case in golden_cases() if case["pool"] == "310" and case["scheme"] == "drg" and case["id"] < "C018"
    ]
    result = settle(area, cases)[0]
    assert result.pool("310").conservation.fund_fen == fund
    assert result.pool("310").conservation.difference_fen == 0


def test_cases_without_points_leave_the_fund_and_keep_the_patients_money():
    cases = [dict(case, base="0") for case in golden_cases() if case["id"] in ("C001", "C002")]
    pool = settle(bare_area(1_000), cases)[0].pool("310")
    assert (pool.pots[0].points_e4, pool.pots[0].standards_fen) == (0, 0)
    assert pool.pots[0].left.bound_spill_fen == 1_000 + 167_184 + 244_544
    assert pool.conservation.difference_fen == 0


def test_one_hospital_alone_gets_the_whole_fund():
    cases = [case for case in golden_cases() if case["hospital"] == "H1" and case["scheme"] == "drg"]
    area = bare_area(30_000_000)
    del area["clearing"]["sharing"]
    area["clearing"]["point_value"]["dp"] = None
    pool = settle(area, [case for case in cases if case["pool"] == "310"])[0].pool("310")
    assert pool.standings["H1"].standard_fund_fen == 30_000_000
    assert pool.conservation.reserve_left_fen == 0


def test_doubling_the_fund_doubles_the_value_where_patients_bear_nothing():
    cases = [
        case for case in golden_cases() if case["pool"] == "310" and case["scheme"] == "drg" and case["id"] < "C018"
    ]
    values = []
    for fund in (10_000_000, 20_000_000):
        area = bare_area(fund)
        area["clearing"]["point_value"] |= {"basis": "fund", "payable": "fund", "dp": None}
        values.append(settle(area, cases)[0].pool("310").pots[0].value.raw)
    assert values[1] == 2 * values[0]
