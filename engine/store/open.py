"""The database opened, migrated and used one transaction at a time 「数据库连接」.

In: a SQLAlchemy URL; out: `Store`. SQLite runs in WAL with synchronous FULL, PostgreSQL with synchronous_commit on:
what was committed survives a power cut. Writers of one SQLite file take turns instead of polling each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from engine.errors import DianzhiError
from engine.store.turn import Turn

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
BUSY_MS = 15_000
CONNECT_S = 5


class StoreError(DianzhiError):
    """A database that cannot be opened, or that says something it cannot have said."""

    exit_code = 7


@dataclass
class Store:
    """An open database. `write` gives a transaction that ends durable or not at all, `read` one to look."""

    engine: Engine
    url: str
    turn: Turn = field(default_factory=lambda: Turn(None))

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A writing transaction. On SQLite one at a time; others wait their turn."""
        if not self.is_sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        with self.turn.taken(), self.engine.connect() as connection:
            writing = connection.execution_options(dianzhi_write=True)
            with writing.begin():
                yield writing

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A reading transaction."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def reachable(self) -> bool:
        """Whether the database answers."""
        try:
            with self.read() as connection:
                connection.execute(text("SELECT 1 FROM chains WHERE 1 = 0"))
            return True
        except DBAPIError:
            return False

    def close(self) -> None:
        self.engine.dispose()
        self.turn.close()


def open_store(url: str) -> Store:
    """Connect. The tables must be there: `migrate` makes them. Raises StoreError for a URL nobody understands."""
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite":
            engine = create_engine(parsed, connect_args={"timeout": BUSY_MS // 1000, "check_same_thread": False})
            _tune_sqlite(engine)
        else:
            args = {"connect_timeout": CONNECT_S} if parsed.get_backend_name() == "postgresql" else {}
            engine = create_engine(parsed, pool_size=10, max_overflow=30, pool_pre_ping=True, connect_args=args)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(f"database: {error}. Give sqlite:///FILE or postgresql://USER@HOST/NAME.") from None
    file = parsed.database if engine.dialect.name == "sqlite" else None
    turn = Turn(Path(file) if file and not file.startswith(("file:", ":")) else None)
    return Store(engine, parsed.render_as_string(hide_password=False), turn)


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get("dianzhi_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def migrate(url: str) -> None:
    """Bring the database to this version's schema; running it again changes nothing."""
    from alembic import command
    from alembic.config import Config

    store = open_store(url)
    try:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with store.write() as connection:
            if not store.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(727273)"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise StoreError(f"database: cannot be migrated ({type(error.orig).__name__}).") from None
    finally:
        store.close()
