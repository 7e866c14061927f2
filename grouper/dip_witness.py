"""Records made to reach one catalogue row 「可达性」, and the rows none of them reaches.

In: DipTables; out: per row a case that lands on it, or the rows that took its cases instead.
A witness satisfies everything its row asks for and as little else as possible. A row without one is not proven dead,
but no record built from its own cells reaches it: an earlier or better row always wins.
It never changes a rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from grouper.dip_condition import Condition, Test
from grouper.dip_expression import DiagnosisExpr, ProcedureExpr, Term
from grouper.dip_normalise import type_of
from grouper.dip_reference import DipWalker
from grouper.dip_tables import DipCase, DipTables, Group, ProcedureType
from grouper.dip_terms import plain_key

TRIES_MAX = 400
"""Records tried per row before it counts as unreached."""
PER_ROUND = 4
KERNEL_FROM_ROWS = 2000
"""From this size on, compiling the kernel costs less than walking."""
_DIGITS = "9012345678x"
_AGES = ((40 * 365 + 10, 40), (10, 0), (200, 0), (5 * 365 + 2, 5), (70 * 365 + 18, 70))


@dataclass(frozen=True, slots=True)
class Reach:
    """What was found out about one row: a case that lands on it, or which codes took its cases."""

    group: Group
    witness: DipCase | None
    taken_by: tuple[str, ...] = ()


class WitnessMaker:
    """Builds records for the rows of one catalogue."""

    def __init__(self, tables: DipTables) -> None:
        self.tables = tables
        self.by_type: dict[tuple[ProcedureType, int | None], list[str]] = {}
        named = {t.lo for g in tables.groups for e in (g.main, g.related) for t in (e.terms if e else ())}
        excluded = {row.code for row in tables.excluded_procedures}
        for code, known in sorted(tables.procedures.items(), key=lambda pair: pair[0] in named):
            counts_as = type_of(tables, code)
            if counts_as is not None and code not in excluded:
                for level in (None, None if known.level is None else min(known.level, 3)):
                    self.by_type.setdefault((counts_as, level), []).append(code)
        self.severity_rows = {row.group_code for row in tables.auxiliary if row.factor_e6 is None}
        self.complications: dict[str, list[str]] = {}
        for entry in (one for entries in tables.complications.values() for one in entries):
            if entry.exclusion is None and entry.include_prefix is None:
                self.complications.setdefault(entry.level, [entry.code])

    def cases(self, group: Group) -> Iterator[DipCase]:
        """Records that satisfy the row, plainest first."""
        conditions = list(self._conditions(group))
        for diagnosis in self._diagnoses(group):
            for procedures in self._procedures(group):
                for others, wanted in conditions:
                    principal = diagnosis
                    secondary = list(others)
                    if group.dx_position == "any" and self.tables.options.p07_position == "any":
                        principal, secondary = "Z99.900", [diagnosis, *others]
                    if wanted is not None:
                        principal = wanted
                    yield from self._numbers(group, (principal, *secondary), procedures)

    def _numbers(self, group: Group, diagnoses: tuple[str, ...], procedures: tuple[str, ...]) -> Iterator[DipCase]:
        age_days, age_years = _AGES[0]
        if group.age_days_lt is not None:
            age_days, age_years = group.age_days_lt - 1, (group.age_days_lt - 1) * 4 // 1461
        elif group.age_min is not None or group.age_max is not None:
            age_years = group.age_min if group.age_min is not None else (group.age_max or 0)
            age_days = age_years * 366
        weight = group.weight_min_g if group.weight_min_g is not None else group.weight_max_g
        k = 10_000_000
        points = (group.base_points_e4 or 0) * (group.basic_factor_e6 or 10**6) // 10**6
        plain = DipCase(
            setl_id=group.code,
            diagnoses=diagnoses,
            procedures=procedures,
            cost_total_fen=points * k // 10**8,
            cost_factor_e6=k,
            basic_cost_factor_e6=k,
            stay_days=1,
            age_years=age_years,
            age_days=age_days,
            birth_weight_g=weight,
        )
        yield plain
        if group.code in self.severity_rows:
            yield replace(plain, stay_days=10)
            yield replace(plain, stay_days=10, is_death=True)
            for level in ("cc", "mcc"):
                for code in self.complications.get(level, ()):
                    yield replace(plain, stay_days=10, diagnoses=(*diagnoses, code))

    def _conditions(self, group: Group) -> Iterator[tuple[tuple[str, ...], str | None]]:
        """(other diagnoses, principal where a list names it) that meet the row's other_dx and flag cells."""
        others = [self._diagnosis_of(t) for t in group.other_diagnosis.terms] if group.other_diagnosis else [None]
        flags = self._flag(group.flag) if group.flag is not None else [(None, None)]
        for other in others:
            for extra, principal in flags:
                yield tuple(code for code in (other, extra) if code is not None), principal

    def _flag(self, condition: Condition) -> list[tuple[str | None, str | None]]:
        found: list[tuple[str | None, str | None]] = []
        for part in condition.any_of:
            tests = [test for test in part if test.term is not None and not test.denied]
            others = [self._first_code(test) for test in tests if test.name in ("other", "any")]
            principals = [self._first_code(test) for test in tests if test.name == "principal"]
            found.append((others[0] if others else None, principals[0] if principals else None))
        return found

    def _first_code(self, test: Test) -> str:
        assert test.term is not None
        return self._diagnosis_of(test.term)

    def _diagnosis_of(self, term: Term) -> str:
        return next(self._codes_of(term))

    def _diagnoses(self, group: Group) -> Iterator[str]:
        expr: DiagnosisExpr = group.diagnosis
        if expr.any:
            yield from ("Z99.900", "A41.900", "Q99.900")
        for term in expr.terms:
            yield from islice(self._codes_of(term), 40)

    def _codes_of(self, term: Term) -> Iterator[str]:
        """Full codes a diagnosis term names: extensions of its key, or codes spread over its range."""
        if term.kind == "list":
            yield from sorted(self.tables.code_lists[term.lo])
            return
        if term.kind == "range":
            first, last = term.lo[:3], term.hi[:3]
            inside = [c for c in _categories(first[0], last[0]) if first <= c <= last]
            for category in (*inside[:: max(1, len(inside) // 30)], last):
                yield f"{category}.900"
            return
        key = plain_key(term.lo)
        if len(key) == 1:
            for number in range(100):
                yield f"{key}{number:02d}.900"
        elif len(key) == 3:
            for digit in _DIGITS:
                yield f"{key}.{digit}00"
        elif len(key) == 5:
            yield from (f"{key}00", f"{key}01", f"{key}00x001")
        else:
            yield term.lo

    def _procedures(self, group: Group) -> Iterator[tuple[str, ...]]:
        if group.op_type is not None:
            yield from self._of_type(group)
            return
        mains = list(self._satisfying(group.main)) if group.main is not None else [()]
        related = list(self._satisfying(group.related)) if group.related is not None else [()]
        for first, second in product(mains, related):
            yield tuple(dict.fromkeys((*first, *second)))

    def _of_type(self, group: Group) -> Iterator[tuple[str, ...]]:
        assert group.op_type is not None
        if group.op_type is ProcedureType.CONSERVATIVE:
            yield ()
        for code in islice(self.by_type.get((group.op_type, group.op_level), []), 5):
            yield (code,)

    def _satisfying(self, expr: ProcedureExpr) -> Iterator[tuple[str, ...]]:
        """Each way to satisfy the cell with as few procedures as possible, then with all it names."""
        if expr.conjunctive:
            for choice in islice(product(*expr.parts), 12):
                yield tuple(self._procedure(term) for term in choice)
            yield tuple(self._procedure(term) for term in expr.terms)
            return
        for part in expr.parts:
            yield tuple(self._procedure(term) for term in part)

    def _procedure(self, term: Term) -> str:
        if term.kind == "list":
            return min(self.tables.code_lists[term.lo])
        if term.kind == "any":
            return "99.9999"
        if len(term.lo) < self.tables.options.prefix_len:
            known = [code for code in self.tables.procedures if code.startswith(term.lo)]
            return min(known) if known else (term.lo + ".")[: max(3, len(term.lo))].ljust(7, "0")
        return term.lo


def reach_rows(tables: DipTables, groups: Sequence[Group] | None = None) -> list[Reach]:
    """For every row (or those given) a witness, or the codes that took its cases.

    Rows are tried in rounds: each row that is not reached yet brings its next few records.
    """
    maker = WitnessMaker(tables)
    wanted = [g for g in (tables.groups if groups is None else groups) if g.code != tables.ungrouped.group_code]
    group = _grouping(tables, len(wanted))
    sources = {g.row: islice(maker.cases(g), TRIES_MAX) for g in wanted}
    reached: dict[int, DipCase] = {}
    takers: dict[int, Counter[str]] = {g.row: Counter() for g in wanted}
    while sources:
        batch = [(row, case) for row, source in sources.items() for case in islice(source, PER_ROUND)]
        tried = {row for row, _ in batch}
        for (row, case), (landed, code) in zip(batch, group([case for _, case in batch]), strict=True):
            if landed == row:
                reached.setdefault(row, case)
            else:
                takers[row][code] += 1
        sources = {row: source for row, source in sources.items() if row in tried and row not in reached}
    return [Reach(g, reached.get(g.row), tuple(code for code, _ in takers[g.row].most_common(3))) for g in wanted]


def _grouping(tables: DipTables, rows: int) -> Callable[[Sequence[DipCase]], list[tuple[int, str]]]:
    """The plain walk for small catalogues, the kernel for large ones: the answers are the same."""
    codes = [group.code for group in tables.groups]

    def named(row: int) -> tuple[int, str]:
        return row, codes[row] if row >= 0 else "未入组"

    if rows < KERNEL_FROM_ROWS:
        walker = DipWalker(tables)
        return lambda cases: [named(-1 if (g := walker.walk(c).group) is None else g.row) for c in cases]
    from grouper.dip import batch_of, group_batch
    from grouper.dip_compile import compile_dip

    compiled = compile_dip(tables)
    return lambda cases: [named(row) for row in group_batch(compiled, batch_of(compiled, cases)).row.tolist()]


def _categories(first: str, last: str) -> list[str]:
    letters = [chr(c) for c in range(ord(first), ord(last) + 1)]
    return [f"{letter}{number:02d}" for letter in letters for number in range(100)]
