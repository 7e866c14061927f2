"""The whole flow 「主流程」, one function a command; the file to read first.

    read → validate → encode → group → class and points → point value → pay → clear → report

In: case files, an area or a pack, where to write. Out: one run folder, sealed, or an error and nothing at all.
Every step is a module of its own; this file only says in which order they follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.area import Area
from engine.clearing_table import Period
from engine.editions import Editions
from engine.ledger.store import write_file_atomically
from engine.map_cases import MappedCases
from engine.opening import note_opening, open_year
from engine.publish import Money, final_values_e8, publish_money
from engine.reviews import require_decisions
from engine.run_parts import (
    RunOptions,
    RunResult,
    demand_of,
    draft_run,
    map_stage,
    months_of_year,
    record_grouping,
    refuse_second,
    scope_of,
)
from engine.settle import case_columns
from engine.worth import month_worth
from engine.write_grouped import write_grouped
from engine.write_settled import SettledCases
from pointvalue.annual import clear_year
from pointvalue.classes import score
from pointvalue.monthly import settle_month

NO_AREA = "none"


def group(cases: Sequence[str | Path], editions: Editions, options: RunOptions) -> RunResult:
    """Group only 「分组」: `grouped.parquet` and `rejected.parquet` in a run folder."""
    target = options.target("all", NO_AREA, "group")
    demand = demand_of("group", editions, options)
    with draft_run(target, "group", NO_AREA, "all", options) as draft:
        mapped = map_stage(cases, demand, editions, None, options)
        record_grouping(draft, mapped, editions, demand)
    return RunResult(draft.target, draft.counts, mapped)


def presettle(cases: Sequence[str | Path], area: Area, year: int, month: int, options: RunOptions) -> RunResult:
    """One month 「月度预结算」: points at the budget value, what is declared, payable and withheld."""
    resolved, period = area.for_year(year), Period(year, month)
    area = area.routed(resolved)
    target = options.target(period.line_period, area.policy.code, "presettle")
    refuse_second(target.parent, area, "presettle", period.line_period, options)
    demand = demand_of("settle", area.editions, options, resolved)
    with draft_run(target, "presettle", area.policy.code, period.line_period, options) as draft:
        mapped = map_stage(cases, demand, area.editions, scope_of(resolved, period), options)
        record_grouping(draft, mapped, area.editions, demand)
        columns = case_columns(mapped.book, area, resolved)
        # A case an audit cancels was still declared in its month; the clearing corrects it.
        terms = replace(resolved.area, audits=())
        scored = score(columns, terms)
        posted = settle_month(columns, scored, terms, month)
        standard, fund_part, value = month_worth(mapped.book, area, terms, columns, scored)
        settled = SettledCases(
            mapped.book, area.editions, resolved, columns, scored,
            standard, fund_part, value, period.clr_ym,
        )  # fmt: skip
        money = Money(settled, (period,), posted.lines)
        published = publish_money(draft, area, money, mapped, case_detail=options.case_detail)
    return RunResult(draft.target, draft.counts, mapped, published)


def clear(cases: Sequence[str | Path], area: Area, year: int, options: RunOptions) -> RunResult:
    """The year 「年度清算」: every identity of the accounts is proved before anything is written."""
    resolved, period = area.for_year(year), Period(year, None)
    area = area.routed(resolved)
    target = options.target(period.line_period, area.policy.code, "clear")
    refuse_second(target.parent, area, "clear", period.line_period, options)
    demand = demand_of("settle", area.editions, options, resolved)
    with draft_run(target, "clear", area.policy.code, period.line_period, options) as draft:
        mapped = map_stage(cases, demand, area.editions, scope_of(resolved, period), options)
        record_grouping(draft, mapped, area.editions, demand)
        resolved, opening = open_year(draft, area, resolved)
        note_opening(draft, opening, mapped.notes)
        columns = case_columns(mapped.book, area, resolved)
        require_decisions(mapped, columns, resolved)
        posted = months_of_year(draft, area, columns, year, options)
        scored = score(columns, resolved.area)
        result = clear_year(columns, scored, resolved.area, posted)
        settled = SettledCases(
            mapped.book, area.editions, resolved, columns, scored,
            result.standard_fen, result.fund_part_fen, final_values_e8(result), period.clr_ym,
        )  # fmt: skip
        periods = tuple(replace(period, month=month) for month in (*range(1, 13), None))
        money = Money(settled, periods, result.lines, result, opening)
        published = publish_money(draft, area, money, mapped, case_detail=options.case_detail)
    return RunResult(draft.target, draft.counts, mapped, published)


def group_to_file(cases: Sequence[str | Path], editions: Editions, out: Path, options: RunOptions) -> MappedCases:
    """Group only, into one Parquet file; rejected rows go beside it. Both appear whole or not at all."""
    mapped = map_stage(cases, demand_of("group", editions, options), editions, None, options)
    if len(mapped.rejected):
        rows = mapped.rejected
        write_file_atomically(rejected_beside(out), lambda path: rows.write_parquet(path))
    else:
        rejected_beside(out).unlink(missing_ok=True)  # of an earlier run into the same file
    write_file_atomically(out, lambda path: write_grouped(path, mapped.book, editions))
    return mapped


def rejected_beside(out: Path) -> Path:
    """Where `group_to_file` puts rejected rows."""
    return out.with_name(f"{out.stem}.rejected.parquet")
