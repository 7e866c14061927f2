"""What a year opens with 「年初结转」: receivables, reserve and base that last year's clearing left behind.

In: the shelf, the area and the year to be cleared. Out: the same policy year with what hospitals owe and with the
reserve brought forward, and notes where the base last year wrote differs from the one the policy states. It reads the
standing clearing of the year before and recomputes nothing; without one the year opens with nothing, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from engine.area import Area
from engine.cases.read import ReadNote
from engine.errors import RunError
from engine.ledger.manifest import FileDigest, Manifest
from engine.ledger.store import RunDraft
from engine.ledger.verify import verify_run
from engine.money import fen_from_text, text_from_fen
from engine.policy.added_params import RESERVE_LEFT, ReserveLeft
from engine.policy.resolve import ResolvedPolicy
from engine.posted import lines_of_run, valid_runs
from pointvalue.lines import RESERVE, PostingLine, sum_of
from pointvalue.model import Pool
from pointvalue.terms import Cause

FUND_GROWTH: Final = "fund_growth"
"""The indicator whose numerator is a year's fund expenditure."""


@dataclass(frozen=True)
class LeftBehind:
    """What last year's clearing left in one pool, fen.

    `receivable_fen`: negative balances carried over, by hospital. `advance_uncovered_fen`: the part of each advance the
    year did not earn back.
    """

    receivable_fen: Mapping[str, int]
    advance_uncovered_fen: Mapping[str, int]
    reserve_left_fen: int
    next_base_fen: int
    spent_fen: int | None = None
    """What its indicators counted as the fund's expenditure; None where it wrote none."""


@dataclass(frozen=True)
class LastYear:
    """Last year's standing clearing, by pool, and its lines as an input of this year's."""

    run_id: str
    year: int
    pools: Mapping[str, LeftBehind]
    digest: FileDigest


@dataclass(frozen=True)
class Opening:
    """How a year opened. `last` None: no clearing of the year before stands on the shelf.

    `brought_fen`: reserve brought forward by pool. `base_fen`: (written by last year, stated as prior actual) by pool.
    """

    year: int
    last: LastYear | None
    brought_fen: Mapping[str, int] = field(default_factory=dict)
    base_fen: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    notes: tuple[ReadNote, ...] = ()


def last_year(shelf: Path, area: str, year: int) -> LastYear | None:
    """The standing clearing of the year before `year`. Raises RunError if two stand, or if it was changed since."""
    period = f"{year - 1:04d}"
    standing = [(folder, run) for folder, run in valid_runs(shelf, area, "clear", period) if run.period == period]
    if not standing:
        return None
    if len(standing) > 1:
        names = ", ".join(run.run_id for _, run in standing)
        raise RunError(f"{period} was cleared twice on {shelf}: {names}. The second run must name --supersedes.")
    folder, run = standing[0]
    if findings := verify_run(folder):
        raise RunError(f"the clearing of {period} cannot be relied on. {findings[0]}")
    lines = lines_of_run(folder)
    sealed = next(item for item in run.outputs if item.name == "lines.parquet")
    digest = FileDigest(f"{run.run_id}/lines.parquet", sealed.bytes, sealed.sha256, sealed.rows)
    spent = _spent(folder)
    pools = {pool: _left_behind(lines, pool, run, spent.get(pool)) for pool in sorted({line.pool for line in lines})}
    return LastYear(run.run_id, year - 1, pools, digest)


def _spent(folder: Path) -> dict[str, int]:
    """Fund expenditure by pool as last year's indicators show it."""
    path = folder / "kpi.parquet"
    if not path.is_file():
        return {}
    table = pq.read_table(path, columns=["kpi", "insutype", "numerator"]).to_pylist()
    return {row["insutype"]: row["numerator"] for row in table if row["kpi"] == FUND_GROWTH and row["insutype"]}


def _left_behind(lines: list[PostingLine], pool: str, run: Manifest, spent_fen: int | None) -> LeftBehind:
    own = [line for line in lines if line.pool == pool]
    owed = _by_hospital(own, Cause.CARRIED_TO_NEXT_YEAR)
    advanced = _by_hospital(own, Cause.ADVANCE_RECOVERED)
    uncovered = {code: min(-amount, owed.get(code, 0)) for code, amount in advanced.items()}
    return LeftBehind(
        receivable_fen=owed,
        advance_uncovered_fen={code: amount for code, amount in uncovered.items() if amount > 0},
        reserve_left_fen=sum_of([line for line in own if line.hospital == RESERVE], *Cause),
        next_base_fen=fen_from_text(run.totals[f"pool.{pool}"]["next_year_base"]),
        spent_fen=spent_fen,
    )


def _by_hospital(lines: list[PostingLine], cause: Cause) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        if line.cause is cause and line.hospital != RESERVE:
            found[line.hospital] = found.get(line.hospital, 0) + line.amount_fen
    return found


def open_year(draft: RunDraft, area: Area, resolved: ResolvedPolicy) -> tuple[ResolvedPolicy, Opening]:
    """The year with what the one before left, and how it opened; noted as an input and in the manifest's totals."""
    year, shelf = resolved.area.year, draft.folder.parent
    last = last_year(shelf, area.policy.code, year)
    draft.parameters["opening"] = "nothing" if last is None else last.run_id
    notes = _shelf_notes(shelf, area.policy.code, year, draft.supersedes, last)
    if last is None:
        return resolved, Opening(year, None, notes=tuple(notes))
    draft.inputs.append(last.digest)
    _require_known(last, resolved)
    desk, end = area.policy.desk(), date(year, 12, 31)
    pools = []
    for pool in resolved.area.pools:
        left = last.pools.get(pool.id)
        carried = bool(left and left.reserve_left_fen) and desk.pool(RESERVE_LEFT, end, pool.id) == ReserveLeft.CARRIED
        pools.append(pool if left is None else _opened(pool, left, carried))
        if left is not None:
            draft.totals[f"opening.{pool.id}"] = _totals(left, pools[-1])
        if left and pool.prior_actual_fen not in (None, left.next_base_fen):
            notes.append(_base_differs(last, pool.id, left.next_base_fen, pool.prior_actual_fen or 0))
    used = tuple(each for key, each in sorted(desk.used.items(), key=str) if each not in resolved.used)
    opened = replace(resolved, area=replace(resolved.area, pools=tuple(pools)), used=(*resolved.used, *used))
    return opened, Opening(
        year,
        last,
        {pool.id: pool.brought_forward_fen for pool in pools},
        {
            pool.id: (last.pools[pool.id].next_base_fen, pool.prior_actual_fen)
            for pool in pools
            if pool.id in last.pools
        },
        tuple(notes),
    )


def _opened(pool: Pool, left: LeftBehind, carried: bool) -> Pool:
    brought = left.reserve_left_fen if carried else 0
    return replace(pool, receivable_fen=dict(left.receivable_fen), brought_forward_fen=brought)


def _totals(left: LeftBehind, opened: Pool) -> dict[str, str]:
    """What the manifest says of a pool's opening, yuan."""
    return {
        "receivables": text_from_fen(sum(left.receivable_fen.values())),
        "reserve_left": text_from_fen(left.reserve_left_fen),
        "reserve_brought_forward": text_from_fen(opened.brought_forward_fen),
        "base_written_by_last_year": text_from_fen(left.next_base_fen),
    }


def _shelf_notes(shelf: Path, area: str, year: int, supersedes: str | None, last: LastYear | None) -> list[ReadNote]:
    """Clearings of other years that this one leaves out, or leaves behind the times."""
    notes = []
    for _, run in valid_runs(shelf, area, "clear", f"{year + 1:04d}") if supersedes else ():
        if run.parameters.get("opening") == supersedes:
            notes.append(ReadNote(
                run.run_id,
                f"该清算以被更正的 {supersedes} 开年，请以 --supersedes {run.run_id} 重新清算 {year + 1} 年",
                f"it opened from {supersedes}, which this run corrects; clear {year + 1} again with --supersedes "
                f"{run.run_id}",
            ))  # fmt: skip
    earlier = [run for _, run in valid_runs(shelf, area, "clear", "") if run.period < f"{year - 1:04d}"]
    if last is None and earlier:
        newest = max(earlier, key=lambda run: run.period)
        notes.append(ReadNote(
            newest.run_id,
            f"{year - 1} 年尚未清算，本年未承接更早年度的结转应收",
            f"{year - 1} is not cleared on this shelf, so what this earlier clearing carried over does not open {year}",
        ))  # fmt: skip
    return notes


def _require_known(last: LastYear, resolved: ResolvedPolicy) -> None:
    """A hospital that owes and is gone from the policy would never pay: say so before anything is computed."""
    pools = {pool.id for pool in resolved.area.pools}
    for pool, left in last.pools.items():
        for code, amount in sorted(left.receivable_fen.items()):
            if amount and (pool not in pools or code not in resolved.area.hospital_codes):
                raise RunError(
                    f"{code} owes pool {pool} {text_from_fen(amount)} yuan from the clearing of {last.year} "
                    f"({last.run_id}), but the policy of {resolved.area.year} does not list it. Keep it in the "
                    "hospital table until the money has come back."
                )


def _base_differs(last: LastYear, pool: str, written: int, stated: int) -> ReadNote:
    shown = (text_from_fen(written), text_from_fen(stated), text_from_fen(stated - written))
    return ReadNote(
        "budget.prior_actual",
        f"险种 {pool}：{last.run_id} 写下的下年基数为 {shown[0]} 元，政策填写的上年决算为 {shown[1]} 元，"
        f"相差 {shown[2]} 元",
        f"pool {pool}: {last.run_id} wrote a base of {shown[0]} yuan for this year, the policy states "
        f"{shown[1]}, a difference of {shown[2]}",
    )


def note_opening(draft: RunDraft, opening: Opening, notes: list[ReadNote]) -> None:
    """Say where last year's base and the policy differ: on the screen and in the manifest."""
    notes += opening.notes
    draft.totals["notes"] = [*draft.totals.get("notes", []), *(f"{note.file}: {note.en}" for note in opening.notes)]
