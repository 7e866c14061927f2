"""Conditions of auxiliary rows and group flags 「辅助目录条件」: a closed grammar, never program text.

In: the text of condition_expr or flag_expr; out: an or of ands of atoms.
Atoms: a flag (`death`, `cc`), a number against a limit (`stay>3`, `age>=66`, `cci=2`), or a code test
(`principal:A15-A16`, `other:@tb_resistant`, `procedure:96.7201`); `!` before an atom denies it; `+` and, `|` or.
A number that is missing on the case makes its atom false, denied or not.
A code that carries a dagger stands in a list: inside a condition `+` is always "and".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from grouper.dip_expression import Compact, ExpressionError, Term, diagnosis_term, parse_procedures

FLAGS = ("always", "death", "cc", "mcc", "moderate", "severe", "long_stay")
"""long_stay: stay over the threshold of aux_policy 「住院3天以上」; moderate/severe: lists 「中度」「重度」."""
NUMBERS = ("stay", "age", "age_days", "age_band", "cci", "icu_days", "birth_weight", "severity", "tumour")
"""stay, age_days, icu_days in days; age in years; age_band, severity, tumour: number of the band or class."""
CODE_TESTS = ("principal", "other", "any", "procedure")
COMPARISONS = ("<=", ">=", "<", ">", "=")
_NUMBER = re.compile(r"([a-z_]+)(<=|>=|<|>|=)([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Test(Compact):
    """One atom. comparison `` = a flag, one of COMPARISONS = a number, `in` = a code test."""

    name: str
    denied: bool = False
    comparison: str = ""
    limit: int = 0
    term: Term | None = None


@dataclass(frozen=True, slots=True)
class Condition(Compact):
    """True if every test of at least one alternative is true."""

    text: str
    any_of: tuple[tuple[Test, ...], ...]


ALWAYS = Condition("always", ((Test("always"),),))


def parse_condition(text: str) -> Condition:
    """A condition cell as a tree; the empty cell is `always`."""
    if not text:
        return ALWAYS
    return Condition(text, tuple(tuple(_test(piece, text) for piece in part.split("+")) for part in text.split("|")))


def _test(piece: str, text: str) -> Test:
    denied = piece.startswith("!")
    body = piece[1:] if denied else piece
    if body in FLAGS:
        return Test(body, denied)
    if (number := _NUMBER.fullmatch(body)) and number[1] in NUMBERS:
        return Test(number[1], denied, number[2], int(number[3]))
    name, colon, code = body.partition(":")
    if colon and name in CODE_TESTS:
        return Test(name, denied, "in", 0, _code_term(name, code, text))
    raise ExpressionError(
        f"{piece!r} in {text!r} is no condition. Flags: {', '.join(FLAGS)}. Numbers: {', '.join(NUMBERS)} with "
        f"{' '.join(COMPARISONS)} and a whole number. Codes: {', '.join(CODE_TESTS)}, a colon, a code, range or @list."
    )


def _code_term(name: str, code: str, text: str) -> Term:
    if name != "procedure":
        return diagnosis_term(code, text)
    expr = parse_procedures(code, "|")
    if expr is None or len(expr.terms) != 1:
        raise ExpressionError(f"{code!r} in {text!r}: a test takes one procedure; join tests by | or +.")
    return expr.terms[0]
