"""Parts of a job, put together in any number, are the job: the same bytes in every table."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from engine.cli import app
from engine.errors import RunError
from engine.execute.parts import FACTS, is_parts, order_of
from engine.execute.pieces import PieceWriter, in_order, read_pieces
from engine.run import rejected_beside
from fixtures.generate import generate_city

DEMO = Path(__file__).parents[1] / "fixtures" / "demo"
TABLES = ("grouped", "rejected", "other_period", "settled", "clearing", "lines")
run = CliRunner().invoke


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    generate_city(folder, 3_000, 5)
    return folder


def dianzhi(*words: str | Path) -> str:
    done = run(app, ["--lang", "en", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def mapped(city: Path, parts: Path, count: int, *words: str | Path) -> Path:
    for number in range(1, count + 1):
        dianzhi("map", city / "cases", city / "later", "--shard", f"{number}/{count}", "--out", parts, *words)
    return parts


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / f"{name}.parquet").read_bytes() for name in TABLES if (folder / f"{name}.parquet").exists()}


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize("scheme", ["drg", "dip"])
def test_a_year_in_parts_is_the_year(count: int, scheme: str, city: Path, tmp_path: Path) -> None:
    area = ["--area", str(DEMO / ("policy" if scheme == "drg" else "policy_dip"))]
    local = tmp_path / "local" / "run"
    dianzhi("clear", city / "cases", city / "later", *area, "--year", "2025", "--months", "cases", "--out", local)
    parts = mapped(city, tmp_path / "parts", count, *area, "--period", "2025")
    gathered = tmp_path / "gathered" / "run"
    dianzhi("reduce", parts, "--months", "cases", "--out", gathered)
    assert len(tables(local)) >= 5
    assert tables(local) == tables(gathered)
    one, two = (json.loads((folder / "manifest.json").read_text("utf-8")) for folder in (local, gathered))
    assert one["counts"] == two["counts"] and one["totals"] == two["totals"]


def test_grouping_in_parts(city: Path, tmp_path: Path) -> None:
    pack = ["--pack", str(DEMO / "pack_dip")]
    dianzhi("group", city / "cases", city / "later", *pack, "--out", tmp_path / "local")
    dianzhi("reduce", mapped(city, tmp_path / "parts", 3, *pack), "--out", tmp_path / "gathered")
    assert tables(tmp_path / "local") == tables(tmp_path / "gathered")


def test_one_grouped_file_from_parts(city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.write_parquet.ROWS_PER_GROUP", 500)
    monkeypatch.setattr("engine.execute.order.ROWS_PER_GROUP", 500)
    monkeypatch.setattr("engine.execute.pieces.SAMPLED", 16)
    for name in ("pack_drg", "pack_dip"):
        pack = ["--pack", str(DEMO / name)]
        local, gathered = tmp_path / f"{name}-local.parquet", tmp_path / f"{name}-gathered.parquet"
        dianzhi("group", city / "cases", city / "later", *pack, "--out", local)
        said = dianzhi("reduce", mapped(city, tmp_path / name, 3, *pack), "--out", gathered)
        assert "cases" in said
        assert local.read_bytes() == gathered.read_bytes()
        assert rejected_beside(local).read_bytes() == rejected_beside(gathered).read_bytes()


@pytest.mark.parametrize("rows", [1, 7, 64, 5_000])
@pytest.mark.parametrize("seed", range(4))
def test_pieces_come_in_order_whatever_they_overlap(
    rows: int, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.execute.pieces.SAMPLED", 1 + seed * 5)
    rng = random.Random(seed)
    ids = [f"S{rng.randrange(10**9)}{n:04d}" for n in range(1_000)]
    if seed == 3:
        ids.sort()
    with PieceWriter(tmp_path / "p") as pieces:
        start = 0
        while start < len(ids):
            end = start + rng.randrange(1, 300)
            some = ids[start:end]
            hospitals = pa.array([text[-2:] for text in some]).dictionary_encode()
            pieces.add(pa.table({"setl_id": some, "hospital": hospitals}))
            start = end
    books = list(in_order(read_pieces(tmp_path / "p", pieces.ends), rows))
    assert [len(book) for book in books[:-1]] == [rows] * (len(books) - 1)
    whole = pa.concat_tables([book.table for book in books])
    assert whole["setl_id"].to_pylist() == sorted(ids)
    assert whole["hospital"].to_pylist() == [text[-2:] for text in sorted(ids)]


def test_an_id_in_two_pieces_stops_the_job(tmp_path: Path) -> None:
    with PieceWriter(tmp_path / "p") as pieces:
        pieces.add(pa.table({"setl_id": ["A", "B"]}))
        pieces.add(pa.table({"setl_id": ["B", "C"]}))
    with pytest.raises(AssertionError, match="twice"):
        list(in_order(read_pieces(tmp_path / "p", pieces.ends), 2))
    assert list(in_order([], 10)) == []


def test_a_part_is_made_once_and_again_when_the_files_changed(city: Path, tmp_path: Path) -> None:
    files = tmp_path / "city"
    shutil.copytree(city, files)
    words = ["--area", str(DEMO / "policy"), "--period", "2025-03"]
    parts = mapped(files, tmp_path / "parts", 2, *words)
    facts = [(path, path.stat().st_mtime_ns) for path in sorted(parts.glob(f"*/{FACTS}"))]
    mapped(files, parts, 2, *words)
    assert facts == [(path, path.stat().st_mtime_ns) for path in sorted(parts.glob(f"*/{FACTS}"))]
    touched = next(iter((files / "cases").glob("*.parquet")))
    touched.touch()
    with pytest.raises(RunError, match="other files"):
        run(app, ["--lang", "en", "reduce", str(parts), "--out", str(tmp_path / "run")], catch_exceptions=False)
    mapped(files, parts, 2, *words)
    dianzhi("reduce", parts, "--out", tmp_path / "run")


def test_a_missing_part_is_named(city: Path, tmp_path: Path) -> None:
    words = ["--area", str(DEMO / "policy"), "--period", "2025-03"]
    parts = mapped(city, tmp_path / "parts", 3, *words)
    assert is_parts([parts]) and order_of(parts)["period"] == "2025-03"
    shutil.rmtree(next(parts.glob("part-00002-*")))
    with pytest.raises(RunError, match=r"of 3: 2"):
        run(app, ["--lang", "en", "reduce", str(parts), "--out", str(tmp_path / "run")], catch_exceptions=False)
    with pytest.raises(RunError, match="no parts"):
        order_of(tmp_path)
