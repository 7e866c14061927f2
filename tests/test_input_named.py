"""Names of marks, and the look that finds columns of text with nothing to mend, say what the slow ways say."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engine.cases.named import names_of
from engine.cases.repair import Repairs, clean_text, drop_decimal_ending, tidy_texts


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 200])
def test_marks_are_told_by_their_names(rows: int, once: bool) -> None:
    drawn, names = np.random.default_rng(rows), ["甲", "b", "甲", "d e"]
    marks = pl.DataFrame({str(number): drawn.random(rows) < 0.4 for number in range(4)})
    found = names_of(marks, names, "、", once).to_list()
    for row, text in zip(marks.rows(), found, strict=True):
        said = [name for name, mark in zip(names, row, strict=True) if mark]
        assert text == "、".join(dict.fromkeys(said) if once else said)


PLAIN = ["310", "A00.0", "a b", "~", "!", "nulls", "Null", "NULLS", "\\n", "1.00", ".00", "x" * 40]
ODD = [" 310", "310 ", "310.0", "3１0", "", "NULL", "null", "\\N", "310\t", "a\u00a0", "\u3000", "男", "a\n", "é"]


def test_a_column_is_tidy_only_where_no_cell_would_be_mended() -> None:
    drawn = np.random.default_rng(4)
    tidy = 0
    for _ in range(300):
        given = [*drawn.choice(PLAIN, 5).tolist(), None, *drawn.choice(ODD, drawn.integers(0, 2)).tolist()]
        frame = pl.DataFrame({"a": pl.Series(given, dtype=pl.String), "n": range(len(given))})
        if "a" in tidy_texts(frame):
            tidy, repairs = tidy + 1, Repairs()
            assert drop_decimal_ending(clean_text(frame["a"], repairs), repairs).to_list() == given
            assert not repairs
    assert tidy > 40
    for each in ODD[:-3]:
        assert tidy_texts(pl.DataFrame({"a": ["x", each]})) == frozenset()
    assert tidy_texts(pl.DataFrame({"n": [1]})) == tidy_texts(pl.DataFrame({"a": []})) == frozenset()
