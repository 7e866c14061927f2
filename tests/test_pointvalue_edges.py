"""Points and classes where the kernel takes a short way, just inside it and just outside, against the plain rules."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvalue.cases import CaseFault
from pointvalue.classes import score
from pointvalue.fixed import floor
from pointvalue.model import ClassRule, Condition, KLimit, RatioInterval
from pointvalue.reference import RuleFault
from pointvalue.terms import Denominator, Flag, Shape
from tests.test_pointvalue_classes import DRG, area_of, cases_of, plain_scores, scheme_of

F = Fraction
EDGES = [1, 2, 999_999, 2**31 - 2, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, 2**40]
PLAIN_SHAPES = [Shape.NORMAL, Shape.COEF_ONLY, Shape.BY_RATIO, Shape.RAMP_ADD, Shape.LINEAR_ADD, Shape.SCALED_COST]


@settings(max_examples=200, deadline=None)
@given(
    st.randoms(use_true_random=False), st.sampled_from(PLAIN_SHAPES), st.booleans(), st.sampled_from(list(Denominator))
)
def test_numbers_at_the_edge_of_a_short_way_score_like_the_plain_rules(chance, shape, coefficient, denominator):
    """Some points are worked out in 64 bits where they fit; just below and above that they are the same."""
    limits = [F(2**31 - 1, 2**31 - 3), F(2**31 - 3, 2**31 - 1), F(1, 2**31 - 1), F(2**31 - 1), F("0.4"), F(2)]
    edges = sorted(chance.sample(limits, 2))
    interval = RatioInterval(edges[0], chance.random() < 0.5, edges[1], chance.random() < 0.5)
    rules = [
        ClassRule("first", shape, Condition(cost_ratio=interval), coefficient, add=F(2**31 - 1, 2**31 - 2)),
        ClassRule("rest", Shape.NORMAL, coefficient=coefficient),
    ]
    scheme = scheme_of(*rules, k=[KLimit(None, F(3))], denominator=denominator)
    rows = []
    for _ in range(20):
        base, reference = chance.choice(EDGES), chance.choice(EDGES)
        near = floor(chance.choice(edges) * reference) + chance.choice([-1, 0, 1])
        cost = min(2**45, max(0, near)) if chance.random() < 0.7 else chance.choice(EDGES)
        rows.append((cost, base, reference, 5, 0, 0, 0, 0))
    own = [chance.choice([1, 999_983, 1_000_000, 1_065_000, 2**31 - 1]) for _ in rows]
    cases, area = cases_of(rows, coefficient_e6=own), area_of(scheme)
    expected = plain_scores(cases, area)
    if any(abs(points) >= 2**63 for _, points in expected):
        with pytest.raises(OverflowError):
            score(cases, area)
        return
    scored = score(cases, area)
    assert [(scored.class_id(row), int(scored.points_e4[row])) for row in range(len(cases))] == expected


def test_coefficients_outside_their_range_are_refused():
    for own in (0, -1, 2**31):
        cases = cases_of([(1, 10_000, 1, 5, 0, 0, 0, 0)] * 2, coefficient_e6=[1, own])
        with pytest.raises(CaseFault, match=r"C00001.*hospital coefficient"):
            score(cases, area_of(DRG))


LIMITS = [None, "k", F("0.4"), F("0.8"), F(1), F(2), F(3)]


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_first_rule_of_a_ratio_is_that_of_the_plain_rules(chance):
    """Rules that ask for the ratio alone are found by where it lies; at every limit, a fen below and above."""
    rules = []
    limits = chance.choice([[], [KLimit(None, F(3))], [KLimit(F(100), F(3)), KLimit(None, F("1.5"))]])
    for number in range(chance.randint(0, 6)):
        above, below = (chance.choice(LIMITS) for _ in range(2))
        interval = RatioInterval(above, chance.random() < 0.5, below, chance.random() < 0.5)
        flag = Flag.UNGROUPED if chance.random() < 0.2 else None
        days = 9 if chance.random() < 0.05 else None
        k = chance.choice([None, None, F(2), F("2.5")] if limits else [F(2), F("2.5")])
        rules.append(ClassRule(f"{number}", Shape.NORMAL, Condition(flag, days, cost_ratio=interval), k=k))
    rules += [ClassRule("last", Shape.NORMAL)] if chance.random() < 0.9 else []
    scheme, rows = scheme_of(*rules, k=limits), []
    for _ in range(20):
        near = chance.choice([F("0.4"), F("0.8"), F(1), F("1.5"), F(2), F("2.5"), F(3), F(5)]) * 10**6
        cost, base = int(near) + chance.choice([-1, 0, 1]), chance.choice([1_000_000, 1_000_001])
        rows.append((cost, base, chance.choice([10**6, 10**6, 10**6, 0]), 5, chance.choice([0, 0, 1]), 0, 0, 0))
    for row in rows:
        cases, area = cases_of([row]), area_of(scheme)
        try:
            expected = plain_scores(cases, area)
        except RuleFault:
            with pytest.raises(CaseFault):
                score(cases, area)
            continue
        assert [(score(cases, area).class_id(0), int(score(cases, area).points_e4[0]))] == expected
