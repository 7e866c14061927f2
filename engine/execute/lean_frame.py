"""An accepted frame as bare arrays 「数组化」, for what reads `LeanRows` and has frames.

In: accepted frames of a run, one after the other, from any thread; out: `LeanRows`, row for row. Texts are numbered by
one vocabulary a column for the whole run, so that what is asked of a text is asked once. A null list is empty. Where a
row stood in its file is left behind.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from engine.cases.columns import TYPED
from engine.cases.convert import EMPTY_DTYPES
from engine.execute.cells import ID, Coded, Lists
from engine.execute.lean import LeanRows, Numbers
from engine.execute.texts import TextReader

_PLACE = ("file", "row")
_DAYS = frozenset(typed.name for typed in TYPED if typed.kind == "date")


@dataclass
class LeanFrames:
    """Turns the frames of one run into arrays."""

    _readers: dict[str, TextReader] = field(default_factory=dict, repr=False)

    def rows(self, frame: pl.DataFrame, columns: Collection[str] | None = None) -> LeanRows:
        """The frame's rows, with these columns of it or with all. A column the frame does not have is not there."""
        texts, numbers, lists = dict[str, Coded](), dict[str, Numbers](), dict[str, Lists]()
        for values in frame.iter_columns():
            name = values.name
            if name == ID or name in _PLACE or (columns is not None and name not in columns):
                continue
            if values.dtype == pl.String:
                read = self._reader(name).texts(values)
                texts[name] = Coded(read.ids, read.words)
            elif isinstance(values.dtype, pl.List):
                codes = self._reader(name).lists(values)
                lists[name] = Lists(codes.offsets, codes.ids, codes.words)
            else:
                numbers[name] = _numbers(values)
        return LeanRows(frame[ID].to_arrow(), texts, numbers, lists)

    def _reader(self, name: str) -> TextReader:
        # One step, as threads may ask for the same column at once.
        return self._readers.setdefault(name, TextReader())


def lean_rows(frame: pl.DataFrame, columns: Collection[str] | None = None) -> LeanRows:
    """One frame alone as arrays. Where more follow, `LeanFrames` keeps the vocabularies."""
    return LeanFrames().rows(frame, columns)


def _numbers(values: pl.Series) -> Numbers:
    plain = values.to_physical() if values.dtype == pl.Date else values
    if plain.dtype not in (pl.Int32, pl.Int64):
        raise TypeError(
            f"{values.name} is {values.dtype}; accepted rows hold text, lists of text, int32, int64 and days"
        )
    if not plain.null_count():
        return Numbers(plain.to_numpy())
    return Numbers(plain.fill_null(0).to_numpy(), np.asarray(plain.is_null().to_numpy(), np.bool_))


def frame_of(rows: LeanRows, columns: Collection[str]) -> pl.DataFrame:
    """These columns of the rows as a frame again; one that the rows do not have is null in every row."""
    return pl.DataFrame([_series(rows, name).alias(name) for name in sorted(columns)])


def whole_frame(rows: LeanRows) -> pl.DataFrame:
    """Every typed column as a frame again, `setl_id` among them."""
    frame = frame_of(rows, {*(typed.name for typed in TYPED), *rows.texts, *rows.numbers, *rows.lists} - {ID})
    return frame.with_columns(pl.Series(ID, pl.from_arrow(rows.ids)))


def _series(rows: LeanRows, name: str) -> pl.Series:
    if name in rows.texts:
        return rows.texts[name].series()
    if name in rows.lists:
        return rows.lists[name].series()
    if name not in rows.numbers:
        kind = next((typed.kind for typed in TYPED if typed.name == name), "int")
        return pl.repeat(None, len(rows), dtype=EMPTY_DTYPES[kind], eager=True)
    found = rows.numbers[name]
    values = pl.Series(found.values)
    if found.missing is not None:
        values = pl.select(pl.when(pl.Series(~found.missing)).then(values)).to_series()
    return values.cast(pl.Date) if name in _DAYS else values
