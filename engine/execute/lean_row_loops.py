"""The passes of the lean reader over whole rows, compiled by numba without the GIL.

In: the typed numbers of a batch as arrays, one bit a column for rows that have no value; out: values filled in place,
rows marked. What a pass asks of a row is what the rules of `engine.cases.rules` ask: a test compares the two.
"""

# mypy: disable-error-code="untyped-decorator, assignment"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from engine.execute.bytes64 import load64

NUMBERS = (
    *("gend", "age", "nwb_age", "nwb_bir_wt", "act_ipt_days"),
    *("adm_on", "discharged_on", "settled_on", "medfee_sumamt_fen", "fund_fen"),
)
"""The columns `judge_rows` looks at; bit n of a row's `missing` says that it has no value in column n."""
_GEND, _AGE, _DAYS, _WEIGHT, _STAY, _ADM, _DIS, _SETTLED, _COST, _FUND = (np.int64(1 << n) for n in range(10))
INFANT_DAYS = 365
_TOGETHER = 64
NOT_PLAIN = 0x80
"""Beside the flags of a code."""


@njit(nogil=True, cache=True)
def add_bit(marks: Any, bit: Any, out: Any) -> None:
    """Sets a bit in the rows that are marked."""
    for i in range(len(marks)):
        if marks[i]:
            out[i] |= bit


@njit(nogil=True, cache=True)
def fill_in(missing: Any, age: Any, days: Any, stay: Any, adm: Any, discharged: Any, filled: Any) -> None:
    """Age 0 of infants and the stay from the dates, as `complete` has it; the same bits tell what was filled in."""
    for i in range(len(missing)):
        absent = missing[i]
        filled[i] = 0
        if not absent & (_AGE | _STAY):
            continue
        if absent & _AGE and not absent & _DAYS and 0 <= days[i] <= INFANT_DAYS:
            age[i] = 0
            filled[i] |= _AGE
        if absent & _STAY and not absent & (_ADM | _DIS) and discharged[i] >= adm[i]:
            stay[i] = max(1, discharged[i] - adm[i])
            filled[i] |= _STAY
        missing[i] = absent & ~filled[i]


def judge_rows(asked: Any, missing: Any, numbers: Any, dx_flags: Any, op_flags: Any, limits: Any, bad: Any) -> None:
    """Marks rows that break a rule; bit n of `asked` is the rule at place n of `lean_rules.ROW_RULES`."""
    gend, age, days, weight, stay, adm, discharged, settled, cost, fund = numbers
    # Given by the caller: a compiled pass kept on disk would not notice that a limit of the rules has changed.
    male, female, too_long, age_max, newborn_days, weight_low, weight_high, cost_max, slack = limits
    _judge_stays(asked, missing, stay, adm, discharged, settled, cost, fund, cost_max, slack, bad)
    of_age, of_weight = (age_max, newborn_days), (weight_low, weight_high)
    _judge_patients(
        asked, missing, gend, age, days, weight, dx_flags, op_flags, (male, female, too_long), of_age, of_weight, bad
    )


# No branches and few arrays in a pass: the compiler then judges several rows in one go.


@njit(nogil=True, cache=True)
def _judge_stays(
    asked: Any, missing: Any, stay: Any, adm: Any, discharged: Any, settled: Any, cost: Any, fund: Any, cost_max: Any,
    slack: Any, bad: Any,
) -> None:  # fmt: skip
    for i in range(len(missing)):
        absent = np.int64(missing[i])
        no_dis, no_settled, no_stay = absent & _DIS != 0, absent & _SETTLED != 0, absent & _STAY != 0
        no_cost, no_fund = absent & _COST != 0, absent & _FUND != 0
        dated = absent & (_ADM | _DIS) == 0
        lasted = np.int64(discharged[i]) - np.int64(adm[i])
        away = np.int64(stay[i]) - lasted
        found = np.int64(dated & (lasted < 0))
        found |= np.int64(no_settled) << 1
        found |= np.int64(no_dis) << 2
        found |= np.int64(no_cost) << 3
        found |= np.int64(no_fund) << 4
        found |= np.int64((not no_cost) & (cost[i] < 0)) << 5
        found |= np.int64((not no_cost) & (cost[i] > cost_max)) << 6
        found |= np.int64((not no_fund) & (fund[i] < 0)) << 7
        found |= np.int64((absent & (_COST | _FUND) == 0) & (cost[i] >= 0) & (fund[i] > cost[i])) << 8
        found |= np.int64((absent & (_DIS | _SETTLED) == 0) & (discharged[i] > settled[i])) << 9
        found |= np.int64(no_stay) << 10
        found |= np.int64(no_stay & (not dated)) << 11
        found |= np.int64((not no_stay) & (stay[i] < 0)) << 19
        found |= np.int64((not no_stay) & dated & (lasted >= 0) & ((away > slack) | (away < -slack))) << 20
        bad[i] |= found & asked != 0


@njit(nogil=True, cache=True)
def _judge_patients(
    asked: Any, missing: Any, gend: Any, age: Any, days: Any, weight: Any, dx_flags: Any, op_flags: Any, of_flags: Any,
    of_age: Any, of_weight: Any, bad: Any,
) -> None:  # fmt: skip
    male, female, too_long = of_flags
    age_max, newborn_days = of_age
    low, high = of_weight
    for i in range(len(missing)):
        absent, flags = np.int64(missing[i]), np.int64(dx_flags[i])
        no_gend, no_age, no_days = absent & _GEND != 0, absent & _AGE != 0, absent & _DAYS != 0
        infant = (not no_age) & (age[i] == 0)
        newborn = infant & (not no_days) & (days[i] >= 0) & (days[i] <= newborn_days)
        no_weight = (absent & _WEIGHT != 0) | (weight[i] <= 0)
        other_sex = ((flags & male != 0) & (gend[i] == 2)) | ((flags & female != 0) & (gend[i] == 1))
        found = np.int64(no_gend | ((gend[i] != 1) & (gend[i] != 2))) << 12
        found |= np.int64(no_age) << 13
        found |= np.int64((not no_age) & ((age[i] < 0) | (age[i] > age_max))) << 14
        found |= np.int64(infant & no_days) << 15
        found |= np.int64((not no_days) & (days[i] < 0)) << 16
        found |= np.int64(newborn & no_weight) << 17
        found |= np.int64((not no_gend) & other_sex) << 18
        found |= np.int64(newborn & (not no_weight) & ((weight[i] < low) | (weight[i] > high))) << 21
        found |= np.int64(flags & too_long != 0) << 22
        found |= np.int64(np.int64(op_flags[i]) & too_long != 0) << 23
        bad[i] |= found & asked != 0


@njit(nogil=True, cache=True)
def mark_by_text(ids: Any, good: Any, bad: Any) -> None:
    """Rows whose text is not good; the last of `good` answers for no text."""
    last = np.int64(len(good) - 1)
    for i in range(len(ids)):
        at = np.int64(ids[i])
        bad[i] |= not good[np.uint64(at if at >= 0 else last)]


@njit(nogil=True, cache=True)
def mark_other_month(ids: Any, days: Any, absent: Any, bit: Any, low: Any, months: Any, bad: Any) -> None:
    """Rows whose month is not that of their day; `months` by day from `low`. No day, no mark."""
    for i in range(len(ids)):
        if absent[i] & bit:
            continue
        at = np.int64(days[i]) - low
        if at < 0 or at >= len(months) or months[at] < 0 or months[at] != ids[i]:
            bad[i] = True


@njit(nogil=True, cache=True)
def fill_months(ids: Any, days: Any, absent: Any, bit: Any, low: Any, months: Any, odd: Any) -> None:
    """The month of their day to rows that have none; rows whose day is too far away are odd."""
    for i in range(len(ids)):
        if ids[i] >= 0 or absent[i] & bit:
            continue
        at = np.int64(days[i]) - low
        if at < 0 or at >= len(months) or months[at] < 0:
            odd[i] = True
        else:
            ids[i] = months[at]


@njit(nogil=True, cache=True)
def place(ids: Any, of: Any, out: Any) -> None:
    """What stands at places of a dictionary, which are not negative."""
    for i in range(len(ids)):
        out[i] = of[np.uint64(ids[i])]


@njit(nogil=True, cache=True)
def mark_places(ids: Any, bad: Any, odd: Any) -> None:
    """Rows whose place in a dictionary is bad; places are not negative."""
    for i in range(len(ids)):
        odd[i] |= bad[np.uint64(ids[i])]


@njit(nogil=True, cache=True)
def code_rows(
    offsets: Any, marks: Any, any_mark: Any, longest: Any, at_least: Any, flags: Any, odd: Any
) -> None:  # fmt: skip
    """The marks of every row's codes joined: flags, and `NOT_PLAIN` for a code that is missing or not plain. A row is
    odd with such a code, with more codes than `longest`, or fewer than `at_least`. `marks` has eight bytes behind the
    last."""
    for i in range(len(offsets) - 1):
        first, end = offsets[i], offsets[i + 1]
        odd[i] |= (end - first < at_least) | (end - first > longest)
    if not any_mark:
        flags[:] = 0
        return
    for i in range(len(offsets) - 1):
        first, end = offsets[i], offsets[i + 1]
        joined = np.uint64(0)
        while end - first >= 8:
            joined |= load64(marks, first)
            first += 8
        joined |= load64(marks, first) & ((np.uint64(1) << np.uint64(8 * (end - first))) - np.uint64(1))
        joined |= joined >> np.uint64(32)
        joined |= joined >> np.uint64(16)
        joined |= joined >> np.uint64(8)
        flags[i] = joined & np.uint64(NOT_PLAIN - 1)
        odd[i] |= joined & np.uint64(NOT_PLAIN) != 0


@njit(nogil=True, cache=True)
def mark_odd_ids(data: Any, starts: Any, ends: Any, odd: Any) -> None:
    """Rows whose id `id_loops.plain_ids` does not find plain. The texts lie one behind the other, so that the bytes of
    many are looked at together."""
    for begin in range(0, len(starts), _TOGETHER):
        behind = min(begin + _TOGETHER, len(starts))
        lowest, highest = np.uint8(0x7E), np.uint8(0x21)
        many = data[starts[begin] : ends[behind - 1]]
        dots = False
        for k in range(len(many)):
            lowest, highest = min(lowest, many[k]), max(highest, many[k])
            dots |= many[k] == 0x2E
        visible = lowest >= 0x21 and highest <= 0x7E
        shortest = np.int64(5)
        for i in range(begin, behind):
            shortest = min(shortest, np.int64(ends[i]) - np.int64(starts[i]))
        if visible and shortest >= 5 and not dots:
            continue
        for i in range(begin, behind):
            first, end = np.int64(starts[i]), np.int64(ends[i])
            if visible and end - first >= 5:
                odd[i] |= (data[end - 1] == 0x30) & (data[end - 2] == 0x2E)  # ends in .0
            elif not _is_plain_id(data, first, end):
                odd[i] = True


@njit(nogil=True)
def _is_plain_id(data: Any, first: Any, end: Any) -> Any:
    size = end - first
    if size == 0:
        return False
    for at in range(first, end):
        if data[at] < 0x21 or data[at] > 0x7E:
            return False
    if size >= 2 and data[end - 1] == 0x30 and data[end - 2] == 0x2E:
        return False
    if size == 2 and data[first] == 0x5C:
        return False  # \N
    return not (size == 4 and (data[first] | 0x20) == 0x6E and (data[first + 1] | 0x20) == 0x75)  # NULL, null
