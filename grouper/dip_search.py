"""Where candidates come from 「候选病种」: by diagnosis and procedures, by category and type, or the last resort.

In: DipTables, its row index, a prepared record, a layer; out: the candidates of that layer, in catalogue order.
One function per kind of source; which kinds a catalogue has is its `layer` table.
It ranks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from grouper.dip_log import Log
from grouper.dip_match import Candidate, admits, as_candidate, fit_main, fit_row
from grouper.dip_normalise import CONSERVATIVE, Prepared
from grouper.dip_tables import E6, AuxiliaryRow, DipTables, Group, ProcedureType
from grouper.dip_terms import in_diagnoses, keys, plain_key

TOP_LEVEL = 3
"""Procedure levels above this count as it 「四级按三级」 where comprehensive rows are split by level."""


@dataclass(frozen=True)
class RowIndex:
    """Rows by where they are looked for, each list in catalogue order. Built once per catalogue."""

    by_key: dict[tuple[str, str], list[Group]]
    """(layer, key) → rows found by diagnosis and procedures."""
    by_scan: dict[str, list[Group]]
    """layer → rows whose diagnosis cell is a range, a list, any, or looked for at any place."""
    by_category: dict[tuple[str, str, ProcedureType], list[Group]]
    """(layer, category of 1–3 characters, type) → comprehensive rows."""
    by_range: dict[tuple[str, ProcedureType], list[Group]]
    by_letter: dict[tuple[str, str], list[Group]]
    in_order: dict[str, list[Group]]
    """layer → rows of pre-groups, which are tried one after the other."""
    auxiliary: dict[str, list[AuxiliaryRow]]


def index_rows(tables: DipTables) -> RowIndex:
    """The catalogue's rows by key, category, range and letter; the blank group stands in none of them."""
    index = RowIndex({}, {}, {}, {}, {}, {}, {})
    pre_groups = {layer.name for layer in tables.layers if layer.source == "xq"}
    for group in tables.groups:
        if group.code == tables.ungrouped.group_code:
            continue
        terms = group.diagnosis.terms
        if group.layer in pre_groups:
            index.in_order.setdefault(group.layer, []).append(group)
        elif group.op_type is not None:
            for term in terms:
                if term.kind == "range":
                    index.by_range.setdefault((group.layer, group.op_type), []).append(group)
                else:
                    index.by_category.setdefault((group.layer, term.lo, group.op_type), []).append(group)
                    index.by_letter.setdefault((group.layer, term.lo), []).append(group)
        elif group.dx_position == "principal" and terms and all(term.kind == "code" for term in terms):
            for key in dict.fromkeys(plain_key(term.lo) for term in terms):
                index.by_key.setdefault((group.layer, key), []).append(group)
        else:
            index.by_scan.setdefault(group.layer, []).append(group)
    for row in tables.auxiliary:
        index.auxiliary.setdefault(row.group_code, []).append(row)
    return index


def primary_care_layer(tables: DipTables) -> str | None:
    """The name of the layer of primary-care groups 「基层病种」, if the catalogue has one."""
    return next((layer.name for layer in tables.layers if layer.source == "basic"), None)


def is_primary_care(tables: DipTables, group: Group) -> bool:
    """Whether the row is a primary-care group: of that layer, or flagged as the national scheme does."""
    return group.is_basic or group.layer == primary_care_layer(tables)


def basic_factor_e6(group: Group) -> int:
    """The row's own factor 「基层系数」; 1 where it gives none."""
    return E6 if group.basic_factor_e6 is None else group.basic_factor_e6


def by_diagnosis(tables: DipTables, index: RowIndex, prepared: Prepared, layer: str, log: Log) -> list[Candidate]:
    """Rows of the diagnosis whose procedures the record satisfies; failing that, its row without procedures.

    The longest key with a fitting row wins (full code, 亚目, 类目, then ranges and lists). The row without procedures
    「保守治疗」 is open only to conservative cases: the first one, or all of them (options.empty_rows).
    """
    for rows in _rows_by_level(tables, index, prepared, layer):
        open_rows = [group for group in rows if admits(tables, prepared, group)]
        found = _satisfied(tables, prepared, [group for group in open_rows if group.main is not None], log)
        if not found and prepared.is_conservative:
            empty = [as_candidate(tables, prepared, group) for group in open_rows if group.main is None]
            found = empty if tables.options.empty_rows == "all" else empty[:1]
        if found:
            for candidate in found:
                log.add("considered", layer, candidate.code, candidate.group.row, _matched(prepared, candidate))
            return found
    log.add("layer_empty", layer)
    return []


def _rows_by_level(tables: DipTables, index: RowIndex, prepared: Prepared, layer: str) -> list[list[Group]]:
    levels = [index.by_key.get((layer, key), []) for key in keys(tables.options.dx_levels, prepared.principal)]
    scanned = [
        group
        for group in index.by_scan.get(layer, [])
        if group.dx_position == "principal" and in_diagnoses(tables, group.diagnosis, prepared.principal)
    ]
    return [*levels, scanned]


def _satisfied(tables: DipTables, prepared: Prepared, rows: Sequence[Group], log: Log) -> list[Candidate]:
    found = []
    for group in rows:
        candidate = fit_row(tables, prepared, group)
        if candidate is None:
            log.add("not_satisfied", group.layer, group.code, group.row)
        else:
            found.append(candidate)
    if tables.options.related_mismatch == "no_match" and len(prepared.procedures) > 1:
        return _without_fallback(tables, prepared, rows, found)
    return found


def _without_fallback(
    tables: DipTables, prepared: Prepared, rows: Sequence[Group], found: list[Candidate]
) -> list[Candidate]:
    """No row without related cell for a case whose related procedures miss the cells of its siblings."""
    asks = any(group.related is not None and fit_main(tables, prepared, group) is not None for group in rows)
    met = any(candidate.group.related is not None for candidate in found)
    return [c for c in found if c.group.related is not None] if asks and not met else found


def by_type(tables: DipTables, index: RowIndex, prepared: Prepared, layer: str, log: Log) -> list[Candidate]:
    """Comprehensive rows 「综合病种」 by category and the case's type: the exact key first, then the first range row.

    Keys are the first 3, 2 and 1 characters of the principal diagnosis; the first with a row of the type wins. Where
    its rows are split by procedure level, only the row of the first procedure's level stays and no range row is added.
    """
    wanted = type_for_comprehensive(tables, prepared)
    exact: list[Group] = []
    for width in (3, 2, 1):
        exact = index.by_category.get((layer, prepared.principal[:width], wanted), [])
        if exact:
            break
    if any(group.op_level is not None for group in exact):
        level = _level_of_first(tables, prepared)
        rows = [group for group in exact if level is not None and group.op_level == level][:1]
    else:
        in_range = [g for g in index.by_range.get((layer, wanted), []) if range_holds(g, prepared.principal)]
        rows = [*exact[:1], *in_range[:1]]
    found = [_comprehensive(tables, prepared, group) for group in rows]
    log.add("case_type", layer, codes=(wanted.name,))
    for candidate in found:
        log.add("considered", layer, candidate.code, candidate.group.row)
    if not found:
        log.add("layer_empty", layer)
    return found


def by_letter(tables: DipTables, index: RowIndex, prepared: Prepared, layer: str, log: Log) -> list[Candidate]:
    """The last resort 「保底组」: the first comprehensive row of the diagnosis letter, whatever its type."""
    rows = index.by_letter.get((layer, prepared.principal[:1]), [])[:1]
    found = [_comprehensive(tables, prepared, group) for group in rows]
    for candidate in found:
        log.add("considered", f"{layer} fallback", candidate.code, candidate.group.row)
    return found


def type_for_comprehensive(tables: DipTables, prepared: Prepared) -> ProcedureType:
    """The type comprehensive rows are looked up by: the highest, or that of the first procedure (options.type_from)."""
    if tables.options.type_from == "max":
        return prepared.case_type
    return (prepared.types[0] if prepared.main is not None else None) or CONSERVATIVE


def _level_of_first(tables: DipTables, prepared: Prepared) -> int | None:
    known = tables.procedures.get(prepared.main) if prepared.main is not None else None
    return None if known is None or known.level is None else min(known.level, TOP_LEVEL)


def range_holds(group: Group, principal: str) -> bool:
    """Whether a range of the row holds the diagnosis, compared on as many characters as the range has."""
    return any(t.kind == "range" and t.lo <= principal[: len(t.lo)] <= t.hi for t in group.diagnosis.terms)


def _comprehensive(tables: DipTables, prepared: Prepared, group: Group) -> Candidate:
    candidate = as_candidate(tables, prepared, group)
    if tables.options.comprehensive_code == "category_for_range":
        return replace(candidate, code=rewritten_code(group, prepared.principal))
    return candidate


def rewritten_code(group: Group, principal: str) -> str:
    """The row's code with its range replaced by the case's category: `N00-N99:相关手术` → `N69:相关手术`."""
    text = _range_text(group)
    return group.code.replace(text, principal[:3], 1) if text else group.code


def has_range_in_code(group: Group) -> bool:
    """Whether comprehensive_code = category_for_range rewrites the row's code."""
    text = _range_text(group)
    return bool(text) and text in group.code


def _range_text(group: Group) -> str:
    if group.op_type is None:
        return ""
    return next((f"{term.lo}-{term.hi}" for term in group.diagnosis.terms if term.kind == "range"), "")


def _matched(prepared: Prepared, candidate: Candidate) -> tuple[str, ...]:
    return tuple(prepared.procedures[p] for p in candidate.matched)
