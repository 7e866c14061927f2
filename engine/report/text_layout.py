"""Plain text for terminals of any width 「终端排版」: Chinese characters count two columns, amounts are never cut.

In: texts and a width; out: lines no wider than it, unless a single word or amount is. It knows no money.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.report.workbook import display_width

NAME_LEAST = 18
"""Columns a name needs beside its amounts; on a narrower terminal the amounts go below it."""
_ATOM = re.compile(r"(?:[A-Za-z0-9_.,+−#/%@:=\[\]()-]+ ?|.)[，。；、）」：！？]*", re.DOTALL)
"""A word with the space after it, or one Chinese character; closing marks stay with what they close."""


def wrapped(text: str, width: int, indent: int = 0) -> Iterator[str]:
    """The text in lines of at most `width` columns; words and amounts stay whole."""
    room, line, used = max(width - indent, 8), "", 0
    for atom in _ATOM.findall(text):
        size = display_width(atom.rstrip())
        if line and used + size > room:
            yield " " * indent + line.rstrip()
            line, used = "", 0
        if atom == " " and not line:
            continue
        line += atom
        used += display_width(atom)
    if line.strip():
        yield " " * indent + line.rstrip()


def padded(text: str, width: int) -> str:
    return text + " " * max(0, width - display_width(text))


def right(text: str, width: int) -> str:
    return " " * max(0, width - display_width(text)) + text


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of a name and two amounts on a terminal `width` columns wide; amounts take `amount` columns each."""

    width: int
    amount: int

    @property
    def is_narrow(self) -> bool:
        return self.width - 2 * (self.amount + 2) < NAME_LEAST

    def row(self, name: str, amounts: Sequence[str], indent: int = 2) -> Iterator[str]:
        """A name with its amount and the balance after it; empty texts leave their column empty."""
        if self.is_narrow:
            yield from wrapped(name, self.width, indent)
            for text in amounts:
                if text:
                    yield right(text, self.width)
            return
        room = self.width - 2 * (self.amount + 2)
        first, *rest = list(wrapped(name, room, indent)) or [""]
        yield padded(first, room) + "".join("  " + right(text, self.amount) for text in amounts).rstrip()
        yield from (" " * 2 + line for line in rest)

    def note(self, text: str, indent: int = 4) -> Iterator[str]:
        yield from wrapped(text, self.width, indent)

    def rule(self, mark: str = "─") -> str:
        return mark * self.width
