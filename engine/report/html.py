"""The report page of a run 「运行报告」: one HTML file that opens without a network.

In: the figures of a run; out: a page with the key figures, the flow and the closing of each fund, hospitals, classes,
point values, rejections and open policy values. Style and pictures are inside the file; there is no script. Equal
input gives equal bytes: the page holds no clock.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.report import page_falls, page_parts, page_pictures
from engine.report.closing import check
from engine.report.figures import RunFigures
from engine.report.groups import GroupTable
from engine.report.labels import TAGS, label
from engine.report.shown import count_text, index_text, percent_text, yuan_text

TEMPLATES = Path(__file__).parent / "templates"
HOSPITALS_SHOWN = 60
"""Rows of the hospital table; a province's other hospitals have their own workbooks."""


def write_summary(path: Path, figures: RunFigures) -> None:
    """Writes the page, after checking that the run's figures close."""
    check(figures)
    path.write_text(render_summary(figures), encoding="utf-8", newline="\n")


def render_summary(figures: RunFigures) -> str:
    """The page as text."""
    groups = GroupTable.build(figures)
    hospitals = page_parts.hospital_rows(figures)
    page = environment().get_template("summary.html.j2")
    return page.render(
        facts=figures.facts,
        clear=figures.facts.kind == "clear",
        style=Markup((TEMPLATES / "summary.css").read_text(encoding="utf-8")),
        tiles=page_parts.tiles(figures),
        pools=[page_parts.pool_part(figures, pool) for pool in figures.pools],
        hospitals=hospitals[:HOSPITALS_SHOWN],
        hospitals_total=len(hospitals),
        pool_names=[page_parts.pool_name(pool) for pool in figures.pools],
        pool_labels={pool: page_parts.pool_name(pool) for pool in figures.pools},
        fund_falls=page_falls.fund_falls(figures),
        hospital_falls=page_falls.hospital_falls(figures, hospitals[:HOSPITALS_SHOWN]),
        pictures=page_pictures.all_pictures(figures, hospitals),
        classes=page_parts.class_table(figures),
        class_colours=page_pictures.CLASS_COLOURS,
        deficits=page_parts.deficit_groups(groups),
        rejections=figures.rejections.to_dicts(),
        ungrouped=page_parts.ungrouped_reasons(figures),
        open_values=page_parts.open_values(figures),
        tags={code: label(TAGS, code) for code in TAGS},
    )


@cache
def environment() -> Environment:
    """Jinja with escaping on and unknown names refused. Kept, as compiling the templates takes longer than a page."""
    loader = FileSystemLoader(TEMPLATES)
    env = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env.filters |= {"yuan": yuan_text, "count": count_text, "percent": percent_text, "index": index_text}
    return env
