"""What must be true of an edition's tables before they are walked or compiled.

In: DrgTables; out: nothing, or `TablesError` that names node, atom and what is allowed.
The pack loader and linter speak in files and lines; this is the last guard before code that has no bounds checks.
It judges form only, never whether the rules make medical sense.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from grouper.tables import COUNT_VARS, DX_VARS, FLAG_VARS, LEVELS, NULL_I32, OP_VARS, Atom, DrgTables, Node

MAX_SITES = 16
MAX_I32 = 2**31 - 1
LEAF_LEVELS = ("DRG", "QY")
PARENT_LEVEL = {"MDC": None, "ADRG": "MDC", "QY": "MDC", "DRG": "ADRG"}
CHECKED_NUMBERS = ("gender", "age_years", "age_days", "birth_weight_g")
"""Numbers the checks before grouping look at; every edition declares them."""


class TablesError(ValueError):
    """The tables cannot be used as they are; the text says where and what is allowed."""


def check_tables(tables: DrgTables) -> None:
    """Raise `TablesError` at the first thing that could not be evaluated."""
    _check_tree(tables.nodes)
    _check_fields(tables)
    node_ids = {node.node_id for node in tables.nodes}
    allowed = dict(_allowed_ops(tables))
    for atom in tables.atoms:
        where = f"node {atom.node_id}, clause {atom.clause}, atom {atom.atom}"
        if atom.node_id not in node_ids:
            raise TablesError(f"{where}: no such node. Remove the condition or add the node.")
        _check_atom(tables, atom, where, allowed)


def _check_tree(nodes: tuple[Node, ...]) -> None:
    by_id: dict[int, Node] = {}
    for node in nodes:
        if node.node_id in by_id:
            raise TablesError(f"node {node.node_id} stands twice. Node ids must be unique.")
        if node.level not in LEVELS:
            raise TablesError(f"node {node.node_id}: level {node.level!r}. Allowed: {', '.join(LEVELS)}.")
        if node.level in LEAF_LEVELS and len(node.code) < (3 if node.level == "DRG" else 1):
            raise TablesError(f"node {node.node_id}: code {node.code!r} is too short for a {node.level} node.")
        by_id[node.node_id] = node
    for node in nodes:
        parent = by_id.get(node.parent_id) if node.parent_id is not None else None
        if node.parent_id is not None and parent is None:
            raise TablesError(f"node {node.node_id}: parent {node.parent_id} does not exist.")
        if (parent.level if parent is not None else None) != PARENT_LEVEL[node.level]:
            wanted = PARENT_LEVEL[node.level] or "nothing"
            raise TablesError(f"node {node.node_id}: a {node.level} node must stand under {wanted}.")


def _check_fields(tables: DrgTables) -> None:
    names = [field.name for field in tables.numeric]
    missing = [name for name in CHECKED_NUMBERS if name not in names]
    if missing:
        raise TablesError(f"numeric fields lack {', '.join(missing)}. Every edition declares them.")
    reserved = {*DX_VARS, *OP_VARS, *FLAG_VARS, *COUNT_VARS}
    for name in (*names, *tables.text_fields):
        if name in reserved or [*names, *tables.text_fields].count(name) > 1:
            raise TablesError(f"field {name!r} is declared twice or is a name of the rule language.")
    if len(set(tables.sites.values())) > MAX_SITES:
        raise TablesError(f"{len(set(tables.sites.values()))} body sites; at most {MAX_SITES} are supported.")
    for code, (level, _) in tables.complications.items():
        if level not in ("MCC", "CC"):
            raise TablesError(f"complication {code}: level {level!r}. Allowed: MCC, CC.")


def _check_atom(tables: DrgTables, atom: Atom, where: str, allowed: Mapping[str, tuple[str, ...]]) -> None:
    if atom.var not in allowed:
        raise TablesError(f"{where}: unknown variable {atom.var!r}. Allowed: {', '.join(allowed)}.")
    if atom.op not in allowed[atom.var]:
        raise TablesError(f"{where}: {atom.var} cannot be tested by {atom.op!r}. Allowed: {allowed[atom.var]}.")
    if atom.op in ("in", "notin", "count"):
        kind = "dx" if atom.var in DX_VARS else "op" if atom.var in OP_VARS else atom.var
        found = tables.lists.get(atom.list_id) if atom.list_id is not None else None
        if found is None:
            raise TablesError(f"{where}: list {atom.list_id} does not exist.")
        if found.kind != kind:
            raise TablesError(f"{where}: list {atom.list_id} holds {found.kind} codes, {atom.var} needs {kind}.")
    for bound in (atom.lo, atom.hi):
        if bound is not None and not NULL_I32 < bound <= MAX_I32:
            raise TablesError(f"{where}: bound {bound} does not fit 32 bits.")


def _allowed_ops(tables: DrgTables) -> Iterator[tuple[str, tuple[str, ...]]]:
    for var in (*DX_VARS, *OP_VARS):
        yield var, ("in", "notin", "count")
    for var in tables.text_fields:
        yield var, ("in", "notin")
    for var in FLAG_VARS:
        yield var, ("true", "false")
    for var in (*COUNT_VARS, *(field.name for field in tables.numeric)):
        yield var, ("range",)
