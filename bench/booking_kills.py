"""Killed at any moment: is every acknowledged booking there, once, and the chain whole? 「入账断电演练」

    python -m bench.booking_kills --kills 1000 [--database URL] [--seed 7]

A child process books settlements, reversals and closings and tells every acknowledgement through a pipe; it is killed
after a random time and the next child goes on, retrying what was not acknowledged. In the end everything must stand
exactly once. Entries are made up: what they say does not matter here.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import func, select

from engine.store.bookings import REVERSAL, SETTLE, Conflict, Entry, book, replay, settled_line
from engine.store.closing import close_month
from engine.store.open import Store, migrate, open_store
from engine.store.schema import LINES
from engine.store.together import book_new
from engine.store.verify import verify_lines

AREA, HOSPITAL = "370000", "H1"
REVERSE_EVERY, CLOSE_EVERY = 5, 40
"""Every fifth case is reversed after it was settled; every so many cases their month is closed."""


@dataclass(frozen=True)
class Outcome:
    """What was found after the last kill; `problems` must be empty."""

    kills: int
    acknowledged: int
    lines: int
    closed: int
    seconds: float
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One thing a child does: settle, reverse, or close. Its number is what it acknowledges."""

    number: int
    kind: str
    case: int

    @property
    def month(self) -> str:
        month = self.case // CLOSE_EVERY
        return f"{2000 + month // 12}-{month % 12 + 1:02d}"


def steps_from(number: int) -> list[Step]:
    """The steps of about a month of cases from one on; the same number is always the same step."""
    made: list[Step] = []
    case = 0
    while len(made) < number + 2 * CLOSE_EVERY:
        made.append(Step(len(made), SETTLE, case))
        if case % REVERSE_EVERY == REVERSE_EVERY - 1:
            made.append(Step(len(made), REVERSAL, case))
        if case % CLOSE_EVERY == CLOSE_EVERY - 1:
            made.append(Step(len(made), "close", case))
        case += 1
    return made


def entry_of(step: Step) -> Entry:
    """What a step books; the sum follows from the case."""
    fund = 10_000 + step.case
    return Entry(
        area=AREA, kind=SETTLE, hospital=HOSPITAL, setl_id=f"S{step.case:07d}", version=1, month=step.month,
        content={"case": step.case}, answer={"fund": fund}, client="kills", request_id=str(step.number),
        fund_fen=fund, idempotency_key=f"k{step.number}",
    )  # fmt: skip


def do(store: Store, shelf: Path, step: Step) -> None:
    """One step, as the service does it: book what is new, else look for the first answer, else book alone."""
    if step.kind == "close":
        close_month(store, shelf, AREA, step.month, "kills")
        return
    entry = entry_of(step)
    if step.kind == REVERSAL:
        line = settled_line(store, AREA, HOSPITAL, entry.setl_id, 1)
        assert line is not None, "what was acknowledged is there"
        entry = replace(entry, kind=REVERSAL, refers=line.seq, content={"reason": "x"}, fund_fen=0)
    if book_new(store, AREA, lambda: [entry]) == [None] and replay(store, entry) is None:
        book(store, entry)


def _child(url: str, shelf: str, start: int, pipe: int) -> None:
    store = open_store(url)
    store.reachable()
    os.write(pipe, b"\0\0\0\0")
    for step in steps_from(start)[start:]:
        do(store, Path(shelf), step)
        os.write(pipe, step.number.to_bytes(4, "big", signed=False) if step.number else b"\xff\xff\xff\xff")
    os._exit(0)


def drill(url: str, shelf: Path, kills: int, seed: int, window_s: float = 0.12) -> Outcome:
    """Kill `kills` children at random moments of their first `window_s`, then look at everything."""
    rolls, started = random.Random(seed), time.monotonic()
    context = get_context("fork")
    acknowledged = -1
    for _ in range(kills):
        reader, writer = os.pipe()
        child = context.Process(target=_child, args=(url, str(shelf), acknowledged + 1, writer))
        child.start()
        os.close(writer)
        os.read(reader, 4)  # it is at work
        time.sleep(rolls.random() * window_s)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        told = b""
        while piece := os.read(reader, 1 << 16):
            told += piece
        os.close(reader)
        numbers = [told[place : place + 4] for place in range(0, len(told) - len(told) % 4, 4)]
        if numbers:
            acknowledged = 0 if numbers[-1] == b"\xff\xff\xff\xff" else int.from_bytes(numbers[-1], "big")
    return _looked_at(url, shelf, kills, acknowledged, time.monotonic() - started)


def _looked_at(url: str, shelf: Path, kills: int, acknowledged: int, seconds: float) -> Outcome:
    from engine.ledger.verify import verify_shelf

    store = open_store(url)
    problems = list(verify_lines(store))
    with store.read() as connection:
        query = select(LINES.c.kind, LINES.c.setl_id, func.count()).group_by(LINES.c.kind, LINES.c.setl_id)
        counts = {(kind, case): times for kind, case, times in connection.execute(query).all()}
        lines = int(connection.execute(select(func.count()).select_from(LINES)).scalar() or 0)
    problems += [f"{kind} of {case} is booked {times} times" for (kind, case), times in counts.items() if times != 1]
    closed = 0
    for step in steps_from(acknowledged + 1)[: acknowledged + 1]:
        if step.kind == "close":
            closed += 1
        elif (step.kind, entry_of(step).setl_id) not in counts:
            problems.append(f"step {step.number} was acknowledged and is not there")
    if lines > acknowledged + 2:
        problems.append(f"{lines} lines for {acknowledged + 1} acknowledged steps")
    # The one step that may be half done is finished by doing it again.
    try:
        do(store, shelf, steps_from(acknowledged + 1)[acknowledged + 1])
    except Conflict as conflict:
        problems.append(f"the step under way cannot be finished: {conflict.code}")
    problems += [*verify_lines(store), *(str(each) for each in verify_shelf(shelf)[1])]
    store.close()
    return Outcome(kills, acknowledged + 1, lines, closed, seconds, tuple(problems))


def main(words: Sequence[str] | None = None) -> int:
    """Drill and tell; 1 if anything was lost, doubled or broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.booking_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--database", help="an empty database (default: SQLite in a temporary folder)")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="dianzhi-kills-") as made:
        url = args.database or f"sqlite:///{made}/books.sqlite"
        migrate(url)
        found = drill(url, Path(made) / "runs", args.kills, args.seed)
    print(
        f"{found.kills} kills in {found.seconds:.0f} s: {found.acknowledged} steps acknowledged, {found.lines} lines, "
        f"{found.closed} months closed, {len(found.problems)} problems"
    )
    for problem in found.problems[:20]:
        print(f"  {problem}", file=sys.stderr)
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
