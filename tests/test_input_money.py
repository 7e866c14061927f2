"""Money keeps every fen on its way in and out."""

from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cases.repair import Repairs
from engine.cases.typed import read_fen
from engine.money import (
    coefficients_e6_from_decimal,
    decimal_array,
    decimal_from_coefficient_e6,
    decimal_from_fen,
    decimal_from_points_e4,
    fen_from_decimal,
    fen_from_text,
    points_e4_from_decimal,
    text_from_fen,
)

FEN_MAX = 10**16 - 1
fens = st.integers(-FEN_MAX, FEN_MAX)


@given(fens)
def test_fen_survive_the_way_to_text_and_back(fen: int) -> None:
    assert fen_from_text(text_from_fen(fen)) == fen
    assert Decimal(text_from_fen(fen)) * 100 == fen


@given(st.lists(st.one_of(st.none(), fens)))
def test_fen_survive_the_way_to_decimal_and_back(cells: list[int | None]) -> None:
    fen = np.array([cell or 0 for cell in cells], np.int64)
    valid = np.array([cell is not None for cell in cells], np.bool_)
    stored = decimal_from_fen(fen, valid)
    assert stored.type == pa.decimal128(16, 2)
    assert stored.to_pylist() == [None if cell is None else Decimal(cell).scaleb(-2) for cell in cells]
    again, present = fen_from_decimal(stored)
    assert again.tolist() == fen.tolist()
    assert present.tolist() == valid.tolist()


@given(st.lists(fens, min_size=1), st.data())
def test_a_slice_of_a_decimal_column_reads_its_own_cells(cells: list[int], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(cells) - 1))
    stored = decimal_from_fen(np.array(cells, np.int64))
    assert fen_from_decimal(stored.slice(start))[0].tolist() == cells[start:]
    assert fen_from_decimal(pa.chunked_array([stored.slice(start), stored]))[0].tolist() == cells[start:] + cells


@given(st.lists(st.integers(-(10**14) + 1, 10**14 - 1)), st.lists(st.integers(-(10**12) + 1, 10**12 - 1)))
def test_points_and_coefficients_survive_the_way_to_decimal(points_e4: list[int], coefficients_e6: list[int]) -> None:
    stored = decimal_from_points_e4(np.array(points_e4, np.int64))
    assert stored.type == pa.decimal128(18, 8)
    assert stored.to_pylist() == [Decimal(cell).scaleb(-4) for cell in points_e4]
    assert points_e4_from_decimal(stored)[0].tolist() == points_e4
    factors = decimal_from_coefficient_e6(np.array(coefficients_e6, np.int64))
    assert factors.type == pa.decimal128(12, 6)
    assert factors.to_pylist() == [Decimal(cell).scaleb(-6) for cell in coefficients_e6]
    assert coefficients_e6_from_decimal(factors)[0].tolist() == coefficients_e6


@pytest.mark.parametrize("fen", [10**16, -(10**16), 2**63 - 1, -(2**63)])
def test_an_amount_that_does_not_fit_the_column_is_an_error(fen: int) -> None:
    with pytest.raises(OverflowError, match="index 1"):
        decimal_from_fen(np.array([0, fen], np.int64))


def test_points_are_bounded_before_they_are_multiplied() -> None:
    # 2**60 × 10⁴ wraps to a harmless-looking number in 64 bits.
    with pytest.raises(OverflowError):
        decimal_from_points_e4(np.array([2**60], np.int64))


def test_a_value_under_a_null_is_not_looked_at() -> None:
    assert decimal_from_fen(np.array([2**62], np.int64), np.array([False])).to_pylist() == [None]


def test_precision_beyond_an_int64_is_refused() -> None:
    with pytest.raises(ValueError, match="precision 19"):
        decimal_array(np.array([1], np.int64), 19, 2)


def test_reading_a_decimal_refuses_a_third_decimal_and_a_float() -> None:
    with pytest.raises(ValueError, match="more than 2 decimals"):
        fen_from_decimal(pa.array([Decimal("1.005")]))
    assert fen_from_decimal(pa.array([Decimal("1.0500")]))[0].tolist() == [105]
    with pytest.raises(ValueError, match="no exact decimal"):
        fen_from_decimal(pa.array([1.05]))
    with pytest.raises(OverflowError):
        fen_from_decimal(pa.array([Decimal(10) ** 20], pa.decimal128(38, 0)))


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1234.5", 123450),
        ("1,234.50", 123450),
        ("12,345,678.90", 1234567890),
        ("¥300", 30000),
        ("￥1,000.00", 100000),
        ("300元", 30000),
        (" -3.10 ", -310),
        ("0.070000", 7),
        ("99999999999999.99", FEN_MAX),
    ],
)
def test_amounts_as_people_write_them(text: str, fen: int) -> None:
    assert fen_from_text(text) == fen
    assert read_fen(pl.Series([text]), Repairs()).values.to_list() == [fen]


@pytest.mark.parametrize("text", ["12,50", "1,2345", "1.005", "1e3", "abc", "--1", "1.2.3", "100000000000000", "."])
def test_what_is_no_amount_is_never_guessed_at(text: str) -> None:
    with pytest.raises(ValueError):
        fen_from_text(text)
    read = read_fen(pl.Series([text]), Repairs())
    assert read.values.to_list() == [None]
    marks = [mark for mark in (read.unreadable, read.too_fine) if mark is not None]
    assert [mark.to_list() for mark in marks] == [[True]]


@given(st.decimals(min_value=-(10**13), max_value=10**13, places=5))
def test_a_decimal_column_of_any_scale_agrees_with_exact_arithmetic(amount: Decimal) -> None:
    read = read_fen(pl.Series([amount], dtype=pl.Decimal(38, 5)), Repairs())
    exact = amount * 100
    if exact == exact.to_integral_value():
        assert read.values.to_list() == [int(exact)]
        assert read.too_fine is None
    else:
        assert read.values.to_list() == [None]
        assert read.too_fine is not None and read.too_fine.to_list() == [True]


@given(fens, st.integers(0, 6))
def test_trailing_zeros_never_change_an_amount(fen: int, zeros: int) -> None:
    read = read_fen(pl.Series([text_from_fen(fen) + "0" * zeros, None]), Repairs())
    assert read.values.to_list() == [fen, None]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt8, pl.Int64, pl.UInt64])
def test_whole_yuan_of_any_width_are_read(dtype: type[pl.DataType]) -> None:
    assert read_fen(pl.Series([0, 100, None], dtype=dtype), Repairs()).values.to_list() == [0, 10000, None]
