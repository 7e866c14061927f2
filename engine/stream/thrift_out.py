"""Thrift structures in their compact form, as the headers and the footer of a Parquet file are written 「页头与页脚」.

In: fields by number, each a value with its kind; out: bytes. Only the kinds that Parquet's structures use.
"""

from __future__ import annotations

from collections.abc import Sequence

TRUE, I16, I32, I64, BINARY, LIST, STRUCT = 1, 4, 5, 6, 8, 9, 12

Field = tuple[int, int, bytes]
"""(number, kind, value as it is written)."""


def struct(*fields: Field) -> bytes:
    """Fields in ascending order of number."""
    out, before = bytearray(), 0
    for number, kind, value in fields:
        step = number - before
        assert 0 < step < 16, "fields ascend, and none is far from the one before"
        out.append(step << 4 | kind)
        out += value
        before = number
    return bytes(out) + b"\0"


def whole(number: int, value: int, kind: int = I32) -> Field:
    """A whole number."""
    return number, kind, varint(value << 1 if value >= 0 else (-value << 1) - 1)


def binary(number: int, value: bytes) -> Field:
    """Bytes, or a text in UTF-8."""
    return number, BINARY, varint(len(value)) + value


def inner(number: int, *fields: Field) -> Field:
    """A structure."""
    return number, STRUCT, struct(*fields)


def listed(number: int, kind: int, values: Sequence[bytes]) -> Field:
    """A list of values of one kind, each as it is written."""
    head = bytes([len(values) << 4 | kind]) if len(values) < 15 else bytes([0xF0 | kind]) + varint(len(values))
    return number, LIST, head + b"".join(values)


def true(number: int) -> Field:
    """A yes."""
    return number, TRUE, b""


def zigzag(value: int) -> bytes:
    """A whole number in a list."""
    return whole(1, value)[2]


def varint(number: int) -> bytes:
    """A number without sign, seven bits a byte."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
