"""The waterfall as a picture of the page 「瀑布图」: a row a step, bars from balance to balance, amounts at the right.

In: steps with signed fen, totals among them; out: one SVG with title and description. A total starts from zero again.
Gains and losses differ by sign and side as well as by colour. Lengths come from floats, labels from exact text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from engine.report.pictures import GAIN, LOSS
from engine.report.shown import yuan_text
from engine.report.svg import INK, MUTED, Drawing, shorten, text_width

TOTAL = "#1f4e79"
WIDTH, ROW, TOP = 900.0, 30.0, 6.0
NAMES = 250.0


class Bar(NamedTuple):
    """One step: names, signed fen, and whether it is a total."""

    zh: str
    en: str
    amount_fen: int
    is_total: bool = False


def falls(bars: Sequence[Bar], title: str) -> Markup:
    """The whole waterfall, scaled to its widest balance; an empty one is a picture of nothing."""
    spans = _spans(bars)
    low, high = min([0, *(min(span) for span in spans)]), max([0, *(max(span) for span in spans)])
    amounts = [yuan_text(bar.amount_fen, signed=not bar.is_total) for bar in bars]
    room = max((text_width(text, 13) for text in amounts), default=0.0) + 12
    scale = (WIDTH - NAMES - room) / ((high - low) or 1)
    told = "；".join(f"{bar.zh} {bar.en} {text}" for bar, text in zip(bars, amounts, strict=True))
    drawing = Drawing(WIDTH, TOP + ROW * len(bars) + 6, title, told)
    zero = NAMES - low * scale
    for place in range(1, len(bars), 2):
        drawing.rect(0, TOP + place * ROW, WIDTH, ROW, "#f4f7fa")
    drawing.line(zero, TOP, zero, TOP + ROW * len(bars), INK)
    for place, (bar, (start, end), text) in enumerate(zip(bars, spans, amounts, strict=True)):
        y = TOP + place * ROW
        drawing.text(4, y + 14, shorten(bar.zh, 13, NAMES - 12), bold=bar.is_total)
        drawing.text(4, y + 26, shorten(bar.en, 10, NAMES - 12), size=10, fill=MUTED)
        left = NAMES + (min(start, end) - low) * scale
        colour = TOTAL if bar.is_total else GAIN if bar.amount_fen >= 0 else LOSS
        drawing.rect(
            left, y + 6, max(abs(end - start) * scale, 1.5), ROW - 12, colour, tip=f"{bar.zh} {text}", round_=2
        )
        if place + 1 < len(bars):
            x = NAMES + (end - low) * scale
            drawing.line(x, y + ROW - 6, x, y + ROW + 6, MUTED, dash="2 2")
        drawing.text(WIDTH - 4, y + 20, text, anchor="end", bold=bar.is_total)
    return drawing.render()


def _spans(bars: Sequence[Bar]) -> list[tuple[int, int]]:
    """Where each bar begins and ends: a change from balance to balance, a total from zero."""
    found, balance = [], 0
    for bar in bars:
        start = 0 if bar.is_total else balance
        balance = start + bar.amount_fen
        found.append((start, balance))
    return found
