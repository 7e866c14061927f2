"""The clearing as tables for a terminal of 120 to 140 columns.

In: the figures of a run; out: rich tables with Chinese headers, amounts in yuan with separators. Where the amounts
are too wide for one table the columns are dealt over two; an amount is folded at worst, never cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from engine.report.closing import RESERVE, Account, accounts, close
from engine.report.facts import split_sum
from engine.report.figures import PoolRow, RunFigures
from engine.report.labels import POOLS, SCHEMES, label
from engine.report.shown import count_text, points_text, yuan_text


def render_clearing_table(figures: RunFigures) -> RenderableType:
    """Hospitals pool by pool with totals, then the pools with their closing difference, then the pots."""
    parts: list[RenderableType] = [HospitalTable.of(figures, pool) for pool in figures.pools]
    parts.append(pool_table(figures))
    if figures.facts.pots:
        parts.append(pot_table(figures))
    return Group(*(item for part in parts for item in (part, Text(""))))


def _table(title: str, names: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", padding=0, show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _money(fen: int) -> Text:
    return Text(yuan_text(fen), style="red" if fen < 0 else "")


Part = tuple[str, Callable[[PoolRow, Account], int]]
STANDARD_PARTS: tuple[Part, ...] = (
    ("支付标准", lambda row, money: row.standard_fen),
    ("基金标准", lambda row, money: row.fund_standard_fen),
    ("统筹记账", lambda row, money: row.booked_fen),
    ("结余/超支", lambda row, money: row.fund_gap_fen),
)
YEAR_PARTS: tuple[Part, ...] = (
    ("返还−/分担+", lambda row, money: money.returned_fen + money.shared_fen),
    ("应得基金", lambda row, money: money.entitled_fen),
    ("已预付", lambda row, money: money.prepaid_fen),
    ("应拨付", lambda row, money: row.payable_fen),
)
MONTH_PARTS: tuple[Part, ...] = (
    ("申报总额", lambda row, money: row.applied_fen),
    ("保证金", lambda row, money: row.deposit_fen),
    ("应拨付", lambda row, money: row.payable_fen),
)


@dataclass(frozen=True, slots=True)
class HospitalTable:
    """One pool's hospitals. 结余/超支 is 基金标准 − 统筹记账; surplus that goes back to the pool is negative."""

    title: str
    rows: tuple[tuple[str, PoolRow, Account], ...]
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, figures: RunFigures, pool: str) -> HospitalTable:
        by_account = accounts(figures)
        rows = [row for row in figures.head_rows if row.pool == pool]
        facts = figures.facts
        title = f"{facts.area_name} {facts.period} {label(POOLS, pool).zh} 各机构结算结果（元）"
        named = (
            (facts.hospital(row.hospital).name, row, by_account.get((row.hospital, pool), Account())) for row in rows
        )
        return cls(title, tuple(named), STANDARD_PARTS + (YEAR_PARTS if facts.kind == "clear" else MONTH_PARTS))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        whole = self.table(self.parts)
        if Measurement.get(console, options.update(width=1000), whole).maximum <= options.max_width:
            yield whole
        else:
            yield self.table(STANDARD_PARTS)
            yield self.table(self.parts[len(STANDARD_PARTS) :])

    def table(self, parts: Sequence[Part]) -> Table:
        """The columns asked for, a line per hospital, a total."""
        table = _table(self.title, ["医疗机构"], ["病例", "点数", *(name for name, _ in parts)])
        for name, row, money in self.rows:
            table.add_row(name, count_text(row.cases), _points([row]), *(_money(get(row, money)) for _, get in parts))
        rows = [row for _, row, _ in self.rows]
        sums = (sum(get(row, money) for _, row, money in self.rows) for _, get in parts)
        table.add_section()
        cases = count_text(sum(row.cases for row in rows))
        table.add_row("合计", cases, _points(rows), *(_money(total) for total in sums), style="bold", end_section=True)
        return table


def _points(rows: Sequence[PoolRow]) -> str:
    known = [row.points for row in rows if row.points is not None]
    return f"{sum(known):,.0f}" if known else "—"


_OVER_YEARS = ("carried_to_next_year", "receivable_recovered", "reserve_brought_forward")
_SUPPLIERS = ("supplier_paid",)


def pool_table(figures: RunFigures) -> Table:
    """One line per pool: the split, who got what, and the difference, which is 0.00.

    基金 = 划出 + 拨付 + 代付 + 结转 + 结余. What is carried over or brought forward came in, so it shows as negative in
    结转; receivables of last year that were recovered went back to its fund.
    """
    if figures.facts.kind == "presettle":
        return _month_table(figures)
    numbers = ["基金", "提取风险金", "划出", "定额类", "点数基金", "全年拨付", "代付", "结转", "风险金结余", "差额"]
    table = _table("险种资金（元）", ["险种"], numbers)
    for pool in figures.pools:
        items = figures.facts.split[pool]
        split = [split_sum(items, kind) for kind in ("total", "reserve", "outside", "fixed", "point_fund")]
        mine = [line for line in figures.lines if line.pool == pool]
        paid = sum(line.amount_fen for line in mine if line.hospital != RESERVE)
        left = sum(line.amount_fen for line in mine if line.hospital == RESERVE)
        over, suppliers = (
            -sum(line.amount_fen for line in mine if line.cause in causes) for causes in (_OVER_YEARS, _SUPPLIERS)
        )
        amounts = [*split, paid, suppliers, over, left, close(figures, pool).difference_fen]
        table.add_row(label(POOLS, pool).zh, *(_money(amount) for amount in amounts))
    return table


def _month_table(figures: RunFigures) -> Table:
    table = _table("险种资金（元）", ["险种"], ["月度应付及预付金", "实际拨付", "质量保证金", "差额"])
    for pool in figures.pools:
        closing = close(figures, pool)
        out = [row.amount_fen for row in closing.rows if row.side == "−"]
        amounts = [closing.total_fen, *out, closing.difference_fen]
        table.add_row(label(POOLS, pool).zh, *(_money(amount) for amount in amounts))
    return table


def pot_table(figures: RunFigures) -> Table:
    """One line per pot: fund, points, point value."""
    table = _table("点值（元/点）", ["险种", "点数池"], ["基金", "总点数", "计算值", "公布值"])
    for pot in figures.facts.pots:
        table.add_row(
            label(POOLS, pot.pool).zh,
            label(SCHEMES, pot.name).zh,
            _money(pot.fund_fen),
            points_text(pot.points_e4),
            pot.raw_text,
            Text(pot.published_text, style="bold"),
        )
    return table
