"""Every kind of test a rule may hold, at and beside its borders; walk and kernel answer together."""

import pytest

from grouper.reason import GroupStatus
from grouper.tables import Case, DrgOptions
from tests.drg_tiny import edition, group, record

LISTS = {
    "valid_ops": "op:O1 O2 O3",
    "P": "dx:P1",
    "D": "dx:D1 D2",
    "E": "dx:E1 D1",
    "none": "dx:",
    "K": "op:O1 O2",
    "L": "op:O2 O3",
    "no_op": "op:",
    "ward": "dept:0302 A10",
    "left": "leaving_type:2 5",
    "no_ward": "dept:",
}
COMPLICATIONS = {"M1": ("MCC", 7), "M2": ("MCC", 8), "S1": ("CC", 7), "S2": ("CC", 9), "P1": ("CC", 7), "P2": ("CC", 5)}
EXCLUSION_OF = {"P1": 7, "P2": 5}
SITES = {"T1": "head", "T2": "head", "T3": "chest", "P1": "leg"}


def holds(condition: str, case: Case, **options: bool) -> bool:
    """Whether an ADRG with this condition takes the record."""
    tables = edition(
        [("MDCP", "", [("PR1", condition, [("PR19", "")])])],
        LISTS,
        DrgOptions(**options),  # type: ignore[arg-type]
        numeric=("vent_hours",),
        complications=COMPLICATIONS,
        exclusion_of=EXCLUSION_OF,
        sites=SITES,
    )
    return group(tables, case).status is GroupStatus.OK


@pytest.mark.parametrize(
    ("condition", "diagnoses", "expected"),
    [
        ("dx_main in D", "D1 X", True),
        ("dx_main in D", "X D1", False),
        ("dx_main notin D", "X D1", True),
        ("dx_main notin D", "_ D1", True),
        ("dx_main in D", "", False),
        ("dx_main notin D", "", True),
        ("dx_any in D", "D1", True),
        ("dx_any in D", "X D2", True),
        ("dx_any notin D", "X D2", False),
        ("dx_any notin D", "X Y", True),
        ("dx_other in D", "D1", False),
        ("dx_other in D", "D1 D1", True),
        ("dx_other notin D", "D1 X", True),
        ("dx_other notin D", "X D2", False),
        ("dx_main in none", "D1", False),
        ("dx_main notin none", "D1", True),
        ("dx_any in none", "D1", False),
        ("dx_main in D & dx_main in E", "D1", True),
        ("dx_main in D & dx_main in E", "D2", False),
        ("dx_main in D & dx_main in E | dx_other in P", "D2 P1", True),
        ("dx_main in D", "d1", False),
        ("dx_main in D", "D10", False),
        ("n_dx 2..2", "X _ Y", True),
        ("n_dx 0..0", "", True),
        ("n_dx 0..0", "_", True),
        ("n_dx 3..", "X X X", True),
        ("dx_any count D 2..", "D1 X D1", True),
        ("dx_any count D 2..", "D1 X", False),
        ("dx_other count D ..1", "D1 D1 X", True),
        ("dx_other count D ..1", "D1 D1 D2", False),
        ("dx_main count D 1..", "D1", True),
        ("dx_main count D 1..", "X D1 D1", False),
        ("dx_any count none 0..0", "D1", True),
        ("dx_any count D 0..0", "", True),
    ],
)
def test_diagnosis_tests(condition: str, diagnoses: str, expected: bool) -> None:
    assert holds(condition, record(diagnoses)) is expected


@pytest.mark.parametrize(
    ("condition", "procedures", "expected"),
    [
        ("op_main in K", "O1", True),
        ("op_main in K", "_ O1", False),
        ("op_main notin K", "", True),
        ("op_main notin K", "_ O1", True),
        ("op_main notin K", "O1", False),
        ("op_any in K", "_ O1", True),
        ("op_any notin K", "O3 O1", False),
        ("op_any notin K", "", True),
        ("op_other in K", "O1", False),
        ("op_other in K", "O3 O1", True),
        ("op_any in K & op_any in L", "O2", True),
        ("op_any in K & op_any in L", "O1 O3", True),
        ("op_any in K & op_any in L", "O1 O1", False),
        ("op_any in no_op", "O1", False),
        ("op_any notin no_op", "O1", True),
        ("n_op 0..0", "", True),
        ("n_op 1..1", "_ O1", True),
        ("n_op 2..", "X X", True),
        ("op_any count K 2..", "O1 O1", True),
        ("op_any count K 2..", "O1 O3", False),
        ("op_any count K 2..2", "O1 O2 O1", False),
        ("op_any count K ..0", "O3", True),
        ("op_other count K 1..", "O1 X", False),
        ("op_other count K 1..", "X O1", True),
        ("op_main count K 1..1 & op_any count L 2..", "O2 O3", True),
    ],
)
def test_procedure_tests(condition: str, procedures: str, expected: bool) -> None:
    assert holds(condition, record("X", procedures)) is expected


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("los_days 4..7", 3, False),
        ("los_days 4..7", 4, True),
        ("los_days 4..7", 7, True),
        ("los_days 4..7", 8, False),
        ("los_days ..4", -1, True),
        ("los_days 61..", 2**31 - 1, True),
        ("los_days ..", 0, True),
        ("los_days ..", -(2**31) + 1, True),
        ("los_days ..", None, False),
        ("los_days ..4", None, False),
        ("los_days 4..", None, False),
        ("los_days 5..4", 5, False),
        ("los_days 1..2 | los_days 8..", 9, True),
    ],
)
def test_number_ranges_include_both_ends_and_never_a_null(condition: str, value: int | None, expected: bool) -> None:
    assert holds(condition, record("X", los_days=value)) is expected


def test_a_number_the_edition_declares_is_used_and_a_missing_one_is_null() -> None:
    assert holds("vent_hours 96..", record("X", vent_hours=96))
    assert not holds("vent_hours 96..", record("X", vent_hours=95))
    assert not holds("vent_hours ..", record("X"))


@pytest.mark.parametrize(
    ("condition", "dept", "expected"),
    [
        ("dept in ward", "0302", True),
        ("dept in ward", "302", False),
        ("dept in ward", None, False),
        ("dept in ward", "", False),
        ("dept notin ward", None, True),
        ("dept notin ward", "A10", False),
        ("dept in no_ward", "A10", False),
        ("dept notin no_ward", "A10", True),
        ("dept in ward & leaving_type in left", "A10", True),
    ],
)
def test_text_tests(condition: str, dept: str | None, expected: bool) -> None:
    assert holds(condition, record("X", text={"dept": dept, "leaving_type": "5"})) is expected


@pytest.mark.parametrize(
    ("condition", "diagnoses", "expected"),
    [
        ("has_mcc true", "X M1", True),
        ("has_mcc true", "M1 X", False),  # the principal diagnosis is no complication of itself
        ("has_mcc true", "P1 M1", False),  # excluded: both in table 7
        ("has_mcc true", "P1 M2", True),
        ("has_cc true", "P1 M1 S1", False),
        ("has_cc true", "P1 S2", True),
        ("has_cc true", "X M1", False),  # MCC does not imply CC
        ("has_mcc true | has_cc true", "X M1", True),
        ("has_mcc false", "X S1", True),
        ("has_mcc false", "X M1", False),
        ("has_cc false", "P1 S1", True),
        ("has_cc true", "P1 P1", False),  # a repeat of the principal code is judged like any other: excluded
        ("has_cc true", "X P1", True),
        ("has_cc true", "P2 P1", True),
        ("has_cc true", "_ S1", True),
        ("n_sites 2..", "T1 T2", False),
        ("n_sites 2..", "T1 T3 T2", True),
        ("n_sites 3..3", "P1 T1 T3", True),
        ("n_sites 0..0", "X", True),
    ],
)
def test_complications_and_sites(condition: str, diagnoses: str, expected: bool) -> None:
    assert holds(condition, record(diagnoses)) is expected


def test_marks_say_of_every_diagnosis_whether_it_counted() -> None:
    tables = edition(
        [("MDCP", "", [("PR1", "", [("PR19", "")])])],
        LISTS,
        complications=COMPLICATIONS,
        exclusion_of=EXCLUSION_OF,
    )
    outcome = group(tables, record("P1 M1 M2 X S2 _"))
    assert outcome.marks == (0, 3, 2, 0, 1, 0)
    assert (outcome.severity, outcome.counted, outcome.excluded) == (2, ("M2", "S2"), ("M1",))
    assert group(tables, record("P1 S2")).severity == 1
    assert group(tables, record("P1 M1")).severity == 0


def test_a_weight_of_zero_is_a_number_unless_the_edition_says_it_is_missing() -> None:
    newborn = record("X", age_years=0, age_days=3, birth_weight_g=0)
    older = record("X", age_years=1, birth_weight_g=0)
    assert holds("birth_weight_g ..999", newborn)
    assert not holds("birth_weight_g 1..999", newborn)
    assert not holds("birth_weight_g ..999", newborn, zero_weight_is_missing=True)
    assert holds("birth_weight_g ..999", older)
    assert not holds("birth_weight_g ..999", older, zero_weight_is_missing=True)


def test_more_than_sixty_three_lists_and_gates_need_more_than_one_word() -> None:
    count = 200
    lists = {f"d{i}": f"dx:D{i}" for i in range(count)} | {f"o{i}": f"op:O{i}" for i in range(count)}
    tree = [
        (
            "MDCB",
            "",
            [
                (f"B{i:02d}", f"dx_main in d{i} & op_any in o{i} & dx_any in d{i}", [(f"B{i}9", "")])
                for i in range(count)
            ],
        )
    ]
    tables = edition(tree, lists)
    for i in (0, 61, 62, 63, 64, 125, 126, 127, 128, count - 1):
        assert group(tables, record(f"D{i}", f"X O{i}")).drg == f"B{i}9"
        assert group(tables, record(f"D{i}", f"O{i - 1}")).status is GroupStatus.FAIL
