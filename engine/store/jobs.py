"""Jobs 「批量任务」: queued, leased by one worker at a time, cancelled, finished.

In: a store; out: `Job` records. A worker holds a job by a lease it keeps renewing; a job whose lease has run out is
taken over. Every step is one UPDATE that names the state it expects: of two workers one finds nothing to change.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import orjson
from sqlalchemy import ColumnElement, RowMapping, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from engine.store.bookings import Conflict, now
from engine.store.chain import digest_of
from engine.store.open import Store
from engine.store.schema import IDEMPOTENCY, JOBS

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = "queued", "running", "succeeded", "failed", "cancelled"
FINISHED = (SUCCEEDED, FAILED, CANCELLED)
ATTEMPTS_MAX = 3
"""A job that killed its worker so often is not tried again."""


@dataclass(frozen=True)
class Job:
    """One job. `params` say what to do; `error` is a text for its owner."""

    id: str
    area: str
    client: str
    hospital: str | None
    kind: str
    params: Mapping[str, Any]
    state: str
    attempts: int
    rows_done: int
    cancel: bool
    run_id: str | None
    counts: Mapping[str, Any] | None
    error: str | None
    created_at: str
    updated_at: str

    @property
    def worn_out(self) -> bool:
        """Whether it killed so many workers that it is not computed again."""
        return self.attempts > ATTEMPTS_MAX


def new_job_id() -> str:
    return token_hex(12)


def submit(
    store: Store,
    job_id: str,
    area: str,
    client: str,
    hospital: str | None,
    kind: str,
    params: Mapping[str, Any],
    key: str,
) -> tuple[Job, bool]:
    """(the job, whether it was there before). The same key with another content raises Conflict."""
    own = ("files", "spooled") if params.get("spooled") else ()  # an upload is known by what was sent
    digest = digest_of({"kind": kind, **{name: value for name, value in params.items() if name not in own}})
    known = _known(store, client, key, digest)
    if known is not None:
        return known, True
    row = {
        "id": job_id, "area": area, "client": client, "hospital": hospital, "kind": kind,
        "params": orjson.dumps(params).decode(), "state": QUEUED, "owner": None, "lease_until": 0, "attempts": 0,
        "rows_done": 0, "cancel": 0, "run_id": None, "counts": None, "error": None,
        "created_at": now(), "updated_at": now(),
    }  # fmt: skip
    remembered = {
        "client": client, "key": key, "digest": digest, "area": area, "seq": None, "job": job_id, "status": 202,
        "created_at": now(),
    }  # fmt: skip
    try:
        with store.write() as connection:
            connection.execute(insert(IDEMPOTENCY).values(remembered))
            connection.execute(insert(JOBS).values(row))
    except IntegrityError:
        known = _known(store, client, key, digest)
        if known is None:
            raise
        return known, True
    return _job(row), False


def _known(store: Store, client: str, key: str, digest: str) -> Job | None:
    with store.read() as connection:
        query = select(IDEMPOTENCY.c.digest, IDEMPOTENCY.c.job).where(
            IDEMPOTENCY.c.client == client, IDEMPOTENCY.c.key == key
        )
        row = connection.execute(query).first()
    if row is None:
        return None
    if row.digest != digest or row.job is None:
        raise Conflict("idempotency.conflict", ("job",))
    return find(store, str(row.job))


def find(store: Store, job_id: str) -> Job | None:
    """A job by its id."""
    with store.read() as connection:
        row = connection.execute(select(JOBS).where(JOBS.c.id == job_id)).mappings().first()
    return None if row is None else _job(row)


def jobs_of(store: Store, area: str, hospital: str | None, limit: int = 200) -> list[Job]:
    """The newest jobs of an area, of one hospital where one is given."""
    where = [JOBS.c.area == area] + ([] if hospital is None else [JOBS.c.hospital == hospital])
    query = select(JOBS).where(*where).order_by(JOBS.c.created_at.desc(), JOBS.c.id).limit(limit)
    with store.read() as connection:
        return [_job(row) for row in connection.execute(query).mappings()]


def claim(store: Store, owner: str, lease_s: int, areas: tuple[str, ...]) -> Job | None:
    """The next job, now this worker's; None if there is none. A job whose lease ran out counts as waiting.

    One that is worn out is handed out too: its last worker may have died after the run was there.
    """
    clock = int(time.time())
    waiting = or_(JOBS.c.state == QUEUED, and_(JOBS.c.state == RUNNING, JOBS.c.lease_until < clock))
    with store.write() as connection:
        query = select(JOBS).where(waiting, JOBS.c.area.in_(areas)).order_by(JOBS.c.created_at, JOBS.c.id).limit(8)
        for row in connection.execute(query).mappings().all():
            unchanged = and_(
                JOBS.c.id == row["id"], JOBS.c.state == row["state"], JOBS.c.lease_until == row["lease_until"]
            )
            values = {
                "state": RUNNING,
                "owner": owner,
                "lease_until": clock + lease_s,
                "attempts": row["attempts"] + 1,
                "updated_at": now(),
            }
            if connection.execute(update(JOBS).where(unchanged).values(values)).rowcount == 1:
                return _job({**row, **values})
    return None


def renew(store: Store, job_id: str, owner: str, lease_s: int, rows_done: int) -> bool | None:
    """Keep the lease and tell how far it is: whether the job is to be cancelled; None if it is another's by now."""
    values = {"lease_until": int(time.time()) + lease_s, "rows_done": rows_done, "updated_at": now()}
    with store.write() as connection:
        if connection.execute(update(JOBS).where(_held(job_id, owner)).values(values)).rowcount != 1:
            return None
        return bool(connection.execute(select(JOBS.c.cancel).where(JOBS.c.id == job_id)).scalar())


def put_off(store: Store, job_id: str, owner: str) -> None:
    """This try does not count, because it killed nobody; the next is made when the lease has run out."""
    values = {"attempts": JOBS.c.attempts - 1, "updated_at": now()}
    with store.write() as connection:
        connection.execute(update(JOBS).where(_held(job_id, owner)).values(values))


def finish(
    store: Store,
    job_id: str,
    owner: str,
    state: str,
    *,
    run_id: str | None = None,
    counts: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """Note the end; False if the job is another's by now, who will find the same run."""
    values = {
        "state": state,
        "run_id": run_id,
        "counts": None if counts is None else orjson.dumps(counts).decode(),
        "error": error,
        "updated_at": now(),
    }
    with store.write() as connection:
        return connection.execute(update(JOBS).where(_held(job_id, owner)).values(values)).rowcount == 1


def cancel(store: Store, job_id: str) -> str | None:
    """Cancel a waiting job at once, ask a running one to stop; the state it is in then."""
    with store.write() as connection:
        waiting = and_(JOBS.c.id == job_id, JOBS.c.state == QUEUED)
        stopped = update(JOBS).where(waiting).values(state=CANCELLED, cancel=1, updated_at=now())
        if connection.execute(stopped).rowcount != 1:
            running = and_(JOBS.c.id == job_id, JOBS.c.state == RUNNING)
            connection.execute(update(JOBS).where(running).values(cancel=1, updated_at=now()))
        found = connection.execute(select(JOBS.c.state).where(JOBS.c.id == job_id)).scalar()
    return None if found is None else str(found)


def _held(job_id: str, owner: str) -> ColumnElement[bool]:
    return and_(JOBS.c.id == job_id, JOBS.c.owner == owner, JOBS.c.state == RUNNING)


def _job(row: RowMapping | Mapping[str, Any]) -> Job:
    return Job(
        id=row["id"], area=row["area"], client=row["client"], hospital=row["hospital"], kind=row["kind"],
        params=orjson.loads(row["params"]), state=row["state"], attempts=row["attempts"], rows_done=row["rows_done"],
        cancel=bool(row["cancel"]), run_id=row["run_id"],
        counts=None if row["counts"] is None else orjson.loads(row["counts"]), error=row["error"],
        created_at=row["created_at"], updated_at=row["updated_at"],
    )  # fmt: skip
