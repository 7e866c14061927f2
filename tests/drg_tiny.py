"""Tiny editions written as text, and one way to group: by walk and kernel at once, which must agree.

A condition reads `dx_main in B & age_days ..28 | has_mcc true`: clauses joined by `|`, tests by `&`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fixtures.compare_drg import Answer, answer_of_walk
from grouper.compile import compile_drg
from grouper.drg import group_batch
from grouper.encode import encode_cases
from grouper.prepared import PreparedWalker
from grouper.reference import Outcome, Walker
from grouper.tables import STANDARD_NUMERIC, Atom, Case, CodeList, DrgOptions, DrgTables, Node, NumericField

Branch = tuple[Any, ...]
"""(code, condition) or (code, condition, branches); the level follows from the depth and from a final `QY`."""


def edition(
    tree: Sequence[Branch],
    lists: Mapping[str, str],
    options: DrgOptions = DrgOptions(),
    numeric: Sequence[str] = (),
    **tables: Any,
) -> DrgTables:
    """An edition from a tree of codes and conditions; lists by name, `op:` or a text field before the codes' kind."""
    found: dict[str, CodeList] = {}
    for list_id, (name, codes) in enumerate(lists.items()):
        kind, _, rest = codes.partition(":")
        found[name] = CodeList(list_id, kind, name, tuple(rest.split()))
    nodes: list[Node] = []
    atoms: list[Atom] = []
    _grow(tree, None, nodes, atoms, found)
    return DrgTables(
        nodes=tuple(nodes),
        atoms=tuple(atoms),
        lists={found_list.list_id: found_list for found_list in found.values()},
        complications=tables.pop("complications", {}),
        exclusion_of=tables.pop("exclusion_of", {}),
        sites=tables.pop("sites", {}),
        numeric=(*STANDARD_NUMERIC, *(NumericField(name, "1", name) for name in numeric)),
        options=options,
        **tables,
    )


def _grow(
    tree: Sequence[Branch], parent: int | None, nodes: list[Node], atoms: list[Atom], lists: Mapping[str, CodeList]
) -> None:
    for seq, (code, condition, *below) in enumerate(tree):
        node_id = len(nodes)
        under = nodes[parent].level if parent is not None else None
        level = "MDC" if under is None else "DRG" if under == "ADRG" else "QY" if code.endswith("QY") else "ADRG"
        nodes.append(Node(node_id, parent, level, seq, code))
        clauses = condition.split(" | ") if condition else []
        for clause, text in enumerate(clauses):
            atoms += [_atom(node_id, clause, at, words, lists) for at, words in enumerate(text.split(" & "))]
        _grow(below[0] if below else (), node_id, nodes, atoms, lists)


def _atom(node_id: int, clause: int, at: int, text: str, lists: Mapping[str, CodeList]) -> Atom:
    var, op, *rest = text.split()
    if op in ("true", "false"):
        return Atom(node_id, clause, at, var, op)
    list_id = lists[rest[0]].list_id if op in ("in", "notin", "count") else None
    if op in ("in", "notin"):
        return Atom(node_id, clause, at, var, op, list_id)
    low, _, high = (rest[1] if op == "count" else op).partition("..")
    bounds = (int(low) if low else None, int(high) if high else None)
    return Atom(node_id, clause, at, var, "count" if op == "count" else "range", list_id, *bounds)


def record(
    diagnoses: str = "", procedures: str = "", text: Mapping[str, str | None] | None = None, **numbers: Any
) -> Case:
    """A record: codes parted by blanks, `_` an empty slot; an adult woman unless the numbers say otherwise."""
    base = {"gender": 2, "age_years": 40, "age_days": None, "birth_weight_g": None, "los_days": 5, "icu_hours": None}
    slots = [tuple("" if code == "_" else code for code in codes.split()) for codes in (diagnoses, procedures)]
    return Case("T", slots[0], slots[1], {**base, **numbers}, dict(text or {}))


def group(tables: DrgTables, case: Case) -> Outcome:
    """The answer of walk and kernel, which must be the same."""
    return group_all(tables, [case])[0]


def group_all(tables: DrgTables, cases: Sequence[Case]) -> list[Outcome]:
    """Many records in one batch."""
    walker, compiled = Walker(tables), compile_drg(tables)
    batch = encode_cases(compiled, cases)
    grouped = group_batch(compiled, batch)
    outcomes = [walker.walk(case) for case in cases]
    prepared = PreparedWalker(tables)
    assert outcomes == [prepared.walk(case) for case in cases]
    for number, (case, outcome) in enumerate(zip(cases, outcomes, strict=True)):
        leaf = int(grouped.leaf[number])
        kernel = Answer(
            int(grouped.status[number]),
            int(grouped.reason[number]),
            compiled.leaf_node[leaf] if leaf >= 0 else None,
            int(grouped.severity[number]),
            tuple(grouped.dx_mark[batch.dx_offsets[number] : batch.dx_offsets[number + 1]].tolist()),
            int(grouped.op_used[number]),
        )
        assert kernel == answer_of_walk(outcome), case
        if leaf >= 0:
            codes = (compiled.leaf_mdc[leaf], compiled.leaf_adrg[leaf], compiled.leaf_code[leaf])
            assert codes == (outcome.mdc, outcome.adrg, outcome.drg)
    return outcomes
