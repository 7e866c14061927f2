"""Accepted cases as the integers one edition's kernel reads 「编码」.

In: the accepted frame and a compiled edition with its tables; out: `grouper.batch.CaseBatch`, row for row, slot for
slot, so that marks per diagnosis lead back to the frame's lists. Codes are looked up verbatim, once per distinct code:
one that the edition does not know, or that no code map names, becomes a marked id and is never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from engine.execute.texts import Answers, TextLists, TextReader
from grouper.batch import EMPTY, I32, I64, NO_TEXT, UNKNOWN, UNMAPPED, CaseBatch
from grouper.compile import CompiledDrg
from grouper.tables import NULL_I32, DrgTables


@dataclass(frozen=True)
class Encoder:
    """Encodes the pieces of a run for one edition. `mapped` None = the edition's own option decides on code mapping."""

    compiled: CompiledDrg
    tables: DrgTables
    mapped: bool | None = None
    dx: TextReader = field(default_factory=TextReader, repr=False)
    op: TextReader = field(default_factory=TextReader, repr=False)
    _dx: Answers = field(init=False, repr=False)
    _op: Answers = field(init=False, repr=False)
    _texts: Mapping[str, tuple[TextReader, Answers]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = tuple(number.name for number in self.tables.numeric)
        assert names == self.compiled.numeric_names, "these tables were compiled into another edition"
        missing = UNMAPPED if self.mapping else UNKNOWN
        dx, op = self.compiled.lookup_dx(self.mapping), self.compiled.lookup_op(self.mapping)
        object.__setattr__(self, "_dx", Answers(lambda code: dx.get(code, missing), EMPTY))
        object.__setattr__(self, "_op", Answers(lambda code: op.get(code, missing), EMPTY))
        vocabularies = self.compiled.text_vocab
        texts = {name: (TextReader(), _answers(vocabularies[name])) for name in self.tables.text_fields}
        object.__setattr__(self, "_texts", texts)

    @property
    def mapping(self) -> bool:
        """Whether codes go through the edition's code map."""
        return self.compiled.options.code_mapping if self.mapped is None else self.mapped

    def encode(self, frame: pl.DataFrame) -> CaseBatch:
        """One piece of accepted cases. Raises ValueError if a field that must not be null is missing."""
        return self.encode_codes(frame, self.dx.lists(frame["diag_codes"]), self.op.lists(frame["oprn_codes"]))

    def encode_codes(self, frame: pl.DataFrame, dx: TextLists, op: TextLists) -> CaseBatch:
        """The same, with the frame's codes read by `dx` and `op` already."""
        numeric = np.full((len(self.tables.numeric), len(frame)), NULL_I32, np.int32)
        for place, number in enumerate(self.tables.numeric):
            numeric[place] = _numbers(frame, number.source, number.name, number.null_allowed)
        text = np.full((len(self.tables.text_fields), len(frame)), NO_TEXT, np.int32)
        for place, (name, column) in enumerate(self.tables.text_fields.items()):
            text[place] = self._text_ids(frame, column, name)
        return CaseBatch(dx.offsets, self._dx.take(dx), op.offsets, self._op.take(op), numeric, text, self.mapping)

    def _text_ids(self, frame: pl.DataFrame, column: str, name: str) -> I32:
        if column not in frame.columns:
            raise ValueError(f"the rules read {name} from {column!r}; accepted cases have {', '.join(frame.columns)}")
        reader, answers = self._texts[name]
        found: I32 = answers.take(reader.texts(frame[column]))
        return found


def _answers(vocabulary: Mapping[str, int]) -> Answers:
    return Answers(lambda text: vocabulary.get(text, NO_TEXT), NO_TEXT)


def code_ids(lists: pa.Array | pa.ChunkedArray, lookup: Mapping[str, int], missing: int) -> tuple[I64, I32]:
    """A list column as offsets from 0 and ids. A null list is empty, a null slot is the blank code; `missing` is the
    id of a code that is not in `lookup`. Any list of strings will do: sliced, large, or already a dictionary."""
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.combine_chunks()
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False), np.int64)
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    # flatten() minds slices and null lists; `.values` would count what lies outside them.
    ids = _ids(lists.flatten(), lookup, missing, blank=EMPTY)
    assert offsets[-1] == len(ids), "list lengths and values disagree"
    return offsets, ids


def _ids(values: pa.Array, lookup: Mapping[str, int], missing: int, blank: int) -> I32:
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    # One entry more for null slots, whose index is null.
    ids = np.array([blank if word is None else lookup.get(word, missing) for word in words] + [blank], np.int32)
    found: I32 = ids[np.asarray(pc.fill_null(encoded.indices, len(words)).to_numpy(zero_copy_only=False))]
    return found


def _numbers(frame: pl.DataFrame, column: str, name: str, null_allowed: bool) -> I32:
    if column not in frame.columns:
        if null_allowed:
            return np.full(len(frame), NULL_I32, np.int32)
        raise ValueError(f"the rules need {name}, read from column {column!r}, which no case file has. Add it.")
    values = frame[column]
    if not null_allowed and values.null_count():
        raise ValueError(f"{values.null_count()} cases have no {column}, which the rules need; validate them first")
    return np.asarray(values.cast(pl.Int32).fill_null(NULL_I32).to_numpy(), np.int32)
