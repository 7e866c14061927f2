"""Columns put in place late, and cells picked out of dictionaries, against the obvious way."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from engine.execute.lean_later import Later, LaterLists, LaterNumbers, LaterTexts, rows_left
from engine.execute.page_picks import picked_texts
from engine.execute.raw import copies_first
from engine.execute.vocabulary import Vocabulary

ROWS = 700


@pytest.mark.parametrize("kind", [np.uint16, np.int32])
@pytest.mark.parametrize("looked_at", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_rows_left_of_columns_that_come_late(kind: Any, looked_at: bool, share: float) -> None:
    rng = np.random.default_rng(5)
    words = Vocabulary(lambda _: ()).words
    gone = np.flatnonzero(rng.random(ROWS) < share)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 4, ROWS))])
    of = np.array([5, -1, 2**31 - 1, -(2**31)], np.int32)
    places, codes = (rng.integers(0, 4, size).astype(kind) for size in (ROWS, int(offsets[-1])))
    texts, lists = LaterTexts(Later(places, of), words), LaterLists(offsets, Later(codes, of), words)
    numbers = LaterNumbers(Later(places, of.astype(np.int64)), Later(places, of == 5))
    if looked_at:
        assert texts.ids.tolist() == numbers.values.tolist() == of[places].tolist()
        assert numbers.missing is not None and numbers.missing.tolist() == (places == 0).tolist()
    ids = pa.array([f"S{n}" for n in range(ROWS)])
    found = rows_left(ids, {"a": texts}, {"b": numbers}, {"c": lists}, gone)
    assert found.ids.to_pylist() == np.delete(np.array(ids.to_pylist()), gone).tolist()
    kept = np.delete(of[places], gone).tolist()
    assert found.texts["a"].ids.tolist() == found.numbers["b"].values.tolist() == kept
    missing = found.numbers["b"].missing
    assert ([False] * len(kept) if missing is None else missing.tolist()) == [each == 5 for each in kept]
    every = [of[codes[low:high]].tolist() for low, high in pairwise(offsets.tolist())]
    left = found.lists["c"]
    mine = [left.ids[low:high].tolist() for low, high in pairwise(left.offsets.tolist())]
    assert mine == [each for row, each in enumerate(every) if row not in set(gone.tolist())]


def test_texts_picked_from_a_dictionary() -> None:
    rng = np.random.default_rng(6)
    for words in (["", "1", "三级", "x" * 40], [""], []):
        cells = pa.array(words, pa.string())
        for full in (False, True) if words else (False,):
            ids = rng.integers(0, len(words) + (not full), 300).astype(np.uint16)
            expected = [words[at] if at < len(words) else None for at in ids.tolist()]
            found = picked_texts(cells, ids, full)
            found.validate(full=True)
            assert found.to_pylist() == expected
            assert picked_texts(cells, ids[:0], full).to_pylist() == []


def test_copies_come_first_and_keep_their_order() -> None:
    odd, suspect = np.array([1, 0, 1, 1, 1], np.bool_), np.array([0, 0, 1, 0, 1], np.bool_)
    places, count = copies_first(odd, suspect)
    assert places.tolist() == [2, 4, 0, 3] and count == 2
    places, count = copies_first(odd, np.zeros(5, np.bool_))
    assert places.tolist() == [0, 2, 3, 4] and count == 0
