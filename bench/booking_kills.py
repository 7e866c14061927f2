"""Killed while it books: is every acknowledged booking there, once, and the chain whole? 「入账断电演练」

A child process books settlements, reversals and closings and tells every acknowledgement through a pipe; it is killed
after a random time and the next child goes on, retrying what was not acknowledged. In the end everything must stand
exactly once. Entries are made up: what they say does not matter here.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import func, select

from bench.killed import READY, Outcome, killed_after
from engine.ledger.verify import verify_shelf
from engine.store.bookings import REVERSAL, SETTLE, Conflict, Entry, book, replay, settled_line
from engine.store.closing import close_month
from engine.store.open import Store, open_store
from engine.store.schema import LINES
from engine.store.together import book_new
from engine.store.verify import verify_lines

AREA, HOSPITAL = "990001", "H1"
REVERSE_EVERY, CLOSE_EVERY = 5, 40
"""Every fifth case is reversed after it was settled; every so many cases their month is closed."""


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


def _books(pipe: Connection, url: str, shelf: Path, start: int) -> None:
    store = open_store(url)
    store.reachable()
    pipe.send_bytes(READY)
    for step in steps_from(start)[start:]:
        do(store, shelf, step)
        pipe.send_bytes(str(step.number).encode())


def booking_drill(url: str, folder: Path, kills: int, seed: int, window_s: float = 0.12) -> Outcome:
    """Kill `kills` children at random moments of their first `window_s`, then look at everything."""
    rolls, started = random.Random(seed), time.monotonic()
    shelf, acknowledged = folder / "booked", -1
    for _ in range(kills):
        told = killed_after(rolls.random() * window_s, _books, url, shelf, acknowledged + 1)
        acknowledged = int(told[-1]) if told else acknowledged
    facts, problems = _looked_at(url, shelf, acknowledged)
    return Outcome("book, reverse, close a month", kills, time.monotonic() - started, facts, problems)


def _looked_at(url: str, shelf: Path, acknowledged: int) -> tuple[dict[str, int], tuple[str, ...]]:
    store = open_store(url)
    problems = list(verify_lines(store))
    with store.read() as connection:
        query = select(LINES.c.kind, LINES.c.setl_id, func.count()).where(LINES.c.area == AREA)
        rows = connection.execute(query.group_by(LINES.c.kind, LINES.c.setl_id)).all()
    counts = {(kind, case): times for kind, case, times in rows}
    lines = sum(counts.values())
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
    facts = {"steps acknowledged": acknowledged + 1, "lines": lines, "months closed": closed}
    return facts, tuple(problems)
