"""The compiled paying of a pot's cases says what the columns say one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.stream.pay_loops import OUTSIDE, pay_cases, places_in_pot
from pointvalue.fixed_wide import scaled_floor, sum_by, total
from pointvalue.out_of_area import cut_to_fee

CELLS = 7


def columns(count: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "standard": rng.integers(-(10**12), 10**12, count),
        "patient": rng.integers(-(10**11), 10**12, count),
        "fund": rng.integers(-(10**11), 10**12, count),
        "elsewhere": rng.random(count) < 0.4,
        "cell": rng.integers(0, CELLS, count).astype(np.int32),
    }


@pytest.mark.parametrize(("minus", "lifted", "capped"), list(itertools.product((False, True), repeat=3)))
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_cases_are_paid_as_column_by_column(minus: bool, lifted: bool, capped: bool, count: int) -> None:
    case = columns(count, 5)
    due = case["standard"] - (case["patient"] if minus else 0)
    floors = np.maximum(-due, 0) if lifted else np.zeros(count, np.int64)
    caps = cut_to_fee(due + floors, case["fund"], case["elsewhere"] & capped)
    place = case["cell"] + np.int32(CELLS) * case["elsewhere"].astype(np.int32)
    part, sums = np.empty(count, np.int64), np.zeros((2 * CELLS, 3), np.int64)
    patient = case["patient"][: count if minus else 0]
    answer = pay_cases(
        *(case["standard"], patient, minus, lifted, case["fund"], case["elsewhere"], capped, case["cell"], part, sums)
    )
    assert answer == -1
    assert part.tolist() == (due + floors - caps).tolist()
    for number, values in enumerate((case["standard"], floors, caps)):
        assert sums[:, number].tolist() == sum_by(place, values, 2 * CELLS).tolist()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_that_does_not_fit_is_told(sign: int) -> None:
    standard = np.full(3, sign * (1 << 62), np.int64)
    sums, zeros = np.zeros((2, 3), np.int64), np.zeros(3, np.int64)
    place = np.zeros(3, np.int32)
    answer = pay_cases(
        *(standard, zeros, False, False, zeros, zeros.astype(np.bool_), False, place, np.empty(3, np.int64), sums)
    )
    assert answer == 1


def test_a_case_in_no_cell_is_told() -> None:
    ones, sums = np.ones(2, np.int64), np.zeros((2 * CELLS, 3), np.int64)
    for wrong in (-1, CELLS):
        place = np.array([0, wrong], np.int32)
        answer = pay_cases(
            *(ones, ones, True, True, ones, ones.astype(np.bool_), True, place, np.empty(2, np.int64), sums)
        )
        assert answer == OUTSIDE


def test_totals_and_floors_of_extremes() -> None:
    most, least = (1 << 63) - 1, -(1 << 63)
    for values in ([], [most] * 5, [least] * 3 + [most], [-1, 2, -(1 << 32), (1 << 32) - 1]):
        assert total(np.array(values, np.int64)) == sum(values)
    assert total(np.arange(20, dtype=np.int64)[::3]) == sum(range(0, 20, 3))
    weights = np.array([7, -7, 0, 10**12], np.int64)
    into = np.empty(4, np.int64), np.empty(4, np.int64)
    scaled_floor(weights, 3, 4, into)
    assert [each.tolist() for each in into] == [each.tolist() for each in scaled_floor(weights, 3, 4)]


def test_where_cases_of_a_pot_stand() -> None:
    rng = np.random.default_rng(3)
    pots = rng.integers(-1, 3, 500).astype(np.int32)
    inside = np.flatnonzero(pots == 1)
    for wanted in (np.arange(len(inside)), np.sort(rng.choice(len(inside), 20, replace=False)), np.zeros(0, np.int64)):
        places = np.empty(len(wanted), np.int64)
        assert places_in_pot(pots, 1, wanted, places) == len(wanted)
        assert places.tolist() == inside[wanted].tolist()
    assert places_in_pot(pots, 1, np.array([len(inside)]), np.empty(1, np.int64)) == 0
