"""What moves what: random years under small changes, and random years against the second clearing."""

import copy
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from fixtures.random_years import Tally, compare, never_seen, random_year, run, settle
from pointvalue.invariants import InvariantBroken, prove
from pointvalue.terms import CASH_CAUSES
from tests.pointvalue_years import golden_area, golden_cases

F = Fraction
SEEDS = range(1, 41)
ROOT = Path(__file__).resolve().parents[1]
CASH = {cause.value for cause in CASH_CAUSES} | {"deposit_forfeited"}


def lines(area, cases):
    result = settle(area, cases)[0]
    assert result is not None
    return posted(result)


def posted(result):
    return {(line.pool, line.hospital, line.period, line.label): line.amount_fen for line in result.lines}


def moved(before, after):
    """Keys of the lines that are not the same."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def small_years(count, size=40):
    """Random years both clearings settle, with their number."""
    found = 0
    for seed in SEEDS:
        area, cases = random_year(seed, size)
        if found < count and settle(area, cases)[0] is not None:
            found += 1
            yield seed, area, cases
    assert found == count


# --- against the second clearing ------------------------------------------------------------------------------------


def test_random_years_have_no_difference_and_exercise_every_shape_and_cause():
    tally = run(years=60, cases=None, seed=10_001)
    assert tally.differences == []
    assert tally.cleared >= 40
    assert never_seen(tally) == []


def test_comparison_notices_one_fen_and_one_point(monkeypatch):
    (_, area, cases), *_ = small_years(1)
    tally = Tally()
    assert list(compare(area, cases, tally)) == []
    spoilt = copy.deepcopy(cases)
    victim = next(case for case in spoilt if case["scheme"] == "drg")
    monkeypatch.setattr("fixtures.random_years.settle", lambda *_: settle(area, spoilt))
    victim["patient_fen"], victim["fund_fen"] = victim["cost_fen"], 0
    victim["base"] = str(F(victim["base"]) + 1)
    assert list(compare(area, cases, tally)) != []


def test_command_counts_and_exits_0_only_without_a_difference():
    given = ["--years", "3", "--seed", "5"]
    ran = subprocess.run(
        [sys.executable, "-m", "fixtures.random_years", *given], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.rstrip().endswith("0 differences")
    assert "3 years" in ran.stdout


def test_same_seed_draws_the_same_year():
    assert random_year(17, 30) == random_year(17, 30)
    assert random_year(17, 30) != random_year(18, 30)


@pytest.mark.slow
def test_a_million_random_cases_have_no_difference():
    tally = run(years=10**6, cases=1_000_000, seed=1)
    assert tally.cases >= 1_000_000
    assert tally.differences == []


# --- what must not matter, and what must ----------------------------------------------------------------------------


def test_coefficient_of_1_is_a_no_op():
    """Every group at the same price, or every coefficient 1: the same lines, whatever the coefficients were."""
    for seed, area, cases in small_years(12):
        same_price, ones = copy.deepcopy(area), copy.deepcopy(area)
        for scheme in ("drg", "dip"):
            groups = sorted({case["group"] for case in cases if case["scheme"] == scheme})
            same_price["schemes"][scheme]["same_price_groups"] = groups
        for hospital in ones["hospitals"].values():
            hospital["coefficient"] = "1.000000"
        plain = [{key: value for key, value in case.items() if key != "coefficient"} for case in cases]
        left, right = settle(same_price, plain)[0], settle(ones, plain)[0]
        assert (left is None) == (right is None), seed
        if left is not None and right is not None:
            assert posted(left) == posted(right), seed


def test_doubling_the_fund_doubles_the_point_value_or_adds_it_once_more():
    """Fund and ratio basis: twice the value. With the patients' money in the numerator: F ÷ Σ points more."""
    for basis, payable in (
        ("fund", "fund"),
        ("total_cost_ratio", "times_ratio"),
        ("total_cost_observed", "minus_patient"),
    ):
        area, cases = one_pot_area(basis, payable)
        values = []
        for fund in (20_000_000, 40_000_000):
            area["pools"]["310"]["plan_fen"] = fund
            values.append(settle(area, cases)[0].pools[0].pots[0])
        once, twice = (pot.value.raw for pot in values)
        if basis == "total_cost_observed":
            assert twice - once == F(20_000_000 * 100, values[0].points_e4)
        else:
            assert twice == 2 * once


def one_pot_area(basis="fund", payable="fund", **pot):
    """The golden pool 310 with its DRG cases alone, nothing set aside, nothing shared."""
    area, cases = golden_area(), golden_cases()
    area |= {"audits": [], "contracts": [], "advances": {}, "supplier_paid": {}}
    area["clearing"] = {
        "reserve": {"rate": "0"},
        "point_value": {"basis": basis, "payable": payable, "ratio": "0.8", "dp": None},
    }
    area["pools"] = {
        "310": {
            "plan_fen": 60_000_000,
            "outside_fen": {},
            "fixed_lines_fen": {},
            "pots": [{"scheme": "drg", "ratio": "1", **pot}],
        }
    }
    mine = [case for case in cases if case["pool"] == "310" and case["scheme"] == "drg" and case["days"] < 60]
    return area, mine


def another(case, **more):
    return {**copy.deepcopy(case), "id": case["id"] + "x", **more}


def test_a_case_more_in_one_pool_moves_no_line_of_another():
    for seed, area, cases in small_years(12):
        one = next(case for case in cases if case["pool"] == "310" and case["scheme"] in ("drg", "dip"))
        after = settle(area, [*cases, another(one)])[0]
        if after is not None:
            touched = moved(posted(settle(area, cases)[0]), posted(after))
            assert {pool for pool, *_ in touched} <= {"310"}, seed


def test_a_case_more_in_a_shared_fund_moves_other_hospitals_by_their_standard_alone():
    area, cases = one_pot_area()
    one = next(case for case in cases if case["hospital"] == "H1")
    touched = moved(lines(area, cases), lines(area, [*cases, another(one)]))
    of_others = {label for _, hospital, _, label in touched if hospital not in ("H1", "")}
    assert of_others - CASH == {"standard.drg"}
    months = {(hospital, period) for _, hospital, period, _ in touched if "-" in period}
    assert months == {("H1", one["settle"][:7])}


def test_a_case_more_at_a_fixed_price_moves_no_other_hospital():
    area, cases = one_pot_area(price="120")
    area["pools"]["310"]["plan_fen"] = 10**9
    one = next(case for case in cases if case["hospital"] == "H2")
    touched = moved(lines(area, cases), lines(area, [*cases, another(one)]))
    assert {hospital for _, hospital, _, _ in touched} == {"H2", ""}
    assert {label for _, hospital, _, label in touched if not hospital} <= {"pv_bound_spill.drg", "deposit_forfeited"}


def test_a_single_disease_more_moves_its_hospital_and_the_reserve():
    area, cases = golden_area(), golden_cases()
    area["clearing"].pop("sharing")
    area["pools"]["390"]["plan_fen"] += 10**8
    one = next(case for case in cases if case["scheme"] == "single" and case["pool"] == "390")
    touched = moved(lines(area, cases), lines(area, [*cases, another(one)]))
    year = {(hospital, label) for _, hospital, period, label in touched if "-" not in period and label not in CASH}
    assert year == {(one["hospital"], "fixed_standard.single"), ("", "fixed_variance.single")}


def test_penalty_item_ties_with_cases_by_its_own_key():
    """At a fen per point: C1 half a fen, the penalty of C2 minus half a fen, C3 one. The fen left goes to C1, not to
    the penalty, because C1 < C2#penalty; a penalty on C0 would come first."""
    for cancelled, expected in (("C2", [1, 0, 1, -1]), ("C0", [0, 0, 1, 0])):
        area, cases = one_pot_area(price="0.01")
        one = next(case for case in cases if case["hospital"] == "H1")
        one |= {"group": area["schemes"]["drg"]["same_price_groups"][0], "cost_fen": one["mean_fen"]}
        one |= {"patient_fen": 0, "fund_fen": one["mean_fen"], "base": "0.5"}
        rows = [{**one, "id": cancelled}, {**one, "id": "C1"}, {**one, "id": "C3", "base": "1"}]
        area["audits"] = [{"case": cancelled, "kind": "cancel", "pv": "recomputed", "extra_base_multiple": "1"}]
        area["clearing"]["point_value"]["dp"] = 4
        result, columns, *_ = settle(area, rows)
        standards = dict(zip(columns.ids, result.standard_fen.tolist(), strict=True))
        (penalty,) = result.pools[0].pots[0].penalties
        assert [standards["C1"], standards[cancelled], standards["C3"], penalty.amount_fen] == expected


def test_an_epidemic_case_more_moves_nothing_of_the_budget():
    area, cases = golden_area(), golden_cases()
    one = next(case for case in cases if case["scheme"] == "epidemic")
    touched = moved(lines(area, cases), lines(area, [*cases, another(one)]))
    year = {(hospital, label) for _, hospital, period, label in touched if "-" not in period and label not in CASH}
    assert year == {(one["hospital"], "epidemic_outside")}


def test_dropping_any_single_posting_line_of_a_random_year_stops_the_run():
    """Nothing of this run may be published: the proof is the last step before its result leaves the engine."""
    for seed, area, cases in small_years(8):
        result, columns, scored, engine_area = settle(area, cases)
        prove(result, columns, scored, engine_area)
        for place, line in enumerate(result.lines):
            without = replace(result, lines=result.lines[:place] + result.lines[place + 1 :])
            with pytest.raises(InvariantBroken):
                prove(without, columns, scored, engine_area)
                pytest.fail(f"seed {seed}: nothing misses {line}")
