"""A month closed 「封账」: nothing more is booked into it, and its lines go into a sealed run folder.

In: a store, a shelf, an area and a month; out: the run. The month is shut first, in one transaction; then its lines are
written out, each with its hash, and the run's seal is noted. Asked again after an interruption it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import insert, select, update

from engine.errors import RunError
from engine.ledger.booked_lines import BOOKED_LINES
from engine.ledger.closing import BOOKED
from engine.ledger.manifest import Manifest
from engine.ledger.store import new_run, next_run_id, runs_on
from engine.store.bookings import Conflict, chain_of, now
from engine.store.chain import lock_head
from engine.store.open import Store
from engine.store.schema import LINES, MONTHS
from engine.version import engine_facts


def close_month(store: Store, shelf: Path, area: str, month: str, client: str) -> dict[str, Any]:
    """Close a month, or find it closed. Raises Conflict where nothing was booked in it."""
    last_seq = _shut(store, area, month, client)
    known = closed_months(store, area).get(month)
    if known is not None and known["seal"]:
        return known
    manifest = _written(shelf, area, month) or _write(store, shelf, area, month, last_seq)
    with store.write() as connection:
        where = (MONTHS.c.area == area, MONTHS.c.month == month)
        connection.execute(update(MONTHS).where(*where).values(run_id=manifest.run_id, seal=manifest.seal))
    return closed_months(store, area)[month]


def closed_months(store: Store, area: str) -> dict[str, dict[str, Any]]:
    """The closed months of an area; without a seal the closing is not finished."""
    with store.read() as connection:
        rows = connection.execute(select(MONTHS).where(MONTHS.c.area == area).order_by(MONTHS.c.month)).mappings()
        return {row["month"]: dict(row) for row in rows}


def _shut(store: Store, area: str, month: str, client: str) -> int:
    """From here on no line of the month is accepted; the number of the area's last line."""
    with store.write() as connection:
        # Bookings lock the same head, so none is under way while the month is shut.
        seq, _ = lock_head(connection, chain_of(area))
        where = (MONTHS.c.area == area, MONTHS.c.month == month)
        known = connection.execute(select(MONTHS.c.last_seq).where(*where)).scalar()
        if known is not None:
            return int(known)
        of_month = select(LINES.c.seq).where(LINES.c.area == area, LINES.c.month == month).limit(1)
        if connection.execute(of_month).first() is None:
            raise Conflict("month.empty")
        values = {"area": area, "month": month, "last_seq": seq, "closed_by": client, "closed_at": now()}
        connection.execute(insert(MONTHS).values(values))
        return seq


def _written(shelf: Path, area: str, month: str) -> Manifest | None:
    """The run of an earlier try that was interrupted after its folder appeared."""
    for _, manifest in runs_on(shelf):
        if (manifest.kind, manifest.area, manifest.period) == (BOOKED, area, month):
            return manifest
    return None


def _write(store: Store, shelf: Path, area: str, month: str, last_seq: int) -> Manifest:
    target = shelf / next_run_id(shelf, month, area, BOOKED)
    totals = {"standard_fen": 0, "fund_fen": 0, "points_e4": 0}
    count = 0
    with new_run(
        target, kind=BOOKED, area=area, period=month, engine=engine_facts(), parameters={"last_line": last_seq}
    ) as draft:
        with (draft.folder / BOOKED_LINES).open("wb") as out:
            for row in _lines_of(store, area, month):
                out.write(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
                count += 1
                for name in totals:
                    totals[name] += row[name]
        draft.rows[BOOKED_LINES] = count
        draft.counts["lines"] = count
        draft.totals |= totals
    for folder, manifest in runs_on(shelf):
        if folder.name == target.name:
            return manifest
    raise RunError(f"{target}: the run just written is gone.")


def _lines_of(store: Store, area: str, month: str) -> Iterator[dict[str, Any]]:
    query = select(LINES).where(LINES.c.area == area, LINES.c.month == month).order_by(LINES.c.seq)
    with store.read() as connection:
        for row in connection.execution_options(yield_per=5_000).execute(query).mappings():
            yield {str(name): value for name, value in row.items()}
