"""Rounding and wide arithmetic: what happens to halves, negatives and numbers past 63 bits."""

import ast
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvalue import fixed, fixed_wide
from pointvalue.terms import RoundingMode
from tests.pointvalue_years import unhurried

U64 = st.integers(0, 2**64 - 1)
U128 = st.integers(0, 2**128 - 1)
I64 = st.integers(-(2**62), 2**62)


def halves(number):
    return np.uint64(number >> 64), np.uint64(number & (2**64 - 1))


def joined(high, low):
    return (int(high) << 64) + int(low)


def test_half_goes_away_from_zero_on_both_sides():
    assert [fixed.half_up(Fraction(n, 2)) for n in (-3, -1, 0, 1, 3)] == [-2, -1, 0, 1, 2]
    assert fixed.half_up(Fraction(49, 100)) == 0


def test_floor_goes_towards_minus_infinity():
    assert [fixed.floor(Fraction(n, 2)) for n in (-3, -1, 1, 3)] == [-2, -1, 0, 1]


@unhurried
@given(st.fractions())
def test_half_up_is_symmetric_and_within_half(value):
    assert fixed.half_up(-value) == -fixed.half_up(value)
    assert abs(fixed.half_up(value) - value) <= Fraction(1, 2)


def test_published_value_rounds_or_floors_or_stays():
    value = Fraction(11301153, 92266)
    assert fixed.to_decimals(value, 4, RoundingMode.HALF_UP) == Fraction("122.4845")
    assert fixed.to_decimals(value, 4, RoundingMode.FLOOR) == Fraction("122.4844")
    assert fixed.to_decimals(value, None, RoundingMode.HALF_UP) == value


@unhurried
@given(U64, U64)
def test_wide_product_is_exact(a, b):
    assert joined(*fixed_wide.multiply(np.uint64(a), np.uint64(b))) == a * b


@unhurried
@given(U128, U64, U128)
def test_wide_product_and_sum_say_when_they_do_not_fit(a, b, c):
    fits, high, low = fixed_wide.multiply_wide(*halves(a), np.uint64(b))
    assert bool(fits) == (a * b < 2**128)
    assert not fits or joined(high, low) == a * b
    fits, high, low = fixed_wide.add_wide(*halves(a), *halves(c))
    assert bool(fits) == (a + c < 2**128)
    assert not fits or joined(high, low) == a + c


@unhurried
@given(U64, U64, st.integers(1, 2**63 - 1))
def test_wide_division_is_exact(high, low, divisor):
    high %= divisor
    quotient, rest = fixed_wide.divide_wide(np.uint64(high), np.uint64(low), np.uint64(divisor))
    assert (int(quotient), int(rest)) == divmod((high << 64) + low, divisor)


@unhurried
@given(U128, st.integers(1, 2**127 - 1))
def test_wide_rounding_agrees_with_python_or_says_it_cannot(number, divisor):
    fits, quotient = fixed_wide.divide_half_up_wide(*halves(number), *halves(divisor))
    expected = fixed.divide_half_up(number, divisor)
    assert not fits or int(quotient) == expected
    assert fits or expected >= 2**63 or number // divisor >= 2**63


@unhurried
@given(st.integers(1, 127), st.integers(0, 2**127), st.integers(0, 2**63 - 1), st.sampled_from([0, 1, -1]), U64)
def test_long_division_is_exact_where_the_quotient_is_nearly_one_more(bits, divisor, quotient, side, rest):
    divisor = divisor % 2**bits or 1
    quotient = min(quotient, (2**128 - 1) // divisor)
    number = min(quotient * divisor + (rest % divisor if side > 0 else -side * (divisor - 1)), 2**128 - 1)
    fits, found, rest_high, rest_low = fixed_wide.divide_long(*halves(number), *halves(divisor))
    expected, left = divmod(number, divisor)
    assert bool(fits) == (expected < 2**63)
    assert not fits or (int(found), joined(rest_high, rest_low)) == (expected, left)


@unhurried
@given(U64, U64, U64, U64)
def test_narrow_rounding_agrees_with_python_or_says_it_cannot(a, b, c, d):
    for way in range(64):
        a, b, c, d = a >> (way & 1), b >> (way >> 1 & 1), c >> (way >> 2 & 1), d >> (way >> 3 & 1)
        fits, found = fixed_wide.half_up_narrow(*(np.uint64(each) for each in (a, b, c, d)))
        assert bool(fits) == (a * b < 2**63 and 0 < c * d < 2**63)
        assert not fits or int(found) == fixed.divide_half_up(a * b, c * d)
    a, b = a % 2**31, b % 2**31
    assert fixed_wide.half_up_e6(a, b) == fixed.divide_half_up(a * b, 10**6)


@unhurried
@given(st.lists(I64, max_size=8), st.integers(0, 2**40), st.integers(1, 2**60))
def test_columns_are_floored_and_rounded_as_single_numbers(weights, numerator, denominator):
    column = np.array(weights, dtype=np.int64)
    shares = [Fraction(weight * numerator, denominator) for weight in weights]
    try:
        floors, rests = fixed_wide.scaled_floor(column, numerator, denominator)
        rounded = fixed_wide.scaled_half_up(column, numerator, denominator)
    except OverflowError:
        assert any(abs(share) >= 2**62 for share in shares)
        return
    assert floors.tolist() == [fixed.floor(share) for share in shares]
    assert [Fraction(int(r), denominator) for r in rests] == [s - fixed.floor(s) for s in shares]
    assert rounded.tolist() == [fixed.half_up(share) for share in shares]


@unhurried
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_total_of_a_column_never_wraps(values):
    assert fixed_wide.total(np.array(values, dtype=np.int64)) == sum(values)


def test_sums_stop_instead_of_wrapping():
    index = np.zeros(2, np.int32)
    with pytest.raises(OverflowError, match="row 1"):
        fixed_wide.sum_by(index, np.array([2**62, 2**62]), 1)
    with pytest.raises(IndexError):
        fixed_wide.sum_by(index + 5, np.array([1, 1]), 1)
    assert fixed_wide.sum_by(index, np.array([2**62, -(2**62)]), 1).tolist() == [0]


def test_factor_past_63_bits_is_refused_not_truncated():
    with pytest.raises(OverflowError, match="63 bits"):
        fixed_wide.scaled_floor(np.ones(1, np.int64), 2**63, 1)


def test_pricing_one_case_loads_no_compiler():
    code = (
        "import sys, pointvalue.reference, pointvalue.value, pointvalue.check, pointvalue.lines; "
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_the_rooms_for_it_divide():
    """A bare division of money outside fixed.py and fixed_wide.py is a mistake."""
    package = Path(fixed.__file__).parent
    for file in sorted(package.glob("*.py")):
        if file.name in ("fixed.py", "fixed_wide.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            divides = isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, (ast.Div, ast.FloorDiv))
            assert not divides, f"{file.name}:{node.lineno} divides: use pointvalue.fixed"


def test_no_float_is_written_in_the_package():
    package = Path(fixed.__file__).parent
    for file in sorted(package.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
            assert not is_float, f"{file.name}:{node.lineno}: a float literal"
            named = isinstance(node, ast.Name) and node.id == "float"
            assert not named, f"{file.name}:{node.lineno}: float()"
