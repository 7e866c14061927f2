"""Where a policy is monotone in cost, and the name and size of every cliff where it is not."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvalue.cliffs import ClassCliff, SharingCliff, class_cliffs, sharing_cliff
from pointvalue.model import ClassRule, ClassSet, Condition, KLimit, PointScheme, RatioInterval, ScoreStep, TcmGate
from pointvalue.reference import ReferenceCase, score_case
from pointvalue.sharing import value_at_score
from pointvalue.terms import Denominator, Flag, Shape
from tests.golden_sharing import TAICANG, TYPICAL, settled

F = Fraction
MEAN = 1_000_000
BASE = F(100)
H = F("1.05")
REST = ClassRule("normal", Shape.NORMAL)


def ratio(above=None, below=None, above_in=False, below_in=False):
    return Condition(cost_ratio=RatioInterval(above, above_in, below, below_in))


def rule(name, shape, when, **more):
    return ClassRule(name, shape, when, **more)


def scheme(*rules, k="3", **more):
    """A scheme whose region's mean is that of a group of 100 points, as a consistent weight table has it."""
    class_set = ClassSet(0, (*rules, REST), (KLimit(None, F(k)),))
    return PointScheme("s", 100, MEAN, (class_set,), {"310": F(100)}, **more)


def a_case(cost, base=BASE, h=H, **more):
    return ReferenceCase("310", "G", 0, 8, cost, base, int(MEAN * base / 100), hospital_coefficient=h, **more)


LOW_40 = rule("low", Shape.BY_RATIO, ratio(below=F("0.4"), below_in=True))
LOW_50 = rule("low", Shape.BY_RATIO, ratio(below=F("0.5")))
RAMP = rule("ramp", Shape.RAMP_ADD, ratio(F("0.4"), F("0.8"), below_in=True), add=F("0.2"), coefficient=True)
MONOTONE = {
    "points per cost below 0.4, ramp to 0.8, linear above K": scheme(
        LOW_40, RAMP, rule("high", Shape.LINEAR_ADD, ratio("k"))
    ),
    "score per cost below 0.5, excess above 2, coefficient everywhere": scheme(
        replace(LOW_50, coefficient=True), rule("high", Shape.EXCESS_PLUS_ONE, ratio("k"), coefficient=True), k="2"
    ),
    "excess above 2 with the coefficient inside the bracket": scheme(
        LOW_50, rule("high", Shape.EXCESS_PLUS_COEF, ratio("k")), k="2"
    ),
    "ramp from nothing": scheme(rule("ramp", Shape.RAMP_ADD, ratio(below=F("0.8")), add=F("0.2"), coefficient=True)),
    "incomplete stay paid up to its base": scheme(
        rule("incomplete", Shape.CAPPED_BASE, Condition(flag=Flag.INCOMPLETE))
    ),
    "low case paid its cost at the budget value": scheme(
        rule("low", Shape.COST_POINTS, ratio(below=F("0.5"))), denominator=Denominator.STANDARD
    ),
}
COSTS = st.one_of(
    st.integers(0, 6 * MEAN),
    st.tuples(st.sampled_from(["0.4", "0.5", "0.8", "1", "2", "3"]), st.integers(-2, 2)).map(
        lambda pair: int(F(pair[0]) * MEAN) + pair[1]
    ),
)


@pytest.mark.parametrize("name", MONOTONE)
@given(costs=st.tuples(COSTS, COSTS), h=st.sampled_from([F("0.74"), F(1), F("1.05")]))
def test_points_never_fall_when_cost_rises_under(name, costs, h):
    low, high = sorted(costs)
    cases = (a_case(cost, h=h, flags=Flag.INCOMPLETE) for cost in (low, high))
    points = [score_case(case, MONOTONE[name]).points_e4 for case in cases]
    assert points[0] <= points[1]


@pytest.mark.parametrize("name", MONOTONE)
def test_no_cliff_of_a_monotone_policy_falls(name):
    assert not any(cliff.falls for cliff in class_cliffs(a_case(MEAN), MONOTONE[name]))


def cap(name="cap"):
    return scheme(rule(name, Shape.CAP, ratio("k")))


CLIFFS = {
    "low line 0.5, not part of it: half the base to all of it": (
        scheme(LOW_50),
        ClassCliff(499_999, "low", "normal", 499_999, 1_050_000),
    ),
    "low line 0.4, part of it: the ramp begins at 0.6 of the base": (
        scheme(LOW_40, RAMP),
        ClassCliff(400_000, "low", "ramp", 400_000, 630_001),
    ),
    "excess above K without the coefficient falls by what the coefficient had added": (
        scheme(rule("high", Shape.EXCESS_PLUS_ONE, ratio("k")), k="2"),
        ClassCliff(2_000_000, "normal", "high", 1_050_000, 1_000_001),
    ),
    "cap pays K times the base from the first fen above K": (
        cap(),
        ClassCliff(3_000_000, "normal", "cap", 1_050_000, 3_150_000),
    ),
    "deduct falls at K where the coefficient is above 1": (
        scheme(rule("high", Shape.DEDUCT, ratio("k"))),
        ClassCliff(3_000_000, "normal", "high", 1_050_000, 900_001),
    ),
    "coefficient alone above 5 gives back all that the excess had added": (
        scheme(rule("extreme", Shape.COEF_ONLY, ratio(F(5))), rule("high", Shape.EXCESS_PLUS_COEF, ratio("k")), k="2"),
        ClassCliff(5_000_000, "high", "extreme", 4_050_000, 1_050_000),
    ),
    "by item above 5 leaves the points": (
        scheme(rule("extreme", Shape.FFS, ratio(F(5)))),
        ClassCliff(5_000_000, "normal", "extreme", 1_050_000, None),
    ),
}


@pytest.mark.parametrize("name", CLIFFS)
def test_cliff_is_where_the_rule_puts_it(name):
    policy, expected = CLIFFS[name]
    assert class_cliffs(a_case(MEAN), policy) == (expected,)
    before, after = (score_case(a_case(cost), policy) for cost in (expected.cost_fen, expected.cost_fen + 1))
    assert (before.points_e4, after.points_e4) == (expected.points_before_e4, expected.points_after_e4)


def test_cliffs_that_fall_are_just_these():
    falling = [name for name, (policy, _) in CLIFFS.items() if any(c.falls for c in class_cliffs(a_case(MEAN), policy))]
    assert [name.partition(" ")[0] for name in falling] == ["excess", "deduct", "coefficient"]


def test_smooth_edges_are_no_cliffs():
    """The ramp meets the base at 0.8, linear addition meets it at K."""
    names = [(c.class_before, c.class_after) for c in class_cliffs(a_case(MEAN), next(iter(MONOTONE.values())))]
    assert names == [("low", "ramp")]


def test_case_without_reference_has_no_cliffs():
    assert class_cliffs(replace(a_case(MEAN), reference_fen=0), scheme(LOW_50)) == ()


# --- cliffs beside cost ---------------------------------------------------------------------------------------------


def test_cliff_of_graded_limits_at_base_points_of_100():
    """One ten-thousandth of a point more lowers K from 3 to 2.5: at a ratio of 2.6 the case turns high."""
    graded = ClassSet(
        0, (rule("high", Shape.LINEAR_ADD, ratio("k")), REST), (KLimit(F(100), F(3)), KLimit(None, F("2.5")))
    )
    policy = replace(scheme(), class_sets=(graded,))
    at, above = (
        score_case(replace(a_case(2_600_000, base=base), reference_fen=MEAN), policy) for base in (BASE, F("100.0001"))
    )
    assert (at.rule.id, above.rule.id) == ("normal", "high")
    assert above.points_e4 - at.points_e4 == 100_001


def test_cliff_of_days_and_of_the_tcm_gate():
    gate = ClassRule("tcm", Shape.TCM_BASE, Condition(tcm=TcmGate(F("0.6"), 8)))
    long_stay = ClassRule("outside", Shape.EXCLUDE, Condition(days_from=60))
    policy = scheme(long_stay, gate)
    assert score_case(replace(a_case(MEAN), days=59), policy).points_e4 == 1_050_000
    assert score_case(replace(a_case(MEAN), days=60), policy).points_e4 is None
    treated = a_case(MEAN, tcm_base=F(80), tcm_ratio=F("0.6"))
    assert score_case(treated, policy).points_e4 == 840_000
    assert score_case(replace(treated, tcm_ratio=F("0.599999")), policy).points_e4 == 1_050_000


def test_cliff_of_the_dearest_share():
    """Of 1,000 cases 50 are the top 5 %: the fiftieth is paid by item, the fifty-first by points."""
    policy = scheme(ClassRule("extreme", Shape.FFS, Condition(top_share=F("0.05"))))
    last_in, first_out = (score_case(a_case(MEAN, top_rank=rank, top_of=1_000), policy) for rank in (49, 50))
    assert (last_in.rule.id, first_out.rule.id) == ("extreme", "normal")


def test_cliff_of_paying_actual_below_85_percent():
    assert sharing_cliff(TYPICAL, 1_000_000_000) == SharingCliff(850_000_000, 150_000_000)
    below, at = settled(TYPICAL, 10_000_000, "8499999.99"), settled(TYPICAL, 10_000_000, 8_500_000)
    assert at - below == F("1500000.01")


def test_marginal_tiers_have_no_cliff():
    assert sharing_cliff(TAICANG, 1_000_000_000) is None
    assert sharing_cliff(replace(TYPICAL, surplus_cap=F(0)), 1_000_000_000) is None


@given(st.integers(0, 2 * 10**9), st.integers(0, 10**6))
def test_hospital_never_ends_with_less_for_having_spent_more_under_marginal_tiers(actual, more):
    low, high = (settled(TAICANG, 10_000_000, F(amount, 100)) for amount in (actual, actual + more))
    assert low <= high


def test_cliff_of_the_score_table_at_each_step():
    steps = (ScoreStep(F(90), F(1)), ScoreStep(F(60), F("0.7")), ScoreStep(F(0), F(0)))
    values = [value_at_score(steps, F(score), "release") for score in ("90", "89.99", "60", "59.99")]
    assert values == [1, F("0.7"), F("0.7"), 0]


def test_flag_of_a_case_is_kept_while_its_cost_moves():
    policy = scheme(ClassRule("day", Shape.SCALED_BASE, Condition(flag=Flag.DAY_SURGERY), factor=F("0.9")), LOW_50)
    assert class_cliffs(replace(a_case(MEAN), flags=Flag.DAY_SURGERY), policy) == ()
