"""Points a catalogue gave: what a review, a new technology and a readmission make of them."""

from fractions import Fraction

import numpy as np
import pytest

from pointvalue.cases import CaseColumns
from pointvalue.classes import score
from pointvalue.model import AreaYear, Hospital, PointScheme
from pointvalue.terms import Flag, Route, SchemeKind, SpecialPay
from tests.pointvalue_years import plain_pool

F = Fraction
DIP = PointScheme("dip", 1000, 980_000, (), {"310": F(9)}, kind=SchemeKind.PACK_POINTS)


def area_of(**more):
    return AreaYear("test", 2024, (Hospital("H1", "3", 1_000_000, score=F(90)),), (DIP,), (plain_pool("dip"),), **more)


def cases_of(given, flags, **more):
    count = len(given)

    def i32(value):
        return np.full(count, value, np.int32)

    def i64(value):
        return np.full(count, value, np.int64)

    more = {name: np.array(values, np.int32 if name.endswith("year") else np.int64) for name, values in more.items()}
    return CaseColumns(
        ids=[f"C{n}" for n in range(count)],
        hospital=i32(0), pool=i32(0), scheme=i32(0), group=i32(0), groups=("A",), month=i32(3), value_day=i32(19_800),
        days=i32(7), cost_fen=i64(1_000_000), patient_fen=i64(200_000), fund_fen=i64(800_000),
        base_points_e4=i64(10_000_000), reference_fen=i64(1_000_000), flags=np.array(flags, np.int64),
        given_points_e4=np.array(given, np.int64), given_class=i32(0), given_classes=("normal",), **more,
    )  # fmt: skip


def test_an_approved_cost_takes_the_scale_and_mean_of_its_scheme():
    """29,400 ÷ 9,800 × 1000 = 3000 points instead of those given."""
    cases = cases_of([12_345_678, 12_345_678], [0, int(Flag.SPECIAL)], special_approved_fen=[-1, 2_940_000])
    scored = score(cases, area_of())
    assert scored.points_e4.tolist() == [12_345_678, 30_000_000]
    assert [scored.class_id(row) for row in (0, 1)] == ["normal", "special_case"]


def test_a_case_paid_at_cost_may_still_be_approved():
    cases = cases_of([-1, -1], [0, int(Flag.SPECIAL)], special_points_e4=[-1, 5_000_000])
    scored = score(cases, area_of(special_pay=SpecialPay.ADJUSTED_STANDARD))
    assert scored.points_e4.tolist() == [0, 5_000_000]
    assert scored.route.tolist() == [Route.FIXED, Route.POT]
    assert [scored.lines[place] if place >= 0 else "" for place in scored.line] == ["ffs", ""]


def test_approved_fund_money_is_paid_outside_the_points():
    cases = cases_of([9_000_000], [int(Flag.SPECIAL)], special_fund_fen=[4_321])
    scored = score(cases, area_of(special_pay=SpecialPay.ACTUAL_OUTSIDE_POOL))
    assert (scored.points_e4[0], scored.route[0], scored.lines[scored.line[0]]) == (0, Route.FIXED, "special")


@pytest.mark.parametrize(
    ("year", "points"), [(0, 9_000_000), (1, 9_500_001), (2, 9_350_001), (3, 9_000_000), (4, 9_000_000)]
)
def test_new_technology_adds_the_points_of_its_year(year, points):
    """500,001 × 0.7 = 350,000.7, half up."""
    cases = cases_of([9_000_000], [0], new_tech_points_e4=[500_001], new_tech_year=[year])
    assert score(cases, area_of(new_tech_year_factors=(F(1), F("0.7")))).points_e4.tolist() == [points]


def test_a_readmission_multiplies_what_the_stay_before_has_and_rounds_once():
    """(9,000,000 + 0.7 × 500,001) ÷ 3 = 3,116,666.9, half up."""
    area = area_of(new_tech_year_factors=(F("0.7"),), readmission_factor=F(1, 3))
    flags = [int(Flag.READMITTED)] * 2 + [0]
    cases = cases_of([9_000_000, -1, 9], flags, new_tech_points_e4=[500_001, 5, 0], new_tech_year=[1, 1, 0])
    scored = score(cases, area)
    assert scored.points_e4.tolist() == [3_116_667, 0, 9]
    assert [scored.class_id(row) for row in range(3)] == ["normal+readmitted", "normal", "normal"]
