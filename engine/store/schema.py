"""The tables of the service 「服务数据库」: one SQLAlchemy Core schema for SQLite and PostgreSQL.

In: nothing; out: `METADATA` and its tables, and the triggers that keep lines and audit append-only and sealed months
shut. Money fen, points ×10⁴, times ISO text in UTC. Batch rows are not here: they stay in run folders.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
METADATA: Final = MetaData(naming_convention=NAMING)

CHAINS: Final = Table(
    "chains",
    METADATA,
    Column("name", String(80), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""The last link of every chain: `lines:<area>` and `audit`."""

LINES: Final = Table(
    "lines",
    METADATA,
    Column("area", String(20), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("hospital", String(40), nullable=False),
    Column("setl_id", String(80), nullable=False),
    Column("version", Integer, nullable=False),
    Column("month", String(7), nullable=False),
    Column("refers", BigInteger),
    Column("natural_key", String(180)),
    Column("standard_fen", BigInteger, nullable=False),
    Column("fund_fen", BigInteger, nullable=False),
    Column("points_e4", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("client", String(80), nullable=False),
    Column("request_id", String(80), nullable=False),
    Column("booked_at", String(32), nullable=False),
    Column("content", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("area", "seq"),
    UniqueConstraint("area", "natural_key"),
)
"""Booked lines 「结算流水」: settlements and their corrections, one chain an area."""

STANDING: Final = Table(
    "standing",
    METADATA,
    Column("area", String(20), nullable=False),
    Column("hospital", String(40), nullable=False),
    Column("setl_id", String(80), nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("area", "hospital", "setl_id"),
)
"""The one settlement of a case that is not reversed. Follows from the lines; here so that a second cannot be booked."""

MONTHS: Final = Table(
    "months",
    METADATA,
    Column("area", String(20), nullable=False),
    Column("month", String(7), nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("run_id", String(120)),
    Column("seal", String(80)),
    Column("closed_by", String(80), nullable=False),
    Column("closed_at", String(32), nullable=False),
    PrimaryKeyConstraint("area", "month"),
)
"""Closed months 「封账」: as soon as the row is there no line of that month can be added."""

IDEMPOTENCY: Final = Table(
    "idempotency",
    METADATA,
    Column("client", String(80), nullable=False),
    Column("key", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("area", String(20), nullable=False),
    Column("seq", BigInteger),
    Column("job", String(40)),
    Column("status", Integer, nullable=False),
    Column("created_at", String(32), nullable=False),
    PrimaryKeyConstraint("client", "key"),
)

API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("client", String(80), nullable=False),
    Column("slot", Integer),
    Column("secret_hash", String(64), nullable=False),
    Column("area", String(20), nullable=False),
    Column("hospital", String(40)),
    Column("scopes", String(200), nullable=False),
    Column("signed", Integer, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at", String(32)),
    Column("revoked_at", String(32)),
    UniqueConstraint("client", "slot"),
)
"""API keys 「接口密钥」: only a hash of the secret. `slot` 1 or 2 while it lives, so that two live and no more."""

NONCES: Final = Table(
    "nonces",
    METADATA,
    Column("key_id", String(32), nullable=False),
    Column("nonce", String(80), nullable=False),
    Column("until", BigInteger, nullable=False),
    PrimaryKeyConstraint("key_id", "nonce"),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("client", String(80), nullable=False),
    Column("key_id", String(32), nullable=False),
    Column("action", String(120), nullable=False),
    Column("target", String(200), nullable=False),
    Column("status", Integer, nullable=False),
    Column("request_id", String(80), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
"""Who asked for what and what came of it 「访问审计」; never an identity number, a name or a body."""

JOBS: Final = Table(
    "jobs",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("area", String(20), nullable=False),
    Column("client", String(80), nullable=False),
    Column("hospital", String(40)),
    Column("kind", String(20), nullable=False),
    Column("params", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("owner", String(80)),
    Column("lease_until", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("rows_done", BigInteger, nullable=False),
    Column("cancel", Integer, nullable=False),
    Column("run_id", String(120)),
    Column("counts", Text),
    Column("error", Text),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
)

APPEND_ONLY: Final = ("lines", "audit")
SEALED: Final = "dianzhi: month sealed"


def triggers(dialect: str) -> list[str]:
    """Statements that make the append-only tables so, and shut closed months, in the words of a dialect."""
    return _sqlite_triggers() if dialect == "sqlite" else _postgres_triggers()


def _sqlite_triggers() -> list[str]:
    found = []
    for table in APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            found.append(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'dianzhi: {table} is append-only'); END"
            )
    found.append(
        "CREATE TRIGGER lines_month_open BEFORE INSERT ON lines "
        "WHEN EXISTS (SELECT 1 FROM months WHERE area = NEW.area AND month = NEW.month) "
        f"BEGIN SELECT RAISE(ABORT, '{SEALED}'); END"
    )
    return found


def _postgres_triggers() -> list[str]:
    found = [
        "CREATE FUNCTION dianzhi_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'dianzhi: % is append-only', TG_TABLE_NAME USING ERRCODE = '23514'; END $$",
        "CREATE FUNCTION dianzhi_month_open() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM months WHERE area = NEW.area AND month = NEW.month) THEN "
        f"RAISE EXCEPTION '{SEALED}' USING ERRCODE = '23514'; END IF; RETURN NEW; END $$",
    ]
    for table in APPEND_ONLY:
        found.append(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION dianzhi_append_only()"
        )
    found.append(
        "CREATE TRIGGER lines_month_open BEFORE INSERT ON lines FOR EACH ROW EXECUTE FUNCTION dianzhi_month_open()"
    )
    return found
