"""The five forms of the hospital coefficient, clamps, steps and shares of steps."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvalue.coefficient import (
    Against,
    BonusForm,
    Clamp,
    CoefficientFault,
    CompositeForm,
    GroupCostForm,
    Growth,
    HospitalFacts,
    Increment,
    IncrementForm,
    LevelForm,
    clamp,
    group_coefficients_e6,
    hospital_coefficients_e6,
    incremented,
)

F = Fraction
LEVELS = LevelForm({"III": F(1), "II": F("0.8"), "I": F("0.6"), "II/obstetric": F("0.7")})
CMI = Increment("cmi", F("0.05"), F("0.01"), {"III": F("0.13"), "II": F("0.06")})


def facts(code="H1", level="III", kind="", **indicators):
    return HospitalFacts(code, level, kind, {name: F(value) for name, value in indicators.items()})


def one(form, hospital, limits=None):
    return hospital_coefficients_e6(form, [hospital], limits or Clamp())[hospital.code]


def test_level_form_takes_the_special_kind_before_the_level():
    hospitals = [facts("H1"), facts("H2", "II"), facts("H3", "II", "obstetric"), facts("H4", "I", "obstetric")]
    found = hospital_coefficients_e6(LEVELS, hospitals)
    assert found == {"H1": 1_000_000, "H2": 800_000, "H3": 700_000, "H4": 600_000}


def test_level_without_a_value_is_named():
    with pytest.raises(CoefficientFault, match=r"H1.*level IV.*there are: I, II"):
        one(LEVELS, facts(level="IV"))


def test_group_cost_form_is_hospital_mean_over_region_mean():
    """Own 12,000 over 2 cases against 30,000 over 6: 6,000 ÷ 5,000; new to the hospital; too few; new to the region."""
    found = group_coefficients_e6(
        GroupCostForm(min_cases=2), [12_000, 0, 9_000, 500], [2, 0, 1, 3], [30_000, 70, 6_000, 0], [6, 1, 6, 0]
    )
    assert found == [1_200_000, 1_000_000, 1_000_000, 1_000_000]
    clamped = group_coefficients_e6(GroupCostForm(), [12_000], [1], [30_000], [6], Clamp(F("0.6"), F("1.2")))
    assert clamped == [1_200_000]


def test_composite_weights_that_are_no_whole_are_refused():
    with pytest.raises(CoefficientFault, match="add up to 1"):
        CompositeForm({"level": F("0.5"), "cost": F("0.4")})
    with pytest.raises(CoefficientFault, match="not be below 0"):
        CompositeForm({"level": F("1.5"), "cost": F("-0.5")})


def test_base_plus_bonus_adds_what_is_earned_to_the_base():
    form = BonusForm("same_level_mean", {"cmi": F("0.2"), "agreement": F("0.15")})
    assert one(form, facts(same_level_mean="0.98", cmi="0.1", agreement="0.2")) == 1_030_000
    with pytest.raises(CoefficientFault, match=r"H1.*agreement is missing"):
        one(form, facts(same_level_mean="0.98", cmi="0.1"))


def test_increments_are_measured_against_the_mean_of_the_same_level():
    """CMI 1.2 and 0.8 at level III: a fifth above and below 1; 2.0 at level II does not move that mean."""
    hospitals = [facts("H1", cmi="1.2"), facts("H2", cmi="0.8"), facts("H3", "II", cmi="2"), facts("H4", "I")]
    form = IncrementForm({"III": F("0.93"), "II": F("0.72"), "I": F("0.55")}, (CMI,))
    found = hospital_coefficients_e6(form, hospitals)
    assert found == {"H1": 970_000, "H2": 930_000, "H3": 720_000, "H4": 550_000}


@pytest.mark.parametrize(
    ("over", "steps", "proportional", "at_once"),
    [
        ("0", "0", "0", "0"),
        ("0.04", "0", "0.008", "0.01"),
        ("0.05", "0.01", "0.01", "0.02"),
        ("0.099999", "0.01", "0.0199998", "0.02"),
        ("0.64", "0.12", "0.128", "0.13"),
        ("9", "0.13", "0.13", "0.13"),
        ("-0.3", "0", "0", "0"),
    ],
)
def test_steps_count_when_full_shares_at_once_and_caps_bind(over, steps, proportional, at_once):
    def gain(**more):
        form = IncrementForm({"III": F(1)}, (replace(CMI, **more),))
        return incremented(form, facts(), {"cmi": F(over)}) - 1

    assert gain() == F(steps)
    assert gain(growth=Growth.PROPORTIONAL) == F(proportional)
    assert gain(at_once=True) == F(at_once)


def test_symmetric_increment_takes_away_below_the_mean_what_it_adds_above():
    form = IncrementForm({"III": F(1)}, (replace(CMI, symmetric=True),))
    for over in ("0.12", "0.9"):
        above, below = (incremented(form, facts(), {"cmi": F(sign) * F(over)}) for sign in (1, -1))
        assert above - 1 == 1 - below > 0


def test_percentage_points_are_differences_and_not_ratios():
    """40 % against a mean of 30 %: ten points, a third more."""
    step = Increment("tcm", F("0.03"), F("0.01"), {"III": F("0.05")}, against=Against.POINTS)
    hospitals = [facts("H1", tcm="0.4"), facts("H2", tcm="0.2")]
    assert hospital_coefficients_e6(IncrementForm({"III": F(1)}, (step,)), hospitals)["H1"] == 1_030_000
    relative = replace(step, against=Against.RELATIVE, caps={"III": F(1)})
    assert hospital_coefficients_e6(IncrementForm({"III": F(1)}, (relative,)), hospitals)["H1"] == 1_110_000
    with pytest.raises(CoefficientFault, match="compare in points"):
        hospital_coefficients_e6(
            IncrementForm({"III": F(1)}, (relative,)), [facts("H1", tcm="1"), facts("H2", tcm="-1")]
        )


def test_clamp_that_is_upside_down_and_steps_of_nothing_are_refused():
    with pytest.raises(CoefficientFault, match="lies above"):
        Clamp(F("1.2"), F("0.6"))
    with pytest.raises(CoefficientFault, match="step must be above 0"):
        replace(CMI, step=F(0))


@given(st.fractions(-3, 3), st.fractions(-3, 3))
def test_clamp_keeps_order_and_stays_inside(left, right):
    limits = Clamp(F("0.6"), F("1.2"))
    assert limits.low <= clamp(left, limits) <= limits.high
    if left <= right:
        assert clamp(left, limits) <= clamp(right, limits)
    assert clamp(left, Clamp()) == left


@given(st.fractions(0, 2), st.fractions(0, 2), st.sampled_from(list(Growth)), st.booleans())
def test_a_hospital_further_above_its_level_never_gets_less(low, high, growth, at_once):
    form = IncrementForm({"III": F(1)}, (replace(CMI, growth=growth, at_once=at_once),))
    low, high = sorted((low, high))
    assert incremented(form, facts(), {"cmi": low}) <= incremented(form, facts(), {"cmi": high})
