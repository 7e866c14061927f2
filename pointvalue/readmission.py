"""Readmissions 「再入院」: which stays were followed too soon by another of the same patient for the same thing.

In: columns of stays, one row each: patient, what must be the same (group, ADRG or diagnosis, by its index), days of
admission and discharge as day numbers; out: per row whether its points are to be reduced, and by which later stay.
The stay before is reduced, never the readmission itself. It knows no factor and no points.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointvalue.cases import I32, I64, NONE

Mask = NDArray[np.bool_]


class SameThing(StrEnum):
    """What makes a second stay a readmission rather than another illness; the caller brings the index of it."""

    GROUP = "group"
    ADRG = "adrg"
    DIAGNOSIS = "diagnosis"


class StayFault(ValueError):
    """Columns that cannot be linked: the text names the row."""


@dataclass(frozen=True, slots=True)
class Readmissions:
    """`followed_by`: row of the stay that came too soon after this one, −1 for none."""

    followed_by: I64

    @property
    def reduced(self) -> Mask:
        """The stays whose points are reduced."""
        return np.asarray(self.followed_by != NONE, np.bool_)


def find_readmissions(
    patient: I64,
    thing: I32,
    admitted: I32,
    discharged: I32,
    within_days: int,
    hospital: I32 | None = None,
    planned: Mask | None = None,
) -> Readmissions:
    """Stays followed by an admission at most `within_days` days after discharge, same patient and same thing.

    The stay before is the last one discharged up to that admission; stays that overlap are not linked. −1 as patient
    or thing links nothing. `hospital` limits links to one hospital; a `planned` stay makes no readmission. Ties on the
    same day go by row, so that each stay reduces at most one before it.
    """
    _require(patient, thing, admitted, discharged, hospital, planned)
    rows = np.flatnonzero((patient != NONE) & (thing != NONE))
    keys: list[NDArray[Any]] = [thing, patient] if hospital is None else [hospital, thing, patient]
    columns: list[NDArray[Any]] = [rows, discharged[rows], *(key[rows] for key in keys)]
    order: I64 = rows[np.lexsort(columns)]
    followed: I64 = np.full(patient.size, NONE, np.int64)
    if order.size < 2:
        return Readmissions(followed)
    chain = _chains(order, keys)
    first_day = int(min(admitted[order].min(), discharged[order].min()))
    span = int(max(admitted[order].max(), discharged[order].max())) - first_day + 1
    out_at = chain * span + (discharged[order] - first_day)
    in_at = chain * span + (admitted[order] - first_day)
    # The last stay of the chain discharged by the day of admission, and never itself: a day stay ends as it begins.
    before = np.minimum(np.searchsorted(out_at, in_at, side="right"), np.arange(order.size)) - 1
    linked = (before >= 0) & (chain[before] == chain)
    linked &= in_at - out_at[before] <= within_days
    if planned is not None:
        linked &= ~planned[order]
    places = np.flatnonzero(linked)[::-1]
    # Written backwards, so that of two stays after the same one the earlier is named.
    followed[order[before[places]]] = order[places]
    return Readmissions(followed)


def _chains(order: I64, keys: list[NDArray[Any]]) -> I64:
    """Number of the chain of stays each place of the order belongs to, ascending."""
    new = np.zeros(order.size, np.int64)
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    return np.cumsum(new)


def _require(
    patient: I64, thing: I32, admitted: I32, discharged: I32, hospital: I32 | None, planned: Mask | None
) -> None:
    for name, column in (
        ("thing", thing),
        ("admitted", admitted),
        ("discharged", discharged),
        ("hospital", hospital),
        ("planned", planned),
    ):
        if column is not None and column.shape != patient.shape:
            raise StayFault(f"column {name}: need one value per stay 各列行数须一致")
    backwards = np.flatnonzero(discharged < admitted)
    if backwards.size:
        raise StayFault(f"row {int(backwards[0])}: discharged before it was admitted 出院早于入院")
