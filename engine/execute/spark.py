"""The parts of a job on a Spark cluster 「Spark 执行」: every task maps one part; the driver gathers them.

    spark-submit --archives env.tar.gz#env --conf spark.pyspark.python=./env/bin/python \\
        engine/execute/spark.py /shared/cases --area /shared/area --period 2025 --shards 200 --out /shared/parts

In: case files, area and pack on storage that every executor sees; out: the folder of parts `dianzhi reduce` takes. Only
numbers of parts travel through Spark, as Arrow batches (`mapInArrow`); cases are read where they are mapped, so no case
passes through the JVM. A task run twice finds its part there. It needs the extra `spark` and Spark 3.4 or later.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

SCHEMA = pa.schema([("shard", pa.int64()), ("part", pa.string())])
"""What a task answers: plain types, in this order, because Spark takes columns by place."""
_SPARK_SCHEMA = "shard long, part string"
Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def mapping_task(cases: Sequence[str], order: dict[str, Any], shards: int, out: str) -> Task:
    """What an executor does with batches of part numbers."""

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from engine.execute.fast_cases import Shard
        from engine.execute.order import Order

        for batch in batches:
            numbers = batch.column(0).to_pylist()
            parts = [str(Order.of(order).map_part(cases, Shard(n, shards), Path(out), threads=1)) for n in numbers]
            yield pa.RecordBatch.from_arrays(
                [pa.array(numbers, pa.int64()), pa.array(parts, pa.string())], schema=SCHEMA
            )

    return task


def map_on_spark(session: Any, cases: Sequence[str | Path], order: Any, shards: int, out: Path) -> list[str]:
    """Every part, mapped by the executors of a session; returns their folders in order."""
    task = mapping_task([str(path) for path in cases], order.facts(), shards, str(out))
    numbers = session.range(1, shards + 1, 1, numPartitions=shards)
    rows = numbers.mapInArrow(task, _SPARK_SCHEMA).collect()
    found = sorted((int(row["shard"]), str(row["part"])) for row in rows)
    assert [number for number, _ in found] == list(range(1, shards + 1)), "a part was lost on the way"
    return [part for _, part in found]


def main(words: Sequence[str] | None = None) -> int:
    """Map all parts on the cluster spark-submit chose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--area")
    parser.add_argument("--period")
    parser.add_argument("--pack")
    parser.add_argument("--profile", choices=["compatible", "strict"])
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args(words)
    from pyspark.sql import SparkSession

    from engine.execute.order import Order

    order = Order(asked.area, asked.period, asked.pack, asked.profile)
    session = SparkSession.builder.appName("dianzhi map").getOrCreate()
    try:
        for part in map_on_spark(session, asked.cases, order, asked.shards, asked.out):
            print(part)
    finally:
        session.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
