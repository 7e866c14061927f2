"""Cells of a DIP pack that hold expressions: parsed, remembered, their list references checked.

In: the text of a cell and its place; out: a tree, or a problem with file, line, column and advice, never an empty
match. Equal cells are parsed once. It knows no table by name except code_list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from engine.packs.dip_errors import DipProblems
from engine.packs.dip_read import DipTable
from grouper.dip_condition import Condition, parse_condition
from grouper.dip_expression import (
    DiagnosisExpr,
    ExpressionError,
    ProcedureExpr,
    Term,
    parse_diagnoses,
    parse_procedures,
)

Parsed = TypeVar("Parsed")


class CellReader:
    """Parses cells; remembers the code lists they may refer to."""

    def __init__(self, tables: Mapping[str, DipTable], problems: DipProblems, separator: str) -> None:
        self.tables = tables
        self.problems = problems
        self.separator = separator
        self.lists = self._code_lists()
        self._memo: dict[tuple[str, str], Any] = {}

    def rows(self, stem: str) -> list[dict[str, Any]]:
        return list(self.tables[stem].rows()) if stem in self.tables else []

    def at(self, stem: str, row: int, column: str = "") -> str:
        return self.tables[stem].at(row, column)

    def procedures(self, stem: str, row: int, column: str, text: str | None) -> ProcedureExpr | None:
        def parse(cell: str) -> ProcedureExpr | None:
            return parse_procedures(cell, self.separator)

        expr = self._parsed(stem, row, column, text, parse, "dip.expression")
        if expr is not None:
            self._check_lists(stem, row, column, expr.terms)
        return expr

    def diagnoses(self, stem: str, row: int, column: str, text: str | None) -> DiagnosisExpr | None:
        expr = self._parsed(stem, row, column, text, parse_diagnoses, "dip.expression")
        if expr is not None:
            self._check_lists(stem, row, column, expr.terms)
        return expr

    def condition(self, stem: str, row: int, column: str, text: str | None) -> Condition | None:
        found = self._parsed(stem, row, column, text, parse_condition, "dip.condition")
        if found is not None:
            tests = [test.term for part in found.any_of for test in part]
            self._check_lists(stem, row, column, tuple(term for term in tests if term is not None))
        return found

    def _parsed(
        self,
        stem: str,
        row: int,
        column: str,
        text: str | None,
        parse: Callable[[str], Parsed | None],
        kind: str,
    ) -> Parsed | None:
        if text is None:
            return None
        key = (parse.__name__, text)
        if key in self._memo:
            found: Parsed | None = self._memo[key]
            return found
        try:
            self._memo[key] = read = parse(text)
        except ExpressionError as error:
            self.problems.add(kind, self.at(stem, row, column), str(error))
            return None
        return read

    def _check_lists(self, stem: str, row: int, column: str, terms: tuple[Term, ...]) -> None:
        for term in terms:
            if term.kind == "list" and term.lo not in self.lists:
                self.dangling(stem, row, column, term.lo)

    def dangling(self, stem: str, row: int, column: str, name: str) -> None:
        what = f"list {name!r} is not in table code_list. Lists: {', '.join(sorted(self.lists)) or 'none'}."
        self.problems.add("dip.list", self.at(stem, row, column), what)

    def _code_lists(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for cells in self.rows("code_list"):
            found.setdefault(cells["list_id"] or "", set()).add(cells["code"] or "")
        return {name: frozenset(codes) for name, codes in found.items()}
