"""What holds for every test: no drawn example fails because the machine was busy. For the service: a database of
either kind, and a store open on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from engine.store.open import Store, migrate, open_store

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(params=("sqlite", "postgres"))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty migrated database; every test that asks for it runs on both kinds."""
    if request.param == "postgres":
        from tests.postgres import fresh_database

        return fresh_database()
    url = f"sqlite:///{tmp_path / 'service.sqlite'}"
    migrate(url)
    return url


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = open_store(database)
    yield opened
    opened.close()
