"""The passes over grouped cases before their points, compiled by numba without the GIL.

In: columns as a casebook holds them, and tables of what the policy says by edition, span of days, group and hospital;
out: columns of the caller, filled. Nothing here checks bounds: tables are as large as the numbers that point into them.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from grouper.jit import entry, u

_NEVER, _EVER = -(1 << 62), 1 << 62


@entry
def places_of(ids: Any, known: Any, out: Any) -> Any:
    """The answer for every text, −1 takes the last; the first row whose answer is −1, or −1."""
    wrong, last = -1, len(known) - 1
    for i in range(len(ids)):
        number = ids[i]
        answer = known[u(number if number >= 0 else last)]
        out[i] = answer
        if answer < 0 and wrong < 0:
            wrong = i
    return wrong


@entry
def price_cases(
    edition: Any, status: Any, leaf: Any, day: Any, hospital: Any, coded: Any, group_of_code: Any, begins: Any,
    sizes: Any, group_of_result: Any, invalid: Any, has_group: Any, spans: Any, base_of: Any, level_of: Any,
    reference_of: Any, starts: Any, coefficient_of: Any, flag_of: Any, group: Any, base: Any, reference: Any,
    coefficient: Any, flags: Any,
) -> None:  # fmt: skip
    """Group, base points, reference cost, coefficient and flags of the grouping of every case, at its own day.

    `spans`: edition, first and last day of each table of `base_of` [span, group] and `reference_of` [span, level,
    group]; `starts`: first days of the tables of `coefficient_of` [table, hospital], an earlier day takes the first.
    """
    found: Any = np.int64(-1)
    table: Any = np.int64(0)
    # Span and table hold for one edition from a day to a day: cases follow each other by edition and month.
    held: Any = np.int64(-1)
    since: Any = np.int64(1)
    until: Any = np.int64(0)
    for i in range(len(edition)):
        place, state, on = np.int64(edition[i]), status[i], np.int64(day[i])
        if place != held or on < since or on > until:
            held, since, until, found, table = place, _NEVER, _EVER, np.int64(-1), np.int64(0)
            for span in range(len(spans)):
                if spans[span, 0] == place:
                    if on < spans[span, 1]:
                        until = min(until, spans[span, 1] - 1)
                    elif on > spans[span, 2]:
                        since = max(since, spans[span, 2] + 1)
                    else:
                        found, since, until = span, max(since, spans[span, 1]), min(until, spans[span, 2])
            for later in range(1, len(starts)):
                if starts[later] <= on:
                    table, since = later, max(since, starts[later])
                else:
                    until = min(until, starts[later] - 1)
        if coded.size and coded[i] >= 0:
            own = group_of_code[u(coded[i])]
        else:
            row = leaf[i] if leaf[i] >= 0 else sizes[u(place)] + (1 if state == invalid else 0)
            own = group_of_result[u(begins[u(place)] + row)]
        clinic = u(hospital[i])
        group[i], flags[i] = own, flag_of[u(state)]
        if has_group[u(state)] and found >= 0:
            base[i], reference[i] = base_of[u(found), u(own)], reference_of[u(found), u(level_of[clinic]), u(own)]
        else:
            base[i], reference[i] = 0, 0
        coefficient[i] = coefficient_of[u(table), clinic]


@entry
def months_of(day: Any, first: Any, known: Any, month: Any) -> Any:
    """Month of every day from a table that begins at the day `first`; whether the table has them all."""
    for i in range(len(day)):
        at = day[i] - first
        if at < 0 or at >= len(known):
            return False
        month[i] = known[at]
    return True


@entry
def mark_flags(way: Any, way_bits: Any, kind: Any, kind_bits: Any, day: Any, days: Any, terms: Any, flags: Any) -> None:
    """Flags of the definitions that hold: a bit by text for each; `terms`: first day, last day, longest stay, flag."""
    for i in range(len(flags)):
        bits = way_bits[way[i]] & kind_bits[kind[i]]
        if bits == 0:
            continue
        for number in range(len(terms)):
            if bits >> np.uint64(number) & np.uint64(1) != 0:
                within = terms[number, 0] <= day[i] and day[i] <= terms[number, 1]
                if within and days[i] <= terms[number, 2]:
                    flags[i] |= terms[number, 3]
