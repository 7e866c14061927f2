"""Batch scoring of DIP cases against exact fractions, on drawn numbers and at the edges."""

import random
from fractions import Fraction

import numpy as np
import pytest

from pointvalue.dip_score_batch import DipColumns, score_columns
from pointvalue.dip_score_tables import DeviationBand, GroupedCase, ScoringError, ScoringTables, UngroupedPay
from pointvalue.dip_scoring import score_points
from pointvalue.fixed import half_up
from tests.test_dip_scoring import CAPPED, DEFAULT, HIGH, LOW, NORMAL

REVIEW = (LOW, NORMAL, DeviationBand(3, "高倍率", "review", 2_000_000, True))
AT_COST = (
    DeviationBand(1, "低倍率", "at_cost", None, False, 500_000, False),
    DeviationBand(2, "正常倍率", "one", 500_000, True),
)
NO_AUX = tuple(
    DeviationBand(b.seq, b.label, b.formula, b.lo_e6, b.lo_inclusive, b.hi_e6, b.hi_inclusive, b.apply_hospital, False)
    for b in CAPPED
)
SHAPES = {"default": DEFAULT, "capped": CAPPED, "review": REVIEW, "at cost": AT_COST, "without auxiliary": NO_AUX}


def columns(rows: list[tuple[int, ...]]) -> DipColumns:
    """(cost, points, aux, K, own, h, mean, is blank) per case."""
    table = np.array(rows, np.int64).reshape(len(rows), 8)
    return DipColumns(*(np.ascontiguousarray(table[:, n]) for n in range(7)), table[:, 7] == 1)


def exactly(scoring: ScoringTables, row: tuple[int, ...]) -> tuple[int, str]:
    """Points ×10⁴ and label by fractions."""
    cost, points, aux, k, own, h, mean, blank = row
    reference = Fraction(points, 10**4) * Fraction(aux, 10**6) * Fraction(k, 10**6) * Fraction(own, 10**6) * 100
    one = GroupedCase(cost, "G", points, aux, reference, None, mean, blank == 1)
    found = score_points(scoring, Fraction(h, 10**6), one)
    return half_up(found.points * 10**4), found.label


def draw(pick: random.Random, wide: bool) -> tuple[int, ...]:
    points = pick.choice((0, 1, 999_999, pick.randrange(10**8), 10**10 if wide else 10**7))
    aux = pick.choice((10**6, 1_332_700, 705_111, pick.randrange(10**5, 10**8 if wide else 10**7)))
    k = pick.choice((9_400_000, 10_400_000, 11_000_000, 0, pick.randrange(10**5, 10**9 if wide else 10**8)))
    own = pick.choice((10**6, 900_000, 1_100_000, pick.randrange(10**5, 10**7)))
    h = pick.choice((10**6, 700_000, 611_000, 2_500_000, pick.randrange(1, 10**7)))
    near = points * aux * k * own // 10**20
    cost = pick.choice((0, near // 2, near, 2 * near, 5 * near, 5 * near + 1, pick.randrange(1, 10**9)))
    return min(cost, 9 * 10**10), points, aux, k, own, h, pick.choice((1_000_000, 777_777)), int(pick.random() < 0.1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wide", [False, True], ids=["usual numbers", "numbers beyond 128 bits"])
def test_the_batch_gives_what_fractions_give(shape, wide):
    pick = random.Random(f"{shape} {wide}")
    rows = [draw(pick, wide) for _ in range(1500)]
    scoring = ScoringTables(SHAPES[shape], ungrouped=UngroupedPay("blank_group", 393_120))
    found = score_columns(scoring, columns(rows))
    for i, one in enumerate(rows):
        points, label = exactly(scoring, one)
        assert (int(found.points_e4[i]), scoring.bands[int(found.band[i])].label) == (points, label), one
        assert bool(found.is_paid_at_cost[i]) == (one[1] == 0)


def test_a_case_without_coefficient_or_factor_is_named():
    with pytest.raises(ScoringError, match="has no cost_factor_e6"):
        score_columns(ScoringTables(DEFAULT), columns([(1, 1, 1, -(2**63), 1, 1, 0, 0)]))


def test_points_beyond_reason_are_refused():
    beyond = (9 * 10**10, 10**10, 10**8, 1, 10**6, 10**8, 0, 0)
    with pytest.raises(ScoringError, match="check its K, score and factors"):
        score_columns(ScoringTables(DEFAULT), columns([beyond]))


def test_a_ratio_no_band_holds_is_an_error():
    with pytest.raises(ScoringError, match="close the gap"):
        score_columns(ScoringTables((NORMAL, HIGH)), columns([(1, 10**6, 10**6, 10**7, 10**6, 10**6, 0, 0)]))
