"""Points of DIP cases by their catalogue's own scoring tables 「DIP病例计分」.

In: the DIP cases of a casebook, their catalogue. Out: points ×10⁴ (−1: paid at cost), the deviation class, and what the
case table shows: coefficient, reference cost, base points. Everything is exact until the points are rounded once.
It looks at no fund: what a point is worth is the policy's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.casebook import Casebook
from engine.dip_answers import answer_of, reference_of
from engine.edition_dip import DipEdition
from pointvalue.dip_score_tables import CaseKeys, GroupedCase
from pointvalue.dip_scoring import score_case
from pointvalue.fixed import E4, E6, half_up

I64 = npt.NDArray[np.int64]
UNGROUPED = "未入组"
PAID_AT_COST = "按实付"


@dataclass
class DipScores:
    """Columns over all cases of the book; only the rows of DIP cases are filled."""

    points_e4: I64
    label: npt.NDArray[np.int32]
    labels: list[str]
    base_points_e4: I64
    reference_fen: I64
    coefficient_e6: I64

    @classmethod
    def empty(cls, count: int) -> DipScores:
        zeros = [np.zeros(count, np.int64) for _ in range(4)]
        return cls(zeros[0], np.zeros(count, np.int32), [], zeros[1], zeros[2], zeros[3] + E6)

    def label_index(self, label: str) -> int:
        if label not in self.labels:
            self.labels.append(label)
        return self.labels.index(label)


def score_dip(book: Casebook, edition: DipEdition, rows: I64, scores: DipScores) -> None:
    """Score the cases at `rows`, all grouped by this catalogue. Points are rounded once, half up, to four places."""
    scoring = edition.pack.scoring
    for row, keys, leaf, auxiliary, cost, code in _facts(book, rows):
        answer = answer_of(edition, leaf, auxiliary) if leaf >= 0 else None
        price = edition.price_of(keys.hospital, keys.insurance, keys.month, keys.insured_place)
        reference = None if answer is None else reference_of(answer, price)
        found = score_case(
            scoring,
            keys,
            GroupedCase(
                cost_total_fen=cost,
                group_code=code,
                base_points_e4=None if answer is None else answer.base_points_e4,
                auxiliary_factor_e6=E6 if answer is None else answer.auxiliary_factor_e6,
                reference_cost_fen=reference,
                primary_care_factor_e6=None if answer is None else answer.basic_factor_e6,
                group_mean_fen=None if answer is None else answer.group_mean_fen,
                is_blank=answer is not None and answer.is_blank,
            ),
        )
        scores.points_e4[row] = -1 if found.paid_at_cost else half_up(found.points * E4)
        label = found.label if answer is not None else UNGROUPED
        scores.label[row] = scores.label_index(label)
        scores.coefficient_e6[row] = half_up(found.hospital_coefficient * E6)
        if answer is not None:
            scores.base_points_e4[row] = answer.base_points_e4 or 0
            scores.reference_fen[row] = 0 if reference is None else half_up(reference)


def _facts(book: Casebook, rows: I64) -> Iterator[tuple[int, CaseKeys, int, int, int, str | None]]:
    """(row, keys, catalogue row, auxiliary row, cost, group code) of every case asked for."""
    hospital, hospitals = book.codes("fixmedins_code")
    insurance, insurances = book.codes("insutype")
    month, months = book.codes("setl_ym")
    place, places = book.codes("insuplc_admdvs")
    code, codes = book.codes("dip_code")
    leaf, auxiliary = book.ints("leaf"), book.numbers_or("auxiliary", -1)
    cost = book.ints("medfee_sumamt_fen")
    for row in rows.tolist():
        keys = CaseKeys(
            hospitals[hospital[row]],
            insurances[insurance[row]],
            months[month[row]] if month[row] >= 0 else None,
            places[place[row]] if place[row] >= 0 else None,
        )
        yield (
            row,
            keys,
            int(leaf[row]),
            int(auxiliary[row]),
            int(cost[row]),
            codes[code[row]] if code[row] >= 0 else None,
        )


def prices_e8(book: Casebook, edition: DipEdition, rows: I64) -> I64:
    """Point value the catalogue's price table gives each case, yuan ×10⁸."""
    found = np.zeros(len(rows), np.int64)
    for place, (_, keys, *_rest) in enumerate(_facts(book, rows)):
        price = edition.price_of(keys.hospital, keys.insurance, keys.month, keys.insured_place)
        found[place] = 0 if price is None or price.point_value_e6 is None else price.point_value_e6 * 100
    return found
