"""Who may have an advance of working capital for a year, how much, and why not 「周转金预付测算」.

In: a policy with `advance_rules`, the shelf with last year's months and clearing, and what each pool stands at (a small
CSV, because no run knows it). Out: a row per pool and hospital with amount and bars. It pays nothing: an advance is
paid when the policy's `advance` names it, and clearing takes it back.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

from engine.errors import PolicyError, RunError
from engine.money import fen_from_text
from engine.opening import LastYear, last_year
from engine.policy import case_params as case
from engine.policy import money_params as money
from engine.policy.ask import advance_terms
from engine.policy.load import AreaPolicy
from engine.posted import lines_of_run, posted_months
from pointvalue.advance import AdvanceBar, AdvanceTerms, PoolState, advance_amount, advance_bars
from pointvalue.fixed import exact
from pointvalue.lines import PostingLine
from pointvalue.model import Hospital
from pointvalue.terms import Cause

STANDING_COLUMNS = ("insutype", "balance", "monthly_spend", "prior_result", "projected_result")
"""Columns of the file `--standing`, amounts in yuan: what the pool holds, spends in a month, and its two results."""
UNKNOWN_STANDING, NOT_CLEARED = "unknown_standing", "not_cleared"
REASONS: Mapping[str, tuple[str, str]] = {
    AdvanceBar.POOL_RESERVE: ("基金累计结余不足规定月数", "the pool's balance is under the months the rules ask for"),
    AdvanceBar.PRIOR_DEFICIT: ("上年当期赤字", "the pool ran a deficit last year"),
    AdvanceBar.PROJECTED_DEFICIT: ("预计当年赤字", "the pool is expected to run a deficit"),
    AdvanceBar.NO_FULL_YEAR: ("正常结算不满规定月数", "fewer months were settled than the rules ask for"),
    AdvanceBar.NOT_RETURNED: ("上年周转金未足额收回", "last year's advance was not returned in full"),
    UNKNOWN_STANDING: ("未提供基金运行情况", "what the pool stands at is not known: give --standing"),
    NOT_CLEARED: ("上年已付周转金尚未清算", "last year's advance is not cleared yet"),
}


@dataclass(frozen=True)
class AdvanceRow:
    """One hospital in one pool. `amount_fen` by the rules, whatever is against it; `granted_fen` 0 if anything is.

    `in_policy_fen`: what the policy's own `advance` names for the year.
    """

    pool: str
    hospital: str
    name: str
    months: int
    mean_fen: int
    amount_fen: int
    uncovered_fen: int
    bars: tuple[str, ...]
    in_policy_fen: int

    @property
    def granted_fen(self) -> int:
        return 0 if self.bars else self.amount_fen

    @property
    def paid_against_the_rules(self) -> bool:
        return self.in_policy_fen > self.granted_fen


def plan_advances(policy: AreaPolicy, shelf: Path, year: int, standing: Path | None) -> tuple[AdvanceRow, ...]:
    """Every hospital of every pool with rules, on 1 January of the year.

    Monthly settlement is what last year's months posted; without monthly runs, the months inside last year's clearing.
    """
    day = date(year, 1, 1)
    desk = policy.desk()
    pools = sorted(desk.at(case.POOLS_HELD, day))
    terms = {pool: found for pool in pools if (found := advance_terms(policy, pool, day)) is not None}
    if not terms:
        raise PolicyError(
            "advance_rules: the policy does not say who may have an advance. Write advance_rules.yaml with months and "
            "reserve_months. 缺少周转金预付条件"
        )
    states = {} if standing is None else read_standing(standing)
    last = last_year(shelf, policy.code, year)
    lines = _month_lines(shelf, policy.code, year - 1, last)
    setting = policy.settings.get(money.ADVANCE.key)
    starts = [start for start in setting.starts if start.on is not None and start.on.year == year] if setting else []
    named: Mapping[tuple[str, str], int] = starts[-1].value if starts and not starts[-1].ended else {}
    hospitals = desk.at(case.HOSPITALS, day).hospitals
    return tuple(
        _row(pool, hospital, rules, states.get(pool), last, lines, named)
        for pool, rules in terms.items()
        for hospital in hospitals
    )


def _row(
    pool: str,
    hospital: Hospital,
    rules: AdvanceTerms,
    state: PoolState | None,
    last: LastYear | None,
    lines: Sequence[PostingLine],
    named: Mapping[tuple[str, str], int],
) -> AdvanceRow:
    own = [line for line in lines if line.pool == pool and line.hospital == hospital.code]
    by_month: dict[str, int] = {}
    for line in own:
        if line.cause is Cause.PREPAYMENT:
            by_month[line.period] = by_month.get(line.period, 0) + line.amount_fen
    monthly = [by_month[month] for month in sorted(by_month)]
    left = last.pools.get(pool) if last else None
    uncovered = left.advance_uncovered_fen.get(hospital.code, 0) if left else 0
    # A pool whose standing is not known neither passes nor fails; the row says that it is not known.
    neutral = PoolState(rules.reserve_months, 0, 0)
    bars: list[str] = [*advance_bars(rules, state or neutral, monthly, uncovered)]
    if state is None:
        bars.append(UNKNOWN_STANDING)
    if last is None and any(line.cause is Cause.ADVANCE_PAID for line in own):
        bars.append(NOT_CLEARED)
    mean = AdvanceTerms(Fraction(1), rules.reserve_months)
    return AdvanceRow(
        pool=pool,
        hospital=hospital.code,
        name=hospital.name,
        months=len(monthly),
        mean_fen=advance_amount(mean, monthly),
        amount_fen=advance_amount(rules, monthly),
        uncovered_fen=uncovered,
        bars=tuple(bars),
        in_policy_fen=named.get((hospital.code, pool), 0),
    )


def _month_lines(shelf: Path, area: str, year: int, last: LastYear | None) -> list[PostingLine]:
    posted = posted_months(shelf, area, year)
    if posted.months:
        return list(posted.lines)
    if last is None:
        raise RunError(
            f"neither a month nor the clearing of {year} stands on {shelf} for area {area}, so nobody's monthly "
            "settlement is known. Name the shelf with --runs."
        )
    return [line for line in lines_of_run(shelf / last.run_id) if line.is_month]


def read_standing(path: Path) -> dict[str, PoolState]:
    """Pools by what they stand at. Raises PolicyError naming the line and what is wrong."""
    if not path.is_file():
        raise PolicyError(f"--standing {path}: there is no such file.")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found: dict[str, PoolState] = {}
    for number, row in enumerate(rows, start=2):
        missing = [name for name in STANDING_COLUMNS if not (row.get(name) or "").strip()]
        if missing:
            raise PolicyError(
                f"{path}:{number}: {', '.join(missing)} missing; columns are {', '.join(STANDING_COLUMNS)}."
            )
        try:
            balance, spend, prior, projected = (fen_from_text(row[name]) for name in STANDING_COLUMNS[1:])
        except ValueError as error:
            raise PolicyError(f"{path}:{number}: {error}") from None
        if spend <= 0:
            raise PolicyError(f"{path}:{number}: monthly_spend must be above zero.")
        found[row["insutype"].strip()] = PoolState(exact(balance, spend), prior, projected)
    return found


_HEAD = (
    *("insutype", "fixmedins_code", "fixmedins_name", "months", "mean_month", "amount", "granted", "uncovered"),
    *("in_policy", "bars", "reasons"),
)


def write_advances(path: Path, rows: Sequence[AdvanceRow]) -> None:
    """The rows as CSV, amounts in yuan."""
    from engine.ledger.store import write_file_atomically
    from engine.money import text_from_fen

    def write(partial: Path) -> None:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            out = csv.writer(stream, lineterminator="\n")
            out.writerow(_HEAD)
            for row in rows:
                amounts = (row.mean_fen, row.amount_fen, row.granted_fen, row.uncovered_fen, row.in_policy_fen)
                reasons = "；".join(f"{REASONS[bar][0]} {REASONS[bar][1]}" for bar in row.bars)
                out.writerow([
                    row.pool, row.hospital, row.name, row.months, *(text_from_fen(fen) for fen in amounts),
                    " ".join(row.bars), reasons,
                ])  # fmt: skip

    write_file_atomically(path, write)
