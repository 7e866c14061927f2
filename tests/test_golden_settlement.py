"""The worked examples of the settlement rules, G1 to G12 and H1 to H7: the contract files are the checklist.

Every example of both files is worked by the engine and compared figure by figure. An example, or a single figure, that
stands in a file and is not worked here fails; so does a figure worked here that no file asks for.
"""

import json
from fractions import Fraction

import pytest

from pointvalue.fixed import to_decimals
from pointvalue.terms import RoundingMode
from tests.golden_setting import Shown
from tests.golden_worked import WORKED
from tests.pointvalue_years import CONTRACT
from tests.shared_data import SHARED

FILES = ("settlement-golden.json", "settlement-golden-2.json")
EXAMPLES = {
    key: example
    for file in FILES
    for key, example in json.loads((CONTRACT / file).read_text(encoding="utf-8"), parse_float=str).items()
}


def is_input(key):
    return key.rstrip("0123456789") == "in"


def leaves(value, path=()):
    """(path, leaf) of everything but inputs."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not is_input(key):
                yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))
    else:
        yield path, value


def difference(expected, found):
    """What is wrong with a figure, or nothing."""
    try:
        wanted = Fraction(str(expected))
    except ValueError:
        return None if found == expected else f"expected {expected!r}, found {found!r}"
    if isinstance(found, Shown):
        places = len(str(expected).partition(".")[2])
        found = to_decimals(found.value, places, RoundingMode.HALF_UP)
    return None if not isinstance(found, str) and found == wanted else f"expected {expected}, found {found}"


@pytest.mark.parametrize("key", EXAMPLES)
def test_golden_example_comes_out_exactly(key):
    assert key in WORKED, f"{key} stands in the contract files and is not worked: add it to tests/golden_worked.py"
    expected, found = dict(leaves(EXAMPLES[key])), dict(leaves(WORKED[key](EXAMPLES[key])))
    assert expected.keys() == found.keys()
    wrong = {path: difference(figure, found[path]) for path, figure in expected.items()}
    assert {path: text for path, text in wrong.items() if text} == {}


def test_golden_examples_are_all_of_both_files():
    assert list(WORKED.keys() - EXAMPLES.keys()) == []
    assert len(EXAMPLES) == 12 + 7
    assert sum(1 for example in EXAMPLES.values() for _ in leaves(example)) == 106


@pytest.mark.parametrize("file", FILES)
def test_golden_files_are_the_reference_unchanged(file):
    reference = SHARED / "reference" / file
    if not reference.is_file():
        pytest.skip(f"REFERENCE ABSENT: put it at {reference} to run this test; it was NOT run")
    assert (CONTRACT / file).read_bytes() == reference.read_bytes()
    assert f"`{file}`" in (CONTRACT / "ORIGIN.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("119.0945", Fraction("119.09448819")),
        ("5625.0000+review", Fraction(5625)),
        ("REFUSE", Fraction(720_000)),
        ("0.408163", Shown(Fraction("0.4081635"))),
        ("3.00", "3.00"),
    ],
)
def test_golden_comparison_sees_a_figure_that_is_nearly_right(expected, found):
    assert difference(expected, found)
