"""The cells of a batch as arrays 「数组单元格」.

In: a batch of one file and its plan; out: `LeanColumns`, and which rows hold a cell that is not plain. What stands in
a dictionary is read once there and then placed. Forms that are common are read here without a frame between; any other
goes through `engine.execute.cells`, whose judgment of what is plain is the same.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.cases.limits import CODES_MAX
from engine.cases.typed import MONEY_DIGITS
from engine.execute.cells import ID, Coded, Columns, Lists, Odd
from engine.execute.lean import Numbers
from engine.execute.lean_batches import LeanBatch
from engine.execute.lean_later import AnyLists, AnyNumbers, AnyTexts, Later, LaterLists, LaterNumbers, LaterTexts
from engine.execute.lean_row_loops import NOT_PLAIN, code_rows, mark_odd_ids, mark_places, place
from engine.execute.lean_rules import LeanColumns
from engine.execute.page_cells import Cells, Ids, IndexedLists, IndexedNumbers, IndexedTexts, Numbers64
from engine.execute.plain import Plan, Source
from engine.execute.vocabulary import I32, I64, U8, text_buffers

_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SECONDS_A_DAY = 86_400
_DAYS_MAX = 1 << 20
"""Some 2,900 years: days further away are left to the slow path."""
_INT_MAX = 2**31 - 1
_WORDS_KNOWN_MAX, _BYTES_KNOWN_MAX, _DICTIONARIES_MAX = 256, 4096, 1024
"""Dictionaries of so many texts and bytes at most are kept with what was read in them, so many of them."""
_LARGE = 1 << 62


def lean_columns(plan: Plan, batch: LeanBatch, columns: Columns, odd: Odd, asked: Collection[str]) -> LeanColumns:
    """Every column the plan reads; rows that are not plain are marked in `odd`, their values mean nothing. Of a column
    that is not `asked` for nothing but its odd cells may be found."""
    found = LeanColumns(pa.nulls(len(batch.rows), pa.string()))
    for one in plan.sources:
        if one.header is None:
            if one.kind == "codes":
                _no_codes(found, one, columns, odd)
            continue
        cells = batch.cells[one.header]
        if one.kind == "codes":
            found.lists[one.name], found.flags[one.column] = _codes(columns, one.column, cells, odd)
        elif one.column == ID:
            found.ids = _ids(columns, cells.arrow(), odd)
        else:
            values = _values(columns, one, cells, odd, one.name in asked, found.at_most)
            if isinstance(values, Coded | LaterTexts):
                found.texts[one.name] = values
            elif values is not None:
                found.numbers[one.name] = values
    return found


def _no_codes(found: LeanColumns, one: Source, columns: Columns, odd: Odd) -> None:
    """A record without diagnoses is never plain, one without procedures is."""
    if one.column == "diag_codes":
        odd[:] = True
    words = columns.vocabularies[one.column].words
    found.lists[one.name] = Lists(np.zeros(len(found) + 1, np.int64), np.zeros(0, np.int32), words)


def _ids(columns: Columns, cells: pa.Array, odd: Odd) -> pa.Array:
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        values = columns.read(ID, "text", cells, odd)
        assert isinstance(values, pl.Series)
        odd |= values.is_null().to_numpy()
        return values.to_arrow(compat_level=pl.CompatLevel.oldest())
    data, starts, ends = text_buffers(cells)
    mark_odd_ids(data, starts, ends, odd)
    if cells.null_count:
        odd |= np.asarray(cells.is_null().to_numpy(zero_copy_only=False), np.bool_)
    return cells


def _codes(columns: Columns, column: str, cells: Cells, odd: Odd) -> tuple[AnyLists, U8]:
    if not isinstance(cells, IndexedLists):
        return columns.read_codes(column, cells.arrow(), odd)
    vocabulary = columns.vocabularies[column]
    of_words = np.append(vocabulary.ids(cells.words), np.int32(-1))
    words = vocabulary.words
    plain, flags_of = words.known
    assert len(words) == 0 or int(flags_of.max()) < NOT_PLAIN
    # The last entries answer for number −1, which is not plain.
    of_marks = np.where((of_words >= 0) & plain[of_words], flags_of[of_words], np.uint8(NOT_PLAIN))
    some = bool(of_marks[:-1].any()) or not cells.full
    marks = np.empty(len(cells.ids) + 8 if some else 0, np.uint8)
    if some:
        place(cells.ids, of_marks, marks)
    flags = np.empty(len(cells.absent), np.uint8)
    code_rows(cells.offsets, marks, some, CODES_MAX, int(column == "diag_codes"), flags, odd)
    return LaterLists(cells.offsets, Later(cells.ids, of_words), words), flags


def _values(
    columns: Columns, one: Source, cells: Cells, odd: Odd, asked: bool, at_most: dict[str, I32]
) -> AnyNumbers | AnyTexts | None:
    """One column that is neither the id nor a list."""
    if isinstance(cells, Numbers64):
        found = _converted(one.kind, cells.values, cells.kind)
        if found is None:
            return cell_values(columns, one.column, one.kind, cells.arrow(), odd)
        values, bad = found
        if bad is not None:
            odd |= bad if cells.missing is None else bad & ~cells.missing
        # The cells may be asked for again, after rows are taken out of these.
        missing = None if cells.missing is None else cells.missing.copy()
        return Numbers(values.copy() if values is cells.values else values, missing)
    if isinstance(cells, IndexedNumbers):
        found = _converted(one.kind, cells.values, cells.kind)
        if found is None:
            return cell_values(columns, one.column, one.kind, cells.arrow(), odd)
        missing = None
        if not cells.full:
            missing = np.zeros(len(found[0]), np.bool_)
            missing[-1] = True
        return _placed(cells.ids, Numbers(found[0], missing), found[1], odd, asked, cells.full)
    if isinstance(cells, IndexedTexts):
        read, bad, good = _of_dictionary(columns, one, cells.words)
        if isinstance(read, Coded):
            at_most[one.name] = good if cells.full else np.append(good, np.int32(-1))
        return _placed(cells.ids, read, bad, odd, asked, cells.full)
    return cell_values(columns, one.column, one.kind, cells.arrow(), odd)


def _of_dictionary(columns: Columns, one: Source, words: pa.Array) -> tuple[Numbers | Coded, Odd | None, I32]:
    """(what a dictionary says, read as if it were a column, with one entry more for nothing; which entries are not
    plain; the numbers of texts that are). Small ones come again row group by row group."""
    key = None
    if len(words) <= _WORDS_KNOWN_MAX and words.nbytes <= _BYTES_KNOWN_MAX and words.offset == 0:
        key = one.column, one.kind, *(None if part is None else part.to_pybytes() for part in words.buffers())
        known = columns.dictionaries.get(key)
        if known is not None:
            read, bad, good = known
            if isinstance(read, Coded):
                # The latest words know every number given so far.
                read = Coded(read.ids, columns.vocabularies[one.column].words)
            return read, bad, good
    marks = np.zeros(len(words), np.bool_)
    found = cell_values(columns, one.column, one.kind, words, marks)
    good = found.ids[~marks] if isinstance(found, Coded) else np.zeros(0, np.int32)
    answer = _extended(found), np.append(marks, False) if marks.any() else None, good
    if key is not None and len(columns.dictionaries) < _DICTIONARIES_MAX:
        columns.dictionaries[key] = answer
    return answer


def _extended(read: Numbers | Coded) -> Numbers | Coded:
    """What was read in a dictionary, and behind it what stands for nothing."""
    if isinstance(read, Coded):
        return Coded(np.append(read.ids, np.int32(-1)), read.words)
    none = np.zeros(len(read.values), np.bool_) if read.missing is None else read.missing
    return Numbers(np.append(read.values, read.values.dtype.type(0)), np.append(none, True))


def _placed(
    ids: Ids, read: Numbers | Coded, bad: Odd | None, odd: Odd, asked: bool, full: bool = False
) -> LaterNumbers | LaterTexts | None:
    """What was read in a dictionary, to be put where its entries stand. `full`: no row has a place behind it."""
    if bad is None:
        if not asked:
            return None
    else:
        mark_places(ids, bad, odd)
    if isinstance(read, Coded):
        return LaterTexts(Later(ids, read.ids), read.words)
    missing = None if full and read.missing is not None and not read.missing[:-1].any() else read.missing
    return LaterNumbers(Later(ids, read.values), None if missing is None else Later(ids, missing))


def _converted(kind: str, values: I64, form: pa.DataType) -> tuple[npt.NDArray[Any], Odd | None] | None:
    """(whole numbers of a file as this kind, which of them it cannot hold); None where the slow readers know better."""
    decimal = pa.types.is_decimal128(form)
    scale = form.scale if decimal else 0
    if scale < 0 or (kind == "date") != (pa.types.is_date32(form) or pa.types.is_timestamp(form)):
        return None
    if kind == "date":
        if pa.types.is_date32(form):
            return values.astype(np.int32), None
        days = values // (_TICKS[form.unit] * _SECONDS_A_DAY)
        return _within(days, _DAYS_MAX)
    if kind == "fen":
        times, step = 10 ** max(0, 2 - scale), 10 ** max(0, scale - 2)
        limit = min(10 ** (MONEY_DIGITS + scale) - 1, _LARGE)
        fen = values if step == 1 else values // step
        if times > 1:
            fen = fen * times
        bad = (values > limit) | (values < -limit) if _beyond(values, limit) else None
        if step > 1 and (fine := values % step != 0).any():
            bad = fine if bad is None else bad | fine
        return fen, bad
    if kind in ("int", "whole"):
        step = 10**scale
        units = values if step == 1 else values // step
        found, bad = _within(units, _INT_MAX)
        if kind == "whole" and step > 1 and (part := values % step != 0).any():
            bad = part if bad is None else bad | part
        return found, bad
    return None


def _within(found: I64, limit: int) -> tuple[I32, Odd | None]:
    bad = (found > limit) | (found < -limit) if _beyond(found, limit) else None
    return (found if bad is None else np.where(bad, 0, found)).astype(np.int32), bad


def _beyond(values: I64, limit: int) -> bool:
    return bool(len(values)) and (int(values.max()) > limit or int(values.min()) < -limit)


def cell_values(columns: Columns, column: str, kind: str, cells: pa.Array, odd: Odd) -> Numbers | Coded:
    """One Arrow column that is neither the id nor a list."""
    if kind == "date" and (
        pa.types.is_date32(cells.type) or (pa.types.is_timestamp(cells.type) and cells.type.tz is None)
    ):
        found = _days(cells, odd)
        if found is not None:
            return found
    values = columns.read(column, kind, cells, odd)
    return values if isinstance(values, Coded) else _from_series(columns, column, kind, values, odd)


def _days(cells: pa.Array, odd: Odd) -> Numbers | None:
    buffer = cells.buffers()[1]
    if buffer is None:
        return None
    stored = np.int32 if pa.types.is_date32(cells.type) else np.int64
    values = np.frombuffer(buffer, stored)[cells.offset : cells.offset + len(cells)].astype(np.int64)
    missing = np.asarray(cells.is_null().to_numpy(zero_copy_only=False), np.bool_) if cells.null_count else None
    found = _converted("date", values, cells.type)
    assert found is not None
    if found[1] is not None:
        odd |= found[1] if missing is None else found[1] & ~missing
    return Numbers(found[0], missing)


def _from_series(columns: Columns, column: str, kind: str, values: pl.Series, odd: Odd) -> Numbers | Coded:
    if kind == "text":
        vocabulary = columns.vocabularies[column]
        ids = vocabulary.ids(values.to_arrow(compat_level=pl.CompatLevel.oldest()))
        odd |= (ids < 0) & ~values.is_null().to_numpy()  # no room for a further text
        return Coded(ids, vocabulary.words)
    plain = values.to_physical()
    if not plain.null_count():
        return Numbers(plain.to_numpy())
    return Numbers(plain.fill_null(0).to_numpy(), np.asarray(plain.is_null().to_numpy(), np.bool_))
