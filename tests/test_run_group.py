"""`dianzhi group`: what was published is reproduced, and nothing that carries no meaning moves a byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.editions import Editions
from engine.run import group, group_to_file
from engine.run_parts import RunOptions
from tests.shared_data import EDITIONS_ROOT, needs_shared
from tests.small_city import DEMO, small_city

STATUS = {
    "SUCCESS": "OK",
    "QY": "QY",
    "FAIL": "FAIL",
    "CHECK_FAILED": "INVALID",
    "ZD_NOT_MAPPING": "INVALID",
    "SS_NOT_MAPPING": "INVALID",
}


def edition(name: str) -> Editions:
    return Editions.of(EDITIONS_ROOT / name)


@needs_shared
@pytest.mark.parametrize(
    ("name", "answers", "mapping"),
    [
        ("chs_drg_11", "oracle.parquet", False),
        ("chs_drg_11", "oracle_mapped.parquet", True),
        ("fuzhou_2022", "oracle.parquet", False),
    ],
)
def test_every_published_answer_is_reproduced(tmp_path: Path, name: str, answers: str, mapping: bool) -> None:
    path = EDITIONS_ROOT / name / answers
    out = tmp_path / "grouped.parquet"
    group_to_file([path], edition(name), out, RunOptions(mapping=mapping))
    expected = pl.read_parquet(path).with_columns(pl.col("rec_id").cast(pl.String).alias("setl_id"))
    both = expected.join(pl.read_parquet(out), on="setl_id", how="full", validate="1:1")
    assert both.height == expected.height
    wrong = both.filter(
        (pl.col("status").replace_strict(STATUS) != pl.col("grp_stas")).fill_null(True)
        | (pl.col("mdc") != pl.col("mdc_code")).fill_null(True)
        | (pl.col("adrg") != pl.col("adrg_code")).fill_null(True)
        | (pl.col("drg") != pl.col("drg_code")).fill_null(True)
    )
    assert wrong.rows() == []


def clean_month() -> pl.DataFrame:
    """A month of the small city with unique ids, codes as lists."""
    frame = pl.read_parquet(small_city().months["202504"][0])
    return frame.filter(pl.col("setl_id").is_unique())


def grouped_bytes(folder: Path, tables: list[pl.DataFrame], row_group: int = 700, threads: int = 2) -> bytes:
    folder.mkdir()
    for place, table in enumerate(tables):
        table.write_parquet(folder / f"part{place}.parquet", row_group_size=row_group)
    out = folder / "out" / "grouped.parquet"
    editions = Editions.of(DEMO / "pack_drg")
    group_to_file([folder], editions, out, RunOptions(threads=threads))
    return out.read_bytes()


def shuffled_tail(rng: np.random.Generator, codes: list[str] | None) -> list[str] | None:
    if codes is None or len(codes) < 3:
        return codes
    tail = codes[1:]
    rng.shuffle(tail)
    return [codes[0], *tail]


def test_order_splits_row_groups_and_threads_leave_every_byte_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    frame = clean_month()
    usual = grouped_bytes(tmp_path / "usual", [frame])
    rows = frame.sample(fraction=1, shuffle=True, seed=3)
    codes = rows.with_columns(
        pl.Series(name, [shuffled_tail(rng, value) for value in rows[name].to_list()], dtype=pl.List(pl.String))
        for name in ("diag_codes", "oprn_codes")
    )
    third = codes.height // 3
    splits = [codes[:third], codes[third : third * 2], codes[third * 2 :]]
    assert grouped_bytes(tmp_path / "rows", [rows]) == usual
    assert grouped_bytes(tmp_path / "codes", [codes]) == usual
    assert grouped_bytes(tmp_path / "splits", splits, row_group=37, threads=1) == usual
    assert grouped_bytes(tmp_path / "threads", splits[::-1], row_group=100_000, threads=4) == usual


def test_moving_the_principal_procedure_is_not_without_meaning(tmp_path: Path) -> None:
    frame = clean_month().filter(pl.col("oprn_codes").list.len() > 1)
    moved = frame.with_columns(pl.col("oprn_codes").list.reverse())
    assert grouped_bytes(tmp_path / "a", [frame]) != grouped_bytes(tmp_path / "b", [moved])


def test_a_run_folder_says_what_it_read_and_with_what(tmp_path: Path) -> None:
    editions = Editions.of(DEMO / "pack_drg")
    result = group(small_city().case_files, editions, RunOptions(out=tmp_path / "run"))
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"grouped.parquet", "rejected.parquet", "manifest.json"}
    counts = result.counts
    assert counts["read"] == counts["accepted"] + counts["rejected"]
    assert pq.read_metadata(tmp_path / "run" / "grouped.parquet").num_rows == counts["accepted"]
    assert pq.read_metadata(tmp_path / "run" / "rejected.parquet").num_rows == counts["rejected"] > 0


def test_the_same_case_in_a_batch_of_strangers_gets_the_same_group(tmp_path: Path) -> None:
    frame = clean_month()
    together = pq.read_table(pa.BufferReader(grouped_bytes(tmp_path / "all", [frame]))).to_pylist()
    by_id = {row["setl_id"]: row for row in together}
    for place, setl_id in enumerate(frame["setl_id"].to_list()[::60]):
        alone = grouped_bytes(tmp_path / str(place), [frame.filter(pl.col("setl_id") == setl_id)])
        assert pq.read_table(pa.BufferReader(alone)).to_pylist() == [by_id[setl_id]]
