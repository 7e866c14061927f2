"""Faults of a policy are found before a case is scored, each with the key it stands at."""

from dataclasses import replace
from fractions import Fraction

import pytest

from pointvalue.check import AreaFaulty, check_area, require_sound
from pointvalue.model import (
    BedDayTier,
    ClassRule,
    ClassSet,
    Condition,
    FixedScheme,
    KLimit,
    MoneyLine,
    PointValueTerms,
    PotTerms,
    RatioInterval,
    ReserveTerms,
    ScoreStep,
    Sharing,
    SharingTier,
)  # fmt: skip
from pointvalue.terms import (
    AssessmentOn,
    Basis,
    Cause,
    Payable,
    SchemeKind,
    Shape,
    SharingAmount,
    SharingDenominator,
    Side,
)  # fmt: skip
from tests.pointvalue_years import MONTH, plain_area, plain_pool, plain_scheme

F = Fraction
TIERS = tuple(SharingTier(side, F(0), None, F("0.5")) for side in Side)


def sharing(*tiers, **more):
    return Sharing(SharingAmount.FUND, SharingDenominator.STANDARD, tiers or TIERS, **more)


def tier(side, start, end, share="0.5"):
    return SharingTier(side, F(start), None if end is None else F(end), F(share))


def test_a_plain_area_has_no_fault():
    assert check_area(plain_area(plain_pool("drg", sharing=sharing()))) == ()


OPEN_SURPLUS = tier(Side.SURPLUS, 0, None)
LOW = Condition(cost_ratio=RatioInterval(below=F("0.4")))
POOL_FAULTS = {
    "last tier closed": (
        {"sharing": sharing(OPEN_SURPLUS, tier(Side.OVERSPEND, 0, "0.1"))},
        "sharing.tiers.overspend",
        "must be open",
    ),
    "gap between tiers": (
        {"sharing": sharing(OPEN_SURPLUS, tier(Side.OVERSPEND, 0, "0.1"), tier(Side.OVERSPEND, "0.2", None))},
        "sharing.tiers.overspend.1",
        "must start at 1/10",
    ),
    "side without tiers": ({"sharing": sharing(OPEN_SURPLUS)}, "sharing.tiers.overspend", "no tiers"),
    "share above 1": (
        {"sharing": sharing(OPEN_SURPLUS, tier(Side.OVERSPEND, 0, None, "1.2"))},
        "sharing.tiers.overspend.0.share",
        "not between 0 and 1",
    ),
    "tier after the open one": (
        {"sharing": sharing(OPEN_SURPLUS, tier(Side.OVERSPEND, 0, None), tier(Side.OVERSPEND, "0.1", None))},
        "sharing.tiers.overspend.1",
        "after the open one",
    ),
    "pot ratios": ({"pots": (PotTerms("drg", F("0.9")),)}, "pots", "add up to 9/10"),
    "no pots": ({"pots": ()}, "pots", "add up to 0"),
    "pot of no scheme": ({"pots": (PotTerms("dip", F(1)),)}, "pots.0.scheme", "allowed: drg"),
    "reserve": ({"reserve": ReserveTerms(F("1.05"))}, "reserve.rate", "not between 0 and 1"),
    "basis and payable": (
        {"point_value": PointValueTerms(Basis.FUND, Payable.MINUS_PATIENT, 4)},
        "point_value",
        "allowed: fund + fund",
    ),
    "ratio missing": (
        {"point_value": PointValueTerms(Basis.TOTAL_COST_RATIO, Payable.TIMES_RATIO, 4)},
        "point_value.ratio",
        "above 0",
    ),
    "bounds crossed": (
        {"point_value": replace(plain_pool("drg").point_value, lower=F("1.1"), upper=F("0.9"))},
        "point_value.lower",
        "above the upper",
    ),
    "growth cap without prior": ({"growth_cap": F("0.1")}, "prior_actual_fen", "prior year"),
    "eleven months": ({"months": (MONTH,) * 11}, "months", "found 11"),
    "release not to 0": ({"deposit_release": (ScoreStep(F(60), F(1)),)}, "deposit.release", "start at 0"),
    "release upside down": (
        {"deposit_release": (ScoreStep(F(0), F(0)), ScoreStep(F(60), F(1)))},
        "deposit.release",
        "highest score down",
    ),
    "assessment without table": (
        {"assessment_on": frozenset({AssessmentOn.OVERSPEND})},
        "assessment.tiers",
        "missing",
    ),
    "unknown hospital": ({"advance_fen": {"H9": 1}}, "advances", "unknown hospital H9"),
    "negative outside": ({"outside_fen": {"outpatient": -1}}, "outside_fen", "below zero"),
}


@pytest.mark.parametrize("fault", POOL_FAULTS)
def test_pool_fault_is_named_with_its_key(fault):
    change, key, words = POOL_FAULTS[fault]
    found = check_area(plain_area(replace(plain_pool("drg"), **change)))
    assert any(each.path == f"pools.310.{key}" and words in each.text_en for each in found), found
    assert all(each.text_zh for each in found)


SCHEME_FAULTS = {
    "condition on the last rule": (plain_scheme(ClassRule("low", Shape.NORMAL, LOW)), "rules", "no condition"),
    "rule never reached": (
        plain_scheme(ClassRule("all", Shape.NORMAL), ClassRule("rest", Shape.NORMAL)),
        "rules.0",
        "no later rule",
    ),
    "K missing": (plain_scheme(ClassRule("high", Shape.LINEAR_ADD)), "rules.0", "needs the limit K"),
    "two rules of one name": (
        plain_scheme(ClassRule("a", Shape.NORMAL, LOW), ClassRule("a", Shape.NORMAL)),
        "rules",
        "twice",
    ),
    "K limits closed": (
        replace(plain_scheme(), class_sets=(ClassSet(0, (ClassRule("n", Shape.NORMAL),), (KLimit(F(1), F(2)),)),)),
        "k",
        "must be open",
    ),
    "too many digits": (
        plain_scheme(ClassRule("n", Shape.SCALED_BASE, factor=F("0.12345678901"))),
        "rules.0",
        "9 digits",
    ),
}


@pytest.mark.parametrize("fault", SCHEME_FAULTS)
def test_scheme_fault_is_named_with_its_key(fault):
    scheme, key, words = SCHEME_FAULTS[fault]
    found = check_area(plain_area(scheme=scheme))
    path = f"schemes.drg.class_sets.0.{key}"
    assert any(each.path == path and words in each.text_en for each in found), found


def test_bed_day_tiers_must_follow_each_other_and_stay_open():
    tiers = (BedDayTier(1, 30, 20_000), BedDayTier(32, 90, 16_000))
    bed_day = FixedScheme("bed_day", SchemeKind.BED_DAY, tiers, fund_ratio={"310": F("0.85")})
    area = plain_area()
    found = [str(each) for each in check_area(replace(area, schemes=(*area.schemes, bed_day)))]
    assert any("starts on day 32, must start on 31" in each for each in found)
    assert any("last tier must be open" in each for each in found)


@pytest.mark.parametrize(
    ("year", "rate", "reason", "refused"),
    [
        (2025, "0.05", "", False),
        (2025, "0.06", "", True),
        (2025, "0.06", "pilot approved", False),
        (2024, "0.06", "", False),
    ],
)
def test_deposit_above_the_national_ceiling_needs_a_reason_from_2025(year, rate, reason, refused):
    months = (replace(MONTH, deposit_rate=F(rate), deposit_override_reason=reason),) * 12
    found = check_area(replace(plain_area(plain_pool("drg", months=months)), year=year))
    assert bool(found) == refused
    assert all("5 %" in each.text_en for each in found)


def test_hospitals_out_of_order_are_a_fault():
    area = plain_area()
    assert check_area(replace(area, hospitals=area.hospitals[::-1]))[0].path == "hospitals"


def test_money_line_of_another_cause_is_a_fault():
    area = plain_area(money_lines=(MoneyLine("H1", "310", Cause.STANDARD, 5),))
    assert check_area(area)[0].path == "money_lines.0.cause"


def test_a_faulty_area_is_refused_with_every_reason():
    pool = plain_pool("drg", pots=(), reserve=ReserveTerms(F(2)))
    with pytest.raises(AreaFaulty) as refusal:
        require_sound(plain_area(pool))
    assert len(refusal.value.faults) == 2
