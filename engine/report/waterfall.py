"""The waterfall picture of a statement 「瀑布图」 as stacked columns.

In: steps with signed fen and totals; out: rows of six series that any spreadsheet program stacks correctly, also
where the running sum crosses zero. It only arranges numbers: drawing is the workbook's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Step:
    """One column: a change, or a total that starts from zero again."""

    name: str
    amount_fen: int
    is_total: bool = False


class Stack(NamedTuple):
    """Heights of one column, fen. `base` is drawn without colour; a change across zero has parts on both sides."""

    name: str
    base: int
    up_above: int
    up_below: int
    down_above: int
    down_below: int
    total: int


def stacks(steps: Iterable[Step]) -> list[Stack]:
    """The columns of a waterfall; a total restarts the running sum at its own amount.

    Of a change from a to b the part above zero is max(a, 0) … max(b, 0), the part below likewise; the colourless base
    carries whichever end is nearer to zero, and is 0 where the change crosses it.
    """
    rows, running = [], 0
    for step in steps:
        if step.is_total:
            rows.append(Stack(step.name, 0, 0, 0, 0, 0, step.amount_fen))
            running = step.amount_fen
            continue
        low, high = sorted((running, running + step.amount_fen))
        above, below = max(high, 0) - max(low, 0), min(low, 0) - min(high, 0)
        base = low if low > 0 else min(high, 0)
        up, down = ((above, below), (0, 0)) if step.amount_fen >= 0 else ((0, 0), (above, below))
        rows.append(Stack(step.name, base, *up, *down, 0))
        running += step.amount_fen
    return rows
