"""Where points and money are divided and rounded, one value at a time. `fixed_wide` does the same for columns.

In and out: Python integers and exact fractions, so nothing overflows and nothing is lost.
Every rounding has a name that says what happens to a half and to a negative number.
No other module divides: a `/` on money anywhere else is a mistake. No float ever enters.
"""

from __future__ import annotations

from fractions import Fraction

from pointvalue.terms import RoundingMode

E4 = 10_000
E6 = 1_000_000
FEN_PER_YUAN = 100


def half_up(value: Fraction) -> int:
    """Nearest integer, a half away from zero 「四舍五入」: half_up(−x) = −half_up(x)."""
    return divide_half_up(value.numerator, value.denominator)


def divide_half_up(numerator: int, denominator: int) -> int:
    """numerator ÷ denominator to the nearest integer, a half away from zero; denominator > 0."""
    if denominator <= 0:
        raise ZeroDivisionError("divide_half_up needs a denominator above zero")
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def half_up_times(value: Fraction, times: int) -> int:
    """half_up(value × times), without making the product a fraction in lowest terms first."""
    return divide_half_up(value.numerator * times, value.denominator)


def floor(value: Fraction) -> int:
    """The largest integer not above the value: towards minus infinity, so floor(−0.5) = −1."""
    return value.numerator // value.denominator


def floor_times(value: Fraction, times: int) -> int:
    """floor(value × times)."""
    return value.numerator * times // value.denominator


def exact(numerator: int | Fraction, denominator: int | Fraction) -> Fraction:
    """The quotient itself, nothing rounded."""
    return Fraction(numerator.numerator * denominator.denominator, numerator.denominator * denominator.numerator)


def to_decimals(value: Fraction, dp: int | None, mode: RoundingMode) -> Fraction:
    """A value as it is published: `dp` decimals, or untouched when `dp` is None."""
    if dp is None:
        return value
    scaled = value * 10**dp
    whole = half_up(scaled) if mode is RoundingMode.HALF_UP else floor(scaled)
    return Fraction(whole, 10**dp)


def points_to_e4(points: Fraction) -> int:
    """Points of a case as they are kept: four places, half up, once, after every factor."""
    return half_up_times(points, E4)


def fen_per_point_e4(yuan_per_point: Fraction) -> Fraction:
    """A point value as fen per 10⁻⁴ point: the factor that turns stored points into fen."""
    return exact(yuan_per_point.numerator * FEN_PER_YUAN, yuan_per_point.denominator * E4)


def yuan_per_point(fen: Fraction, points_e4: int) -> Fraction:
    """A fund over a sum of points, exact, in yuan per point; the caller has seen that there are points."""
    return Fraction(fen * E4) / (points_e4 * FEN_PER_YUAN)
