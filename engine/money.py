"""Exact conversions between money as it is computed (int64 fen) and as it is stored (decimal yuan) 「分与元」.

In and out: numpy int64 arrays of scaled integers, Arrow decimal128 arrays, yuan as text. Units: fen ×100, points ×10⁴,
coefficients ×10⁶. Arrays are converted through their buffers: a decimal128 is the same integer, sixteen bytes wide.
It never makes a float and never rounds; what does not fit is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_YUAN = re.compile(r"([+-]?)(\d{1,14})(?:\.(\d{0,2})0*)?")
_GROUPED_YUAN = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


def fen_from_text(text: str) -> int:
    """Fen of an amount written in yuan: `1234.5`, `1,234.50`, `¥1234.50`. Raises ValueError, also for a third decimal.

    A comma must group thousands: `12,50` may be a decimal comma, and reading it as 1250 would pay a hundredfold.
    """
    plain = text.strip().removeprefix("¥").removeprefix("￥").removesuffix("元").strip()
    if _GROUPED_YUAN.fullmatch(plain):
        plain = plain.replace(",", "")
    match = _YUAN.fullmatch(plain)
    if match is None:
        raise ValueError("not an amount in yuan with at most two decimals, such as 1234.50")
    sign, yuan, fraction = match.groups()
    fen = int(yuan) * 100 + int((fraction or "").ljust(2, "0"))
    return -fen if sign == "-" else fen


def text_from_fen(fen: int) -> str:
    """The amount in yuan with two decimals, as JSON and documents carry it: -5 → `-0.05`."""
    yuan, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{yuan}.{rest:02d}"


def decimal_array(values: Ints, precision: int, scale: int, times: int = 1, valid: Bools | None = None) -> pa.Array:
    """Scaled integers × `times` as decimal128(precision, scale); where `valid` is False the cell is null.

    Raises OverflowError if a value needs more digits than `precision`, naming its place, never its neighbours' sum.
    """
    import pyarrow as pa

    if not 0 < precision <= 18:
        raise ValueError(f"precision {precision}: only 1 to 18 digits fit an int64")
    integers = np.ascontiguousarray(values, dtype=np.int64)
    if valid is not None:
        integers = np.where(valid, integers, np.int64(0))
    # The bound is checked before multiplying, because an int64 product wraps without a sound.
    bound = (10**precision - 1) // times
    too_large = (integers > bound) | (integers < -bound)
    if too_large.any():
        place = int(np.flatnonzero(too_large)[0])
        raise OverflowError(f"value {int(integers[place])} at index {place} needs more than {precision} digits")
    words = np.empty((len(integers), 2), np.int64)
    np.multiply(integers, times, out=words[:, 0])
    np.right_shift(words[:, 0], 63, out=words[:, 1])
    validity = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(precision, scale), len(integers), [validity, pa.py_buffer(words)])


def decimal_from_fen(fen: Ints, valid: Bools | None = None) -> pa.Array:
    """Fen → yuan, decimal128(16,2)."""
    return decimal_array(fen, 16, 2, valid=valid)


def decimal_from_points_e4(points_e4: Ints, valid: Bools | None = None) -> pa.Array:
    """Points or point values ×10⁴ → decimal128(18,8)."""
    return decimal_array(points_e4, 18, 8, times=10_000, valid=valid)


def decimal_from_coefficient_e6(coefficient_e6: Ints, valid: Bools | None = None) -> pa.Array:
    """Coefficients and ratios ×10⁶ → decimal128(12,6)."""
    return decimal_array(coefficient_e6, 12, 6, valid=valid)


def integers_from_decimal(array: pa.Array | pa.ChunkedArray, scale: int) -> tuple[Ints, Bools]:
    """Decimal cells as integers ×10^scale, and which cells hold a value (a null reads 0).

    Raises ValueError if a cell has decimals beyond `scale` that are not zero, OverflowError if it passes int64.
    """
    import pyarrow as pa

    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if not pa.types.is_decimal(array.type):
        raise ValueError(f"a column of {array.type} is no exact decimal; money must be decimal(16,2)")
    if array.type != pa.decimal128(38, scale):
        try:
            array = array.cast(pa.decimal128(38, scale))
        except pa.ArrowInvalid as error:
            raise ValueError(f"a cell has more than {scale} decimals: {error}") from error
    if len(array) == 0:
        return np.empty(0, np.int64), np.empty(0, np.bool_)
    words = np.frombuffer(array.buffers()[1], np.int64).reshape(-1, 2)[array.offset : array.offset + len(array)]
    valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    low, high = np.where(valid, words[:, 0], 0), np.where(valid, words[:, 1], 0)
    if (high != low >> 63).any():
        raise OverflowError(f"a cell does not fit 64 bits at {scale} decimals")
    return low, valid


def fen_from_decimal(array: pa.Array | pa.ChunkedArray) -> tuple[Ints, Bools]:
    """Yuan of any decimal type → fen, and which cells hold a value."""
    return integers_from_decimal(array, 2)


def points_e4_from_decimal(array: pa.Array | pa.ChunkedArray) -> tuple[Ints, Bools]:
    """Points of any decimal type → points ×10⁴, and which cells hold a value."""
    return integers_from_decimal(array, 4)


def coefficients_e6_from_decimal(array: pa.Array | pa.ChunkedArray) -> tuple[Ints, Bools]:
    """Coefficients of any decimal type → ×10⁶, and which cells hold a value."""
    return integers_from_decimal(array, 6)
