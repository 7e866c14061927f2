"""Points of DIP cases by their catalogue's own scoring tables 「DIP病例计分」.

In: the DIP cases of a casebook, their catalogue. Out: points ×10⁴ (−1: paid at cost), the deviation class, and what the
case table shows: coefficient, reference cost, base points. Everything is exact until the points are rounded once.
Look-ups and fractions run once per distinct key, points in a kernel; `pointvalue.dip_scoring.score_case` is what they
must equal. It looks at no fund: what a point is worth is the policy's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.casebook import Casebook
from engine.dip_answers import Answer, distinct_answers, reference_of
from engine.edition_dip import DipEdition
from pointvalue.dip_score_batch import DipColumns, score_columns
from pointvalue.dip_score_tables import CaseKeys, GroupedCase, Price, ScoringError
from pointvalue.dip_scoring import coefficient, look_up, score_points
from pointvalue.fixed import E4, E6, exact, half_up

I64 = npt.NDArray[np.int64]
UNGROUPED = "未入组"


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
    keys = _Keys.of(book, edition, rows)
    leaf = book.ints("leaf")[rows]
    for price, shown in zip(keys.prices, keys.distinct, strict=True):
        if price is None:
            look_up(edition.pack.scoring.prices, shown, "price")  # says which row is missing
        elif price.point_value_e6 is None:
            raise ScoringError(f"table price: the row for insurance {shown.insurance} has no point_value; write it.")
    _score_ungrouped(edition, rows[leaf < 0], scores)
    grouped = np.flatnonzero(leaf >= 0)
    if len(grouped):
        _score_grouped(book, edition, rows[grouped], keys.at(grouped), scores)


def _score_ungrouped(edition: DipEdition, rows: I64, scores: DipScores) -> None:
    """Cases without a row all earn the same: what the catalogue says of them."""
    if not len(rows):
        return
    found = score_points(edition.pack.scoring, exact(1, 1), GroupedCase(cost_total_fen=0))
    scores.points_e4[rows] = half_up(found.points * E4)
    scores.label[rows] = scores.label_index(UNGROUPED)
    scores.coefficient_e6[rows] = E6


def _score_grouped(book: Casebook, edition: DipEdition, rows: I64, keys: _Keys, scores: DipScores) -> None:
    scoring = edition.pack.scoring
    answers, which = distinct_answers(edition, book.ints("leaf")[rows], book.numbers_or("auxiliary", -1)[rows])
    _require_scores(book, rows, answers, which)
    base = _of(answers, which, [answer.base_points_e4 or 0 for answer in answers])
    is_blank = _of(answers, which, [answer.is_blank for answer in answers]).astype(np.bool_)
    h = np.where(is_blank, E6, _coefficients(book, edition, rows, keys, answers, which))
    reference, factor_k = _references(keys, answers, which)
    free = (base == 0) | is_blank  # no reference cost is asked for
    missing = np.flatnonzero((reference < 0) & ~free)
    if len(missing):
        setl_id = book.table["setl_id"][int(rows[missing[0]])].as_py()
        raise ScoringError(f"case {setl_id}: no reference cost; table price needs a cost_factor for the case.")
    found = score_columns(
        scoring,
        DipColumns(
            cost_fen=book.ints("medfee_sumamt_fen")[rows],
            base_points_e4=base,
            auxiliary_factor_e6=_of(answers, which, [answer.auxiliary_factor_e6 for answer in answers]),
            cost_factor_e6=np.where(free, 0, factor_k),
            own_factor_e6=_of(answers, which, [_own_factor(answer) for answer in answers]),
            coefficient_e6=h,
            group_mean_fen=_of(answers, which, [answer.group_mean_fen or 0 for answer in answers]),
            is_blank=is_blank,
        ),
    )
    labels = np.array([scores.label_index(band.label) for band in scoring.bands], np.int32)
    scores.points_e4[rows] = np.where(found.is_paid_at_cost, -1, found.points_e4)
    scores.label[rows] = labels[found.band]
    scores.coefficient_e6[rows] = h
    scores.base_points_e4[rows] = base
    scores.reference_fen[rows] = np.maximum(reference, 0)


def _require_scores(book: Casebook, rows: I64, answers: Sequence[Answer], which: npt.NDArray[np.intp]) -> None:
    """Every group has a score, and the blank group its own mean cost; the message names the group and one case."""
    for place, answer in enumerate(answers):
        lacks = "score; add it to the group table" if answer.base_points_e4 is None else None
        if answer.is_blank and answer.base_points_e4 and not answer.group_mean_fen:
            lacks = "ref_cost; write its own mean cost"
        if lacks:
            row = int(rows[np.flatnonzero(which == place)[0]])
            index, codes = book.codes("dip_code")
            setl_id = book.table["setl_id"][row].as_py()
            raise ScoringError(f"group {codes[index[row]]} of case {setl_id} has no {lacks}.")


def _own_factor(answer: Answer) -> int:
    return E6 if answer.basic_factor_e6 is None else answer.basic_factor_e6


def _of(answers: Sequence[Answer], which: npt.NDArray[np.intp], values: Sequence[int]) -> I64:
    assert len(answers) == len(values)
    return np.array(values, np.int64)[which]


def _coefficients(
    book: Casebook, edition: DipEdition, rows: I64, keys: _Keys, answers: Sequence[Answer], which: npt.NDArray[np.intp]
) -> I64:
    """h ×10⁶ of every case, looked up once per distinct keys, group code and primary-care factor."""
    code, codes = book.codes("dip_code")
    primary = [answer.basic_factor_e6 for answer in answers]
    different = np.unique(np.array([-1 if factor is None else factor for factor in primary], np.int64))
    own = np.searchsorted(different, [-1 if factor is None else factor for factor in primary])[which]
    # A group matters to the coefficient only where the catalogue lists it.
    listed = {group for group, _ in edition.pack.scoring.group_factors_e6}
    matters = np.array([place if name in listed else -1 for place, name in enumerate(codes)] + [-1], np.int64)
    shape = (len(keys.distinct), len(codes) + 1, len(different))
    flat = np.ravel_multi_index((keys.which, matters[code[rows]] + 1, own), shape)
    found, back = np.unique(flat, return_inverse=True)
    values = []
    for key, group, factor in zip(*np.unravel_index(found, shape), strict=True):
        case = GroupedCase(
            cost_total_fen=0,
            group_code=codes[group - 1] if group else "",
            primary_care_factor_e6=None if different[factor] < 0 else int(different[factor]),
        )
        values.append(half_up(coefficient(edition.pack.scoring, keys.distinct[key], case) * E6))
    return np.array(values, np.int64)[back]


def _references(keys: _Keys, answers: Sequence[Answer], which: npt.NDArray[np.intp]) -> tuple[I64, I64]:
    """(reference cost in fen, K ×10⁶) of every case, −1 where the price table or the group gives none."""
    flat = keys.which * len(answers) + which
    found, back = np.unique(flat, return_inverse=True)
    reference, factor = np.empty(len(found), np.int64), np.empty(len(found), np.int64)
    for place, pair in enumerate(found.tolist()):
        answer, price = answers[pair % len(answers)], keys.prices[pair // len(answers)]
        cost = reference_of(answer, price)
        reference[place] = -1 if cost is None else half_up(cost)
        is_basic = answer.basic_factor_e6 is not None
        k = None if price is None else price.basic_cost_factor_e6 if is_basic else price.cost_factor_e6
        factor[place] = -1 if k is None else k
    return reference[back], factor[back]


@dataclass(frozen=True)
class _Keys:
    """By what coefficients and prices are looked up: the distinct ones, their price, and which each case has."""

    distinct: list[CaseKeys]
    prices: list[Price | None]
    which: npt.NDArray[np.intp]

    @classmethod
    def of(cls, book: Casebook, edition: DipEdition, rows: I64) -> _Keys:
        columns = [book.codes(name) for name in ("fixmedins_code", "insutype", "setl_ym", "insuplc_admdvs")]
        shape = tuple(len(words) + 1 for _, words in columns)
        flat = np.ravel_multi_index(tuple(index[rows].astype(np.int64) + 1 for index, _ in columns), shape)
        found, which = np.unique(flat, return_inverse=True)
        distinct = []
        for places in zip(*np.unravel_index(found, shape), strict=True):
            texts = [words[at - 1] if at else None for at, (_, words) in zip(places, columns, strict=True)]
            distinct.append(CaseKeys(texts[0] or "", texts[1] or "", texts[2], texts[3]))
        prices = [edition.price_of(one.hospital, one.insurance, one.month, one.insured_place) for one in distinct]
        return cls(distinct, prices, which)

    def at(self, places: I64) -> _Keys:
        return _Keys(self.distinct, self.prices, self.which[places])


def prices_e8(book: Casebook, edition: DipEdition, rows: I64) -> I64:
    """Point value the catalogue's price table gives each case, yuan ×10⁸."""
    keys = _Keys.of(book, edition, rows)
    values = [
        0 if price is None or price.point_value_e6 is None else price.point_value_e6 * 100 for price in keys.prices
    ]
    return np.array(values, np.int64)[keys.which]
