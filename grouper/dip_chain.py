"""The ordered rule chain of DIP 3.0 「先期分组→并项→辅助细分→基本→综合」.

In: DipTables, its row index, a prepared record; out: one candidate or none.
Sections are tried in the order of the layer table; the first with a fitting row decides, and only inside a section
rows compete. Exclusions are already applied. It pays nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from grouper.dip_log import Log
from grouper.dip_match import Candidate, admits, fit_row
from grouper.dip_normalise import Prepared
from grouper.dip_search import RowIndex, by_diagnosis, by_letter, by_type
from grouper.dip_tables import DipTables, Group
from grouper.dip_terms import in_diagnoses, term_has_procedure


def walk_chain(tables: DipTables, index: RowIndex, prepared: Prepared, log: Log) -> Candidate | None:
    """The row of the first section that has one; a row that fits by a base code gives way to one that names the code.

    A base code such as 39.9500 stands for its extensions (options.ext_code_rule). When the chosen row needs that, and
    another row, of whichever section, fits by the very extensions it took, that one is meant.
    """
    chosen = _walk_sections(tables, index, prepared, log)
    if chosen is None or tables.options.ext_code_rule == "exact":
        return chosen
    exact = replace(tables, options=replace(tables.options, ext_code_rule="exact"))
    stood_for = _taken_by_base(exact, prepared, chosen)
    if not stood_for:
        return chosen
    named = _walk_sections(exact, index, prepared, Log())
    if named is None or not stood_for <= set(named.matched):
        return chosen
    log.add("dropped_by_rule", "ext_code_rule", chosen.code, chosen.group.row)
    log.add("rule_decides", "ext_code_rule", named.code, named.group.row)
    return named


def _taken_by_base(exact: DipTables, prepared: Prepared, chosen: Candidate) -> set[int]:
    """Places the row matches only because a base code stands for an extension, if it could not fit without them."""
    if chosen.group.op_type is not None:
        return set()
    strict = fit_row(exact, prepared, chosen.group, exact.options.xq_position == "any")
    if strict is not None:
        return set()
    terms = [t for expr in (chosen.group.main, chosen.group.related) if expr is not None for t in expr.terms]
    codes = prepared.procedures
    return {p for p in chosen.matched if not any(term_has_procedure(exact, t, codes[p]) for t in terms)}


def _walk_sections(tables: DipTables, index: RowIndex, prepared: Prepared, log: Log) -> Candidate | None:
    for layer in tables.layers:
        if layer.source == "xq":
            found = _pre_groups(tables, index, prepared, layer.name, log)[:1]
        elif layer.source == "comprehensive":
            found = by_type(tables, index, prepared, layer.name, log)[:1]
        elif layer.source == "fallback":
            found = by_letter(tables, index, prepared, layer.name, log)
        else:
            found = several_rows_fit(tables, by_diagnosis(tables, index, prepared, layer.name, log), log)
        if found:
            return found[0]
    return None


def several_rows_fit(tables: DipTables, found: Sequence[Candidate], log: Log) -> list[Candidate]:
    """The row whose widest satisfied combination asks for the most procedures, the first on ties; or just the first."""
    if len(found) <= 1 or tables.options.several_rows_fit == "first_row":
        return list(found[:1])
    best = max(candidate.specificity for candidate in found)
    kept = [candidate for candidate in found if candidate.specificity == best]
    for candidate in found:
        if candidate is not kept[0]:
            rule = "most_specific" if candidate.specificity < best else "row_order"
            log.add("dropped_by_rule", rule, candidate.code, candidate.group.row)
    log.add("rule_decides", "most_specific", kept[0].code, kept[0].group.row)
    return kept[:1]


def _pre_groups(tables: DipTables, index: RowIndex, prepared: Prepared, layer: str, log: Log) -> list[Candidate]:
    """Rows of 「先期分组」 that fit, in their own order; an empty procedure cell asks for nothing here."""
    any_position = tables.options.xq_position == "any"
    found = []
    for group in index.in_order.get(layer, []):
        if not _diagnosis_holds(tables, prepared, group) or not admits(tables, prepared, group):
            continue
        candidate = fit_row(tables, prepared, group, any_position)
        if candidate is not None:
            log.add(
                "considered", layer, candidate.code, group.row, tuple(prepared.procedures[p] for p in candidate.matched)
            )
            found.append(candidate)
    if not found:
        log.add("layer_empty", layer)
    return found


def _diagnosis_holds(tables: DipTables, prepared: Prepared, group: Group) -> bool:
    """Whether the row's diagnosis cell holds, at the principal place or at any (options.p07_position)."""
    anywhere = group.dx_position == "any" and tables.options.p07_position == "any"
    codes = (prepared.principal, *prepared.others) if anywhere else (prepared.principal,)
    return any(in_diagnoses(tables, group.diagnosis, code) for code in codes)
