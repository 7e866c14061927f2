"""The national DIP 3.0 fragment: the worked cases of the specification, and every row reached by some case."""

import pytest

from engine.packs.dip_lint import lint_dip_pack
from engine.packs.dip_load import DipPack, load_dip_pack
from fixtures.dip_national import SWITCHES, write_national
from grouper.dip import batch_of, group_batch
from grouper.dip_compile import compile_dip
from grouper.dip_reference import DipWalker
from grouper.dip_tables import DipCase
from grouper.dip_witness import reach_rows
from tests.shared_data import SHARED, needs_shared

SOURCE = SHARED / "data" / "dip" / "national-3.0"
pytestmark = needs_shared


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> DipPack:
    folder = tmp_path_factory.mktemp("national")
    write_national(SOURCE, folder)
    return load_dip_pack(folder)


WORKED = (
    # principal + others, procedures, numbers, group
    ("Z51.100x002 C34.100", "99.2503 99.2800x005", {}, "FZ-1771"),
    ("J96.000", "31.1x00 96.7201 39.9500x007", {}, "XQ-13"),
    ("P07.100", "", {"age_days": 20, "birth_weight_g": 1200}, "XQ-17"),
    ("A15.000x012", "", {}, "FZ-1836"),
    ("A40.900", "93.9000", {}, "BX-27"),
    ("A40.900", "", {}, "JC-1877"),
    ("A09.900x001", "", {}, "JC-1868"),
)


@pytest.mark.parametrize(("diagnoses", "procedures", "numbers", "wanted"), WORKED)
def test_the_worked_cases_of_the_specification(pack, diagnoses, procedures, numbers, wanted):
    one = DipCase("1", tuple(diagnoses.split()), tuple(procedures.split()), **numbers)
    outcome = DipWalker(pack.tables).walk(one)
    assert outcome.code == wanted
    assert outcome.group is not None and outcome.group.is_basic == (wanted == "JC-1868")


def test_all_rows_of_the_fragment_are_there(pack):
    sections = [group.code.split("-")[0] for group in pack.tables.groups]
    assert {name: sections.count(name) for name in ("XQ", "BX", "FZ", "JC")} == {
        "XQ": 19,
        "BX": 39,
        "FZ": 113,
        "JC": 65,
    }


def test_every_row_is_reached_by_a_case_of_its_own_in_walk_and_kernel(pack):
    found = reach_rows(pack.tables)
    assert [one.group.code for one in found if one.witness is None] == []
    compiled = compile_dip(pack.tables)
    witnesses = [one.witness for one in found if one.witness is not None]
    rows = group_batch(compiled, batch_of(compiled, witnesses)).row.tolist()
    assert rows == [one.group.row for one in found]


def test_rows_no_case_can_reach_under_the_first_row_switch_are_reported(tmp_path):
    write_national(SOURCE, tmp_path)
    text = (tmp_path / "match_policy.csv").read_text(encoding="utf-8")
    (tmp_path / "match_policy.csv").write_text(text.replace("most_specific", "first_row"), encoding="utf-8")
    dead = [f for f in lint_dip_pack(load_dip_pack(tmp_path)) if f.code == "D005"]
    said = " ".join(item.en for item in dead[0].items)
    assert "FZ-1771" in said and "FZ-1770" in said  # chemotherapy alone takes chemotherapy with immunotherapy


def test_each_open_point_is_a_switch_of_the_pack():
    written = {key for key, _ in SWITCHES}
    assert written >= {
        "excluded_dx_match",
        "excluded_op_action",
        "xq_position",
        "p07_position",
        "several_rows_fit",
        "related_mismatch",
        "ext_code_rule",
    }
