"""Codes against the terms of a cell 「编码匹配」: keys of a diagnosis, prefixes, ranges, lists, extensions.

In: DipTables (lists and options), a term, a code; out: whether the term names the code.
Codes are compared as they are written: no case folding, no trimming.
It knows nothing of rows or cases.
"""

from __future__ import annotations

from collections.abc import Sequence

from grouper.dip_expression import DiagnosisExpr, Term
from grouper.dip_tables import DipTables

BASE_LENGTH = 7
"""Characters of a base procedure code such as 99.2800; an extension is what follows from the next `x` on."""


def keys(levels: Sequence[str], diagnosis: str) -> tuple[str, ...]:
    """The keys a diagnosis is looked up by, longest first: full code, 亚目 (4 characters), 类目 (3 characters)."""
    widths = {"full": len(diagnosis), "4": 5, "3": 3}
    found: list[str] = []
    for level in levels:
        key = plain_key(diagnosis[: widths[level]])
        if key not in found:
            found.append(key)
    return tuple(found)


def plain_key(code: str) -> str:
    """A key without its dagger or asterisk; `I10.x` and `I10` are one key, since catalogues write either."""
    return code.rstrip("+*").removesuffix(".x")


def in_diagnoses(tables: DipTables, expr: DiagnosisExpr, code: str) -> bool:
    """Whether a diagnosis is named by a cell: by prefix, by range of its first characters, or by a list."""
    return expr.any or any(term_has_diagnosis(tables, term, code) for term in expr.terms)


def term_has_diagnosis(tables: DipTables, term: Term, code: str) -> bool:
    """One term of a diagnosis cell: a short code is a prefix, a list holds full codes."""
    if term.kind == "list":
        return code in tables.code_lists[term.lo]
    if term.kind == "range":
        return term.lo <= code[: len(term.lo)] <= term.hi
    return code.startswith(plain_key(term.lo)) if code else False


def term_has_procedure(tables: DipTables, term: Term, code: str) -> bool:
    """Whether one term of a procedure cell names the code: any, range, list, prefix, extension rule, or equal."""
    if term.kind == "any":
        return True
    if term.kind == "range":
        return term.lo <= code[: len(term.lo)] <= term.hi
    if term.kind == "list":
        return any(_code_matches(tables, listed, code) for listed in tables.code_lists[term.lo])
    return _code_matches(tables, term.lo, code)


def _code_matches(tables: DipTables, wanted: str, code: str) -> bool:
    options = tables.options
    if code == wanted:
        return True
    if len(wanted) < options.prefix_len and code.startswith(wanted):
        return True
    if options.ext_code_rule == "base_accepts_extension":
        if len(wanted) == BASE_LENGTH:
            return code.startswith(wanted + "x")
        return len(wanted) > BASE_LENGTH and wanted[BASE_LENGTH] == "x" and code == wanted[:BASE_LENGTH]
    return False
