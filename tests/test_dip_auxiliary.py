"""Auxiliary catalogues: age, severity, tumour severity, CCI, intensive care, and which factor is taken."""

from fractions import Fraction

import pytest

from grouper.dip_auxiliary import age_band, cci, severity_class, tumour_class
from grouper.dip_condition import parse_condition
from grouper.dip_expression import parse_diagnoses
from grouper.dip_normalise import prepare
from grouper.dip_tables import AgeBand, AuxiliaryPolicy, AuxiliaryRow, Complication
from tests.dip_tiny import case, flat, row, walked

GROUP = row("组", "核心", "K35.8")


def with_rows(*conditions: tuple[str, str], **more):
    """A catalogue of one group with auxiliary rows (condition, factor)."""
    rows = tuple(
        AuxiliaryRow(n, "组", "维度", text, parse_condition(text), factor_e6=round(float(factor) * 10**6))
        for n, (text, factor) in enumerate(conditions)
    )
    return flat(GROUP, auxiliary=rows, **more)


def taken(tables, diagnoses: str = "K35.800", **more) -> str | None:
    """Condition text of the auxiliary row a case takes."""
    row_taken = walked(tables, case(diagnoses, **more)).auxiliary
    return None if row_taken is None else row_taken.level


def test_each_level_is_tested_by_itself_and_the_highest_factor_wins_the_first_on_ties():
    tables = with_rows(("always", "1.4"), ("mcc", "1.2"), ("death", "1.4"))
    assert taken(tables, is_death=True) == "always"
    assert taken(with_rows(("death", "1.5"), ("always", "1.4")), is_death=True) == "death"


def test_a_pack_may_take_the_first_row_that_holds():
    tables = with_rows(("always", "0.8"), ("death", "1.5"), auxiliary_policy=AuxiliaryPolicy("first"))
    assert taken(tables, is_death=True) == "always"


COMPLICATIONS = {
    "I10.x00": (Complication("I10.x00", "cc", "甲"),),
    "J96.000": (Complication("J96.000", "mcc", None, "K35"), Complication("J96.000", "severe")),
    "N17.900": (Complication("N17.900", "mcc", "甲", "K80"), Complication("N17.900", "moderate")),
}
LISTS = {"甲": frozenset(["K35.800"])}


def test_a_complication_counts_unless_the_principal_is_on_its_exclusion_list():
    tables = with_rows(("cc", "1.2"), complications=COMPLICATIONS, code_lists=LISTS)
    assert taken(tables, "K35.801 I10.x00") == "cc"
    assert taken(tables, "K35.800 I10.x00") is None
    assert taken(tables, "K35.801") is None


def test_an_include_prefix_replaces_the_exclusion_test():
    tables = with_rows(("mcc", "1.2"), complications=COMPLICATIONS, code_lists=LISTS)
    assert taken(tables, "K35.800 J96.000") == "mcc"
    assert taken(tables, "K35.801 N17.900") is None  # principal must start with K80


@pytest.mark.parametrize(
    ("inclusive", "stay", "wanted"),
    [(False, 3, None), (False, 4, "long_stay"), (True, 3, "long_stay"), (True, 2, None)],
)
def test_whether_three_days_is_a_long_stay_is_a_switch(inclusive, stay, wanted):
    tables = with_rows(("long_stay", "1.2"), auxiliary_policy=AuxiliaryPolicy(los_inclusive=inclusive))
    assert taken(tables, stay_days=stay) == wanted


BANDS = (AgeBand("d", 0, 28), AgeBand("d", 29, 365), AgeBand("a", 1, 6), AgeBand("a", 7, 17), AgeBand("a", 65, None))


@pytest.mark.parametrize(
    ("days", "years", "band"),
    [
        (0, 0, 1),
        (28, 0, 1),
        (29, 0, 2),
        (366, 1, 3),
        (2500, 6, 3),
        (2557, 7, 4),
        (8000, 21, 0),
        (23741, 65, 5),
        (None, None, None),
    ],
)
def test_age_bands_hold_both_their_ends(days, years, band):
    assert age_band(BANDS, days, years) == band


def test_cci_counts_the_highest_weight_of_each_disease_class_among_other_diagnoses_once():
    weights = {"I50.900": ("心", 1), "I50.100": ("心", 2), "E11.900": ("糖", 1), "C78.000": ("瘤", 6)}
    tables = with_rows(("cci>=1+cci<=2", "1.1"), ("cci>=3+cci<=4", "1.2"), ("cci>=5", "1.5"), cci_weights=weights)
    assert cci(tables, prepare(tables, case("I50.900 I50.900 I50.100 E11.900"))) == 3
    assert taken(tables, "K35.800 I50.900 I50.100") == "cci>=1+cci<=2"
    assert taken(tables, "K35.800 I50.900 I50.100 E11.900") == "cci>=3+cci<=4"
    assert taken(tables, "K35.800 C78.000") == "cci>=5"
    assert taken(tables, "K35.800") is None


@pytest.mark.parametrize(
    ("days", "wanted"), [(1, None), (2, "一"), (7, "一"), (8, "二"), (30, "三"), (31, "四"), (None, None)]
)
def test_intensive_care_days_fall_into_four_bands(days, wanted):
    names = {"一": (2, 7), "二": (8, 14), "三": (15, 30), "四": (31, 999)}
    rows = tuple(
        AuxiliaryRow(n, "组", "重症监护", name, parse_condition(f"icu_days>={lo}+icu_days<={hi}"), factor_e6=1_100_000)
        for n, (name, (lo, hi)) in enumerate(names.items())
    )
    assert taken(flat(GROUP, auxiliary=rows), icu_days=days) == wanted


@pytest.mark.parametrize(
    ("diagnoses", "stay", "death", "wanted"),
    [
        ("K35.800 J96.000", 4, False, 3),
        ("K35.800 N17.900", 4, False, 2),
        ("K35.800 N17.900 J96.000", 4, False, 3),
        ("K35.800 J96.000", 3, False, 1),
        ("K35.800", 9, False, 1),
        ("K35.800", 0, True, 4),
    ],
)
def test_the_severity_classes_exclude_each_other(diagnoses, stay, death, wanted):
    tables = with_rows(("severity=3", "1.2"), complications=COMPLICATIONS, code_lists=LISTS)
    one = case(diagnoses, stay_days=stay, is_death=death)
    assert severity_class(tables, prepare(tables, one)) == wanted
    assert taken(tables, diagnoses, stay_days=stay, is_death=death) == ("severity=3" if wanted == 3 else None)


@pytest.mark.parametrize(
    ("diagnoses", "numbers", "wanted"),
    [
        ("C34.100", {"is_death": True, "cost": 9000}, 1),
        ("C34.100", {"cost": 3000, "treatment_fen": 150_000}, 2),
        ("C34.100", {"cost": 3000, "treatment_fen": 149_999, "drug_fen": 150_000}, 3),
        ("C34.100", {"cost": 2999.99, "treatment_fen": 299_999}, 7),
        ("C34.100 C78.000", {"stay_days": 4}, 4),
        ("C34.100 C34.900", {"stay_days": 4}, 7),  # same category
        ("C34.100 C78.000", {"stay_days": 3}, 7),
        ("C34.100 J96.000", {"stay_days": 4}, 5),
        ("C34.100 N17.900", {"stay_days": 4}, 6),
        ("C34.100", {"stay_days": 4}, 7),
    ],
)
def test_the_tumour_classes_are_taken_in_order(diagnoses, numbers, wanted):
    policy = AuxiliaryPolicy(malignant=parse_diagnoses("C00-C97"))
    rows = tuple(
        AuxiliaryRow(n, "瘤", "肿瘤", str(n), parse_condition(f"tumour={n}"), factor_e6=1_100_000) for n in range(1, 8)
    )
    tables = flat(
        row("瘤", "核心", "C34.1"),
        auxiliary=rows,
        auxiliary_policy=policy,
        complications=COMPLICATIONS,
        code_lists=LISTS,
    )
    one = case(diagnoses, **{"stay_days": 2, **numbers})
    assert tumour_class(tables, prepare(tables, one), Fraction(100_000)) == wanted  # standard 1000 yuan
    assert walked(tables, one).auxiliary.level == str(wanted)
