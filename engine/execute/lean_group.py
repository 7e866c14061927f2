"""Grouping straight from bare arrays 「数组分组」, for jobs that never build a frame.

In: an edition; `LeanRows` of accepted cases. Out: `LeanGroups`, row for row, with the answers `Edition.grouping` gives
for the same cases as a frame. Whatever is asked of a code or a text is asked once for each of its vocabulary. It
decides nothing: the kernels do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.cases.encode import Encoder
from engine.edition import Edition
from engine.edition_dip import DipEdition
from engine.edition_drg import DrgEdition
from engine.execute.lean import LeanRows
from engine.execute.lean_loops import answers_at
from engine.execute.texts import Answers
from engine.execute.vocabulary import I32, I64, U8, Words
from grouper.batch import EMPTY, NO_TEXT, UNKNOWN, UNMAPPED, CaseBatch
from grouper.drg import group_batch
from grouper.tables import NULL_I32, NumericField

NOTHING = -1


@dataclass(frozen=True)
class LeanGroups:
    """The answers of one batch; −1 = none."""

    status: U8
    reason: U8
    leaf: I32
    """The edition's own numbering of answers: the catalogue row of a DIP edition."""
    severity: U8
    auxiliary: I32
    """Row of the auxiliary catalogue."""
    main: I32
    """Which procedure of the case counted as principal."""
    dip_code: I32
    """Group code as a number of `dip_texts`, rewritten where the catalogue says so; −1 in DRG editions."""
    dip_texts: tuple[str, ...] = ()


class LeanGrouping(Protocol):
    """Groups batches; threads may call it at the same time."""

    def __call__(self, rows: LeanRows) -> LeanGroups: ...


def lean_grouping(edition: Edition, mapping: bool | None) -> LeanGrouping:
    """What groups the batches of a run. `mapping` None = the edition's own option decides on code mapping."""
    if isinstance(edition, DrgEdition):
        return DrgLean(edition, mapping)
    if isinstance(edition, DipEdition):
        from engine.execute.lean_group_dip import DipLean

        return DipLean(edition)
    raise TypeError(f"{edition.kind} groups nothing; its cases need no kernel")


class DrgLean:
    """A DRG edition. See `engine.edition_drg`."""

    def __init__(self, edition: DrgEdition, mapping: bool | None) -> None:
        compiled, tables = edition.pack.compiled(), edition.pack.tables
        self._compiled, self._tables = compiled, tables
        self._mapped = Encoder(compiled, tables, mapping).mapping
        missing = UNMAPPED if self._mapped else UNKNOWN
        dx, op = compiled.lookup_dx(self._mapped), compiled.lookup_op(self._mapped)
        self._dx = Answers(lambda code: dx.get(code, missing), EMPTY)
        self._op = Answers(lambda code: op.get(code, missing), EMPTY)
        self._texts = {name: _answers(compiled.text_vocab[name]) for name in tables.text_fields}

    def __call__(self, rows: LeanRows) -> LeanGroups:
        dx_offsets, dx_ids = code_ids(rows, "diag_codes", self._dx)
        op_offsets, op_ids = code_ids(rows, "oprn_codes", self._op)
        numeric = np.empty((len(self._tables.numeric), len(rows)), np.int32)
        for place, number in enumerate(self._tables.numeric):
            numeric[place] = _numbers(rows, number)
        text = np.empty((len(self._texts), len(rows)), np.int32)
        for place, (name, column) in enumerate(self._tables.text_fields.items()):
            text[place] = self._text_ids(rows, column, name)
        batch = CaseBatch(dx_offsets, dx_ids, op_offsets, op_ids, numeric, text, self._mapped)
        answer = group_batch(self._compiled, batch, marks=False)
        nothing = np.full(len(rows), NOTHING, np.int32)
        return LeanGroups(
            answer.status, answer.reason, answer.leaf, answer.severity, nothing, answer.op_used, nothing
        )  # fmt: skip

    def _text_ids(self, rows: LeanRows, column: str, name: str) -> I32:
        coded = rows.texts.get(column)
        if coded is None:
            return np.full(len(rows), NO_TEXT, np.int32)
        return ids_of(coded.ids, coded.words, self._texts[name])


def code_ids(rows: LeanRows, column: str, answers: Answers) -> tuple[I64, I32]:
    """A list column as offsets and the edition's ids; no codes where no file has the column."""
    lists = rows.lists.get(column)
    if lists is None:
        return np.zeros(len(rows) + 1, np.int64), np.zeros(0, np.int32)
    assert len(lists.offsets) == len(rows) + 1, f"{column} and ids disagree on the record count"
    return lists.offsets, ids_of(lists.ids, lists.words, answers)


def ids_of(numbers: I32, words: Words, answers: Answers) -> I32:
    """The answer for every number of a vocabulary."""
    known = answers.of(words)
    if len(numbers):
        assert numbers.min() >= -1 and numbers.max() < len(words), "numbers are not those of their vocabulary"
    out = np.empty(len(numbers), np.int32)
    answers_at(numbers, known, out)
    return out


def _answers(vocabulary: Mapping[str, int]) -> Answers:
    return Answers(lambda text: vocabulary.get(text, NO_TEXT), NO_TEXT)


def _numbers(rows: LeanRows, number: NumericField) -> I32 | int:
    found = rows.numbers.get(number.source)
    if found is None:
        if number.null_allowed or not len(rows):
            return NULL_I32
        raise ValueError(
            f"the rules need {number.name}, read from column {number.source!r}, which no case file has. Add it."
        )
    if not number.null_allowed and found.missing is not None and found.missing.any():
        count = int(found.missing.sum())
        raise ValueError(f"{count} cases have no {number.source}, which the rules need; validate them first")
    return found.filled(NULL_I32, np.int32)
