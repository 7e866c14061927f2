"""Special-case review and readmissions: quotas, swaps, triggers, and which stay came before which."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvalue.readmission import StayFault, find_readmissions
from pointvalue.review import (
    Candidate,
    Overrun,
    QuotaFault,
    QuotaRounding,
    QuotaTerms,
    ReviewRound,
    Trigger,
    may_apply,
    overruns,
    special_quota,
)

F = Fraction


# --- quotas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rounding", "allowed"), [(QuotaRounding.FLOOR, 6), (QuotaRounding.ROUND, 6), (QuotaRounding.CEIL, 7)]
)
def test_part_of_a_case_in_a_quota_goes_as_the_policy_says(rounding, allowed):
    assert special_quota(1_234, F("0.005"), rounding) == allowed
    assert special_quota(1_200, F("0.005"), rounding) == 6
    assert special_quota(0, F("0.005"), rounding) == 0


def test_half_a_case_is_rounded_up_only_by_round_and_ceil():
    assert [special_quota(50, F("0.05"), each) for each in QuotaRounding] == [2, 3, 3]


@given(st.integers(0, 10**6), st.fractions(0, 1))
def test_quota_never_passes_the_discharges_and_grows_with_them(discharges, rate):
    assert 0 <= special_quota(discharges, rate) <= discharges * rate
    assert special_quota(discharges, rate) <= special_quota(discharges + 1, rate)


def test_quota_of_120_percent_is_refused_wherever_it_stands():
    for terms in ({"rate": F("1.2")}, {"rate": F(0), "by_level": {"II": F("1.2")}}, {"rate": F(0), "swap_rate": F(-1)}):
        with pytest.raises(QuotaFault, match="not between 0 and 1"):
            QuotaTerms(**terms)
    with pytest.raises(QuotaFault):
        special_quota(-1, F("0.05"))


def ids(*numbers):
    return frozenset(f"C{number:03d}" for number in numbers)


def test_round_within_its_quota_and_swaps_has_no_overrun():
    terms = QuotaTerms(F("0.05"), {"I": F("0.001")}, swap_rate=F("0.2"))
    rounds = [
        ReviewRound("H1", "III", 40, ids(*range(10)), ids(1, 2), ids(3, 4)),
        ReviewRound("H2", "I", 40, ids(7), frozenset()),
    ]
    assert overruns(rounds, terms) == ()


def test_every_limit_a_round_breaks_is_named_with_both_numbers():
    terms = QuotaTerms(F("0.05"), {"I": F("0.001")}, swap_rate=F("0.2"))
    rounds = [
        ReviewRound("H1", "III", 40, ids(*range(10)), ids(1, 2, 3), ids(4, 5, 6)),
        ReviewRound("H2", "I", 900, ids(7), ids(8)),
    ]
    assert overruns(rounds, terms) == (
        Overrun("H1", "quota", 2, 3),
        Overrun("H1", "swap", 2, 3),
        Overrun("H2", "quota", 0, 1),
        Overrun("H2", "unasked", 0, 1),
    )


NEWBORN = Trigger(over_group_mean=F(1), over_region_mean=F("2.5"), birth_weight_below_g=1_500)


@pytest.mark.parametrize(
    ("case", "qualifies"),
    [
        (Candidate(70, 1), True),
        (Candidate(59, 1), False),
        (Candidate(5, 25_000, 20_000, 10_000, 1_499), True),
        (Candidate(5, 24_999, 20_000, 10_000, 1_499), False),
        (Candidate(5, 25_000, 20_000, 10_000, 1_500), False),
        (Candidate(5, 25_000, None, 10_000, 1_499), False),
        (Candidate(5, 25_000, 20_000, 10_000, None), False),
    ],
)
def test_one_trigger_that_holds_in_all_its_parts_is_enough(case, qualifies):
    assert may_apply([Trigger(days_from=60), NEWBORN], case) is qualifies
    assert may_apply([], case)


# --- readmissions ---------------------------------------------------------------------------------------------------


def found(stays, days, hospital=None, planned=None):
    """followed_by of stays (patient, thing, admitted, discharged)."""
    patient, thing, admitted, discharged = (list(column) for column in zip(*stays, strict=True))
    answer = find_readmissions(
        np.array(patient, np.int64), np.array(thing, np.int32), np.array(admitted, np.int32),
        np.array(discharged, np.int32), days,
        None if hospital is None else np.array(hospital, np.int32), None if planned is None else np.array(planned),
    )  # fmt: skip
    assert (answer.reduced == (answer.followed_by >= 0)).all()
    return answer.followed_by.tolist()


def test_tenth_day_is_a_readmission_and_the_eleventh_is_not():
    assert found([(1, 5, 0, 10), (1, 5, 20, 25)], 10) == [1, -1]
    assert found([(1, 5, 0, 10), (1, 5, 21, 25)], 10) == [-1, -1]


def test_the_stay_before_is_reduced_and_only_the_last_one():
    assert found([(1, 5, 0, 3), (1, 5, 5, 8), (1, 5, 12, 13)], 30) == [1, 2, -1]


def test_another_patient_another_group_or_none_at_all_links_nothing():
    assert found([(1, 5, 0, 3), (2, 5, 5, 8), (1, 6, 5, 8), (-1, 5, 5, 8), (-1, 5, 9, 9)], 30) == [-1] * 5
    assert found([(1, -1, 0, 3), (1, -1, 5, 8)], 30) == [-1, -1]


def test_stay_of_another_group_in_between_does_not_break_the_link():
    assert found([(1, 5, 0, 3), (1, 9, 4, 5), (1, 5, 8, 9)], 10) == [2, -1, -1]


def test_planned_stay_makes_no_readmission_but_may_be_followed_by_one():
    stays = [(1, 5, 0, 3), (1, 5, 5, 6), (1, 5, 8, 9)]
    assert found(stays, 10, planned=[False, True, False]) == [-1, 2, -1]


def test_overlapping_stays_are_not_linked():
    assert found([(1, 5, 0, 10), (1, 5, 5, 20)], 30) == [-1, -1]
    assert found([(1, 5, 0, 10), (1, 5, 5, 7), (1, 5, 11, 12)], 30) == [2, -1, -1]


def test_day_stays_on_one_day_form_a_chain_by_row():
    assert found([(1, 5, 4, 4), (1, 5, 4, 4), (1, 5, 4, 4)], 0) == [1, 2, -1]


def test_within_one_hospital_only_if_the_policy_says_so():
    stays = [(1, 5, 0, 3), (1, 5, 5, 8)]
    assert found(stays, 10) == [1, -1]
    assert found(stays, 10, hospital=[0, 1]) == [-1, -1]


def test_columns_that_cannot_be_right_are_refused():
    with pytest.raises(StayFault, match="row 1: discharged before"):
        found([(1, 5, 0, 3), (1, 5, 8, 7)], 10)
    with pytest.raises(StayFault, match="column planned"):
        found([(1, 5, 0, 3)], 10, planned=[False, True])


def plainly(stays, days, planned):
    """The same in words: for every stay the last one of its chain discharged before it, by (day, row)."""
    answer = [-1] * len(stays)
    for row, (patient, thing, admitted, discharged) in sorted(enumerate(stays), key=lambda each: (each[1][2], each[0])):
        earlier = [
            (other[3], place)
            for place, other in enumerate(stays)
            if other[:2] == (patient, thing) != (-1, thing) and thing != -1
            and other[3] <= admitted and (other[3], place) < (discharged, row)
        ]  # fmt: skip
        if earlier and not planned[row]:
            day, place = max(earlier)
            if admitted - day <= days and answer[place] < 0:
                answer[place] = row
    return answer


STAYS = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(-1, 2), st.integers(0, 20), st.integers(0, 6), st.booleans()), min_size=1
)


@given(STAYS, st.integers(0, 10))
def test_columns_link_like_the_plain_rule(rows, days):
    stays = [(patient, thing, admitted, admitted + length) for patient, thing, admitted, length, _ in rows]
    planned = [row[4] for row in rows]
    ours, plain = found(stays, days, planned=planned), plainly(stays, days, planned)
    assert [each >= 0 for each in ours] == [each >= 0 for each in plain]
    for before, after in enumerate(ours):
        if after >= 0:
            assert stays[before][:2] == stays[after][:2]
            assert 0 <= stays[after][2] - stays[before][3] <= days
            assert not planned[after]
