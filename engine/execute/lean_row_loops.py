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


@njit(nogil=True, cache=True)
def judge_rows(asked: Any, missing: Any, numbers: Any, dx_flags: Any, op_flags: Any, limits: Any, bad: Any) -> None:
    """Marks rows that break a rule; bit n of `asked` is the rule at place n of `lean_rules.ROW_RULES`."""
    gend, age, days, weight, stay, adm, discharged, settled, cost, fund = numbers
    # Given by the caller: a compiled pass kept on disk would not notice that a limit of the rules has changed.
    male, female, too_long, age_max, newborn_days, weight_low, weight_high, cost_max, slack = limits
    for i in range(len(missing)):
        absent = missing[i]
        found = np.int64(0)
        dated = not absent & (_ADM | _DIS)
        if dated and adm[i] > discharged[i]:
            found |= 1 << 0
        if absent & (_SETTLED | _DIS | _COST | _FUND):
            if absent & _SETTLED:
                found |= 1 << 1
            if absent & _DIS:
                found |= 1 << 2
            if absent & _COST:
                found |= 1 << 3
            if absent & _FUND:
                found |= 1 << 4
        if not absent & _COST:
            if cost[i] < 0:
                found |= 1 << 5
            elif cost[i] > cost_max:
                found |= 1 << 6
        if not absent & _FUND:
            if fund[i] < 0:
                found |= 1 << 7
            if not absent & _COST and cost[i] >= 0 and fund[i] > cost[i]:
                found |= 1 << 8
        if not absent & (_DIS | _SETTLED) and discharged[i] > settled[i]:
            found |= 1 << 9
        if absent & _STAY:
            found |= 1 << 10
            if not dated:
                found |= 1 << 11
        else:
            if stay[i] < 0:
                found |= 1 << 19
            if dated:
                lasted = np.int64(discharged[i]) - np.int64(adm[i])
                if lasted >= 0 and abs(np.int64(stay[i]) - lasted) > slack:
                    found |= 1 << 20
        flags = np.int64(dx_flags[i])
        if absent & _GEND:
            found |= 1 << 12
        else:
            if gend[i] != 1 and gend[i] != 2:
                found |= 1 << 12
            if flags & male and gend[i] == 2:
                found |= 1 << 18
            if flags & female and gend[i] == 1:
                found |= 1 << 18
        newborn = False
        if absent & _AGE:
            found |= 1 << 13
        else:
            if age[i] < 0 or age[i] > age_max:
                found |= 1 << 14
            if age[i] == 0:
                if absent & _DAYS:
                    found |= 1 << 15
                else:
                    newborn = 0 <= days[i] <= newborn_days
        if not absent & _DAYS and days[i] < 0:
            found |= 1 << 16
        if newborn:
            if absent & _WEIGHT or weight[i] <= 0:
                found |= 1 << 17
            elif weight[i] < weight_low or weight[i] > weight_high:
                found |= 1 << 21
        if flags & too_long:
            found |= 1 << 22
        if np.int64(op_flags[i]) & too_long:
            found |= 1 << 23
        if found & asked:
            bad[i] = True


@njit(nogil=True, cache=True)
def mark_by_text(ids: Any, good: Any, bad: Any) -> None:
    """Rows whose text is not good; the last of `good` answers for no text."""
    last = len(good) - 1
    for i in range(len(ids)):
        at = ids[i]
        if not good[at if at >= 0 else last]:
            bad[i] = True


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
