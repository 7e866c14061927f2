"""What a DIP answer is worth before any deviation: score, auxiliary factor, reference cost 「病种分值与参照均费」.

In: catalogue rows and auxiliary rows by case. Out: columns of the grouped file, and `Answer` records for scoring. The
score of an auxiliary row replaces the group's where it has one. It applies no deviation and no price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.distinct import distinct
from engine.edition_dip import DipEdition
from engine.editions import Editions
from engine.money import decimal_array
from grouper.dip_reference import reference_cost
from grouper.dip_search import basic_factor_e6, is_primary_care
from pointvalue.dip_score_tables import Price
from pointvalue.fixed import E6, exact

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answer:
    """One catalogue row with one auxiliary row (or none). `basic_factor_e6`: of a primary-care group, else None."""

    base_points_e4: int | None
    auxiliary_factor_e6: int
    auxiliary_type: str | None
    auxiliary_level: str | None
    basic_factor_e6: int | None
    group_mean_fen: int | None
    is_blank: bool


def answer_of(edition: DipEdition, row: int, auxiliary: int) -> Answer:
    """The answer at a catalogue row."""
    return _answers(edition)(row, auxiliary)


def distinct_answers(edition: DipEdition, leaf: I64, auxiliary: I64) -> tuple[list[Answer], npt.NDArray[np.int32]]:
    """The different answers among cases that have a row, and which of them each case has."""
    pairs, which = distinct((leaf.astype(np.int64) << 32) | (auxiliary.astype(np.int64) + 1))
    find = _answers(edition)
    return [find(pair >> 32, (pair & 0xFFFFFFFF) - 1) for pair in pairs.tolist()], which


@cache
def _answers(edition: DipEdition) -> Callable[[int, int], Answer]:
    tables = edition.pack.tables
    by_row = {one.row: one for one in tables.auxiliary}

    @cache
    def find(row: int, auxiliary: int) -> Answer:
        group, added = tables.groups[row], by_row.get(auxiliary)
        points = group.base_points_e4 if added is None or added.base_points_e4 is None else added.base_points_e4
        return Answer(
            base_points_e4=points,
            auxiliary_factor_e6=E6 if added is None or added.factor_e6 is None else added.factor_e6,
            auxiliary_type=None if added is None else added.dimension,
            auxiliary_level=None if added is None else added.level,
            basic_factor_e6=basic_factor_e6(group) if is_primary_care(tables, group) else None,
            group_mean_fen=group.cost_mean_fen,
            is_blank=tables.ungrouped.mode == "blank_group" and group.code == tables.ungrouped.group_code,
        )

    return find


def reference_of(answer: Answer, price: Price | None) -> Fraction | None:
    """Reference cost 「参照均费」 in fen, exact: points × auxiliary factor × K, primary-care groups by their own K."""
    if price is None:
        return None
    if answer.basic_factor_e6 is not None:
        k = price.basic_cost_factor_e6
        per_point = None if k is None else exact(k, E6) * exact(answer.basic_factor_e6, E6)
    else:
        per_point = None if price.cost_factor_e6 is None else exact(price.cost_factor_e6, E6)
    return reference_cost(answer.base_points_e4, answer.auxiliary_factor_e6, per_point)


def auxiliary_columns(editions: Editions, edition: I64, leaf: I64, auxiliary: I64) -> Mapping[str, pa.Array]:
    """Score and auxiliary columns of the grouped file; empty for DRG cases and cases without a group."""
    count = len(edition)
    score, factor = np.zeros(count, np.int64), np.zeros(count, np.int64)
    has_score, has_factor = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    kinds, levels = np.full(count, None, object), np.full(count, None, object)
    for place, one in enumerate(editions.editions):
        cases = np.flatnonzero((edition == place) & (leaf >= 0))
        if not isinstance(one, DipEdition) or not len(cases):
            continue
        answers, which = distinct_answers(one, leaf[cases], auxiliary[cases])
        points = [answer.base_points_e4 for answer in answers]
        score[cases] = np.array([known or 0 for known in points], np.int64)[which]
        has_score[cases] = np.array([known is not None for known in points], np.bool_)[which]
        factor[cases] = np.array([answer.auxiliary_factor_e6 for answer in answers], np.int64)[which]
        has_factor[cases] = np.array([answer.auxiliary_type is not None for answer in answers], np.bool_)[which]
        kinds[cases] = np.array([answer.auxiliary_type for answer in answers], object)[which]
        levels[cases] = np.array([answer.auxiliary_level for answer in answers], object)[which]
    return {
        "dip_sup_type": pa.array(kinds, pa.string()),
        "dip_sup_name": pa.array(levels, pa.string()),
        "dip_sup_coef": decimal_array(factor, 12, 6, valid=has_factor),
        "dip_sco": decimal_array(score, 12, 4, valid=has_score),
    }
