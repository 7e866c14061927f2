"""Lists of diagnosis and procedure codes as the grouper will see them 「编码列表」.

In: one list column; out: the lists without empty slots (save a blank first one: no principal code), in the strict
profile with every code in the form of the tables, and per row what is odd about its codes. Work is done once per
distinct code and remembered, because a million records use some thirty thousand codes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.cases.one_cell import repaired_code
from engine.cases.repair import Repair, Repairs, code_repairs
from engine.cases.sex import sex_of

TOO_LONG = 4
"""Flag beside sex.MALE (1) and sex.FEMALE (2)."""
_REMEMBERED_MAX = 500_000
_Judged = tuple[str, int, tuple[Repair, ...]]
"""A code in the form of the tables, its flags, and what was mended."""


@dataclass
class CodeMender:
    """Reads the lists of one kind. `strict` repairs codes; without it they stay as they are, letter for letter."""

    max_length: int
    strict: bool
    sexed: bool = False
    """Whether codes say something about sex (diagnoses do)."""
    _known: dict[str, _Judged] = field(default_factory=dict)

    def read(self, lists: pl.Series, repairs: Repairs) -> tuple[pl.Series, pl.Series]:
        """The lists, never null, and a flag byte per row (0 in the compatible profile)."""
        lengths = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
        original = slots = lists.explode(empty_as_null=False, keep_nulls=False)
        assert int(lengths.sum()) == len(slots), "list lengths and values disagree"
        flags = np.zeros(len(lengths), np.uint8)
        if self.strict:
            words = slots.drop_nulls().unique(maintain_order=True)
            index = slots.cast(pl.Enum(words)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
            slots, slot_flags = self._mend(slots, words.to_list(), index, repairs)
            flags = _any_flag(slot_flags, lengths)
        blank = (slots == "").fill_null(True).to_numpy()
        if blank.any():
            slots, lengths = _drop_blanks(slots, lengths, blank, repairs)
        elif slots is original and lists.null_count() == 0:
            return lists, pl.Series(flags)
        return _as_lists(slots, lengths), pl.Series(flags)

    def _mend(
        self, slots: pl.Series, words: list[str], index: npt.NDArray[np.int64], repairs: Repairs
    ) -> tuple[pl.Series, npt.NDArray[np.uint8]]:
        judged = [self._known.get(word) or self._judge(word) for word in words]
        # The last entry answers for null slots, whose index is -1.
        word_flags = np.array([flag for _, flag, _ in judged] + [0], np.uint8)
        changed = [
            place for place, (word, (mended, _, _)) in enumerate(zip(words, judged, strict=True)) if mended != word
        ]
        if not changed:
            return slots, word_flags[index]
        times = np.bincount(index[index >= 0], minlength=len(words))
        for place in changed:
            for kind in judged[place][2]:
                repairs[kind] += int(times[place])
        mended = pl.Series([*(text for text, _, _ in judged), None], dtype=pl.String)
        return mended.gather(pl.Series(np.where(index < 0, len(words), index))), word_flags[index]

    def _judge(self, word: str) -> _Judged:
        mended = repaired_code(word)
        flag = (sex_of(mended) if self.sexed else 0) | (TOO_LONG if len(mended) > self.max_length else 0)
        if len(self._known) >= _REMEMBERED_MAX:
            self._known.clear()
        found = mended, flag, code_repairs(word) if mended != word else ()
        self._known[word] = found
        return found


def _any_flag(slot_flags: npt.NDArray[np.uint8], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The flags of all slots of a row, joined."""
    flags = np.zeros(len(lengths), np.uint8)
    filled = lengths > 0
    starts = (np.cumsum(lengths) - lengths)[filled]
    if len(starts):
        flags[filled] = np.bitwise_or.reduceat(slot_flags, starts)
    return flags


def _drop_blanks(
    slots: pl.Series, lengths: npt.NDArray[np.int64], blank: npt.NDArray[np.bool_], repairs: Repairs
) -> tuple[pl.Series, npt.NDArray[np.int64]]:
    """Without blank slots; a blank first slot stays if a code follows, because it says there is no principal one."""
    row = np.repeat(np.arange(len(lengths)), lengths)
    codes = np.bincount(row[~blank], minlength=len(lengths))
    first = (np.cumsum(lengths) - lengths)[(lengths > 0) & (codes > 0)]
    keep = ~blank
    keep[first] = True
    repairs[Repair.EMPTY_CODE] += int((~keep & (codes[row] > 0)).sum())
    kept = slots.filter(pl.Series(keep)).fill_null("")
    return kept, np.bincount(row[keep], minlength=len(lengths)).astype(np.int64)


def _as_lists(slots: pl.Series, lengths: npt.NDArray[np.int64]) -> pl.Series:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    series = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), slots.to_arrow()))
    assert isinstance(series, pl.Series)
    return series.cast(pl.List(pl.String))
