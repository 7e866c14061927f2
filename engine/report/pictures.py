"""The pictures of the report page: flow, ranking, shares, comparison with a mean, point values over the months.

In: names with numbers ready to be drawn; out: SVG. Lengths come from floats of the numbers, labels from text made
elsewhere, so a picture can be a pixel off but never show a wrong amount.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from engine.report.flow import Flow, Link
from engine.report.shown import short_yuan, yuan_text
from engine.report.svg import GRID, INK, MUTED, Drawing, shorten, text_width

GAIN, LOSS, MEAN = "#2f7d6b", "#b8473a", "#c08a2b"
SERIES = ("#3f78b0", "#2f8f83", "#c08a2b", "#8a5fa8", "#b8473a", "#5b6b7b")
ROW = 26


class Bar(NamedTuple):
    """One bar: name, remark in small print, its size, and the text at its end."""

    name: str
    remark: str
    size: float
    text: str


def ranking(bars: Sequence[Bar], title: str) -> Markup:
    """Bars to both sides of a zero line, gains right and losses left; signs tell them apart without colour."""
    label, width, top = 158, 540, 8
    drawing = Drawing(width, top + ROW * len(bars) + 8, title, "；".join(f"{bar.name} {bar.text}" for bar in bars))
    room = max((text_width(bar.text, 12) for bar in bars), default=0.0) + 8
    low = max((-bar.size for bar in bars if bar.size < 0), default=0.0)
    high = max((bar.size for bar in bars if bar.size > 0), default=0.0)
    left, right = label + (room if low else 8), width - (room if high else 8)
    scale = (right - left) / ((low + high) or 1.0)
    zero = left + low * scale
    for index, bar in enumerate(bars):
        y = top + index * ROW
        remark = text_width(bar.remark, 11) + 8
        drawing.text(0, y + 17, shorten(bar.name, 13, label - remark - 6))
        drawing.text(label - 8, y + 17, bar.remark, size=11, fill=MUTED, anchor="end")
        length = abs(bar.size) * scale
        start = zero if bar.size >= 0 else zero - length
        drawing.rect(start, y + 4, max(length, 1.0), ROW - 9, GAIN if bar.size >= 0 else LOSS,
                     tip=f"{bar.name} {bar.text}", round_=2)  # fmt: skip
        if bar.size >= 0:
            drawing.text(zero + length + 5, y + 17, bar.text, size=12)
        else:
            drawing.text(zero - length - 5, y + 17, bar.text, size=12, anchor="end")
    drawing.line(zero, 2, zero, top + ROW * len(bars) + 4, INK)
    return drawing.render()


def against_mean(bars: Sequence[Bar], mean: float, mean_text: str, title: str) -> Markup:
    """Bars from zero with a line for the area's mean."""
    label, width, top = 158, 540, 26
    drawing = Drawing(width, top + ROW * len(bars) + 8, title, "；".join(f"{bar.name} {bar.text}" for bar in bars))
    scale = (width - label - 24) / (max([mean, *(bar.size for bar in bars)]) or 1.0)
    for index, bar in enumerate(bars):
        y = top + index * ROW
        remark = text_width(bar.remark, 11) + 8
        drawing.text(0, y + 17, shorten(bar.name, 13, label - remark - 6))
        drawing.text(label - 8, y + 17, bar.remark, size=11, fill=MUTED, anchor="end")
        length = bar.size * scale
        drawing.rect(label, y + 4, length, ROW - 9, SERIES[0], tip=f"{bar.name} {bar.text}", round_=2)
        if length > 60:
            drawing.text(label + 8, y + 17, bar.text, size=12, fill="#ffffff")
        else:
            drawing.text(label + length + 5, y + 17, bar.text, size=12)
    x = label + mean * scale
    drawing.line(x, top - 4, x, top + ROW * len(bars) + 4, MEAN, width=1.5, dash="4 3")
    anchor = "end" if x > width - 130 else "start"
    drawing.text(x + (-4 if anchor == "end" else 4), 14, mean_text, size=12, fill=MEAN, anchor=anchor, bold=True)
    return drawing.render()


class Share(NamedTuple):
    """One part of a stacked row."""

    name: str
    cases: int
    colour: str


def shares(rows: Sequence[tuple[str, Sequence[Share]]], title: str) -> Markup:
    """Rows of equal length, cut by share; parts wide enough carry their percentage."""
    label, width, top, height = 84, 540, 4, 38
    told = "；".join(f"{name}：" + "，".join(f"{part.name} {part.cases}" for part in parts) for name, parts in rows)
    drawing = Drawing(width, top + height * len(rows) + 4, title, told)
    for index, (name, parts) in enumerate(rows):
        total, x, y = sum(part.cases for part in parts), float(label), top + index * height
        drawing.text(0, y + 15, name, bold=True)
        drawing.text(0, y + 30, f"{total:,} 例", size=11, fill=MUTED)
        for part in parts:
            length = (width - label) * part.cases / (total or 1)
            percent = 100 * part.cases / (total or 1)
            drawing.rect(
                x, y + 3, length, height - 10, part.colour, tip=f"{part.name} {part.cases:,}（{percent:.1f}%）"
            )
            if length > 44:
                drawing.text(x + length / 2, y + 22, f"{percent:.1f}%", size=12, anchor="middle", fill="#ffffff")
            x += length
    return drawing.render()


class Curve(NamedTuple):
    """Values by month place (0 … n−1), and a final value drawn as a level across, if there is one."""

    name: str
    points: tuple[tuple[int, float, str], ...]
    final: tuple[float, str] | None


def curves(months: Sequence[str], lines: Sequence[Curve], title: str) -> Markup:
    """Point values over the months; the final value is a dashed level. The axis starts near the lowest value."""
    width, height, left, right, top, bottom = 540, 250, 52, 76, 34, 26
    told = "；".join(f"{line.name} {'，'.join(text for *_, text in line.points)}" for line in lines)
    drawing = Drawing(width, height, title, told)
    values = [value for line in lines for _, value, _ in line.points]
    values += [line.final[0] for line in lines if line.final]
    low, high = min(values), max(values)
    margin = (high - low) * 0.12 or abs(high) * 0.05 or 1.0
    low, high = low - margin, high + margin

    def at(place: float, value: float) -> tuple[float, float]:
        x = left + (width - left - right) * (place / max(1, len(months) - 1) if len(months) > 1 else 0.5)
        return x, top + (height - top - bottom) * (high - value) / (high - low)

    for step in range(5):
        value = low + (high - low) * step / 4
        y = at(0, value)[1]
        drawing.line(left, y, width - right, y, GRID)
        drawing.text(left - 6, y + 4, f"{value:.2f}", size=11, anchor="end", fill=MUTED)
    for place, month in enumerate(months):
        drawing.text(at(place, low)[0], height - 6, month, size=11, anchor="middle", fill=MUTED)
    legend, floor = float(left), 0.0
    for index, line in enumerate(lines):
        colour = SERIES[index % len(SERIES)]
        drawing.line(legend, 12, legend + 18, 12, colour, width=3)
        drawing.text(legend + 24, 16, line.name, size=12)
        legend += 44 + text_width(line.name, 12)
        drawing.polyline([at(place, value) for place, value, _ in line.points], colour)
        for place, value, text in line.points:
            drawing.circle(*at(place, value), 3, colour, tip=f"{line.name} {text}")
    finals = [(line.final, SERIES[index % len(SERIES)]) for index, line in enumerate(lines) if line.final]
    for (value, text), colour in sorted(finals, key=lambda found: -found[0][0]):
        y = at(0, value)[1]
        drawing.line(left, y, width - right, y, colour, width=1.5, dash="6 4")
        floor = max(y, floor + 15)
        drawing.text(width - right + 6, floor + 4, text, size=12, fill=colour, bold=True)
    return drawing.render()


class _Box(NamedTuple):
    """A placed node: left and upper edge, height."""

    x: float
    y: float
    tall: float


FLOW_WIDTH, FLOW_LABEL, FLOW_TALL, FLOW_GAP, BOX = 1080.0, 190.0, 230.0, 22.0, 12.0


def _place(flow: Flow, sizes: dict[str, int]) -> tuple[dict[str, _Box], float]:
    """Boxes by node and the units per fen; the fullest column fills the height."""
    columns: dict[int, list[str]] = defaultdict(list)
    for node in flow.nodes:
        columns[node.column].append(node.key)
    scale = FLOW_TALL / (max(sum(sizes[key] for key in keys) for keys in columns.values()) or 1)
    boxes = {}
    for column, keys in columns.items():
        x, y = column * (FLOW_WIDTH - FLOW_LABEL) / max(1, *columns), 10.0
        for key in keys:
            boxes[key] = _Box(x, y, max(sizes[key] * scale, 1.0))
            y += max(boxes[key].tall, 14.0) + FLOW_GAP
    return boxes, scale


def sankey(flow: Flow, title: str) -> Markup:
    """Boxes in columns joined by ribbons whose thickness is the amount. A sliver too thin to see is drawn one unit."""
    names, colour = {node.key: node.zh for node in flow.nodes}, {node.key: node.colour for node in flow.nodes}
    sizes = {key: max(_sum(flow.links, key, 0), _sum(flow.links, key, 1)) for key in names}
    boxes, scale = _place(flow, sizes)
    told = [f"{names[link.source]} → {names[link.target]} {yuan_text(link.amount_fen)} 元" for link in flow.links]
    drawing = Drawing(FLOW_WIDTH, max(box.y + max(box.tall, 24) for box in boxes.values()) + 10, title, "；".join(told))
    used_out = {key: box.y for key, box in boxes.items()}
    used_in = dict(used_out)
    for link, tip in zip(flow.links, told, strict=True):
        thick = link.amount_fen * scale
        drawing.ribbon(boxes[link.source].x + BOX, used_out[link.source], boxes[link.target].x, used_in[link.target],
                       max(thick, 0.8), colour[link.target], tip=tip)  # fmt: skip
        used_out[link.source] += thick
        used_in[link.target] += thick
    for key, box in boxes.items():
        drawing.rect(box.x, box.y, BOX, box.tall, colour[key], tip=f"{names[key]} {yuan_text(sizes[key])} 元")
        middle = box.y + box.tall / 2
        drawing.text(box.x + BOX + 6, middle + 1, names[key], size=13, bold=True, halo=True)
        drawing.text(box.x + BOX + 6, middle + 16, short_yuan(sizes[key]), size=12, fill=MUTED, halo=True)
    return drawing.render()


def _sum(links: Sequence[Link], key: str, end: int) -> int:
    return sum(link.amount_fen for link in links if (link.source, link.target)[end] == key)
