"""Booked lines 「入账」: settlements and corrections, appended once, in one durable transaction each.

In: an `Entry`; out: the line as it stands, whether it was there before, or `Conflict` saying which field differs. That
nothing is booked twice rests on the unique constraints and triggers of the schema; the look-ups here only find the
words for what a constraint refused, and spare work to a retry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from engine.money import text_from_fen
from engine.store.chain import digest_of, link_hash, lock_head, move_head
from engine.store.open import Store
from engine.store.schema import IDEMPOTENCY, LINES, MONTHS, SEALED, STANDING

SETTLE, REVERSAL, DEDUCTION, SPECIAL = "settle", "reversal", "audit_deduction", "special_case"
TRIES = 3
"""A constraint may refuse a line because another process was booking the same; then the answer is found by reading."""


@dataclass(frozen=True)
class Entry:
    """A line to be booked. `content` is what the request says in canonical form, `answer` what is replied."""

    area: str
    kind: str
    hospital: str
    setl_id: str
    version: int
    month: str
    content: Mapping[str, Any]
    answer: Mapping[str, Any]
    client: str
    request_id: str
    standard_fen: int = 0
    fund_fen: int = 0
    points_e4: int = 0
    reason: str = ""
    refers: int | None = None
    idempotency_key: str = ""

    @property
    def natural_key(self) -> str | None:
        """A settlement is booked once by its version, and reversed once; deductions are told apart by their key."""
        if self.kind in (SETTLE, REVERSAL, SPECIAL):
            return f"{self.kind}|{self.hospital}|{self.setl_id}|{self.version}"
        return None

    @property
    def digest(self) -> str:
        return digest_of([self.kind, self.hospital, self.setl_id, self.version, self.month, self.content])


@dataclass(frozen=True)
class Line:
    """A booked line. `replayed`: it stood already, with the same content."""

    area: str
    seq: int
    kind: str
    hospital: str
    setl_id: str
    version: int
    month: str
    standard_fen: int
    fund_fen: int
    points_e4: int
    refers: int | None
    reason: str
    booked_at: str
    content: Mapping[str, Any]
    answer: Mapping[str, Any]
    hash: str
    replayed: bool = False


@dataclass
class Conflict(Exception):
    """Why a line is not booked: a problem code, and the fields that differ."""

    code: str
    fields: tuple[str, ...] = field(default=())


def chain_of(area: str) -> str:
    """Name of an area's chain of lines."""
    return f"lines:{area}"


def book(store: Store, entry: Entry) -> Line:
    """Append a line, or find that it stands already. Raises Conflict."""
    for _ in range(TRIES):
        try:
            with store.write() as connection:
                return _append(connection, entry)
        except IntegrityError as refused:
            if SEALED in str(refused.orig):
                raise Conflict("month.sealed") from None
        found = _standing_already(store, entry)
        if found is not None:
            return found
    raise Conflict("busy")


def _append(connection: Connection, entry: Entry) -> Line:
    seq, previous = lock_head(connection, chain_of(entry.area))
    if entry.kind == REVERSAL:
        entry = _taken_back(connection, entry)
    row = line_row(entry, seq + 1, previous)
    connection.execute(insert(LINES).values(row))
    if entry.idempotency_key:
        _remember(connection, entry, seq + 1)
    place = {"area": entry.area, "hospital": entry.hospital, "setl_id": entry.setl_id}
    if entry.kind == SETTLE:
        connection.execute(insert(STANDING).values(**place, seq=seq + 1))
    elif entry.kind == REVERSAL:
        gone = connection.execute(delete(STANDING).where(_at(STANDING, place), STANDING.c.seq == entry.refers))
        if gone.rowcount != 1:
            raise Conflict("settlement.reversed")
    elif entry.refers is not None:
        # The line a correction names must still stand when the correction is booked, not only when it was looked up.
        query = select(STANDING.c.seq).where(_at(STANDING, place)).with_for_update()
        if connection.execute(query).scalar() != entry.refers:
            raise Conflict("settlement.reversed")
    move_head(connection, chain_of(entry.area), seq + 1, row["hash"])
    return line_of(row)


def line_row(entry: Entry, seq: int, previous: str) -> dict[str, Any]:
    """The row an entry becomes at a place of the chain, its hash included."""
    row: dict[str, Any] = {
        "area": entry.area,
        "seq": seq,
        "kind": entry.kind,
        "hospital": entry.hospital,
        "setl_id": entry.setl_id,
        "version": entry.version,
        "month": entry.month,
        "refers": entry.refers,
        "natural_key": entry.natural_key,
        "standard_fen": entry.standard_fen,
        "fund_fen": entry.fund_fen,
        "points_e4": entry.points_e4,
        "reason": entry.reason,
        "client": entry.client,
        "request_id": entry.request_id,
        "booked_at": now(),
        "content": _json(entry.content),
        "answer": _json(entry.answer),
        "previous": previous,
    }
    row["hash"] = link_hash(row)
    return row


def key_row(entry: Entry, seq: int) -> dict[str, Any]:
    """The row that remembers which line a request's key booked."""
    return {
        "client": entry.client,
        "key": entry.idempotency_key,
        "digest": entry.digest,
        "area": entry.area,
        "seq": seq,
        "status": 200,
        "created_at": now(),
    }


def _taken_back(connection: Connection, entry: Entry) -> Entry:
    """A reversal takes back everything booked on its version so far, corrections included."""
    sums = (func.sum(LINES.c.standard_fen), func.sum(LINES.c.fund_fen), func.sum(LINES.c.points_e4))
    where = (
        LINES.c.area == entry.area,
        LINES.c.hospital == entry.hospital,
        LINES.c.setl_id == entry.setl_id,
        LINES.c.version == entry.version,
    )
    standard, fund, points = (int(value or 0) for value in connection.execute(select(*sums).where(*where)).one())
    told = {**entry.answer, "drg_dip_sumamt": text_from_fen(-standard), "drg_dip_fund_payamt": text_from_fen(-fund)}
    return replace(entry, standard_fen=-standard, fund_fen=-fund, points_e4=-points, answer=told)


def _remember(connection: Connection, entry: Entry, seq: int) -> None:
    connection.execute(insert(IDEMPOTENCY).values(key_row(entry, seq)))


def replay(store: Store, entry: Entry) -> Line | None:
    """The line a request booked before, by its key or its natural key; None if it is new. Raises Conflict."""
    with store.read() as connection:
        if entry.idempotency_key:
            query = select(IDEMPOTENCY.c.digest, IDEMPOTENCY.c.area, IDEMPOTENCY.c.seq).where(
                IDEMPOTENCY.c.client == entry.client, IDEMPOTENCY.c.key == entry.idempotency_key
            )
            known = connection.execute(query).first()
            if known is not None:
                if known.seq is None:
                    raise Conflict("idempotency.conflict", ("kind",))
                line = line_at(connection, str(known.area), int(known.seq))
                if known.digest != entry.digest:
                    raise Conflict("idempotency.conflict", _different(entry, line))
                return _as_replayed(line)
        if entry.natural_key is None:
            return None
        query2 = select(LINES).where(LINES.c.area == entry.area, LINES.c.natural_key == entry.natural_key)
        row = connection.execute(query2).mappings().first()
        if row is None:
            return None
        line = line_of(row)
        place = {"area": line.area, "hospital": line.hospital, "setl_id": line.setl_id}
        stands = connection.execute(select(STANDING.c.seq).where(_at(STANDING, place))).scalar() == line.seq
    if differing := _different(entry, line):
        raise Conflict("settlement.conflict" if entry.kind == SETTLE else "settlement.reversed", differing)
    if entry.kind == SETTLE and not stands:
        raise Conflict("settlement.reversed", ("version",))  # settling again takes the next version
    return _as_replayed(line)


def _standing_already(store: Store, entry: Entry) -> Line | None:
    """After a constraint refused: the same line, booked by somebody else meanwhile, or the reason in words."""
    found = replay(store, entry)
    if found is None and entry.kind == SETTLE:
        with store.read() as connection:
            place = {"area": entry.area, "hospital": entry.hospital, "setl_id": entry.setl_id}
            other = connection.execute(select(STANDING.c.seq).where(_at(STANDING, place))).scalar()
        if other is not None:
            # What stands may have been committed between the two looks, and may be this very line.
            found = replay(store, entry)
            if found is None:
                raise Conflict("settlement.stands", ("version",))
    return found


def _different(entry: Entry, line: Line) -> tuple[str, ...]:
    """Names of what the new request says otherwise than the booked line; values are not told."""
    names = [name for name in ("kind", "hospital", "setl_id", "version", "month")
             if getattr(entry, name) != getattr(line, name)]  # fmt: skip
    mine, theirs = entry.content, line.content
    names += [name for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)]
    renamed = {"hospital": "fixmedins_code"}
    return tuple(dict.fromkeys(renamed.get(name, name) for name in names))


def lines_of_case(store: Store, area: str, hospital: str, setl_id: str) -> list[Line]:
    """Every line of one case, in order of booking."""
    query = (
        select(LINES)
        .where(LINES.c.area == area, LINES.c.hospital == hospital, LINES.c.setl_id == setl_id)
        .order_by(LINES.c.seq)
    )
    with store.read() as connection:
        return [line_of(row) for row in connection.execute(query).mappings()]


def settled_line(store: Store, area: str, hospital: str, setl_id: str, version: int) -> Line | None:
    """The settlement line of a version, reversed or not."""
    key = f"{SETTLE}|{hospital}|{setl_id}|{version}"
    with store.read() as connection:
        query = select(LINES).where(LINES.c.area == area, LINES.c.natural_key == key)
        row = connection.execute(query).mappings().first()
    return None if row is None else line_of(row)


def is_closed(store: Store, area: str, month: str) -> bool:
    """Whether a month is shut."""
    query = select(MONTHS.c.month).where(MONTHS.c.area == area, MONTHS.c.month == month)
    with store.read() as connection:
        return connection.execute(query).first() is not None


def line_at(connection: Connection, area: str, seq: int) -> Line:
    """One line by its place."""
    row = connection.execute(select(LINES).where(LINES.c.area == area, LINES.c.seq == seq)).mappings().one()
    return line_of(row)


def now() -> str:
    """The time of booking, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _at(table: Any, place: Mapping[str, str]) -> Any:
    return and_(*(table.c[name] == value for name, value in place.items()))


def _json(content: Mapping[str, Any]) -> str:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def line_of(row: RowMapping | Mapping[str, Any]) -> Line:
    """A row as a line."""
    return Line(
        area=row["area"], seq=row["seq"], kind=row["kind"], hospital=row["hospital"], setl_id=row["setl_id"],
        version=row["version"], month=row["month"], standard_fen=row["standard_fen"], fund_fen=row["fund_fen"],
        points_e4=row["points_e4"], refers=row["refers"], reason=row["reason"], booked_at=row["booked_at"],
        content=orjson.loads(row["content"]), answer=orjson.loads(row["answer"]), hash=row["hash"],
    )  # fmt: skip


def _as_replayed(line: Line) -> Line:
    return replace(line, replayed=True)
