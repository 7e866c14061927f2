"""A small drawing board for pictures inside the report page.

In: shapes in a fixed coordinate system; out: one self-contained `<svg>` with a title and a description, safe to place
in HTML. Text is escaped, numbers are written with one decimal, so equal input gives equal bytes. It knows no money.
"""

from __future__ import annotations

import unicodedata

from markupsafe import Markup, escape

INK, MUTED, GRID, PAPER = "#1b2733", "#5b6b7b", "#dfe5eb", "#ffffff"


def number(value: float) -> str:
    """One decimal at most, never "-0"."""
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def text_width(text: str, size: float) -> float:
    """About how wide a text is: a Chinese character is a square, a Latin one a little over half."""
    return size * sum(1.0 if unicodedata.east_asian_width(char) in "WF" else 0.56 for char in text)


def shorten(text: str, size: float, room: float) -> str:
    """The text, cut with an ellipsis if it is wider than the room."""
    if text_width(text, size) <= room:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > room:
        kept = kept[:-1]
    return kept + "…"


class Drawing:
    """One picture. Every shape may carry a `tip`, which browsers show on hover and screen readers can read."""

    def __init__(self, width: float, height: float, title: str, description: str) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = [f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"]

    def _add(self, tag: str, attributes: dict[str, object], inside: str = "") -> None:
        pairs = []
        for name, value in attributes.items():
            if value is not None:
                shown = number(value) if isinstance(value, float | int) else str(escape(value))
                pairs.append(f'{name.replace("_", "-")}="{shown}"')
        self._parts.append(f"<{tag} {' '.join(pairs)}>{inside}</{tag}>")

    @staticmethod
    def _tip(tip: str | None) -> str:
        return f"<title>{escape(tip)}</title>" if tip else ""

    def rect(self, x: float, y: float, width: float, height: float, fill: str, *, tip: str | None = None,
             round_: float | None = None) -> None:  # fmt: skip
        shape = {"x": x, "y": y, "width": max(width, 0.0), "height": max(height, 0.0), "fill": fill, "rx": round_}
        self._add("rect", shape, self._tip(tip))

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = GRID, *, width: float = 1,
             dash: str | None = None) -> None:  # fmt: skip
        ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        self._add("line", {**ends, "stroke": colour, "stroke_width": width, "stroke_dasharray": dash})

    def polyline(self, points: list[tuple[float, float]], colour: str, *, width: float = 2) -> None:
        joined = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self._add("polyline", {"points": joined, "fill": "none", "stroke": colour, "stroke_width": width})

    def circle(self, x: float, y: float, radius: float, fill: str, *, tip: str | None = None) -> None:
        self._add("circle", {"cx": x, "cy": y, "r": radius, "fill": fill}, self._tip(tip))

    def ribbon(self, x1: float, y1: float, x2: float, y2: float, thickness: float, fill: str, *,
               tip: str | None = None) -> None:  # fmt: skip
        """A band of constant thickness flowing from left to right; y is its upper edge."""
        middle, low = number((x1 + x2) / 2), thickness
        path = (
            f"M{number(x1)},{number(y1)}C{middle},{number(y1)} {middle},{number(y2)} {number(x2)},{number(y2)}"
            f"L{number(x2)},{number(y2 + low)}C{middle},{number(y2 + low)} {middle},{number(y1 + low)} "
            f"{number(x1)},{number(y1 + low)}Z"
        )
        self._add("path", {"d": path, "fill": fill, "class": "ribbon"}, self._tip(tip))

    def text(self, x: float, y: float, words: str, *, size: float = 13, anchor: str = "start", fill: str = INK,
             bold: bool = False, halo: bool = False) -> None:  # fmt: skip
        self._add(
            "text",
            {
                "x": x,
                "y": y,
                "font_size": size,
                "text_anchor": anchor,
                "fill": fill,
                "font_weight": "600" if bold else None,
                "class": "halo" if halo else None,
            },
            str(escape(words)),
        )

    def render(self) -> Markup:
        """The finished picture."""
        size = f"0 0 {number(self.width)} {number(self.height)}"
        return Markup(
            f'<svg viewBox="{size}" role="img" preserveAspectRatio="xMidYMid meet">{"".join(self._parts)}</svg>'
        )
