"""Indicators reported upward 「考核指标」: share paid by disease, growth of spend, case mix and indices of hospitals.

In: settled cases, clearing rows and the year's result; out: rows with numerator and denominator, so that every figure
can be checked, and the value ×10⁶, rounded once. An indicator without a denominator stays empty. No amount follows
from an indicator.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.clearing_table import ClearingRow
from engine.opening import FUND_GROWTH, Opening
from engine.report.page_tables import Cell, Head, PageTable
from engine.watch.spend import OUTPATIENT_TYPES, pool_spend
from engine.watch.tables import table_of
from engine.write_settled import SettledCases
from grouper.reason import GroupStatus
from pointvalue.fixed import divide_half_up
from pointvalue.fixed_wide import total
from pointvalue.results import YearResult
from pointvalue.terms import Route, SchemeKind

Mask = npt.NDArray[np.bool_]
ALL_POOLS: Final = ""
SHARE, GROWTH, CMI, GROUPS, COST_INDEX, TIME_INDEX = (
    *("share_by_disease", FUND_GROWTH, "cmi", "groups", "cost_index", "time_index"),
)
_MADE_OF = {
    SHARE: "按 DRG、DIP、单病种付费的住院费用 ÷ 全部住院费用 cost of stays paid by disease over cost of all stays",
    GROWTH: "（预算外拨＋应得基金＋打包院外）÷ 上年决算 − 1 spend, carve-outs at their plan, over the prior actual",
    CMI: "总权重 ÷ 入组病例数 total weight over grouped cases",
    GROUPS: "有病例的病组数 groups with a case",
    COST_INDEX: "费用消耗指数：各病例费用与病组均费之比的均值 mean of cost over the group's mean cost",
    TIME_INDEX: "时间消耗指数：各病例住院日与病组均日之比的均值 mean of stay over the group's mean stay of this run",
}
_LAST_YEAR = "对上年清算同口径支出 − 1 spend over what last year's clearing counted as spent"
_NAMES = {SHARE: "按病种付费占住院费用比例 share paid by disease", GROWTH: "基金支出增幅 growth of fund expenditure"}


@dataclass(frozen=True)
class Kpi:
    """One figure. Numerator and denominator in `num_unit` and `den_unit`; an empty pool is all pools."""

    name: str
    pool: str
    hospital: str
    numerator: int
    num_unit: str
    denominator: int | None
    den_unit: str
    value_e6: int | None
    made_of: str = ""
    """What it is made of, where that is not the usual."""

    @property
    def known_from(self) -> str:
        return self.made_of or _MADE_OF[self.name]


def kpi_rows(
    settled: SettledCases, rows: Sequence[ClearingRow], year: YearResult, opening: Opening | None = None
) -> list[Kpi]:
    """Area figures by pool and over all, then the figures of every hospital."""
    pools = [pool.id for pool in settled.area.pools]
    found: list[Kpi] = []
    for pool in (ALL_POOLS, *pools):
        found.append(_share(settled, pool))
    found += _growth(settled, year, opening)
    found += _hospital_rows(settled, rows)
    return found


def _of_pool(settled: SettledCases, pool: str) -> Mask:
    if pool == ALL_POOLS:
        return np.ones(len(settled.cases), np.bool_)
    return np.asarray(settled.cases.pool == settled.area.pool_index(pool), np.bool_)


def _stays(settled: SettledCases) -> Mask:
    """Cases that are stays; all of them where the run does not carry the kind of care."""
    if "med_type" not in settled.book.table.column_names:
        return np.ones(len(settled.cases), np.bool_)
    index, words = settled.book.codes("med_type")
    visit = np.array([word.startswith(OUTPATIENT_TYPES) for word in words] + [False], np.bool_)
    return ~visit[index]


def _share(settled: SettledCases, pool: str) -> Kpi:
    """Share of inpatient cost paid by disease: DRG and DIP cases in a pot, and single diseases."""
    within = _of_pool(settled, pool) & _stays(settled)
    single = np.array([scheme.kind is SchemeKind.SINGLE for scheme in settled.area.schemes], np.bool_)
    route = settled.scored.route
    by_disease = (route == int(Route.POT)) | ((route == int(Route.FIXED)) & single[settled.cases.scheme])
    cost = settled.cases.cost_fen
    return _ratio(SHARE, pool, "", total(cost[within & by_disease]), "fen", total(cost[within]), "fen")


def _growth(settled: SettledCases, year: YearResult, opening: Opening | None) -> Iterator[Kpi]:
    """Growth of fund expenditure against the prior actual of the policy, else against what last year's clearing counted
    as spent; carve-outs count as planned, other systems pay them."""
    last = opening.last.pools if opening and opening.last else {}
    spent_of_all, priors = 0, []
    for pool in settled.area.pools:
        spend = pool_spend(settled, pool, year.pool(pool.id))
        spent = spend.total_fen + spend.bundle_outside_fen + sum(spend.outside_planned.values())
        before = last[pool.id].spent_fen if pool.id in last else None
        prior = before if pool.prior_actual_fen is None else pool.prior_actual_fen
        yield _growth_of(pool.id, spent, prior, _LAST_YEAR if pool.prior_actual_fen is None and prior else "")
        spent_of_all += spent
        priors.append(prior)
    known = [prior for prior in priors if prior is not None]
    yield _growth_of(ALL_POOLS, spent_of_all, sum(known) if len(known) == len(priors) else None)


def _growth_of(pool: str, spent: int, prior: int | None, made_of: str = "") -> Kpi:
    value = divide_half_up((spent - prior) * 10**6, prior) if prior else None
    return Kpi(GROWTH, pool, "", spent, "fen", prior, "fen", value, made_of)


_SUMMED = ("tot_wt", "grp_psntime", "ratio_e6", "time_e6", "priced")


def _hospital_rows(settled: SettledCases, rows: Sequence[ClearingRow]) -> Iterator[Kpi]:
    """CMI, groups, cost and time index of every hospital in each pool and in all, hospitals in order."""
    sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        if row.period.month is None:
            for pool in (ALL_POOLS, settled.area.pools[row.pool].id):
                own = sums[settled.area.hospitals[row.hospital].code, pool]
                for name in _SUMMED:
                    own[name] += row.values[name] or 0
    groups = _groups(settled)
    for code, pool in sorted(sums):
        own = sums[code, pool]
        yield _ratio(CMI, pool, code, own["tot_wt"], "1e-6", own["grp_psntime"], "n")
        yield Kpi(GROUPS, pool, code, groups.get((code, pool), 0), "n", None, "", None)
        yield _ratio(COST_INDEX, pool, code, own["ratio_e6"], "1e-6", own["priced"], "n")
        yield _ratio(TIME_INDEX, pool, code, own["time_e6"], "1e-6", own["priced"], "n")


def _groups(settled: SettledCases) -> dict[tuple[str, str], int]:
    """Distinct groups 「病组数」 of the grouped cases by (hospital, pool), and by hospital over all pools."""
    area, cases = settled.area, settled.cases
    rows = np.flatnonzero(settled.book.ints("status") == GroupStatus.OK)
    count, size = len(cases.groups), len(area.hospitals)
    found: dict[tuple[str, str], int] = {}
    for place, pool in ((-1, ALL_POOLS), *((index, pool.id) for index, pool in enumerate(area.pools))):
        own = rows if place < 0 else rows[cases.pool[rows] == place]
        pairs = np.unique(cases.hospital[own].astype(np.int64) * count + cases.group[own])
        for hospital, groups in enumerate(np.bincount(pairs // count, minlength=size).tolist()):
            found[area.hospitals[hospital].code, pool] = groups
    return found


def _ratio(name: str, pool: str, code: str, numerator: int, unit: str, denominator: int, den_unit: str) -> Kpi:
    """numerator ÷ denominator ×10⁶; a numerator already ×10⁶ is not scaled again."""
    scale = 1 if unit == "1e-6" else 10**6
    value = divide_half_up(numerator * scale, denominator) if denominator else None
    return Kpi(name, pool, code, numerator, unit, denominator, den_unit, value)


def kpi_file(rows: Sequence[Kpi]) -> pa.Table:
    """`kpi.parquet`."""
    return table_of("kpi", [
        {"kpi": row.name, "insutype": row.pool, "fixmedins_code": row.hospital, "numerator": row.numerator,
         "num_unit": row.num_unit, "denominator": row.denominator, "den_unit": row.den_unit,
         "value_e6": row.value_e6, "known_from": row.known_from}
        for row in rows
    ])  # fmt: skip


def area_page(rows: Sequence[Kpi]) -> PageTable:
    """Share and growth with numerator and denominator."""
    columns = (
        *(Head("指标", "Indicator"), Head("险种", "Pool"), Head("分子", "Numerator", "money")),
        *(Head("分母", "Denominator", "money"), Head("指标值", "Value", "number"), Head("口径", "Made of")),
    )
    cells = tuple(
        (_NAMES[row.name], row.pool or "全部 all", row.numerator, row.denominator, _percent(row.value_e6),
         row.known_from)
        for row in rows if row.name in _NAMES
    )  # fmt: skip
    return PageTable("上报指标", "Indicators reported upward", columns, cells)


def hospital_page(settled: SettledCases, rows: Sequence[Kpi]) -> PageTable:
    """DRG indicators of hospitals over all pools; by pool they stand in `kpi.parquet`."""
    columns = (
        *(Head("医疗机构", "Hospital"), Head("入组病例", "Grouped cases", "count"), Head("CMI", "Case mix", "number")),
        *(Head("病组数", "Groups", "count"), Head("费用消耗指数", "Cost index", "number")),
        Head("时间消耗指数", "Time index", "number"),
    )
    by_key = {(row.hospital, row.name): row for row in rows if row.pool == ALL_POOLS and row.hospital}
    cells: list[tuple[Cell, ...]] = []
    for hospital in settled.area.hospitals:
        if (hospital.code, CMI) not in by_key:
            continue
        mix, groups, cost, time = (by_key[hospital.code, name] for name in (CMI, GROUPS, COST_INDEX, TIME_INDEX))
        cells.append((
            f"{hospital.name} {hospital.code}", mix.denominator, _decimal(mix.value_e6), groups.numerator,
            _decimal(cost.value_e6), _decimal(time.value_e6),
        ))  # fmt: skip
    notes = tuple(_MADE_OF[name] for name in (CMI, COST_INDEX, TIME_INDEX))
    return PageTable("医疗机构 DRG/DIP 指标", "Indicators of hospitals", columns, tuple(cells), notes)


def _decimal(value_e6: int | None) -> str:
    """Four decimals for the eye."""
    if value_e6 is None:
        return "—"
    text = f"{divide_half_up(abs(value_e6), 100):05d}"
    return f"{'−' if value_e6 < 0 else ''}{text[:-4]}.{text[-4:]}"


def _percent(value_e6: int | None) -> str:
    """A share in percent with two decimals."""
    if value_e6 is None:
        return "未知 unknown"
    text = f"{divide_half_up(abs(value_e6), 100):03d}"
    return f"{'−' if value_e6 < 0 else ''}{text[:-2]}.{text[-2:]} %"
