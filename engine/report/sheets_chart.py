"""The pictures of a statement 「瀑布图」 and the sheet with their numbers.

In: posting lines of one hospital and where the pictures go; out: a sheet with the numbers in the open and one chart
per pool. It draws from the standard to the amount payable and adds nothing to the accounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.report import causes
from engine.report.causes import Section
from engine.report.closing import account
from engine.report.figures import PostingLine, RunFigures
from engine.report.labels import POOLS, label
from engine.report.shown import short_yuan
from engine.report.waterfall import Step, stacks
from engine.report.workbook import Book, Column, Sheet


class ChartPlace(NamedTuple):
    """Where a picture goes and what it draws."""

    sheet: Sheet
    row: int
    pool: str
    steps: tuple[Step, ...]


def waterfall_steps(lines: Sequence[PostingLine], year: bool) -> tuple[Step, ...]:
    """From the standard to the amount payable: one step per root cause, the two results as totals."""
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        sums[causes.root(line.cause)] += line.amount_fen

    def part(wanted: Section) -> list[Step]:
        found = sorted((root for root in sums if causes.section(root) is wanted), key=causes.order)
        return [step(causes.names(root).zh, sums[root]) for root in found]

    if not year:
        months = part(Section.MONTH)
        return (*months, step("实际拨付", sum(step.amount_fen for step in months), is_total=True))
    money = account(lines)
    return (
        *part(Section.ENTITLED),
        step("应得基金", money.entitled_fen, is_total=True),
        *part(Section.CASH),
        step("应拨付", money.final_fen, is_total=True),
    )


def step(name: str, amount_fen: int, *, is_total: bool = False) -> Step:
    """A step whose name carries its amount: a bar that crosses zero has no one place for a label."""
    return Step(f"{name} {short_yuan(amount_fen)}", amount_fen, is_total)


UP, DOWN, TOTAL = "#2F7D6B", "#C0504D", "#1F4E79"
SERIES = (("基线", None), ("增加", UP), ("增加（零下）", UP), ("减少", DOWN), ("减少（零下）", DOWN), ("合计", TOTAL))
"""Series of the picture in the order of `Stack`, with their colours; the base has none."""


def chart_sheet(book: Book, figures: RunFigures, places: Sequence[ChartPlace]) -> None:
    """图表数据: the numbers behind the pictures, in the open, and the pictures themselves on their sheet."""
    page = Sheet(book, "图表数据")
    page.title("图表数据", "瀑布图的取数，不是结算结果 data behind the waterfall pictures")
    columns = [Column("项目", "Step", "text", 30), *(Column(name, "", "yuan") for name, _ in SERIES)]
    for place in places:
        pool = label(POOLS, place.pool).zh
        page.note(pool)
        page.header(columns, main=place is places[0])
        first = page.row
        for stack in stacks(place.steps):
            page.add(list(stack))
        chart = _waterfall_chart(book, page.sheet.get_name(), first, page.row - 1)
        end = "应拨付" if figures.facts.kind == "clear" else "实际拨付"
        chart.set_title({"name": f"{pool}：从支付标准到{end}（元）", "name_font": {"size": 12}})
        place.sheet.sheet.insert_chart(place.row, 0, chart)
        page.row += 1


def _waterfall_chart(book: Book, sheet: str, first: int, last: int) -> Any:
    """A stacked column chart over the six series in rows first … last."""
    chart = book.file.add_chart({"type": "column", "subtype": "stacked"})
    for column, (name, colour) in enumerate(SERIES, start=1):
        series: dict[str, object] = {
            "name": name,
            "gap": 40,
            "categories": [sheet, first, 0, last, 0],
            "values": [sheet, first, column, last, column],
        }
        look = {"fill": {"color": colour}} if colour else {"fill": {"none": True}, "border": {"none": True}}
        chart.add_series({**series, **look})
    chart.set_legend({"none": True})
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#E0E6EC"}}})
    chart.set_x_axis({"label_position": "low", "num_font": {"size": 9}})
    chart.set_size({"width": 1120, "height": 360})
    return chart
