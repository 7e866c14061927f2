"""The one expression grammar of DIP catalogues 「匹配表达式」: text of a cell → a small tree, or an error.

In: the text of a catalogue cell and the pack's separator; out: frozen expressions made of terms.
`|` or, `+` and (binds tighter), `A00-B99` range, `@name` code list, `*` any, empty = no procedure.
1.0/2.0 catalogues write `A/B+C`, meaning (A or B) and C, or `A,B` for all-of; both read into the same tree.
Diagnosis codes may end in the dagger `+` or asterisk `*`, so diagnosis cells know only `|`, ranges and lists.
It evaluates nothing, and never runs text as code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SEPARATORS = ("+", ",", "|")
"""`+`: `A/B+C` = (A or B) and C · `,`: `A,B` = A and B · `|`: `A+B|C` = (A and B) or C."""

_PROCEDURE = re.compile(r"[0-9]{2}(\.[0-9x]{1,5}(x[0-9]{1,4})?)?")
_DIAGNOSIS = re.compile(r"[A-Z][0-9]{0,2}(\.[0-9x][0-9A-Za-z]*)?(\*|\+([A-Z][0-9]{2}(\.[0-9A-Za-z]+)?\*)?)?")
"""The dagger `+` may be followed by the asterisk code it belongs to; `K35.8+K36` is no code: nothing joins by +."""
_DIAGNOSIS_BOUND = re.compile(r"[A-Z][0-9]{2}(\.[0-9x])?")
_NAME = re.compile(r"[A-Za-z0-9_\-\u4e00-\u9fff]+")


class Compact:
    """A record that is stored as its fields alone: thousands of rows are kept and read back in a tenth of a second."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[Any], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, name) for name in self.__dataclass_fields__)  # type: ignore[attr-defined]


class ExpressionError(ValueError):
    """A cell that cannot be read. The text names the piece and what would be allowed; the loader adds the place."""


@dataclass(frozen=True, slots=True)
class Term(Compact):
    """One code (or prefix), one range lo..hi, one list reference, or `any`."""

    kind: str
    lo: str
    hi: str = ""


@dataclass(frozen=True, slots=True)
class ProcedureExpr(Compact):
    """A procedure cell. conjunctive: every part needs one of its terms; else one part needs all of its terms."""

    text: str
    conjunctive: bool
    parts: tuple[tuple[Term, ...], ...]

    @property
    def joins(self) -> int:
        """How many ands the cell writes: what the rule 「most_plus」 compares."""
        return len(self.parts) - 1 if self.conjunctive else max(len(part) for part in self.parts) - 1

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple(term for part in self.parts for term in part)


@dataclass(frozen=True, slots=True)
class DiagnosisExpr(Compact):
    """A diagnosis cell: any of its terms; `any` = the cell is `*`."""

    text: str
    any: bool
    terms: tuple[Term, ...]


def parse_procedures(text: str, separator: str) -> ProcedureExpr | None:
    """A procedure cell as a tree; None for the empty cell, which means 「保守治疗」."""
    assert separator in SEPARATORS, f"separator {separator!r}"
    if not text:
        return None
    outer, inner = {"+": ("+", "/"), ",": (",", ""), "|": ("|", "+")}[separator]
    parts = []
    for part in text.split(outer):
        pieces = part.split(inner) if inner else [part]
        parts.append(tuple(_term(piece, text, _procedure_term) for piece in pieces))
    return ProcedureExpr(text, separator != "|", tuple(parts))


def parse_diagnoses(text: str) -> DiagnosisExpr:
    """A diagnosis cell as a tree. `*` alone is any diagnosis."""
    if text == "*":
        return DiagnosisExpr(text, True, ())
    return DiagnosisExpr(text, False, tuple(_term(piece, text, diagnosis_term) for piece in text.split("|")))


def _term(piece: str, text: str, read: Callable[[str, str], Term]) -> Term:
    if not piece:
        raise ExpressionError(f"{text!r} has an empty piece: a sign stands twice, first or last. Remove it.")
    if piece.startswith("@"):
        if not _NAME.fullmatch(piece[1:]):
            raise ExpressionError(f"{piece!r} is no list name; write @ and a list_id of code_list.")
        return Term("list", piece[1:])
    return read(piece, text)


def _procedure_term(piece: str, text: str) -> Term:
    if piece == "*":
        return Term("any", "")
    lo, dash, hi = piece.partition("-")
    for code in (lo, hi) if dash else (lo,):
        if not _PROCEDURE.fullmatch(code):
            raise ExpressionError(
                f"{code!r} in {text!r} is no procedure code (like 47.0100, 99.2800x005 or the prefix 47.0); "
                "check the signs against the pack's op_sep."
            )
    return _range(lo, hi, text) if dash else Term("code", lo)


def diagnosis_term(piece: str, text: str) -> Term:
    """One diagnosis piece: a code (dagger and asterisk allowed), a category range, or a list."""
    if piece.startswith("@"):
        return _term(piece, text, diagnosis_term)
    lo, dash, hi = piece.partition("-")
    if dash:
        for bound in (lo, hi):
            if not _DIAGNOSIS_BOUND.fullmatch(bound):
                raise ExpressionError(f"{bound!r} in {text!r} bounds no range; write A00-B99 or A15.0-A15.9.")
        return _range(lo, hi, text)
    if not _DIAGNOSIS.fullmatch(piece):
        raise ExpressionError(
            f"{piece!r} in {text!r} is no diagnosis code (like K35.8, I10, A15-A16); "
            "join several codes by | or name a list by @."
        )
    return Term("code", piece)


def _range(lo: str, hi: str, text: str) -> Term:
    if len(lo) != len(hi) or lo > hi:
        raise ExpressionError(f"range {lo}-{hi} in {text!r} runs backwards or mixes lengths; write low-high alike.")
    return Term("range", lo, hi)
