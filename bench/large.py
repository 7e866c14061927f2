"""A large city out of a small one 「放大数据」: its Parquet files again and again, every copy with ids of its own.

In: how many cases; out: a folder of files in row groups of a run's usual size. Clean and dirty rows keep their shares.
It is kept beside the city it was made of, and renamed into place when complete.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.city import case_paths, demo_city

SEED_CASES = 1_000_000
ROWS_PER_GROUP = 131_072
ROWS_PER_FILE = 1_000_000


def large_city(cases: int, seed: int) -> Path:
    """A folder with at least `cases` cases, a million a file."""
    source = demo_city(min(cases, SEED_CASES), seed)
    folder = source.with_name(f"{source.name}-large-{cases}")
    if folder.is_dir():
        return folder
    part = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    part.mkdir(parents=True)
    try:
        _multiply(source, part, cases)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _multiply(source: Path, target: Path, cases: int) -> None:
    first = [path for folder in case_paths(source) for path in sorted(folder.glob("*.parquet"))]
    kind = pq.read_schema(first[0])
    alike = [path for path in first if pq.read_schema(path).equals(kind)]
    whole = pa.concat_tables([pq.read_table(path) for path in alike]).slice(0, ROWS_PER_FILE)
    options = {"compression": "zstd", "row_group_size": ROWS_PER_GROUP, "use_dictionary": _dictionaries(kind)}
    written = copy = 0
    while written < cases:
        rows = whole.slice(0, min(cases - written, whole.num_rows))
        ids = pc.binary_join_element_wise(rows["setl_id"], f"{copy:04d}", "-")
        place = rows.schema.get_field_index("setl_id")
        pq.write_table(rows.set_column(place, "setl_id", ids), target / f"{copy:04d}.parquet", **options)
        written += rows.num_rows
        copy += 1


def _dictionaries(kind: pa.Schema) -> list[str]:
    lists = [f"{field.name}.list.element" for field in kind if pa.types.is_list(field.type)]
    return [*lists, *(field.name for field in kind if field.name not in ("setl_id", "psn_no"))]
