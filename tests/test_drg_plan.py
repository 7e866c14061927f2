"""What the plan of the search leaves out changes no answer: the kernel still says what the walk says."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from grouper.anywhere import MET_SHIFT, SINGLES
from grouper.compile import compile_drg
from grouper.kernel import AT_ONCE
from grouper.plan import FIRST_NODE, LEVELS, PLAN_SIZE
from grouper.tables import Case
from tests.drg_tiny import edition, group_all, record

LISTS = {"valid_ops": "op:O1 O2 O3", "B": "dx:B1 B2", "H": "dx:H1", "one": "op:O1", "two": "op:O2", "three": "op:O3"}
TREES = {
    "a list looked for at any place": [
        ("MDCY", "dx_any in H", [("YR1", "", [("YR19", "")])]),
        (
            "MDCB",
            "dx_main in B",
            [("BB1", "op_any in one & op_any in two", [("BB19", "")]), ("BR1", "", [("BR19", "")])],
        ),
    ],
    "a list that must not be met": [
        ("MDCB", "dx_main in B", [("BB1", "op_any notin one", [("BB19", "")]), ("BR1", "", [("BR19", "")])]),
    ],
    "one of two lists of the principal procedure": [
        (
            "MDCA",
            "op_main in one | op_main in two",
            [("AB1", "op_any in three", [("AB19", "")]), ("AB2", "", [("AB29", "")])],
        ),
        ("MDCB", "dx_main in B", [("BR1", "", [("BR19", "")])]),
    ],
}


def cases() -> list[Case]:
    procedures = ["", "O1", "O2", "O3", "O1 O2", "O2 O1 O3", "O3 O1", "X", "_ O2"]
    diagnoses = ["", "B1", "B1 H1", "H1 B1", "X H1", "B2 X B1", "X"]
    return [record(dx, op) for dx, op in product(diagnoses, procedures)]


@pytest.mark.parametrize("name", TREES)
def test_kernel_and_walk_agree(name: str) -> None:
    every = cases()
    assert len(every) > AT_ONCE
    assert len({outcome.leaf_node_id for outcome in group_all(edition(TREES[name], LISTS), every)}) > 2


def test_several_tests_of_one_principal_code_leave_nothing_to_ask() -> None:
    compiled = compile_drg(edition(TREES["one of two lists of the principal procedure"], LISTS))
    plan = compiled.plan.reshape(-1, PLAN_SIZE)
    first = plan[1, : 2 * LEVELS]
    assert bool(np.all(first[:LEVELS] <= FIRST_NODE)), "AB1 looks for a list at any place"
    assert bool(np.all(first[LEVELS:] == 0)), "which is known where no other procedure changes it"
    assert bool(np.all(plan[2, : 2 * LEVELS] == 1)), "AB2 asks nothing"


def test_rows_of_records_whose_other_codes_change_nothing_lack_the_gates_that_are_closed() -> None:
    compiled = compile_drg(edition(TREES["a list looked for at any place"], LISTS))
    rows = len(compiled.dx.rows)
    assert compiled.dx_candidates.shape[0] == 2 * rows
    usual, known = compiled.dx_candidates[:rows, 0], compiled.dx_candidates[rows:, 0]
    meets = compiled.dx.rows[:, compiled.dx.main.words] != 0
    assert bool(np.all(usual & np.uint64(2) == 2)) and meets.any()
    assert ((known & np.uint64(2)) == 2).tolist() == meets.tolist(), "YR1 only where the principal code lies in H"


MANY = {f"L{n}": f"op:O{n} P{n % 3}" for n in range(SINGLES + 3)} | {"B": "dx:B1", "D": "dx:B1 D1 D2", "V": "op:P1"}
MANY_TREE = [
    ("MDCX", "dx_any in D & op_any notin L1", [("XR1", "op_other in L2", [("XR19", "op_main in L3"), ("XR18", "")])]),
    (
        "MDCB",
        "dx_main in B & dx_other notin D",
        [(f"B{chr(65 + n)}1", f"op_any in L{n} & op_any notin L{n + 1}", [(f"B{chr(65 + n)}19", "")]) for n in range(8)]
        + [("BY1", "op_any count V 2..", [("BY19", "has_mcc true"), ("BY18", "")]), ("BZ1", "", [("BZ19", "")])],
    ),
    ("MDCC", "dx_any count D 2.. & n_dx ..3", [("CR1", "", [("CR19", "")])]),
]


def test_more_lists_at_any_place_than_bits() -> None:
    tables = edition(MANY_TREE, MANY, complications={"D1": ("MCC", 1)}, exclusion_of={"B1": 2})
    compiled = compile_drg(tables)
    met = compiled.op_packed >> MET_SHIFT
    assert bool(np.any(met & (1 << SINGLES))) and bool(np.any(met & 1)), "some have a bit, some share one"
    codes = ["O0", "O1", "O2", "O3", "O7", "O8", "P0", "P1", "P2", "X", "_"]
    procedures = [" ".join(each) for each in (*product(codes, codes), *product(["O2", "P1"], codes, codes))]
    every = [record(dx, op) for dx, op in product(["B1", "B1 D1", "D1 B1", "D2 D1 B1", "X D1", "X"], procedures)]
    assert len({outcome.leaf_node_id for outcome in group_all(tables, every)}) > 10
