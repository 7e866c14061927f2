"""Expressions and conditions of a catalogue, numbered for the kernel 「表达式编译」.

In: the trees the grammar made; out: parts, terms, cells and tests as rows of integers, equal ones stored once.
A part is what has to be met together with or instead of its neighbours; a cell is a diagnosis expression that codes
are tested against once, when they get their id. It evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from grouper.dip_condition import COMPARISONS, FLAGS, NUMBERS, Condition, Test
from grouper.dip_expression import DiagnosisExpr, ProcedureExpr, Term
from grouper.dip_layout import I64, KIND_DIAGNOSIS, KIND_FLAG, KIND_NUMBER, KIND_PROCEDURE
from grouper.dip_tables import AgeBand

CODE_PLACES = ("principal", "other", "any")
OPEN_END = 2**62


@dataclass
class Parts:
    """Everything the rows refer to by number, while it is collected."""

    conjunctive: bool
    terms: dict[Term, int] = field(default_factory=dict)
    part_terms: list[list[int]] = field(default_factory=list)
    cells: dict[str, int] = field(default_factory=dict)
    cell_exprs: list[DiagnosisExpr] = field(default_factory=list)
    conditions: dict[str, int] = field(default_factory=dict)
    condition_parts: list[list[list[tuple[int, ...]]]] = field(default_factory=list)
    texts: dict[str, tuple[int, int]] = field(default_factory=dict)
    text_bytes: bytearray = field(default_factory=bytearray)

    def term(self, term: Term) -> int:
        return self.terms.setdefault(term, len(self.terms))

    def expression(self, expr: ProcedureExpr | None) -> tuple[int, int]:
        """(first, end) of the expression's parts; an empty span for an empty cell."""
        first = len(self.part_terms)
        if expr is not None:
            assert expr.conjunctive == self.conjunctive, "one pack has one separator"
            self.part_terms += [[self.term(term) for term in part] for part in expr.parts]
        return first, len(self.part_terms)

    def cell(self, expr: DiagnosisExpr | None) -> int:
        """The number of a diagnosis cell, −1 for none."""
        if expr is None:
            return -1
        if expr.text not in self.cells:
            self.cells[expr.text] = len(self.cell_exprs)
            self.cell_exprs.append(expr)
        return self.cells[expr.text]

    def condition(self, condition: Condition | None) -> int:
        """The number of a condition, −1 for none."""
        if condition is None:
            return -1
        if condition.text not in self.conditions:
            self.conditions[condition.text] = len(self.condition_parts)
            self.condition_parts.append([[self._test(test) for test in part] for part in condition.any_of])
        return self.conditions[condition.text]

    def _test(self, test: Test) -> tuple[int, ...]:
        denied = int(test.denied)
        if test.term is not None and test.name == "procedure":
            return (KIND_PROCEDURE, 0, denied, 0, 0, self.term(test.term))
        if test.term is not None:
            cell = DiagnosisExpr(f"{test.term.kind} {test.term.lo} {test.term.hi}", False, (test.term,))
            return (KIND_DIAGNOSIS, CODE_PLACES.index(test.name), denied, 0, 0, self.cell(cell))
        if test.comparison:
            name, comparison = NUMBERS.index(test.name), COMPARISONS.index(test.comparison)
            return (KIND_NUMBER, name, denied, comparison, test.limit, -1)
        return (KIND_FLAG, FLAGS.index(test.name), denied, 0, 0, -1)

    def text(self, text: str) -> tuple[int, int]:
        """(at, length) of an expression's text, which longer_code_first compares."""
        if text not in self.texts:
            data = text.encode()
            self.texts[text] = (len(self.text_bytes), len(data))
            self.text_bytes += data
        return self.texts[text]

    def sections(self, bands: Sequence[AgeBand]) -> dict[str, I64]:
        """The sections of T that hold what was collected."""
        part_first, terms = _ragged(self.part_terms)
        alternatives = [part for parts in self.condition_parts for part in parts]
        test_first, tests = _ragged(alternatives)
        ages = [(int(b.unit == "d"), b.lo, OPEN_END if b.hi is None else b.hi) for b in bands]
        return {
            "parts": part_first,
            "terms": terms,
            "texts": np.array(list(self.text_bytes), np.int64),
            "conditions": np.cumsum([0, *(len(parts) for parts in self.condition_parts)], dtype=np.int64),
            "condition_parts": test_first,
            "tests": tests,
            "age_bands": np.array(ages, np.int64),
        }


def _ragged(rows: Sequence[Sequence[object]]) -> tuple[I64, I64]:
    """Where each row starts (one entry more than rows), and all their values one after the other."""
    first = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    return first, np.array([value for row in rows for value in row], np.int64)
