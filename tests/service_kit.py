"""What the tests of the service share: apps on a database, keys, and cases of the demo city as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from api.app import create_app
from api.settings import Settings
from engine.store.keys import create_key
from engine.store.open import Store, open_store
from tests.small_city import DEMO
from tests.test_online_settle import answered, counter, rows_of

with catch_warnings():
    simplefilter("ignore")
    from starlette.testclient import TestClient

AREA = "370000"
ALL = ("cases", "settle", "adjust", "close", "jobs", "runs", "metrics", "audit")
Client = TestClient


@cache
def city_cases() -> tuple[dict[str, Any], ...]:
    """Every sound case of one month of the demo city."""
    found = []
    for row in rows_of("202504", counter("policy").demand):
        for name in ("file", "row", "misshapen"):
            row.pop(name, None)
        if not isinstance(answered("policy", row), str):
            found.append({name: value for name, value in row.items() if "!" not in name})
    assert len(found) > 100
    return tuple(found)


def case(number: int = 0, **changes: Any) -> dict[str, Any]:
    """One sound case, changed; a change to None leaves the field out."""
    made = {**city_cases()[number], **changes}
    return {name: value for name, value in made.items() if value is not None}


def other_hospital(hospital: str) -> str:
    """A hospital of the policy that is not this one."""
    return next(each["fixmedins_code"] for each in city_cases() if each["fixmedins_code"] != hospital)


def settings(folder: Path, database: str, **more: Any) -> Settings:
    given = {"areas": (DEMO / "policy",), "shelf": folder / "runs", "spool": folder / "spool", **more}
    return Settings(database=database, **given)


@contextmanager
def service(folder: Path, database: str, **more: Any) -> Iterator[Client]:
    """A running app; with `open_access` unless told otherwise."""
    app = create_app(settings(folder, database, **{"open_access": True, **more}))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@dataclass
class Keyed:
    """A service with keys: tokens by what they are for."""

    client: Client
    store: Store
    tokens: dict[str, str]

    def as_(self, who: str, **headers: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}", **headers}


@contextmanager
def keyed_service(folder: Path, database: str, hospitals: tuple[str, ...] = (), **more: Any) -> Iterator[Keyed]:
    """A service that asks for keys: `area` may do everything, each hospital what a hospital may."""
    store = open_store(database)
    tokens = {"area": create_key(store, "office", AREA, None, ALL)[1]}
    for number, hospital in enumerate(hospitals):
        name = "AB"[number]
        tokens[name] = create_key(store, f"his-{name}", AREA, hospital, ALL)[1]
    with service(folder, database, open_access=False, **more) as client:
        yield Keyed(client, store, tokens)
    store.close()


def keyed(number: int | str) -> dict[str, str]:
    """The header of an idempotency key."""
    return {"Idempotency-Key": f"key-{number}"}
