"""What a cell says: text, number, amount, date 「数据类型转换」.

In: one column of a piece, of whatever type its file has; out: the value inside the engine (text, Int32, fen as Int64,
date), null where nothing was sent, and which cells could not be read. An amount never passes through a float. A cell
that cannot be read is never guessed at: the row is rejected by the rule for its column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from engine.cases.one_cell import one_date, one_int
from engine.cases.repair import Repair, Repairs, clean_text, drop_decimal_ending
from grouper.tables import NULL_I32

MONEY_DIGITS = 14
"""Digits of yuan before the point: decimal(16,2)."""
_PLAIN_MONEY = rf"^[+-]?(\d{{1,{MONEY_DIGITS}}}(\.\d{{0,2}}0*)?|\.\d{{1,2}}0*)$"
_FINE_MONEY = r"^[+-]?\d*\.\d{3,}$"
_GROUPED_MONEY = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
_YEARS = range(1900, 2101)


@dataclass(frozen=True)
class Read:
    """A column understood. `unreadable` marks cells that hold something that is no such value; `too_fine` marks
    amounts with more than two decimals. None = no such cell."""

    values: pl.Series
    unreadable: pl.Series | None = None
    too_fine: pl.Series | None = None


def _mark(flags: pl.Series) -> pl.Series | None:
    return flags if flags.any() else None


def read_text(values: pl.Series, repairs: Repairs, words: Mapping[str, str] | None = None, tidy: bool = False) -> Read:
    """Text and codes; a whole number is its digits, `310.0` is 310, and `words` turns a word into its code. `tidy`: see
    `repair.tidy_texts`."""
    if values.dtype.is_float() or values.dtype.is_decimal():
        whole = values.cast(pl.Int64, strict=False)
        odd = values.is_not_null() & values.is_not_nan() if values.dtype.is_float() else values.is_not_null()
        odd = odd & (whole.is_null() | (whole.cast(values.dtype, strict=False) != values).fill_null(True))
        return Read(whole.cast(pl.String).set(odd, None) if odd.any() else whole.cast(pl.String), _mark(odd))
    text = values if tidy else drop_decimal_ending(clean_text(values.cast(pl.String), repairs), repairs)
    if words:
        known = text.is_in(list(words))
        if known.any():
            repairs[Repair.WORD] += int(known.sum() or 0)
            text = text.replace(words)
    return Read(text)


def read_int(values: pl.Series, repairs: Repairs, whole: bool, words: Mapping[str, str] | None = None) -> Read:
    """A number as Int32. With `whole` a fraction is unreadable; without, it is cut to completed units (45.9 years: 45).

    Text may also be a duration `天/时/分` (several joined by `+`), read as completed hours.
    """
    if isinstance(values.dtype, (pl.String, pl.Categorical, pl.Enum)):
        return _int_from_text(values.cast(pl.String), repairs, whole, words)
    if values.dtype.is_float():
        values = values.fill_nan(None)
        numbers = values.floor().cast(pl.Int32, strict=False)
        fraction = values != values.floor()
    elif values.dtype.is_decimal():
        numbers = values.floor().cast(pl.Int32, strict=False)
        fraction = values != values.floor()
    else:
        numbers = values.cast(pl.Int32, strict=False)
        fraction = pl.repeat(False, len(values), eager=True)
    # The lowest Int32 means "null" in the grouper's arrays, so no cell may hold it.
    numbers = numbers.set(numbers == NULL_I32, None)
    unreadable = values.is_not_null() & numbers.is_null()
    if whole and fraction.any():
        unreadable = unreadable | fraction.fill_null(False)
        numbers = numbers.set(unreadable, None)
    return Read(numbers, _mark(unreadable))


def _int_from_text(text: pl.Series, repairs: Repairs, whole: bool, words: Mapping[str, str] | None) -> Read:
    text = clean_text(text, repairs)
    numbers = text.cast(pl.Int32, strict=False)
    numbers = numbers.set(numbers == NULL_I32, None)
    left = text.is_not_null() & numbers.is_null()
    if not left.any():
        return Read(numbers)
    odd = text.filter(left)
    meant: dict[str, int | None] = {}
    for cell, times in odd.value_counts().iter_rows():
        meant[cell] = one_int(cell, whole, words or {})
        if words and cell in words:
            repairs[Repair.WORD] += times
        elif meant[cell] is not None and cell.rstrip("0").endswith("."):
            repairs[Repair.DECIMAL_ENDING] += times
    found = odd.replace_strict(list(meant), list(meant.values()), return_dtype=pl.Int32)
    numbers = numbers.scatter(left.arg_true(), found)
    return Read(numbers, _mark(text.is_not_null() & numbers.is_null()))


def read_fen(values: pl.Series, repairs: Repairs) -> Read:
    """An amount of yuan as fen, exactly: decimals of any scale, whole yuan, or text such as `1,234.50` and `¥300`.

    A comma must group thousands, else `12,50` could pay a hundredfold. Decimals beyond the second must be zeros.
    """
    if values.dtype.is_decimal():
        return _fen_from_decimal(values)
    if values.dtype.is_integer():
        limit = 10**MONEY_DIGITS
        yuan = values.cast(pl.Int64, strict=False)
        large = values.is_not_null() & ~yuan.is_between(-limit, limit, closed="none").fill_null(False)
        return Read(yuan.set(large, None) * 100, _mark(large))
    if values.dtype == pl.Null:
        return Read(values.cast(pl.Int64))
    assert not values.dtype.is_float(), "a float amount was let in; the reader refuses such columns"
    text = clean_text(values.cast(pl.String), repairs)
    plain = text.str.contains(_PLAIN_MONEY)
    if not plain.all():
        signed = text.is_not_null() & ~plain
        bare = text.filter(signed).str.replace_all(r"[¥￥元\s]", "")
        grouped = bare.str.contains(_GROUPED_MONEY)
        bare = pl.select(pl.when(grouped).then(bare.str.replace_all(",", "", literal=True)).otherwise(bare)).to_series()
        repairs[Repair.MONEY_SIGN] += int((bare != text.filter(signed)).sum())
        text = text.scatter(signed.arg_true(), bare)
        plain = text.str.contains(_PLAIN_MONEY)
    odd = text.is_not_null() & ~plain
    too_fine = odd & text.str.contains(_FINE_MONEY)
    if odd.any():
        text = text.set(odd, None)
    # Beyond the second decimal there are only zeros now, so the cast to two decimals changes nothing.
    fen = text.cast(pl.Decimal(18, 2), strict=True).to_physical().cast(pl.Int64)
    return Read(fen, _mark(odd & ~too_fine), _mark(too_fine))


def _fen_from_decimal(values: pl.Series) -> Read:
    assert isinstance(values.dtype, pl.Decimal)
    scale = values.dtype.scale
    units = pl.lit(values.to_physical())
    if scale <= 2:
        fen, fine = units * pl.lit(10 ** (2 - scale), pl.Int128), pl.lit(False)
    else:
        step = pl.lit(10 ** (scale - 2), pl.Int128)
        fen, fine = units // step, units % step != 0
    limit = pl.lit(10 ** (MONEY_DIGITS + 2), pl.Int128)
    large = (fen >= limit) | (fen <= -limit)
    frame = pl.select(fen=fen, fine=(fine & units.is_not_null()), large=large.fill_null(False))
    bad = frame["fine"] | frame["large"]
    amounts = pl.select(pl.when(~bad).then(frame["fen"])).to_series().cast(pl.Int64)
    return Read(amounts, _mark(frame["large"]), _mark(frame["fine"]))


def read_date(values: pl.Series, repairs: Repairs) -> Read:
    """A day. Times of day are dropped, times with a zone are read in China; text as 2024-03-01, 20240301, 2024/3/1,
    2024年3月1日, with or without a time of day, or a spreadsheet's day number."""
    if values.dtype == pl.Date:
        return Read(values)
    if isinstance(values.dtype, pl.Datetime):
        local = values.dt.convert_time_zone("Asia/Shanghai") if values.dtype.time_zone else values
        return Read(local.dt.date())
    text = clean_text(values.cast(pl.String), repairs)
    days = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    tail = text.str.slice(10)
    if (tail != "").any():
        days = days.set(~tail.str.contains(r"^([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?$").fill_null(True), None)
    left = text.is_not_null() & days.is_null()
    if left.any():
        odd = text.filter(left)
        day_part = odd.str.extract(r"^(\S+?)(?:[ T]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$")
        meant = {cell: one_date(cell) for cell in day_part.drop_nulls().unique()}
        found = day_part.replace_strict(list(meant), list(meant.values()), default=None, return_dtype=pl.Date)
        serial = day_part.str.contains(r"^\d{5}(\.\d+)?$") & found.is_not_null()
        repairs[Repair.DATE_SERIAL] += int(serial.sum() or 0)
        days = days.scatter(left.arg_true(), found)
    far = ~days.dt.year().is_between(_YEARS.start, _YEARS.stop - 1)
    if far.any():
        days = days.set(far.fill_null(False), None)
    return Read(days, _mark(text.is_not_null() & days.is_null()))
