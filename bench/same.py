"""Three executors, the same bytes 「执行器一致性」: in one go, in shards, and on Spark.

    python -m bench same --cases 2000000

In: a large demo city; out: one line a scheme and way, with the digest of every table. A year is cleared in one go,
mapped in 1 and in 7 shards and reduced, and mapped by Spark (local[2]) and reduced; the exit code is 1 unless all
tables of all ways have the same bytes. Without pyspark or Java the last way is left out, and that is said.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.city import YEAR
from bench.large import large_city
from bench.scale import DEMO
from engine.area import load_area
from engine.execute.fast_cases import Shard
from engine.execute.order import Order
from engine.ledger.manifest import digest_file
from engine.run import clear
from engine.run_parts import RunOptions

SCHEMES = {"DRG": "policy", "DIP": "policy_dip"}
TABLES = ("grouped", "settled", "lines", "clearing", "rejected", "other_period")


def main(words: Sequence[str]) -> int:
    """Compare, print, 1 if one byte differs."""
    parser = argparse.ArgumentParser(prog="python -m bench same", description="One go, shards, Spark: the same bytes?")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args(words)
    city = large_city(asked.cases, asked.seed)
    session = _spark()
    if session is None:
        print("NOT COMPARED: Spark. It needs the extra `spark` and a Java runtime. 未比较 Spark。", file=sys.stderr)
    differing = 0
    for scheme, policy in SCHEMES.items():
        with tempfile.TemporaryDirectory(prefix="dianzhi-same-") as made:
            found = _ways(scheme, city, DEMO / policy, Path(made), session)
        differing += len({tuple(sorted(each.items())) for each in found.values()}) - 1
    if session is not None:
        session.stop()
    print("the same bytes" if not differing else f"{differing} ways differ")
    return int(differing > 0)


def _ways(scheme: str, city: Path, area: Path, place: Path, session: Any) -> dict[str, dict[str, str]]:
    order = Order(area=str(area), period=str(YEAR))

    def go() -> Path:
        return clear([city], load_area(area), YEAR, RunOptions(out=place / "go" / "run", months="cases")).folder

    def shards(count: int) -> Path:
        for number in range(1, count + 1):
            order.map_part([city], Shard(number, count), place / f"parts{count}", 2)
        return order.reduce(place / f"parts{count}", out=place / f"shards{count}" / "run", months="cases").folder

    def spark() -> Path:
        from engine.execute.spark import map_on_spark

        map_on_spark(session, [city], order, 7, place / "spark-parts")
        return order.reduce(place / "spark-parts", out=place / "spark" / "run", months="cases").folder

    ways: dict[str, Callable[[], Path]] = {"one go": go, "1 shard": lambda: shards(1), "7 shards": lambda: shards(7)}
    if session is not None:
        ways["Spark local[2], 7 shards"] = spark
    found: dict[str, dict[str, str]] = {}
    for name, way in ways.items():
        began = time.monotonic()
        folder = way()
        found[name] = {path.stem: digest_file(path).sha256 for path in _tables(folder)}
        shown = " ".join(f"{table} {digest[:8]}" for table, digest in found[name].items())
        print(f"{scheme}, {name}: {time.monotonic() - began:,.0f} s; {shown}", flush=True)
        shutil.rmtree(folder)
    return found


def _tables(folder: Path) -> list[Path]:
    return [path for name in TABLES if (path := folder / f"{name}.parquet").exists()]


def _spark() -> Any:
    """A session on this machine, or None where something is missing."""
    if any(importlib.util.find_spec(name) is None for name in ("pyspark", "pandas")) or shutil.which("java") is None:
        return None
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    local = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master("local[2]")
    for key, value in local.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
