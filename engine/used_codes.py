"""Codes as the rules saw them: after the code map where mapping is on 「实际使用的编码」.

In: a code map and lists of codes by number. Out: the number of what each code became, and arrays of such codes. It
decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.execute.texts import Answers, TextLists, coded_array
from engine.execute.vocabulary import I32, Words


class UsedCodes:
    """Mapped codes, numbered as they turn up; number 0 is the blank code."""

    blank = 0

    def __init__(self, code_map: Mapping[str, str]) -> None:
        self.texts: list[str] = [""]
        self._map = code_map
        self._number = {"": 0}
        self._lock = Lock()
        self._answers = Answers(self._ask, -1)
        self._rank: I32 = np.zeros(1, np.int32)

    def of(self, words: Words) -> npt.NDArray[np.int32]:
        """Number of what every text of a vocabulary became; −1 for null."""
        found: I32 = self._answers.of(words)
        return found

    def rank(self) -> I32:
        """Place of every code in ascending order."""
        with self._lock:
            texts = list(self.texts)
            if len(texts) != len(self._rank):
                rank = np.empty(len(texts), np.int32)
                rank[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts), dtype=np.int32)
                self._rank = rank
            return self._rank

    def code_at(self, codes: TextLists, place: npt.NDArray[np.integer[Any]]) -> pa.Array:
        """The code at `place` of every case; null where the case has none there, or a blank one."""
        shown = TextLists(codes.offsets, self.of(codes.words)[codes.ids], codes.words)
        return self.array(shown.at(place, self.blank))

    def array(self, numbers: I32) -> pa.Array:
        """dictionary<int32, string> of codes by number."""
        return coded_array(numbers, self.texts)

    def _ask(self, text: str) -> int:
        used = self._map.get(text, text) if text else text
        with self._lock:
            number = self._number.setdefault(used, len(self.texts))
            if number == len(self.texts):
                self.texts.append(used)
            return number
