"""A closed period takes no other run, unless it is reopened with a reason that the chain keeps."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.close import close
from engine.errors import RunError
from engine.ledger.manifest import MANIFEST_NAME, Manifest, parse_manifest
from engine.ledger.store import chain_of
from engine.ledger.verify import verify_shelf
from engine.replay import replay
from engine.run import clear, presettle
from engine.run_parts import RunOptions
from tests.small_city import YEAR, demo_area, small_city

AREA = "370000"


def settled(shelf: Path, month: int, **more: str) -> Path:
    files = small_city().months[f"{YEAR}{month:02d}"]
    return presettle(files, demo_area(), YEAR, month, replace(RunOptions(shelf=shelf), **more)).folder  # type: ignore[arg-type]


def manifest_of(folder: Path) -> Manifest:
    return parse_manifest(folder / MANIFEST_NAME)


def kinds(shelf: Path) -> list[str]:
    return [manifest.kind for manifest in chain_of(shelf, AREA)]


def test_a_close_names_the_standing_run_and_its_seal(tmp_path: Path) -> None:
    first = settled(tmp_path, 3)
    second = settled(tmp_path, 3, supersedes=first.name)
    entry = manifest_of(close(tmp_path, AREA, "2025-03"))
    assert entry.parameters == {"closes": second.name, "sealed": manifest_of(second).seal}
    assert entry.outputs == [] and entry.previous == manifest_of(second).seal
    assert verify_shelf(tmp_path) == (3, [])
    with pytest.raises(RunError, match="computes nothing"):
        replay(tmp_path / entry.run_id)


def test_a_closed_month_refuses_a_correction_until_it_is_reopened_with_a_reason(tmp_path: Path) -> None:
    first = settled(tmp_path, 3)
    close(tmp_path, AREA, "2025-03")
    with pytest.raises(RunError, match="closed already"):
        close(tmp_path, AREA, "2025-03")
    with pytest.raises(RunError, match="--reopen REASON"):
        settled(tmp_path, 3, supersedes=first.name)
    second = settled(tmp_path, 3, supersedes=first.name, reopen="行政复议决定 court order")
    assert kinds(tmp_path) == ["presettle", "close", "reopen", "presettle"]
    opened = chain_of(tmp_path, AREA)[2]
    assert opened.parameters == {"reason": "行政复议决定 court order", "for": second.name}
    assert verify_shelf(tmp_path) == (4, [])
    close(tmp_path, AREA, "2025-03")
    with pytest.raises(RunError, match="closed by 2025-03-370000-close-02"):
        settled(tmp_path, 3, supersedes=second.name)


def test_a_reopening_that_settles_nothing_leaves_no_entry(tmp_path: Path) -> None:
    first = settled(tmp_path, 3)
    close(tmp_path, AREA, "2025-03")
    with pytest.raises(RunError, match="no case of 2025-03"):
        files = small_city().months[f"{YEAR}04"]
        presettle(files, demo_area(), YEAR, 3, RunOptions(shelf=tmp_path, supersedes=first.name, reopen="wrong files"))
    assert kinds(tmp_path) == ["presettle", "close"]


def test_what_is_not_closed_cannot_be_reopened_and_what_is_not_there_cannot_be_closed(tmp_path: Path) -> None:
    first = settled(tmp_path, 3)
    with pytest.raises(RunError, match="is not closed"):
        settled(tmp_path, 3, supersedes=first.name, reopen="why not")
    with pytest.raises(RunError, match="nothing to close"):
        close(tmp_path, AREA, "2025-04")
    with pytest.raises(RunError, match="nothing to close"):
        close(tmp_path, AREA, "2025")


def test_a_changed_run_is_not_closed(tmp_path: Path) -> None:
    folder = settled(tmp_path, 3)
    (folder / "summary.html").write_text("other")
    with pytest.raises(RunError, match=r"summary\.html"):
        close(tmp_path, AREA, "2025-03")


def test_clearing_the_year_closes_its_months(tmp_path: Path) -> None:
    city = small_city()
    march = settled(tmp_path, 3)
    options = RunOptions(shelf=tmp_path, months="cases")
    year = clear([*city.case_files, city.later], demo_area(), YEAR, options).folder
    for month, more in ((3, {"supersedes": march.name}), (4, {})):
        with pytest.raises(RunError, match=f"closed by {year.name}"):
            settled(tmp_path, month, **more)
    again = clear([*city.case_files, city.later], demo_area(), YEAR, replace(options, supersedes=year.name)).folder
    close(tmp_path, AREA, "2025")
    with pytest.raises(RunError, match="2025 is closed by"):
        clear([*city.case_files, city.later], demo_area(), YEAR, replace(options, supersedes=again.name))
    settled(tmp_path, 3, supersedes=march.name, reopen="audit")
    assert kinds(tmp_path) == ["presettle", "clear", "clear", "close", "reopen", "presettle"]
    assert verify_shelf(tmp_path) == (6, [])


def test_the_list_says_what_is_closed_and_what_is_superseded(tmp_path: Path) -> None:
    first = settled(tmp_path, 3)
    second = settled(tmp_path, 3, supersedes=first.name)
    entry = close(tmp_path, AREA, "2025-03")
    environment = {**os.environ, "DIANZHI_LANG": "en", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    line = [sys.executable, "-m", "engine.cli", "runs", "list", "--runs", str(tmp_path)]
    listed = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60).stdout.splitlines()
    assert listed[0].endswith(f"superseded by {second.name}")
    assert listed[1].endswith(f"closed by {entry.name}")
    assert entry.name in listed[2]
