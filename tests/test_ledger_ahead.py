"""A digest taken ahead is used only where the file is still as it was when its reading began."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from engine import stamps
from engine.errors import CaseFileError
from engine.ledger import ahead
from engine.ledger.ahead import DigestsAhead
from engine.ledger.manifest import parse_manifest
from engine.run_parts import RunOptions
from engine.stream.settle import settle
from tests.small_city import demo_area, small_city


@pytest.fixture(autouse=True)
def files_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "_SETTLED_NS", 0)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"{number}.parquet" for number in range(3)]
    for number, path in enumerate(made):
        path.write_bytes(bytes([number]) * (5 << 20))
    return made


def taken(digests: DigestsAhead) -> None:
    """Wait until all are taken."""
    for future in digests._taken.values():
        future.result()


def refuse_to_read(path: Path, name: str) -> None:
    raise AssertionError(f"{path} was read again")


def test_digests_taken_ahead_are_those_of_the_files(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with DigestsAhead([files[0].parent]) as digests:
        taken(digests)
        monkeypatch.setattr(ahead, "digest_file", refuse_to_read)
        found = [digests.digest(path, f"n{path.name}") for path in files]
    assert [each.sha256 for each in found] == [sha256(path.read_bytes()).hexdigest() for path in files]
    assert [(each.name, each.bytes) for each in found] == [(f"n{path.name}", 5 << 20) for path in files]


def test_a_file_nobody_has_begun_with_is_read_by_who_asks(files: list[Path]) -> None:
    with DigestsAhead(files) as digests:
        digests._pool.shutdown(cancel_futures=True)
        assert digests.digest(files[2], "c").sha256 == sha256(files[2].read_bytes()).hexdigest()


def write_more(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"x")


def write_over_and_hide_the_time(path: Path) -> None:
    stat = path.stat()
    path.write_bytes(b"y" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def put_another_there(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(b"z" * path.stat().st_size)
    other.replace(path)


@pytest.mark.parametrize("change", [write_more, write_over_and_hide_the_time, put_another_there])
def test_a_file_written_to_since_is_read_again(files: list[Path], change: object) -> None:
    assert callable(change)
    with DigestsAhead(files) as digests:
        taken(digests)
        change(files[1])
        for path in files:
            assert digests.digest(path, "").sha256 == sha256(path.read_bytes()).hexdigest()


def test_a_file_written_to_just_before_is_not_trusted(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "_SETTLED_NS", 60 * 10**9)
    with DigestsAhead(files) as digests:
        taken(digests)
        assert all(future.result() is None for future in digests._taken.values())
        assert digests.digest(files[0], "").sha256 == sha256(files[0].read_bytes()).hexdigest()


def test_files_that_are_not_there_are_left_to_others(tmp_path: Path) -> None:
    with DigestsAhead([tmp_path / "nowhere.parquet"]) as digests, pytest.raises(FileNotFoundError):
        digests.digest(tmp_path / "nowhere.parquet", "")


def test_a_run_records_what_was_taken_ahead_and_stops_where_a_file_changed(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pl.read_parquet(small_city().months["202504"][0]).write_parquet(path)
    with DigestsAhead([path]) as digests:
        taken(digests)
        options = RunOptions(out=tmp_path / "run", digest_input=digests.digest)
        run = settle([path], demo_area(), 2025, options)
        (noted,) = parse_manifest(run.folder / "manifest.json").inputs
        assert noted.sha256 == sha256(path.read_bytes()).hexdigest() and noted.name == "cases.parquet"

        def late(file: Path, name: str) -> object:
            found = digests.digest(file, name)
            write_more(path)
            return found

        with pytest.raises(CaseFileError):
            settle([path], demo_area(), 2025, RunOptions(out=tmp_path / "other", digest_input=late))  # type: ignore[arg-type]
    assert not (tmp_path / "other").exists()
