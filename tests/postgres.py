"""A private PostgreSQL for tests: started on loopback in a temporary folder, or the one DIANZHI_TEST_POSTGRES names.

Tests that need it skip with a reason where there is none; they never pass silently.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from engine.store.open import migrate


def _binary(name: str) -> str | None:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or (str(places[0]) if places else None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def server_url() -> str:
    """URL of a server without its database name; skips the test where there is none."""
    if given := os.environ.get("DIANZHI_TEST_POSTGRES"):
        return given.rstrip("/")
    initdb, pg_ctl = _binary("initdb"), _binary("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip(
            "POSTGRESQL IS NOT HERE: install it or set DIANZHI_TEST_POSTGRES; the PostgreSQL half is NOT tested"
        )
    folder = Path(tempfile.mkdtemp(prefix="dianzhi-pg-", dir="/tmp"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data, port = folder / "data", _free_port()
    quiet = {"check": True, "capture_output": True, "timeout": 120, "cwd": "/tmp"}
    subprocess.run([*as_user, initdb, "-D", str(data), "-A", "trust", "-U", "dianzhi", "-E", "UTF8"], **quiet)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c max_connections=200"
    log = str(folder / "log")
    subprocess.run([*as_user, pg_ctl, "-D", str(data), "-l", log, "-o", options, "-w", "start"], **quiet)

    def stop() -> None:
        subprocess.run([*as_user, pg_ctl, "-D", str(data), "-m", "immediate", "stop"], capture_output=True, cwd="/tmp")
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return f"postgresql+psycopg://dianzhi@127.0.0.1:{port}"


@cache
def _template() -> str:
    name = f"template_{uuid4().hex[:12]}"
    _run(f"CREATE DATABASE {name}")
    migrate(f"{server_url()}/{name}")
    return name


def _run(statement: str) -> None:
    engine = create_engine(f"{server_url()}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def fresh_database() -> str:
    """URL of a new, migrated, empty database."""
    name = f"test_{uuid4().hex[:12]}"
    _run(f"CREATE DATABASE {name} TEMPLATE {_template()}")
    return f"{server_url()}/{name}"
