"""Grouping straight from bare arrays 「数组分组」, for jobs that never build a frame.

In: an edition; `LeanRows` of accepted cases. Out: `LeanGroups`, row for row, with the answers `Edition.grouping` gives
for the same cases as a frame. Whatever is asked of a code or a text is asked once for each of its vocabulary. It
decides nothing: the kernels do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.cases.encode import Encoder
from engine.edition import Edition
from engine.edition_dip import DipEdition
from engine.edition_drg import DrgEdition
from engine.execute.lean import LeanRows, Numbers
from engine.execute.lean_loops import answers_within, fill_missing
from engine.execute.scratch import Scratch
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
        self._scratch = Scratch()
        self._mapped = Encoder(compiled, tables, mapping).mapping
        missing = UNMAPPED if self._mapped else UNKNOWN
        dx, op = compiled.lookup_dx(self._mapped), compiled.lookup_op(self._mapped)
        self._dx = Answers(lambda code: dx.get(code, missing), EMPTY)
        self._op = Answers(lambda code: op.get(code, missing), EMPTY)
        self._texts = {name: _answers(compiled.text_vocab[name]) for name in tables.text_fields}

    def __call__(self, rows: LeanRows) -> LeanGroups:
        dx_offsets, dx_ids = code_ids(rows, "diag_codes", self._dx, self._scratch)
        op_offsets, op_ids = code_ids(rows, "oprn_codes", self._op, self._scratch)
        numeric = [self._numbers(rows, number) for number in self._tables.numeric]
        text = [self._text_ids(rows, column, name) for name, column in self._tables.text_fields.items()]
        batch = CaseBatch(dx_offsets, dx_ids, op_offsets, op_ids, numeric, text, self._mapped)
        answer = group_batch(self._compiled, batch, marks=False)
        nothing = np.full(len(rows), NOTHING, np.int32)
        return LeanGroups(
            answer.status, answer.reason, answer.leaf, answer.severity, nothing, answer.op_used, nothing
        )  # fmt: skip

    def _text_ids(self, rows: LeanRows, column: str, name: str) -> I32:
        coded = rows.texts.get(column)
        out = self._scratch.array(f"text {name}", len(rows), np.int32)
        if coded is None:
            out.fill(NO_TEXT)
        else:
            ids_of(coded.ids, coded.words, self._texts[name], out)
        return out

    def _numbers(self, rows: LeanRows, number: NumericField) -> I32:
        out = self._scratch.array(f"number {number.name}", len(rows), np.int32)
        found = rows.numbers.get(number.source)
        if found is None:
            if not number.null_allowed and len(rows):
                raise ValueError(
                    f"the rules need {number.name}, read from column {number.source!r}, which no case file has. Add it."
                )
            out.fill(NULL_I32)
            return out
        if not number.null_allowed and found.missing is not None and found.missing.any():
            count = int(found.missing.sum())
            raise ValueError(f"{count} cases have no {number.source}, which the rules need; validate them first")
        return filled(found, out)


def code_ids(rows: LeanRows, column: str, answers: Answers, scratch: Scratch) -> tuple[I64, I32]:
    """A list column as offsets and the edition's ids, in scratch; no codes where no file has the column."""
    lists = rows.lists.get(column)
    if lists is None:
        return np.zeros(len(rows) + 1, np.int64), np.zeros(0, np.int32)
    assert len(lists.offsets) == len(rows) + 1, f"{column} and ids disagree on the record count"
    out = scratch.array(f"ids {column}", len(lists.ids), np.int32)
    ids_of(lists.ids, lists.words, answers, out)
    return lists.offsets, out


def ids_of(numbers: I32, words: Words, answers: Answers, out: npt.NDArray[Any]) -> None:
    """The answer for every number of a vocabulary."""
    known = answers.of(words)
    assert len(known) > len(words) and len(out) == len(numbers), "an answer for every word, room for every number"
    is_sound = answers_within(numbers, len(words), known, out)
    assert is_sound, "numbers are not those of their vocabulary"


def filled(found: Numbers, out: I32) -> I32:
    """The values as int32, NULL_I32 where a row has none; `out` is written only where they must be changed."""
    if found.missing is not None:
        fill_missing(found.values, found.missing, out)
    elif found.values.dtype == np.int32:
        return found.values
    else:
        out[:] = found.values
    return out


def _answers(vocabulary: Mapping[str, int]) -> Answers:
    return Answers(lambda text: vocabulary.get(text, NO_TEXT), NO_TEXT)
