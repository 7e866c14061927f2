"""The worked examples of the settlement rules (G1 to G12, H1 and on) and the single steps of clearing."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from pointvalue.allocate import allocate
from pointvalue.budget import ClearingStopped, sharing_adjustment, waterfall
from pointvalue.fixed import exact, half_up
from pointvalue.model import (
    BedDayTier,
    BundleContract,
    CapitationContract,
    GrowthCap,
    PointValueTerms,
    PoolSharing,
    ReserveTerms,
    ScoreSlope,
    ScoreStep,
    Sharing,
    SharingTier,
)  # fmt: skip
from pointvalue.sharing import Standing, growth_cut, hospital_share, scale_back, tier_sum, value_at_score
from pointvalue.special import _tiered_days, bundle_payment, contract_amount
from pointvalue.terms import (
    AssessmentOn,
    Basis,
    Payable,
    ReserveBase,
    RoundingMode,
    SharingAmount,
    SharingDenominator,
    Side,
)  # fmt: skip
from pointvalue.value import find_value, pot_left, pot_total
from tests.pointvalue_years import CONTRACT, plain_pool

F = Fraction
GOLDEN = json.loads((CONTRACT / "settlement-golden.json").read_text(encoding="utf-8"), parse_float=str)
GOLDEN_2 = json.loads((CONTRACT / "settlement-golden-2.json").read_text(encoding="utf-8"), parse_float=str)


def fen(yuan):
    """Fen of an amount in yuan, as the examples give it."""
    return int(F(str(yuan)) * 100)


# --- G1, G7: budget -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("base", "key"), [(ReserveBase.TOTAL, "out"), (ReserveBase.CASE_BASED, "alt")])
def test_waterfall_as_in_g1(base, key):
    example = GOLDEN["G1_budget"]
    outpatient, out_of_area, bed_day, single, maternity = (fen(amount) for amount in example["in"]["carve"])
    pool = plain_pool(
        "drg",
        plan_fen=fen(example["in"]["total"]),
        reserve=ReserveTerms(F(example["in"]["reserve"]), base),
        outside_fen={"outpatient": outpatient, "out_of_area": out_of_area, "maternity": maternity},
        fixed_lines_fen={"bed_day": bed_day, "single": single},
    )
    budget = waterfall(pool)
    assert budget.reserve_fen == fen(example[key]["reserve"])
    assert budget.point_fund_fen == fen(example[key]["payable"])


def test_growth_cap_binds_the_total_and_is_floored():
    pool = plain_pool("drg", plan_fen=10**10, growth_cap=F("0.1"), prior_actual_fen=4_800_000_001)
    assert waterfall(pool).total_fen == 5_280_000_001


@pytest.mark.parametrize(("spent", "key"), [(5_400_000_000, "E54m"), (4_600_000_000, "E46m")])
def test_pool_sharing_as_in_g7(spent, key):
    example = GOLDEN["G7_pool_sharing"]
    part = F(example["in"]["hospitals_share"])
    pool = plain_pool("drg", pool_sharing=PoolSharing(part, part))
    budget = fen(example["in"]["B"])
    assert budget + sharing_adjustment(pool, budget, spent, 10**9) == fen(example["out"][key])


def test_pool_sharing_of_a_deficit_reaches_as_far_as_the_reserve():
    pool = plain_pool("drg", pool_sharing=PoolSharing(F("0.85"), F("0.85")))
    assert sharing_adjustment(pool, 100, 1_100, 70) == 70
    assert sharing_adjustment(pool, 100, 1_100, -5) == 0


def test_point_value_of_a_shared_pool_as_in_g7():
    terms = PointValueTerms(Basis.TOTAL_COST_OBSERVED, Payable.MINUS_PATIENT, 4)
    value = find_value(terms, 5_060_000_000, 2_800_000_000, 97_000_000_000, None, 0, None)
    assert value.published == F(GOLDEN["G7_pool_sharing"]["out"]["pv_E54m_patient28m_points9.7m"])


# --- G6: point value ------------------------------------------------------------------------------------------------

RATIO = PointValueTerms(Basis.TOTAL_COST_RATIO, Payable.TIMES_RATIO, 4, ratio=F("0.65"))


def test_point_value_of_the_four_pairs_as_in_g6():
    example = GOLDEN["G6_point_value"]["out"]
    fund, points_e4 = 5_200_000_000, 100_000_000_000
    assert find_value(RATIO, fund, 0, points_e4, None, 0, None).published == F(example["pv"])
    own = PointValueTerms(Basis.FUND, Payable.FUND, 4)
    assert find_value(own, fund, 0, points_e4, None, 0, None).published == F(example["pv_fund_basis"])
    minus = replace(RATIO, payable=Payable.MINUS_PATIENT)
    value = find_value(minus, fund, 0, points_e4, None, 0, None)
    assert pot_total(value, 12_500_000) - fen(3_600) == fen(example["case_1250_patient_3600"])
    assert pot_total(value, 5_000_000) - fen(4_300) == fen(example["case_500_patient_4300"])


@pytest.mark.parametrize(
    ("payable", "spill"), [(Payable.TIMES_RATIO, 286_000_000), (Payable.MINUS_PATIENT, 440_000_000)]
)
def test_upper_bound_releases_the_fund_part_or_everything(payable, spill):
    """8.8889 is held at 8.40: ρ × 4.4 million where the fund pays a ratio, all of it where patients have paid."""
    bounds = GOLDEN["G6_point_value"]["bounds"]
    terms = replace(RATIO, payable=payable, upper=F("1.05"))
    points_e4 = 90_000_000_000
    value = find_value(terms, 5_200_000_000, 0, points_e4, F(8), 0, None)
    assert round(value.raw, 4) == F(bounds["raw"])
    assert value.published == F(bounds["cap_+5%_of_8"])
    total = pot_total(value, points_e4)
    left = pot_left(terms, value, 5_200_000_000, 0, points_e4, total)
    assert left.bound_spill_fen == spill
    assert payable is Payable.MINUS_PATIENT or spill == fen(bounds["spill_to_reserve"])


def test_lower_bound_reaches_as_far_as_the_reserve():
    terms = PointValueTerms(Basis.FUND, Payable.FUND, 4, lower=F("0.95"))
    raw = find_value(terms, 900, 0, 100_000, F(1), 0, None)
    assert raw.published == F("0.9")
    part = find_value(terms, 900, 0, 100_000, F(1), 20, None)
    assert part.published == F("0.92")
    whole = find_value(terms, 900, 0, 100_000, F(1), 10**6, None)
    assert whole.published == F("0.95")
    assert pot_left(terms, whole, 900, 0, 100_000, 950).bound_spill_fen == -50


def test_price_takes_the_place_of_the_value_and_the_rest_spills():
    terms = PointValueTerms(Basis.FUND, Payable.FUND, 4, upper=F("0.5"))
    value = find_value(terms, 1_000, 0, 100_000, F(1), 0, F("1.2"))
    assert (value.raw, value.bounded, value.published) == (F(1), F("1.2"), F("1.2"))
    assert pot_left(terms, value, 1_000, 0, 100_000, pot_total(value, 100_000)).bound_spill_fen == -200


def test_pot_without_points_has_value_0_and_leaves_its_fund():
    terms = PointValueTerms(Basis.TOTAL_COST_OBSERVED, Payable.MINUS_PATIENT, 4)
    value = find_value(terms, 777, 0, 0, F(1), 0, None)
    left = pot_left(terms, value, 777, 0, 0, pot_total(value, 0))
    assert (value.raw, value.published, left.bound_spill_fen, left.total_fen) == (None, 0, 777, 777)


def test_floor_mode_never_pays_more_than_the_fund():
    terms = PointValueTerms(Basis.FUND, Payable.FUND, 2, RoundingMode.FLOOR)
    for points_e4 in (10_000, 69_999, 130_001):
        value = find_value(terms, 1_000, 0, points_e4, None, 0, None)
        assert pot_total(value, points_e4) <= 1_000


# --- G8, G9, H1, H2: sharing ----------------------------------------------------------------------------------------


def standing(standard, actual, **more):
    return Standing("H1", F(90), standard, actual, F(standard), actual, 1, **more)


def tiers(side, edges, shares, beyond):
    starts = [F(0), *edges]
    ends = [*edges, None]
    return [SharingTier(side, a, b, F(s)) for a, b, s in zip(starts, ends, [*shares, beyond], strict=True)]


def paid(sharing, standard, actual):
    """What a hospital ends with: standard less what it returns, or with its full claim."""
    share = hospital_share(plain_pool("drg", sharing=sharing), standing(standard, actual))
    return standard - share.returned_fen + half_up(share.claim_fen)


def test_five_marginal_tiers_as_in_h1():
    example = GOLDEN_2["H1_five_tier_bands"]
    given = example["in"]
    edges = [F(edge, 100) for edge in given["edges_pct"]]
    sharing = Sharing(
        SharingAmount.FUND,
        SharingDenominator.STANDARD,
        tuple(
            tiers(Side.OVERSPEND, edges, given["overspend_share"], 0)
            + tiers(Side.SURPLUS, edges, given["surplus_keep"], given["surplus_keep_beyond"])
        ),
    )
    for actual, expected in example["out"].items():
        assert paid(sharing, fen(given["S"]), fen(actual)) == fen(expected)


def test_reward_capped_at_3_percent_and_half_of_the_excess_as_in_g8():
    sharing = Sharing(
        SharingAmount.FUND,
        SharingDenominator.STANDARD,
        (
            SharingTier(Side.SURPLUS, F(0), None, F("0.3")),
            SharingTier(Side.OVERSPEND, F(0), F("0.2"), F("0.5")),
            SharingTier(Side.OVERSPEND, F("0.2"), None, F(0)),
        ),
        surplus_cap=F("0.03"),
    )
    for actual, expected in GOLDEN["G8_bands"]["taicang"].items():
        assert paid(sharing, fen(10_000_000), fen(actual)) == fen(expected)


def test_below_85_percent_pay_actual_has_its_cliff_as_in_g8():
    sharing = Sharing(
        SharingAmount.FUND,
        SharingDenominator.STANDARD,
        (
            SharingTier(Side.SURPLUS, F(0), None, F(1)),
            SharingTier(Side.OVERSPEND, F(0), F("0.1"), F("0.7")),
            SharingTier(Side.OVERSPEND, F("0.1"), None, F(0)),
        ),
        actual_below=F("0.85"),
    )
    for actual, expected in GOLDEN["G8_bands"]["typical"].items():
        assert paid(sharing, fen(10_000_000), fen(actual)) == fen(expected)


def test_shares_scaled_back_as_in_g9():
    example = GOLDEN["G9_scale_back"]
    available = fen(example["in"]["fund"]) - sum(fen(each) for each in example["in"]["S"])
    claims = [F(fen(each)) for each in example["in"]["share"]]
    blank = hospital_share(plain_pool("drg"), standing(1, 1))
    shares = [replace(blank, hospital=f"H{n}", claim_fen=claim) for n, claim in enumerate(claims)]
    given = scale_back(plain_pool("drg"), shares, available)
    assert round(given.k, 6) == F(example["out"]["k"])
    for standard, amount, expected in zip(
        example["in"]["S"], given.shares_fen.values(), example["out"]["pay"], strict=True
    ):
        assert fen(standard) + amount == fen(expected)


def test_residual_of_100_yuan_over_three_as_in_g9():
    expected = [fen(each) for each in GOLDEN["G9_scale_back"]["residual_100_over_3"]]
    assert allocate([F(10_000, 3)] * 3, 10_000) == expected


def test_claims_the_reserve_covers_are_paid_in_full():
    blank = hospital_share(plain_pool("drg"), standing(1, 1))
    shares = [replace(blank, hospital=code, claim_fen=F("10.4")) for code in ("A", "B", "C")]
    given = scale_back(plain_pool("drg"), shares, 10**6)
    assert given.k == 1
    assert given.shares_fen == {"A": 11, "B": 10, "C": 10}
    only_part = plain_pool("drg", reserve=ReserveTerms(F(0), for_shares=F("0.5")))
    assert scale_back(only_part, shares, 21).available_fen == 10
    assert scale_back(only_part, shares, -21).shares_fen == {"A": 0, "B": 0, "C": 0}


def test_total_cost_sharing_pays_at_the_hospitals_own_fund_ratio():
    """C above G by 1,000 of total cost, half of it shared, at p̄ = A ÷ C = 0.8: 400."""
    sharing = Sharing(
        SharingAmount.TOTAL_COST,
        SharingDenominator.QUOTA,
        (SharingTier(Side.SURPLUS, F(0), None, F(0)), SharingTier(Side.OVERSPEND, F(0), None, F("0.5"))),
        quota_fen={"H1": 20_000},
    )
    hospital = Standing("H1", F(90), 7_000, 8_800, F(10_000), 11_000, 3)
    share = hospital_share(plain_pool("drg", sharing=sharing), hospital)
    assert (share.multiplier, share.denominator_fen, share.claim_fen) == (F("0.8"), 20_000, 400)


def test_quota_sets_the_width_of_tiers_and_nothing_else():
    half = [SharingTier(Side.OVERSPEND, F(0), F("0.1"), F(1)), SharingTier(Side.OVERSPEND, F("0.1"), None, F(0))]
    assert tier_sum(half, Side.OVERSPEND, F(500), F(1_000)) == 100
    assert tier_sum(half, Side.OVERSPEND, F(500), F(10_000)) == 500


def test_no_live_case_or_no_positive_standard_shares_nothing():
    sharing = Sharing(
        SharingAmount.FUND,
        SharingDenominator.STANDARD,
        (SharingTier(Side.SURPLUS, F(0), None, F(0)), SharingTier(Side.OVERSPEND, F(0), None, F(1))),
    )
    pool = plain_pool("drg", sharing=sharing)
    assert hospital_share(pool, Standing("H1", F(90), -5, 100, F(-5), 100, 1)).claim_fen == 0
    assert hospital_share(pool, Standing("H1", F(90), 500, 100, F(500), 100, 0)).returned_fen == 0


def test_assessment_cuts_standard_and_retained_surplus():
    sharing = Sharing(
        SharingAmount.FUND,
        SharingDenominator.STANDARD,
        (SharingTier(Side.SURPLUS, F(0), None, F("0.5")), SharingTier(Side.OVERSPEND, F(0), None, F(1))),
    )
    pool = plain_pool(
        "drg",
        sharing=sharing,
        assessment=(ScoreStep(F(95), F(1)), ScoreStep(F(0), F("0.9"))),
        assessment_on=frozenset(AssessmentOn),
    )
    share = hospital_share(pool, standing(1_000, 800))
    assert (share.returned_fen, share.cut_standard_fen, share.cut_surplus_fen) == (100, 100, 10)
    assert hospital_share(pool, standing(800, 1_000)).claim_fen == 180


def test_growth_cap_of_a_hospital_is_floored_and_asks_for_a_prior_year():
    cap = GrowthCap(F("0.1"), {"H1": 1_001})
    assert growth_cut(cap, "H1", 1_200) == 1_200 - 1_101
    assert growth_cut(cap, "H2", 1_200) == growth_cut(None, "H1", 1_200) == 0


# --- G10 to G12: audits, cash, other prices -------------------------------------------------------------------------


def test_audit_figures_as_in_g10():
    example = GOLDEN["G10_audit"]
    given = example["in"]
    value, extra = F(given["pv"]), given["multiple"] * given["base"]
    points = given["points"] - given["upcoded"] - extra
    assert points == example["out"]["points"]
    assert half_up((given["upcoded"] + extra) * value * 100) == fen(example["out"]["frozen_clawback"])
    left = given["region_points"] - given["upcoded"] - extra
    terms = PointValueTerms(Basis.FUND, Payable.FUND, 4)
    fund = half_up(value * 100 * given["region_points"])
    recomputed = find_value(terms, fund, 0, left * 10_000, None, 0, None)
    assert recomputed.published == F(example["out"]["recomputed_pv"])
    assert pot_total(recomputed, points * 10_000) == fen(example["out"]["new_amount"])


def test_deposit_release_per_point_as_in_g11():
    slope = ScoreSlope(F(90), F("0.01"))
    deposit = fen(GOLDEN["G11_cash"]["in"]["deposit"])
    assert half_up(value_at_score(slope, F(95), "release") * deposit) == deposit
    kept = deposit - half_up(value_at_score(slope, F(85), "release") * deposit)
    out = GOLDEN["G11_cash"]["out"]
    assert kept == fen(out["score_ge_90"]) - fen(out["score_85_1pct_per_point"])


def test_release_steps_and_missing_scores():
    steps = (ScoreStep(F(90), F(1)), ScoreStep(F(60), F("0.7")), ScoreStep(F(0), F(0)))
    assert [value_at_score(steps, F(s), "release") for s in ("90", "89.9", "60", "59.99")] == [1, F("0.7"), F("0.7"), 0]
    with pytest.raises(ClearingStopped, match="assessment score"):
        value_at_score(steps, None, "release")


BED_DAYS = (BedDayTier(1, 30, 20_000), BedDayTier(31, 90, 16_000), BedDayTier(91, None, 12_000))


def test_bed_days_as_in_g12():
    example = GOLDEN["G12_other"]
    days = np.array([120, 30, 31, 0], dtype=np.int64)
    quotas = _tiered_days(BED_DAYS, days).tolist()
    assert quotas == [fen(example["bed_day_120d_200_160_120"]), 600_000, 616_000, 0]
    assert half_up(quotas[0] * F("0.85")) == fen(example["bed_day_fund_85"])


def test_contracts_as_in_g12():
    example = GOLDEN["G12_other"]
    capitation = CapitationContract("H1", "310", 6_000, 12_000, F("0.95"))
    assert contract_amount(capitation) == fen(example["capitation_60x12000x0.95"])
    given = example["bundle"]
    bundle = BundleContract("H1", "390", fen(given["package"]), fen(9_000_000), F("0.8"), F("0.5"))
    inside = fen(35_000_000)
    assert bundle_payment(bundle, inside) - inside == fen(given["retained80"])


def test_bundle_in_deficit_bears_its_part():
    bundle = BundleContract("H1", "390", 1_000, 300, F("0.8"), F("0.5"))
    assert bundle_payment(bundle, 1_001) == 1_001 - 301 + 151


def test_exact_quotients_stay_exact():
    assert exact(1, 3) + exact(2, 3) == 1
