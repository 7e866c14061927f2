"""Which terms of a scheme hold for which cases 「按病例日期取值」.

In: a scheme with terms that change on certain days, the value days of some cases; out: terms and the places of their
cases. A case before the first day takes the first terms. It computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from pointvalue.cases import I32, I64
from pointvalue.model import PointScheme

T = TypeVar("T")


def by_day(dated: Sequence[tuple[int, T]], value_day: I32) -> Iterator[tuple[T, I64]]:
    """(terms, places) of cases whose day falls between the start of these terms and the next; days ascending."""
    starts = np.array([day for day, _ in dated], np.int64)
    which = np.maximum(np.searchsorted(starts, value_day, side="right") - 1, 0)
    for index, (_, terms) in enumerate(dated):
        places = np.flatnonzero(which == index)
        if places.size:
            yield terms, places


def scored_on(scheme: PointScheme, day: int) -> PointScheme:
    """The terms a point scheme scores a case of one day by."""
    held = scheme
    for first, terms in scheme.dated:
        if held is scheme or first <= day:
            held = terms
    return held


def scored_by(scheme: PointScheme, value_day: I32) -> Iterator[tuple[PointScheme, I64]]:
    """The terms a point scheme scores each case by."""
    return by_day(scheme.dated or ((0, scheme),), value_day)
