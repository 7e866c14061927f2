"""Sub-budgets after a clearing 「分项预算执行」: planned and spent by division and part.

In: the policy's plan by division and what the pool spent; out: rows, each with its spend or the reason why this run
cannot know it. A division is a view of the same money: it pays nobody. A part the engine has no meaning for, or whose
money flows through another system, is "unknown", never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from engine.area import Area
from engine.policy.ask import sub_budgets
from engine.report.page_tables import Head, PageTable
from engine.watch.spend import PoolSpend, pool_spend
from engine.watch.tables import table_of
from engine.write_settled import SettledCases
from pointvalue.results import YearResult
from pointvalue.sub_budget import SubBudget, watch

Found = tuple[int | None, str, str]
"""Spend in fen or None, and what it is made of in both languages."""


@dataclass(frozen=True)
class DivisionRow:
    """One part of a division. `spent_fen` None: unknown."""

    pool: str
    division: str
    part: str
    planned_fen: int
    spent_fen: int | None
    zh: str
    en: str

    @property
    def left_fen(self) -> int | None:
        return None if self.spent_fen is None else self.planned_fen - self.spent_fen


def _inpatient(spend: PoolSpend) -> Found:
    if spend.has_bundle:
        return None, "打包资金未分住院与门诊", "money of a bundle is not split into stays and visits"
    seen = spend.outpatient_fen or 0
    if spend.outpatient_fen is None:
        return (
            spend.total_fen - spend.capitation_fen,
            "应得基金减按人头付费；病例无医疗类别，全部视为住院",
            ("entitled less capitation; the cases carry no kind of care and all count as stays"),
        )
    return (
        spend.total_fen - spend.capitation_fen - seen,
        "应得基金减按人头付费与门诊病例",
        ("entitled less capitation and outpatient cases"),
    )


def _outpatient(spend: PoolSpend) -> Found:
    if spend.has_bundle:
        return None, "打包资金未分住院与门诊", "money of a bundle is not split into stays and visits"
    if "outpatient" in spend.outside_planned:
        return None, "budget.outside 的 outpatient 在其他系统支付", "outside item outpatient is paid by another system"
    if spend.outpatient_fen is None and not spend.capitation_fen:
        return None, "病例无医疗类别，也无按人头协议", "the cases carry no kind of care and nothing is paid by head"
    return (
        spend.capitation_fen + (spend.outpatient_fen or 0),
        "按人头付费（按门诊计）与门诊病例",
        ("capitation, taken as outpatient care, and outpatient cases"),
    )


def _by_item(spend: PoolSpend) -> Found:
    return None, "病例不含费用明细", "the cases carry no cost by item"


def _bundle(spend: PoolSpend) -> Found:
    inside = sum(amount for code, amount in spend.by_hospital.items() if code in spend.bundle_hospitals)
    return (
        inside + spend.bundle_outside_fen,
        "牵头与成员机构应得基金及打包院外支出",
        ("what lead and members are entitled to, and bundle money spent elsewhere"),
    )


def _not_bundle(spend: PoolSpend) -> Found:
    others = sum(amount for code, amount in spend.by_hospital.items() if code not in spend.bundle_hospitals)
    return others, "其他机构应得基金", "what all other hospitals are entitled to"


def _local(spend: PoolSpend) -> Found:
    return (
        spend.total_fen - (spend.referred_fen or 0),
        "区域内机构应得基金",
        "what hospitals of the area are entitled to",
    )


def _referred(spend: PoolSpend) -> Found:
    if "out_of_area" in spend.outside_planned:
        return (
            None,
            "budget.outside 的 out_of_area 在其他系统支付",
            "outside item out_of_area is paid by another system",
        )
    if spend.referred_fen is None and not spend.has_bundle:
        return None, "病例中没有转外就医", "care in other areas is not among the cases"
    return (
        (spend.referred_fen or 0) + spend.bundle_outside_fen,
        "转外住院病例与打包院外支出",
        ("stays after referral and bundle money spent elsewhere"),
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
        plan = sub_budgets(area.policy, pool.id, settled.area.year)
        spend = pool_spend(settled, pool, year.pool(pool.id)) if plan else None
        for division, parts in plan.items():
            assert spend is not None
            rows += _division(pool.id, division, parts, spend)
    return rows


def _division(pool: str, division: str, planned: Mapping[str, int], spend: PoolSpend) -> list[DivisionRow]:
    known = MEANING.get(division, {})
    found = {part: known[part](spend) if part in known else _no_meaning(division) for part in planned}
    watched = watch(planned, {part: fen for part, (fen, _, _) in found.items() if fen is not None})
    rows = []
    for part, each in watched.items():
        fen, zh, en = found[part]
        rows.append(_row(pool, division, part, each, fen is not None, zh, en))
    return rows


def _row(pool: str, division: str, part: str, each: SubBudget, known: bool, zh: str, en: str) -> DivisionRow:
    return DivisionRow(pool, division, part, each.planned_fen, each.spent_fen if known else None, zh, en)


def _no_meaning(division: str) -> Found:
    parts = "; ".join(f"{name}: {', '.join(parts)}" for name, parts in MEANING.items())
    return None, f"程序不知道该分项的含义；可用：{parts}", f"no meaning here; those with one are {parts}"


def division_file(rows: Sequence[DivisionRow]) -> pa.Table:
    """`sub_budgets.parquet`."""
    return table_of("sub_budgets", [
        {"insutype": row.pool, "division": row.division, "part": row.part, "planned_fen": row.planned_fen,
         "spent_fen": row.spent_fen, "left_fen": row.left_fen, "known_from": f"{row.zh} {row.en}"}
        for row in rows
    ])  # fmt: skip


def division_page(rows: Sequence[DivisionRow]) -> PageTable:
    """The page's table."""
    columns = (
        *(Head("险种", "Pool"), Head("划分", "Division"), Head("分项", "Part")),
        *(Head("计划", "Planned", "money"), Head("支出", "Spent", "money"), Head("结余", "Left", "signed")),
        Head("口径", "Made of"),
    )
    cells = tuple(
        (row.pool, row.division, row.part, row.planned_fen, row.spent_fen, row.left_fen, f"{row.zh} {row.en}")
        for row in rows
    )
    note = (
        "分项预算只作监测，不改变任何支付；未知不等于零。 Sub-budgets are watched and pay nobody; unknown is not zero."
    )
    return PageTable("分项预算执行", "Sub-budgets, planned and spent", columns, cells, (note,))
