"""One column of a batch, when its cells are plain 「规整单元格」.

In: an Arrow column and its kind in `columns.TYPED`; out: the values inside as a polars series, and which rows hold a
cell that is not plain (a repair, a refusal, a form nobody expected). Types without text go through the readers of
`engine.cases.typed`, which repair nothing there. It never decides what an odd cell means: the slow path does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.cases.alias_table import VALUE_WORDS
from engine.cases.codes import TOO_LONG
from engine.cases.columns import TYPED
from engine.cases.demand import Demand
from engine.cases.limits import CODES_MAX, DIAGNOSIS_LENGTH_MAX, PROCEDURE_LENGTH_MAX
from engine.cases.one_cell import repaired_code
from engine.cases.repair import Repairs
from engine.cases.sex import sex_of
from engine.cases.typed import MONEY_DIGITS, Read, read_date, read_fen, read_int, read_text
from engine.execute.id_loops import plain_ids
from engine.execute.loops import (
    days_of_text,
    fen_of_text,
    join_flags,
    mark_long,
    mark_not_plain,
    scaled_decimals,
    split_codes,
)
from engine.execute.vocabulary import I32, I64, U8, Vocabulary, Words, text_buffers
from grouper.tables import NULL_I32

Odd = npt.NDArray[np.bool_]
ID = "setl_id"
_LARGE = np.int64(1) << 62
WORDS_MAX = 500_000
"""More different texts than any code column has; rows with further ones are not plain."""


@dataclass(frozen=True)
class Lists:
    """A list column as numbers: codes of row i are ids[offsets[i]:offsets[i+1]], −1 where nothing stands."""

    offsets: I64
    ids: I32
    words: Words

    def series(self) -> pl.Series:
        """As lists of text."""
        return _series(pa.LargeListArray.from_arrays(pa.array(self.offsets), self.words.strings(self.ids)))


@dataclass(frozen=True)
class Coded:
    """A text column as numbers of a vocabulary, −1 = null."""

    ids: I32
    words: Words

    def series(self) -> pl.Series:
        """As text."""
        return _series(self.words.strings(self.ids))


@dataclass
class Columns:
    """The vocabularies of a run: one for each text, number or code column that has repeated texts."""

    demand: Demand
    vocabularies: dict[str, Vocabulary] = field(default_factory=dict)
    dictionaries: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What readers have read in dictionaries of a file, by these themselves."""

    def __post_init__(self) -> None:
        strict = self.demand.profile == "strict"
        for typed in TYPED:
            if typed.kind == "codes":
                sexed = typed.column == "diag_codes"
                longest = DIAGNOSIS_LENGTH_MAX if sexed else PROCEDURE_LENGTH_MAX
                self.vocabularies[typed.column] = Vocabulary(_code_judge(strict, sexed, longest), WORDS_MAX)
            elif typed.kind == "text" and typed.column != ID:
                self.vocabularies[typed.column] = Vocabulary(_text_judge(typed.column), WORDS_MAX)
            elif typed.kind in ("int", "whole"):
                self.vocabularies[typed.column] = Vocabulary(
                    _number_judge(typed.column, typed.kind == "whole"), WORDS_MAX
                )
        for column in self.demand.extra_numbers:
            self.vocabularies[column] = Vocabulary(_number_judge(column, whole=False), WORDS_MAX)

    def read(self, column: str, kind: str, cells: pa.Array, odd: Odd) -> pl.Series | Coded:
        """The column's values; rows that are not plain are marked in `odd`, and their values mean nothing."""
        if pa.types.is_null(cells.type):
            return _slow(column, kind, _series(cells), odd)
        if is_text(cells.type):
            return self._text(column, kind, cells, odd)
        if pa.types.is_decimal128(cells.type) and kind in ("fen", "int"):
            return _decimals(kind, cells, odd)
        if kind in ("int", "whole") and cells.type in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16()):
            return _series(cells.cast(pa.int32()))
        return _slow(column, kind, _series(cells), odd)

    def _text(self, column: str, kind: str, cells: pa.Array, odd: Odd) -> pl.Series | Coded:
        if column == ID:
            cells = cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells
            data, starts, ends = text_buffers(cells)
            plain_ids(data, starts, ends, odd, np.empty(len(cells), np.uint64))
            if cells.null_count:
                odd |= np.asarray(cells.is_null().to_numpy(zero_copy_only=False), np.bool_)
            return _series(cells)
        if kind in ("fen", "date"):
            return _parsed(kind, cells, odd)
        ids = self.vocabularies[column].ids(cells)
        words = self.vocabularies[column].words
        mark_not_plain(ids, words.known[0], odd)
        if len(words) >= WORDS_MAX:
            # A text that found no room has number −1 like a null.
            odd |= (ids < 0) & ~np.asarray(cells.is_null().to_numpy(zero_copy_only=False), np.bool_)
        if kind == "text":
            return Coded(ids, words)
        return _masked(words.known[1][ids], ids < 0)

    def read_codes(self, column: str, cells: pa.Array, odd: Odd) -> tuple[Lists, U8]:
        """A list column as numbers, and the flags of every row's codes."""
        vocabulary = self.vocabularies[column]
        offsets, ids = _joined(vocabulary, cells, odd) if is_text(cells.type) else _listed(vocabulary, cells)
        words = vocabulary.words
        flags = np.zeros(len(cells), np.uint8)
        join_flags(ids, offsets, words.known[1], words.known[0], flags, odd)
        # A record without diagnoses is never plain.
        mark_long(offsets, CODES_MAX, int(column == "diag_codes"), odd)
        return Lists(offsets, ids, words), flags


def is_text(kind: pa.DataType) -> bool:
    """Text of any width, plain or by dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_code_list(kind: pa.DataType) -> bool:
    """A list of text of any width."""
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and is_text(kind.value_type))


def _text_judge(column: str) -> Callable[[Sequence[str]], tuple[npt.NDArray[Any], ...]]:
    def judge(texts: Sequence[str]) -> tuple[npt.NDArray[Any], ...]:
        cells = pl.Series(list(texts), dtype=pl.String)
        read = read_text(cells, Repairs(), VALUE_WORDS.get(column)).values
        return (np.asarray((read == cells).fill_null(False).to_numpy(), np.bool_),)

    return judge


def _number_judge(column: str, whole: bool) -> Callable[[Sequence[str]], tuple[npt.NDArray[Any], ...]]:
    """Plain is digits as Python writes them, so that nothing about them is a repair."""

    def judge(texts: Sequence[str]) -> tuple[npt.NDArray[Any], ...]:
        cells = pl.Series(list(texts), dtype=pl.String)
        read = read_int(cells, Repairs(), whole=whole, words=VALUE_WORDS.get(column)).values
        plain = np.asarray((read.cast(pl.String) == cells).fill_null(False).to_numpy(), np.bool_)
        return plain, np.asarray(read.fill_null(0).to_numpy(), np.int32)

    return judge


def _code_judge(strict: bool, sexed: bool, longest: int) -> Callable[[Sequence[str]], tuple[npt.NDArray[Any], ...]]:
    def judge(texts: Sequence[str]) -> tuple[npt.NDArray[Any], ...]:
        plain = [text != "" and (not strict or repaired_code(text) == text) for text in texts]
        flags = [
            ((sex_of(text) if sexed else 0) | (TOO_LONG if len(text) > longest else 0)) if strict else 0
            for text in texts
        ]
        return np.array(plain, np.bool_), np.array(flags, np.uint8)

    return judge


def _series(cells: pa.Array) -> pl.Series:
    series = pl.from_arrow(cells)
    assert isinstance(series, pl.Series)
    return series


def _masked(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_]) -> pl.Series:
    return _series(pa.array(values, mask=missing) if missing.any() else pa.array(values))


def _slow(column: str, kind: str, cells: pl.Series, odd: Odd) -> pl.Series:
    """The plain readers, which mend nothing in a column that holds no text."""
    repairs = Repairs()
    readers: dict[str, Callable[[], Read]] = {
        "text": lambda: read_text(cells, repairs, VALUE_WORDS.get(column)),
        "int": lambda: read_int(cells, repairs, whole=False, words=VALUE_WORDS.get(column)),
        "whole": lambda: read_int(cells, repairs, whole=True, words=VALUE_WORDS.get(column)),
        "fen": lambda: read_fen(cells, repairs),
        "date": lambda: read_date(cells, repairs),
    }
    read = readers[kind]()
    if +repairs:
        odd[:] = True
    for mark in (read.unreadable, read.too_fine):
        if mark is not None:
            odd |= mark.fill_null(False).to_numpy()
    return read.values


def _decimals(kind: str, cells: pa.Array, odd: Odd) -> pl.Series:
    scale = cells.type.scale
    buffer = cells.buffers()[1]
    if scale < 0 or scale > 18 or buffer is None:
        return _slow("", kind, _series(cells), odd)
    words = np.frombuffer(buffer, np.int64).reshape(-1, 2)[cells.offset : cells.offset + len(cells)]
    missing = np.asarray(cells.is_null().to_numpy(zero_copy_only=False)) if cells.null_count else None
    out = np.empty(len(cells), np.int64)
    bad = np.zeros(len(cells), np.bool_)
    if kind == "fen":
        times, step = 10 ** max(0, 2 - scale), 10 ** max(0, scale - 2)
        limit = min(10 ** (MONEY_DIGITS + scale) - 1, int(_LARGE))
    else:
        times, step, limit = 1, 10**scale, min((2**31 - 1) * 10**scale, int(_LARGE))
    scaled_decimals(words, times, step, limit, kind == "fen", out, bad)
    if missing is not None:
        bad &= ~missing
    odd |= bad
    values = out if kind == "fen" else out.astype(np.int32)
    if kind == "int":
        odd |= values == NULL_I32
    return _masked(values, np.zeros(len(out), np.bool_) if missing is None else missing)


def _parsed(kind: str, cells: pa.Array, odd: Odd) -> pl.Series:
    """Amounts and days written as text, every cell by itself: they hardly repeat."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    data, starts, ends = text_buffers(cells)
    out, bad = np.empty(len(cells), np.int64), np.zeros(len(cells), np.bool_)
    (fen_of_text if kind == "fen" else days_of_text)(data, starts, ends, out, bad)
    missing = np.asarray(cells.is_null().to_numpy(zero_copy_only=False), np.bool_)
    odd |= bad & ~missing
    if kind == "fen":
        return _masked(out, missing)
    return _masked(out.astype(np.int32), missing).cast(pl.Date)


def _listed(vocabulary: Vocabulary, cells: pa.Array) -> tuple[I64, I32]:
    counts = cells.value_lengths()
    lengths = np.asarray((counts.fill_null(0) if counts.null_count else counts).to_numpy(), np.int64)
    offsets = np.zeros(len(cells) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    # flatten() minds slices and null lists; `.values` would count what lies outside them.
    ids = vocabulary.ids(cells.flatten())
    assert offsets[-1] == len(ids), "list lengths and values disagree"
    return offsets, ids


def _joined(vocabulary: Vocabulary, cells: pa.Array, odd: Odd) -> tuple[I64, I32]:
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    data, starts, ends = text_buffers(cells)
    counts = np.empty(len(cells), np.int64)
    # A code and its separator take two bytes at least, save the last one and the empty ones.
    most = (int(ends[-1]) - int(starts[0]) + len(cells)) if len(cells) else 0
    token_starts, token_ends = np.empty(most, np.int64), np.empty(most, np.int64)
    if cells.null_count:
        missing = np.asarray(cells.is_null().to_numpy(zero_copy_only=False))
        ends = np.where(missing, starts, ends)  # whatever bytes lie under a null
    total = split_codes(data, starts, ends, counts, token_starts, token_ends, odd)
    offsets = np.zeros(len(cells) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets, vocabulary.ids_of(data, token_starts[:total], token_ends[:total])
