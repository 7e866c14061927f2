"""Case classes and points: every shape, every limit, and the kernel against the plain rules."""

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvalue import reference
from pointvalue.cases import CaseColumns, CaseFault
from pointvalue.classes import reference_case, score
from pointvalue.fixed import floor, half_up
from pointvalue.model import (
    AreaYear,
    ClassRule,
    ClassSet,
    Condition,
    Hospital,
    KLimit,
    PointScheme,
    RatioInterval,
    TcmGate,
)
from pointvalue.reference import RuleFault, score_case
from pointvalue.terms import Denominator, Flag, Shape
from tests.pointvalue_years import plain_pool, unhurried

F = Fraction
RATIOS = [F(0), F("0.4"), F("0.5"), F("0.8"), F(1), F("1.5"), F(2), F(3), F(5)]
FINE = st.sampled_from([F("0.8"), F("1.15"), F("0.333333"), F(1), F("0.07"), F("2.5")])


def scheme_of(*rules, k=(), name="drg", scale=100, **more):
    class_set = ClassSet(0, tuple(rules), tuple(k))
    return PointScheme(name, scale, 1_000_000, (class_set,), {"310": F(120)}, **more)


def area_of(scheme, coefficients=(1_050_000, 740_000, 333_333), **more):
    hospitals = tuple(Hospital(f"H{n}", "II", e6, score=F(90)) for n, e6 in enumerate(coefficients))
    return AreaYear("test", 2024, hospitals, (scheme,), (plain_pool(scheme.name),), **more)


def cases_of(rows, **optional):
    """Columns from rows of (cost, base_e4, reference, days, flags, hospital, group, day)."""
    count = len(rows)
    columns = list(zip(*rows, strict=True)) if rows else [()] * 8
    cost, base, reference, days, flags, hospital, group, day = columns

    def i32(values):
        return np.array(values, dtype=np.int32).reshape(count)

    def i64(values):
        return np.array(values, dtype=np.int64).reshape(count)

    return CaseColumns(
        ids=[f"C{n:05d}" for n in range(count)],
        hospital=i32(hospital),
        pool=np.zeros(count, np.int32),
        scheme=np.zeros(count, np.int32),
        group=i32(group),
        groups=("G0", "G1", "SAME"),
        month=np.ones(count, np.int32),
        value_day=i32(day),
        days=i32(days),
        cost_fen=i64(cost),
        patient_fen=np.zeros(count, np.int64),
        fund_fen=i64(cost),
        base_points_e4=i64(base),
        reference_fen=i64(reference),
        flags=i64(flags),
        **{name: (i32 if name == "new_tech_year" else i64)(values) for name, values in optional.items()},
    )


def points_of(scheme, cost_fen, base_e4, reference_fen, coefficient_e6=1_000_000, **more):
    """(class, points) of one case alone."""
    area = area_of(scheme, (coefficient_e6,))
    scored = score(cases_of([(cost_fen, base_e4, reference_fen, 5, 0, 0, 0, 0)], **more), area)
    return scored.class_id(0), F(int(scored.points_e4[0]), 10_000)


# --- worked examples (settlement-golden.json G4, G5; settlement-golden-2.json H5, H6) -------------------------------

DIP = scheme_of(
    ClassRule("low", Shape.BY_RATIO, Condition(cost_ratio=RatioInterval(below=F("0.5")))),
    ClassRule(
        "extreme", Shape.EXCESS_PLUS_ONE, Condition(cost_ratio=RatioInterval(above=F(5))), k=F(2), review=True
    ),
    ClassRule("high", Shape.EXCESS_PLUS_ONE, Condition(cost_ratio=RatioInterval(above=F(2))), k=F(2)),
    ClassRule("normal", Shape.NORMAL),
    scale=1000,
)  # fmt: skip


@pytest.mark.parametrize(
    ("cost_yuan", "expected"),
    [
        (4_000, ("low", F(500))),
        (5_000, ("normal", F(1250))),
        (10_000, ("normal", F(1250))),
        (20_000, ("normal", F(1250))),
        (26_000, ("high", F(2000))),
        (55_000, ("extreme", F(5625))),
    ],
)
def test_dip_classes_as_in_the_worked_example(cost_yuan, expected):
    assert points_of(DIP, cost_yuan * 100, 12_500_000, 1_000_000) == expected


def test_dip_limits_that_include_their_ends():
    scheme = scheme_of(
        ClassRule("low", Shape.BY_RATIO, Condition(cost_ratio=RatioInterval(below=F("0.4"), below_in=True))),
        ClassRule(
            "high", Shape.EXCESS_PLUS_ONE, Condition(cost_ratio=RatioInterval(above=F("2.5"), above_in=True)),
            k=F("2.5"),
        ),
        ClassRule("normal", Shape.NORMAL),
    )  # fmt: skip
    assert points_of(scheme, 390_000, 12_500_000, 1_000_000) == ("low", F("487.5"))
    assert points_of(scheme, 400_000, 12_500_000, 1_000_000) == ("low", F(500))
    assert points_of(scheme, 2_500_000, 12_500_000, 1_000_000) == ("high", F(1250))
    assert points_of(scheme, 2_600_000, 12_500_000, 1_000_000) == ("high", F(1375))


DRG = scheme_of(
    ClassRule("low", Shape.BY_RATIO, Condition(cost_ratio=RatioInterval(below=F("0.4"), below_in=True))),
    ClassRule(
        "ramp", Shape.RAMP_ADD, Condition(cost_ratio=RatioInterval(F("0.4"), False, F("0.8"), True)),
        add=F("0.2"), coefficient=True,
    ),
    ClassRule("high", Shape.LINEAR_ADD, Condition(cost_ratio=RatioInterval(above="k"))),
    ClassRule("normal", Shape.NORMAL),
    k=[KLimit(None, F(3))],
)  # fmt: skip


@pytest.mark.parametrize(
    ("cost_yuan", "points"),
    [(3_600, 36), (4_800, 48), (7_200, "100.8"), (9_600, 126), (12_000, 126), (36_000, 126), (42_000, 186)],
)
def test_drg_classes_as_in_the_worked_example(cost_yuan, points):
    assert points_of(DRG, cost_yuan * 100, 1_200_000, 1_200_000, 1_050_000)[1] == F(str(points))


def test_drg_deduct_variant_as_in_the_worked_example():
    scheme = scheme_of(ClassRule("high", Shape.DEDUCT, k=F(3)))
    assert points_of(scheme, 4_200_000, 1_200_000, 1_200_000, 1_050_000)[1] == 168


@pytest.mark.parametrize(("cost_yuan", "points"), [(9_000, 90), (15_000, 120)])
def test_incomplete_stay_is_paid_up_to_its_base(cost_yuan, points):
    scheme = scheme_of(ClassRule("incomplete", Shape.CAPPED_BASE))
    assert points_of(scheme, cost_yuan * 100, 1_200_000, 1_200_000, 1_050_000)[1] == points


def test_low_case_of_dip_3_is_paid_its_cost_at_the_budget_value():
    scheme = replace(scheme_of(ClassRule("low", Shape.COST_POINTS), scale=1000), budget_point_value={"310": F(8)})
    _, points = points_of(scheme, 400_000, 12_500_000, 1_100_000, 1_100_000)
    assert points * 8 == 4_000


def test_special_case_points_come_from_the_approved_cost():
    rows = [(7_000_000, 1_000_000, 1_000_000, 5, int(Flag.SPECIAL), 0, 0, 0)]
    scored = score(cases_of(rows, special_approved_fen=[6_000_000]), area_of(DRG))
    assert (scored.class_id(0), scored.points_e4[0]) == ("special_case", 6_000_000)


def test_special_case_without_its_approved_cost_is_refused_by_name():
    rows = [(7_000_000, 1_000_000, 1_000_000, 5, int(Flag.SPECIAL), 0, 0, 0)]
    with pytest.raises(CaseFault, match=r"C00000.*approved cost"):
        score(cases_of(rows), area_of(DRG))


# --- limits, order, factors ----------------------------------------------------------------------------------------


def test_ratio_a_hair_above_a_limit_is_above_it():
    """0.4 of 10¹² fen and one fen more: no decimal place of r would tell them apart."""
    mean = 10**12
    assert points_of(DRG, 4 * mean // 10, 1_000_000, mean)[0] == "low"
    assert points_of(DRG, 4 * mean // 10 + 1, 1_000_000, mean)[0] == "ramp"


def test_high_limit_goes_by_base_points_counted_at_scale_100():
    limits = [KLimit(F(100), F(3)), KLimit(F(200), F("2.5")), KLimit(None, F("1.5"))]
    rules = [ClassRule("high", Shape.CAP, Condition(cost_ratio=RatioInterval(above="k"))), DRG.class_sets[0].rules[-1]]
    for scale in (1, 100, 1000):
        scheme = scheme_of(*rules, k=limits, scale=scale)
        at_100, above = scale * 10_000, scale * 10_000 + 1
        assert points_of(scheme, 2_600_000, at_100, 1_000_000)[0] == "normal"
        assert points_of(scheme, 2_600_000, above, 1_000_000)[0] == "high"


def test_same_price_groups_take_no_coefficient():
    scheme = scheme_of(ClassRule("normal", Shape.NORMAL), same_price_groups=frozenset({"SAME"}))
    rows = [(1, 1_000_000, 1, 5, 0, 1, group, 0) for group in (0, 2)]
    assert score(cases_of(rows), area_of(scheme)).points_e4.tolist() == [740_000, 1_000_000]


def test_points_are_rounded_once_after_every_factor():
    """100.0001 × 0.333333 × 1.15 + 12.5 × 0.7, halved: rounding any step to four places would show."""
    rows = [(1, 1_000_001, 1, 5, int(Flag.READMITTED), 2, 0, 0)]
    cases = cases_of(rows, aux_e6=[1_150_000], new_tech_points_e4=[125_000], new_tech_year=[2])
    area = area_of(
        scheme_of(ClassRule("normal", Shape.NORMAL)),
        readmission_factor=F("0.5"),
        new_tech_year_factors=(F(1), F("0.7"), F("0.4")),
    )
    exact = (F("100.0001") * F("0.333333") * F("1.15") + F("12.5") * F("0.7")) / 2
    assert score(cases, area).points_e4[0] == floor(exact * 10_000 + F(1, 2))
    assert score(cases, area).class_id(0) == "normal+readmitted"


def test_top_share_takes_the_dearest_of_the_scheme_ties_by_case_id():
    scheme = scheme_of(ClassRule("top", Shape.FFS, Condition(top_share=F("0.25"))), ClassRule("normal", Shape.NORMAL))
    rows = [(cost, 1_000_000, 1, 5, 0, 0, 0, 0) for cost in (5, 9, 9, 1, 9, 2, 3, 4, 5)]
    scored = score(cases_of(rows), area_of(scheme))
    assert [row for row in range(9) if scored.class_id(row) == "top"] == [1, 2]


def test_class_set_in_force_on_the_value_day_decides():
    early, late = ClassRule("early", Shape.NORMAL), ClassRule("late", Shape.NORMAL)
    scheme = replace(scheme_of(early), class_sets=(ClassSet(100, (late,)), ClassSet(10, (early,))))
    rows = [(1, 10_000, 1, 5, 0, 0, 0, day) for day in (10, 99, 100)]
    scored = score(cases_of(rows), area_of(scheme))
    assert [scored.class_id(row) for row in range(3)] == ["early", "early", "late"]
    with pytest.raises(CaseFault, match="no class rules are in force"):
        score(cases_of([(1, 10_000, 1, 5, 0, 0, 0, 9)]), area_of(scheme))


def test_case_without_reference_is_refused_only_if_a_rule_asks_for_its_ratio():
    flagged = ClassRule("ungrouped", Shape.SCALED_COST, Condition(flag=Flag.UNGROUPED), factor=F("0.8"))
    scheme = scheme_of(flagged, *DRG.class_sets[0].rules, k=[KLimit(None, F(3))])
    rows = [(1_056_000, 0, 0, 5, int(Flag.UNGROUPED), 0, 0, 0)]
    assert score(cases_of(rows), area_of(scheme)).points_e4[0] == 844_800
    with pytest.raises(CaseFault, match="no reference cost"):
        score(cases_of([(1_056_000, 0, 0, 5, 0, 0, 0, 0)]), area_of(scheme))


def test_index_outside_the_area_is_refused_before_compiled_code_sees_it():
    cases = cases_of([(1, 10_000, 1, 5, 0, 7, 0, 0)])
    with pytest.raises(CaseFault, match="hospital index"):
        score(cases, area_of(DRG))


# --- kernel against the plain rules ---------------------------------------------------------------------------------


@st.composite
def class_rules(draw, number):
    shape = draw(st.sampled_from(list(Shape)))
    edges = sorted(draw(st.lists(st.sampled_from(RATIOS), min_size=2, max_size=2, unique=True)))
    above = draw(st.sampled_from([None, "k", edges[0]]))
    below = draw(st.sampled_from([None, edges[1]])) if above != "k" else None
    interval = RatioInterval(above, draw(st.booleans()), below, draw(st.booleans()))
    when = Condition(
        flag=draw(st.sampled_from([None, None, Flag.UNGROUPED, Flag.DAY_SURGERY])),
        days_from=draw(st.sampled_from([None, None, 3, 10])),
        days_upto=draw(st.sampled_from([None, None, 10, 60])),
        cost_ratio=draw(st.sampled_from([None, interval])),
        top_share=draw(st.sampled_from([None, None, None, F("0.34")])),
        tcm=draw(st.sampled_from([None, None, TcmGate(F("0.6"), 10)])),
    )
    return ClassRule(
        f"rule{number}", shape, when, draw(st.sampled_from([None, True, False])), draw(st.booleans()),
        factor=draw(FINE), add=draw(FINE), k=draw(st.sampled_from([None, F(2), F("1.5")])),
    )  # fmt: skip


@st.composite
def scored_years(draw):
    rules = [draw(class_rules(n)) for n in range(draw(st.integers(0, 5)))]
    rules.append(ClassRule("last", draw(st.sampled_from([Shape.NORMAL, Shape.LINEAR_ADD]))))
    scheme = scheme_of(
        *rules, k=[KLimit(F(100), F(3)), KLimit(None, F("1.5"))], scale=draw(st.sampled_from([1, 100, 1000])),
        denominator=draw(st.sampled_from(list(Denominator))), same_price_groups=frozenset({"SAME"}),
    )  # fmt: skip
    size = draw(st.sampled_from([1, 10**5, 10**9]))
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        reference = draw(st.integers(1, 9)) * 40 * size
        at_limit = floor(draw(st.sampled_from(RATIOS)) * reference)
        cost = draw(st.sampled_from([at_limit, at_limit + 1, max(0, at_limit - 1)]))
        base = draw(st.sampled_from([1, 999_999, 1_000_000, 1_000_001, 123_456_789, 10**13]))
        days, flags = draw(st.sampled_from([0, 3, 10, 60, 61])), draw(st.sampled_from([0, 1, 16, 17, 128]))
        rows.append((cost, base, reference, days, flags, draw(st.integers(0, 2)), draw(st.integers(0, 2)), 0))
    count = len(rows)

    def column(*values):
        return [draw(st.sampled_from(values)) for _ in range(count)]

    cases = cases_of(
        rows, aux_e6=column(1_000_000, 1_150_000, 333_333, 0), tcm_ratio_e6=column(-1, 599_999, 600_000),
        tcm_base_e4=column(-1, 725_000), new_tech_points_e4=column(0, 125_000), new_tech_year=column(0, 1, 3, 4),
    )  # fmt: skip
    area = area_of(
        scheme, readmission_factor=draw(FINE.filter(lambda x: x <= 1)), new_tech_year_factors=(F(1), F(1, 3))
    )
    return cases, area


def plain_scores(cases, area):
    scheme = area.schemes[0]
    ranks = {row: n for n, row in enumerate(sorted(range(len(cases)), key=lambda r: (-int(cases.cost_fen[r]), r)))}
    found = []
    for row in range(len(cases)):
        answer = score_case(reference_case(cases, area, row, ranks[row], len(cases)), scheme)
        found.append((answer.rule.id, answer.points_e4))
    return found


@settings(max_examples=300, deadline=None)
@given(scored_years())
def test_kernel_scores_like_the_plain_rules(year):
    cases, area = year
    try:
        expected = plain_scores(cases, area)
    except RuleFault:
        with pytest.raises(CaseFault):
            score(cases, area)
        return
    scored = score(cases, area)
    found = []
    for row in range(len(cases)):
        rule = scored.classes[int(scored.class_index[row])].id
        found.append((rule, int(scored.points_e4[row]) if scored.route[row] == 0 else None))
    assert found == expected


def test_numbers_past_128_bits_are_settled_by_exact_integers(monkeypatch):
    asked = []
    plain = reference.score_case
    monkeypatch.setattr(reference, "score_case", lambda *given: asked.append(1) or plain(*given))
    rows = [(9 * 10**17 + 1, 10**13 + 1, 10**17 + 3, 5, int(Flag.READMITTED), 2, 0, 0)]
    cases = cases_of(rows, aux_e6=[1_150_001], new_tech_points_e4=[125_003], new_tech_year=[1])
    scheme = scheme_of(ClassRule("low", Shape.RAMP_ADD, add=F("0.2000001"), coefficient=True))
    area = area_of(scheme, readmission_factor=F("0.333331"), new_tech_year_factors=(F("0.700001"),))
    ratio, h = F(9 * 10**17 + 1, 10**17 + 3), F("0.333333")
    points = F(10**13 + 1) * (ratio + F("0.2000001")) * h * F("1.150001") + 125_003 * F("0.700001")
    assert score(cases, area).points_e4[0] == half_up(points * F("0.333331"))
    assert asked == [1]


@unhurried
@given(scored_years(), st.integers(0, 10**6))
def test_every_case_scores_alone_as_among_strangers(year, seed):
    cases, area = year
    if any(rule.when.top_share is not None for rule in area.schemes[0].class_sets[0].rules):
        return
    try:
        together = score(cases, area).points_e4
    except CaseFault:
        return
    order = list(range(len(cases)))
    random.Random(seed).shuffle(order)
    for row in order:
        alone = score(cases.take(np.array([row], dtype=np.int64)), area)
        assert alone.points_e4[0] == together[row]
