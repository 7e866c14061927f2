"""Each reason has a record that produces it, from walk and kernel alike; the enum is the checklist."""

from dataclasses import replace
from typing import Any

import pytest

from grouper.reason import TEXT_EN, TEXT_ZH, GroupReason, GroupStatus, status_of
from grouper.tables import Case, DrgOptions, DrgTables
from tests.drg_tiny import edition, group, record

R = GroupReason
LISTS = {
    "valid_ops": "op:O1 O2 O8",
    "A": "op:O8",
    "B": "dx:B1 B2 W1",
    "cut": "op:O1",
    "medical": "dx:B2",
    "M": "dx:M1",
    "N": "dx:N1 M1",
    "P": "dx:P1 P2",
    "P_medical": "dx:P1",
    "Z": "dx:Z1",
    "L": "dx:L1",
    "W": "dx:W1",
}
TREE = [
    ("MDCA", "op_main in valid_ops", [("AA1", "op_main in A & dx_any in W", [("AA19", "")])]),
    (
        "MDCP",
        "dx_main in P & age_years 0..0",
        [("PR1", "dx_main in P_medical & age_days ..28", [("PR19", "")]), ("PB1", "op_main in cut", [("PB19", "")])],
    ),
    ("MDCZ", "dx_main in Z & n_sites 2..", [("ZZ1", "", [("ZZ19", "")])]),
    ("MDCM", "dx_main in M & gender 1..1", [("MR1", "", [("MR19", "")])]),
    (
        "MDCB",
        "dx_main in B",
        [
            ("BB1", "op_main in cut", [("BB11", "age_years ..17")]),
            ("BQY", "op_main in A"),
            ("BR1", "dx_main in medical & n_op 0..0", [("BR19", "")]),
        ],
    ),
    ("MDCL", "dx_main in L & los_days 2..", [("LR1", "", [("LR19", "")])]),
]
KNOWN = frozenset(["B1", "B2", "W1", "M1", "N1", "P1", "P2", "Z1", "L1", "U1"])


def tables(**options: bool) -> DrgTables:
    return edition(
        TREE,
        LISTS,
        DrgOptions(**options),  # type: ignore[arg-type]
        sites={"Z1": "head", "U1": "chest"},
        dx_known=KNOWN,
        op_known=frozenset({"O1", "O2", "O8", "O9"}),
        dx_map={"b1": "B1", "b2": "B2", "gone": "-", "m1": "m2", "m2": "M1"},
        op_map={"o1": "O1", "o9": "-", "O2": "O2"},
    )


NEWBORN: dict[str, Any] = {"age_years": 0, "age_days": 29, "birth_weight_g": None}

PRODUCED: list[tuple[GroupReason, Case]] = [
    (R.GROUPED, record("B2")),
    (R.AMBIGUOUS_OPERATION, record("B1", "O8")),
    (R.GENDER_MISSING, record("", gender=None, age_years=None)),
    (R.GENDER_NOT_1_OR_2, record("B2", gender=3)),
    (R.GENDER_NOT_1_OR_2, record("B2", gender=0, age_years=None)),
    (R.AGE_MISSING, record("B2", age_years=None, age_days=3)),
    (R.AGE_DAYS_MISSING, record("P1", age_years=0, birth_weight_g=3000)),
    (R.BIRTH_WEIGHT_MISSING, record("P1", age_years=0, age_days=28)),
    (R.PRINCIPAL_DIAGNOSIS_EMPTY, record("")),
    (R.PRINCIPAL_DIAGNOSIS_EMPTY, record("_ B2")),
    (R.PRINCIPAL_DIAGNOSIS_UNKNOWN, record("b2")),
    (R.PRINCIPAL_DIAGNOSIS_UNKNOWN, record("X B2", "O8")),
    (R.ADRG_WITHOUT_DRG, record("B1", "O1")),
    (R.NEWBORN_AGE_OR_WEIGHT, record("P1", **NEWBORN)),
    # P2 is in no newborn ADRG, so its age in days is not what is wrong.
    (R.NO_ADRG_WITHOUT_OPERATION, record("P2", **NEWBORN)),
    (R.PRINCIPAL_PROCEDURE_UNKNOWN, record("B1", "o1")),
    (R.NO_ADRG_WITH_OPERATION, record("B1", "O2")),
    (R.NO_ADRG_WITH_OPERATION, record("B1", "O9 O2")),
    (R.NO_ADRG_WITHOUT_OPERATION, record("B1")),
    (R.NO_ADRG_WITHOUT_OPERATION, record("B1", "O9")),
    (R.MDC_GATE_SEX, record("M1")),
    (R.MDC_GATE_AGE, record("P1", age_years=1)),
    (R.MDC_GATE_SITES, record("Z1")),
    (R.MDC_GATE_OTHER, record("L1", los_days=1)),
    (R.PRINCIPAL_DIAGNOSIS_IN_NO_MDC, record("U1")),
    # An operation opens MDCA, but that says nothing about the diagnosis.
    (R.PRINCIPAL_DIAGNOSIS_IN_NO_MDC, record("U1", "O2")),
]


@pytest.mark.parametrize(("reason", "case"), PRODUCED)
def test_the_record_produces_its_reason(reason: GroupReason, case: Case) -> None:
    outcome = group(tables(), case)
    assert outcome.reason is reason
    assert outcome.status is status_of(reason)
    if outcome.status is GroupStatus.INVALID:
        assert (outcome.severity, any(outcome.marks), outcome.procedure_index) == (0, False, -1)


PRODUCED_BY_MAPPING = [
    (R.GROUPED, record("b2")),
    (R.GROUPED, record("b2 gone")),
    (R.GROUPED, record("b2 gone", "_")),
    (R.DIAGNOSIS_MISSING_FOR_MAPPING, record("", "x", gender=None)),
    (R.DIAGNOSIS_MISSING_FOR_MAPPING, record("_ b2")),
    (R.DIAGNOSIS_NOT_MAPPED, record("B2")),
    (R.DIAGNOSIS_NOT_MAPPED, record("gone X", "x")),
    (R.DIAGNOSIS_NOT_MAPPED, record("b2 X", gender=None)),
    (R.PRINCIPAL_DIAGNOSIS_MAPS_TO_NOTHING, record("gone b2", "x")),
    (R.PROCEDURE_NOT_MAPPED, record("b2", "o1 O1", gender=None)),
    (R.PROCEDURE_NOT_MAPPED, record("b2", "o9 X")),
    (R.PRINCIPAL_PROCEDURE_MAPS_TO_NOTHING, record("b2", "o9")),
    (R.GENDER_MISSING, record("b2", "o1", gender=None)),
    (R.ADRG_WITHOUT_DRG, record("b1", "o1 o9")),
    # m1 → m2, although m2 → M1: each code is replaced once, so the record ends with a code that is not listed.
    (R.PRINCIPAL_DIAGNOSIS_UNKNOWN, record("m1", gender=1)),
    (R.GROUPED, record("m2", gender=1)),
]


@pytest.mark.parametrize(("reason", "case"), PRODUCED_BY_MAPPING)
def test_with_code_mapping_the_record_produces_its_reason(reason: GroupReason, case: Case) -> None:
    assert group(tables(code_mapping=True), case).reason is reason


def test_a_dropped_secondary_code_is_no_code_at_all() -> None:
    lists = {"valid_ops": "op:O1"}
    tree = [("MDCB", "n_dx 1..1 & n_op 1..1", [("BR1", "", [("BR19", "")])])]
    mapped = edition(
        tree, lists, DrgOptions(code_mapping=True), dx_map={"a": "A", "-": "-"}, op_map={"o": "O1", "x": "-"}
    )
    assert group(mapped, record("a -", "o x")).drg == "BR19"


def test_retry_skips_dropped_procedures_and_names_the_one_used() -> None:
    lists = {"valid_ops": "op:O1", "B": "dx:B1"}
    tree = [("MDCB", "dx_main in B", [("BB1", "op_main in valid_ops", [("BB19", "")])])]
    options = DrgOptions(code_mapping=True, retry_with_each_secondary_op_when_ungrouped=True)
    mapped = edition(tree, lists, options, dx_map={"b": "B1"}, op_map={"o": "O1", "x": "-", "n": "N"})
    outcome = group(mapped, record("b", "n x n o"))
    assert (outcome.reason, outcome.procedure_index) == (R.GROUPED_BY_SECONDARY_PROCEDURE, 3)


def test_zero_weight_fails_the_check_where_the_edition_says_so() -> None:
    case = record("P1", age_years=0, age_days=28, birth_weight_g=0)
    assert group(tables(), case).reason is R.GROUPED
    assert group(tables(zero_weight_is_missing=True), case).reason is R.BIRTH_WEIGHT_MISSING


def test_without_a_code_table_no_code_is_called_unknown() -> None:
    blind = replace(tables(), dx_known=frozenset(), op_known=frozenset())
    assert group(blind, record("X")).reason is R.PRINCIPAL_DIAGNOSIS_IN_NO_MDC
    assert group(blind, record("B1", "o1")).reason is R.NO_ADRG_WITHOUT_OPERATION


def test_every_reason_is_produced_somewhere_above() -> None:
    produced = {reason for reason, _ in (*PRODUCED, *PRODUCED_BY_MAPPING)} | {R.GROUPED_BY_SECONDARY_PROCEDURE}
    assert produced == set(GroupReason)


def test_every_reason_has_its_own_words_in_both_languages() -> None:
    for texts in (TEXT_ZH, TEXT_EN):
        assert set(texts) == set(GroupReason)
        assert len(set(texts.values())) == len(GroupReason)
    assert all(any("一" <= sign <= "鿿" for sign in text) for text in TEXT_ZH.values())
    assert all(text.isascii() or "…" in text for text in TEXT_EN.values())
