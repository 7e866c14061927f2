"""A sealed run computed again gives the same bytes: with other threads, from another place, after rules moved on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from engine.area import load_area
from engine.editions import Editions
from engine.errors import RunError
from engine.ledger.files import KEPT
from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.ledger.verify import verify_shelf
from engine.replay import replay
from engine.run import clear, group, presettle
from engine.run_parts import RunOptions
from tests.area_years import settled_year, shelf_of
from tests.routed_area import write_cases, write_unpointed_area
from tests.small_city import DEMO, YEAR, demo_area, small_city

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shelf with twelve months, the clearing that took them, and a DIP year's first month; cases not kept."""
    shelf = tmp_path_factory.mktemp("replay") / "runs"
    city, area = small_city(), demo_area()
    for month in range(1, 13):
        presettle(city.months[f"{YEAR}{month:02d}"], area, YEAR, month, RunOptions(shelf=shelf, profile="strict"))
    clear([*city.case_files, city.later], area, YEAR, RunOptions(shelf=shelf, profile="strict"))
    return shelf


def content_of(shelf: Path) -> dict[str, str]:
    files = (path for path in shelf.rglob("*") if path.is_file())
    return {path.relative_to(shelf).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def runs(shelf: Path) -> list[Path]:
    return sorted(shelf.glob("[!.]*"))


def test_months_and_the_year_come_out_again_and_the_shelf_is_not_touched(year: Path) -> None:
    """Every third month and the clearing; all of them are replayed by `tests/test_replay_next_year.py`."""
    before = content_of(year)
    chosen = [folder for place, folder in enumerate(runs(year)) if place % 3 == 0]
    assert {folder.name.split("-")[2] for folder in chosen} >= {"clear"}, "the clearing is among them"
    for folder in chosen:
        # They were made with two threads.
        done = replay(folder, threads=1)
        assert done.differences == () and done.others == (), [str(each) for each in done.differences]
        assert done.compared == len(parse_manifest(folder / MANIFEST_NAME).outputs)
    assert content_of(year) == before


def test_a_fresh_process_gives_the_same_bytes(year: Path) -> None:
    done = command("runs", "replay", runs(year)[3], cwd=year)
    assert done.returncode == 0, done.stderr
    assert "every byte the same" in done.stdout


def command(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DIANZHI_LANG": "en", "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "engine.cli", *map(str, words)]
    return subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


def copied_area(place: Path) -> Path:
    """The demo area where it may be changed."""
    for name in ("policy", "pack_drg", "pack_drg_2024"):
        shutil.copytree(DEMO / name, place / name)
    return place


def test_rules_that_moved_on_change_no_month(tmp_path: Path) -> None:
    place = copied_area(tmp_path / "area")
    month = small_city().months[f"{YEAR}04"]
    first = presettle(month, load_area(place), YEAR, 4, RunOptions(shelf=tmp_path / "runs")).folder
    header, deposit = place / "pack_drg" / "pack.toml", place / "policy" / "deposit.yaml"
    header.write_text(header.read_text().replace('"2025.1"', '"2025.2"'))
    deposit.write_text(deposit.read_text().replace("0.05", "0.04"))
    second = presettle(month, load_area(place), YEAR, 4, RunOptions(shelf=tmp_path / "runs", supersedes=first.name))
    was, now = (parse_manifest(folder / MANIFEST_NAME) for folder in (first, second.folder))
    assert was.packs != now.packs and was.policies != now.policies, "the test changes both"
    shutil.rmtree(place)
    for folder in (first, second.folder):
        assert replay(folder).differences == ()


def test_a_copied_shelf_with_kept_cases_needs_nothing_else(tmp_path: Path) -> None:
    cases = tmp_path / "cases"
    cases.mkdir()
    for path in small_city().months[f"{YEAR}04"]:
        shutil.copy(path, cases)
    options = RunOptions(shelf=tmp_path / "runs", keep_inputs=True)
    folder = presettle([cases], demo_area(), YEAR, 4, options).folder
    shutil.rmtree(cases)
    shutil.move(tmp_path / "runs", tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere" / folder.name
    assert verify_shelf(moved.parent) == (1, [])
    assert replay(moved).differences == ()


def test_case_files_are_known_by_digest_and_missing_ones_are_named(tmp_path: Path) -> None:
    source = small_city().months[f"{YEAR}04"][0]
    cases = tmp_path / "april.parquet"
    pl.read_parquet(source).write_parquet(cases)
    folder = group([cases], Editions.of(DEMO / "pack_drg"), RunOptions(out=tmp_path / "grouped")).folder
    assert replay(folder).differences == ()
    (tmp_path / "found").mkdir()
    shutil.move(cases, tmp_path / "found" / "renamed.parquet")
    with pytest.raises(RunError, match=r"april\.parquet  sha256 [0-9a-f]{64}.*was .*april\.parquet"):
        replay(folder)
    assert replay(folder, [tmp_path / "found"]).differences == ()
    cases.write_bytes(b"other")
    with pytest.raises(RunError, match="another file stands there now"):
        replay(folder)


def test_a_shelf_without_its_kept_rules_says_so(tmp_path: Path) -> None:
    folder = presettle(small_city().months[f"{YEAR}04"], demo_area(), YEAR, 4, RunOptions(shelf=tmp_path)).folder
    shutil.rmtree(tmp_path / KEPT)
    with pytest.raises(RunError, match=r"\.kept"):
        replay(folder)


def test_another_engine_is_told_and_a_changed_result_is_named_by_row(
    year: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import engine.replay as module
    from engine.version import library_facts

    monkeypatch.setattr(module, "library_facts", lambda: library_facts() | {"polars": "0.0"})
    real = module.presettle

    def off_by_one_case(files: list[Path], *rest: object) -> object:
        return real(files[:1], *rest)  # type: ignore[arg-type]

    folder = next(path for path in runs(year) if len(parse_manifest(path / MANIFEST_NAME).inputs) > 1)
    monkeypatch.setattr(module, "presettle", off_by_one_case)
    done = replay(folder)
    assert [part for part, _, _ in done.others] == ["polars"]
    told = {difference.file: difference.where for difference in done.differences}
    assert "rows →" in told["settled.parquet"] and "amount_fen" in told["lines.parquet"]
    assert "counts.read" in str(done.differences[-1]) or MANIFEST_NAME in told


def test_areas_with_several_schemes_and_the_year_that_opens_with_the_last_come_out_again() -> None:
    folders = [settled_year("shanwei", year).cleared.folder for year in (2021, 2022)]
    assert verify_shelf(shelf_of("shanwei"))[1] == []
    for folder in folders:
        assert replay(folder, threads=1).differences == ()
    taken = [item.name for item in parse_manifest(folders[1] / MANIFEST_NAME).inputs if item.path is None]
    assert f"{folders[0].name}/lines.parquet" in taken


def test_an_area_without_any_pack_comes_out_again(tmp_path: Path) -> None:
    place, cases = write_unpointed_area(tmp_path / "area"), write_cases(tmp_path / "cases.csv")
    # It measures points, which this area has not.
    (place / "policy" / "weight_measurement.yaml").unlink(missing_ok=True)
    options = RunOptions(shelf=tmp_path / "runs", profile="compatible")
    folder = presettle([cases], load_area(place), YEAR, 3, options).folder
    assert replay(folder).differences == ()
