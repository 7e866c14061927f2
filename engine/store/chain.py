"""Links of an append-only chain 「哈希链」: each carries the hash of the one before.

In: the columns of a row; out: its hash. The head of a chain is one row that a writer locks, so that links never fork.
It knows no meaning of what it chains.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, insert, select, update

from engine.store.schema import CHAINS

GENESIS = "0" * 64


def link_hash(row: Mapping[str, Any] | RowMapping) -> str:
    """SHA-256 over every column but the hash itself; `previous` is among them."""
    facts = {str(name): value for name, value in row.items() if name != "hash"}
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def digest_of(content: Any) -> str:
    """SHA-256 of canonical JSON: what decides whether two requests say the same."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def lock_head(connection: Connection, name: str) -> tuple[int, str]:
    """(number, hash) of the last link, locked until the transaction ends; a new chain starts at 0."""
    query = select(CHAINS.c.seq, CHAINS.c.hash).where(CHAINS.c.name == name).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        connection.execute(insert(CHAINS).values(name=name, seq=0, hash=GENESIS))
        return 0, GENESIS
    return int(row[0]), str(row[1])


def move_head(connection: Connection, name: str, seq: int, link: str) -> None:
    """The chain now ends at this link."""
    connection.execute(update(CHAINS).where(CHAINS.c.name == name).values(seq=seq, hash=link))
