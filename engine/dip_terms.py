"""What a catalogue gives cases: scores, price rows, coefficients, reference costs, each looked up once 「系数与均费」.

In: a DIP edition; catalogue rows and keys of cases. Out: numbers by different answer, different key, different pair of
them; each is worked out when it is first asked for and kept for the run. The rules are those of
`pointvalue.dip_scoring` and `engine.dip_answers`; nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from threading import Lock

import numpy as np
import numpy.typing as npt

from engine.casebook import Casebook
from engine.dip_answers import Answer, answer_of, reference_of
from engine.distinct import distinct
from engine.edition_dip import PRICE_KEYS, DipEdition
from pointvalue.dip_score_tables import CaseKeys, GroupedCase, Price
from pointvalue.dip_scoring import coefficient
from pointvalue.fixed import E6, half_up

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
NONE = -1
_UNNAMED = "\0"
"""Stands for every text no row of the tables names; an empty cell is one of them."""


@dataclass(frozen=True)
class AnswersFound:
    """The different answers among some cases, and which of them each case has."""

    numbers: I64
    """How the edition's `Terms` call them."""
    which: I32
    base_points_e4: I64
    auxiliary_factor_e6: I64
    group_mean_fen: I64
    is_blank: npt.NDArray[np.bool_]
    primary_e6: I64
    """Factor of a primary-care group, −1 = none. Like points and mean cost, 0 or −1 also stand for what is missing."""


class Terms:
    """Look-ups of one edition. Threads may share it: what two of them work out at once is the same."""

    def __init__(self, edition: DipEdition) -> None:
        self._edition, self._scoring = edition, edition.pack.scoring
        rows = (*self._scoring.prices, *self._scoring.hospitals)
        of_keys = zip(*((row.hospital, row.insurance, row.month, row.insured_place) for row in rows), strict=True)
        named = [tuple(sorted({text for text in texts if text is not None})) for texts in of_keys]
        self._names: list[tuple[str, ...]] = named or [()] * len(PRICE_KEYS)
        self._sizes = [len(names) + 1 for names in self._names]
        assert prod(self._sizes) < 1 << 62, "more keys in the tables of prices and coefficients than a number tells"
        self.keys, self.price_place = cache(self._keys_of), cache(self._price_place)
        self._answers: list[Answer] = []
        self._number: dict[int, int] = {}
        self._columns: I64 = np.zeros((0, 5), np.int64)
        self._coefficients: dict[tuple[int, str, int], int] = {}
        self._references: dict[int, tuple[int, int]] = {}
        self._lock = Lock()

    # --- answers ------------------------------------------------------------------------------------------------------

    def answers(self, leaf: I64, auxiliary: I64) -> AnswersFound:
        """Answers of cases that have a catalogue row."""
        pairs, which = distinct((leaf << 32) | (auxiliary + 1))
        with self._lock:
            numbers = np.array([self._number_of(pair) for pair in pairs.tolist()], np.int64)
            if len(self._columns) < len(self._answers):
                made = [_columns_of(answer) for answer in self._answers[len(self._columns) :]]
                self._columns = np.concatenate([self._columns, np.array(made, np.int64)])
            base, factor, mean, blank, primary = self._columns[numbers].T
        return AnswersFound(numbers, which, base, factor, mean, blank != 0, primary)

    def answer(self, number: int) -> Answer:
        return self._answers[number]

    def _number_of(self, pair: int) -> int:
        known = self._number.get(pair)
        if known is None:
            known = self._number[pair] = len(self._answers)
            self._answers.append(answer_of(self._edition, pair >> 32, (pair & 0xFFFFFFFF) - 1))
        return known

    # --- keys ---------------------------------------------------------------------------------------------------------

    def places(self, book: Casebook, rows: I64) -> tuple[I64, I32]:
        """(different keys, ascending; which each case has). A key says what the tables can tell of a case."""
        flat = np.zeros(len(rows), np.int64)
        for name, names, size in zip(PRICE_KEYS, self._names, self._sizes, strict=True):
            if names:
                flat *= size
                flat += book.places(name, names)[rows]
                flat += 1
        return distinct(flat)

    def price(self, key: int) -> Price | None:
        """The row of the price table for a key, None where there is none."""
        place = self.price_place(key)
        return None if place < 0 else self._scoring.prices[place]

    def _keys_of(self, key: int) -> CaseKeys:
        texts = list[str]()
        for names, size in zip(reversed(self._names), reversed(self._sizes), strict=True):
            key, at = divmod(key, size)
            texts.append(names[at - 1] if at else _UNNAMED)
        place, month, insurance, hospital = texts
        return CaseKeys(hospital, insurance, month, place)

    def _price_place(self, key: int) -> int:
        keys = self.keys(key)
        price = self._edition.price_of(keys.hospital, keys.insurance, keys.month, keys.insured_place)
        return next((n for n, row in enumerate(self._scoring.prices) if row is price), NONE)

    # --- what follows from both ---------------------------------------------------------------------------------------

    def coefficient_e6(self, key: int, group: str, primary_e6: int) -> int:
        """h ×10⁶ by key, group (empty where no table lists it) and factor of a primary-care group (−1 = none)."""
        asked = key, group, primary_e6
        known = self._coefficients.get(asked)
        if known is None:
            factor = None if primary_e6 == NONE else primary_e6
            case = GroupedCase(cost_total_fen=0, group_code=group, primary_care_factor_e6=factor)
            known = self._coefficients[asked] = half_up(coefficient(self._scoring, self.keys(key), case) * E6)
        return known

    def references(self, answers: I64, prices: I64) -> tuple[I64, I64]:
        """(reference cost in fen, K ×10⁶) of pairs of an answer's number and a price's place; −1 where there is
        none."""
        found, count = self._references, len(self._scoring.prices) + 1
        made = np.empty((len(answers), 2), np.int64)
        for at, asked in enumerate((answers * count + prices + 1).tolist()):
            known = found.get(asked)
            if known is None:
                number, place = divmod(asked, count)
                known = found[asked] = _reference(
                    self.answer(number), self._scoring.prices[place - 1] if place else None
                )
            made[at] = known
        return made[:, 0], made[:, 1]


def _columns_of(answer: Answer) -> tuple[int, int, int, int, int]:
    primary = NONE if answer.basic_factor_e6 is None else answer.basic_factor_e6
    points, mean = answer.base_points_e4 or 0, answer.group_mean_fen or 0
    return points, answer.auxiliary_factor_e6, mean, int(answer.is_blank), primary


def _reference(answer: Answer, price: Price | None) -> tuple[int, int]:
    cost = reference_of(answer, price)
    is_basic = answer.basic_factor_e6 is not None
    k = None if price is None else price.basic_cost_factor_e6 if is_basic else price.cost_factor_e6
    return NONE if cost is None else half_up(cost), NONE if k is None else k


@cache
def terms_of(edition: DipEdition) -> Terms:
    """The look-ups of an edition, kept with it."""
    return Terms(edition)
