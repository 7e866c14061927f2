"""The order of the tree: what is tried, what is skipped, what falls through, and the codes that come out."""

from dataclasses import replace

from grouper.reason import GroupReason, GroupStatus
from grouper.tables import DrgOptions
from tests.drg_tiny import edition, group, record

LISTS = {"valid_ops": "op:O1 O2 O3", "B": "dx:B1 B2 B3", "C": "dx:C1 B3", "cut": "op:O1", "burn": "op:O2"}


def test_the_first_leaf_whose_path_holds_is_the_result() -> None:
    tables = edition([("MDCB", "dx_main in B", [("BB1", "op_main in cut", [("BB19", ""), ("BB18", "")])])], LISTS)
    outcome = group(tables, record("B1", "O1"))
    assert (outcome.status, outcome.mdc, outcome.adrg, outcome.drg) == (GroupStatus.OK, "MDCB", "BB1", "BB19")


def test_siblings_are_tried_by_seq_not_by_code() -> None:
    tables = edition([("MDCB", "dx_main in B", [("BB1", "", [("BB19", "")]), ("BA1", "", [("BA19", "")])])], LISTS)
    assert group(tables, record("B1")).drg == "BB19"
    turned = tuple(replace(node, seq=9) if node.code == "BB1" else node for node in tables.nodes)
    assert group(replace(tables, nodes=turned), record("B1")).drg == "BA19"


def test_an_mdc_that_holds_without_a_result_falls_through_to_the_next() -> None:
    tables = edition(
        [
            ("MDCB", "dx_main in B", [("BB1", "op_main in cut", [("BB19", "")])]),
            ("MDCC", "dx_main in C", [("CB1", "", [("CB19", "")])]),
        ],
        LISTS,
    )
    assert group(tables, record("B3")).drg == "CB19"
    assert group(tables, record("B3", "O1")).drg == "BB19"


def test_an_adrg_whose_splits_all_fail_falls_through_to_the_next_adrg() -> None:
    tree = [("MDCB", "dx_main in B", [("BB1", "", [("BB11", "has_mcc true")]), ("BR1", "", [("BR19", "")])])]
    assert group(edition(tree, LISTS), record("B1")).drg == "BR19"


def test_a_bare_adrg_code_is_an_unconditional_last_leaf() -> None:
    tree = [("MDCB", "dx_main in B", [("BB1", "", [("BB11", "age_years ..17"), ("BB1", "")])])]
    outcome = group(edition(tree, LISTS), record("B1"))
    assert (outcome.adrg, outcome.drg) == ("BB1", "BB1")


def test_alternative_rules_of_one_adrg_are_tried_in_turn() -> None:
    tree = [
        (
            "MDCB",
            "dx_main in B",
            [("BB1", "op_main in cut", [("BB19", "")]), ("BB1", "op_main in burn", [("BB19", "")])],
        )
    ]
    tables = edition(tree, LISTS)
    assert group(tables, record("B1", "O2")).drg == "BB19"
    assert group(tables, record("B1", "O2")).leaf_node_id != group(tables, record("B1", "O1")).leaf_node_id


def test_a_qy_node_ends_the_search_with_its_own_codes() -> None:
    tree = [
        (
            "MDCB",
            "dx_main in B",
            [("BB1", "op_main in cut", [("BB19", "")]), ("BQY", "op_main in valid_ops"), ("BR1", "", [("BR19", "")])],
        )
    ]
    tables = edition(tree, LISTS)
    outcome = group(tables, record("B1", "O3"))
    assert (outcome.status, outcome.mdc, outcome.adrg, outcome.drg) == (GroupStatus.QY, "MDCB", "QY", "BQY")
    assert outcome.reason is GroupReason.AMBIGUOUS_OPERATION
    assert group(tables, record("B1")).drg == "BR19"
    assert group(tables, record("B1", "O1")).drg == "BB19"


def test_nothing_reached_has_the_codes_the_edition_prescribes() -> None:
    tree = [("MDCB", "dx_main in B", [("BB1", "", [("BB19", "")])])]
    outcome = group(edition(tree, LISTS), record("X"))
    assert (outcome.status, outcome.mdc, outcome.adrg, outcome.drg) == (GroupStatus.FAIL, "0000", "00", "0000")
    options = DrgOptions(ungrouped_code="0000A", failed_check_codes=("", "", ""))
    tables = edition(tree, LISTS, options)
    assert group(tables, record("X")).drg == "0000A"
    failed = group(tables, record("B1", gender=None))
    assert (failed.mdc, failed.adrg, failed.drg) == ("", "", "")


RETRY = DrgOptions(retry_with_each_secondary_op_when_ungrouped=True)
RETRY_TREE = [
    (
        "MDCB",
        "dx_main in B",
        [
            ("BB1", "op_main in cut & n_op ..1", [("BB19", "")]),
            ("BB2", "op_main in burn & op_any notin cut", [("BB29", "")]),
        ],
    )
]


def test_retry_takes_each_secondary_procedure_alone_and_in_order() -> None:
    tables = edition(RETRY_TREE, LISTS, RETRY)
    outcome = group(tables, record("B1", "O3 _ O2 O1"))
    # O2 is tried alone, so that O1 beside it does not matter; it comes before O1.
    assert (outcome.drg, outcome.procedure_index, outcome.procedure) == ("BB29", 2, "O2")
    assert outcome.reason is GroupReason.GROUPED_BY_SECONDARY_PROCEDURE
    assert group(tables, record("B1", "O3 O1 O2")).drg == "BB19"


def test_retry_helps_when_the_principal_slot_is_empty() -> None:
    outcome = group(edition(RETRY_TREE, LISTS, RETRY), record("B1", "_ O1"))
    assert (outcome.drg, outcome.procedure_index) == ("BB19", 1)


def test_without_the_flag_or_without_a_second_procedure_nothing_is_retried() -> None:
    assert group(edition(RETRY_TREE, LISTS), record("B1", "O3 O2")).status is GroupStatus.FAIL
    outcome = group(edition(RETRY_TREE, LISTS, RETRY), record("B1", "O3"))
    assert (outcome.status, outcome.procedure_index) == (GroupStatus.FAIL, 0)


def test_a_retry_in_vain_is_judged_on_the_record_as_written() -> None:
    outcome = group(edition(RETRY_TREE, LISTS, RETRY), record("B1", "_ O3 O3"))
    assert (outcome.reason, outcome.procedure_index) == (GroupReason.NO_ADRG_WITH_OPERATION, -1)
