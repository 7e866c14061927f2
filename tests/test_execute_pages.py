"""What is read from Parquet pages is what Arrow reads from them, or is left to Arrow."""

from __future__ import annotations

import datetime as dt
import os
import random
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.execute import page_bytes
from engine.execute.page_cells import Cells, IndexedLists, IndexedNumbers, IndexedTexts, Numbers64
from engine.execute.page_leaves import leaves
from engine.execute.pages import read_columns

ROWS = 2_000


def some(rng: random.Random, share: float, make: Any) -> list[Any]:
    """Values, this share of them null."""
    return [None if rng.random() < share else make() for _ in range(ROWS)]


def table(nulls: float, seed: int = 1, distinct: int = 300) -> pa.Table:
    """One column of every form."""
    rng = random.Random(seed)
    codes = [f"K{n:02d}.{n % 1000:03d}x{n:03d}"[: rng.randint(3, 14)] for n in range(distinct)]

    def cents(places: int, digits: int) -> Decimal:
        return Decimal(rng.choice([-1, 1]) * rng.randrange(10 ** rng.randint(1, digits))).scaleb(-places)

    def code_list() -> list[str | None]:
        return [None if rng.random() < nulls / 4 else rng.choice(codes) for _ in range(rng.choice([0, 1, 1, 3, 7]))]

    moment = dt.datetime(1965, 1, 1)
    columns: dict[str, pa.Array] = {
        "text": pa.array(some(rng, nulls, lambda: rng.choice(["", "1", "三级", *codes])), pa.string()),
        "large": pa.array(some(rng, nulls, lambda: rng.choice(codes)), pa.large_string()),
        "id": pa.array([f"S{rng.randrange(10**9)}" for _ in range(ROWS)]),
        "fee": pa.array(some(rng, nulls, lambda: cents(2, 15)), pa.decimal128(16, 2)),
        "age": pa.array(some(rng, nulls, lambda: cents(1, 4)), pa.decimal128(4, 1)),
        "wide": pa.array(some(rng, nulls, lambda: cents(2, 30)), pa.decimal128(38, 2)),
        "int8": pa.array(some(rng, nulls, lambda: rng.randint(-128, 127)), pa.int8()),
        "uint16": pa.array(some(rng, nulls, lambda: rng.randint(0, 65_535)), pa.uint16()),
        "int32": pa.array(some(rng, nulls, lambda: rng.randint(-(2**31), 2**31 - 1)), pa.int32()),
        "int64": pa.array(some(rng, nulls, lambda: rng.randint(-(2**63), 2**63 - 1)), pa.int64()),
        "float": pa.array(some(rng, nulls, rng.random), pa.float64()),
        "day": pa.array(some(rng, nulls, lambda: (moment + dt.timedelta(rng.randint(0, 30_000))).date()), pa.date32()),
        "codes": pa.array(some(rng, nulls, code_list), pa.list_(pa.string())),
        "many": pa.array(some(rng, nulls, code_list), pa.large_list(pa.large_string())),
        "one": pa.array(["310"] * ROWS),
    }
    for unit in ("s", "ms", "us", "ns"):
        times = some(rng, nulls, lambda: moment + dt.timedelta(minutes=rng.randint(0, 10**7)))
        columns[f"time_{unit}"] = pa.array(times, pa.timestamp(unit))
    columns["time_zone"] = columns["time_us"].cast(pa.timestamp("us", "Asia/Shanghai"))
    return pa.table(columns)


def columns_of(path: Path, group: int = 0) -> dict[str, Cells]:
    metadata = pq.read_metadata(path)
    handle = os.open(path, os.O_RDONLY)
    try:
        return read_columns(handle, metadata.row_group(group), leaves(metadata))
    finally:
        os.close(handle)


def check(path: Path) -> dict[str, Cells]:
    """Every row group against Arrow; returns the columns of the first."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            expected = file.read_row_group(group)
            everything = np.arange(expected.num_rows)
            chosen = np.sort(np.random.default_rng(group).choice(everything, len(everything) // 3, replace=False))
            for name, cells in columns_of(path, group).items():
                whole = expected.column(name).combine_chunks()
                found = cells.at(everything)
                found.validate(full=True)
                assert found.type == whole.type and found.equals(whole), name
                low, high = len(whole) // 4, len(whole) // 2
                assert cells.part(low, high).at(everything[: high - low]).equals(whole.slice(low, high - low)), name
                assert cells.at(chosen).equals(whole.take(pa.array(chosen))), name
    return columns_of(path)


READABLE = {
    *("text", "large", "id", "fee", "age", "int8", "uint16", "int32", "int64", "day", "codes", "many", "one"),
    *("time_s", "time_ms", "time_us", "time_ns"),
}


@pytest.mark.parametrize("nulls", [0.0, 0.2, 0.97, 1.0])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["zstd", "snappy", "none", "gzip"])
def test_pages_are_read_as_arrow_reads_them(nulls: float, version: str, codec: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    options: Mapping[str, Any] = {"compression": codec, "data_page_version": version, "row_group_size": 1_500}
    pq.write_table(table(nulls), path, data_page_size=700, **options)
    found = check(path)
    assert set(found) == READABLE, "floats, zones and long decimals are left to Arrow"
    kinds = {name: type(cells) for name, cells in found.items()}
    assert kinds["text"] is IndexedTexts and kinds["codes"] is IndexedLists and kinds["fee"] is IndexedNumbers


def test_plain_pages_and_dictionaries_that_grew_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(table(0.1), path, use_dictionary=False, data_page_size=900)
    found = check(path)
    assert isinstance(found["fee"], Numbers64) and READABLE - set(found) == {"codes", "many"}
    pq.write_table(table(0.1), path, dictionary_pagesize_limit=900, data_page_size=300)
    assert isinstance(check(path)["fee"], Numbers64)


def test_required_columns_and_decimals_as_integers(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.parquet", table(0.0)
    fields = [pa.field(one.name, _required(one.type), nullable=False) for one in whole.schema]
    arrays = [whole.column(field.name).combine_chunks().cast(field.type) for field in fields]
    pq.write_table(pa.table(arrays, schema=pa.schema(fields)), path, store_decimal_as_integer=True)
    assert set(check(path)) == READABLE


def _required(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", pa.string(), nullable=False)) if pa.types.is_list(kind) else kind


@pytest.mark.parametrize("old", [True, False])
def test_files_of_another_writer(old: bool, tmp_path: Path) -> None:
    frame = pl.from_arrow(table(0.2))
    assert isinstance(frame, pl.DataFrame)
    frame.write_parquet(tmp_path / "a.parquet", use_pyarrow=False, statistics=old, row_group_size=700)
    assert {"fee", "text", "day", "int8"} <= set(check(tmp_path / "a.parquet"))


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_damaged_pages_are_left_to_arrow_or_read_as_they_are(codec: str, tmp_path: Path) -> None:
    """Nothing a file holds may lead outside a page or a dictionary."""
    path = tmp_path / "a.parquet"
    pq.write_table(table(0.2).drop_columns(["float", "wide"]), path, compression=codec, data_page_size=500)
    good, rng = path.read_bytes(), random.Random(3)
    end = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    for _ in range(150):
        bad = bytearray(good)
        for _ in range(rng.choice([1, 5, 50])):
            bad[rng.randrange(4, end)] = rng.randrange(256)
        path.write_bytes(bad)
        for cells in columns_of(path).values():
            assert len(cells) == ROWS


@pytest.mark.parametrize("nulls", [0.0, 0.3])
@pytest.mark.parametrize("size", [40, 700, 20_000])
def test_pages_unpacked_in_one_go_are_those_unpacked_one_by_one(nulls: float, size: int, tmp_path: Path) -> None:
    """Pages of a few bytes too, whose frames say their size in another way than those of many."""
    path = tmp_path / "a.parquet"
    pq.write_table(table(nulls), path, compression="zstd", data_page_size=size)
    metadata = pq.read_metadata(path)
    handle = os.open(path, os.O_RDONLY)
    try:
        for leaf in leaves(metadata).values():
            chunk = metadata.row_group(0).column(leaf.place)
            pages = page_bytes.pages_of(handle, chunk, leaf)
            assert pages.together is not None or len(pages.heads) == 1
            data, places = pages.unpacked()
            found = [data[begin:end].tobytes() for begin, end, _ in places.tolist()]
            alone = page_bytes.pages_of(handle, chunk, leaf, one_by_one=True)
            assert alone.together is None
            expected, bounds = alone.unpacked()
            assert found == [expected[begin:end].tobytes() for begin, end, _ in bounds.tolist()]
            assert places[:, 2].tolist() == bounds[:, 2].tolist()
            assert len(data) >= places[-1, 1] + page_bytes.SLACK
    finally:
        os.close(handle)
