"""New settlements booked together 「合并提交」: what came while one transaction was written goes into the next one.

In: entries; out: their lines, once they are durable, or None for an entry that is not plainly new: its key, its case or
its month is known, and `bookings` finds out what that means. One durable commit then serves many requests; every
constraint of the schema holds as for a single line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any

from sqlalchemy import Connection, and_, insert, select
from sqlalchemy.exc import IntegrityError

from engine.store.bookings import SETTLE, Entry, Line, chain_of, key_row, line_of, line_row
from engine.store.chain import lock_head, move_head
from engine.store.open import Store
from engine.store.schema import IDEMPOTENCY, LINES, MONTHS, STANDING

TOGETHER_MAX = 200

Waiting = tuple[Entry, "Future[Line | None]"]


class Together:
    """The booking thread of a process. `close` books what still waits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: SimpleQueue[Waiting | None] = SimpleQueue()
        self._passed_over: list[Waiting] = []
        self._thread = Thread(target=self._run, name="booking", daemon=True)
        self._thread.start()

    def book(self, entry: Entry) -> Future[Line | None]:
        """The line, when it is durable; None if the entry is not plainly new."""
        done: Future[Line | None] = Future()
        self._waiting.put((entry, done))
        return done

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        closing = False
        while not closing or self._passed_over:
            found = self._passed_over.pop(0) if self._passed_over else self._waiting.get()
            if found is None:
                closing = True
                continue
            self._book([found])

    def _book(self, batch: list[Waiting]) -> None:
        try:
            lines = book_new(self._store, batch[0][0].area, lambda: self._gathered(batch))
        except BaseException as error:
            # Whoever asked is told that nothing is known, and finds out by asking again.
            for _, done in batch:
                done.set_exception(error)
            return
        for (_, done), line in zip(batch, lines, strict=True):
            done.set_result(line)

    def _gathered(self, batch: list[Waiting]) -> list[Entry]:
        """The batch with what has come by now for the same area; what came for others is next."""
        area = batch[0][0].area
        while len(batch) < TOGETHER_MAX and not self._waiting.empty():
            found = self._waiting.get()
            if found is None:
                self._waiting.put(None)
                break
            (batch if found[0].area == area else self._passed_over).append(found)
        return [entry for entry, _ in batch]


def book_new(store: Store, area: str, gathered: Callable[[], Sequence[Entry]]) -> list[Line | None]:
    """Append every entry that is plainly new, in one transaction; None for the others, which stay as they are.

    `gathered` is asked once the area's chain is locked: what came while this process waited belongs to it too.
    """
    for look in (False, True):
        # Nearly always all are new. Only where a constraint says otherwise is it worth finding out which are not.
        try:
            with store.write() as connection:
                seq, previous = lock_head(connection, chain_of(area))
                return _append_new(connection, seq, previous, gathered(), look)
        except IntegrityError:
            continue
    return [None] * len(gathered())


def _append_new(
    connection: Connection, seq: int, previous: str, entries: Sequence[Entry], look: bool
) -> list[Line | None]:
    known = _known(connection, entries) if look else set[Mark]()
    rows: list[dict[str, Any] | None] = []
    keys, standing = [], []
    for entry in entries:
        marks = _marks(entry)
        if entry.kind != SETTLE or not known.isdisjoint(marks):
            rows.append(None)
            continue
        known.update(marks[1:])
        seq += 1
        row = line_row(entry, seq, previous)
        previous = row["hash"]
        rows.append(row)
        standing.append({name: row[name] for name in ("area", "hospital", "setl_id", "seq")})
        if entry.idempotency_key:
            keys.append(key_row(entry, seq))
    made = [row for row in rows if row is not None]
    if made:
        connection.execute(insert(LINES), made)
        connection.execute(insert(STANDING), standing)
        if keys:
            connection.execute(insert(IDEMPOTENCY), keys)
        move_head(connection, chain_of(entries[0].area), seq, previous)
    return [None if row is None else line_of(row) for row in rows]


Mark = tuple[str | None, ...]


def _marks(entry: Entry) -> list[Mark]:
    """What may be known of an entry: its month as closed, its settlement, its case as standing, its key."""
    found: list[Mark] = [
        ("month", entry.area, entry.month),
        ("line", entry.area, entry.natural_key),
        ("case", entry.area, entry.hospital, entry.setl_id),
    ]
    return [*found, ("key", entry.client, entry.idempotency_key)] if entry.idempotency_key else found


def _known(connection: Connection, entries: Sequence[Entry]) -> set[Mark]:
    """The marks of these entries that the database knows."""
    found: set[Mark] = set()

    def look(name: str, columns: Sequence[Any], *where: Any) -> None:
        found.update((name, *row) for row in connection.execute(select(*columns).where(and_(*where))).all())

    areas = sorted({entry.area for entry in entries})
    months, lines, keys = MONTHS.c, LINES.c, IDEMPOTENCY.c
    look("month", (months.area, months.month), months.area.in_(areas), months.month.in_({e.month for e in entries}))
    look("key", (keys.client, keys.key), keys.client.in_({entry.client for entry in entries}),
         keys.key.in_([entry.idempotency_key for entry in entries]))  # fmt: skip
    look("line", (lines.area, lines.natural_key), lines.area.in_(areas),
         lines.natural_key.in_([entry.natural_key for entry in entries]))  # fmt: skip
    cases = STANDING.c
    look("case", (cases.area, cases.hospital, cases.setl_id), cases.area.in_(areas),
         cases.hospital.in_({entry.hospital for entry in entries}),
         cases.setl_id.in_([entry.setl_id for entry in entries]))  # fmt: skip
    return found
