"""Where a pool's money goes, as nodes and links for the flow picture 「基金流向」.

In: the split of the fund and the posting lines of one pool; out: nodes in columns and links of positive fen. What the
reserve adds to a fixed line or a pot flows from the reserve to the hospitals; what is left over flows to the reserve.
It places nothing on paper: that is `pictures`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from engine.report.causes import Section, root, section
from engine.report.closing import RESERVE
from engine.report.facts import split_sum
from engine.report.figures import RunFigures

BLUE, TEAL, GOLD, GREY, NAVY = "#3f78b0", "#2f8f83", "#c08a2b", "#8b9aa9", "#1f4e79"
_FROM_POTS = ("pool_sharing", "basis_difference", "pv_bound_spill", "pv_rounding")


@dataclass(frozen=True, slots=True)
class Node:
    """A box of the picture."""

    key: str
    zh: str
    en: str
    column: int
    colour: str


@dataclass(frozen=True, slots=True)
class Link:
    """A stream between two boxes, fen, always above zero."""

    source: str
    target: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Nodes that take part in a link, in drawing order, and the links; empty where no picture can be drawn."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]


YEAR_NODES = (
    Node("fund", "基金预算", "Fund", 0, NAVY),
    Node("brought", "上年风险金", "Reserve of last year", 0, GREY),
    Node("point", "点数基金", "Point fund", 1, BLUE),
    Node("fixed", "定额类基金", "Fixed-price lines", 1, TEAL),
    Node("reserve", "提取风险金", "Reserve set aside", 1, GOLD),
    Node("outside", "预算外划出", "Carved out", 1, GREY),
    Node("epidemic", "疫情专项", "Epidemic money", 1, GREY),
    Node("standard", "病例支付标准（基金部分）", "Standards, fund part", 2, BLUE),
    Node("pot_left", "归入风险金", "To the reserve", 2, GOLD),
    Node("bundle", "打包院外支出", "Bundle, spent elsewhere", 2, GREY),
    Node("hospitals", "医疗机构所得", "Hospitals", 3, TEAL),
    Node("reserve_end", "风险金结余", "Reserve left", 3, GOLD),
)
MONTH_NODES = (
    Node("cost", "医疗总费用", "Total cost", 0, NAVY),
    Node("booked", "统筹记账", "Booked fund", 1, BLUE),
    Node("patient", "个人负担", "Borne by patients", 1, GREY),
    Node("twelfth", "合同月付", "Contract twelfths", 1, TEAL),
    Node("payable", "月度应付", "Payable", 2, BLUE),
    Node("held", "留待年终", "Held to year-end", 2, GREY),
    Node("cash", "实际拨付", "Cash paid", 3, TEAL),
    Node("deposit", "质量保证金", "Quality deposit", 3, GOLD),
)


class _Links:
    """Collects links; zero is no link. One negative stream and there is no picture: none is better than a wrong one."""

    def __init__(self) -> None:
        self.found: list[Link] = []
        self.runs_backwards = False

    def add(self, source: str, target: str, amount_fen: int) -> None:
        self.runs_backwards |= amount_fen < 0
        if amount_fen > 0:
            self.found.append(Link(source, target, amount_fen))

    def flow(self, nodes: tuple[Node, ...]) -> Flow:
        if self.runs_backwards:
            return Flow((), ())
        used = {end for link in self.found for end in (link.source, link.target)}
        return Flow(tuple(node for node in nodes if node.key in used), tuple(self.found))


@dataclass(frozen=True, slots=True)
class _Year:
    """The amounts of a pool's year, fen, brought to streams that only run forward.

    A fixed line or a pot that overran is topped up from the reserve set aside, then from what the other unit left,
    last from what hospitals gave back; likewise what hospitals take comes from the reserve first and from other
    hospitals' returns after it. Sums are untouched: only opposite streams between the same two boxes cancel.
    """

    set_aside: int
    brought: int
    fixed: int
    point: int
    fixed_left: int
    pots_left: int
    given: int
    taken: int
    received: int
    bundle: int
    outside: int
    epidemic: int

    @property
    def topped_up(self) -> int:
        """What the reserve adds to units that overran; the part hospitals themselves gave back has cancelled."""
        overrun = max(0, -self.fixed_left) + max(0, -self.pots_left)
        return min(overrun, self.set_aside + self.left_over)

    @property
    def cancelled(self) -> int:
        return max(0, -self.fixed_left) + max(0, -self.pots_left) - self.topped_up

    @property
    def left_over(self) -> int:
        return max(0, self.fixed_left) + max(0, self.pots_left)

    @property
    def lent(self) -> int:
        """The part of the top-up that one unit's remainder pays for the other."""
        return max(0, self.topped_up - self.set_aside)

    @property
    def reserve_middle(self) -> int:
        return self.set_aside + self.left_over - self.topped_up


def year_flow(figures: RunFigures, pool: str) -> Flow:
    """Fund → reserve, outside, fixed lines, point fund → standards → hospitals and the reserve at the end."""
    year = _year(figures, pool)
    fixed_on, pots_on = max(0, year.fixed_left), max(0, year.pots_left)
    fixed_lent = year.lent if fixed_on else 0
    pots_lent = year.lent - fixed_lent
    from_middle = min(year.taken, year.reserve_middle)
    links = _Links()
    links.add("fund", "point", year.point)
    links.add("fund", "fixed", year.fixed)
    links.add("fund", "reserve", year.set_aside - year.brought)
    links.add("brought", "reserve", year.brought)
    links.add("fund", "outside", year.outside)
    links.add("point", "standard", year.point - pots_on + pots_lent)
    links.add("point", "pot_left", pots_on - pots_lent)
    links.add("fixed", "standard", year.fixed - year.bundle - fixed_on + fixed_lent)
    links.add("fixed", "bundle", year.bundle)
    links.add("fixed", "pot_left", fixed_on - fixed_lent)
    links.add("reserve", "standard", year.topped_up - year.lent)
    links.add("reserve", "pot_left", year.set_aside - year.topped_up + year.lent)
    links.add("epidemic", "standard", year.epidemic)
    links.add("standard", "hospitals", year.received - from_middle)
    links.add("standard", "reserve_end", year.given - year.cancelled - year.taken + from_middle)
    links.add("pot_left", "hospitals", from_middle)
    links.add("pot_left", "reserve_end", year.reserve_middle - from_middle)
    return links.flow(YEAR_NODES)


def _year(figures: RunFigures, pool: str) -> _Year:
    items = figures.facts.split.get(pool, ())
    ours: dict[str, int] = defaultdict(int)
    reserve: dict[str, int] = defaultdict(int)
    for line in (line for line in figures.lines if line.pool == pool):
        (reserve if line.hospital == RESERVE else ours)[root(line.cause)] += line.amount_fen
    moved, brought = split_sum(items, "moved_to_points"), reserve.pop("reserve_brought_forward", 0)
    set_aside = brought + reserve.pop("reserve_set_aside", 0)
    fixed_left, pots_left = reserve.pop("fixed_variance", 0), sum(reserve.pop(name, 0) for name in _FROM_POTS)
    entitled = sum(amount for cause, amount in ours.items() if section(cause) is Section.ENTITLED)
    return _Year(
        set_aside=set_aside,
        brought=brought,
        fixed=split_sum(items, "fixed") - moved,
        point=split_sum(items, "point_fund"),
        fixed_left=fixed_left,
        pots_left=pots_left,
        given=sum(amount for amount in reserve.values() if amount > 0),
        taken=-sum(amount for amount in reserve.values() if amount < 0),
        received=entitled - reserve.get("deposit_forfeited", 0),
        bundle=split_sum(items, "bundle_outside"),
        outside=split_sum(items, "outside"),
        epidemic=ours["epidemic_outside"],
    )


def month_flow(figures: RunFigures, pool: str) -> Flow:
    """Total cost → patients and booked fund → payable and held back → cash and quality deposit."""
    rows = [row for row in figures.head_rows if row.pool == pool]
    booked, cost = sum(row.booked_fen for row in rows), sum(row.cost_fen for row in rows)
    sums: dict[str, int] = defaultdict(int)
    for line in (line for line in figures.lines if line.pool == pool):
        sums[root(line.cause)] += line.amount_fen
    payable, withheld = sums["prepayment"], -sums["deposit_withheld"]
    links = _Links()
    links.add("cost", "booked", booked)
    links.add("cost", "patient", cost - booked)
    links.add("booked", "payable", min(booked, payable))
    links.add("booked", "held", max(0, booked - payable))
    links.add("twelfth", "payable", max(0, payable - booked))
    links.add("payable", "cash", payable - withheld)
    links.add("payable", "deposit", withheld)
    return links.flow(MONTH_NODES)
