"""Points and amounts of DIP cases, against arithmetic written beside them."""

from dataclasses import replace
from fractions import Fraction

import pytest

from pointvalue.dip_score_tables import (
    CaseKeys,
    DeviationBand,
    GroupedCase,
    HospitalFactor,
    Price,
    ScoringError,
    ScoringTables,
    UngroupedPay,
)
from pointvalue.dip_scoring import band_factor, look_up, rounded, score_case

LOW = DeviationBand(1, "低倍率", "ratio", None, False, 500_000, True)
NORMAL = DeviationBand(2, "正常倍率", "one", 500_000, False, 2_000_000, False)
HIGH = DeviationBand(3, "高倍率", "ratio_minus_1", 2_000_000, True)
DEFAULT = (LOW, NORMAL, HIGH)
CAPPED = (
    replace(LOW, apply_hospital=False),
    replace(NORMAL, hi_inclusive=True),
    DeviationBand(3, "高倍率", "ratio_minus_2_plus_h", 2_000_000, False, 5_000_000, True, apply_hospital=False),
    DeviationBand(4, "高倍率", "h", 5_000_000, apply_hospital=False),
)
KEYS = CaseKeys("H1", "310", "202403")


def tables(bands=DEFAULT, h=0.8, **more) -> ScoringTables:
    factor = HospitalFactor("H1", factor_e6=round(h * 10**6), level="三级")
    return ScoringTables(bands, (factor,), (Price(None, "310", point_value_e6=9_500_000),), **more)


def scored(cost: float, bands=DEFAULT, h=0.8, points=100, aux=1.0, **more):
    """A case whose group's reference cost is 1000 yuan."""
    one = GroupedCase(round(cost * 100), "G", points * 10**4, round(aux * 10**6), Fraction(100_000), **more)
    return score_case(tables(bands, h), KEYS, one)


@pytest.mark.parametrize(
    ("cost", "label", "points"),
    [
        (400, "低倍率", 100 * 0.4 * 0.8),
        (500, "低倍率", 100 * 0.5 * 0.8),  # the limit is the low band's
        (500.01, "正常倍率", 100 * 0.8),
        (1999.99, "正常倍率", 100 * 0.8),
        (2000, "高倍率", 100 * (2 - 1) * 0.8),  # the limit is the high band's
        (3000, "高倍率", 100 * (3 - 1) * 0.8),
    ],
)
def test_the_default_shape_bends_at_its_limits(cost, label, points):
    found = scored(cost)
    assert found.label == label
    assert found.points == pytest.approx(points)
    assert found.amount_yuan == found.points * Fraction("9.5")


@pytest.mark.parametrize(
    ("cost", "points"),
    [
        (400, 100 * 0.4),  # low: no coefficient
        (1000, 100 * 0.8),
        (2000, 100 * 0.8),  # this shape's limit is normal
        (3000, 100 * (3 - 2 + 0.8)),  # the coefficient stands inside the bracket
        (6000, 100 * 0.8),  # beyond five times the factor is h itself
    ],
)
def test_the_coefficient_may_stand_inside_the_bracket(cost, points):
    assert scored(cost, CAPPED).points == pytest.approx(points)


def test_the_auxiliary_factor_multiplies_the_points():
    assert scored(1000, aux=1.25).points == 100 * Fraction(8, 10) * Fraction(125, 100)


def test_primary_care_groups_use_their_own_factor_instead_of_the_hospitals():
    assert scored(1000, primary_care_factor_e6=900_000).points == 90


def test_a_group_factor_by_hospital_level_replaces_the_hospitals():
    found = score_case(
        tables(group_factors_e6={("G", "三级"): 1_100_000}),
        KEYS,
        GroupedCase(100_000, "G", 10**6, 10**6, Fraction(100_000)),
    )
    assert found.points == 110


def test_a_zero_reference_cost_is_normal():
    found = score_case(tables(), KEYS, GroupedCase(100_000, "G", 10**6, 10**6, Fraction(0)))
    assert (found.label, found.factor) == ("正常倍率", 1)


def test_zero_points_are_paid_at_cost():
    found = scored(1234.56, points=0)
    assert (found.points, found.amount_yuan, found.paid_at_cost) == (0, Fraction("1234.56"), True)


def test_the_blank_group_is_paid_by_its_own_mean_without_coefficient():
    scoring = tables(ungrouped=UngroupedPay("blank_group", 700_000))
    one = GroupedCase(250_000, "KBBZ", 1000 * 10**4, group_mean_fen=1_000_000, is_blank=True)
    assert score_case(scoring, KEYS, one).points == 1000 * Fraction(2500, 10000) * Fraction(7, 10)


def test_an_ungrouped_case_earns_nothing_or_a_share_of_the_city_mean():
    one = GroupedCase(250_000)
    assert score_case(tables(), KEYS, one).amount_yuan == 0
    city = tables(ungrouped=UngroupedPay("city_mean", 800_000, 500 * 10**4))
    assert score_case(city, KEYS, one).points == 500 * Fraction(8, 10)


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        ("ratio", "3"),
        ("ratio_minus_1", "2"),
        ("ratio_minus_2_plus_h", "1.8"),
        ("h", "0.8"),
        ("one", "1"),
        ("review", "1"),
    ],
)
def test_formulas_come_from_a_closed_list(formula, wanted):
    assert band_factor(formula, Fraction(3), Fraction(8, 10)) == Fraction(wanted)


def test_paid_at_cost_the_coefficient_cancels():
    low = replace(LOW, formula="at_cost")
    assert scored(400, (low, NORMAL, HIGH)).points == 40  # points × ratio, whatever the hospital


def test_the_row_with_the_most_keys_wins_and_a_missing_row_says_which_to_add():
    rows = (Price(), Price(insurance="310"), Price("H1", "310", "202403"), Price("H1", "390"))
    assert look_up(rows, KEYS, "price") is rows[2]
    assert look_up(rows, CaseKeys("H9", "310"), "price") is rows[1]
    with pytest.raises(ScoringError, match="table price has no row for hospital H9, insurance 390"):
        look_up(rows[1:], CaseKeys("H9", "390"), "price")


def test_a_gap_between_bands_names_the_ratio():
    with pytest.raises(ScoringError, match="close the gap"):
        scored(700, (LOW, HIGH, replace(NORMAL, lo_e6=900_000)))


def test_points_and_amount_are_rounded_once_a_half_away_from_zero():
    found = scored(1000, h=1 / 3)
    points, fen = rounded(found)
    assert points == Fraction("33.33330000")  # 100 × 0.333333
    assert fen == 31667  # 33.3333 × 9.5 = 316.66635 yuan
