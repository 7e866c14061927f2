"""Parts mapped by Spark are the parts mapped here: the same bytes when gathered."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from engine.execute.fast_cases import Shard
from engine.execute.order import Order
from engine.execute.spark import SCHEMA, map_on_spark, mapping_task
from fixtures.generate import generate_city

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "fixtures" / "demo"
TABLES = ("grouped", "rejected", "settled", "clearing", "lines")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    generate_city(folder, 2_000, 9)
    return folder


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    missing = [name for name in ("pyspark", "pandas") if importlib.util.find_spec(name) is None]
    if missing or shutil.which("java") is None:
        pytest.skip("NOT TESTED: Spark. Install the extra `spark` and a Java runtime to test it. 未测试 Spark。")
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    found = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    yield found
    found.stop()


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / f"{name}.parquet").read_bytes() for name in TABLES}


@pytest.mark.parametrize("policy", ["policy", "policy_dip"])
def test_spark_maps_the_same_parts(policy: str, session: Any, city: Path, tmp_path: Path) -> None:
    cases = [city / "cases", city / "later"]
    order = Order(area=str(DEMO / policy), period="2025")
    parts = map_on_spark(session, cases, order, 3, tmp_path / "spark")
    assert len(parts) == 3
    assert map_on_spark(session, cases, order, 3, tmp_path / "spark") == parts, "a second run finds them there"
    order.reduce(tmp_path / "spark", out=tmp_path / "a" / "run", months="cases")
    for number in range(1, 3):
        order.map_part(cases, Shard(number, 2), tmp_path / "here")
    order.reduce(tmp_path / "here", out=tmp_path / "b" / "run", months="cases")
    assert tables(tmp_path / "a" / "run") == tables(tmp_path / "b" / "run")


def test_a_task_answers_in_plain_types_and_order(city: Path, tmp_path: Path) -> None:
    order = Order(pack=str(DEMO / "pack_drg"))
    task = mapping_task([str(city / "cases")], order.facts(), 2, str(tmp_path))
    answers = list(task(iter([pa.record_batch([pa.array([1, 2])], names=["id"])])))
    assert [answer.schema for answer in answers] == [SCHEMA]
    assert [Path(path).name for path in answers[0].column(1).to_pylist()] == [
        "part-00001-of-00002",
        "part-00002-of-00002",
    ]
