"""The audit log 「访问审计」: who asked for what and what came of it, chained, written behind the answers in batches.

In: events; out: rows of `audit`. An event names client, route and target ids of runs or jobs, never a body. A writer
thread gathers what came meanwhile into one transaction; `wait` on an event returns once it is durable.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from engine.store.bookings import now
from engine.store.chain import GENESIS, link_hash, lock_head, move_head
from engine.store.open import Store
from engine.store.schema import AUDIT, CHAINS

CHAIN = "audit"
TOGETHER_MAX = 2_000
WRITE_TRIES = 3
_LOG = logging.getLogger("dianzhi.audit")


@dataclass(frozen=True, slots=True)
class Event:
    """One access."""

    at: str
    client: str
    key_id: str
    action: str
    target: str
    status: int
    request_id: str


_Waiting = tuple[Event, "Future[None] | None"]


class AuditLog:
    """Writes events in the order they came, from one thread. `close` writes what is left.

    `note` only appends: a thread woken for every request would cost more than the request.
    """

    def __init__(self, store: Store, pause_s: float = 0.25) -> None:
        self._store = store
        self._pause_s = pause_s
        self._waiting: deque[_Waiting] = deque()
        self._urgent = threading.Event()
        self._closing = False
        self._thread = Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def note(self, event: Event) -> None:
        """Write it soon."""
        self._waiting.append((event, None))

    def wait(self, event: Event) -> Future[None]:
        """Write it at once; the future is done when it is durable."""
        done: Future[None] = Future()
        self._waiting.append((event, done))
        self._urgent.set()
        return done

    def close(self) -> None:
        self._closing = True
        self._urgent.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not (self._closing and not self._waiting):
            self._urgent.wait(self._pause_s)
            self._urgent.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER_MAX))]
                self._write(batch)

    def _write(self, batch: list[_Waiting]) -> None:
        events = [event for event, _ in batch]
        for attempt in range(WRITE_TRIES):
            try:
                append_events(self._store, events)
                _finish(batch, None)
                return
            except DBAPIError as error:
                if attempt + 1 == WRITE_TRIES:
                    _LOG.error("audit: %d events not written (%s)", len(events), type(error.orig).__name__)
                    _finish(batch, error)


def _finish(batch: list[_Waiting], error: BaseException | None) -> None:
    for _, future in batch:
        if future is None:
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def append_events(store: Store, events: list[Event]) -> None:
    """Append events to the chain in one transaction."""
    if not events:
        return
    with store.write() as connection:
        seq, link = lock_head(connection, CHAIN)
        rows = []
        for event in events:
            seq += 1
            row = {name: getattr(event, name) for name in Event.__slots__} | {"seq": seq, "previous": link}
            row["hash"] = link = link_hash(row)
            rows.append(row)
        connection.execute(insert(AUDIT), rows)
        move_head(connection, CHAIN, seq, link)


def event(client: str, key_id: str, action: str, target: str, status: int, request_id: str) -> Event:
    """An event of now."""
    return Event(now(), client[:80], key_id[:32], action[:120], target[:200], status, request_id[:80])


def verify_audit(store: Store) -> Iterator[str]:
    """What is wrong with the chain, a line each."""
    with store.read() as connection:
        last, number = GENESIS, 0
        for row in connection.execute(select(AUDIT).order_by(AUDIT.c.seq)).mappings():
            number += 1
            if row["seq"] != number or row["previous"] != last:
                yield f"audit: line {number}: the chain is broken here; a line was removed, added or replaced"
                number = row["seq"]
            if link_hash(row) != row["hash"]:
                yield f"audit: line {row['seq']}: changed after it was written"
            last = row["hash"]
        head = connection.execute(select(CHAINS.c.seq, CHAINS.c.hash).where(CHAINS.c.name == CHAIN)).first()
        if head is not None and tuple(head) != (number, last):
            yield f"audit: the chain ends at line {number}, its head says {head[0]}: lines are missing at the end"
