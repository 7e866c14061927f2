"""The eight synthetic DIP profiles: the engine gives every expected answer, by walk and by kernel alike."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.packs.dip_load import DipPack, load_dip_pack
from fixtures.dip_compare import as_case, differences, walk_all
from fixtures.dip_profiles import main, write_profile
from grouper.dip import batch_of, group_batch
from grouper.dip_compile import compile_dip
from grouper.dip_reference import DipOutcome
from grouper.dip_tables import DipCase
from tests.shared_data import SHARED, needs_shared

ROOT = SHARED / "data" / "dip" / "profiles"
PROFILES = (
    "370800-jining-2023",
    "370900-taian-2023",
    "420500-yichang-2023",
    "420600-xiangyang-2023",
    "420800-jingmen-2023",
    "420900-xiaogan-2022",
    "421000-jingzhou-2023",
    "421200-xianning-2023",
)
pytestmark = needs_shared


def by_kernel(pack: DipPack, cases: Sequence[DipCase]) -> list[DipOutcome]:
    """Outcomes of the walk, after the kernel has given the same rows for all of them."""
    compiled = compile_dip(pack.tables)
    found = group_batch(compiled, batch_of(compiled, cases))
    outcomes = walk_all(pack, cases)
    for i, outcome in enumerate(outcomes):
        assert int(found.row[i]) == (-1 if outcome.group is None else outcome.group.row), cases[i]
        assert int(found.auxiliary[i]) == (-1 if outcome.auxiliary is None else outcome.auxiliary.row), cases[i]
        assert int(found.reason[i]) == outcome.reason, cases[i]
    return outcomes


@pytest.mark.parametrize("name", PROFILES)
def test_every_expected_answer_of_a_profile_is_met(name):
    compared, found = differences(ROOT / name, by_kernel)
    assert compared > 590
    assert found == []


def read_cases(pack: DipPack, name: str) -> list[DipCase]:
    with (ROOT / name / "cases.csv").open(encoding="utf-8", newline="") as file:
        return [as_case(pack, row) for row in csv.DictReader(file)]


def packed(name: str, folder: Path) -> DipPack:
    write_profile(ROOT / name, folder)
    return load_dip_pack(folder / "pack")


@pytest.mark.parametrize("name", PROFILES)
def test_secondary_codes_may_stand_in_any_order_once_the_first_procedure_counts(name, tmp_path):
    pack = packed(name, tmp_path)
    dropped = {row.code for row in pack.tables.excluded_procedures}
    cases = [c for c in read_cases(pack, name) if not c.procedures or c.procedures[0] not in dropped]
    turned = [
        replace(
            c, diagnoses=(c.diagnoses[0], *c.diagnoses[:0:-1]), procedures=(*c.procedures[:1], *c.procedures[:0:-1])
        )
        for c in cases
    ]
    plain, other = walk_all(pack, cases), walk_all(pack, turned)
    assert [(o.code, o.auxiliary) for o in plain] == [(o.code, o.auxiliary) for o in other]


def test_the_command_writes_a_pack_and_a_policy(tmp_path):
    assert main([str(ROOT / PROFILES[0]), str(tmp_path)]) == 0
    assert load_dip_pack(tmp_path / "pack").meta.area == "370800"
    assert list((tmp_path / "policy").glob("*.yaml"))


def test_a_folder_the_option_table_does_not_know_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"\[profile\.999999\]"):
        write_profile(tmp_path / "999999-nowhere-2023", tmp_path)
