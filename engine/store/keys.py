"""API keys 「接口密钥」: made, found, revoked; only a hash of the secret is kept.

In: a store; out: `Key` records. A key reads `dz_<id>_<secret>`; the secret has 256 random bits. A client has at most
two live keys, so that it can change from one to the other; the schema's slots see to that.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.errors import DianzhiError
from engine.store.bookings import now
from engine.store.open import Store
from engine.store.schema import API_KEYS

SCOPES = ("cases", "settle", "adjust", "close", "jobs", "runs", "metrics", "audit")
_TOKEN = re.compile(r"dz_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")


class KeyFault(DianzhiError):
    """A key that cannot be made or revoked."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret. `hospital` None: it serves the whole area."""

    id: str
    client: str
    area: str
    hospital: str | None
    scopes: frozenset[str]
    signed: bool
    created_at: str
    expires_at: str | None
    revoked_at: str | None

    def is_live(self) -> bool:
        """Neither revoked nor run out."""
        return self.revoked_at is None and (self.expires_at is None or now() < self.expires_at)


def create_key(
    store: Store,
    client: str,
    area: str,
    hospital: str | None = None,
    scopes: tuple[str, ...] = ("cases", "settle"),
    *,
    signed: bool = False,
    expires_at: str | None = None,
) -> tuple[Key, str]:
    """A new key and its token, which is shown this once. Raises KeyFault if the client has two live keys."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise KeyFault(f"scopes: {', '.join(unknown) or 'none given'}. Allowed: {', '.join(SCOPES)}.")
    for what in (client, area, *([hospital] if hospital else [])):
        if not _NAME.fullmatch(what):
            raise KeyFault(f"{what!r}: letters, digits, dot, dash and underscore only, at most 80.")
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = {
        "id": key_id,
        "client": client,
        "secret_hash": _hash(secret),
        "area": area,
        "hospital": hospital,
        "scopes": ",".join(sorted(set(scopes))),
        "signed": int(signed),
        "created_at": now(),
        "expires_at": None if expires_at is None else _instant(expires_at),
        "revoked_at": None,
    }
    for slot in (1, 2):
        try:
            with store.write() as connection:
                connection.execute(insert(API_KEYS).values(**row, slot=slot))
            return _key({**row, "slot": slot}), f"dz_{key_id}_{secret}"
        except IntegrityError:
            continue
    raise KeyFault(f"client {client} has two live keys; revoke one first. 该客户端已有两个有效密钥，请先吊销其一。")


def find_key(store: Store, token: str) -> Key | None:
    """The live key a token belongs to."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None
    with store.read() as connection:
        row = connection.execute(select(API_KEYS).where(API_KEYS.c.id == match[1])).mappings().first()
    if row is None or not hmac.compare_digest(row["secret_hash"], _hash(match[2])):
        return None
    key = _key(row)
    return key if key.is_live() else None


def revoke_key(store: Store, key_id: str) -> None:
    """A revoked key opens nothing; its slot is free again."""
    with store.write() as connection:
        where = (API_KEYS.c.id == key_id, API_KEYS.c.revoked_at.is_(None))
        done = connection.execute(update(API_KEYS).where(*where).values(revoked_at=now(), slot=None))
    if done.rowcount != 1:
        raise KeyFault(f"{key_id}: no such live key. `dianzhi keys list` shows what there is.")


def list_keys(store: Store) -> list[Key]:
    """Every key, oldest first."""
    with store.read() as connection:
        rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.id)).mappings().all()
    return [_key(row) for row in rows]


def signing_secret(master: str, key_id: str) -> str:
    """The secret a key signs requests with: it follows from the master secret, so that nothing need be stored."""
    return hmac.new(master.encode(), f"dianzhi-signing:{key_id}".encode(), hashlib.sha256).hexdigest()


def _hash(secret: str) -> str:
    # A random 256-bit secret needs no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


def _instant(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise KeyFault(f"expires_at {text!r}: write 2027-01-31 or 2027-01-31T08:00:00+08:00.") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.astimezone(UTC).isoformat(timespec="milliseconds")


def _key(row: RowMapping | dict[str, object]) -> Key:
    return Key(
        str(row["id"]),
        str(row["client"]),
        str(row["area"]),
        None if row["hospital"] is None else str(row["hospital"]),
        frozenset(str(row["scopes"]).split(",")),
        bool(row["signed"]),
        str(row["created_at"]),
        None if row["expires_at"] is None else str(row["expires_at"]),
        None if row["revoked_at"] is None else str(row["revoked_at"]),
    )
