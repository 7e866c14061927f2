"""A policy's content in one canonical form, whatever file names, comments, quotes or key order it was written with.

In: parsed values; out: plain lists and texts for hashing, and short texts for people. Numbers are written exactly.
It leaves out where things stand (files, lines, pack locations): moving a folder does not make it another policy.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum, Flag
from fractions import Fraction
from typing import Any

from engine.policy.nodes import Listing, Mapping, Node, Scalar
from engine.policy.readers import plain

LOCATIONS = frozenset({"path", "file", "lines"})
"""Record fields that say where a thing lies rather than what it says."""


def canonical(value: object) -> Any:
    """Lists, texts, numbers, booleans and None only; mappings and sets sorted, records as [type, field…]."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Flag):
        return f"flag {value.value}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | str):
        return value
    if isinstance(value, AbstractMapping):
        pairs = [[canonical(key), canonical(item)] for key, item in value.items()]
        return ["map", *sorted(pairs, key=lambda pair: str(pair[0]))]
    if isinstance(value, AbstractSet):
        return ["set", *sorted((canonical(item) for item in value), key=str)]
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if is_dataclass(value):
        content = [[field.name, canonical(getattr(value, field.name))] for field in fields(value)]
        return [type(value).__name__, *[pair for pair in content if pair[0] not in LOCATIONS]]
    raise TypeError(f"no canonical form for {type(value).__name__}")


def as_text(value: object) -> str:
    """A default, in a word or two."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, AbstractMapping):
        return ", ".join(f"{key}: {as_text(item)}" for key, item in value.items())
    if isinstance(value, AbstractSet):
        return ", ".join(sorted(as_text(item) for item in value))
    if isinstance(value, list | tuple):
        return ", ".join(as_text(item) for item in value)
    return plain(value)


def written_text(node: Node) -> str:
    """A value on one line, as it was written."""
    if isinstance(node, Scalar):
        return " ".join(node.text.split())
    if isinstance(node, Listing):
        return "[" + ", ".join(written_text(item) for item in node.items) + "]"
    assert isinstance(node, Mapping)
    return "{" + ", ".join(f"{key.text}: {written_text(value)}" for key, value in node.entries) + "}"
