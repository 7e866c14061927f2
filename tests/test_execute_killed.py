"""A job killed at any moment leaves nothing that passes for a result, and the next one succeeds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.execute.fast_cases import Shard
from engine.execute.order import Order
from engine.execute.parts import FACTS
from fixtures.generate import generate_city

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "fixtures" / "demo"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    generate_city(folder, 2_000, 13)
    return folder


def started(*words: str | Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine.cli", "--lang", "en", *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check_clearing(city: Path, shelf: Path, moments: int) -> None:
    words = ["clear", city / "cases", city / "later", "--area", "demo", "--year", "2025", "--months", "cases", "--out"]

    def run(name: str) -> subprocess.Popen[bytes]:
        (shelf / name).mkdir(parents=True, exist_ok=True)
        return started(*words, shelf / name / "run")

    began = time.monotonic()
    assert run("whole").wait() == 0
    whole = time.monotonic() - began
    rng, caught = random.Random(moments), 0
    for number in range(moments):
        job = run(f"{number}")
        time.sleep(rng.uniform(0.2, 1.05) * whole)
        caught += job.poll() is None
        job.send_signal(signal.SIGKILL)
        job.wait()
        found = shelf / f"{number}" / "run"
        # A folder under its own name is a finished run: it was renamed into place when everything was synced.
        assert not found.exists() or (found / "manifest.json").exists()
        if found.exists():
            tables = ("grouped", "settled", "lines", "clearing")
            assert [(found / f"{name}.parquet").read_bytes() for name in tables] == [
                (shelf / "whole" / "run" / f"{name}.parquet").read_bytes() for name in tables
            ]
    assert caught, "no run was at work when it was killed"
    last = run("0-again") if (shelf / "0" / "run").exists() else run("0")
    assert last.wait() == 0, "the run after a killed one succeeds"


def test_a_clearing_killed_now_and_then(city: Path, tmp_path: Path) -> None:
    check_clearing(city, tmp_path, 3)


@pytest.mark.slow
def test_a_clearing_killed_at_fifty_moments(city: Path, tmp_path: Path) -> None:
    check_clearing(city, tmp_path, 50)


def test_a_part_killed_is_no_part(city: Path, tmp_path: Path) -> None:
    words = ["map", city / "cases", "--pack", DEMO / "pack_drg", "--shard", "1/2", "--out", tmp_path]
    began = time.monotonic()
    assert started(*words).wait() == 0
    whole = time.monotonic() - began
    first = (tmp_path / "part-00001-of-00002" / "cases.arrow").read_bytes()
    for place in (0.5, 0.8, 0.95):
        out = tmp_path / f"killed-{place}"
        job = started(*words[:-1], out)
        time.sleep(place * whole)
        job.kill()
        job.wait()
        assert not list(out.glob("part-*")) or (out / "part-00001-of-00002" / FACTS).exists()
        Order(pack=str(DEMO / "pack_drg")).map_part([city / "cases"], Shard(1, 2), out)
        assert (out / "part-00001-of-00002" / "cases.arrow").read_bytes() == first
