"""What the plan of the search leaves out changes no answer: the kernel still says what the walk says."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from grouper.compile import compile_drg
from grouper.kernel import AT_ONCE
from grouper.plan import PLAN_CLAUSE, PLAN_CLAUSE_END, PLAN_SIZE
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
    assert plan[0, PLAN_CLAUSE] == plan[0, PLAN_CLAUSE_END]


def test_rows_of_records_that_meet_nothing_lack_the_gates_that_look_for_something() -> None:
    compiled = compile_drg(edition(TREES["a list looked for at any place"], LISTS))
    rows = len(compiled.dx.rows)
    assert compiled.dx_candidates.shape[0] == 2 * rows
    usual, bare = compiled.dx_candidates[:rows, 0], compiled.dx_candidates[rows:, 0]
    assert bool(np.all(usual & np.uint64(3) == 3)) and not bool(np.any(bare & np.uint64(3)))
