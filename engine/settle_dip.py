"""Points of DIP cases by their catalogue's own scoring tables 「DIP病例计分」.

In: the DIP cases of a casebook, their catalogue. Out: points ×10⁴ (−1: paid at cost), the deviation class, and what the
case table shows: coefficient, reference cost, base points. Everything is exact until the points are rounded once.
Look-ups and fractions run once per distinct key, points in a kernel; `pointvalue.dip_scoring.score_case` is what they
must equal. It looks at no fund: what a point is worth is the policy's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.casebook import Casebook
from engine.dip_terms import NONE, AnswersFound, Terms, terms_of
from engine.distinct import distinct
from engine.edition_dip import PRICE_KEYS, DipEdition
from pointvalue.dip_score_batch import DipColumns, score_columns
from pointvalue.dip_score_tables import CaseKeys, GroupedCase, Price, ScoringError
from pointvalue.dip_scoring import look_up, score_points
from pointvalue.fixed import E4, E6, exact, half_up

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
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
    terms = terms_of(edition)
    keys, which = terms.places(book, rows)
    _require_prices(book, edition, rows, [terms.price(key) for key in keys.tolist()])
    leaf = book.ints("leaf")[rows]
    grouped = np.flatnonzero(leaf >= 0)
    if len(grouped) < len(rows):
        _score_ungrouped(edition, rows[leaf < 0], scores)
        rows, which = rows[grouped], which[grouped]
    if len(rows):
        _score_grouped(book, edition, rows, (keys, which), scores)


def _require_prices(book: Casebook, edition: DipEdition, rows: I64, prices: Sequence[Price | None]) -> None:
    """Every case has a row of the price table, and the row a point value; the message says what is missing."""
    if all(price is not None and price.point_value_e6 is not None for price in prices):
        return
    for shown in _whole_keys(book, rows):
        price = look_up(edition.pack.scoring.prices, shown, "price")  # says which row is missing
        if price.point_value_e6 is None:
            raise ScoringError(f"table price: the row for insurance {shown.insurance} has no point_value; write it.")


def _whole_keys(book: Casebook, rows: I64) -> Iterator[CaseKeys]:
    """The different keys of some cases with all they say, in order."""
    columns = [book.codes(name) for name in PRICE_KEYS]
    places = np.unique(np.stack([index[rows] for index, _ in columns]), axis=1)
    for each in places.T.tolist():
        texts = [words[at] if at >= 0 else None for at, (_, words) in zip(each, columns, strict=True)]
        yield CaseKeys(texts[0] or "", texts[1] or "", texts[2], texts[3])


def _score_ungrouped(edition: DipEdition, rows: I64, scores: DipScores) -> None:
    """Cases without a row all earn the same: what the catalogue says of them."""
    if not len(rows):
        return
    found = score_points(edition.pack.scoring, exact(1, 1), GroupedCase(cost_total_fen=0))
    scores.points_e4[rows] = half_up(found.points * E4)
    scores.label[rows] = scores.label_index(UNGROUPED)
    scores.coefficient_e6[rows] = E6


def _score_grouped(book: Casebook, edition: DipEdition, rows: I64, keys: tuple[I64, I32], scores: DipScores) -> None:
    scoring, terms = edition.pack.scoring, terms_of(edition)
    found = terms.answers(book.ints("leaf")[rows], book.numbers_or("auxiliary", -1)[rows])
    which = found.which
    _require_scores(book, rows, terms, found)
    base, is_blank = found.base_points_e4[which], found.is_blank[which]
    h = _coefficients(book, edition, rows, keys, found)
    if found.is_blank.any():
        h[is_blank] = E6
    reference, factor_k = _references(terms, keys, found)
    free = (base == 0) | is_blank  # no reference cost is asked for
    missing = np.flatnonzero((reference < 0) & ~free)
    if len(missing):
        setl_id = book.table["setl_id"][int(rows[missing[0]])].as_py()
        raise ScoringError(f"case {setl_id}: no reference cost; table price needs a cost_factor for the case.")
    own = np.where(found.primary_e6 == NONE, E6, found.primary_e6)
    points = score_columns(
        scoring,
        DipColumns(
            cost_fen=book.ints("medfee_sumamt_fen")[rows],
            base_points_e4=base,
            auxiliary_factor_e6=found.auxiliary_factor_e6[which],
            cost_factor_e6=np.where(free, 0, factor_k),
            own_factor_e6=own[which],
            coefficient_e6=h,
            group_mean_fen=found.group_mean_fen[which],
            is_blank=is_blank,
        ),
    )
    labels = np.array([scores.label_index(band.label) for band in scoring.bands], np.int32)
    scores.points_e4[rows] = np.where(points.is_paid_at_cost, -1, points.points_e4)
    scores.label[rows] = labels[points.band]
    scores.coefficient_e6[rows] = h
    scores.base_points_e4[rows] = base
    scores.reference_fen[rows] = np.maximum(reference, 0)


def _require_scores(book: Casebook, rows: I64, terms: Terms, found: AnswersFound) -> None:
    """Every group has a score, and the blank group its own mean cost; the message names the group and one case."""
    doubtful = (found.base_points_e4 == 0) | found.is_blank
    for place in np.flatnonzero(doubtful).tolist():
        answer = terms.answer(int(found.numbers[place]))
        lacks = "score; add it to the group table" if answer.base_points_e4 is None else None
        if answer.is_blank and answer.base_points_e4 and not answer.group_mean_fen:
            lacks = "ref_cost; write its own mean cost"
        if lacks:
            row = int(rows[np.flatnonzero(found.which == place)[0]])
            index, codes = book.codes("dip_code")
            setl_id = book.table["setl_id"][row].as_py()
            raise ScoringError(f"group {codes[index[row]]} of case {setl_id} has no {lacks}.")


def _coefficients(book: Casebook, edition: DipEdition, rows: I64, keys: tuple[I64, I32], answers: AnswersFound) -> I64:
    """h ×10⁶ of every case, looked up once per distinct keys, group code and primary-care factor."""
    terms = terms_of(edition)
    # A group matters to the coefficient only where the catalogue lists it.
    listed = tuple(sorted({group for group, _ in edition.pack.scoring.group_factors_e6}))
    primary, place_of_primary = np.unique(answers.primary_e6, return_inverse=True)
    shape = (len(keys[0]), len(listed) + 1, len(primary))
    flat = keys[1].astype(np.int64) * shape[1]
    if listed:
        flat += book.places("dip_code", listed)[rows] + 1
    if len(primary) > 1:
        flat = flat * shape[2] + place_of_primary[answers.which]
    found, back = distinct(flat)
    groups = ("", *listed)
    values = [
        terms.coefficient_e6(int(keys[0][key]), groups[group], int(primary[factor]))
        for key, group, factor in zip(*(each.tolist() for each in np.unravel_index(found, shape)), strict=True)
    ]
    return np.array(values, np.int64)[back]


def _references(terms: Terms, keys: tuple[I64, I32], answers: AnswersFound) -> tuple[I64, I64]:
    """(reference cost in fen, K ×10⁶) of every case, −1 where the price table or the group gives none."""
    different, price = np.unique([terms.price_place(key) for key in keys[0].tolist()], return_inverse=True)
    count = len(answers.numbers)
    pairs, back = distinct(price[keys[1]] * count + answers.which)
    place, number = np.divmod(pairs, count)
    reference, factor = terms.references(answers.numbers[number], different[place])
    return reference[back], factor[back]


def prices_e8(book: Casebook, edition: DipEdition, rows: I64) -> I64:
    """Point value the catalogue's price table gives each case, yuan ×10⁸."""
    terms = terms_of(edition)
    keys, which = terms.places(book, rows)
    prices = [terms.price(key) for key in keys.tolist()]
    values = [0 if price is None or price.point_value_e6 is None else price.point_value_e6 * 100 for price in prices]
    return np.array(values, np.int64)[which]
