"""A DIP catalogue over bare arrays 「DIP数组分组」.

In: a `DipEdition`; `LeanRows`. Out: `LeanGroups` with the answers of `DipEdition.grouping`. The numbers of a record are
worked out here from arrays as `DipEdition` does from frames. Prices are looked up once for each combination of the
keys the price table tells apart.
"""

from __future__ import annotations

from math import prod
from threading import Lock

import numpy as np
import numpy.typing as npt

from engine.edition_dip import PRICE_KEYS, DipEdition
from engine.execute.lean import LeanRows
from engine.execute.lean_group import LeanGroups, code_ids, filled
from engine.execute.lean_loops import (
    answers_at,
    begun_units,
    combine,
    days_and_years,
    factors_at,
    stays,
    unfilled,
)
from engine.execute.scratch import Scratch
from engine.execute.texts import Answers
from engine.execute.vocabulary import I32, I64, Words
from grouper.dip import group_batch
from grouper.dip_layout import (
    AGE_DAYS,
    AGE_YEARS,
    BASIC_COST_FACTOR,
    COST,
    COST_FACTOR,
    DEATH,
    DRUG,
    ICU_DAYS,
    N_NUMBERS,
    NULL,
    STAY,
    TREATMENT,
    WEIGHT,
    Batch,
)
from grouper.dip_search import has_range_in_code, rewritten_code
from grouper.reason import GroupStatus
from grouper.tables import NULL_I32

_DEATH = "5"
_ICU_UNIT_H = 24
SLOTS_MAX = 1 << 22
"""Combinations of price keys a table is kept for; where there are more, they are sorted batch by batch."""


class DipLean:
    """A DIP edition. See `engine.edition_dip`."""

    def __init__(self, edition: DipEdition) -> None:
        self._edition, self._scratch = edition, Scratch()
        self._dx = Answers(edition.compiled.dx.id_of, 0)
        self._op = Answers(edition.compiled.op.id_of, 0)
        self._death = Answers(lambda way: int(way == _DEATH), 0)
        self._prices = _Prices(edition)
        self._codes = _Codes(edition)

    def __call__(self, rows: LeanRows) -> LeanGroups:
        dx_offsets, dx_ids = code_ids(rows, "diag_codes", self._dx, self._scratch)
        op_offsets, op_ids = code_ids(rows, "oprn_codes", self._op, self._scratch)
        batch = Batch(dx_offsets, dx_ids, op_offsets, op_ids, self.numbers(rows))
        out = group_batch(self._edition.compiled, batch)
        status = np.where(out.row >= 0, np.uint8(GroupStatus.OK), np.uint8(GroupStatus.FAIL))
        codes, texts = self._codes.of(rows, out.row)
        return LeanGroups(
            status, out.reason, out.row, np.zeros(len(rows), np.uint8), out.auxiliary, out.main, codes, texts
        )  # fmt: skip

    def numbers(self, rows: LeanRows) -> I64:
        """[NUMBERS, n] as the kernel reads it; those no rule asks for are not worked out."""
        found = self._scratch.array("numbers", (N_NUMBERS, len(rows)), np.int64)
        asked = self._edition.compiled.asked
        if COST in asked:
            cost = rows.numbers.get("medfee_sumamt_fen")
            found[COST] = NULL if cost is None else cost.filled(NULL)
            self._prices.fill(rows, found[COST_FACTOR], found[BASIC_COST_FACTOR], self._scratch)
        adm, out_on = self._column(rows, "adm_on"), self._column(rows, "discharged_on")
        if STAY in asked:
            stays(adm, out_on, self._column(rows, "act_ipt_days"), found[STAY])
        if AGE_DAYS in asked or AGE_YEARS in asked:
            born, sent_days, sent_years = (self._column(rows, name) for name in ("born_on", "nwb_age", "age"))
            days_and_years(born, adm, out_on, sent_days, sent_years, found[AGE_DAYS], found[AGE_YEARS])
        if WEIGHT in asked:
            begun_units(self._column(rows, "nwb_bir_wt"), 1, found[WEIGHT])
        if ICU_DAYS in asked:
            begun_units(self._column(rows, "icu_hours"), _ICU_UNIT_H, found[ICU_DAYS])
        if DEATH in asked:
            found[DEATH] = 0
            if (way := rows.texts.get("dscg_way")) is not None:
                answers_at(_within(way.ids, way.words), self._death.of(way.words), found[DEATH])
        if TREATMENT in asked:
            found[TREATMENT], found[DRUG] = NULL, NULL  # no file says how a cost divides
        return found

    def _column(self, rows: LeanRows, name: str) -> I32:
        """A number column with NULL_I32 for what is missing."""
        out = self._scratch.array(name, len(rows), np.int32)
        found = rows.numbers.get(name)
        if found is not None:
            return filled(found, out)
        out.fill(NULL_I32)
        return out


class _Prices:
    """K 「均费系数」 by hospital, scheme, month and insured place, as far as the price table tells them apart."""

    def __init__(self, edition: DipEdition) -> None:
        self._edition = edition
        prices = edition.pack.scoring.prices
        named = [
            [price.hospital for price in prices],
            [price.insurance for price in prices],
            [price.month for price in prices],
            [price.insured_place for price in prices],
        ]
        # Number 0 stands for every text no row of the table names, and for null.
        self._known = [sorted({text for text in texts if text is not None}) for texts in named]
        self._sizes = [len(texts) + 1 for texts in self._known]
        self._answers = [_number_of(texts, null) for texts, null in zip(self._known, ("", "", None, None), strict=True)]
        self._slots: I32 | None = None
        if prod(self._sizes) <= SLOTS_MAX:
            self._slots = np.full(prod(self._sizes), -1, np.int32)
        self._factors: I64 = np.zeros((0, 2), np.int64)
        self._slot_of: dict[int, int] = {}
        self._lock = Lock()

    def fill(self, rows: LeanRows, k: I64, basic_k: I64, scratch: Scratch) -> None:
        """K and the K of primary-care groups for every row; NULL where the table has no row for it."""
        place = scratch.array("place", len(rows), np.int64)
        place.fill(0)
        for name, answers, size in zip(PRICE_KEYS, self._answers, self._sizes, strict=True):
            coded = rows.texts.get(name)
            if coded is None:
                place = place * size + answers.of_null
            elif size > 1:
                combine(_within(coded.ids, coded.words), answers.of(coded.words), size, place)
        slots, factors = self._slots_of(place, scratch)
        factors_at(slots, factors, k, basic_k)

    def _slots_of(self, place: I64, scratch: Scratch) -> tuple[I32, I64]:
        if self._slots is None:
            found, which = np.unique(place, return_inverse=True)
            with self._lock:
                slots = np.array([self._slot(each) for each in found.tolist()], np.int32)
                return slots[which].astype(np.int32), self._factors
        out = scratch.array("slots", len(place), np.int32)
        while (row := unfilled(place, self._slots, out)) >= 0:
            with self._lock:
                number = int(place[row])
                slot = self._slot(number)
                self._slots[number] = slot
        return out, self._factors

    def _slot(self, number: int) -> int:
        """Where the factors of a combination stand; looked up in the table the first time."""
        known = self._slot_of.get(number)
        if known is None:
            texts, rest = list[str | None](), number
            for of_column, size in zip(reversed(self._known), reversed(self._sizes), strict=True):
                rest, text = divmod(rest, size)
                texts.append(of_column[text - 1] if text else None)
            place, month, insurance, hospital = texts
            price = self._edition.price_of(
                _OTHER if hospital is None else hospital, _OTHER if insurance is None else insurance, month, place
            )
            k = price.cost_factor_e6 if price else None
            basic = price.basic_cost_factor_e6 if price else None
            row = np.array([[NULL if k is None else k, NULL if basic is None else basic]], np.int64)
            known = self._slot_of[number] = len(self._factors)
            self._factors = np.concatenate([self._factors, row])
        return known


_OTHER = "\0"
"""A hospital or scheme that no price table names."""


def _number_of(texts: list[str], null: str | None) -> Answers:
    number = {text: n for n, text in enumerate(texts, start=1)}
    return Answers(lambda text: number.get(text, 0), 0 if null is None else number.get(null, 0))


class _Codes:
    """Group codes; comprehensive ones rewritten to the case's category where the catalogue says so."""

    def __init__(self, edition: DipEdition) -> None:
        tables = edition.pack.tables
        self._groups = tables.groups
        self._texts = [group.code for group in tables.groups]
        self._shown = tuple(self._texts)
        self._rewrites: npt.NDArray[np.bool_] | None = None
        self._number: dict[tuple[int, str], int] = {}
        self._lock = Lock()
        if tables.options.comprehensive_code == "category_for_range":
            sources = {layer.name for layer in tables.layers if layer.source in ("comprehensive", "fallback")}
            self._rewrites = np.array(
                [group.layer in sources and has_range_in_code(group) for group in tables.groups], np.bool_
            )

    def of(self, rows: LeanRows, leaf: I32) -> tuple[I32, tuple[str, ...]]:
        """A number for every row, and the codes they stand for."""
        if self._rewrites is None or not self._rewrites.any():
            return leaf, self._shown
        places = np.flatnonzero((leaf >= 0) & self._rewrites[leaf])
        lists = rows.lists.get("diag_codes")
        if not len(places) or lists is None:
            return leaf, self._shown
        assert len(lists.ids), "a case without diagnoses has no comprehensive group"
        has_principal = lists.offsets[places] < lists.offsets[places + 1]
        first = np.where(has_principal, lists.ids[np.where(has_principal, lists.offsets[places], 0)], -1)
        width = len(lists.words) + 1
        found, which = np.unique(leaf[places].astype(np.int64) * width + (first + 1), return_inverse=True)
        numbers = np.empty(len(found), np.int32)
        with self._lock:
            for at, number in enumerate(found.tolist()):
                row, word = divmod(number, width)
                numbers[at] = self._rewritten(row, lists.words.texts[word - 1] if word else "")
            if len(self._shown) != len(self._texts):
                self._shown = tuple(self._texts)
            shown = self._shown
        codes = leaf.copy()
        codes[places] = numbers[which]
        return codes, shown

    def _rewritten(self, row: int, principal: str) -> int:
        key = row, principal[:3]
        known = self._number.get(key)
        if known is None:
            known = self._number[key] = len(self._texts)
            self._texts.append(rewritten_code(self._groups[row], principal))
        return known


def _within(numbers: I32, words: Words) -> I32:
    """The numbers, none of which lies outside its vocabulary."""
    if len(numbers):
        assert numbers.min() >= -1 and numbers.max() < len(words), "numbers are not those of their vocabulary"
    return numbers
