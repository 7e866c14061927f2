"""Conditions of auxiliary rows as bounds and bits say what their trees say."""

from __future__ import annotations

from itertools import product

import pytest

from grouper import dip_layout as at
from grouper.dip_compile_aux import plain
from grouper.dip_condition import parse_condition

LEVELS = {"cc": 1, "mcc": 2, "moderate": 4, "severe": 8}
AGES = (None, 0, 1, 16, 17, 18, 19, 64, 65, 66, 130)


def by_tree(text, age, found):
    """The condition as it is written, asked of an age and a set of levels."""

    def one(test):
        if test.name == "always":
            return True
        if test.name in LEVELS:
            return bool(found & LEVELS[test.name])
        if age is None:
            return False
        return {"<": age < test.limit, "<=": age <= test.limit, ">": age > test.limit, ">=": age >= test.limit}.get(
            test.comparison, age == test.limit
        )

    return any(all(map(one, tests)) for tests in parse_condition(text).any_of)


def by_bounds(text, age, found):
    is_plain, lo, hi, levels = plain(parse_condition(text))
    assert is_plain
    if (lo, hi) != (at.NULL, at.NULL) and age is None:
        return False
    if (lo != at.NULL and age < lo) or (hi != at.NULL and age > hi):
        return False
    return levels == 0 or bool(found & levels)


@pytest.mark.parametrize(
    "text",
    [
        *("", "always", "cc", "cc|mcc", "moderate|severe", "age>=18", "age<=17", "age<18", "age>64", "age=17"),
        *("age>=18+cc|age>=18+mcc", "age>=18+age<65+severe", "age>17+age>=18", "age<65+age<=17", "always+cc"),
        *("cc|always", "age>=18|age>=18+mcc", "age>=65+age<=17"),
    ],
)
def test_plain_conditions_hold_where_their_trees_do(text):
    for age, found in product(AGES, range(16)):
        assert by_bounds(text, age, found) == by_tree(text, age, found), (age, found)


@pytest.mark.parametrize(
    "text",
    [
        *("death", "long_stay+cc", "!cc", "!age<=17", "cc+mcc", "age>=18|cc", "age>=18+cc|mcc", "stay>=3", "cci>=2"),
        *("age_days<=28", "birth_weight<2500", "age>=18+death", "icu_days>=1|cc"),
    ],
)
def test_conditions_that_ask_for_more_stay_trees(text):
    assert plain(parse_condition(text))[0] == 0
