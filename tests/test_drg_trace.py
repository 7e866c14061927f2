"""The trace of a record: it ends in the walk's answer, and shows what was tried, what matched, what was excluded."""

import pytest

from engine.packs.load import load_pack
from fixtures.random_cases import CaseFactory
from grouper.reason import GroupReason
from grouper.reference import Walker
from grouper.tables import DrgOptions
from grouper.trace import trace, trace_with
from tests.drg_tiny import edition, record
from tests.shared_data import EDITIONS, EDITIONS_ROOT, needs_shared

LISTS = {"valid_ops": "op:O1 O2", "B": "dx:B1 B2", "cut": "op:O1"}
TREE = [
    (
        "MDCB",
        "dx_main in B",
        [
            ("BB1", "op_main in cut | op_any in cut & age_years ..17", [("BB11", "has_mcc true"), ("BB19", "")]),
            ("BR1", "dx_any count B 2..", [("BR11", "has_mcc true"), ("BR19", "")]),
        ],
    )
]
COMPLICATIONS = {"M1": ("MCC", 7), "M2": ("MCC", 8)}


def test_every_gate_tried_is_there_in_order_with_what_it_saw() -> None:
    tables = edition(TREE, LISTS, complications=COMPLICATIONS, exclusion_of={"B1": 7})
    told = trace(tables, record("B1 M1 B2", "O2 O1"))
    assert [(gate.code, gate.held) for gate in told.gates] == [
        ("MDCB", True),
        ("BB1", False),
        ("BR1", True),
        ("BR11", False),
        ("BR19", True),
    ]
    closed = told.gates[1]
    principal, both = closed.clauses
    assert [(atom.var, atom.list_name, atom.matched, atom.held) for atom in principal] == [
        ("op_main", "cut", (), False)
    ]
    # The second clause shows every test, also the one that did hold.
    assert [(atom.var, atom.matched, atom.held) for atom in both] == [
        ("op_any", ("O1",), True),
        ("age_years", (), False),
    ]
    assert (both[1].value, both[1].lo, both[1].hi) == (40, None, 17)
    counted = told.gates[2].clauses[0][0]
    assert (counted.matched, counted.value, counted.lo) == (("B1", "B2"), 2, 2)
    assert told.gates[3].clauses[0][0].value == 0
    assert told.outcome.drg == "BR19"


def test_complications_say_which_table_excluded_them() -> None:
    tables = edition(TREE, LISTS, complications=COMPLICATIONS, exclusion_of={"B1": 7})
    excluded, counted = trace(tables, record("B1 M1 M2", "O1")).complications
    assert (excluded.code, excluded.counted, excluded.exclusion_table, excluded.principal_table) == ("M1", False, 7, 7)
    assert (counted.code, counted.counted, counted.exclusion_table) == ("M2", True, 8)


def test_retries_are_attempts_of_their_own() -> None:
    options = DrgOptions(retry_with_each_secondary_op_when_ungrouped=True)
    told = trace(edition(TREE, LISTS, options), record("B1", "O2 O2 O1"))
    assert [attempt.procedures for attempt in told.attempts] == [("O2", "O2", "O1"), ("O2",), ("O1",)]
    assert told.outcome.reason is GroupReason.GROUPED_BY_SECONDARY_PROCEDURE


def test_mapped_codes_are_told_and_an_invalid_record_tries_no_gate() -> None:
    tables = edition(TREE, LISTS, DrgOptions(code_mapping=True), dx_map={"b": "B1", "x": "-"}, op_map={})
    told = trace(tables, record("b x q"))
    assert [(code.source, code.target) for code in told.mapped] == [("b", "B1"), ("x", ""), ("q", None)]
    assert (told.gates, told.outcome.reason) == ((), GroupReason.DIAGNOSIS_NOT_MAPPED)


@needs_shared
@pytest.mark.parametrize("name", EDITIONS)
def test_the_trace_ends_in_the_answer_of_the_walk(name: str) -> None:
    tables = load_pack(EDITIONS_ROOT / name).tables
    walker = Walker(tables)
    for case in CaseFactory(tables, seed=11).cases(150):
        told, outcome = trace_with(walker, case), walker.walk(case)
        assert told.outcome == outcome
        if outcome.leaf_node_id is not None:
            last = told.gates[-1]
            assert (last.node_id, last.held) == (outcome.leaf_node_id, True)
        for gate in told.gates:
            met = any(all(atom.held for atom in clause) for clause in gate.clauses)
            assert gate.held == (met or not gate.clauses)
