"""Which booked lines of a file are not what their own hash says 「在线流水逐行核验」.

In: `lines.jsonl` of a closed month: one booked line each, with its hash. Out: `line 17` or the like, empty if none can
be told. The hash is that of `engine.store.chain`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson

BOOKED_LINES = "booked.jsonl"
_SHOWN = 5


def changed_booked_lines(path: Path) -> str:
    """The numbers of the lines that were changed."""
    wrong = [number for number, line in enumerate(path.read_bytes().splitlines(), 1) if not _is_sound(line)]
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return f"line {', '.join(map(str, wrong[:_SHOWN]))}{more}" if wrong else ""


def _is_sound(line: bytes) -> bool:
    try:
        row = orjson.loads(line)
        stored = row.pop("hash")
    except (orjson.JSONDecodeError, KeyError, AttributeError):
        return False
    facts = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    again = orjson.dumps({**row, "hash": stored}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(facts).hexdigest() == stored and again == line
