"""Which of several marks a row has, in words 「标记列名」.

In: columns of yes and no, a name for each; out: per row the names of its marks as one text. A text is made once for all
rows with the same marks.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def names_of(marks: pl.DataFrame, names: Sequence[str], between: str, once: bool = False) -> pl.Series:
    """The names of every row's marks in the order of the columns; with `once` none is said twice. There is a column,
    and no mark is null."""
    assert len(names) == marks.width > 0, "a name for every mark"
    pattern = marks.select(pl.concat_str(pl.all().cast(pl.Int8).cast(pl.String))).to_series()
    texts = dict[str, str]()
    for each in pattern.unique():
        said = [name for name, mark in zip(names, each, strict=True) if mark == "1"]
        texts[each] = between.join(dict.fromkeys(said) if once else said)
    return pattern.replace_strict(list(texts), list(texts.values()), return_dtype=pl.String)
