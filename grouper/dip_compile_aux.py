"""The auxiliary rows of a group as records of the kernel 「辅助目录编译」.

In: a group's rows and how one is picked among several that hold; out: records in the order they are taken. Conditions
that ask for an age and a level of complication only are written as bounds and bits; the others stay trees.
It evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grouper import dip_layout as at
from grouper.dip_condition import Condition, Test
from grouper.dip_parts import Parts
from grouper.dip_tables import AuxiliaryRow, Group

_LEVELS = {"cc": 1, "mcc": 2, "moderate": 4, "severe": 8}
"""Bits as `dip_kernel_case.complications` gives them."""
_NOT_PLAIN = (0, at.NULL, at.NULL, 0)


@dataclass(frozen=True)
class _Asked:
    """What one alternative asks: an age between limits, one of some levels (0 = none)."""

    lo: int | None = None
    hi: int | None = None
    levels: int = 0


def aux_records(rows: Sequence[AuxiliaryRow], group: Group, parts: Parts, takes_first: bool) -> list[tuple[int, ...]]:
    """Records in the order of AUX_CONDITION … AUX_LEVELS. Not the first of the table but the highest factor is taken
    where the policy says so, the first of equals; severity rows stand last then."""
    if not takes_first:
        rows = sorted(rows, key=lambda row: -1 if row.factor_e6 is None else row.factor_e6, reverse=True)
    return [_record(row, group, parts) for row in rows]


def _record(row: AuxiliaryRow, group: Group, parts: Parts) -> tuple[int, ...]:
    points = group.base_points_e4 if row.base_points_e4 is None else row.base_points_e4
    record = (parts.condition(row.condition), _null(points), _null(row.factor_e6), row.row, *plain(row.condition))
    assert len(record) == at.AUX_SIZE, "an auxiliary record has one value per field"
    return record


def plain(condition: Condition) -> tuple[int, int, int, int]:
    """(is plain, lowest age, highest age, levels of complication); alternatives may differ in their levels only."""
    found = [_asked(tests) for tests in condition.any_of]
    asked = [each for each in found if each is not None]
    if len(asked) < len(found) or len({(each.lo, each.hi) for each in asked}) != 1:
        return _NOT_PLAIN
    levels = 0
    for each in asked:
        levels |= each.levels
    # An alternative that asks for no level makes the levels of the others idle.
    levels = levels if all(each.levels for each in asked) else 0
    return 1, _null(asked[0].lo), _null(asked[0].hi), levels


def _asked(tests: Sequence[Test]) -> _Asked | None:
    """What tests that must all hold ask; None where it is more than an age and one level."""
    lo: int | None = None
    hi: int | None = None
    levels = 0
    for test in tests:
        if test.denied:
            return None
        if test.name == "always":
            continue
        if test.name in _LEVELS and not levels:
            levels = _LEVELS[test.name]
        elif test.name == "age":
            least, most = _bounds(test)
            lo = least if lo is None or (least is not None and least > lo) else lo
            hi = most if hi is None or (most is not None and most < hi) else hi
        else:
            return None
    return _Asked(lo, hi, levels)


def _bounds(test: Test) -> tuple[int | None, int | None]:
    """Lowest and highest number a comparison lets pass; None = open."""
    limit = test.limit
    return {
        "<": (None, limit - 1),
        "<=": (None, limit),
        ">": (limit + 1, None),
        ">=": (limit, None),
        "=": (limit, limit),
    }[test.comparison]


def _null(value: int | None) -> int:
    return at.NULL if value is None else value
