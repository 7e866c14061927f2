"""Which scheme takes a case, and which edition of it 「付费方式的适用」.

In: the routes of a year, the editions of every scheme, frames of accepted cases. Out: per case the place of its
edition; −1 where no scheme takes it, −2 where its scheme has no edition on its date. The first scheme whose condition
holds takes the case, whether or not a later one would fit better: the policy's order is the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.conditions import LISTED, Conditions
from engine.edition import Edition
from engine.edition_apart import ApartEdition
from engine.policy.resolve import Route

I8 = npt.NDArray[np.int8]
NO_SCHEME, NO_EDITION = -1, -2
_EPOCH = np.datetime64("1970-01-01", "D")


@dataclass(frozen=True)
class Router:
    """`scheme_of[i]` is the place in `routes` of edition i; the editions of one scheme follow each other in time."""

    routes: tuple[Route, ...]
    scheme_of: tuple[int, ...]
    conditions: Conditions

    def place(self, frame: pl.DataFrame, editions: Sequence[Edition], date_column: str) -> I8:
        """Edition of every case."""
        scheme = self.scheme_of_cases(frame, editions)
        days = frame[date_column].to_physical().cast(pl.Int64).fill_null(np.iinfo(np.int64).min).to_numpy()
        found = np.where(scheme < 0, NO_SCHEME, NO_EDITION).astype(np.int8)
        for place, (edition, of) in enumerate(zip(editions, self.scheme_of, strict=True)):
            found[(scheme == of) & in_force(edition, days)] = place
        return found

    def scheme_of_cases(self, frame: pl.DataFrame, editions: Sequence[Edition]) -> I8:
        """Place of the scheme that takes each case, −1 = none."""
        scheme = np.full(len(frame), NO_SCHEME, np.int8)
        for place, route in enumerate(self.routes):
            left = scheme < 0
            if not left.any():
                break
            if route.when is None:
                scheme[left] = place
                break
            asked = frame
            if any(part.listed is not None for part in route.when.parts()):
                own = editions[self.scheme_of.index(place)]
                assert isinstance(own, ApartEdition), "`listed` asks for a list"
                asked = frame.with_columns(pl.Series(LISTED, own.leaves(frame) >= 0))
            holds = asked.select(self.conditions.expression(route.when).alias("holds")).to_series()
            holds = holds if len(holds) == len(frame) else holds.new_from_index(0, len(frame))
            scheme[left & np.asarray(holds.to_numpy())] = place
        return scheme


def in_force(edition: Edition, days: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether an edition holds on each day (days since 1970-01-01); an undated one always does."""
    first, last = edition.meta.valid_from, edition.meta.valid_to
    held = np.ones(len(days), np.bool_)
    if first is not None:
        held &= days >= day_number(first)
    if last is not None:
        held &= days <= day_number(last)
    return held


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return int((np.datetime64(day, "D") - _EPOCH).astype(np.int64))
