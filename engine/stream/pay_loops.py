"""The loops over the cases of a pot when each is paid, compiled by numba without the GIL.

In: columns of one chunk; out: the fund part of every case, sums by cell; where cases of a pot stand in a
piece. They divide nothing.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

OUTSIDE = -2
"""A place that no cell has. Else the row whose sum passes 63 bits, or −1."""
_MOST = np.int64((1 << 63) - 1)


@njit(nogil=True, inline="always")
def _fits(old: Any, value: Any) -> Any:
    """Asked before adding: compiled signed addition is assumed never to wrap."""
    return old <= _MOST - value if value >= 0 else old >= -_MOST - value


@njit(nogil=True, cache=True)
def pay_cases(
    standard: Any,
    patient: Any,
    minus_patient: bool,
    lifted: bool,
    funds: Any,
    elsewhere: Any,
    capped: bool,
    cell: Any,
    part: Any,
    sums: Any,
) -> int:
    """Fund parts into `part`; standards, floors and caps added to `sums` (a row a cell; second half: from elsewhere).

    `patient` is looked at with `minus_patient` only, `funds` with `capped`. `lifted`: what is below zero is lifted to
    it. `capped`: a case from elsewhere is paid its booked fund at most.
    """
    cells = np.int64(len(sums) >> 1)
    for i in range(len(standard)):
        due = standard[i]
        if minus_patient:
            due -= patient[i]
        floor = -due if lifted and due < 0 else np.int64(0)
        due += floor
        place, cut = np.int64(cell[i]), np.int64(0)
        if place < 0 or place >= cells:
            return OUTSIDE
        if elsewhere[i]:
            place += cells
            if capped:
                cut = max(due - funds[i], np.int64(0))
        part[i] = due - cut
        a, b, c = sums[place, 0], sums[place, 1], sums[place, 2]
        if not (_fits(a, standard[i]) and _fits(b, floor) and _fits(c, cut)):
            return i
        sums[place, 0], sums[place, 1], sums[place, 2] = a + standard[i], b + floor, c + cut
    return -1


@njit(nogil=True, cache=True)
def places_in_pot(pots: Any, number: int, wanted: Any, places: Any) -> int:
    """Where the cases of a pot stand among all cases of a piece: those that are `wanted`, by their ascending numbers
    within the pot. Returns how many were found."""
    found, seen = 0, np.int64(0)
    for i in range(len(pots)):
        if found == len(wanted):
            break
        if pots[i] == number:
            if seen == wanted[found]:
                places[found] = i
                found += 1
            seen += 1
    return found
