"""Monthly pre-settlement 「月度预结算」: what is declared, payable, withheld and paid each month.

In: scored cases and the terms of each month; out: one row per hospital, pool and month, and its posting lines.
A case is declared in the month it belongs to even if an audit cancels it later; clearing corrects that.
Months know no point value but the budget one, and change no standard.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pointvalue.allocate import prorate
from pointvalue.budget import ClearingStopped
from pointvalue.cases import I64, CaseColumns
from pointvalue.classes import Scored
from pointvalue.fixed import fen_per_point_e4, half_up
from pointvalue.fixed_wide import scaled_half_up, sum_by
from pointvalue.lines import Ledger, PostingLine, month_period
from pointvalue.model import AreaYear, Hospital, MonthTerms, PointScheme, Pool
from pointvalue.special import contract_amount
from pointvalue.terms import UNPAID_ROUTES, Cause, MonthlyBasis, Route

MONTHS = 12


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One hospital, pool and month. Sums are over the month's cases, except those a contract or another budget
    pays."""

    pool: str
    hospital: str
    month: int
    case_count: int
    cost_fen: int
    patient_fen: int
    booked_fen: int
    points_e4: int
    declared_fen: int
    held_to_year_end_fen: int
    contract_twelfth_fen: int
    payable_fen: int
    deposit_fen: int
    advance_fen: int

    @property
    def cash_fen(self) -> int:
        """What is paid out in the month, an advance apart."""
        return self.payable_fen - self.deposit_fen


@dataclass(frozen=True, slots=True)
class MonthsResult:
    """Posting lines and the table they come from."""

    lines: tuple[PostingLine, ...]
    table: tuple[MonthRow, ...]


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums per hospital and month of one pool, at place hospital × 12 + month − 1."""

    count: I64
    cost: I64
    patient: I64
    booked: I64
    points: I64
    declared: I64
    seen: I64


def settle_month(cases: CaseColumns, scored: Scored, area: AreaYear, month: int) -> MonthsResult:
    """One month 「月度预结算」; only cases of that month count, others may be among the columns."""
    return _settle(cases, scored, area, (month,))


def settle_months(cases: CaseColumns, scored: Scored, area: AreaYear) -> MonthsResult:
    """All twelve months of the year."""
    return _settle(cases, scored, area, range(1, MONTHS + 1))


def _settle(cases: CaseColumns, scored: Scored, area: AreaYear, months: Iterable[int]) -> MonthsResult:
    wanted = tuple(months)
    table: list[MonthRow] = []
    lines: list[PostingLine] = []
    for index, pool in enumerate(area.pools):
        sums = _pool_sums(cases, scored, area, index)
        for place, hospital in enumerate(area.hospitals):
            twelfths = _contract_twelfths(area, pool, hospital)
            in_wanted = [place * MONTHS + month - 1 for month in wanted]
            if not (sums.seen[in_wanted].any() or any(twelfths) or hospital.code in pool.advance_fen):
                continue
            for month in wanted:
                row = _month_row(area, pool, hospital, month, sums, place * MONTHS + month - 1, twelfths[month - 1])
                table.append(row)
                lines += _month_lines(area, row)
    lines.sort(key=lambda line: line.sort_key)
    return MonthsResult(tuple(lines), tuple(table))


def _pool_sums(cases: CaseColumns, scored: Scored, area: AreaYear, pool_index: int) -> _Sums:
    in_pool = np.flatnonzero(cases.pool == pool_index)
    rows: I64 = in_pool[~np.isin(scored.route[in_pool], [int(route) for route in UNPAID_ROUTES])]
    places = cases.hospital[rows].astype(np.int64) * MONTHS + cases.month[rows] - 1
    size = len(area.hospitals) * MONTHS

    def summed(amounts: I64) -> I64:
        return sum_by(places, amounts, size)

    all_places = cases.hospital[in_pool].astype(np.int64) * MONTHS + cases.month[in_pool] - 1
    return _Sums(
        summed(cases.counts(rows)),
        summed(cases.cost_fen[rows]),
        summed(cases.patient_fen[rows]),
        summed(cases.fund_fen[rows]),
        summed(scored.points_e4[rows]),
        summed(declared(cases, scored, area, pool_index, rows)),
        sum_by(all_places, cases.counts(in_pool), size),
    )


def declared(cases: CaseColumns, scored: Scored, area: AreaYear, pool_index: int, rows: I64) -> I64:
    """Declared fen of each case: what it booked, or half_up(points × budget point value) − patient part."""
    if cases.declared_fen is not None:
        return cases.declared_fen[rows]
    amounts = cases.fund_fen[rows].copy()
    pool = area.pools[pool_index]
    by_points = np.array([terms.basis is MonthlyBasis.POINTS for terms in pool.months], dtype=np.bool_)
    if not by_points.any():
        return amounts
    chosen = by_points[cases.month[rows] - 1] & (scored.route[rows] == int(Route.POT))
    for index, scheme in enumerate(area.schemes):
        if not isinstance(scheme, PointScheme):
            continue
        places = np.flatnonzero(chosen & (cases.scheme[rows] == index))
        if not places.size:
            continue
        if pool.id not in scheme.budget_point_value:
            raise ClearingStopped(f"schemes.{scheme.name}.budget_pv: pool {pool.id} is missing 缺少预算点值")
        factor = fen_per_point_e4(scheme.budget_point_value[pool.id])
        of_scheme = rows[places]
        priced = scaled_half_up(scored.points_e4[of_scheme], factor.numerator, factor.denominator)
        amounts[places] = priced - cases.patient_fen[of_scheme]
    return amounts


def _contract_twelfths(area: AreaYear, pool: Pool, hospital: Hospital) -> list[int]:
    """A hospital's contracts by month: each ÷ 12, the fen left over to the first months."""
    twelfths = [0] * MONTHS
    for contract in area.contracts:
        if contract.hospital == hospital.code and contract.pool == pool.id:
            parts = prorate([1] * MONTHS, contract_amount(contract))
            twelfths = [sofar + part for sofar, part in zip(twelfths, parts, strict=True)]
    return twelfths


def _month_row(
    area: AreaYear, pool: Pool, hospital: Hospital, month: int, sums: _Sums, place: int, twelfth: int
) -> MonthRow:
    """Payable and deposit of one hospital and month.

    taken = max(0, min(declared, quota)); payable = half_up(ρ × (taken + twelfth)); deposit = half_up(δ × payable)
    """
    terms = pool.months[month - 1]
    declared = int(sums.declared[place])
    quota = terms.quota_fen.get(hospital.code)
    within = declared if quota is None else min(declared, quota)
    payable = half_up(_rate(terms, hospital) * (max(0, within) + twelfth))
    return MonthRow(
        pool=pool.id,
        hospital=hospital.code,
        month=month,
        case_count=int(sums.count[place]),
        cost_fen=int(sums.cost[place]),
        patient_fen=int(sums.patient[place]),
        booked_fen=int(sums.booked[place]),
        points_e4=int(sums.points[place]),
        declared_fen=declared,
        held_to_year_end_fen=declared - within,
        contract_twelfth_fen=twelfth,
        payable_fen=payable,
        deposit_fen=half_up(terms.deposit_rate * payable),
        advance_fen=pool.advance_fen.get(hospital.code, 0) if month == 1 else 0,
    )


def _rate(terms: MonthTerms, hospital: Hospital) -> Fraction:
    """Monthly rate ρ: the credit class's where it has one, else the common rate."""
    return terms.rate_by_credit.get(hospital.credit, terms.rate)


def _month_lines(area: AreaYear, row: MonthRow) -> tuple[PostingLine, ...]:
    ledger = Ledger(row.pool, month_period(area.year, row.month))
    ledger.post(row.hospital, Cause.PREPAYMENT, row.payable_fen)
    ledger.post(row.hospital, Cause.DEPOSIT_WITHHELD, -row.deposit_fen)
    ledger.post(row.hospital, Cause.ADVANCE_PAID, row.advance_fen)
    return ledger.lines()
