"""Largest remainder in chunks says what it says in one piece."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvalue import allocate_chunks as chunked
from pointvalue.allocate import SharesDoNotMeetTotal, allocate_points
from pointvalue.cases import I64
from pointvalue.fixed import half_up


def in_chunks(points: I64, factor: Fraction, total: int, ranks: I64 | None = None) -> I64:
    out, rests = np.empty_like(points), np.empty_like(points)

    def first(rows: I64, count: int) -> I64:
        order = rows if ranks is None else rows[np.argsort(ranks[rows], kind="stable")]
        return np.sort(order[:count])

    chunked.allocate_chunks(points, factor, total, out, rests, first)
    return out


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-(10**6), 10**9), min_size=1, max_size=60),
    st.integers(0, 10**15),
    st.integers(10**6, 10**15),
    st.integers(1, 7),
)
def test_chunks_say_what_one_piece_says(points: list[int], top: int, bottom: int, chunk: int) -> None:
    factor, column = Fraction(top, bottom), np.array(points, np.int64)
    total = half_up(factor * sum(points))
    before = chunked.CHUNK
    chunked.CHUNK = chunk
    try:
        found = in_chunks(column, factor, total)
    finally:
        chunked.CHUNK = before
    assert found.tolist() == allocate_points(column, factor, total).tolist()


def test_forty_thousand_cases_with_the_same_remainder() -> None:
    """Every case has the same share of a third of a fen: a third of them get the fen, those whose ids come first."""
    points = np.full(40_000, 10_000, np.int64)
    factor = Fraction(1, 30_000)
    total = half_up(factor * int(points.sum()))
    assert total == 13_333
    ranks = np.arange(40_000)[::-1].copy()
    found = in_chunks(points, factor, total, ranks)
    assert found.sum() == 13_333
    assert found[-13_333:].tolist() == [1] * 13_333
    assert not found[:-13_333].any()


def test_remainders_of_sixty_two_bits() -> None:
    factor = Fraction(2**61 + 1, 2**62 - 1)
    points = np.array([3, 5, 7, 11, 13, 17] * 50, np.int64)
    total = half_up(factor * int(points.sum()))
    assert in_chunks(points, factor, total).tolist() == allocate_points(points, factor, total).tolist()


def test_a_total_that_does_not_belong_to_the_shares_is_refused() -> None:
    with pytest.raises(SharesDoNotMeetTotal):
        in_chunks(np.array([10, 10], np.int64), Fraction(1, 2), 12)


def test_a_factor_of_more_than_sixty_three_bits_is_refused() -> None:
    with pytest.raises(OverflowError, match="63 bits"):
        in_chunks(np.array([10, 10], np.int64), Fraction(2**70 + 1, 2**70), 20)
