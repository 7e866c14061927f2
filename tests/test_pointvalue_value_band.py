"""The initial point value by each band, worked by hand and against a plain form with fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvalue.value_band import ValueBand, YearOfCases, initial_value, kept_rows
from pointvalue.weights import HistoryFault

F = Fraction


def year(*cases):
    """(cost in yuan, points, mean cost of the group in yuan) of each case."""
    columns = list(zip(*cases, strict=True)) if cases else [(), (), ()]
    return YearOfCases(
        *(
            np.array([int(F(str(x)) * scale) for x in column], np.int64)
            for column, scale in zip(columns, (100, 10_000, 100), strict=True)
        )
    )


THREE = year((800, 100, 1000), (1200, 100, 1000), (2200, 200, 2000))
"""Values 8, 12 and 11 a point; 4,200 over 400: a mean of 10.5."""


def test_all_cases_found_the_value_of_their_whole_cost_over_their_whole_points():
    found = initial_value([THREE], [F(1)], ValueBand.ALL)
    assert (found.value, found.read_count, found.kept_count) == (F("10.5"), 3, 3)


def test_the_band_below_the_mean_keeps_a_case_on_it():
    assert initial_value([THREE], [F(1)], ValueBand.BELOW_MEAN).value == 8
    on_it = year((800, 100, 1000), (1200, 100, 1000), (1000, 100, 1000))
    found = initial_value([on_it], [F(1)], ValueBand.BELOW_MEAN)
    assert (found.value, found.kept_count) == (9, 2)


def test_the_two_way_band_asks_for_a_low_price_and_a_low_cost():
    """900 and 1,500 lie at or below the mean of 9.5 a point; 1,500 lies above its group's mean of 1,400."""
    cases = year((900, 100, 1000), (1500, 200, 1400), (1400, 100, 1000))
    assert kept_rows(cases, ValueBand.BELOW_MEAN).tolist() == [0, 1]
    assert kept_rows(cases, ValueBand.LOW_PRICE_LOW_COST).tolist() == [0]
    assert initial_value([cases], [F(1)], ValueBand.LOW_PRICE_LOW_COST).value == 9


def test_percentiles_cut_both_ends_of_the_case_values():
    """Values 1 to 41: the quantiles lie at 1 + 0.025 × 40 = 2 and 1 + 0.975 × 40 = 40, and both edges stay."""
    cases = year(*((value * 10, 10, 100) for value in range(1, 42)))
    found = initial_value([cases], [F(1)], ValueBand.PERCENTILES)
    assert (found.kept_count, found.value) == (39, 21)


def test_years_weigh_as_the_policy_says_and_an_empty_one_not_at_all():
    """(2 × 800 + 8 × 1,200) ÷ (2 × 100 + 8 × 100) = 11.2."""
    old, new = year((800, 100, 1)), year((1200, 100, 1))
    assert initial_value([old, new], [F(2), F(8)], ValueBand.ALL).value == F("11.2")
    assert initial_value([old, year()], [F(2), F(8)], ValueBand.BELOW_MEAN).value == 8


def test_no_case_and_no_points_are_refused():
    with pytest.raises(HistoryFault, match="no case founds"):
        initial_value([year()], [F(1)], ValueBand.ALL)
    with pytest.raises(HistoryFault, match="without points"):
        initial_value([year((1, 0, 1))], [F(1)], ValueBand.ALL)
    with pytest.raises(HistoryFault, match="no case founds"):
        initial_value([year((1000, 100, 900))], [F(1)], ValueBand.LOW_PRICE_LOW_COST)


def plainly(cases, band):
    """The same from the words: lists of fractions, no arrays."""
    values = [F(cost) / points for cost, points, _ in cases]
    mean = F(sum(cost for cost, _, _ in cases)) / sum(points for _, points, _ in cases)
    ordered = sorted(values)

    def quantile(share):
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (place - below) * (ordered[above] - ordered[below])

    low, high = quantile(F(25, 1000)), quantile(F(975, 1000))
    kept = []
    for row, (value, (cost, _, group)) in enumerate(zip(values, cases, strict=True)):
        if (
            band is ValueBand.ALL
            or (band is ValueBand.PERCENTILES and low <= value <= high)
            or (band is ValueBand.BELOW_MEAN and value <= mean)
            or (band is ValueBand.LOW_PRICE_LOW_COST and value <= mean and cost <= group)
        ):
            kept.append(row)
    return kept


ONE = st.tuples(
    st.integers(1, 300) | st.integers(8 * 10**10, 9 * 10**10),
    st.integers(1, 50) | st.integers(1, 9 * 10**6),
    st.integers(1, 300),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(ONE, min_size=1, max_size=60), st.sampled_from(ValueBand))
def test_bands_keep_what_the_words_say(cases, band):
    columns = YearOfCases(*(np.array(column, np.int64) for column in zip(*cases, strict=True)))
    assert kept_rows(columns, band).tolist() == plainly(cases, band)
