"""The divisions of `fixed` for whole columns: int64 in, int64 out, 128 bits between, compiled by numba.

Products of two 63-bit numbers are kept as (high, low) pairs of uint64; a result that does not fit stops the run or is
reported per row, it never wraps. Sums of int64 columns are checked the same way.
A negative number is floored towards minus infinity and half-rounded away from zero, as in `fixed`.
Nothing here knows what the numbers mean.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from pointvalue.cases import I32, I64

_LOW32 = np.uint64(0xFFFFFFFF)
_SHIFT32 = np.uint64(32)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_TOP = np.uint64(1 << 63)
I64_MAX = (1 << 63) - 1
_I64_TOP = np.int64(I64_MAX)


def _kernel_digest() -> str:
    """Digest of every source a kernel is made of: its own, the helpers it inlines, the numbers it takes as given."""
    here = Path(__file__).parent
    sources = ("fixed_wide.py", "class_kernel.py", "class_formulas.py", "class_tables.py", "terms.py")
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in sources)).hexdigest()[:12]


_DIGEST = _kernel_digest()
_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False}


def compiled(function: Any) -> Any:
    """numba's compiler as every kernel here uses it: no interpreter lock, no counting of references (a kernel allocates
    nothing and its caller holds the arrays), result kept on disk.

    numba looks only at a kernel's own file to see whether the kept result is stale; the digest in the name makes it
    compile again when a helper or a constant from another file has changed.
    """
    function.__qualname__ = f"{function.__qualname__}_{_DIGEST}"
    return nb.njit(**_OPTIONS)(function)


def _high_word(context: Any, a: Any, b: Any) -> Any:
    """The upper 64 bits of a product, which the machine gives with the lower ones."""

    def generated(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return nb.uint64(nb.uint64, nb.uint64), generated


def _zeros_before(context: Any, a: Any) -> Any:
    """How many zero bits stand before the first one of a number above zero."""

    def generated(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))

    return nb.uint64(nb.uint64), generated


_high: Any = intrinsic(_high_word)
_leading_zeros: Any = intrinsic(_zeros_before)


@compiled
def multiply(a: Any, b: Any) -> Any:
    """(high, low) of a·b for uint64 a, b."""
    return _high(a, b), a * b


@compiled
def multiply_wide(high: Any, low: Any, factor: Any) -> Any:
    """(fits, high, low) of a 128-bit number times a uint64."""
    carry, new_low = multiply(low, factor)
    over, shifted = multiply(high, factor)
    new_high = shifted + carry
    return over == _ZERO and new_high >= carry, new_high, new_low


@compiled
def add_wide(high: Any, low: Any, other_high: Any, other_low: Any) -> Any:
    """(fits, high, low) of the sum of two 128-bit numbers."""
    new_low = low + other_low
    carry = _ONE if new_low < low else _ZERO
    partial = high + other_high
    new_high = partial + carry
    return partial >= high and new_high >= partial, new_high, new_low


@compiled
def subtract_wide(high: Any, low: Any, other_high: Any, other_low: Any) -> Any:
    """(high, low) of a difference of 128-bit numbers that is not negative."""
    borrow = _ONE if low < other_low else _ZERO
    return high - other_high - borrow, low - other_low


@compiled
def below_wide(high: Any, low: Any, other_high: Any, other_low: Any) -> Any:
    return high < other_high or (high == other_high and low < other_low)


@compiled
def divide_wide(high: Any, low: Any, divisor: Any) -> Any:
    """(quotient, remainder) of a 128-bit number by a uint64 divisor; needs high < divisor.

    Schoolbook division in base 2³² (Knuth's algorithm D for two digits).
    """
    if high == _ZERO:
        return low // divisor, low % divisor
    shift = _leading_zeros(divisor)
    scaled = divisor << shift
    scaled_high, scaled_low = scaled >> _SHIFT32, scaled & _LOW32
    top = (high << shift) | ((low >> (np.uint64(63) - shift)) >> _ONE)
    bottom = low << shift
    bottom_high, bottom_low = bottom >> _SHIFT32, bottom & _LOW32
    first, rest = top // scaled_high, top % scaled_high
    while first > _LOW32 or first * scaled_low > ((rest << _SHIFT32) | bottom_high):
        first -= _ONE
        rest += scaled_high
        if rest > _LOW32:
            break
    middle = (top << _SHIFT32) + bottom_high - first * scaled
    second, rest = middle // scaled_high, middle % scaled_high
    while second > _LOW32 or second * scaled_low > ((rest << _SHIFT32) | bottom_low):
        second -= _ONE
        rest += scaled_high
        if rest > _LOW32:
            break
    remainder = ((middle << _SHIFT32) + bottom_low - second * scaled) >> shift
    return (first << _SHIFT32) + second, remainder


@compiled
def divide_long(high: Any, low: Any, divisor_high: Any, divisor_low: Any) -> Any:
    """(fits, quotient, remainder high, remainder low) of 128 by 128 bits; divisor < 2¹²⁷, not 0. It fits below 2⁶³.

    A divisor of more than 64 bits: its first 64 bits give the quotient or one more (Hacker's Delight, 9-5: dividend and
    divisor are cut alike, and the first guess taken one less, so that it is at most one too small).
    """
    if divisor_high == _ZERO:
        whole, rest = high // divisor_low, high % divisor_low
        quotient, left = divide_wide(rest, low, divisor_low)
        return whole == _ZERO and quotient < _TOP, quotient, _ZERO, left
    shift = _leading_zeros(divisor_high)  # at least 1
    first_bits = (divisor_high << shift) | (divisor_low >> (np.uint64(64) - shift))
    guess, _ = divide_wide(high >> _ONE, ((high & _ONE) << np.uint64(63)) | (low >> _ONE), first_bits)
    quotient = guess >> (np.uint64(63) - shift)
    if quotient != _ZERO:
        quotient -= _ONE
    _, back_high, back_low = multiply_wide(divisor_high, divisor_low, quotient)
    rest_high, rest_low = subtract_wide(high, low, back_high, back_low)
    if not below_wide(rest_high, rest_low, divisor_high, divisor_low):
        quotient += _ONE
        rest_high, rest_low = subtract_wide(rest_high, rest_low, divisor_high, divisor_low)
    return quotient < _TOP, quotient, rest_high, rest_low


@compiled
def half_up_narrow(a: Any, b: Any, c: Any, d: Any) -> Any:
    """(fits, half_up(a·b ÷ (c·d))) of uint64; it fits where both products stay under 2⁶³, and c and d are not 0."""
    over, number = multiply(a, b)
    under, divisor = multiply(c, d)
    if over != _ZERO or under != _ZERO or number >= _TOP or divisor >= _TOP or divisor == _ZERO:
        return False, np.int64(0)
    quotient, rest = number // divisor, number % divisor
    return True, np.int64(quotient + (_ONE if rest >= divisor - rest else _ZERO))


@compiled
def half_up_e6(a: Any, b: Any) -> Any:
    """half_up(a·b ÷ 10⁶) of numbers 0 ≤ a, b < 2³¹: the sum stays under 2⁶³."""
    return np.int64((np.uint64(a) * np.uint64(b) + np.uint64(500_000)) // np.uint64(1_000_000))


@compiled
def divide_half_up_wide(high: Any, low: Any, divisor_high: Any, divisor_low: Any) -> Any:
    """(fits, quotient) of two non-negative 128-bit numbers, a half upwards; the quotient stays under 2⁶³."""
    if divisor_high == _ZERO and divisor_low < _TOP and high < divisor_low:
        quotient, rest = divide_wide(high, low, divisor_low)
        if rest >= divisor_low - rest:
            quotient += _ONE
        return quotient < _TOP, quotient
    if divisor_high >= _TOP or (divisor_high == _ZERO and divisor_low == _ZERO):
        return False, _ZERO
    fits, quotient, rest_high, rest_low = divide_long(high, low, divisor_high, divisor_low)
    left_high, left_low = subtract_wide(divisor_high, divisor_low, rest_high, rest_low)
    if not below_wide(rest_high, rest_low, left_high, left_low):
        quotient += _ONE
    return fits and quotient < _TOP, quotient


@compiled
def reduce_e6(number: Any) -> Any:
    """(numerator, denominator) of number ÷ 10⁶ in lowest terms; number > 0."""
    a, b = number, np.int64(1_000_000)
    while b != 0:
        a, b = b, a % b
    return number // a, np.int64(1_000_000) // a


@compiled
def _scaled_floor(weights: Any, numerator: Any, denominator: Any, floors: Any, remainders: Any) -> Any:
    factor, divisor = np.uint64(numerator), np.uint64(denominator)
    for i in range(weights.size):
        weight = weights[i]
        high, low = multiply(np.uint64(abs(weight)), factor)
        if high >= divisor:
            return i
        quotient, rest = divide_wide(high, low, divisor)
        if quotient >= _TOP:
            return i
        if weight >= 0:
            floors[i], remainders[i] = np.int64(quotient), np.int64(rest)
        elif rest == _ZERO:
            floors[i], remainders[i] = -np.int64(quotient), 0
        else:
            floors[i], remainders[i] = -np.int64(quotient) - 1, np.int64(divisor - rest)
    return -1


@compiled
def _scaled_half_up(weights: Any, numerator: Any, denominator: Any, rounded: Any) -> Any:
    factor, divisor = np.uint64(numerator), np.uint64(denominator)
    for i in range(weights.size):
        high, low = multiply(np.uint64(abs(weights[i])), factor)
        fits, quotient = divide_half_up_wide(high, low, _ZERO, divisor)
        if not fits:
            return i
        rounded[i] = np.int64(quotient) if weights[i] >= 0 else -np.int64(quotient)
    return -1


@compiled
def _sum_by(index: Any, values: Any, sums: Any) -> Any:
    for i in range(values.size):
        place = index[i]
        if place < 0 or place >= sums.size:
            return -2
        old, value = sums[place], values[i]
        # Asked before adding: compiled signed addition is assumed never to wrap, so it cannot be asked after.
        if (value >= 0 and old > _I64_TOP - value) or (value < 0 and old < -_I64_TOP - value):
            return i
        sums[place] = old + value
    return -1


@compiled
def _total(values: Any) -> Any:
    high, low = np.int64(0), np.int64(0)
    for i in range(values.size):
        high += values[i] >> 32
        low += values[i] & 0xFFFFFFFF
    return high, low


def scaled_floor(
    weights: I64, numerator: int, denominator: int, into: tuple[I64, I64] | None = None
) -> tuple[I64, I64]:
    """floor(weight·numerator ÷ denominator) and the remainder (in units of 1 ÷ denominator) of every weight; the
    columns `into` are filled where given."""
    _need_63_bits(numerator, denominator)
    floors, remainders = (np.empty_like(weights), np.empty_like(weights)) if into is None else into
    assert weights.shape == floors.shape == remainders.shape, "a place for every weight"
    _refuse_row(_scaled_floor(weights, numerator, denominator, floors, remainders), "a share")
    return floors, remainders


def scaled_half_up(weights: I64, numerator: int, denominator: int) -> I64:
    """half_up(weight·numerator ÷ denominator) of every weight, a half away from zero."""
    _need_63_bits(numerator, denominator)
    rounded = np.empty_like(weights)
    _refuse_row(_scaled_half_up(weights, numerator, denominator, rounded), "a rounded product")
    return rounded


def sum_by(index: I32 | I64, values: I64, count: int) -> I64:
    """Sums of `values` by `index` 0..count−1, every addition checked."""
    sums = np.zeros(count, np.int64)
    _refuse_row(_sum_by(index, values, sums), "a sum")
    return sums


def total(values: I64) -> int:
    """The sum of a column, exact whatever its size."""
    high, low = _total(np.ascontiguousarray(values))
    return (int(high) << 32) + int(low)


def fits_63_bits(*numbers: int) -> bool:
    return all(0 <= number <= I64_MAX for number in numbers)


def _need_63_bits(numerator: int, denominator: int) -> None:
    if not fits_63_bits(numerator, denominator) or denominator == 0:
        raise OverflowError(f"factor {numerator}/{denominator} needs more than 63 bits: use exact integers instead")


def _refuse_row(row: int, what: str) -> None:
    if row == -2:
        raise IndexError("an index points outside the sums")
    if row >= 0:
        raise OverflowError(f"{what} in row {row} passes 63 bits: an amount or a number of points is implausible")


def share_e6(parts: I64, wholes: I64) -> I64:
    """floor(part ÷ whole × 10⁶) of every pair, −1 where the whole is 0; 0 ≤ part ≤ 4·10¹², whole ≥ 0."""
    if parts.size and (int(min(parts.min(), wholes.min())) < 0 or int(parts.max()) > 4 * 10**12):
        raise OverflowError("a share needs a part between 0 and 4·10^12 and a whole not below zero")
    known = wholes > 0
    shares: I64 = np.where(known, parts * 1_000_000 // np.where(known, wholes, 1), -1)
    return shares


def value_e8(costs: I64, points: I64) -> I64:
    """floor(cost ÷ points × 10⁸) of every pair, to put them in order; 0 ≤ cost ≤ 9·10¹⁰, points above zero."""
    if costs.size and (int(costs.min()) < 0 or int(costs.max()) > 9 * 10**10 or int(points.min()) <= 0):
        raise OverflowError("a case value needs points above zero and a cost between 0 and 9·10^10")
    values: I64 = costs * 100_000_000 // points
    return values


def ratio_e6(numerators: I64, denominators: I64) -> I64:
    """half_up(numerator ÷ denominator × 10⁶) of every pair; for figures that are shown, never for an amount.

    Denominators are above zero, numerators within ±4·10¹².
    """
    if numerators.size and (int(denominators.min()) <= 0 or int(np.abs(numerators).max()) > 4 * 10**12):
        raise OverflowError("a ratio to show needs a positive denominator and a numerator within 4·10^12")
    size = np.abs(numerators) * 1_000_000
    rounded: I64 = np.sign(numerators) * ((2 * size + denominators) // (2 * denominators))
    return rounded
