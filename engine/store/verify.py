"""Are the booked lines what they were when they were booked? 「流水核验」

In: a store; out: findings, one line each, naming area and line. It recomputes every hash and the chain, and holds the
table of standing settlements against the lines. It never mends anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from engine.store.bookings import REVERSAL, SETTLE, chain_of
from engine.store.chain import GENESIS, link_hash
from engine.store.open import Store
from engine.store.schema import CHAINS, LINES, MONTHS, STANDING


def verify_lines(store: Store) -> Iterator[str]:
    """What is wrong with the chains of lines; nothing means every byte is as booked."""
    with store.read() as connection:
        areas = sorted(set(connection.execute(select(LINES.c.area).distinct()).scalars()))
    for area in areas:
        yield from _verify_area(store, area)


def _verify_area(store: Store, area: str) -> Iterator[str]:
    standing: dict[tuple[str, str], int] = {}
    closed: dict[str, int] = {}
    with store.read() as connection:
        for month in connection.execute(select(MONTHS).where(MONTHS.c.area == area)).mappings():
            closed[month["month"]] = month["last_seq"]
        last, number = GENESIS, 0
        query = select(LINES).where(LINES.c.area == area).order_by(LINES.c.seq)
        for row in connection.execute(query).mappings():
            number += 1
            if row["seq"] != number or row["previous"] != last:
                yield f"lines {area}: line {number}: the chain is broken here; a line was removed, added or replaced"
                number = row["seq"]
            if link_hash(row) != row["hash"]:
                yield f"lines {area}: line {row['seq']}: changed after it was booked"
            if row["seq"] > closed.get(row["month"], row["seq"]):
                yield f"lines {area}: line {row['seq']}: booked into month {row['month']} after it was closed"
            key = (row["hospital"], row["setl_id"])
            if row["kind"] == SETTLE:
                if key in standing:
                    yield f"lines {area}: line {row['seq']}: a second standing settlement beside line {standing[key]}"
                standing[key] = row["seq"]
            elif row["kind"] == REVERSAL:
                standing.pop(key, None)
            last = row["hash"]
        head = connection.execute(select(CHAINS.c.seq, CHAINS.c.hash).where(CHAINS.c.name == chain_of(area))).first()
        if head is None or tuple(head) != (number, last):
            yield f"lines {area}: the head of the chain does not stand at line {number}: lines are missing at the end"
        found = connection.execute(select(STANDING).where(STANDING.c.area == area)).mappings()
        if {(row["hospital"], row["setl_id"]): row["seq"] for row in found} != standing:
            yield f"lines {area}: the table of standing settlements does not follow from the lines"
