"""Hypothesis strategies: small random editions that use the whole rule language, and records that meet them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from grouper.tables import STANDARD_NUMERIC, Atom, Case, CodeList, DrgOptions, DrgTables, Node, NumericField

DX = ("D1", "D2", "D3", "D4", "D5")
OP = ("O1", "O2", "O3", "O4")
DEPTS = ("A", "B")
NUMBERS = ("gender", "age_years", "age_days", "birth_weight_g", "los_days", "vent_hours", "n_dx", "n_op", "n_sites")
LISTS = {"dx": range(4), "op": range(4, 8), "dept": range(8, 10)}
bounds = st.one_of(st.none(), st.integers(-1, 4))


@st.composite
def atoms(draw: st.DrawFn, node_id: int, clause: int, at: int) -> Atom:
    kind = draw(st.sampled_from(("dx", "dx", "op", "op", "dept", "number", "flag", "count")))
    if kind == "number":
        var = draw(st.sampled_from(NUMBERS))
        return Atom(node_id, clause, at, var, "range", None, draw(bounds), draw(bounds))
    if kind == "flag":
        var = draw(st.sampled_from(("has_mcc", "has_cc")))
        return Atom(node_id, clause, at, var, draw(st.sampled_from(("true", "false"))))
    if kind == "count":
        kind = draw(st.sampled_from(("dx", "op")))
        var = f"{kind}_{draw(st.sampled_from(('main', 'any', 'other')))}"
        return Atom(node_id, clause, at, var, "count", draw(st.sampled_from(LISTS[kind])), draw(bounds), draw(bounds))
    var = kind if kind == "dept" else f"{kind}_{draw(st.sampled_from(('main', 'main', 'any', 'other')))}"
    op = draw(st.sampled_from(("in", "in", "in", "notin")))
    return Atom(node_id, clause, at, var, op, draw(st.sampled_from(LISTS[kind])))


@st.composite
def editions(draw: st.DrawFn, retry: bool | None = None) -> DrgTables:
    """MDCs, ADRGs, QY nodes and DRGs in any number, with up to two clauses of up to three tests each."""
    lists = {}
    for kind, codes in (("dx", DX), ("op", OP), ("dept", DEPTS)):
        for list_id in LISTS[kind]:
            chosen = draw(st.sets(st.sampled_from(codes)))
            name = "valid_ops" if list_id == LISTS["op"][0] else None
            lists[list_id] = CodeList(list_id, kind, name, tuple(sorted(chosen)))
    nodes: list[Node] = []
    tests: list[Atom] = []

    def grow(parent: int | None, level: str, code: str) -> int:
        node_id = len(nodes)
        nodes.append(Node(node_id, parent, level, draw(st.integers(0, 2)), code))
        for clause in range(draw(st.sampled_from((0, 1, 1, 1, 2)))):
            tests.extend(draw(atoms(node_id, clause, at)) for at in range(draw(st.integers(1, 3))))
        return node_id

    for letter in draw(st.sampled_from(("B", "BC", "BCD"))):
        mdc = grow(None, "MDC", f"MDC{letter}")
        for number in range(draw(st.integers(0, 3))):
            if draw(st.integers(0, 4)) == 0:
                grow(mdc, "QY", f"{letter}QY")
                continue
            adrg = grow(mdc, "ADRG", f"{letter}R{number}")
            for suffix in range(draw(st.integers(0, 2))):
                grow(adrg, "DRG", f"{letter}R{number}{suffix}")
    level = st.sampled_from(("MCC", "CC"))
    flags: dict[str, Any] = {
        "code_mapping": draw(st.booleans()),
        "zero_weight_is_missing": draw(st.booleans()),
        "retry_with_each_secondary_op_when_ungrouped": draw(st.booleans()) if retry is None else retry,
    }
    return DrgTables(
        nodes=tuple(nodes),
        atoms=tuple(tests),
        lists=lists,
        complications=draw(st.dictionaries(st.sampled_from(DX), st.tuples(level, st.integers(1, 2)))),
        exclusion_of=draw(st.dictionaries(st.sampled_from(DX), st.integers(1, 3))),
        sites=draw(st.dictionaries(st.sampled_from(DX), st.sampled_from(("head", "chest")))),
        numeric=(*STANDARD_NUMERIC, NumericField("vent_hours", "h", "vent_used_h")),
        options=DrgOptions(**flags),
        dx_map={code: draw(st.sampled_from((*DX, code, code, code, "-"))) for code in DX},
        op_map={code: draw(st.sampled_from((*OP, code, code, code, "-"))) for code in OP},
        dx_known=draw(st.sampled_from((frozenset(), frozenset(DX), frozenset(DX[:3])))),
        op_known=draw(st.sampled_from((frozenset(), frozenset(OP), frozenset(OP[:2])))),
    )


def records() -> st.SearchStrategy[Case]:
    """Records over the same few codes, now and then an unknown code, an empty slot or a number left out."""
    small = st.one_of(st.integers(-1, 4), st.integers(-1, 4), st.none())
    diagnoses = st.lists(st.sampled_from((*DX, *DX, "", "X")), max_size=5).map(tuple)
    procedures = st.lists(st.sampled_from((*OP, *OP, "", "X")), max_size=4).map(tuple)
    adult = st.fixed_dictionaries(
        {
            "gender": st.sampled_from((1, 2, 1, 2, 1, 2, 3, None)),
            "age_years": st.sampled_from((0, 1, 2, 3, 3, 4, None)),
            "age_days": small,
            "birth_weight_g": st.sampled_from((0, 1, 2, 3, None)),
            "los_days": small,
            "vent_hours": small,
        }
    )
    dept = st.sampled_from((*DEPTS, "", "C", None))
    return st.builds(Case, st.just("H"), diagnoses, procedures, adult, st.fixed_dictionaries({"dept": dept}))
