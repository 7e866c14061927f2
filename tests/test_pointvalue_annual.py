"""A year under other policies: each mechanism moves what it should, where it should, and nothing else."""

from fractions import Fraction

import pytest

from pointvalue.budget import ClearingStopped
from pointvalue.cases import CaseFault
from pointvalue.classes import score
from pointvalue.fixed import half_up
from pointvalue.provisional import expected_payments
from pointvalue.value import expected_payment
from tests.pointvalue_years import golden_area, golden_cases, posted, settle

F = Fraction


def golden(**change):
    """The contract year with some keys of its `clearing` changed."""
    area = golden_area()
    for key, value in change.items():
        if isinstance(area["clearing"].get(key), dict) and isinstance(value, dict):
            area["clearing"][key] |= value
        else:
            area["clearing"][key] = value
    return area


def lines_of(area, cases=None):
    return posted(settle(area, cases or golden_cases())[0].lines)


def moved(before, after):
    """Lines that differ, as {(pool, hospital, label): difference}."""
    keys = before.keys() | after.keys()
    return {
        (pool, hospital, label): after.get((pool, hospital, period, label), 0)
        - before.get((pool, hospital, period, label), 0)
        for pool, hospital, period, label in keys
        if after.get((pool, hospital, period, label)) != before.get((pool, hospital, period, label))
    }


def cancel(case, value, multiple="2"):
    return {"case": case, "kind": "cancel", "extra_base_multiple": multiple, "pv": value}


# --- audits --------------------------------------------------------------------------------------------------------


def test_recomputed_penalty_stays_in_the_pot_and_raises_the_value():
    area = golden_area()
    area["audits"] = [cancel("C030", "recomputed")]
    result, cases, _, _ = settle(area, golden_cases())
    frozen = settle(golden_area(), golden_cases())[0].pool("310").pots[0]
    pot = result.pool("310").pots[0]
    assert pot.fund_fen == frozen.fund_fen
    assert pot.points_e4 == frozen.points_e4 - 1_110_000 - 3_000_000
    assert pot.value.raw == F(56_505_765 * 100, pot.points_e4)
    (penalty,) = pot.penalties
    assert abs(penalty.amount_fen + 300 * pot.value.published * 100) < 1
    lines = posted(result.lines)
    assert lines["310", "H2", "2024", "audit_points.drg"] == penalty.amount_fen
    assert ("310", "", "2024", "audit_points.drg") not in lines
    row = cases.ids.index("C030")
    assert (result.standard_fen[row], result.fund_part_fen[row]) == (0, -274_152)


def test_released_patient_part_stays_with_the_hospital():
    keep, release = golden_area(), golden_area()
    release["penalties"]["patient_part"] = "release"
    frozen = moved(lines_of(keep), lines_of(release))
    assert frozen["310", "H2", "audit_points.drg"] == 274_152
    assert frozen["310", "", "audit_points.drg"] == -274_152
    for area in (keep, release):
        area["audits"] = [cancel("C030", "recomputed")]
    with_keep, with_release = (settle(area, golden_cases())[0].pool("310").pots[0] for area in (keep, release))
    assert with_keep.patients_fen - with_release.patients_fen == 274_152


def test_frozen_extra_points_of_one_hospital_touch_only_it_and_the_reserve():
    area = golden_area()
    before = lines_of(area)
    area["audits"][0]["extra_base_multiple"] = "5"
    after = moved(before, lines_of(area))
    extra = half_up(3 * 150 * F("122.4845") * 100)
    assert after == {
        ("310", "H2", "audit_points.drg"): -extra,
        ("310", "", "audit_points.drg"): extra,
        ("310", "H2", "carried_to_next_year"): extra,
    }


def test_money_deductions_and_other_lines_have_their_counter_entry():
    area = golden_area()
    before = lines_of(area)
    area["money_lines"] = [
        {"hospital": "H1", "pool": "310", "cause": "audit_money", "amount_fen": 5_000},
        {"hospital": "H3", "pool": "310", "cause": "other", "name": "vbp_retention", "amount_fen": 16_200},
    ]
    assert moved(before, lines_of(area)) == {
        ("310", "H1", "audit_money"): -5_000,
        ("310", "", "audit_money"): 5_000,
        ("310", "H3", "other.vbp_retention"): 16_200,
        ("310", "", "other.vbp_retention"): -16_200,
        ("310", "H3", "carried_to_next_year"): -16_200,
    }


def test_audit_of_a_case_that_is_not_there_or_has_no_points_stops_the_year():
    area = golden_area()
    area["audits"] = [cancel("C999", "frozen")]
    with pytest.raises(ClearingStopped, match="C999"):
        settle(area, golden_cases())
    area["audits"] = [cancel("C045", "frozen")]
    with pytest.raises(ClearingStopped, match="use audit_money"):
        settle(area, golden_cases())


# --- pots ----------------------------------------------------------------------------------------------------------


def test_county_point_values_divide_each_countys_own_fund():
    area = golden_area()
    area["pools"]["390"]["point_value"] = {"unit": "county"}
    area["pools"]["390"]["pots"] = [
        {"scheme": "drg", "county": "A", "ratio": "0.5"},
        {"scheme": "drg", "county": "B", "ratio": "0.2"},
        {"scheme": "dip", "county": "B", "ratio": "0.3"},
    ]
    pools = settle(area, golden_cases())[0]
    first, second, third = pools.pool("390").pots
    assert [pot.label for pot in (first, second, third)] == ["drg.A", "drg.B", "dip.B"]
    assert (first.fund_fen, second.fund_fen, third.fund_fen) == (6_105_541, 2_442_216, 3_663_325)
    assert F(first.points_e4, 10_000) == 105 + F("157.5") + F("262.5") + 155
    assert pools.pool("390").conservation.difference_fen == 0


def test_case_outside_every_pot_stops_the_year_by_name():
    area = golden_area()
    area["pools"]["390"]["pots"] = [{"scheme": "drg", "ratio": "1"}]
    with pytest.raises(CaseFault, match=r"C058.* 0 pots of pool 390"):
        settle(area, golden_cases())


def test_pots_see_the_reserve_the_pots_before_them_left():
    """Both values lie under their lower bound; the first pot takes the reserve, the second finds what is left."""
    area = golden(point_value={"lower": "2"})
    pool = settle(area, golden_cases())[0].pool("310")
    assert pool.pots[0].value.bounded > pool.pots[0].value.raw
    begun = 866_970 - 242_000 - 298_208 - 320_000
    first, second = pool.pots
    assert first.value.bounded == first.value.raw + F(begun * 100, first.points_e4)
    left = begun + first.left.total_fen
    assert 0 < left < 100
    assert second.value.bounded == second.value.raw + F(left * 100, second.points_e4)


def test_exact_value_leaves_no_rounding_line():
    area = golden(point_value={"dp": None})
    result = settle(area, golden_cases())[0]
    for pool in result.pools:
        assert [pot.left.total_fen for pot in pool.pots] == [0, 0]
        assert [pot.value.published for pot in pool.pots] == [pot.value.raw for pot in pool.pots]


@pytest.mark.parametrize("payable", ["minus_patient", "times_ratio"])
def test_total_cost_ratio_pays_the_fund_or_names_the_difference(payable):
    area = golden(point_value={"basis": "total_cost_ratio", "payable": payable, "ratio": "0.8", "dp": None})
    for pool in settle(area, golden_cases())[0].pools:
        for pot in pool.pots:
            if payable == "times_ratio":
                assert pot.standards_fen == pot.fund_fen
                assert pot.left.total_fen == 0
            else:
                assert pot.left.basis_difference_fen == half_up(
                    F(pot.fund_fen) - F(pot.fund_fen, 1) / F("0.8") + pot.patients_fen
                )


def test_negative_cases_are_lifted_to_zero_from_the_reserve():
    before, after = golden_area(), golden(negative_case="floor_zero")
    change = moved(lines_of(before), lines_of(after))
    assert change["390", "H3", "negative_floor.dip"] == 55_401
    assert change["390", "", "negative_floor.dip"] == -55_401
    result, cases, _, _ = settle(after, golden_cases())
    assert result.fund_part_fen[cases.ids.index("C063")] == 0


# --- fixed lines, special cases --------------------------------------------------------------------------------------


def test_variance_of_fixed_lines_may_move_to_the_points():
    area = golden(fixed_variance={"default": "reserve", "single": "points"})
    pool = settle(area, golden_cases())[0].pool("390")
    assert pool.moved_to_points_fen == 66_000
    assert pool.point_fund_fen == 12_525_000 + 66_000
    assert pool.sharing.point_fund_before_fen == 12_591_000


def test_special_case_outside_the_pool_is_a_fixed_line_borne_by_the_points():
    area, cases = golden_area(), golden_cases()
    area["special_case"]["pay"] = "actual_outside_pool"
    next(case for case in cases if "special" in case)["special"] = {"approved_fund_fen": 4_900_000}
    result, columns, scored, _ = settle(area, cases)
    row = columns.ids.index("C013")
    assert (scored.class_id(row), scored.points_e4[row], result.fund_part_fen[row]) == ("special_case", 0, 4_900_000)
    pool = result.pool("310")
    assert pool.fixed_paid_fen["special"] == 4_900_000
    assert pool.point_fund_fen == 50_333_030 - 4_900_000
    assert posted(result.lines)["310", "H1", "2024", "fixed_standard.special"] == 4_900_000


def test_single_disease_without_a_quota_stops_and_names_the_key():
    area = golden_area()
    del area["schemes"]["single"]["quota_fen"]["HIP/II/390"]
    with pytest.raises(CaseFault, match=r"C065.*HIP/II/390"):
        settle(area, golden_cases())


def test_bundle_case_without_a_contract_is_refused():
    area, cases = golden_area(), golden_cases()
    area["schemes"]["mutual"] = {"kind": "bundle"}
    cases[0]["scheme"] = "mutual"
    with pytest.raises(CaseFault, match="0 bundle contracts"):
        settle(area, cases)


def test_negative_point_fund_stops_and_says_what_to_change():
    area = golden_area()
    area["pools"]["390"]["plan_fen"] = 9_000_000
    with pytest.raises(ClearingStopped, match=r"pool 390.*plan_fen"):
        settle(area, golden_cases())


# --- sharing, cash ---------------------------------------------------------------------------------------------------


def test_shortage_falls_on_the_units_that_overran_in_proportion():
    """No reserve at all: bed-day and single disease overran, so their hospitals fill the hole; pots stay untouched."""
    area = golden(sharing=None)
    del area["clearing"]["sharing"]
    area["audits"] = []
    area["pools"]["310"]["reserve"] = {"rate": "0"}
    area["pools"]["310"]["plan_fen"] -= 866_970
    pool = settle(area, golden_cases())[0].pool("310")
    overran = {"bed_day": 242_000, "single": 320_000, "ffs": 298_208, "drg": 9}
    left = 10
    assert pool.shortage_fen == sum(overran.values()) - left
    cuts = {line.hospital: line.amount_fen for line in pool.lines if line.label == "standard_scaled_back"}
    assert cuts[""] == pool.shortage_fen
    assert sum(cuts.values()) == 0
    assert (
        pool.conservation.reserve_left_fen
        == pool.statements["H2"].deposit_forfeited_fen + pool.statements["H3"].deposit_forfeited_fen
    )


def test_growth_cap_cuts_what_lies_above_the_prior_year():
    area = golden(hospital_growth_cap={"rate": "0.1", "prior_fen": {"H1/310": 30_000_001}})
    pool = settle(area, golden_cases())[0].pool("310")
    assert posted(pool.lines)["310", "H1", "2024", "growth_cap_cut"] == 33_000_001 - 34_274_428
    assert pool.shares["H1"].standard_fen == 33_000_001


def test_fixed_lines_join_the_sharing_only_when_named():
    area = golden_area()
    area["clearing"]["sharing"]["also_schemes"] = ["bed_day"]
    pool = settle(area, golden_cases())[0].pool("310")
    assert pool.shares["H2"].standard_fen == 11_578_009 + 2_142_000
    assert pool.shares["H2"].actual_fen == 12_490_058 + 1_997_500 + 518_500


def test_negative_final_is_collected_when_the_policy_says_so():
    statement = settle(golden(negative_final="collect"), golden_cases())[0].pool("310").statements["H2"]
    assert (statement.final_cash_fen, statement.carried_fen) == (-6_986_116, 0)


def test_next_years_base_counts_the_causes_the_policy_names():
    area = golden(next_base_include=["standard", "patient_borne"])
    pool = settle(area, golden_cases())[0].pool("310")
    assert pool.next_year_base_fen == 41_635_543 + 14_870_231 + 799_442 + 4_405_706 - 10_199_377 - 1_178_516


def test_case_set_twice_or_out_of_order_is_refused():
    from pointvalue.annual import clear_year

    _, cases, _, area = settle(golden_area(), golden_cases())
    import numpy as np

    swapped = cases.take(np.array([1, 0], dtype=np.int64))
    with pytest.raises(CaseFault, match="ascend"):
        clear_year(swapped, score(swapped, area), area)


# --- months before clearing ------------------------------------------------------------------------------------------


def test_provisional_payment_is_points_at_the_budget_value_case_by_case():
    _, cases, scored, area = settle(golden_area(), golden_cases())
    standard, fund = expected_payments(cases, scored, area)
    row = cases.ids.index("C001")
    assert (standard[row], fund[row]) == (105 * 12_000, 105 * 12_000 - 167_184)
    assert fund[cases.ids.index("C045")] == 1_632_000
    terms = area.pools[0].point_value
    assert expected_payment(terms, F(120), 1_050_000, 167_184) == (1_260_000, 1_092_816)
