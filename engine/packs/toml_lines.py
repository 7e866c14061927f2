"""The line on which each key of a TOML file stands, so that a message can name it.

In: the text of a file that the TOML parser has accepted; out: key path → line, counted from 1.
`[[numeric]]` entries are numbered: ("numeric", "0", "name"). Keys of an inline table stand on the line of its name.
It understands as much TOML as a pack header needs; a key it does not find falls back to its table's line.
"""

from __future__ import annotations

import re

_TABLE = re.compile(r"\s*\[\s*([A-Za-z0-9_.\"'-]+)\s*\]\s*(?:#.*)?$")
_ARRAY = re.compile(r"\s*\[\[\s*([A-Za-z0-9_.\"'-]+)\s*\]\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """Key path → line of its first appearance."""
    found: dict[tuple[str, ...], int] = {}
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if match := _ARRAY.match(line):
            name = _path(match.group(1))
            index = counts.get(name, 0)
            counts[name] = index + 1
            found.setdefault(name, number)
            table = (*name, str(index))
            found[table] = number
        elif match := _TABLE.match(line):
            table = _path(match.group(1))
            found.setdefault(table, number)
        elif match := _KEY.match(line):
            path = (*table, *_path(match.group(1)))
            for length in range(len(table) + 1, len(path) + 1):
                found.setdefault(path[:length], number)
    return found


def _path(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"' ") for part in dotted.split("."))
