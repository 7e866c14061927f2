"""What the linter says can and cannot be reached, held against the plain walk of the rules.

Two independent ways to the same claim: the boxes of `reach`, and records walked one by one.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest

from engine.packs.boxes import INT_MAX, INT_MIN, Box, Space, kind_of
from engine.packs.load import Pack, load_pack
from engine.packs.reach import Reach, walk_boxes
from grouper.reference import Walker
from grouper.tables import COUNT_VARS, DX_VARS, FLAG_VARS, OP_VARS, Atom, Case, CodeList, DrgTables, Node
from tests.shared_data import EDITIONS, EDITIONS_ROOT, needs_shared

UNLISTED = {"dx": "no-such-dx", "op": "no-such-op", "dept": "no-such-dept", "leaving_type": "no-such-way"}


@cache
def edition(name: str) -> tuple[Pack, Reach]:
    pack = load_pack(EDITIONS_ROOT / name)
    return pack, walk_boxes(pack.tables)


@cache
def values(space: Space, kind: str, bits: int) -> list[str]:
    """Every value a set admits: "" for no code at all, a made-up code for one of no list."""
    special = [word for bit, word in ((1, ""), (2, UNLISTED[kind])) if bits & bit]
    return special + space.names(kind, bits, limit=bits.bit_count())


def draw(chance: random.Random, admitted: list[str]) -> str:
    """One value; codes that no rule lists are drawn often, since they avoid most earlier groups."""
    return admitted[0] if chance.random() < 0.3 else chance.choice(admitted)


def witness(pack: Pack, box: Box, chance: random.Random) -> Case:
    """A record drawn from a box; the box may be too wide, so a draw need not arrive.

    Numbers no rule asked for stay null where the checks before grouping allow it.
    """
    space, tables = box.space, pack.tables
    single = dict(box.single)
    for var, wanted in box.some:
        main = f"{kind_of(var)}_main"
        if var.endswith("_any") and single[main] & wanted and chance.random() < 0.5:
            single[main] &= wanted
    chosen = {var: draw(chance, values(space, kind_of(var), bits)) for var, bits in single.items()}
    numbers: dict[str, int | None] = {field.name: None for field in tables.numeric}
    numbers |= {"gender": 1, "age_years": 40, "age_days": 20000, "birth_weight_g": 3000}
    for var, (lo, hi) in box.numbers.items():
        if var in numbers and (lo, hi) != (INT_MIN, INT_MAX):
            numbers[var] = lo if lo != INT_MIN else min(hi, 5)
    diagnoses, procedures = [chosen["dx_main"]], [chosen["op_main"]]
    for var, wanted in box.some:
        kind = kind_of(var)
        codes = values(space, kind, wanted & ~box.none.get(kind, 0))
        target = diagnoses if kind == "dx" else procedures
        if not (var.endswith("_any") and target[0] in codes):
            target.append(chance.choice(codes))
    if "n_sites" in box.numbers:
        site = tables.sites.get(diagnoses[0])
        diagnoses.append(chance.choice([code for code, other in sorted(tables.sites.items()) if other != site]))
    barred = box.none.get("dx", 0)
    principal_table = tables.exclusion_of.get(diagnoses[0])
    for var, level in (("has_mcc", "MCC"), ("has_cc", "CC")):
        if box.flags.get(var):
            fits = [c for c, (lv, table) in tables.complications.items() if lv == level and table != principal_table]
            index = space.index["dx"]
            free = [c for c in fits if c not in index or not barred >> (index[c] + 2) & 1]
            diagnoses.append(chance.choice(free))
    texts = {name: chosen[name] or None for name in tables.text_fields}
    return Case("w", tuple(diagnoses), tuple(code for code in procedures if code), numbers, texts)


QUICK = ("chs_drg_11", "zhejiang_2022")
OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in EDITIONS if name not in QUICK]


@needs_shared
@pytest.mark.parametrize("name", [*QUICK, *OTHERS])
def test_every_leaf_called_reachable_is_reached_by_a_record_drawn_from_its_box(name: str) -> None:
    pack, reach = edition(name)
    chance = random.Random(7)
    unproven = []
    for node in pack.tables.nodes:
        boxes = reach.arrivals[node.node_id].left
        if node.level not in ("DRG", "QY") or not boxes:
            continue
        draws = (pack.walker().walk(witness(pack, box, chance)) for _ in range(400) for box in boxes)
        if not any(outcome.leaf_node_id == node.node_id for outcome in draws):
            unproven.append((node.node_id, node.code))
    assert unproven == []


@needs_shared
@pytest.mark.parametrize("name", ["beijing_2022", "foshan_2022", "hefei_2023", "zhejiang_2022"])
def test_no_record_reaches_a_leaf_called_unreachable(name: str) -> None:
    pack, reach = edition(name)
    dead = {node_id for node_id, arrival in reach.arrivals.items() if not arrival.left}
    assert dead, "these editions are known to hold unreachable groups"
    chance = random.Random(11)
    for node_id in sorted(dead):
        for box in reach.arrivals[node_id].admitted * 40:
            outcome = pack.walker().walk(witness(pack, box, chance))
            assert outcome.leaf_node_id not in dead, (node_id, outcome)


def random_tables(chance: random.Random) -> DrgTables:
    """A small tree with every kind of test, drawn so narrowly that groups often hide each other."""
    codes = {"dx": [f"D{n}" for n in range(5)], "op": [f"P{n}" for n in range(4)], "dept": ["A", "B"]}
    lists: dict[int, CodeList] = {}
    for list_id in range(9):
        kind = ("dx", "op", "dx", "op", "dx", "op", "dx", "op", "dept")[list_id]
        chosen = chance.sample(codes[kind], chance.randint(0, len(codes[kind])))
        lists[list_id] = CodeList(list_id, kind, None, tuple(sorted(chosen)))
    nodes: list[Node] = []
    atoms: list[Atom] = []

    def grow(parent: int | None, level: str, code: str) -> None:
        node_id = len(nodes)
        nodes.append(Node(node_id, parent, level, node_id, code))
        for clause in range(chance.choice([0, 0, 0, 1] if level == "MDC" else [0, 1, 1, 1, 1, 2])):
            for n in range(chance.choice([1, 1, 1, 2, 3])):
                old = chance.choice(atoms) if atoms and chance.random() < 0.6 else random_atom(chance, lists)
                atoms.append(replace(varied(chance, old), node_id=node_id, clause=clause, atom=n))
        if level == "MDC":
            for n in range(chance.randint(2, 5)):
                grow(node_id, chance.choice(["ADRG", "ADRG", "ADRG", "QY"]), f"{code[3]}A{n}")
        elif level == "ADRG":
            for n in range(chance.randint(1, 3)):
                grow(node_id, "DRG", f"{code}{n}")

    for letter in "AB":
        grow(None, "MDC", f"MDC{letter}")
    complications = {"D3": ("MCC", 1), "D4": ("CC", 2), "D2": ("MCC", 3)}
    return DrgTables(tuple(nodes), tuple(atoms), lists, complications, {"D0": 1, "D3": 3}, {"D1": "x", "D2": "y"})


def random_atom(chance: random.Random, lists: dict[int, CodeList]) -> Atom:
    """A test of any kind; node and place are filled in by the caller."""
    kind = chance.choice(["flag", "number", "list", "list", "list"])
    if kind == "flag":
        return Atom(0, 0, 0, chance.choice(FLAG_VARS), chance.choice(["true", "false"]))
    if kind == "number":
        var = chance.choice([*COUNT_VARS, "age_years", "age_years", "los_days", "gender"])
        lo, hi = sorted((chance.randint(0, 3), chance.randint(0, 3)))
        return Atom(0, 0, 0, var, "range", None, chance.choice([None, lo]), chance.choice([None, hi]))
    list_id = chance.randrange(len(lists))
    kind = lists[list_id].kind
    return Atom(0, 0, 0, chance.choice({"dx": DX_VARS, "op": OP_VARS}.get(kind, (kind,))), "in", list_id)


def varied(chance: random.Random, atom: Atom) -> Atom:
    """A test next to the given one: opposite, shifted by one, of the other codes of the record, or the same."""
    if atom.op in ("true", "false"):
        return replace(atom, op=chance.choice(["true", "false"]))
    if atom.op == "range":
        lo, hi = (None if b is None else b + chance.choice([-1, 0, 0, 1]) for b in (atom.lo, atom.hi))
        return replace(atom, lo=chance.choice([lo, lo, hi]), hi=hi) if lo is None or hi is None or lo <= hi else atom
    var = atom.var if "_" not in atom.var or chance.random() < 0.5 else chance.choice(list_variables(atom.var))
    op = chance.choice(["in", "in", "in", "notin", "count"]) if var in (*DX_VARS, *OP_VARS) else "in"
    bounds = (
        chance.choice([(1, None), (1, None), (2, None), (None, 0), (0, None), (1, 1)])
        if op == "count"
        else (None, None)
    )
    return replace(atom, var=var, op=op, lo=bounds[0], hi=bounds[1])


def list_variables(var: str) -> tuple[str, ...]:
    return DX_VARS if var in DX_VARS else OP_VARS if var in OP_VARS else (var,)


def random_case(chance: random.Random) -> Case:
    numbers = {"gender": chance.randint(1, 2), "age_years": chance.randint(0, 4), "age_days": 1, "birth_weight_g": 1}
    stay = chance.choice([None, 0, 1, 2, 3, 4])
    diagnoses = tuple(chance.choice(["D0", "D1", "D2", "D3", "D4", "D9", ""]) for _ in range(chance.randint(0, 4)))
    procedures = tuple(chance.choice(["P0", "P1", "P2", "P3", "P9", ""]) for _ in range(chance.randint(0, 3)))
    return Case(
        "r", diagnoses, procedures, {**numbers, "los_days": stay}, {"dept": chance.choice([None, "A", "B", "C"])}
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_record_ever_reaches_a_node_called_unreachable_in_a_random_tree(seed: int) -> None:
    chance = random.Random(seed)
    records = [random_case(chance) for _ in range(120)]
    for _ in range(12):
        tables = random_tables(chance)
        dead = {node_id for node_id, arrival in walk_boxes(tables).arrivals.items() if not arrival.left}
        walker = Walker(tables)
        for record in records:
            assert walker.walk(record).leaf_node_id not in dead, (record, tables)


def test_random_trees_hold_both_kinds_of_leaves_or_the_test_above_were_worth_nothing() -> None:
    dead = alive = 0
    for seed in range(100):
        for arrival in walk_boxes(random_tables(random.Random(seed))).arrivals.values():
            if arrival.node.level in ("DRG", "QY"):
                dead, alive = dead + (not arrival.left), alive + bool(arrival.left)
    assert dead > 300 and alive > 300
