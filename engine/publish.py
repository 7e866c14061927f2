"""The second half of a run on disk: case, clearing and line tables, statements, summary 「结算结果与报表」.

In: settled cases, posting lines, and the year's result where it is a clearing. Out: files in the draft's folder.
Reports are written from the tables just written, and refuse figures that do not tie. It computes no amount.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from engine.area import Area
from engine.clearing_table import Period, clearing_rows, clearing_table, lines_table
from engine.cliff_table import cliff_table
from engine.ledger.manifest import digest_file
from engine.ledger.store import RunDraft
from engine.line_grounds import policy_keys
from engine.map_cases import MappedCases
from engine.opening import Opening
from engine.policy.case_params import OBJECTION_DAYS, OBJECTION_HOW
from engine.policy.resolve import ResolvedPolicy
from engine.record_policy import record_policy
from engine.report.facts import HospitalFacts, OpenValue, PointValueAt, Pot, RunFacts, SplitItem
from engine.report.figures import RunFigures
from engine.report.frames import RunFrames
from engine.report.grounds import Grounds
from engine.report.html import write_summary
from engine.report.labels import SCHEMES, label
from engine.report.statement import write_statements
from engine.sharing_table import sharing_table, values_table
from engine.version import VERSION
from engine.watch.run import watch_year
from engine.write_settled import SettledCases, write_settled
from pointvalue.fixed import divide_half_up, floor, yuan_per_point
from pointvalue.invariants import prove_pool, require_months
from pointvalue.lines import PostingLine
from pointvalue.model import PointScheme
from pointvalue.monthly import settle_month
from pointvalue.results import PoolResult, PotResult, YearResult
from pointvalue.value import numerator

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Money:
    """What a settling run has to publish. `year` and `opening` only for a clearing."""

    settled: SettledCases
    periods: tuple[Period, ...]
    lines: tuple[PostingLine, ...]
    year: YearResult | None = None
    opening: Opening | None = None


@dataclass(frozen=True)
class Published:
    """The figures of the reports, and the workbooks' names."""

    figures: RunFigures
    statements: tuple[str, ...]


def publish_money(
    draft: RunDraft, area: Area, money: Money, mapped: MappedCases, *, case_detail: bool = False
) -> Published:
    """Write `settled`, `clearing`, `lines`, the workbooks and the summary; note totals and checks in the manifest."""
    settled, folder = money.settled, draft.folder
    _prove_again(draft, money)
    write_settled(folder / "settled.parquet", settled)
    rows = clearing_rows(settled, money.periods, money.lines, _retained(money.year))
    lines = lines_table(money.lines, policy_keys(settled.resolved))
    pq.write_table(lines, folder / "lines.parquet", compression="zstd", version="2.6")
    seal = _seal(folder, ("grouped.parquet", "settled.parquet", "lines.parquet"))
    pq.write_table(clearing_table(rows, settled, seal), folder / "clearing.parquet", compression="zstd", version="2.6")
    draft.rows |= {
        "settled.parquet": len(settled.book),
        "lines.parquet": len(money.lines),
        "clearing.parquet": len(rows),
    }
    _write_grounds(draft, money)
    watched = watch_year(area, settled, rows, money.year, money.opening)
    for name, table in watched.files.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", version="2.6")
        draft.rows[f"{name}.parquet"] = table.num_rows
    facts = replace(_facts(draft, area, money, mapped, seal), tables=watched.pages)
    figures = RunFigures.build(facts, RunFrames.from_folder(folder), Grounds.from_folder(folder))
    assert len(figures.lines) == len(money.lines), "every posting line is in the file the reports are made from"
    statements = write_statements(folder / "statements", figures, case_detail=case_detail)
    write_summary(folder / "summary.html", figures)
    record_policy(draft, area, settled.resolved, money.year)
    return Published(figures, tuple(path.name for path in statements))


def _prove_again(draft: RunDraft, money: Money) -> None:
    """The lines about to be written are held once more against what they were proved by: a line lost on the way here
    is found before a file exists. A month has no fund to close, so its lines are held against its own table."""
    settled = money.settled
    if money.year is None:
        for period in money.periods:
            assert period.month is not None, "a run without a year is a month"
            require_months(settle_month(settled.cases, settled.scored, settled.area, period.month).table, money.lines)
        draft.checks["month_is_its_table"] = True
        return
    for result, pool in zip(money.year.pools, settled.area.pools, strict=True):
        prove_pool(result, pool, [line for line in money.lines if line.pool == pool.id])
    if money.year.months:
        require_months(money.year.months, money.lines)


def _write_grounds(draft: RunDraft, money: Money) -> None:
    """What the amounts rest on, kept beside them: policy values used, edges close by, and how every gap was shared."""
    resolved = money.settled.resolved
    tables = {"values": values_table(resolved.used), "cliffs": cliff_table(money.settled, money.year)}
    if money.year is not None:
        tables["sharing"] = sharing_table(money.year, resolved.area)
    for name, table in tables.items():
        pq.write_table(table, draft.folder / f"{name}.parquet", compression="zstd", version="2.6")
        draft.rows[f"{name}.parquet"] = table.num_rows


def _seal(folder: Path, names: tuple[str, ...]) -> str:
    digests = "".join(digest_file(folder / name).sha256 for name in names)
    return "sha256:" + hashlib.sha256(digests.encode()).hexdigest()


def final_values_e8(result: YearResult) -> I64:
    """Published point value of every case's pot, yuan ×10⁸; 0 outside the pots. An exact value is cut for the eye."""
    pots = {(pool.pool, pot.label): pot for pool in result.pools for pot in pool.pots}
    values = [floor(pots[label].value.published * 10**8) for label in result.pot_labels]
    return np.array([*values, 0], np.int64)[result.pot_index]


def _retained(year: YearResult | None) -> dict[tuple[str, str], int]:
    """Surplus a hospital keeps 「结余留用」: its gap less what it gives back, by (hospital, pool)."""
    kept = {}
    for pool in year.pools if year else ():
        for code, share in pool.shares.items():
            gap = floor(share.multiplier * (share.standard_fen - share.actual_fen))
            kept[code, pool.pool] = max(0, gap) - share.returned_fen
    return kept


def _facts(draft: RunDraft, area: Area, money: Money, mapped: MappedCases, seal: str) -> RunFacts:
    resolved, year = money.settled.resolved, money.year
    return RunFacts(
        run_id=draft.run_id,
        kind="presettle" if year is None else "clear",
        area_code=area.policy.code,
        area_name=area.policy.name,
        period=draft.period,
        packs=tuple(area.editions.pack_versions),
        policy_version=resolved.version,
        engine_version=VERSION,
        seal=seal,
        counts_read=mapped.read_count,
        counts_accepted=len(mapped.book) + len(mapped.other_period),
        counts_rejected=len(mapped.rejected),
        counts_other_period=len(mapped.other_period),
        split={pool.pool: _split(pool, resolved) for pool in year.pools} if year else {},
        pots=tuple(_pot(pool, pot) for pool in year.pools for pot in pool.pots) if year else (),
        point_values=_point_values(money),
        open_values=tuple(OpenValue(u.key, u.tag, u.text, u.zh) for u in resolved.unverified),
        hospitals={h.code: HospitalFacts(h.code, h.name or h.code, h.level) for h in resolved.area.hospitals},
        supersedes=draft.supersedes or "",
        objection_how=_objections(area, date(resolved.area.year, 12, 31)),
    )


def _objections(area: Area, day: date) -> str:
    """How to object, and within how many days of receipt."""
    desk = area.policy.desk()
    how, days = desk.at(OBJECTION_HOW, day), desk.at(OBJECTION_DAYS, day)
    return how if days is None else f"{days} 日内：{how}"


_OUTSIDE_NAMES = {
    "outpatient": ("门诊", "Outpatient"),
    "out_of_area": ("异地就医", "Out of area"),
    "maternity": ("生育", "Maternity"),
}
"""Carve-outs the field has a name for; any other shows under the policy's own."""


def _split(pool: PoolResult, resolved: ResolvedPolicy) -> tuple[SplitItem, ...]:
    """The waterfall of one pool, each carve-out by name."""
    terms = next(each for each in resolved.area.pools if each.id == pool.pool)
    budget = pool.budget
    items = [
        SplitItem("total", "基金预算总额", "Fund", budget.total_fen),
        SplitItem("reserve", "风险金", "Reserve", budget.reserve_fen),
    ]
    for name, fen in sorted(terms.outside_fen.items()):
        items.append(SplitItem("outside", *_OUTSIDE_NAMES.get(name, (name, name)), fen))
    items += [SplitItem("fixed", *label(SCHEMES, name), fen) for name, fen in sorted(terms.fixed_lines_fen.items())]
    items.append(SplitItem("point_fund", "点数基金", "Point fund", pool.point_fund_fen))
    if pool.moved_to_points_fen:
        items.append(SplitItem("moved_to_points", "定额差额转入", "Moved to points", pool.moved_to_points_fen))
    if pool.bundle_outside_fen:
        items.append(SplitItem("bundle_outside", "打包院外支出", "Bundle outside", pool.bundle_outside_fen))
    return tuple(items)


def _pot(pool: PoolResult, pot: PotResult) -> Pot:
    raw = "–" if pot.value.raw is None else value_text(pot.value.raw, 8)
    return Pot(pool.pool, pot.label, pot.fund_fen, pot.points_e4, raw, value_text(pot.value.published, 8))


def value_text(value: Fraction, places: int) -> str:
    """A point value for the eye, without trailing zeros beyond the fourth decimal."""
    scaled = floor(value * 10**places)
    whole, rest = divmod(scaled, 10**places)
    text = f"{rest:0{places}d}"
    return f"{whole}.{text[:4]}{text[4:].rstrip('0')}"


def _point_values(money: Money) -> tuple[PointValueAt, ...]:
    """The budget value months were paid at, what each month alone would have given, and the year's final value."""
    area = money.settled.resolved.area
    found = []
    for period in money.periods:
        for pool in area.pools:
            for scheme in area.schemes:
                if period.month and isinstance(scheme, PointScheme) and pool.id in scheme.budget_point_value:
                    text = value_text(scheme.budget_point_value[pool.id], 8)
                    found.append(PointValueAt(pool.id, scheme.name, period.line_period, "budget", text))
    for cleared in money.year.pools if money.year else ():
        for pot in cleared.pots:
            text = value_text(pot.value.published, 8)
            found.append(PointValueAt(cleared.pool, pot.label, f"{area.year:04d}", "final", text))
            found += _month_values(money, cleared.pool, pot)
    return tuple(found)


def _month_values(money: Money, pool: str, pot: PotResult) -> list[PointValueAt]:
    """The pot's fund, spread over the months by booked fund, over each month's points. It pays nothing."""
    settled = money.settled
    terms = next(each for each in settled.area.pools if each.id == pool).point_value
    place = money.year.pot_labels.index((pool, pot.label)) if money.year else -1
    within = money.year.pot_index == place if money.year else np.zeros(0, np.bool_)
    booked = int(settled.cases.fund_fen[within].sum())
    found = []
    for month in range(1, 13):
        rows = within & (settled.cases.month == month)
        points = int(settled.scored.points_e4[rows].sum())
        if points > 0 and booked > 0:
            patients = int(settled.cases.patient_fen[rows].sum())
            fund = divide_half_up(pot.fund_fen * int(settled.cases.fund_fen[rows].sum()), booked)
            value = yuan_per_point(numerator(terms, fund, patients), points)
            text = value_text(value, 4)
            found.append(PointValueAt(pool, pot.label, f"{settled.area.year:04d}-{month:02d}", "month", text))
    return found
