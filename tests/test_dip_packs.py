"""Loading and linting DIP packs: a sound one is silent, and each fault is found with file, line and advice."""

import polars as pl
import pytest

from engine.packs.dip_lint import lint_dip_folder
from engine.packs.dip_load import load_dip_pack
from engine.packs.dip_schema import TABLES as SCHEMA
from engine.packs.errors import PackError
from fixtures.dip_broken_packs import FAULTS, TABLES, write_broken, write_sound, write_table


def test_the_sound_pack_loads_and_lints_clean(tmp_path):
    write_sound(tmp_path)
    pack = load_dip_pack(tmp_path)
    assert pack.tables.groups[0].code == "K35.8:47.0100"
    assert pack.tables.groups[0].base_points_e4 == 8_505_000
    assert [f for f in lint_dip_folder(tmp_path) if f.severity != "info"] == []


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name.replace(" ", "-") for fault in FAULTS])
def test_each_fault_is_found_with_its_place_and_advice(fault, tmp_path):
    write_broken(tmp_path, fault)
    found = [f for f in lint_dip_folder(tmp_path) if f.code == fault.code]
    assert found, [f.code for f in lint_dip_folder(tmp_path)]
    said = " ".join(f"{item.where} {item.en}" for f in found for item in f.items)
    for word in fault.words:
        assert word in said, said
    assert all(item.zh and item.en for f in found for item in f.items)


def test_a_pack_that_does_not_load_names_every_problem_at_once(tmp_path):
    write_broken(tmp_path, next(fault for fault in FAULTS if fault.name == "unparsable procedures"))
    write_table(tmp_path, "match_policy", "key,value", ["prefix_length,7"])
    with pytest.raises(PackError) as caught:
        load_dip_pack(tmp_path)
    assert {problem.kind for problem in caught.value.problems} == {"dip.expression", "key.unknown"}
    assert "分组方案有误" in str(caught.value)


def test_a_pack_as_parquet_is_the_same_pack(tmp_path):
    write_sound(tmp_path / "csv")
    write_sound(tmp_path / "parquet")
    for stem in TABLES:
        path = tmp_path / "parquet" / f"{stem}.csv"
        pl.read_csv(path, infer_schema=False).write_parquet(path.with_suffix(".parquet"))
        path.unlink()
    one, other = load_dip_pack(tmp_path / "csv"), load_dip_pack(tmp_path / "parquet")
    assert one.tables == other.tables
    assert one.scoring == other.scoring
    assert one.fingerprint == other.fingerprint


def test_a_parquet_float_is_refused_since_its_digits_are_a_guess(tmp_path):
    write_sound(tmp_path)
    (tmp_path / "hospital.csv").unlink()
    pl.DataFrame({"code": ["H1"], "factor": [1.1]}).write_parquet(tmp_path / "hospital.parquet")
    with pytest.raises(PackError, match="decimals as text"):
        load_dip_pack(tmp_path)


def test_row_order_may_be_given_and_then_decides_ties(tmp_path):
    write_sound(tmp_path)
    columns, rows = TABLES["group"]
    write_table(tmp_path, "group", columns + ",row_order", [f"{row},{9 - n}" for n, row in enumerate(rows)])
    pack = load_dip_pack(tmp_path)
    assert [group.code for group in pack.tables.groups][-1] == "K35.8:47.0100"
    assert pack.group_at(4) == "group.csv:2"


def test_every_table_of_the_schema_has_a_reader(tmp_path):
    write_sound(tmp_path)
    for stem, columns in SCHEMA.items():
        if stem not in TABLES:
            write_table(tmp_path, stem, ",".join(column.name for column in columns), [])
    load_dip_pack(tmp_path)
