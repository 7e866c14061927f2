"""The tables of the report page: key figures, pools, hospitals, classes, groups, open policy values.

In: the figures of a run; out: plain records in the order the page shows them, amounts in fen. The template only
formats them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from engine.report import causes
from engine.report.closing import RESERVE, Account, Closing, accounts, close
from engine.report.facts import HospitalFacts, OpenValue, SplitItem, split_sum
from engine.report.figures import PoolRow, RunFigures
from engine.report.groups import GroupTable
from engine.report.labels import CLASSES, LEVELS, POOLS, SCHEMES, STATUSES, Label, label
from engine.report.shown import (
    count_text,
    index_text,
    mean_fen,
    percent_text,
    points_text,
    ratio,
    short_yuan,
    yuan_text,
)

GROUPS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure: names, the figure, a remark below it."""

    zh: str
    en: str
    figure: str
    remark: str = ""


def pool_name(pool: str) -> Label:
    return label(POOLS, pool)


def case_mix(rows: list[PoolRow]) -> float | None:
    """Case-mix index 「CMI」: total weight ÷ grouped cases; None if no row knows its weight."""
    weights = [row.weight for row in rows if row.weight is not None]
    grouped = sum(row.grouped for row in rows if row.weight is not None)
    return ratio(sum(weights, Decimal(0)), grouped) if weights else None


def tiles(figures: RunFigures) -> list[Tile]:
    """Key figures 「关键指标」."""
    facts, rows = figures.facts, list(figures.head_rows)
    cases, grouped = sum(row.cases for row in rows), sum(row.grouped for row in rows)
    to_group = grouped + sum(row.ungrouped for row in rows)  # the others are paid by schemes that do not group
    low, high = sum(row.low for row in rows), sum(row.high for row in rows)
    cost, booked = sum(row.cost_fen for row in rows), sum(row.booked_fen for row in rows)
    due = sum(row.fund_standard_fen for row in rows)
    found = [
        Tile("读入病例", "Cases read", count_text(facts.counts_read),
             f"接受 {facts.counts_accepted:,} · 拒绝 {facts.counts_rejected:,}"
             + (f" · 非本期 {facts.counts_other_period:,}" if facts.counts_other_period else "")),
        Tile("入组率", "Grouped", percent_text(ratio(grouped, to_group), 2), f"入组 {grouped:,} / {to_group:,}"),
        Tile("CMI", "Case-mix index", index_text(case_mix(rows), 4), f"{len(figures.hospitals):,} 家医疗机构"),
        Tile("低 / 高倍率", "Outliers", f"{percent_text(ratio(low, cases))} / {percent_text(ratio(high, cases))}",
             f"{low:,} / {high:,} 例"),
        Tile("医疗总费用", "Total cost", short_yuan(cost), f"例均 {yuan_text(mean_fen(cost, cases))} 元"),
        Tile("统筹记账", "Booked fund", short_yuan(booked), f"占总费用 {percent_text(ratio(booked, cost))}"),
        Tile("应付基金", "Fund standard", short_yuan(due), f"差额 {short_yuan(sum(r.fund_gap_fen for r in rows))}"),
    ]  # fmt: skip
    return [*found, *(_year_tiles(figures) if facts.kind == "clear" else _month_tiles(figures, booked))]


def _year_tiles(figures: RunFigures) -> list[Tile]:
    fund = sum(split_sum(items, "total") for items in figures.facts.split.values())
    reserve = sum(line.amount_fen for line in figures.lines if line.hospital == RESERVE)
    paid = sum(line.amount_fen for line in figures.lines if line.hospital != RESERVE)
    cash = sum(row.cash_fen for row in figures.head_rows)
    return [
        Tile("基金预算", "Fund", short_yuan(fund), f"{len(figures.pools)} 个险种基金池"),
        Tile("全年拨付", "Paid in the year", short_yuan(paid), f"其中清算拨付 {short_yuan(cash)}"),
        Tile("风险金结余", "Reserve left", short_yuan(reserve), f"占基金 {percent_text(ratio(reserve, fund), 2)}"),
    ]


def _month_tiles(figures: RunFigures, booked_fen: int) -> list[Tile]:
    sums: dict[str, int] = defaultdict(int)
    for line in figures.lines:
        sums[causes.root(line.cause)] += line.amount_fen
    cash = sum(row.cash_fen for row in figures.head_rows)
    return [
        Tile(
            "月度应付",
            "Payable",
            short_yuan(sums["prepayment"]),
            f"与记账差 {short_yuan(sums['prepayment'] - booked_fen)}",
        ),
        Tile("质量保证金", "Quality deposit", short_yuan(-sums["deposit_withheld"])),
        Tile("实际拨付", "Cash paid", short_yuan(cash)),
    ]


@dataclass(frozen=True, slots=True)
class PotRow:
    """A pot as the page shows it."""

    name: Label
    fund_fen: int
    points: str
    raw: str
    published: str


@dataclass(frozen=True, slots=True)
class PoolPart:
    """What the page shows of one pool."""

    pool: str
    name: Label
    split: tuple[SplitItem, ...]
    closing: Closing
    reserve: tuple[tuple[Label, int], ...]
    pots: tuple[PotRow, ...]

    @property
    def reserve_fen(self) -> int:
        return sum(amount for _, amount in self.reserve)


def pool_part(figures: RunFigures, pool: str) -> PoolPart:
    """Split, closing table, movements of the reserve and pots of one pool."""
    reserve: dict[str, int] = defaultdict(int)
    for line in figures.lines:
        if line.pool == pool and line.hospital == RESERVE:
            reserve[line.cause] += line.amount_fen
    in_order = sorted(reserve, key=lambda cause: (cause != "reserve_set_aside", cause))
    pots = tuple(
        PotRow(label(SCHEMES, pot.name), pot.fund_fen, points_text(pot.points_e4), pot.raw_text, pot.published_text)
        for pot in figures.facts.pots
        if pot.pool == pool
    )
    return PoolPart(
        pool, label(POOLS, pool), figures.facts.split.get(pool, ()), close(figures, pool),
        tuple((causes.names(cause), reserve[cause]) for cause in in_order), pots,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class HospitalRow:
    """A hospital over all pools; `gaps` are its fund differences by pool."""

    facts: HospitalFacts
    level: Label
    cases: int
    cmi: float | None
    fund_standard_fen: int
    booked_fen: int
    gaps: tuple[int, ...]
    sharing_fen: int
    prepaid_fen: int
    payable_fen: int

    @property
    def gap_fen(self) -> int:
        return self.fund_standard_fen - self.booked_fen

    @property
    def gap_share(self) -> float | None:
        return ratio(self.gap_fen, self.fund_standard_fen)


def hospital_rows(figures: RunFigures) -> list[HospitalRow]:
    """Hospitals by fund difference 「基金差额」, largest surplus first."""
    by_account = accounts(figures)
    mine: dict[str, list[PoolRow]] = defaultdict(list)
    for row in figures.head_rows:
        mine[row.hospital].append(row)
    found = []
    for code, rows in mine.items():
        money = [by_account.get((code, row.pool), Account()) for row in rows]
        gap = {row.pool: row.fund_gap_fen for row in rows}
        named = figures.facts.hospital(code)
        found.append(
            HospitalRow(
                named, label(LEVELS, named.level), sum(row.cases for row in rows), case_mix(rows),
                sum(row.fund_standard_fen for row in rows), sum(row.booked_fen for row in rows),
                tuple(gap.get(pool, 0) for pool in figures.pools),
                sum(one.returned_fen + one.shared_fen for one in money), sum(one.prepaid_fen for one in money),
                sum(row.payable_fen for row in rows),
            )
        )  # fmt: skip
    return sorted(found, key=lambda row: (-row.gap_fen, row.facts.code))


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Cases by level and class; columns are the classes that occur."""

    codes: tuple[str, ...]
    names: tuple[Label, ...]
    rows: tuple[tuple[Label, tuple[int, ...]], ...]


def class_table(figures: RunFigures) -> ClassTable:
    """病例类型 per hospital level, highest level first, the area last."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    summed = figures.cube.group_by("fixmedins_code", "class").agg(pl.col("cases").sum())
    for hospital, code, cases in summed.iter_rows():
        counts[figures.facts.hospital(hospital).level][code or ""] += cases
    present = {code for by_code in counts.values() for code in by_code}
    codes = (*(code for code in CLASSES if code in present), *sorted(present.difference(CLASSES)))
    rows = [
        (label(LEVELS, level), tuple(counts[level][code] for code in codes)) for level in sorted(counts, reverse=True)
    ]
    rows.append((Label("全部", "All"), tuple(sum(by[code] for by in counts.values()) for code in codes)))
    return ClassTable(codes, tuple(label(CLASSES, code) for code in codes), tuple(rows))


def deficit_groups(groups: GroupTable) -> list[dict[str, Any]]:
    """Groups with the largest loss over the area: 盈亏 is the standard less the cost."""
    losing = sorted((g for g in groups.area.values() if g.gap_fen < 0), key=lambda g: (g.gap_fen, g.code))
    return [
        {
            "code": group.code or "（无）", "name": group.name, "cases": group.cases,
            "cost_mean_fen": mean_fen(group.cost_fen, group.cases),
            "standard_mean_fen": mean_fen(group.standard_fen, group.cases),
            "gap_fen": group.gap_fen, "gap_mean_fen": mean_fen(group.gap_fen, group.cases),
        }
        for group in losing[:GROUPS_SHOWN]
    ]  # fmt: skip


def ungrouped_reasons(figures: RunFigures) -> list[dict[str, Any]]:
    """Why cases found no group, most frequent first."""
    key = ("grp_stas", "grp_rea_code", "grp_rea")
    failed = figures.reasons.filter(pl.col("grp_stas") != "OK").group_by(key)
    summed = failed.agg(pl.col("cases").sum(), pl.col("medfee_sumamt").sum().alias("cost_fen"))
    in_order = summed.sort(["cases", *key], descending=[True, False, False, False], nulls_last=True)
    return [{**row, "status": label(STATUSES, row["grp_stas"]).zh} for row in in_order.iter_rows(named=True)]


@dataclass(frozen=True, slots=True)
class OpenRow:
    """An unverified policy value and how much money its posting lines move, gains and losses added up."""

    value: OpenValue
    moved_fen: int


def open_values(figures: RunFigures) -> list[OpenRow]:
    """Policy values without a verified source 「待核实参数」, by the money that hangs on them."""
    moved: dict[str, int] = defaultdict(int)
    for line in figures.lines:
        if line.hospital != RESERVE:
            moved[line.rule] += abs(line.amount_fen)
    found = [OpenRow(value, moved[value.key]) for value in figures.facts.open_values]
    return sorted(found, key=lambda row: (-row.moved_fen, row.value.key))
