"""Base points from history: trimming, year weights, stability, and known truth found again."""

import random
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvalue.weights import (
    GroupState,
    HistoryFault,
    Trim,
    WeightTerms,
    measure,
    trimmed,
    weighted_mean,
    within_variation,
)

F = Fraction
WEIGHTS_235 = (F(2), F(3), F(5))
COSTS = st.lists(st.integers(1, 10**7), min_size=1, max_size=30).map(sorted)


def history(rows):
    """Columns from rows of (group, year, cost)."""
    group, year, cost = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(group, np.int32), np.array(year, np.int32), np.array(cost, np.int64)


def measured(rows, terms, groups=("A", "B")):
    return measure(*history(rows), groups, terms)


def test_planted_base_points_are_found_again():
    """Three groups at 0.5, 1 and 2 times the mean, equally frequent: the region lies at 7/6 of the middle one."""
    rows = [
        (group, year, cost) for group, cost in enumerate((500, 1_000, 2_000)) for year in range(3) for _ in range(9)
    ]
    random.Random(5).shuffle(rows)
    found = measured(rows, WeightTerms(WEIGHTS_235, 100), ("A", "B", "C"))
    assert found.region_mean_fen == F(3_500, 3)
    assert [each.base_points_e4 for each in found.groups] == [428_571, 857_143, 1_714_286]
    assert [each.relative_weight_e4 for each in found.groups] == [4_286, 8_571, 17_143]


def test_newest_year_weighs_most_and_weights_need_not_sum_to_one():
    means = [F(11_000), F(12_000), F(12_600)]
    assert weighted_mean(means, WEIGHTS_235) == 12_100
    assert weighted_mean(means, (F("0.2"), F("0.3"), F("0.5"))) == 12_100
    assert weighted_mean(means, (F(1), F(2), F(7))) == 12_320


def test_year_without_cases_gives_its_weight_to_the_others():
    assert weighted_mean([F(100), None, F(200)], WEIGHTS_235) == F(100 * 2 + 200 * 5, 7)
    assert weighted_mean([None, None, None], WEIGHTS_235) is None


@given(COSTS)
def test_quartile_fence_is_that_of_the_inclusive_method(costs):
    if len(costs) < 2:
        assert trimmed(costs, Trim.IQR) == costs
        return
    low, _, high = statistics.quantiles([F(cost) for cost in costs], n=4, method="inclusive")
    reach = F(3, 2) * (high - low)
    assert trimmed(costs, Trim.IQR) == [cost for cost in costs if low - reach <= cost <= high + reach]


@given(COSTS)
def test_percentile_trim_is_that_of_the_inclusive_method(costs):
    if len(costs) < 2:
        assert trimmed(costs, Trim.PERCENTILES) == costs
        return
    cuts = statistics.quantiles([F(cost) for cost in costs], n=40, method="inclusive")
    assert trimmed(costs, Trim.PERCENTILES) == [cost for cost in costs if cuts[0] <= cost <= cuts[-1]]


def test_case_exactly_on_the_fence_stays():
    """Quartiles 2 and 4, distance 2: the fence stands at −1 and 7."""
    assert trimmed([1, 2, 3, 4, 7], Trim.IQR) == [1, 2, 3, 4, 7]
    assert trimmed([1, 2, 3, 4, 8], Trim.IQR) == [1, 2, 3, 4]
    assert trimmed([1, 2, 3, 4, 8], Trim.IQR, fence=F(2)) == [1, 2, 3, 4, 8]
    assert trimmed([1, 2, 3, 4, 8], Trim.NONE) == [1, 2, 3, 4, 8]


@given(COSTS, st.sampled_from([F(0), F("0.5"), F("0.7"), F(1), F(2)]))
def test_coefficient_of_variation_is_compared_without_a_root(costs, cv_max):
    variance = statistics.pvariance([F(cost) for cost in costs])
    mean = F(sum(costs), len(costs))
    assert within_variation(costs, cv_max) == (variance <= (cv_max * mean) ** 2)


def test_trimmed_outlier_moves_neither_its_group_nor_the_region():
    rows = [(0, 0, cost) for cost in (98, 99, 100, 101, 102)] + [(1, 0, 200)] * 5
    plain = measured(rows, WeightTerms((F(1),), 100, Trim.IQR))
    found = measured([*rows, (0, 0, 1_000_000)], WeightTerms((F(1),), 100, Trim.IQR))
    assert found.region_mean_fen == plain.region_mean_fen == 150
    assert (found.groups[0].read_count, found.groups[0].kept_count) == (6, 5)
    assert found.groups[0].base_points_e4 == 666_667


def test_small_and_uneven_groups_keep_their_figures_and_say_so():
    rows = [(0, 0, 100)] * 3 + [(1, 0, 1)] * 9 + [(1, 0, 991)]
    terms = WeightTerms((F(1),), 100, min_cases=4, cv_max=F(1))
    found = measured(rows, terms, ("FEW", "UNEVEN", "NONE"))
    assert [each.state for each in found.groups] == [GroupState.FEW_CASES, GroupState.UNEVEN, GroupState.NO_CASES]
    assert [each.base_points_e4 > 0 for each in found.groups] == [True, True, False]
    assert found.groups[2].mean_fen is None


def test_region_counts_cases_and_not_groups():
    """Nine cheap cases and one dear one: the region's mean is 190, not 550."""
    found = measured([(0, 0, 100)] * 9 + [(1, 0, 1_000)], WeightTerms((F(1),), 1_000))
    assert found.region_mean_fen == 190
    assert [each.base_points_e4 for each in found.groups] == [5_263_158, 52_631_579]


def test_order_of_cases_changes_nothing_and_doubling_costs_changes_no_points():
    rng = random.Random(11)
    rows = [(rng.randrange(4), rng.randrange(3), rng.randint(1, 10**6)) for _ in range(500)]
    terms, groups = WeightTerms(WEIGHTS_235, 100, Trim.IQR, min_cases=5, cv_max=F(1)), ("A", "B", "C", "D")
    once = measured(rows, terms, groups)
    mixed = list(rows)
    rng.shuffle(mixed)
    assert measured(mixed, terms, groups) == once
    doubled = measured([(group, year, 2 * cost) for group, year, cost in rows], terms, groups)
    assert [each.base_points_e4 for each in doubled.groups] == [each.base_points_e4 for each in once.groups]
    assert doubled.region_mean_fen == 2 * once.region_mean_fen


def test_published_decimals_round_the_points_once():
    terms = WeightTerms((F(1),), 100, dp=1)
    found = measured([(0, 0, 1), (1, 0, 2)], terms)
    assert [each.base_points_e4 for each in found.groups] == [667_000, 1_333_000]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(2, 0, 5)], "outside 0..1"),
        ([(0, 3, 5)], "year outside 0..2"),
        ([(0, 0, 0)], "costs nothing"),
        ([], "holds no case"),
    ],
)
def test_history_that_cannot_be_measured_says_why(rows, message):
    with pytest.raises(HistoryFault, match=message):
        measured(rows, WeightTerms(WEIGHTS_235, 100))


@pytest.mark.parametrize(
    "terms", [{"year_weights": ()}, {"year_weights": (F(0),)}, {"scale": 0}, {"dp": 5}], ids=lambda terms: str(*terms)
)
def test_terms_that_measure_nothing_are_refused(terms):
    with pytest.raises(HistoryFault):
        WeightTerms(**{"year_weights": (F(1),), "scale": 100, **terms})
