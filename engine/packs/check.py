"""The tables of a DRG pack held against each other: tree, conditions, lists, complications, maps.

In: tables that are sound one by one, and the header; out: problems, each with table row and advice.
What is judged here makes a pack unusable: a dangling id, a cycle, a range that no number can meet. Rules that are
usable but doubtful are the linter's. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.packs.errors import Problems, nearest
from engine.packs.meta import Header
from engine.packs.read_tables import Table
from engine.packs.schema import ALWAYS_NEEDED
from grouper.check import MAX_SITES
from grouper.tables import DX_VARS, FLAG_VARS, LEVELS, NULL_I32, OP_VARS, STANDARD_TEXT

PARENT_OF = {"MDC": None, "ADRG": "MDC", "QY": "MDC", "DRG": "ADRG"}
"""level → the level its parent must have: QY is a sibling of the ADRGs."""

OPS_OF = {
    **dict.fromkeys((*DX_VARS, *OP_VARS), ("in", "notin", "count")),
    **dict.fromkeys(STANDARD_TEXT, ("in", "notin")),
    **dict.fromkeys(FLAG_VARS, ("true", "false")),
}
"""variable → operators; every numeric variable knows `range` alone."""


def kind_of_list(var: str) -> str:
    """The kind of list a variable is compared with: dx, op, or the name of the text field."""
    return "dx" if var in DX_VARS else "op" if var in OP_VARS else var


def check_present(tables: Mapping[str, Table], header: Header, problems: Problems) -> None:
    """Tables that must be there: the four of the tree, and those a rule or an option speaks of."""
    because = dict.fromkeys(ALWAYS_NEEDED, "every pack needs it")
    variables = set(tables["rule_conds"].columns["var"]) if "rule_conds" in tables else set()
    if variables & set(FLAG_VARS):
        because |= dict.fromkeys(("cc", "cc_excl"), "rules ask for has_mcc or has_cc")
    if "n_sites" in variables:
        because["trauma_sites"] = "a rule asks for n_sites"
    if header.options.code_mapping:
        because |= dict.fromkeys(("dx_map", "op_map"), "code_mapping is true")
    broken = {problem.where.split(":")[0].split(" ")[0].rsplit(".", 1)[0] for problem in problems.found}
    for stem, reason in because.items():
        if stem not in tables and stem not in broken:
            text = f"table {stem} is missing ({reason}); put {stem}.csv or {stem}.parquet beside it."
            problems.add("table.missing", problems.pack, text)
    for stem, rows in header.rows_expected.items():
        if stem in tables and tables[stem].height != rows:
            text = f"{tables[stem].height} rows where pack.json says {rows}; copy the table again or correct `rows`."
            problems.add("table.rows", tables[stem].file, text)


def check_tree(nodes: Table, problems: Problems) -> None:
    """The tree MDC → ADRG → DRG, QY beside the ADRGs: ids once, parents of the right level, no cycle, seq once."""
    rows = list(nodes.rows("node_id", "parent_id", "level", "seq"))
    for row, (level, code) in enumerate(nodes.rows("level", "code")):
        if level == "DRG" and len(code) < 3:
            text = f"code {code!r} of a DRG; it needs the three letters of its ADRG, and mostly one more."
            problems.add("node.code", nodes.at(row), text)
    first: dict[int, int] = {}
    for row, (node, _, level, _) in enumerate(rows):
        if node in first:
            text = f"node {node} stands already at {nodes.at(first[node])}; give it another number."
            problems.add("node.duplicate", nodes.at(row), text)
        first.setdefault(node, row)
        if level not in LEVELS:
            text = f"level {level!r} of node {node}.{nearest(level, LEVELS)} Allowed: {', '.join(LEVELS)}."
            problems.add("node.level", nodes.at(row), text)
    parent = {node: up for node, up, _, _ in rows}
    in_cycle = _report_cycles(nodes, parent, first, problems)
    seqs: dict[tuple[int | None, int], int] = {}
    for row, (node, up, level, seq) in enumerate(rows):
        wanted = PARENT_OF.get(level)
        if up is not None and up not in first:
            text = f"parent {up} of node {node} does not exist; name a node of level {wanted} or leave it empty."
            problems.add("node.parent", nodes.at(row), text)
        elif level in LEVELS and node not in in_cycle:
            found = None if up is None else rows[first[up]][2]
            if found != wanted:
                has = "no parent" if up is None else f"parent {up} of level {found}"
                text = f"node {node} of level {level} has {has}; it needs {wanted or 'none'}."
                problems.add("node.parent", nodes.at(row), text)
        if (up, seq) in seqs:
            text = f"seq {seq} under parent {up} is taken at {nodes.at(seqs[up, seq])}; the order must be certain."
            problems.add("node.seq", nodes.at(row), text)
        seqs.setdefault((up, seq), row)
    if not any(level == "DRG" for _, _, level, _ in rows):
        problems.add("node.level", nodes.file, "no node of level DRG: nothing could ever be grouped. Add the leaves.")


def _report_cycles(
    nodes: Table, parent: Mapping[int, int | None], row_of: Mapping[int, int], problems: Problems
) -> set[int]:
    in_cycle: set[int] = set()
    safe: set[int] = set()
    for start in parent:
        path: dict[int, None] = {}
        node: int | None = start
        while node is not None and node not in path and node not in safe:
            path[node] = None
            node = parent.get(node)
        if node is not None and node in path and node not in in_cycle:
            ring = list(path)[list(path).index(node) :]
            in_cycle.update(ring)
            shown = " → ".join(map(str, [*ring, node]))
            problems.add("node.cycle", nodes.at(row_of[node]), f"nodes are their own ancestors: {shown}; cut the ring.")
        safe.update(path)
    return in_cycle


def check_lists(meta: Table, codes: Table, problems: Problems) -> dict[int, str]:
    """List ids once, kinds known, every code row in a defined list. Returns list id → kind."""
    kinds_allowed = ("dx", "op", *STANDARD_TEXT)
    kinds: dict[int, str] = {}
    for row, (list_id, kind) in enumerate(meta.rows("list_id", "kind")):
        if list_id in kinds:
            problems.add("list.duplicate", meta.at(row), f"list {list_id} is defined twice; keep one row.")
        if kind not in kinds_allowed:
            text = (
                f"list {list_id} has kind {kind!r}.{nearest(kind, kinds_allowed)} Allowed: {', '.join(kinds_allowed)}."
            )
            problems.add("list.kind", meta.at(row), text)
        kinds[list_id] = kind
    ids = codes.columns["list_id"]
    for list_id in sorted(set(ids) - set(kinds)):
        text = f"list {list_id} is not in {meta.file}; define it there or remove its {ids.count(list_id)} codes."
        problems.add("list.dangling", codes.at(ids.index(list_id)), text)
    if "n_codes" in meta.columns:
        counts: dict[int, int] = {}
        for list_id in ids:
            counts[list_id] = counts.get(list_id, 0) + 1
        for row, (list_id, said) in enumerate(meta.rows("list_id", "n_codes")):
            if counts.get(list_id, 0) != said:
                text = (
                    f"list {list_id} says {said} codes and has {counts.get(list_id, 0)}; correct n_codes or the list."
                )
                problems.add("list.count", meta.at(row), text)
    return kinds


def check_conditions(
    conds: Table, node_ids: set[int], kinds: Mapping[int, str], numeric: tuple[str, ...], problems: Problems
) -> None:
    """Every atom: a known node, a known variable, an operator it knows, an operand that exists and can be met."""
    seen: dict[tuple[int, int, int], int] = {}
    names = ("node_id", "clause", "atom", "var", "op", "list_id", "lo", "hi")
    for row, (node, clause, atom, var, op, list_id, lo, hi) in enumerate(conds.rows(*names)):
        where = conds.at(row)
        if node not in node_ids:
            problems.add("cond.node", where, f"node {node} does not exist; correct node_id or remove the row.")
        if (node, clause, atom) in seen:
            text = f"node {node} clause {clause} atom {atom} stands already at {conds.at(seen[node, clause, atom])}."
            problems.add("cond.duplicate", where, f"{text} Number the atoms of a clause 0, 1, 2 …")
        seen.setdefault((node, clause, atom), row)
        if var not in OPS_OF and var not in numeric:
            allowed = (*OPS_OF, *numeric)
            text = f"unknown variable {var!r}.{nearest(var, allowed)} Allowed: {', '.join(allowed)}."
            problems.add("cond.var", where, f"{text} Another number is declared in pack.toml as [[numeric]].")
            continue
        ops = OPS_OF.get(var, ("range",))
        if op not in ops:
            problems.add("cond.op", where, f"{var} does not know {op!r}. Allowed for {var}: {', '.join(ops)}.")
            continue
        _check_operand(where, var, op, list_id, lo, hi, kinds, problems)


def _check_operand(
    where: str,
    var: str,
    op: str,
    list_id: int | None,
    lo: int | None,
    hi: int | None,
    kinds: Mapping[int, str],
    problems: Problems,
) -> None:
    takes_list, takes_bounds = op in ("in", "notin", "count"), op in ("range", "count")
    if takes_list and list_id is None:
        problems.add("cond.operand", where, f"{var} {op} has no list_id; name the list.")
    elif takes_list and list_id not in kinds:
        problems.add(
            "list.dangling", where, f"list {list_id} of {var} {op} is not in list_meta; define it or correct it."
        )
    elif takes_list and list_id is not None and kinds[list_id] != kind_of_list(var):
        text = f"{var} {op} list {list_id} of kind {kinds[list_id]}; it needs a list of kind {kind_of_list(var)}."
        problems.add("list.kind", where, text)
    elif not takes_list and list_id is not None:
        problems.add("cond.operand", where, f"{var} {op} takes no list; remove list_id {list_id}.")
    if not takes_bounds and (lo is not None or hi is not None):
        problems.add("cond.operand", where, f"{var} {op} takes no bounds; remove lo and hi.")
    elif lo is not None and hi is not None and lo > hi:
        text = f"{var} from {lo} to {hi}: no number is both; both ends are inclusive, swap or correct them."
        problems.add("cond.range", where, text)
    elif NULL_I32 in (lo, hi):
        problems.add("cond.range", where, f"{var}: the bound {NULL_I32} is reserved; leave an open end empty.")
    elif op == "count" and lo is None and hi is None:
        problems.add("cond.operand", where, f"{var} count has neither lo nor hi; say how many codes are asked for.")


def check_sites(sites: Table, problems: Problems) -> None:
    """Not more body sites than the grouper can count."""
    found = sorted(set(sites.columns["site"]))
    if len(found) > MAX_SITES:
        text = f"{len(found)} different sites; at most {MAX_SITES}. Spell each site in one way: {', '.join(found)}."
        problems.add("site.many", sites.file, text)


def unique_pairs(table: Table, key: str, value: str, kind: str, problems: Problems) -> dict[str, Any]:
    """key → value of a two-column table; one key with two values is a problem, the same row twice is not."""
    pairs: dict[str, Any] = dict(table.rows(key, value))
    if len(pairs) < table.height:
        first: dict[str, tuple[Any, int]] = {}
        for row, (name, found) in enumerate(table.rows(key, value)):
            before = first.setdefault(name, (found, row))
            if before[0] != found:
                text = (
                    f"{key} {name!r} has {value} {before[0]!r} at {table.at(before[1])} and {found!r} here; keep one."
                )
                problems.add(kind, table.at(row), text)
    return dict(sorted(pairs.items()))
