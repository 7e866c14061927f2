"""Runs killed, starved of disk and interrupted at chosen moments: is the shelf whole every time? 「断点试验」

    python -m bench.kills --points 1000 --whole 50 --seed 1

`--points`: the ledger writes a run, a close or a reopened correction in a process of its own, which at its n-th file
operation is killed, finds the disk full, or is interrupted. `--whole`: `dianzhi presettle` and `dianzhi settle` in turn
are killed at a random moment. After each the shelf must verify, hold what was acknowledged, and take the next run. The
first failure ends the script, naming the seed and the point.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from engine.ledger.files import KEPT
from engine.ledger.kept import POLICIES, Keep
from engine.ledger.manifest import digest_file
from engine.ledger.store import new_run, next_run_id, runs_on
from engine.ledger.verify import verify_shelf

FAULTS = ("kill", "full", "interrupt")
_WATCHED = ("open", "os.mkdir", "os.rename", "os.rmdir", "os.remove", "shutil.copyfile", "fcntl.flock", "fsync")
_WRITING = ("os.mkdir", "os.rename", "shutil.copyfile", "fsync")
_CLEANING = ("os.rmdir", "os.remove")
_AREA, _ENGINE = "370000", {"version": "bench"}
_FRESH_EVERY = 25
_OPERATIONS = 110
"""About as many file operations as one run makes."""


class Fault:
    """At the n-th file operation of this process: death, a full disk from then on, or one Ctrl-C."""

    def __init__(self, kind: str, at: int) -> None:
        self.kind, self.at, self.seen, self.cleaning = kind, at, 0, False
        real = os.fsync

        def fsync(descriptor: int) -> None:
            self("fsync", (descriptor,))
            real(descriptor)

        os.fsync = fsync
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _WATCHED:
            return
        self.seen += 1
        self.cleaning |= event in _CLEANING
        if self.kind == "kill" and self.seen == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "interrupt" and self.seen == self.at and not self.cleaning:
            raise KeyboardInterrupt
        if self.kind == "full" and self.seen >= self.at and _writes(event, arguments):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _writes(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open":
        return isinstance(arguments[1], str) and any(sign in arguments[1] for sign in "wax+")
    return event in _WRITING


def act(shelf: Path, source: Path, what: str, number: int) -> None:
    """Write one run as the commands do: kept rules and cases, several files, an entry that reopens."""
    kind = "close" if what == "close" else "presettle"
    target = shelf / next_run_id(shelf, "2025-03", _AREA, kind)
    run = new_run(
        target, kind=kind, area=_AREA, period="2025-03", engine=_ENGINE, parameters={"number": number}, numbered=True
    )
    with run as draft:
        if what == "close":
            return
        for name in ("grouped.parquet", "settled.parquet", "summary.html"):
            (draft.folder / name).write_bytes(random.Random(number).randbytes(3000))
        (draft.folder / "statements").mkdir()
        (draft.folder / "statements" / "H1.xlsx").write_bytes(b"sheet")
        rules = source / f"rules{number % 5}"
        draft.policies.append({"area": _AREA, "fingerprint": print_of(rules)})
        draft.keep.append(Keep(POLICIES, print_of(rules), rules, print_of))
        draft.inputs.append(replace(digest_file(source / "cases.csv"), path=str(source / "cases.csv")))
        draft.keep_inputs = True
        draft.reopen = "bench" if what == "reopen" else None


def print_of(folder: Path) -> str:
    """A stand-in for a policy's fingerprint."""
    return sha256((folder / "area.yaml").read_bytes()).hexdigest()


def sources(place: Path) -> Path:
    """Five policies of two files, and a case file."""
    for number in range(5):
        folder = place / f"rules{number}"
        folder.mkdir(parents=True)
        (folder / "area.yaml").write_text(f"area: {number}\n", encoding="utf-8")
        (folder / "hospitals.csv").write_text("code\nH1\n", encoding="utf-8")
    (place / "cases.csv").write_text("setl_id\nS1\n", encoding="utf-8")
    return place


def forked(work: Callable[[], None], kind: str, at: int) -> tuple[bool, int]:
    """Run `work` in a child with a fault. Returns (whether it was acknowledged, exit status)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            Fault(kind, at)
            work()
            os.write(writing, b"done")
        except BaseException:
            os._exit(9)
        os._exit(0)
    os.close(writing)
    said = os.read(reading, 4)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    return said == b"done", status


def ledger_points(points: int, seed: int) -> dict[str, int]:
    """Kill, starve or interrupt the ledger at `points` moments. Returns how often each fault really struck."""
    chance = random.Random(seed)
    struck = dict.fromkeys(FAULTS, 0)
    with tempfile.TemporaryDirectory(prefix="dianzhi-kills-") as made:
        source = sources(Path(made) / "source")
        shelf = Path(made) / "runs"
        for point in range(points):
            if point % _FRESH_EVERY == 0:
                shutil.rmtree(shelf, ignore_errors=True)
            what, kind = chance.choice(("run", "run", "reopen", "close")), chance.choice(FAULTS)
            at = chance.randint(1, _OPERATIONS)
            before, stale = ids_on(shelf), _unfinished(shelf)
            done, status = forked(partial(act, shelf, source, what, point), kind, at)
            struck[kind] += status != 0
            where = f"seed {seed}, point {point}: {kind} at operation {at} of {what}"
            _judge(shelf, before, done, where)
            left = _unfinished(shelf) - stale
            assert kind == "kill" or not left, f"{where}: left behind {left}"
            if point % 5 == 4:
                before = ids_on(shelf)
                act(shelf, source, "run", point)
                _judge(shelf, before, True, f"seed {seed}, after point {point}")
                assert not _unfinished(shelf), f"seed {seed}, after point {point}: {_unfinished(shelf)}"
    return struck


def ids_on(shelf: Path) -> set[str]:
    """The runs a reader sees."""
    return {manifest.run_id for _, manifest in runs_on(shelf)}


def _unfinished(shelf: Path) -> set[str]:
    """Hidden work of runs that did not end."""
    hidden = {path.name for path in shelf.glob(".*") if path.name != KEPT} if shelf.exists() else set()
    return hidden | {path.name for path in (shelf / KEPT).glob("*/.*")}


def _judge(shelf: Path, before: set[str], done: bool, where: str) -> None:
    now = ids_on(shelf)
    findings = verify_shelf(shelf)[1] if shelf.exists() else []
    assert not findings, f"{where}: {findings[0]}"
    assert before <= now, f"{where}: a run was lost"
    assert not done or len(now) > len(before), f"{where}: acknowledged and not there"
    assert len(now) - len(before) <= 2, f"{where}: {sorted(now - before)} from one run"


def whole_runs(times: int, seed: int) -> int:
    """Kill `presettle` and `settle` in turn at random moments, then let each finish. Returns how many really died."""
    from fixtures.generate import generate_city

    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="dianzhi-kills-") as made:
        place = Path(made)
        case_file = generate_city(place / "city", 2_000, seed).months["202503"][0]
        settling = [sys.executable, "-m", "engine.cli"]
        commands = [
            [*settling, "presettle", str(case_file), "--area", "demo", "--month", "2025-03", "--runs"],
            [*settling, "settle", str(case_file), "--area", "demo", "--year", "2025", "--runs"],
        ]
        longest = [_timed([*command, str(place / f"first{n}")]) for n, command in enumerate(commands)]
        killed = 0
        for number in range(times):
            shelf, which = place / f"runs{number % 5}", number % len(commands)
            moment = chance.uniform(0, longest[which])
            killed += _killed(commands[which], shelf, moment)
            seen, findings = verify_shelf(shelf) if shelf.exists() else (0, [])
            assert not findings and seen <= 1, f"seed {seed}, killed after {moment:.3f} s: {findings or seen}"
            if seen:
                shutil.rmtree(shelf)
        for number, command in enumerate(commands):
            last = subprocess.run([*command, str(place / f"runs{number}")], capture_output=True, text=True)
            assert last.returncode == 0, last.stderr
            assert verify_shelf(place / f"runs{number}") == (1, [])
            assert not _unfinished(place / f"runs{number}"), "what a killed run left is cleared by the next"
    return killed


def _timed(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - started


def _killed(command: list[str], shelf: Path, moment: float) -> bool:
    child = subprocess.Popen([*command, str(shelf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        child.wait(moment)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    return child.returncode != 0


def main() -> None:
    """Run both trials and print what was survived."""
    parser = argparse.ArgumentParser(description="Runs killed at chosen moments: is the shelf whole every time?")
    parser.add_argument("--points", type=int, default=1000, help="faults of the ledger")
    parser.add_argument("--whole", type=int, default=50, help="kills of the whole command")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    struck = ledger_points(asked.points, asked.seed) if asked.points else dict.fromkeys(FAULTS, 0)
    told = ", ".join(f"{kind} {count}" for kind, count in struck.items())
    print(f"{asked.points} points of the ledger ({told} struck): every shelf verified")
    if asked.whole:
        killed = whole_runs(asked.whole, asked.seed)
        print(f"{asked.whole} whole runs, {killed} killed: every shelf verified, the next run stood")


if __name__ == "__main__":
    main()
