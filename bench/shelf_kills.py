"""Killed while a month is closed or a run is computed again: closed once, and nothing touched 「结账与重算断电演练」

Closing: months on a shelf (`runs close`) and months of the service (`books close`) in turn. Replaying: the shelf must
hold the same bytes after every kill, and every so often a replay is let through and must find every byte the same.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from bench.killed import READY, Outcome, content_of, killed_after, unharmed
from engine.close import close
from engine.errors import RunError
from engine.ledger.booked_lines import BOOKED_LINES
from engine.ledger.closing import BOOKED, CLOSE
from engine.ledger.store import new_run, runs_on
from engine.ledger.verify import verify_shelf
from engine.store.bookings import SETTLE, Conflict, Entry, book
from engine.store.closing import close_month
from engine.store.open import Store, open_store
from engine.store.verify import verify_lines

POLICY = Path(__file__).resolve().parents[1] / "fixtures" / "demo" / "policy"
SHELF_AREA, BOOKS_AREA = "990002", "990003"
LINES_A_MONTH, REPLAY_EVERY, CASES = 20, 5, 300


def _month(number: int) -> str:
    return f"{2000 + number // 12}-{number % 12 + 1:02d}"


def closing_drill(url: str, folder: Path, kills: int, seed: int) -> Outcome:
    """Kill `kills` closings, finish each, and look that its month is closed once."""
    rolls, started = random.Random(seed), time.monotonic()
    store, problems, shelf = open_store(url), list[str](), folder / "closed"
    facts = {"months of the shelf": 0, "months of the service": 0, "acknowledged before the kill": 0}
    longest = [_time_of(store, shelf, number) for number in (0, 1)]
    for number in range(2, kills + 2):
        if number % 40 < 2:
            shelf = folder / f"closed{number}"
        _prepared(store, shelf, number)
        told = killed_after(rolls.uniform(0, 1.2 * longest[number % 2]), _closer(number), *_told(url, shelf, number))
        facts["acknowledged before the kill"] += bool(told)
        facts["months of the service" if number % 2 else "months of the shelf"] += 1
        check = _check_books if number % 2 else _check_shelf
        where = f"seed {seed}, kill {number - 1} of a closing"
        problems += [f"{where}: {each}" for each in check(store, shelf, _month(number), told)]
        problems += [f"{where}: {each}" for each in verify_shelf(shelf)[1]]
    problems += verify_lines(store)
    store.close()
    return Outcome("close a month", kills, time.monotonic() - started, facts, tuple(problems))


def _closer(number: int) -> Callable[..., None]:
    return _closes_books if number % 2 else _closes_shelf


def _told(url: str, shelf: Path, number: int) -> tuple[str, Path, str]:
    return url, shelf, _month(number)


def _time_of(store: Store, shelf: Path, number: int) -> float:
    """How long an undisturbed closing takes."""
    _prepared(store, shelf, number)
    return unharmed(_closer(number), *_told(store.url, shelf, number))[0]


def _prepared(store: Store, shelf: Path, number: int) -> None:
    """Something to close: a run on the shelf, or booked lines."""
    month = _month(number)
    if number % 2 == 0:
        target = shelf / f"{month}-{SHELF_AREA}-presettle-01"
        run = new_run(target, kind="presettle", area=SHELF_AREA, period=month, engine={"version": "bench"},
                      parameters={})  # fmt: skip
        with run as draft:
            (draft.folder / "settled.parquet").write_bytes(random.Random(number).randbytes(3000))
        return
    for case in range(LINES_A_MONTH):
        entry = Entry(
            area=BOOKS_AREA, kind=SETTLE, hospital="H1", setl_id=f"S{number}-{case}", version=1, month=month,
            content={"case": case}, answer={}, client="kills", request_id=f"{number}-{case}", fund_fen=case,
        )  # fmt: skip
        book(store, entry)


def _closes_shelf(pipe: Connection, url: str, shelf: Path, month: str) -> None:
    pipe.send_bytes(READY)
    close(shelf, SHELF_AREA, month)
    pipe.send_bytes(b"closed")


def _closes_books(pipe: Connection, url: str, shelf: Path, month: str) -> None:
    store = open_store(url)
    store.reachable()
    pipe.send_bytes(READY)
    pipe.send_bytes(str(close_month(store, shelf, BOOKS_AREA, month, "kills")["seal"]).encode())


def _entries(shelf: Path, kind: str, month: str) -> list[tuple[Path, str]]:
    return [(path, each.seal) for path, each in runs_on(shelf) if (each.kind, each.period) == (kind, month)]


def _check_shelf(store: Store, shelf: Path, month: str, told: list[bytes]) -> list[str]:
    before = len(_entries(shelf, CLOSE, month))
    problems = [f"acknowledged, and {before} entries"] if told and before != 1 else []
    try:
        close(shelf, SHELF_AREA, month)
        finished = before == 0
    except RunError:
        finished = before == 1
    after = len(_entries(shelf, CLOSE, month))
    return problems if finished and after == 1 else [*problems, f"{before} entries before closing again, {after} after"]


def _check_books(store: Store, shelf: Path, month: str, told: list[bytes]) -> list[str]:
    found = close_month(store, shelf, BOOKS_AREA, month, "kills")
    entries = _entries(shelf, BOOKED, month)
    if [seal for _, seal in entries] != [found["seal"]]:
        return [f"{len(entries)} runs of the month, or another seal than noted"]
    problems = [] if not told or told[0].decode() == found["seal"] else ["another seal than the acknowledged one"]
    lines = len((entries[0][0] / BOOKED_LINES).read_bytes().splitlines())
    problems += [] if lines == LINES_A_MONTH else [f"{lines} of {LINES_A_MONTH} lines in the run"]
    late = Entry(
        area=BOOKS_AREA, kind=SETTLE, hospital="H1", setl_id=f"late{month}", version=1, month=month, content={},
        answer={}, client="kills", request_id="late",
    )  # fmt: skip
    try:
        book(store, late)
        return [*problems, "a line was booked into the closed month"]
    except Conflict as conflict:
        return problems if conflict.code == "month.sealed" else [*problems, conflict.code]


def replay_drill(folder: Path, kills: int, seed: int) -> Outcome:
    """Kill `kills` replays of a month, of a year and of a grouping; the shelf must not notice."""
    rolls, started = random.Random(seed), time.monotonic()
    shelf, scratch = folder / "replayed", folder / "scratch"
    scratch.mkdir(parents=True)
    unharmed(_makes_runs, shelf, folder / "replay-city", seed)
    runs = sorted(path for path in shelf.glob("[!.]*"))
    problems = [] if len(runs) == 3 else [f"{len(runs)} runs to replay"]
    longest = [unharmed(_replays, run, scratch)[0] for run in runs]
    before, through = content_of(shelf), 0
    for number in range(kills):
        which = rolls.randrange(len(runs))
        killed_after(rolls.uniform(0, 1.1 * longest[which]), _replays, runs[which], scratch)
        where = f"seed {seed}, kill {number + 1} of replaying {runs[which].name}"
        if content_of(shelf) != before:
            problems.append(f"{where}: the shelf is another")
        problems += [f"{where}: {each}" for each in verify_shelf(shelf)[1]]
        if number % REPLAY_EVERY == REPLAY_EVERY - 1:
            said = unharmed(_replays, runs[which], scratch)[1]
            through += 1
            problems += [] if said == [b"same"] else [f"{where}: the next replay said {said}"]
    facts = {"replays let through": through, "runs on the shelf": len(runs)}
    return Outcome("replay", kills, time.monotonic() - started, facts, tuple(problems))


def _makes_runs(pipe: Connection, shelf: Path, place: Path, seed: int) -> None:
    from engine.area import load_area
    from engine.run import clear, group, presettle
    from engine.run_parts import RunOptions
    from fixtures.generate import generate_city

    pipe.send_bytes(READY)
    files, area = generate_city(place, CASES, seed).months["202503"], load_area(POLICY)
    options = RunOptions(shelf=shelf, threads=1, keep_inputs=True)
    group(files, area.editions, options)
    presettle(files, area, 2025, 3, options)
    clear(files, area, 2025, options)


def _replays(pipe: Connection, run: Path, scratch: Path) -> None:
    from engine.replay import replay

    tempfile.tempdir = str(scratch)  # what a killed replay leaves lies in there
    pipe.send_bytes(READY)
    done = replay(run, threads=1)
    pipe.send_bytes(b"other" if done.differences else b"same")
