"""The accounts that must close: a hospital's clearing from its posting lines, a pool from all of them.

In: posting lines, clearing rows and the split of the fund, all in fen; out: accounts and a closing table whose
difference is zero. If one does not close, `check` stops the reports: nothing is published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from engine.report.causes import Section, root, section
from engine.report.facts import ReportError, split_sum
from engine.report.figures import PoolRow, PostingLine, RunFigures
from engine.report.labels import Label
from pointvalue.invariants import InvariantBroken

RESERVE = ""
"""The hospital code of the reserve's lines."""


@dataclass(frozen=True, slots=True)
class Account:
    """One hospital and pool 「清算账户」, from posting lines alone.

    final = entitled + moved; cash = final + carried. `moved` holds prepaid (−), deposit released (+), suppliers (−)
    and advance (−); `months_fen` is what the months paid, deposit already withheld. Cash is below zero only where
    the policy collects a negative balance instead of carrying it over.
    """

    entitled_fen: int = 0
    moved_fen: int = 0
    carried_fen: int = 0
    months_fen: int = 0
    returned_fen: int = 0
    shared_fen: int = 0
    prepaid_fen: int = 0

    @property
    def final_fen(self) -> int:
        return self.entitled_fen + self.moved_fen

    @property
    def cash_fen(self) -> int:
        return self.final_fen + self.carried_fen


def account(lines: Iterable[PostingLine]) -> Account:
    """The account of one hospital and pool; surplus returned stays negative, overspend shared positive."""
    by_section: dict[Section, int] = defaultdict(int)
    by_root: dict[str, int] = defaultdict(int)
    for line in lines:
        by_section[section(line.cause)] += line.amount_fen
        by_root[root(line.cause)] += line.amount_fen
    return Account(
        entitled_fen=by_section[Section.ENTITLED],
        moved_fen=by_section[Section.CASH],
        carried_fen=by_section[Section.CARRY],
        months_fen=by_section[Section.MONTH],
        returned_fen=by_root["surplus_returned"],
        shared_fen=by_root["overspend_shared"],
        prepaid_fen=by_root["prepaid"],
    )


def accounts(figures: RunFigures) -> dict[tuple[str, str], Account]:
    """Every hospital's account by (hospital, pool)."""
    lines: dict[tuple[str, str], list[PostingLine]] = defaultdict(list)
    for line in figures.lines:
        if line.hospital != RESERVE:
            lines[line.hospital, line.pool].append(line)
    return {key: account(its_lines) for key, its_lines in sorted(lines.items())}


@dataclass(frozen=True, slots=True)
class ClosingRow:
    """One row of a closing table: where money comes from (`+`) or where it is (`−`)."""

    name: Label
    side: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Closing:
    """A pool's closing table 「基金闭合表」."""

    pool: str
    rows: tuple[ClosingRow, ...]

    @property
    def difference_fen(self) -> int:
        return sum(row.amount_fen if row.side == "+" else -row.amount_fen for row in self.rows)

    @property
    def total_fen(self) -> int:
        return sum(row.amount_fen for row in self.rows if row.side == "+")


def close_year(figures: RunFigures, pool: str) -> Closing:
    """The closed fund of a year 「基金闭合」.

    total + epidemic money + carried receivables + reserve brought forward
        = outside + bundle outside + all hospital lines + suppliers paid + receivables recovered + reserve lines
    """
    sums = _sums(figures, pool)
    items = figures.facts.split.get(pool, ())
    rows = (
        ClosingRow(Label("基金预算总额", "Fund, total"), "+", split_sum(items, "total")),
        ClosingRow(Label("疫情专项资金", "Epidemic money from outside"), "+", sums["epidemic_outside"]),
        ClosingRow(Label("结转下年应收", "Receivables carried over"), "+", sums["carried_to_next_year"]),
        ClosingRow(Label("上年风险金转入", "Reserve brought forward"), "+", sums["reserve_brought_forward"]),
        ClosingRow(Label("预算外划出", "Carved out"), "−", split_sum(items, "outside")),
        ClosingRow(Label("打包付费院外支出", "Bundle money spent elsewhere"), "−", split_sum(items, "bundle_outside")),
        ClosingRow(Label("拨付医疗机构（全年）", "Paid to hospitals, whole year"), "−", sums["hospitals"]),
        ClosingRow(Label("代付供应商", "Paid to suppliers"), "−", -sums["supplier_paid"]),
        ClosingRow(
            Label("收回上年应收（归还上年基金）", "Last year's receivables, back to last year's fund"),
            "−",
            -sums["receivable_recovered"],
        ),
        ClosingRow(Label("风险金结余", "Reserve left"), "−", sums["reserve"]),
    )
    return Closing(pool, tuple(row for row in rows if row.amount_fen or row.name.en == "Fund, total"))


def close_month(figures: RunFigures, pool: str) -> Closing:
    """The closed month: payable + advance = cash paid + deposit withheld, cash as the clearing rows state it."""
    sums = _sums(figures, pool)
    cash = sum(row.cash_fen for row in figures.head_rows if row.pool == pool)
    rows = (
        ClosingRow(Label("月度应付", "Payable for the month"), "+", sums["prepayment"]),
        ClosingRow(Label("预付金", "Advance"), "+", sums["advance_paid"]),
        ClosingRow(Label("实际拨付", "Cash paid"), "−", cash),
        ClosingRow(Label("质量保证金预留", "Quality deposit withheld"), "−", -sums["deposit_withheld"]),
    )
    return Closing(pool, tuple(row for row in rows if row.amount_fen or row.name.en != "Advance"))


def close(figures: RunFigures, pool: str) -> Closing:
    return close_year(figures, pool) if figures.facts.kind == "clear" else close_month(figures, pool)


def _sums(figures: RunFigures, pool: str) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for line in figures.lines:
        if line.pool != pool:
            continue
        if line.hospital == RESERVE:
            sums["reserve"] += line.amount_fen
            if line.cause == "reserve_brought_forward":
                sums[line.cause] += line.amount_fen
        else:
            sums["hospitals"] += line.amount_fen
            sums[root(line.cause)] += line.amount_fen
    return sums


def check(figures: RunFigures) -> None:
    """Refuse figures that do not tie: file identity of each row, lines against rows, each pool closed."""
    facts = figures.facts
    _check_periods(figures)
    by_account = accounts(figures)
    month_lines: dict[tuple[str, str, str], int] = defaultdict(int)
    for line in figures.lines:
        if line.hospital != RESERVE and len(line.period) > 4:
            month_lines[line.hospital, line.pool, line.period.replace("-", "")] += line.amount_fen
    for row in figures.rows:
        where = f"hospital {row.hospital}, {row.clr_ym}"
        stated = row.applied_fen - row.deducted_fen - row.deposit_fen - row.prepaid_fen
        _tie(
            row.pool, where, "dfr_amt", row.payable_fen, "fund_appy_sum − det_sumamt − dpst_sumamt − prepay_amt", stated
        )
        if row.stmt_type == "YEAR":
            of_year = by_account.get((row.hospital, row.pool), Account())
            _tie(row.pool, where, "dfr_amt", row.payable_fen, "its yearly lines before carry-over", of_year.final_fen)
            _tie(row.pool, where, "act_dfr_amt", row.cash_fen, "its yearly lines", of_year.cash_fen)
        else:
            _tie(row.pool, where, "act_dfr_amt", row.cash_fen, "its lines of the month",
                 month_lines.pop((row.hospital, row.pool, row.clr_ym), 0))  # fmt: skip
    if month_lines:
        hospital, pool, month = min(month_lines)
        raise ReportError(f"hospital {hospital}, pool {pool}: lines of {month} have no MONTH row in clearing")
    _check_known(figures.rows, by_account, facts.kind)
    for pool in figures.pools:
        if facts.kind == "clear" and pool not in facts.split:
            raise ReportError(f"pool {pool}: the run's facts hold no split of its budget, so its fund cannot be closed")
        _tie(pool, facts.run_id, "fund closed: difference", close(figures, pool).difference_fen, "0", 0)


def _check_periods(figures: RunFigures) -> None:
    """A presettlement holds its month alone, a clearing its year and the months of it."""
    facts = figures.facts
    wanted = facts.period if facts.kind == "presettle" else facts.year
    for line in figures.lines:
        if line.period != wanted and (facts.kind == "presettle" or not line.period.startswith(f"{wanted}-")):
            raise ReportError(f"line {line.line}: period {line.period} does not belong to a {facts.kind} of {wanted}")
    for row in figures.rows:
        if not row.clr_ym.startswith(wanted.replace("-", "")):
            raise ReportError(f"clearing row of {row.hospital}: {row.clr_ym} lies outside {wanted}")


def _check_known(rows: tuple[PoolRow, ...], by_account: dict[tuple[str, str], Account], kind: str) -> None:
    known = {(row.hospital, row.pool) for row in rows if kind == "presettle" or row.stmt_type == "YEAR"}
    for hospital, pool in by_account:
        if (hospital, pool) not in known:
            raise ReportError(f"hospital {hospital}, pool {pool}: posting lines without a row in clearing")


def _tie(pool: str, where: str, left: str, left_fen: int, right: str, right_fen: int) -> None:
    if left_fen != right_fen:
        raise InvariantBroken(f"{left} = {right}", pool, right_fen, left_fen, where)
