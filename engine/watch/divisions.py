"""Sub-budgets after a clearing 「分项预算执行」: planned and spent by division and part.

In: the policy's plan by division and what the pool spent; out: rows, each with its spend, or with what is known of it
and the reason why this run cannot know the rest. A division is a view of the same money: it pays nobody. A part the
engine has no meaning for, or whose money flows through another system, is "unknown", never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from engine.area import Area
from engine.policy.ask import sub_budgets
from engine.report.page_tables import Head, PageTable
from engine.watch.spend import PoolSpend, pool_spend
from engine.watch.tables import table_of
from engine.write_settled import SettledCases
from pointvalue.results import YearResult
from pointvalue.sub_budget import watch


class Found(NamedTuple):
    """What a part is known to have spent; `complete` False: there is more that this run cannot see."""

    complete: bool
    fen: int
    zh: str
    en: str


@dataclass(frozen=True)
class DivisionRow:
    """One part of a division. `spent_fen` None: only `known_fen` of it is known."""

    pool: str
    division: str
    part: str
    planned_fen: int
    known_fen: int
    complete: bool
    zh: str
    en: str

    @property
    def spent_fen(self) -> int | None:
        return self.known_fen if self.complete else None

    @property
    def left_fen(self) -> int | None:
        return self.planned_fen - self.known_fen if self.complete else None


def _found(spend: PoolSpend, fen: int, zh: str, en: str, *here: str) -> Found:
    """Complete unless the budget's outside items other than `here` may belong to the part."""
    away = [name for name in sorted(spend.outside_planned) if name not in here and spend.outside_planned[name]]
    if not away:
        return Found(True, fen, zh, en)
    names = ", ".join(away)
    return Found(
        False, fen, f"{zh}；budget.outside 的 {names} 由其他系统支付", f"{en}; {names} is paid by other systems"
    )


def _mixed(fen: int) -> Found:
    return Found(False, fen, "打包资金未分住院与门诊", "money of a bundle is not split into stays and visits")


def _inpatient(spend: PoolSpend) -> Found:
    fen = spend.total_fen - spend.capitation_fen - (spend.outpatient_fen or 0)
    if spend.has_bundle:
        return _mixed(fen - spend.bundle_paid_fen)
    zh, en = "应得基金减按人头付费与门诊病例", "entitled less capitation and outpatient cases"
    if spend.outpatient_fen is None:
        zh, en = "应得基金减按人头付费；病例无医疗类别，视为住院", "entitled less capitation; all cases taken as stays"
    return _found(spend, fen, zh, en, "outpatient")


def _outpatient(spend: PoolSpend) -> Found:
    fen = spend.capitation_fen + (spend.outpatient_fen or 0)
    if spend.has_bundle:
        return _mixed(fen)
    if not fen and spend.outpatient_fen is None:
        return Found(False, 0, "病例无医疗类别，也无按人头协议", "cases carry no kind of care, nothing is paid by head")
    return _found(
        spend, fen, "按人头付费（按门诊计）与门诊病例", "capitation, taken as outpatient, and outpatient cases"
    )


def _by_item(spend: PoolSpend) -> Found:
    return Found(False, 0, "病例不含费用明细", "the cases carry no cost by item")


def _bundle(spend: PoolSpend) -> Found:
    inside = sum(amount for code, amount in spend.by_hospital.items() if code in spend.bundle_hospitals)
    zh, en = "牵头与成员机构应得基金及打包院外支出", "entitled of lead and members, and bundle money spent elsewhere"
    return Found(True, inside + spend.bundle_outside_fen, zh, en)


def _not_bundle(spend: PoolSpend) -> Found:
    others = sum(amount for code, amount in spend.by_hospital.items() if code not in spend.bundle_hospitals)
    return _found(spend, others, "其他机构应得基金", "entitled of all other hospitals")


def _local(spend: PoolSpend) -> Found:
    fen = spend.total_fen - (spend.referred_fen or 0)
    return _found(spend, fen, "区域内机构应得基金", "entitled of the area's hospitals", "out_of_area")


def _referred(spend: PoolSpend) -> Found:
    fen = (spend.referred_fen or 0) + spend.bundle_outside_fen
    if spend.referred_fen is None:
        return Found(False, fen, "病例中没有转外就医", "care in other areas is not among the cases")
    return _found(
        spend, fen, "转外住院病例与打包院外支出", "stays after referral and bundle money spent elsewhere", "outpatient"
    )


MEANING: Mapping[str, Mapping[str, Callable[[PoolSpend], Found]]] = {
    "in_or_outpatient": {"inpatient": _inpatient, "outpatient": _outpatient},
    "drugs_or_services": {"drugs": _by_item, "consumables": _by_item, "services": _by_item},
    "bundle_or_others": {"bundle": _bundle, "others": _not_bundle},
    "local_or_referred": {"local": _local, "referred": _referred},
}
"""The divisions the engine has a meaning for, and their parts; a policy may name others, which are only planned."""


def division_rows(area: Area, settled: SettledCases, year: YearResult) -> list[DivisionRow]:
    """Every part of every division the policy plans, pool by pool."""
    rows: list[DivisionRow] = []
    for pool in settled.area.pools:
        total = year.pool(pool.id).budget.total_fen  # the plan, capped and changed during the year
        plan = sub_budgets(area.policy, pool.id, settled.area.year, total)
        spend = pool_spend(settled, pool, year.pool(pool.id)) if plan else None
        for division, parts in plan.items():
            assert spend is not None
            rows += _division(pool.id, division, parts, spend)
    return rows


def _division(pool: str, division: str, planned: Mapping[str, int], spend: PoolSpend) -> list[DivisionRow]:
    known = MEANING.get(division, {})
    found = {part: known[part](spend) if part in known else _no_meaning() for part in planned}
    watched = watch(planned, {part: each.fen for part, each in found.items()})
    return [
        DivisionRow(pool, division, part, each.planned_fen, each.spent_fen, *_rest(found[part]))
        for part, each in watched.items()
    ]


def _rest(found: Found) -> tuple[bool, str, str]:
    return found.complete, found.zh, found.en


def _no_meaning() -> Found:
    parts = "; ".join(f"{name}: {', '.join(parts)}" for name, parts in MEANING.items())
    return Found(False, 0, f"程序不知道该分项的含义；可用：{parts}", f"no meaning here; those with one are {parts}")


def division_file(rows: Sequence[DivisionRow]) -> pa.Table:
    """`sub_budgets.parquet`."""
    return table_of("sub_budgets", [
        {"insutype": row.pool, "division": row.division, "part": row.part, "planned_fen": row.planned_fen,
         "known_fen": row.known_fen, "spent_fen": row.spent_fen, "left_fen": row.left_fen,
         "known_from": f"{row.zh} {row.en}"}
        for row in rows
    ])  # fmt: skip


def division_page(rows: Sequence[DivisionRow]) -> PageTable:
    """The page's table."""
    columns = (
        *(Head("险种", "Pool"), Head("划分", "Division"), Head("分项", "Part")),
        *(Head("计划", "Planned", "money"), Head("已知支出", "Known of it", "money")),
        *(Head("支出", "Spent", "money"), Head("结余", "Left", "signed")),
        Head("口径", "Made of"),
    )
    cells = tuple(
        (
            *(row.pool, row.division, row.part, row.planned_fen, row.known_fen),
            *(row.spent_fen, row.left_fen, f"{row.zh} {row.en}"),
        )
        for row in rows
    )
    note = (
        "分项预算只作监测，不改变任何支付；未知不等于零。 Sub-budgets are watched and pay nobody; unknown is not zero."
    )
    return PageTable("分项预算执行", "Sub-budgets, planned and spent", columns, cells, (note,))
