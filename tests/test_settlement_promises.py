"""What a settlement promises, one name a promise: cliffs are where the rules put them, money moves only where the rules
say, seniors come first, pools stay apart. That no line can be lost: test_settlement_promises_lines. Where an older test
shows a promise on other ground, the docstring says which."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.random_years import settle
from pointvalue.budget import ClearingStopped
from pointvalue.fixed import half_up
from pointvalue.model import ScoreSlope, ScoreStep
from pointvalue.review import special_quota
from pointvalue.sharing import Standing, hospital_share, scale_back, value_at_score
from pointvalue.terms import CASH_CAUSES, AssessmentOn, Cause, Side
from tests.golden_sharing import sharing_of, tiers
from tests.pointvalue_years import golden_area, golden_cases, plain_pool, unhurried
from tests.promised_years import YEARS, cleared

F = Fraction
Json = dict[str, Any]
Lines = dict[tuple[str, str, str, str], int]


def lines_of(area: Json, cases: list[Json]) -> Lines:
    result = settle(area, cases)[0]
    assert result is not None
    return {(line.pool, line.hospital, line.period, line.label): line.amount_fen for line in result.lines}


def moved(before: Lines, after: Lines) -> set[tuple[str, str, str, str]]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


# --- more cost, more or equal pay: where the rules are monotone ------------------------------------------------------

SHARE = st.sampled_from([F(0), F("0.1"), F("0.5"), F("0.85"), F(1)])
EDGES = [F("0.02"), F("0.05"), F("0.1")]


def ends_with(sharing: Any, standard: int, actual: int, reserve: int, others_claim: Fraction) -> int:
    """What a hospital is entitled to beside another that claims as well, from a reserve that may not reach."""
    pool = plain_pool("drg", sharing=sharing)
    share = hospital_share(pool, Standing("H1", F(95), standard, actual, F(standard), actual, 1))
    other = replace(share, hospital="H2", returned_fen=0, claim_fen=others_claim)
    given = scale_back(pool, [share, other], reserve + share.returned_fen)
    return standard - share.returned_fen + given.shares_fen["H1"]


@unhurried
@given(
    st.tuples(SHARE, SHARE, SHARE, SHARE), st.tuples(SHARE, SHARE, SHARE, SHARE), st.integers(1, 10**7),
    st.lists(st.integers(0, 3 * 10**7), min_size=2, max_size=2), st.integers(0, 10**6), st.fractions(0, 10**6),
)  # fmt: skip
def test_under_marginal_tiers_spending_more_never_costs_a_hospital_nor_earns_more_than_was_spent(
    kept: Any, shared: Any, standard: int, spent: list[int], reserve: int, others: Fraction
) -> None:
    """Beside scaled-back shares as well. Largest remainder may move a single fen; no policy moves more."""
    sharing = sharing_of(tiers(Side.SURPLUS, EDGES, kept), tiers(Side.OVERSPEND, EDGES, shared))
    low, high = sorted(spent)
    before, after = (ends_with(sharing, standard, actual, reserve, others) for actual in (low, high))
    assert -1 <= after - before <= high - low + 1


STANDARDS = (Cause.STANDARD, Cause.FIXED_STANDARD)


def priced(cost: int, rules: list[Json], **case: Any) -> int:
    """What the fund pays for one case of 100 base points and a mean of 10,000.00, at 120 yuan a point."""
    area, (first, *_) = golden_area(), golden_cases()
    area |= {"audits": [], "contracts": [], "advances": {}, "supplier_paid": {}, "money_lines": []}
    area["clearing"] = {"reserve": {"rate": "0"}, "point_value": {"basis": "fund", "payable": "fund", "dp": 4}}
    pots = [{"scheme": "drg", "ratio": "1", "price": "120"}]
    area["pools"] = {"310": {"plan_fen": 10**9, "outside_fen": {}, "fixed_lines_fen": {"ffs": 10**8}, "pots": pots}}
    sets = [{"from": "2024-01-01", "k": "3", "rules": [*rules, {"id": "normal", "shape": "normal"}]}]
    area["schemes"]["drg"]["class_sets"] = sets
    one = {**first, "base": "100", "mean_fen": 1_000_000, "cost_fen": cost, "patient_fen": 0, "fund_fen": cost, **case}
    result = settle(area, [one])[0]
    assert result is not None
    return sum(line.amount_fen for line in result.lines if line.hospital and line.cause in STANDARDS)


RATIO = "cost_ratio"
LOW = {"id": "low", "when": {RATIO: {"below": "0.5"}}, "shape": "by_ratio"}
LOW_40 = {"id": "low", "when": {RATIO: {"below": "0.4", "below_in": True}}, "shape": "by_ratio"}
RAMP = {"id": "ramp", "when": {RATIO: {"above": "0.4", "below": "0.8", "below_in": True}}, "shape": "ramp_add",
        "add": "0.2", "coef": True}  # fmt: skip
HIGH = {"id": "high", "when": {RATIO: {"above": "k"}}, "shape": "linear_add"}


@unhurried
@given(st.lists(st.integers(0, 6_000_000), min_size=2, max_size=2))
def test_a_dearer_case_is_never_paid_less_under_low_line_ramp_and_linear_addition(costs: list[int]) -> None:
    low, high = sorted(costs)
    assert priced(low, [LOW_40, RAMP, HIGH]) <= priced(high, [LOW_40, RAMP, HIGH])


# --- and each cliff where they are not, in money. Points of every shape: test_pointvalue_cliffs -----------------------


def test_cliff_low_limit_half_a_fen_more_cost_doubles_the_pay() -> None:
    """r just under 0.5: 49.9999 points; r = 0.5: 100 points × 1.05."""
    assert priced(499_999, [LOW]) == half_up(F("49.9999") * 12_000) == 599_999
    assert priced(500_000, [LOW]) == 105 * 12_000 == 1_260_000


def test_cliff_low_limit_where_the_ramp_begins() -> None:
    """r = 0.4 belongs to the low class: 40 points; a fen more: (0.4 + 0.2) × 105 points."""
    assert priced(400_000, [LOW_40, RAMP]) == 40 * 12_000
    assert priced(400_001, [LOW_40, RAMP]) == 63 * 12_000 + 1  # 63.0001 points


def test_cliff_high_limit_with_cap_pays_the_cap_at_once() -> None:
    """Above K = 3 the shape `cap` gives 3 × 105 points, where the fen before had 105."""
    cap = {"id": "cap", "when": {RATIO: {"above": "k"}}, "shape": "cap"}
    assert priced(3_000_000, [cap]) == 105 * 12_000
    assert priced(3_000_001, [cap]) == 315 * 12_000


def test_cliff_extreme_case_by_item_is_paid_its_cost_from_one_fen_on() -> None:
    item = {"id": "extreme", "when": {RATIO: {"above": "5"}}, "shape": "ffs"}
    assert priced(5_000_000, [item]) == 105 * 12_000
    assert priced(5_000_001, [item]) == 5_000_001


def test_cliff_days_of_stay_take_the_case_out_of_the_points() -> None:
    outside = {"id": "outside", "when": {"days_from": 60}, "shape": "exclude"}
    assert priced(1_000_000, [outside], days=59) == 1_260_000
    assert priced(1_000_000, [outside], days=60) == 1_000_000


def a_share(actual: int, score: str = "95", **more: Any) -> Any:
    """Step 8 and 9 of a hospital with a standard of 1,000,000.00 yuan."""
    pool = plain_pool("drg", **more)
    return hospital_share(pool, Standing("H1", F(score), 100_000_000, actual, F(100_000_000), actual, 1))


def test_cliff_actual_below_loses_all_that_was_kept() -> None:
    """Spending 85 % keeps 15 % of the standard; spending a fen less keeps nothing and is paid what was spent."""
    sharing = sharing_of(tiers(Side.SURPLUS, [], [1]), tiers(Side.OVERSPEND, [], [0]), actual_below=F("0.85"))
    assert (a_share(85_000_000, sharing=sharing).kept_fen, a_share(85_000_000, sharing=sharing).returned_fen) == (
        15_000_000, 0,
    )  # fmt: skip
    below = a_share(84_999_999, sharing=sharing)
    assert (below.kept_fen, below.returned_fen) == (0, 15_000_001)


STEPS = (ScoreStep(F(90), F(1)), ScoreStep(F(80), F("0.98")), ScoreStep(F(0), F("0.9")))


def test_cliff_assessment_step_takes_two_percent_of_the_standard_for_a_hundredth_of_a_score() -> None:
    terms = {"assessment": STEPS, "assessment_on": frozenset({AssessmentOn.STANDARD})}
    assert a_share(10**8, "90", **terms).cut_standard_fen == 0
    assert a_share(10**8, "89.99", **terms).cut_standard_fen == 2_000_000
    assert a_share(10**8, "79.99", **terms).cut_standard_fen == 10_000_000


def test_cliff_deposit_release_step() -> None:
    """The contract year's table releases all from 90 points and nine tenths from 80."""
    released = []
    for score in (90, 89):
        area = golden_area()
        area["hospitals"]["H1"]["score"] = score
        released.append(lines_of(area, golden_cases())["310", "H1", "2024", "quality_deposit"])
    assert released[1] == half_up(F("0.9") * released[0]) < released[0]
    slope = ScoreSlope(F(90), F("0.01"))
    assert [value_at_score(slope, F(score), "release") for score in ("90", "89.99")] == [1, F("0.9999")]


def test_cliff_quota_of_a_single_disease_by_hospital_level() -> None:
    """The same disease at a level III and at a level II hospital: 43,000.00 and 41,000.00 × 0.8."""
    paid = []
    for level in ("III", "II"):
        area = golden_area()
        cases = [case for case in golden_cases() if case["scheme"] == "single" and case["group"] == "HIP"]
        one = next(case for case in cases if case["pool"] == "310")
        area["hospitals"][one["hospital"]]["level"] = level
        area["pools"]["310"]["plan_fen"] += 10**8
        paid.append(lines_of(area, [*golden_cases(), {**one, "id": "X"}]))
        paid[-1] = {key: amount for key, amount in paid[-1].items() if key[3] == "fixed_standard.single"}
    three, two = (amounts["310", one["hospital"], "2024", "fixed_standard.single"] for amounts in paid)
    count = 1 + sum(case["group"] == "HIP" and (case["pool"], case["hospital"]) == ("310", one["hospital"])
                    for case in golden_cases() if case["scheme"] == "single")  # fmt: skip
    assert three - two == count * half_up(F("0.8") * 200_000)


def test_cliff_quota_of_reviewed_cases_opens_one_case_at_a_time() -> None:
    """5 ‰ of 199 discharges are none, of 200 one."""
    assert [special_quota(count, F("0.005")) for count in (199, 200)] == [0, 1]


# --- fund, coefficient, one case more --------------------------------------------------------------------------------


@unhurried
@given(st.integers(1, 10**10), st.sampled_from([("fund", "fund"), ("total_cost_ratio", "times_ratio")]))
def test_doubling_a_fund_doubles_the_point_value_of_every_pot_of_it(fund: int, basis: tuple[str, str]) -> None:
    """Where no money but the fund's is divided; with patients' money in it: test_pointvalue_properties."""
    area, cases = golden_area(), golden_cases()
    area |= {"audits": [], "contracts": [], "advances": {}, "supplier_paid": {}}
    point_value = {"basis": basis[0], "payable": basis[1], "ratio": "0.8", "dp": None}
    area["clearing"] = {"reserve": {"rate": "0"}, "point_value": point_value, "negative_final": "collect"}
    mine = [case for case in cases if case["scheme"] in ("drg", "dip") and case["days"] < 60]
    pots = []
    for plan in (2 * fund, 4 * fund):
        for pool in ("310", "390"):
            split = [{"scheme": scheme, "ratio": "0.5"} for scheme in ("drg", "dip")]
            area["pools"][pool] = {"plan_fen": plan, "outside_fen": {}, "fixed_lines_fen": {}, "pots": split}
        result = settle(area, mine)[0]
        assert result is not None
        pots.append([pot for pool in result.pools for pot in pool.pots])
    assert len(pots[0]) == 4
    for once, twice in zip(*pots, strict=True):
        assert twice.value.raw == 2 * once.value.raw > 0
        assert (twice.value.published, twice.standards_fen) == (2 * once.value.published, 2 * once.standards_fen)


def test_coefficient_1_is_a_no_op_for_every_class_of_the_contract_year() -> None:
    """Coefficient 1 for all against every group at the same price. Random years: test_pointvalue_properties; from
    files: test_settlement_promises_lines."""
    ones, same_price = golden_area(), golden_area()
    for hospital in ones["hospitals"].values():
        hospital["coefficient"] = "1"
    for scheme in ("drg", "dip"):
        groups = {case["group"] for case in golden_cases() if case["scheme"] == scheme}
        same_price["schemes"][scheme]["same_price_groups"] = sorted(groups)
    assert (
        lines_of(ones, golden_cases())
        == lines_of(same_price, golden_cases())
        != lines_of(golden_area(), golden_cases())
    )


CASH = {cause.value for cause in CASH_CAUSES} | {"deposit_forfeited"}
OF_TIERS = {"surplus_returned", "overspend_shared"}


@pytest.mark.parametrize(
    ("scheme", "own", "others", "reserve"),
    [
        ("drg", {"standard.drg", "patient_borne.drg"}, {"standard.drg"}, {"pv_rounding.drg"}),
        ("dip", {"standard.dip", "patient_borne.dip"}, {"standard.dip"}, {"pv_rounding.dip"}),
        ("bed_day", {"fixed_standard.bed_day"}, set(), {"fixed_variance.bed_day"}),
        ("single", {"fixed_standard.single"}, set(), {"fixed_variance.single"}),
        ("epidemic", {"epidemic_outside"}, set(), set()),
    ],
)  # fmt: skip
def test_one_case_more_moves_only_what_the_rules_say(
    scheme: str, own: set[str], others: set[str], reserve: set[str]
) -> None:
    """Its pot's point value moves the standards of that pot; a fixed price moves its own line and the reserve's. Tiers
    and cash follow. The other pot, the other pool and other hospitals' months stay as they were."""
    area, cases = golden_area(), golden_cases()
    area["monthly"]["quota"], area["audits"] = {}, []
    area["pools"]["310"] |= {"plan_fen": 10**8, "reserve": {"rate": "0.1"}}
    one = next(case for case in cases if (case["scheme"], case["pool"]) == (scheme, "310") and case["days"] < 60)
    touched = moved(lines_of(area, cases), lines_of(area, [*cases, {**copy.deepcopy(one), "id": one["id"] + "x"}]))
    mine = one["hospital"]
    assert {pool for pool, *_ in touched} == {"310"}
    months = {(hospital, period) for _, hospital, period, _ in touched if "-" in period}
    assert months == {(mine, one["settle"][:7])}
    labels = {who: {label for _, hospital, period, label in touched if "-" not in period and picked(hospital)} - CASH
              for who, picked in {"own": lambda h: h == mine, "reserve": lambda h: not h,
                                  "others": lambda h: h not in ("", mine)}.items()}  # fmt: skip
    assert own <= labels["own"] <= own | OF_TIERS
    assert labels["reserve"] - OF_TIERS <= reserve
    assert others <= labels["others"] <= others | OF_TIERS


# --- seniors first, pools apart --------------------------------------------------------------------------------------

JUNIOR = {Cause.OVERSPEND_SHARED, Cause.AUDIT_POINTS, Cause.AUDIT_MONEY, Cause.OTHER, Cause.DEPOSIT_FORFEITED}


@pytest.mark.parametrize("name", YEARS)
def test_shares_are_paid_from_what_senior_claims_left_and_from_nothing_else(name: str) -> None:
    """The reserve after fixed lines, pool sharing, point values, floors, cuts and returns; no penalty, no forfeit."""
    for pool in cleared(name)[0].pools:
        reserve = [line for line in pool.lines if not line.hospital]
        left = sum(line.amount_fen for line in reserve if line.cause not in JUNIOR)
        shared = sum(line.amount_fen for line in pool.lines if line.hospital and line.cause is Cause.OVERSPEND_SHARED)
        assert pool.scale_back.available_fen == max(0, left)
        assert shared == min(half_up(pool.scale_back.claims_fen), max(0, left))


def test_claims_however_large_move_no_standard_no_return_and_no_deposit() -> None:
    """All of every overspend claimed instead of none: shares, their scaling and the cash that follows, nothing more."""
    areas = [golden_area(), golden_area()]
    for area, share in zip(areas, ("0", "1"), strict=True):
        for tier in area["clearing"]["sharing"]["tiers"]:
            tier["share"] = share if tier["side"] == "overspend" else tier["share"]
    before, after = (lines_of(area, golden_cases()) for area in areas)
    assert {label for *_, label in moved(before, after)} == {"overspend_shared", "carried_to_next_year"}
    given = settle(areas[1], golden_cases())[0]
    assert given is not None and 0 < given.pool("310").scale_back.k < 1
    shares = {key: amount for key, amount in after.items() if key[3] == "overspend_shared" and key[0] == "310"}
    assert sum(shares.values()) == 0 and shares["310", "", "2024", "overspend_shared"] == -353_273


def test_with_an_empty_reserve_standards_are_paid_in_full_and_shares_not_at_all() -> None:
    area = golden_area()
    area["clearing"]["sharing"]["tiers"] = [
        {"side": side, "from": "0", "to": None, "share": "1"} for side in ("overspend", "surplus")
    ]
    area["clearing"]["reserve"]["for_shares"] = "0"
    result = settle(area, golden_cases())[0]
    assert result is not None
    for pool in result.pools:
        assert (pool.scale_back.available_fen, set(pool.scale_back.shares_fen.values())) == (0, {0})
        assert not any(line.cause is Cause.STANDARD_SCALED_BACK for line in pool.lines)


def test_a_shortage_is_borne_by_standards_before_any_share_is_paid() -> None:
    """The scaled-back year with tiers that would share everything: what was cut from standards is what was missing, and
    of the reserve nothing was there for shares but what hospitals returned afterwards."""
    area = YEARS["without reserve"]()
    area["clearing"]["sharing"] = golden_area()["clearing"]["sharing"]
    result = settle(area, golden_cases())[0]
    assert result is not None
    pool = result.pool("310")
    sums = {
        cause: sum(line.amount_fen for line in pool.lines if line.hospital and line.cause is cause) for cause in Cause
    }
    assert pool.shortage_fen == -sums[Cause.STANDARD_SCALED_BACK] > 0
    assert sums[Cause.OVERSPEND_SHARED] <= -sums[Cause.SURPLUS_RETURNED]


def test_employee_and_resident_funds_never_offset_each_other() -> None:
    """A resident fund cut to the bone and one with money to spare: no line of the employee pool moves by a fen."""
    lines = []
    for plan in (None, 23_500_000 + 10**9):
        area = golden_area()
        if plan:
            area["pools"]["390"]["plan_fen"] = plan
        lines.append({key: amount for key, amount in lines_of(area, golden_cases()).items() if key[0] == "310"})
    area = golden_area()
    area["pools"]["390"] |= {"reserve": {"rate": "0"}, "plan_fen": 10_200_000}
    lines.append({key: amount for key, amount in lines_of(area, golden_cases()).items() if key[0] == "310"})
    assert lines[0] == lines[1] == lines[2]


def test_a_hospital_in_debt_to_one_pool_is_still_paid_by_the_other() -> None:
    """H2 overspent in 310 and owes 69,861.16 there; in 390 it saved and is paid, not set off."""
    result = cleared("as contracted")[0]
    employee, resident = (result.pool(pool).statements["H2"] for pool in ("310", "390"))
    assert (employee.final_fen, employee.final_cash_fen, employee.carried_fen) == (-6_986_116, 0, 6_986_116)
    assert resident.final_cash_fen == resident.final_fen + resident.carried_fen >= 0
    assert result.pool("310").scale_back.shares_fen["H2"] > 0
    assert result.pool("390").shares["H2"].returned_fen == 67_656


def test_what_no_pool_has_is_refused_rather_than_lent_by_another() -> None:
    area = golden_area()
    area["pools"]["390"]["plan_fen"] = 9_000_000
    with pytest.raises(ClearingStopped, match="pool 390"):
        lines_of_or_stop(area)


def lines_of_or_stop(area: Json) -> None:
    from tests.pointvalue_years import settle as settle_or_stop

    settle_or_stop(area, golden_cases())
