"""Alembic's entry: the connection is handed in by `engine.store.open.migrate`."""

from __future__ import annotations

from alembic import context

from engine.store.schema import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=False)
context.run_migrations()
