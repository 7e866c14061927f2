"""Rows that go the general way, as their file has them, until their turn comes 「待处理行」.

In: picked rows of batches; out: the raw frames of `CaseReader.iter_batches` with those rows. Picking keeps Arrow tables
of the file's own columns, which costs little a batch; what `gather` does to them is done once for many batches.
`Waiting` keeps any such rows, `Copies` those whose id may repeat, group by group where they are many.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.cases.aliases import HeaderMap
from engine.cases.gather import gather
from engine.cases.read import MISSHAPEN, CaseReader
from engine.cases.repair import Repairs
from engine.cases.typed import read_text
from engine.execute.batches import RowBatch
from engine.execute.cells import ID
from engine.execute.pile import Heap, Pile

IN_MEMORY_MAX = 20_000
"""Rows of one kind that wait in memory; more wait on disk."""
_GROUPS = 16
_SHARED_MAX = 10_000
_PLACE = 3
"""Columns behind those of the file: number of the file, number of the row, whether it could not be split into cells."""
Marks = npt.NDArray[np.bool_]
Frames = Callable[[], list[pl.DataFrame]]
"""Raw frames, made when they are asked for, by any thread."""


@dataclass(frozen=True)
class RawRows:
    """Rows of one file. Files of one `form` have equal headers."""

    form: int
    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def where(self, keep: Marks) -> RawRows:
        """Some of them."""
        return RawRows(self.form, self.table.filter(pa.array(keep)))


class RawForms:
    """Makes raw rows of the files of one reader, and frames of them again."""

    def __init__(self, reader: CaseReader) -> None:
        self._reader = reader
        self._names = pl.Series("file", reader.files, pl.String)
        first: dict[str, int] = {}
        self._plain: pa.Schema | None = None  # as the last rows had it
        self._forms = [first.setdefault(repr(header), file) for file, header in enumerate(reader.headers)]

    def rows(self, file: int, batch: RowBatch) -> RawRows:
        """All rows of a batch of picked ones; those that are not in its table are rows of nulls."""
        table, lost = batch.table, batch.misshapen
        if self._plain is None or not table.schema.equals(self._plain, check_metadata=True):
            kinds = [_plain_type(field.type) for field in table.schema]
            plain = pa.schema(list(zip(table.column_names, kinds, strict=True)))
            if table.schema != plain or table.schema.metadata:
                table = table.cast(plain)
            self._plain = plain
        count = len(batch.rows) + len(lost)
        columns, rows = table.columns, batch.rows
        if lost:
            columns = [pa.chunked_array([*column.chunks, pa.nulls(len(lost), column.type)]) for column in columns]
            rows = np.append(rows, np.asarray(lost, np.int64))
        place = [np.full(count, file, np.int32), rows, np.arange(count) >= len(batch.rows)]
        names = [*table.column_names, *("" for _ in place)]
        return RawRows(self._forms[file], pa.Table.from_arrays([*columns, *map(pa.array, place)], names))

    def divided(self, file: int, batch: RowBatch, suspect: int) -> tuple[RawRows, RawRows]:
        """The same, those whose id stands in no other row, and those whose id may: so many, which come first."""
        found = self.rows(file, batch)
        waiting, held = found.table.slice(suspect), found.table.slice(0, suspect)
        if len(found) > _SHARED_MAX:
            held = held.take(pa.array(np.arange(suspect)))  # it would keep the memory of all
        return RawRows(found.form, waiting), RawRows(found.form, held)

    def frame(self, rows: RawRows) -> pl.DataFrame:
        """As `iter_batches` gives them; rows that could not be split come last."""
        lost = self._place(rows, 2).to_numpy()
        if not lost.any():
            return self._placed(rows, gather(self._cells(rows), self._header(rows), self._reader.demand.wanted))
        bare = pl.DataFrame({"row": self._place(rows, 1)})
        whole, broken = rows.where(~lost), self._placed(rows, bare).filter(pl.Series(lost))
        return pl.concat([self.frame(whole), broken] if len(whole) else [broken], how="diagonal")

    def ids(self, rows: RawRows) -> pl.Series:
        """Ids as they will be inside."""
        return read_text(gather(self._cells(rows), self._header(rows), (ID,))[ID], Repairs()).values

    def _header(self, rows: RawRows) -> HeaderMap:
        return self._reader.headers[rows.form]

    def _cells(self, rows: RawRows) -> pl.DataFrame:
        places = list(range(rows.table.num_columns - _PLACE))
        frame = pl.from_arrow(rows.table.select(places))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def _placed(self, rows: RawRows, frame: pl.DataFrame) -> pl.DataFrame:
        files = self._names.gather(self._place(rows, 0))
        return frame.with_columns(files, self._place(rows, 1).alias("row"), self._place(rows, 2).alias(MISSHAPEN))

    def _place(self, rows: RawRows, number: int) -> pl.Series:
        column = pl.from_arrow(rows.table.column(rows.table.num_columns - _PLACE + number))
        assert isinstance(column, pl.Series)
        return column


def copies_first(odd: Marks, suspect: Marks) -> tuple[npt.NDArray[np.int64], int]:
    """The places of the odd rows, in their order but those of a suspected id before the others; how many these are."""
    places = np.flatnonzero(odd)
    again = suspect[places]
    count = int(np.count_nonzero(again))
    return np.concatenate([places[again], places[~again]]) if count else places, count


class Waiting:
    """Raw rows that are worth a turn only together."""

    def __init__(self, forms: RawForms, limit: int | None = None) -> None:
        self._forms = forms
        self._pile = Pile(IN_MEMORY_MAX if limit is None else limit)

    def __len__(self) -> int:
        return len(self._pile)

    def add(self, rows: RawRows) -> None:
        """Lets rows wait."""
        if len(rows):
            self._pile.add((rows.form, rows.table.schema), rows.table)

    def turn(self) -> Frames:
        """All that waited, which then waits no longer: a frame for each set of columns."""
        return _turn(self._forms, self._pile)

    def taken(self) -> list[pl.DataFrame]:
        """The same at once."""
        return self.turn()()


class Copies:
    """Raw rows whose id may stand elsewhere too. Many are kept in groups: rows of one id, as it will be inside, are in
    one."""

    def __init__(self, forms: RawForms, limit: int | None = None) -> None:
        self._forms, self._limit = forms, IN_MEMORY_MAX if limit is None else limit
        self._together = Pile(sys.maxsize)
        self._groups: list[Pile] = []

    def __len__(self) -> int:
        return len(self._together) + sum(map(len, self._groups))

    def add(self, rows: RawRows) -> None:
        """Lets rows wait."""
        if len(rows):
            self._together.add((rows.form, rows.table.schema), rows.table)
            if len(self._together) > self._limit:
                self._divide()

    def groups(self) -> Iterator[Frames]:
        """What waited, group by group; it then waits no longer."""
        if self._groups:
            self._divide()
        for pile in self._groups or [self._together]:
            if len(pile):
                yield _turn(self._forms, pile)

    def _divide(self) -> None:
        """What is together goes to its groups, which lie on disk."""
        self._groups = self._groups or [Pile(0) for _ in range(_GROUPS)]
        for key, heap in self._together.taken().items():
            form, _ = cast("_Key", key)
            rows = RawRows(form, heap.table())
            group = (self._forms.ids(rows).hash(seed=0) % _GROUPS).fill_null(0).to_numpy()
            for number in np.unique(group).tolist():
                self._groups[number].add(key, rows.where(group == number).table)


_Key = tuple[int, pa.Schema]


def _turn(forms: RawForms, pile: Pile) -> Frames:
    return partial(_frames, forms, {cast("_Key", key): heap for key, heap in pile.taken().items()})


def _frames(forms: RawForms, heaps: dict[_Key, Heap]) -> list[pl.DataFrame]:
    """Frames of equal columns are one."""
    found: dict[tuple[tuple[str, str], ...], list[pl.DataFrame]] = {}
    for (form, _), heap in heaps.items():
        frame = forms.frame(RawRows(form, heap.table()))
        found.setdefault(tuple((name, str(kind)) for name, kind in frame.schema.items()), []).append(frame)
    return [pl.concat(frames) for frames in found.values()]


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Dictionaries as what they hold; the slow path then sees the types the file has."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_list(kind) and pa.types.is_dictionary(kind.value_type):
        return pa.list_(_plain_field(kind.value_field))
    if pa.types.is_large_list(kind) and pa.types.is_dictionary(kind.value_type):
        return pa.large_list(_plain_field(kind.value_field))
    return kind


def _plain_field(field: pa.Field) -> pa.Field:
    """A list's element without its dictionary."""
    return field.with_type(field.type.value_type)
