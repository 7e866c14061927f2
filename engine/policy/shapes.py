"""The composite values of a policy: tiers, score tables, limits, pots, contracts, and the checks each makes on itself.

In: nodes; out: records of `pointvalue.model`. Units: shares and limits exact fractions, money fen, scores points of
the yearly assessment. Bands that leave a gap, overlap or close at the top are refused here, so that nothing is ever
paid, or not paid, by a line nobody wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from engine.policy.nodes import Listing, Mapping, Node, Scalar
from engine.policy.problems import Place, Problems
from engine.policy.readers import (
    Reader,
    choice,
    code,
    integer,
    listing,
    mapping,
    may,
    name,
    nullable,
    number,
    plain,
    record,
    share,
    word,
    yuan,
)
from pointvalue.model import BedDayTier, KLimit, PotTerms, ScoreSlope, ScoreStep, ScoreTable, SharingTier
from pointvalue.terms import Side

POOLS = ("310", "390")
"""Employee 「职工」 and resident 「居民」: the two pools of basic insurance."""
POINT_VALUE_PLACES = 6
HospitalPool = tuple[str, str]
SIDE_WORDS = {
    Side.SURPLUS: ("hospital_keeps", "surplus 结余"),
    Side.OVERSPEND: ("fund_shares", "overspend 超支"),
}
Edge = tuple[Place, Any, Any]
"""Where a band is written, its lower and its upper edge (None = open)."""


def pool() -> Reader[str]:
    return choice(*POOLS)


def hospital_pool(node: Node, problems: Problems) -> HospitalPool:
    """A key `fixmedins_code/insutype`."""
    text = word(
        r"[^\s,/]{1,60}/(310|390)", "医院编码/险种，例如 H37000000001/310", "hospital/pool, like H37000000001/310"
    )
    hospital, _, pool_code = text(node, problems).partition("/")
    return hospital, pool_code


def by_hospital_and_pool() -> Reader[dict[HospitalPool, int]]:
    """Yuan by `hospital/pool`."""
    return mapping(hospital_pool, yuan())


def bands_meet(problems: Problems, edges: Sequence[Edge], start: Any, side: str) -> None:
    """Report bands that do not start at `start`, do not touch, or do not end open."""
    if edges[0][1] != start:
        problems.add(edges[0][0], "tier_start", found=plain(edges[0][1]), edge=plain(start), side=side)
    for (_, _, end), (where, begin, _) in pairwise(edges):
        if end != begin:
            problems.add(where, "tier_gap", edge=plain(end), found=plain(begin), side=side)
    where, _, last = edges[-1]
    if last is not None:
        problems.add(where, "tier_closed", found=plain(last), side=side)


def placed(node: Node) -> tuple[Node, ...]:
    """The items of a list that has been read already."""
    assert isinstance(node, Listing)
    return node.items


def _tier(node: Node, problems: Problems) -> SharingTier:
    fields: dict[str, Any] = {
        "side": choice(*Side),
        "from": number("0"),
        "to": nullable(number("0")),
        "hospital_keeps": may(share()),
        "fund_shares": may(share()),
    }
    got: dict[str, Any] = record(dict, fields)(node, problems)
    side = Side(got["side"])
    wanted = SIDE_WORDS[side][0]
    other = "fund_shares" if wanted == "hospital_keeps" else "hospital_keeps"
    if got[wanted] is None or got[other] is not None:
        zh, en = f"{side} 档只写 {wanted}", f"a tier of side {side} takes {wanted} and not {other}"
        raise problems.add(node.place, "missing_key", found=wanted, detail_zh=zh, detail_en=en)
    return SharingTier(side, got["from"], got["to"], got[wanted])


def tiers(node: Node, problems: Problems) -> tuple[SharingTier, ...]:
    """Sharing tiers 「分档」: each side starts at 0, leaves no gap and ends open."""
    rows = listing(_tier, at_least=2)(node, problems)
    for side in Side:
        edges = [
            (item.place, row.start, row.end) for item, row in zip(placed(node), rows, strict=True) if row.side is side
        ]
        label = SIDE_WORDS[side][1]
        if not edges:
            zh, en = (
                f"没有 {label} 档；不分担也要写明 0",
                f"no tier for {label}; write one with share 0 if nothing is shared",
            )
            problems.add(node.place, "missing_key", found=f"side: {side}", detail_zh=zh, detail_en=en)
            continue
        bands_meet(problems, sorted(edges, key=lambda edge: edge[1]), Fraction(0), label)
    return tuple(sorted(rows, key=lambda row: (row.side, row.start)))


def score_table(factor_key: str) -> Reader[ScoreTable]:
    """Score → factor: steps down to 0 so that every score has one, or `threshold` and `per_point`."""
    points = number("0", "1000", places=2, example="90")
    slope = record(ScoreSlope, {"threshold": points, "per_point": share()})
    step = record(
        lambda **got: ScoreStep(got["score_from"], got[factor_key]),
        {"score_from": points, factor_key: share()},
    )

    def read(node: Node, problems: Problems) -> ScoreTable:
        if isinstance(node, Mapping):
            return slope(node, problems)
        rows = listing(step, at_least=1)(node, problems)
        low = min(range(len(rows)), key=lambda index: rows[index].score_from)
        if rows[low].score_from != 0:
            found = plain(rows[low].score_from)
            problems.add(placed(node)[low].place, "tier_start", side="score 考核分", found=found, edge="0")
        no_repeats(problems, node, [plain(row.score_from) for row in rows])
        return tuple(sorted(rows, key=lambda row: -row.score_from))

    return read


def no_repeats(problems: Problems, node: Node, keys: Sequence[str]) -> None:
    """Report list items whose key was used above."""
    first: dict[str, int] = {}
    for key, item in zip(keys, placed(node), strict=True):
        if key in first:
            problems.add(item.place, "repeated", found=key, first=first[key])
        first.setdefault(key, item.place.line)


def limits(node: Node, problems: Problems) -> tuple[KLimit, ...]:
    """K 「高倍率界限」 as one number, or graded: each grade holds up to and including `upto`, the last is open."""
    at_least_one = number("1", "100")
    if isinstance(node, Scalar):
        return (KLimit(None, at_least_one(node, problems)),)
    grade = record(KLimit, {"upto": nullable(number("0", places=4, example="100")), "k": at_least_one})
    rows = listing(grade, at_least=1)(node, problems)
    label = "high_limit 高倍率界限"
    if rows[-1].upto is not None:
        problems.add(placed(node)[-1].place, "tier_closed", side=label, found=plain(rows[-1].upto))
    for below, here, item in zip(rows, rows[1:], placed(node)[1:], strict=False):
        if below.upto is None or (here.upto is not None and here.upto <= below.upto):
            problems.add(item.place, "tier_gap", side=label, edge=plain(below.upto), found=plain(here.upto))
    return rows


def day_tiers(node: Node, problems: Problems) -> tuple[BedDayTier, ...]:
    """Bed-day tiers 「床日」: from day 1, each starts the day after the one before, the last is open."""
    one = record(
        lambda **got: BedDayTier(got["from"], got["to"], got["rate"]),
        {"from": integer(1), "to": nullable(integer(1)), "rate": yuan()},
    )
    rows = listing(one, at_least=1)(node, problems)
    edges: list[Edge] = [
        (item.place, Fraction(row.first), None if row.last is None else Fraction(row.last + 1))
        for item, row in zip(placed(node), rows, strict=True)
    ]
    bands_meet(problems, edges, Fraction(1), "bed-day 床日")
    return rows


def pots(node: Node, problems: Problems) -> tuple[PotTerms, ...]:
    """How the point fund of a pool is split between its pots 「点数池」; the ratios sum to 1."""
    one = record(
        PotTerms,
        {
            "scheme": name(),
            "county": may(code()),
            "ratio": share(),
            "name": may(name(), ""),
            "price": may(number("0", places=POINT_VALUE_PLACES, example="52.8094")),
            "budget_point_value": may(number("0.000001", places=POINT_VALUE_PLACES, example="133.2151")),
        },
    )
    rows = listing(one, at_least=1)(node, problems)
    total = sum((row.ratio for row in rows), Fraction(0))
    if total != 1:
        problems.add(
            node.place, "sum_not_one", found=plain(total), detail_zh="各点数池比例", detail_en="ratios of the pots"
        )
    no_repeats(problems, node, [row.label for row in rows])
    return rows
