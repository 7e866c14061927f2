"""Chooses what the pictures of the report page show.

In: the figures of a run and its hospital rows; out: SVG by name. Long lists are cut to both ends, and say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup

from engine.report.figures import RunFigures
from engine.report.flow import Flow, month_flow, year_flow
from engine.report.labels import POOLS, SCHEMES, label
from engine.report.page_parts import HospitalRow, case_mix, class_table
from engine.report.pictures import Bar, Curve, Share, against_mean, curves, ranking, sankey, shares
from engine.report.shown import index_text, percent_text, short_yuan

BARS_SHOWN = 24
CLASS_COLOURS = {
    "NORM": "#3f78b0", "LOW": "#7fa8c9", "HIGH": "#c9792b", "SP": "#8a5fa8", "BYITEM": "#7d8b99",
    "AMBIGUOUS": "#a8862a", "UNGRP": "#b8473a",
}  # fmt: skip
OTHER_COLOUR = "#5b6b7b"


def all_pictures(figures: RunFigures, hospitals: Sequence[HospitalRow]) -> dict[str, Markup | None]:
    """Every picture; None where there is nothing to draw. Flows are keyed `flow.<pool>`."""
    draw = year_flow if figures.facts.kind == "clear" else month_flow
    flows = {f"flow.{pool}": _flow(draw(figures, pool), pool) for pool in figures.pools}
    return {
        **flows,
        "ranking": _ranking(hospitals),
        "case_mix": _case_mix(figures, hospitals),
        "classes": _classes(figures),
        "point_values": _point_values(figures),
    }


def _flow(flow: Flow, pool: str) -> Markup | None:
    return sankey(flow, f"{label(POOLS, pool).zh}基金流向 flow of funds") if flow.links else None


def both_ends(rows: Sequence[HospitalRow], shown: int = BARS_SHOWN) -> list[HospitalRow]:
    """The first and last rows of a long ranking, half of each; a short one whole."""
    return list(rows) if len(rows) <= shown else [*rows[: shown // 2], *rows[-(shown // 2) :]]


def _ranking(hospitals: Sequence[HospitalRow]) -> Markup | None:
    bars = [
        Bar(
            row.facts.name, row.level.zh, float(row.gap_fen), f"{short_yuan(row.gap_fen)} {percent_text(row.gap_share)}"
        )
        for row in both_ends(hospitals)
    ]
    return ranking(bars, "各医疗机构基金差额 fund difference by hospital") if bars else None


def _case_mix(figures: RunFigures, hospitals: Sequence[HospitalRow]) -> Markup | None:
    known = sorted((row for row in hospitals if row.cmi is not None), key=lambda row: (-(row.cmi or 0), row.facts.code))
    mean = case_mix(list(figures.head_rows))
    if not known or mean is None:
        return None
    bars = [Bar(row.facts.name, row.level.zh, row.cmi or 0.0, index_text(row.cmi)) for row in both_ends(known)]
    return against_mean(bars, mean, f"全市 {index_text(mean)}", "各医疗机构 CMI case-mix index by hospital")


def _classes(figures: RunFigures) -> Markup | None:
    table = class_table(figures)
    rows = []
    for level, counts in table.rows:
        parts = zip(table.codes, table.names, counts, strict=True)
        rows.append((level.zh, [Share(name.zh, n, CLASS_COLOURS.get(code, OTHER_COLOUR)) for code, name, n in parts]))
    return shares(rows, "各等级病例类型构成 case classes by level") if table.codes else None


def _point_values(figures: RunFigures) -> Markup | None:
    """One curve per pot over the months, its final value as a level."""
    by_pot: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for value in figures.facts.point_values:
        by_pot[value.pool, value.pot]["final" if value.kind == "final" else value.period] = value.value_text
    months = sorted({period for values in by_pot.values() for period in values if period != "final"})
    if not by_pot:
        return None
    lines = []
    for (pool, pot), values in sorted(by_pot.items()):
        points = tuple((months.index(m), float(Decimal(values[m])), f"{m} {values[m]}") for m in months if m in values)
        final = (float(Decimal(values["final"])), values["final"]) if "final" in values else None
        lines.append(Curve(f"{label(POOLS, pool).zh} {label(SCHEMES, pot).zh}", points, final))
    return curves([month[5:] for month in months], lines, "点值 point value by month")
