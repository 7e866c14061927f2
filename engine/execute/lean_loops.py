"""The loops between bare arrays and the kernels, compiled by numba without the GIL.

In: arrays of `LeanRows`, answers by number; out: numbers written into arrays of the caller. Nothing here checks bounds:
whoever calls has looked at the smallest and the largest index.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from grouper.dip_layout import NULL
from grouper.jit import u
from grouper.tables import NULL_I32


@njit(nogil=True, cache=True)
def answers_at(words: Any, known: Any, out: Any) -> None:
    """The answer for every word; −1 takes the last."""
    last = len(known) - 1
    for i in range(len(words)):
        word = words[i]
        out[i] = known[u(word if word >= 0 else last)]


@njit(nogil=True, cache=True)
def answers_within(words: Any, size: Any, known: Any, out: Any) -> Any:
    """As `answers_at`; stops and says False at a word that is not one of a vocabulary of this size."""
    last = len(known) - 1
    for i in range(len(words)):
        word = words[i]
        if u(np.int64(word) + 1) > u(size):
            return False
        out[i] = known[u(word if word >= 0 else last)]
    return True


@njit(nogil=True, cache=True)
def fill_missing(values: Any, missing: Any, out: Any) -> None:
    """The values, NULL_I32 where one is missing."""
    for i in range(len(values)):
        out[i] = NULL_I32 if missing[i] else values[i]


@njit(nogil=True, cache=True)
def combine(words: Any, known: Any, size: Any, place: Any) -> None:
    """place = place × size + the answer for every word."""
    last = len(known) - 1
    for i in range(len(words)):
        word = words[i]
        place[i] = place[i] * size + known[u(word if word >= 0 else last)]


@njit(nogil=True, cache=True)
def unfilled(place: Any, slots: Any, out: Any) -> int:
    """Slots of the places; returns the first row whose place has none yet, −1 where all have one."""
    missing = -1
    for i in range(len(place) - 1, -1, -1):
        slot = slots[u(place[i])]
        out[i] = slot
        if slot < 0:
            missing = i
    return missing


@njit(nogil=True, cache=True)
def factors_at(slots: Any, factors: Any, k: Any, basic_k: Any) -> None:
    """Both cost factors of every slot."""
    for i in range(len(slots)):
        slot = slots[i]
        k[i], basic_k[i] = factors[u(slot), 0], factors[u(slot), 1]


@njit(nogil=True, cache=True)
def days_and_years(born: Any, adm: Any, out_on: Any, sent_days: Any, sent_years: Any, days: Any, years: Any) -> None:
    """Age at admission: from the date of birth, else as sent. Years are counted as days ÷ 365.25, cut."""
    for i in range(len(born)):
        day = adm[i] if adm[i] != NULL_I32 else out_on[i]
        value = np.int64(NULL)
        if born[i] != NULL_I32 and day != NULL_I32:
            value = np.int64(day) - born[i]
        elif sent_days[i] != NULL_I32:
            value = np.int64(sent_days[i])
        days[i] = value
        if value != NULL:
            years[i] = value * 4 // 1461
        elif sent_years[i] != NULL_I32:
            years[i] = sent_years[i]
        else:
            years[i] = NULL


@njit(nogil=True, cache=True)
def stays(adm: Any, out_on: Any, sent: Any, stay: Any) -> None:
    """Days from admission to discharge, else as sent."""
    for i in range(len(adm)):
        if adm[i] != NULL_I32 and out_on[i] != NULL_I32:
            stay[i] = np.int64(out_on[i]) - adm[i]
        else:
            stay[i] = NULL if sent[i] == NULL_I32 else sent[i]


@njit(nogil=True, cache=True)
def begun_units(values: Any, unit: Any, out: Any) -> None:
    """How many units a number has begun: hours as days; with unit 1 the number itself."""
    for i in range(len(values)):
        out[i] = NULL if values[i] == NULL_I32 else (np.int64(values[i]) + (unit - 1)) // unit
