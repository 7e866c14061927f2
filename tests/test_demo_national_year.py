"""A year around real answer records: clinical columns verbatim, every group weighted, the whole area loadable."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.cases.demand import Demand
from engine.cases.load import load_cases
from engine.packs.load import load_pack
from engine.policy import load_policy
from fixtures.national_year import NationalYear, write_national_year
from tests.shared_data import EDITIONS_ROOT, needs_shared

pytestmark = needs_shared
PACK = EDITIONS_ROOT / "chs_drg_11"


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> NationalYear:
    return write_national_year(PACK / "oracle.parquet", PACK, tmp_path_factory.mktemp("national"), seed=3)


def test_clinical_columns_are_kept_verbatim(year: NationalYear) -> None:
    cases, oracle = pl.read_parquet(year.cases), pl.read_parquet(PACK / "oracle.parquet")
    assert cases["diag_codes"].to_list() == oracle["dx_codes"].to_list()
    assert cases["oprn_codes"].to_list() == oracle["proc_codes"].to_list()
    for mine, theirs in (("age", "age_years"), ("nwb_age", "age_days"), ("nwb_bir_wt", "birth_weight_g")):
        assert cases[mine].to_list() == oracle[theirs].to_list()
    assert cases["diag_codes"].explode().str.contains("[a-w]").any(), "lower-case codes are part of the answers"


def test_every_record_can_be_settled_in_2025(year: NationalYear) -> None:
    loaded = load_cases([year.cases], Demand("settle", "compatible"))
    assert loaded.read_count == 10_000 and not loaded.rejected_by_code
    assert set(loaded.accepted["settled_on"].dt.year()) == {2025}


def test_every_group_of_the_pack_has_a_weight(year: NationalYear) -> None:
    weights = pl.read_csv(year.root / "tables" / "weights.csv", schema_overrides={"group_code": pl.String})
    pack = load_pack(PACK)
    assert weights["group_code"].to_list() == sorted({n.code for n in pack.tables.nodes if n.level == "DRG"})
    assert (weights["base_points"] > 0).all() and (weights["cost_mean"] > 0).all()


def test_the_policy_written_beside_it_loads(year: NationalYear) -> None:
    assert [path.name for _, path in load_policy(year.policy).pack_paths] == [PACK.name]


def test_the_same_seed_gives_the_same_year(year: NationalYear, tmp_path: Path) -> None:
    again = write_national_year(PACK / "oracle.parquet", PACK, tmp_path / "again", seed=3)
    other = write_national_year(PACK / "oracle.parquet", PACK, tmp_path / "other", seed=4)
    assert again.cases.read_bytes() == year.cases.read_bytes() != other.cases.read_bytes()
