"""Special mechanisms one by one: single diseases, bundles, TCM, VBP, counties, sub-budgets, advances, out-of-area."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvalue.advance import AdvanceBar, AdvanceTerms, PoolState, advance_amount, advance_bars
from pointvalue.budget import waterfall
from pointvalue.bundle import package_fen, quota_points_e4, retained_part
from pointvalue.check import check_area
from pointvalue.county import CountyFault, CountyTerms, county_gaps
from pointvalue.model import FixedScheme
from pointvalue.out_of_area import cut_to_fee
from pointvalue.single import PatientPays, SingleBill, SingleDeviation, deviated_fund, single_bill
from pointvalue.sub_budget import (
    Adjustment,
    AdjustReason,
    BudgetFault,
    adjusted_lines,
    adjustment_of,
    divide_budget,
    watch,
)
from pointvalue.tcm import TreatmentFees, same_price_base_e4, tcm_ratio_e6
from pointvalue.terms import SchemeKind
from pointvalue.vbp import vbp_retention
from tests.golden_setting import area_of
from tests.pointvalue_years import golden_area, golden_cases, plain_pool, posted, settle

F = Fraction
BAND = SingleDeviation(F("0.6"), F("0.2"), {})
FENS = st.integers(0, 10**7)
PARTS = st.sampled_from([F(0), F("0.3333"), F("0.5"), F("0.8"), F(1)])


# --- single diseases ------------------------------------------------------------------------------------------------


@given(FENS, FENS, PARTS)
def test_bill_of_a_single_disease_adds_up_to_the_cost(quota, cost, ratio):
    for pays in PatientPays:
        bill = single_bill(quota, ratio, cost, patient_pays=pays)
        assert bill.fund_fen + bill.patient_fen - bill.margin_fen == cost


def test_extras_are_the_patients_and_leave_the_hospitals_margin():
    plain = single_bill(600_000, F("0.8"), 550_000)
    assert single_bill(600_000, F("0.8"), 650_000, extras_fen=100_000) == SingleBill(480_000, 220_000, 50_000)
    assert plain == SingleBill(480_000, 120_000, 50_000)


def test_patient_who_pays_by_cost_pays_nothing_on_what_was_not_spent():
    assert single_bill(600_000, F("0.8"), 500_000, patient_pays=PatientPays.COST) == SingleBill(
        480_000, 100_000, 80_000
    )
    assert single_bill(600_000, F("0.8"), 900_000, patient_pays=PatientPays.COST).patient_fen == 120_000


@given(st.integers(1, 10**6), st.integers(0, 2 * 10**6), PARTS, PARTS)
def test_shared_single_disease_never_falls_when_cost_rises_where_the_saving_is_worth_less_than_the_fund_part(
    quota, cost, ratio, own
):
    """Up to the quota a yuan of cost is paid p and costs 0.6 of a saving: monotone only if p ≥ 0.6."""
    low, high = (deviated_fund(quota, each, ratio, own, BAND) for each in (cost, cost + 1))
    if ratio >= BAND.share or cost >= quota:
        assert low <= high
    elif quota * 8 <= 10 * cost < 10 * (quota - 1):
        assert low >= high


@given(st.integers(1, 10**6), PARTS, PARTS)
def test_shared_single_disease_meets_the_plain_price_at_its_quota(quota, ratio, own):
    plain = single_bill(quota, ratio, quota).fund_fen
    assert deviated_fund(quota, quota, ratio, own, BAND) == plain
    far_over = deviated_fund(quota, 100 * quota, ratio, own, BAND)
    assert far_over == deviated_fund(quota, 2 * quota, ratio, own, BAND)


def test_hospital_without_a_ratio_of_its_own_takes_what_its_cases_show():
    """C041 of H2 stands 10 % over its quota; p̄ is booked ÷ cost of that hospital's cases of the line in the pool."""
    area, cases = golden_area(), golden_cases()
    plain = posted(settle(area, cases)[0].lines)
    mine = [each for each in cases if (each["scheme"], each["hospital"], each["pool"]) == ("single", "H2", "310")]
    one = mine[0]
    one |= {"cost_fen": 4_510_000, "patient_fen": 902_000, "fund_fen": 3_608_000}
    rest = mine[1:]
    cases = [each for each in cases if each not in rest]
    area["schemes"]["single"]["deviation"] = {"share": "0.6", "width": "0.2"}
    shared = posted(settle(area, cases)[0].lines)
    assert plain["310", "H2", "2024", "fixed_standard.single"] == 3_280_000 * len(mine)
    assert shared["310", "H2", "2024", "fixed_standard.single"] == 3_280_000 + F("0.6") * F("0.8") * 410_000
    area["schemes"]["single"]["deviation"]["own_ratio"] = {"H2/310": "0.5"}
    given_ratio = posted(settle(area, cases)[0].lines)
    assert given_ratio["310", "H2", "2024", "fixed_standard.single"] == 3_280_000 + F("0.3") * 410_000


def test_deviation_is_for_single_diseases_and_its_parts_are_shares():
    wide = SingleDeviation(F("1.2"), F("0.2"), {("H1", "310"): F(2)})
    bed = FixedScheme("bed", SchemeKind.BED_DAY, deviation=BAND, fund_ratio={"310": F(1)})
    single = FixedScheme("single", SchemeKind.SINGLE, deviation=wide, fund_ratio={"310": F(1)})
    assert [f.path for f in check_area(area_of(bed, plain_pool(pots=()))) if "deviation" in f.path] == [
        "schemes.bed.deviation"
    ]
    paths = [f.path for f in check_area(area_of(single, plain_pool(pots=()))) if "deviation" in f.path]
    assert paths == ["schemes.single.deviation.share", "schemes.single.deviation.own_ratio.H1/310"]


# --- bundles, bed-days, Chinese medicine, procurement ---------------------------------------------------------------


def test_public_health_money_joins_the_package_where_it_is_bundled():
    assert package_fen(60_000, 80_000) == 4_800_000_000
    assert package_fen(60_000, 80_000, 123_456) == 4_800_123_456
    assert retained_part(F("0.8"), F("0.9")) == F("0.72")


def test_bed_days_as_points_take_no_coefficient_and_are_rounded_once():
    assert quota_points_e4(1_920_000, 1_000_000, 100) == 1_920_000
    assert quota_points_e4(1, 3, 1) == 3_333


def fees(*kinds):
    return TreatmentFees(*(np.array([kind], np.int64) for kind in kinds))


def test_tcm_share_is_rounded_down_so_that_no_case_passes_its_gate_by_rounding():
    assert tcm_ratio_e6(fees(6, 0, 0, 4, 0, 0, 0)).tolist() == [600_000]
    assert tcm_ratio_e6(fees(5_999_999, 0, 0, 4_000_001, 0, 0, 0)).tolist() == [599_999]
    assert tcm_ratio_e6(fees(1, 1, 1, 1, 1, 1, 1)).tolist() == [428_571]
    assert tcm_ratio_e6(fees(0, 0, 0, 0, 0, 0, 0)).tolist() == [-1]


def test_fees_that_are_negative_or_uneven_are_refused_by_name():
    with pytest.raises(ValueError, match="fee surgery: row 0"):
        fees(1, 0, 0, 0, 0, -1, 0)
    with pytest.raises(ValueError, match="fee decoction"):
        TreatmentFees(*(np.zeros(2 if n == 2 else 1, np.int64) for n in range(7)))


def test_same_treatment_at_the_same_price_keeps_the_base_of_the_western_group():
    assert same_price_base_e4(1_234_567, F(1)) == 1_234_567
    assert same_price_base_e4(1_000_001, F("0.5")) == 500_001


def test_nothing_is_retained_and_nothing_taken_back_where_more_was_spent_than_the_base():
    assert vbp_retention(100, 101, F(1), F("0.5")) == 0
    assert vbp_retention(101, 100, F(1), F("0.5")) == 1
    assert vbp_retention(10**8, 4 * 10**7, F("0.6"), F("0.5"), F("0.9")) == 16_200_000


# --- counties, sub-budgets, advances --------------------------------------------------------------------------------


@given(
    st.dictionaries(st.sampled_from("ABCDE"), st.tuples(FENS, FENS), min_size=1),
    PARTS,
    PARTS,
)
def test_county_and_city_bear_a_gap_between_them_to_the_fen(counties, deficit, surplus):
    spent = {name: amounts[0] for name, amounts in counties.items()}
    allotted = {name: amounts[1] for name, amounts in counties.items()}
    found = county_gaps(spent, allotted, CountyTerms(deficit, surplus))
    assert sum(each.county_fen + each.city_fen for each in found.values()) == sum(spent.values()) - sum(
        allotted.values()
    )
    for each in found.values():
        assert min(0, each.gap_fen) <= each.county_fen <= max(0, each.gap_fen)


def test_county_bears_its_part_of_a_deficit_and_keeps_its_part_of_a_surplus():
    found = county_gaps({"东县": 1_100, "西县": 900}, {"东县": 1_000, "西县": 1_000, "南县": 7}, CountyTerms(F("0.3")))
    assert {name: (each.county_fen, each.city_fen) for name, each in found.items()} == {
        "东县": (30, 70),
        "南县": (0, -7),
        "西县": (0, -100),
    }
    kept = county_gaps({"西县": 900}, {"西县": 1_000}, CountyTerms(F("0.3"), F("0.5")))
    assert kept["西县"].county_fen == -50


def test_county_without_an_allotment_and_ratio_that_is_no_share_are_refused():
    with pytest.raises(CountyFault, match="no allotment for 北县"):
        county_gaps({"北县": 1}, {"东县": 1}, CountyTerms(F("0.3")))
    with pytest.raises(CountyFault, match="not between 0 and 1"):
        CountyTerms(F("1.2"))


@given(st.integers(0, 10**12), st.lists(st.integers(1, 99), min_size=1, max_size=6))
def test_parts_of_a_division_add_up_to_the_total(total, sizes):
    shares = {f"part{n}": F(size, sum(sizes)) for n, size in enumerate(sizes)}
    parts = divide_budget(total, shares)
    assert sum(parts.values()) == total
    assert all(abs(parts[name] - share * total) < 1 for name, share in shares.items())


def test_division_that_is_no_whole_and_spend_nobody_planned_are_refused():
    with pytest.raises(BudgetFault, match="add up to 9/10"):
        divide_budget(100, {"inpatient": F("0.7"), "outpatient": F("0.2")})
    with pytest.raises(BudgetFault, match="referred"):
        watch({"local": 100}, {"local": 90, "referred": 1})
    assert {name: part.left_fen for name, part in watch({"local": 100, "referred": 5}, {"local": 90}).items()} == {
        "local": 10,
        "referred": 5,
    }


CHANGES = (
    Adjustment("plan", 500, AdjustReason.PUBLIC_HEALTH),
    Adjustment("plan", -200, AdjustReason.FUND_BALANCE),
    Adjustment("bed_day", 70, AdjustReason.PATIENT_VOLUME),
)


def test_changes_of_the_year_move_the_total_and_the_lines_they_name():
    assert adjustment_of("plan", CHANGES) == 300
    assert adjusted_lines({"bed_day": 100, "single": 40}, CHANGES) == {"bed_day": 170, "single": 40}
    with pytest.raises(BudgetFault, match="single below zero"):
        adjusted_lines({"single": 40}, [Adjustment("single", -41, AdjustReason.POLICY)])


def test_growth_cap_binds_the_plan_and_not_what_the_year_adds():
    pool = plain_pool("drg", plan_fen=2_000, growth_cap=F("0.1"), prior_actual_fen=1_000, adjustment_fen=300)
    assert waterfall(pool).total_fen == 1_100 + 300


def test_advance_is_months_of_the_mean_and_every_bar_is_named():
    terms = AdvanceTerms(F(1), F(12))
    months = [100, 101, 102, 104] * 3
    assert advance_amount(terms, months) == 102
    assert advance_amount(AdvanceTerms(F("0.5"), F(6)), [101]) == 51
    assert advance_amount(terms, []) == 0
    assert advance_bars(terms, PoolState(F(12), 0, 0), months, 0) == ()
    assert advance_bars(terms, PoolState(F("11.9"), -1, -1), months[:11], 1) == tuple(AdvanceBar)


@given(st.lists(st.tuples(st.integers(-(10**6), 10**6), FENS, st.booleans()), min_size=1))
def test_cases_from_elsewhere_are_paid_the_lesser_and_the_others_as_before(rows):
    paid, booked, elsewhere = (np.array(column) for column in zip(*rows, strict=True))
    cut = cut_to_fee(paid.astype(np.int64), booked.astype(np.int64), elsewhere.astype(np.bool_))
    for before, fee, away, less in zip(paid, booked, elsewhere, cut, strict=True):
        assert before - less == (min(before, fee) if away else before)
