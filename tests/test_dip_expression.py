"""The expression grammar of DIP cells: what reads, how it binds, and what is refused with advice."""

import pytest

from grouper.dip_condition import parse_condition
from grouper.dip_expression import ExpressionError, Term, parse_diagnoses, parse_procedures


def test_in_catalogues_of_the_first_editions_a_slash_binds_tighter_than_a_plus():
    expr = parse_procedures("47.0100/47.0101+54.1100", "+")
    assert expr is not None and expr.conjunctive
    assert [[t.lo for t in part] for part in expr.parts] == [["47.0100", "47.0101"], ["54.1100"]]
    assert expr.joins == 1


def test_in_the_national_scheme_a_plus_binds_tighter_than_a_bar():
    expr = parse_procedures("99.2503+99.2800x005|99.2503", "|")
    assert expr is not None and not expr.conjunctive
    assert [[t.lo for t in part] for part in expr.parts] == [["99.2503", "99.2800x005"], ["99.2503"]]


def test_a_comma_means_all_of():
    expr = parse_procedures("47.0100,54.1100", ",")
    assert expr is not None and expr.conjunctive and expr.joins == 1


def test_the_empty_cell_is_no_procedure():
    assert parse_procedures("", "+") is None


def test_the_dagger_belongs_to_its_diagnosis_and_joins_nothing():
    assert parse_diagnoses("M47.0+|A22.801+G01*").terms == (Term("code", "M47.0+"), Term("code", "A22.801+G01*"))
    with pytest.raises(ExpressionError, match="no diagnosis code"):
        parse_diagnoses("K35.8+K36")


def test_a_star_alone_is_any_diagnosis():
    assert parse_diagnoses("*").any
    with pytest.raises(ExpressionError):
        parse_diagnoses("*|A01")


@pytest.mark.parametrize(
    ("text", "separator", "says"),
    [
        ("47.0100++54.1100", "+", "empty piece"),
        ("47.0100|54.1100", "+", "op_sep"),
        ("47.01OO", "+", "no procedure code"),
        ("54.2-47.1", "|", "backwards"),
        ("@", "|", "no list name"),
        ("", "|", None),
    ],
)
def test_a_cell_that_cannot_be_read_says_which_piece_and_why(text, separator, says):
    if says is None:
        assert parse_procedures(text, separator) is None
        return
    with pytest.raises(ExpressionError, match=says):
        parse_procedures(text, separator)


@pytest.mark.parametrize("text", ["A00-B99", "A15-A16", "@severe", "I10", "I10.x", "C34.1"])
def test_ranges_lists_and_keys_of_any_length_read_as_diagnoses(text):
    assert len(parse_diagnoses(text).terms) == 1


@pytest.mark.parametrize("text", ["B99-A00", "A1-B", "A00-B9", "a01", "@", "A01||B02"])
def test_broken_diagnosis_cells_are_refused(text):
    with pytest.raises(ExpressionError):
        parse_diagnoses(text)


def test_a_condition_is_an_or_of_ands_with_denials():
    found = parse_condition("death+stay>3|!other:U84.300")
    assert [[(t.name, t.denied, t.comparison, t.limit) for t in part] for part in found.any_of] == [
        [("death", False, "", 0), ("stay", False, ">", 3)],
        [("other", True, "in", 0)],
    ]


@pytest.mark.parametrize("text", ["stay>", "los>3", "death++cc", "other:", "age>=6.5", "__import__('os')", "1==1"])
def test_a_condition_outside_the_closed_grammar_is_refused_with_what_is_allowed(text):
    with pytest.raises(ExpressionError):
        parse_condition(text)
