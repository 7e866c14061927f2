"""The passes over the cases of a piece, compiled by numba without the GIL.

In: columns of accepted rows, then of scored cases; out: columns and sums of the caller, filled. Nothing here checks
bounds: indices were held against the area when the cases were made, and sums have a row for every slot that occurs.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from grouper.jit import entry, u

SETTLED, OTHER_PERIOD, NO_HOSPITAL, UNPLACED = range(4)


@entry
def editions_on(day: Any, missing: Any, edges: Any, of_missing: Any, none: Any, out: Any) -> None:
    """Edition of every day: the last whose first and last day hold it. `missing` is empty where every row has a day."""
    for i in range(len(out)):
        on = of_missing if missing.size and missing[i] else np.int64(day[i])
        found = none
        for place in range(len(edges)):
            if edges[place, 0] <= on and on <= edges[place, 1]:
                found = place
        out[i] = found


@entry
def judge_rows(day: Any, first: Any, last: Any, hospital: Any, known: Any, edition: Any, verdict: Any) -> Any:
    """What becomes of every row; how many are settled."""
    settled, end = 0, len(known) - 1
    for i in range(len(verdict)):
        number = hospital[i]
        if day[i] < first or day[i] > last:
            verdict[i] = OTHER_PERIOD
        elif known[u(number if number >= 0 else end)] < 0:
            verdict[i] = NO_HOSPITAL
        elif edition[i] < 0:
            verdict[i] = UNPLACED
        else:
            verdict[i] = SETTLED
            settled += 1
    return settled


@entry
def ways_of(
    pool: Any, scheme: Any, hospital: Any, flags: Any, route: Any, line: Any, schemes: Any, ways: Any, lines: Any,
    in_pot: Any, fixed: Any, elsewhere: Any, pot_of: Any, slot: Any, used: Any, pot: Any, counts: Any,
) -> Any:  # fmt: skip
    """Slot and pot of every case, which slots occur, how many cases each pot has (the last: none); the first case that
    a pot should pay and none does, or −1. `counts` [turn, pot]: cases take turns; none waits for the last.
    """
    lost, none, turns = -1, counts.shape[1] - 1, u(counts.shape[0] - 1)
    for i in range(len(slot)):
        way, held = route[i], np.int32(-1)
        if way == in_pot:
            place, held = np.int64(0), pot_of[u(pool[i]), u(scheme[i]), u(hospital[i])]
            if held < 0 and lost < 0:
                lost = i
        elif way == fixed:
            place = 1 + np.int64(line[i])
        else:
            place = 1 + lines + np.int64(way)
        at = ((pool[i] * schemes + scheme[i]) * ways + place) * 2 + (1 if flags[i] & elsewhere != 0 else 0)
        slot[i], pot[i], used[u(at)] = at, held, True
        counts[u(i) & turns, u(held if held >= 0 else none)] += 1
    return lost


@entry
def price_plainly(route: Any, cost: Any, fund: Any, in_pot: Any, booked: Any, gross: Any, price: Any) -> None:
    """Full price and fund part of cases no pot pays: as booked where the route is one of `booked`, else nothing."""
    for i in range(len(route)):
        gross[i] = 0 if route[i] == in_pot else cost[i]
        price[i] = fund[i] if booked[u(route[i])] else 0


@entry
def sum_cases(
    slot: Any, place: Any, month: Any, hospital: Any, hospitals: Any, pot: Any, cost: Any, patient: Any, fund: Any,
    points: Any, declared: Any, route: Any, in_pot: Any, booked: Any, gross: Any, price: Any, cursor: Any, sums: Any,
    points_in: Any, patient_in: Any, fund_in: Any, cell_in: Any, elsewhere_in: Any,
) -> None:  # fmt: skip
    """Sums by slot and cell, measures side by side; the columns of cases in pots, pot by pot from its cursor on, those
    without room left out. `gross` and `price` are empty where `price_plainly` says them."""
    plain, with_patient, with_fund = len(gross) == 0, len(patient_in) != 0, len(fund_in) != 0
    for i in range(len(slot)):
        at, where = u(place[u(slot[i])]), (month[i] - 1) * hospitals + hospital[i]
        cell = u(where)
        sums[at, cell, 0] += 1
        sums[at, cell, 1] += cost[i]
        sums[at, cell, 2] += patient[i]
        sums[at, cell, 3] += fund[i]
        sums[at, cell, 4] += points[i]
        sums[at, cell, 5] += declared[i]
        if plain:
            sums[at, cell, 6] += 0 if route[i] == in_pot else cost[i]
            sums[at, cell, 7] += fund[i] if booked[u(route[i])] else 0
        else:
            sums[at, cell, 6] += gross[i]
            sums[at, cell, 7] += price[i]
        held = pot[i]
        if held >= 0:
            to = u(cursor[u(held)])
            cursor[u(held)] += 1
            points_in[to], cell_in[to], elsewhere_in[to] = points[i], where, slot[i] & 1 != 0
            if with_patient:
                patient_in[to] = patient[i]
            if with_fund:
                fund_in[to] = fund[i]


@entry
def results_of(edition: Any, status: Any, leaf: Any, begins: Any, sizes: Any, invalid: Any, out: Any) -> None:
    """Row of every case among the results of all editions, see `Editions.result_rows`."""
    for i in range(len(out)):
        place = edition[i]
        row = leaf[i] if leaf[i] >= 0 else sizes[u(place)] + (1 if status[i] == invalid else 0)
        out[i] = begins[u(place)] + row


@entry
def set_apart(pot: Any, price: Any, at_cost: Any, valued: Any, apart: Any, valued_apart: Any) -> int:
    """Which cases show points; price and that mark of those no pot pays, of which it returns the number."""
    count = 0
    for i in range(len(pot)):
        if pot[i] >= 0:
            valued[i] = True
        else:
            shows = len(at_cost) != 0 and at_cost[i]
            valued[i] = valued_apart[count] = shows
            apart[count] = price[i]
            count += 1
    return count
