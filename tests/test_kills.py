"""Killed, starved of disk or interrupted at any moment, a run is whole or absent, and the next one stands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.ledger.store import chain_of, new_run, next_run_id
from engine.ledger.verify import verify_shelf
from tests.small_city import YEAR, small_city

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "DIANZHI_LANG": "en", "PYTHONPATH": str(ROOT)}


def python(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, *words]
    return subprocess.run(line, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)


def test_faults_at_file_operations_leave_every_shelf_whole() -> None:
    done = python("-m", "bench.kills", "--points", "60", "--whole", "0", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "every shelf verified" in done.stdout


def test_whole_commands_killed_at_any_moment_leave_every_shelf_whole() -> None:
    done = python("-m", "bench.kills", "--points", "0", "--whole", "8", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "the next run stood" in done.stdout


@pytest.mark.slow
def test_a_thousand_faults_at_file_operations_leave_every_shelf_whole() -> None:
    done = python("-m", "bench.kills", "--points", "1000", "--whole", "50", "--seed", "5")
    assert done.returncode == 0, done.stderr


LIMITED = """
import resource, sys
from engine.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), -1))
main()
"""


COMMANDS = {"presettle": ("--month", "2025-04"), "settle": ("--year", "2025")}


def words_of(command: str, runs: Path) -> tuple[str, ...]:
    month = str(small_city().months[f"{YEAR}04"][0])
    return (command, month, "--area", "demo", *COMMANDS[command], "--runs", str(runs))


@pytest.mark.parametrize(("command", "limit"), [("presettle", 1_000), ("presettle", 30_000), ("settle", 3_000)])
def test_a_whole_command_that_finds_no_room_says_so_and_leaves_the_shelf_clean(
    tmp_path: Path, command: str, limit: int
) -> None:
    done = python("-c", LIMITED, str(limit), *words_of(command, tmp_path / "runs"))
    assert done.returncode == 1, done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("command", "part"), [("presettle", 2), ("presettle", 4), ("settle", 2), ("settle", 3)])
def test_ctrl_c_on_a_whole_command_leaves_the_shelf_clean(tmp_path: Path, command: str, part: int) -> None:
    line = [sys.executable, "-m", "engine.cli", *words_of(command, tmp_path / "runs")]
    child = subprocess.Popen(line, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Wait for the draft, so that there is something to clean, then a little longer each time.
    for _ in range(3_000):
        if child.poll() is not None or any(tmp_path.glob("runs/.*partial*")):
            break
        time.sleep(0.01)
    time.sleep(0.05 * (part - 2))
    child.send_signal(signal.SIGINT)
    child.wait(60)
    left = [path.name for path in (tmp_path / "runs").glob("*")] if (tmp_path / "runs").exists() else []
    assert child.returncode in (0, 130)
    assert left == [] or (child.returncode == 0 and verify_shelf(tmp_path / "runs") == (1, [])), left


WRITER = """
import sys
from pathlib import Path
from engine.ledger.store import new_run, next_run_id
shelf = Path(sys.argv[1])
for number in range(10):
    target = shelf / next_run_id(shelf, "2025-03", "370000", "group")
    run = new_run(target, kind="group", area="370000", period="2025-03", engine={}, parameters={}, numbered=True)
    with run as draft:
        (draft.folder / "who.txt").write_text(f"{sys.argv[2]} {draft.run_id}")
"""


def test_writers_on_one_shelf_never_take_the_same_name(tmp_path: Path) -> None:
    shelf = tmp_path / "runs"
    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(lambda who: python("-c", WRITER, str(shelf), who), "abc"))
    assert [end.returncode for end in ends] == [0, 0, 0], [end.stderr for end in ends]
    assert verify_shelf(shelf) == (30, [])
    for manifest in chain_of(shelf, "370000"):
        assert (shelf / manifest.run_id / "who.txt").read_text().endswith(manifest.run_id)


def test_two_at_once_settle_a_month_once(tmp_path: Path) -> None:
    month = str(small_city().months[f"{YEAR}04"][0])
    words = ("-m", "engine.cli", "presettle", month, "--area", "demo", "--month", "2025-04", "--runs", str(tmp_path))
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda _: python(*words), range(2)))
    assert sorted(end.returncode for end in ends) == [0, 7], [end.stderr for end in ends]
    assert any("settled already" in end.stderr for end in ends)
    assert verify_shelf(tmp_path) == (1, [])


def test_a_run_being_written_keeps_its_name_and_is_not_cleared(tmp_path: Path) -> None:
    first = new_run(tmp_path / "x-01", kind="group", area="1", period="x", engine={}, parameters={})
    with first as draft:
        (draft.folder / "half.txt").write_text("half")
        second = new_run(tmp_path / "1-1-1-01", kind="group", area="1", period="x", engine={}, parameters={})
        with second:
            pass
        assert (draft.folder / "half.txt").is_file()
        with (
            pytest.raises(Exception, match="being written"),
            new_run(tmp_path / "x-01", kind="group", area="1", period="x", engine={}, parameters={}),
        ):
            pass
    assert parse_manifest(tmp_path / "x-01" / MANIFEST_NAME).sequence == 2
    assert verify_shelf(tmp_path) == (2, [])
    assert next_run_id(tmp_path, "x", "1", "group") == "x-1-group-01"
