"""A DIP case, grouped in plain Python 「DIP分组」: slow, obvious, and able to say why.

In: DipTables and a DipCase; out: the row it belongs to, or why none. The kernel must give the same answers.
Flat catalogues (1.0/2.0): candidates per layer → auxiliary → tie-breaks → priority list.
The 3.0 chain is `dip_chain`. Points are ×10⁴, coefficients ×10⁶, reference costs exact fractions of a fen.
It pays nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from grouper.dip_auxiliary import choose_auxiliary
from grouper.dip_chain import walk_chain
from grouper.dip_choose import choose_one, final_pick, preempts, severity_level, wanted_severity
from grouper.dip_log import Log
from grouper.dip_match import Candidate
from grouper.dip_normalise import Prepared, prepare
from grouper.dip_reason import DipReason
from grouper.dip_search import (
    basic_factor_e6,
    by_diagnosis,
    by_letter,
    by_type,
    index_rows,
    is_primary_care,
    primary_care_layer,
)
from grouper.dip_tables import E6, AuxiliaryRow, DipCase, DipTables, Group, ProcedureType

E4, FEN = 10**4, 100


@dataclass(frozen=True, slots=True)
class DipOutcome:
    """What became of a case. `group` is None when it is ungrouped; `reason` says why in both cases."""

    setl_id: str
    reason: DipReason
    group: Group | None = None
    code: str | None = None
    """As in the catalogue, or rewritten where the pack rewrites comprehensive codes."""
    layer: str | None = None
    type: ProcedureType | None = None
    matched: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    main: str | None = None
    """The procedure that acted as principal, after exclusions."""
    auxiliary: AuxiliaryRow | None = None
    base_points_e4: int | None = None
    auxiliary_factor_e6: int = E6
    reference_cost_fen: Fraction | None = None
    is_blank: bool = False
    is_primary_care: bool = False
    """A primary-care group 「基层病种」, by layer or by flag: its own factor takes the hospital coefficient's place."""


class DipWalker:
    """The walk over one catalogue; keeps the row index between cases."""

    def __init__(self, tables: DipTables) -> None:
        self.tables = tables
        self.index = index_rows(tables)

    def walk(self, case: DipCase, log: Log | None = None) -> DipOutcome:
        """The group of one case."""
        log = log if log is not None else Log()
        prepared = prepare(self.tables, case)
        for what, code in prepared.notes:
            log.add(what, codes=(code,))
        if not prepared.principal:
            return self._none(prepared, DipReason.PRINCIPAL_DIAGNOSIS_EMPTY, log)
        if prepared.excluded_diagnosis:
            log.add("excluded_diagnosis", codes=(prepared.principal,))
            return self._none(prepared, DipReason.PRINCIPAL_DIAGNOSIS_EXCLUDED, log)
        if self.tables.is_chain:
            chosen = walk_chain(self.tables, self.index, prepared, log)
            chosen = None if chosen is None else self._with_reference(prepared, [chosen])[0]
        else:
            chosen = self._walk_flat(prepared, log)
        if chosen is None:
            return self._none(prepared, DipReason.NO_ROW_FITS, log)
        if chosen.auxiliary is not None:
            log.add("auxiliary_applied", "", chosen.code, chosen.group.row, (chosen.auxiliary.level,))
        log.add("chosen", chosen.layer, chosen.code, chosen.group.row)
        return _outcome(prepared, chosen, is_primary_care(self.tables, chosen.group))

    def _walk_flat(self, prepared: Prepared, log: Log) -> Candidate | None:
        tables = self.tables
        competing, basic, comprehensive = self._candidates(prepared, log)
        readd = tables.options.readd_basic
        together = any(layer.competes_with for layer in tables.layers)
        field = [*competing, *basic] if together else competing
        joining = basic if together else []
        one = choose_one(tables, prepared, field, joining, log)
        if one is not None and severity_level(self.index, one) is not None:
            left = wanted_severity(tables, self.index, prepared, field, log)
            one = choose_one(tables, prepared, left, joining, log)
        ones = [] if one is None else [one]
        again = basic if not together or readd == "before_final" else []
        for choice in tables.choices:
            if choice.preempt is not None and preempts(tables, prepared, [*ones, *again]):
                target = [c for c in comprehensive if c.layer == choice.layer and c.type is choice.op_type]
                if target:
                    log.add("preempted", choice.preempt, target[0].code, target[0].group.row)
                    return target[0]
        return final_pick(tables, self.index, prepared, [*ones, *again, *comprehensive], log)

    def _candidates(self, prepared: Prepared, log: Log) -> tuple[list[Candidate], list[Candidate], list[Candidate]]:
        """Core, primary-care and comprehensive candidates, each with its auxiliary row and reference cost."""
        core: list[Candidate] = []
        basic: list[Candidate] = []
        comprehensive: list[Candidate] = []
        basic_layer = primary_care_layer(self.tables)
        for layer in self.tables.layers:
            if layer.source == "core":
                core += by_diagnosis(self.tables, self.index, prepared, layer.name, log)
            elif layer.source == "basic":
                basic += by_diagnosis(self.tables, self.index, prepared, layer.name, log)
            elif layer.source == "comprehensive":
                found = by_type(self.tables, self.index, prepared, layer.name, log)
                (basic if layer.name == basic_layer else comprehensive).extend(found)
            elif layer.source == "fallback" and not comprehensive:
                comprehensive += by_letter(self.tables, self.index, prepared, layer.name, log)
        return (
            self._with_reference(prepared, core),
            self._with_reference(prepared, basic),
            self._with_reference(prepared, comprehensive),
        )

    def _with_reference(self, prepared: Prepared, candidates: list[Candidate]) -> list[Candidate]:
        """The candidates with the auxiliary row that applies and the reference cost 「模拟均费」.

            reference cost = points × K, points = auxiliary points × factor where one applies

        Primary-care rows use their own K × the row's own factor. A row whose code was rewritten has no auxiliary.
        """
        found = []
        for candidate in candidates:
            factor = self._cost_per_point(prepared, candidate.group)
            standard = reference_cost(candidate.group.base_points_e4, E6, factor)
            rows = self.index.auxiliary.get(candidate.code, []) if candidate.code == candidate.group.code else []
            row = choose_auxiliary(self.tables, prepared, rows, standard) if rows else None
            cost = standard if row is None else reference_cost(_points(candidate.group, row), row.factor_e6, factor)
            found.append(replace(candidate, auxiliary=row, reference_cost_fen=cost))
        return found

    def _cost_per_point(self, prepared: Prepared, group: Group) -> Fraction | None:
        case = prepared.case
        if group.layer == primary_care_layer(self.tables):
            k = case.basic_cost_factor_e6
            return None if k is None else Fraction(k, E6) * Fraction(basic_factor_e6(group), E6)
        return None if case.cost_factor_e6 is None else Fraction(case.cost_factor_e6, E6)

    def _none(self, prepared: Prepared, reason: DipReason, log: Log) -> DipOutcome:
        ungrouped = self.tables.ungrouped
        if ungrouped.mode == "blank_group" and reason is DipReason.NO_ROW_FITS:
            for group in self.tables.groups:
                if group.code == ungrouped.group_code:
                    log.add("blank_group", group_code=group.code, row=group.row)
                    return DipOutcome(
                        prepared.case.setl_id,
                        DipReason.BLANK_GROUP,
                        group,
                        group.code,
                        group.layer,
                        main=prepared.main,
                        base_points_e4=group.base_points_e4,
                        is_blank=True,
                    )
        log.add("ungrouped", codes=(reason.name,))
        return DipOutcome(prepared.case.setl_id, reason, main=prepared.main)


def reference_cost(points_e4: int | None, factor_e6: int | None, cost_per_point: Fraction | None) -> Fraction | None:
    """points × factor × K, in fen; None when one of them is unknown."""
    if points_e4 is None or factor_e6 is None or cost_per_point is None:
        return None
    return Fraction(points_e4, E4) * Fraction(factor_e6, E6) * cost_per_point * FEN


def _points(group: Group, row: AuxiliaryRow | None) -> int | None:
    return group.base_points_e4 if row is None or row.base_points_e4 is None else row.base_points_e4


def _outcome(prepared: Prepared, chosen: Candidate, is_primary_care: bool) -> DipOutcome:
    row = chosen.auxiliary
    return DipOutcome(
        prepared.case.setl_id,
        DipReason.GROUPED,
        chosen.group,
        chosen.code,
        chosen.layer,
        chosen.type,
        tuple(prepared.procedures[p] for p in chosen.matched),
        tuple(prepared.procedures[p] for p in chosen.unmatched),
        prepared.main,
        row,
        _points(chosen.group, row),
        E6 if row is None or row.factor_e6 is None else row.factor_e6,
        chosen.reference_cost_fen,
        is_primary_care=is_primary_care,
    )
