"""Largest remainder: shares meet the total, no share moves a whole fen, ties go to the earlier key."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvalue.allocate import SharesDoNotMeetTotal, allocate, allocate_points, prorate
from pointvalue.fixed import half_up
from pointvalue.reference import slow_allocate
from tests.pointvalue_years import unhurried

SHARES = st.lists(st.fractions(-1000, 1000, max_denominator=40), max_size=12)
POINTS = st.lists(st.integers(-(10**7), 10**9), max_size=30)
FACTORS = st.builds(Fraction, st.integers(0, 10**9), st.integers(1, 10**7))


def test_a_hundred_yuan_over_three_equal_shares():
    assert allocate([Fraction(10_000, 3)] * 3, 10_000) == [3_334, 3_333, 3_333]


def test_shares_sum_to_the_fund_when_every_share_rounds_up():
    points = np.full(7, 3, np.int64)
    assert allocate_points(points, Fraction(9, 10), 19).tolist() == [3, 3, 3, 3, 3, 2, 2]


@unhurried
@given(SHARES)
def test_shares_meet_the_total_within_a_fen_and_as_the_slow_way(shares):
    total = half_up(sum(shares, Fraction(0)))
    amounts = allocate(shares, total)
    assert sum(amounts) == total
    assert all(abs(amount - share) < 1 for amount, share in zip(amounts, shares, strict=True))
    assert amounts == slow_allocate(shares, total)


@unhurried
@given(POINTS, FACTORS)
def test_points_by_the_million_are_shared_like_fractions_one_by_one(points, factor):
    shares = [factor * each for each in points]
    total = half_up(sum(shares, Fraction(0)))
    assert allocate_points(np.array(points, dtype=np.int64), factor, total).tolist() == slow_allocate(shares, total)


@settings(max_examples=30, deadline=None)
@given(POINTS.filter(lambda p: sum(p) > 0), st.integers(1, 10**15))
def test_a_factor_too_fine_for_63_bits_is_still_exact(points, fund):
    factor = Fraction(fund * (10**9 + 7), sum(points) * (10**9 + 7) + 1) + Fraction(1, 3**50)
    shares = [factor * each for each in points]
    total = half_up(sum(shares, Fraction(0)))
    assert allocate_points(np.array(points, dtype=np.int64), factor, total).tolist() == slow_allocate(shares, total)


def test_ties_by_the_hundred_thousand_go_to_the_first_rows():
    points = np.full(200_000, 10_000, np.int64)
    total = half_up(Fraction(1, 3) * 200_000)
    amounts = allocate_points(points, Fraction(1, 30_000), total)
    assert amounts[:total].min() == 1
    assert amounts[total:].max() == 0


def test_a_total_a_whole_fen_away_is_refused():
    with pytest.raises(SharesDoNotMeetTotal):
        allocate([Fraction(1, 2)] * 2, 2)
    with pytest.raises(SharesDoNotMeetTotal):
        allocate_points(np.array([10_000]), Fraction(1, 10_000), 3)


@unhurried
@given(st.lists(st.integers(0, 50), max_size=8), st.integers(-1000, 1000))
def test_prorate_gives_nothing_or_everything(weights, total):
    parts = prorate(weights, total)
    assert sum(parts) == (total if sum(weights) else 0)
    for weight, part in zip(weights, parts, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights) or 1)) < 1


def test_prorate_refuses_negative_weights():
    with pytest.raises(ValueError, match="not negative"):
        prorate([1, -1], 10)


def test_nobody_to_pay_is_no_fault():
    assert allocate([], 0) == []
    assert allocate_points(np.zeros(0, np.int64), Fraction(1, 3), 0).tolist() == []
