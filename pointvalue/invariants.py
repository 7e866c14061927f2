"""The identities of a cleared year, exact, checked in production from the posting lines themselves.

In: a `YearResult` with its cases and area; out: nothing, or `InvariantBroken` naming identity, pool and both figures.
A broken identity is our fault, never the data's: nothing may be published. Numbers are those of the clearing rules.
It computes no amount that anyone is paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pointvalue.cases import CaseColumns, row_of
from pointvalue.classes import Scored
from pointvalue.fixed import exact, floor, half_up
from pointvalue.fixed_wide import fits_63_bits, scaled_floor, total
from pointvalue.lines import RESERVE, PostingLine, sum_of
from pointvalue.model import AreaYear, Pool
from pointvalue.month_proof import month_faults
from pointvalue.monthly import MonthRow
from pointvalue.results import PoolResult, PotResult, YearResult
from pointvalue.terms import CASH_CAUSES, AuditValue, Cause, Flag, NegativeFinal, Payable

BOTH_SIDES = (
    Cause.NEGATIVE_FLOOR,
    Cause.OUT_OF_AREA_CAP,
    Cause.STANDARD_SCALED_BACK,
    Cause.GROWTH_CAP_CUT,
    Cause.SURPLUS_RETURNED,
    Cause.ASSESSMENT_CUT,
    Cause.OVERSPEND_SHARED,
    Cause.AUDIT_MONEY,
    Cause.OTHER,
)
"""Causes whose hospital and reserve lines cancel."""


class InvariantBroken(AssertionError):
    """An identity does not hold: the run stops and nothing is published."""

    def __init__(self, identity: str, pool: str, expected: object, found: object, detail: str = "") -> None:
        super().__init__(
            f"identity {identity} broken in pool {pool}{f' ({detail})' if detail else ''}: "
            f"expected {expected}, found {found} 恒等式不成立，本次结算不得发布"
        )
        self.identity = identity
        self.pool = pool
        self.expected = expected
        self.found = found
        self.detail = detail


def prove(result: YearResult, cases: CaseColumns, scored: Scored, area: AreaYear) -> None:
    """Every identity of every pool, from the lines of the result."""
    for pool_result, pool in zip(result.pools, area.pools, strict=True):
        lines = [line for line in result.lines if line.pool == pool.id]
        prove_pool(pool_result, pool, lines)
    _prove_months(result)
    for index, (pool_id, label) in enumerate(result.pot_labels):
        _prove_cases(result, index, pool_id, label)
        if cases.count is None:
            _prove_each_case(result, cases, scored, index, pool_id, label)
    if cases.count is None:
        # What stands behind a digest was proved case by case by whoever paid it.
        _prove_cap(result, cases, area)


def prove_pool(result: PoolResult, pool: Pool, lines: Sequence[PostingLine]) -> None:
    """Identities 1, 3 to 8 of one pool."""
    year = [line for line in lines if not line.is_month]
    months = [line for line in lines if line.is_month]
    _prove_fund_closed(result, lines)
    for pot in result.pots:
        _prove_pot(result.pool, pool, pot, year)
    _prove_split(result)
    _prove_counter_entries(result, year)
    _prove_statements(result, pool, year)
    _prove_deposit_and_advance(result, pool, year, months)
    _prove_shares(result, pool, year)


def _expect(identity: str, pool: str, expected: object, found: object, detail: str = "") -> None:
    if expected != found:
        raise InvariantBroken(identity, pool, expected, found, detail)


def _hospital_lines(lines: Iterable[PostingLine]) -> list[PostingLine]:
    return [line for line in lines if line.hospital != RESERVE]


def _reserve_lines(lines: Iterable[PostingLine]) -> list[PostingLine]:
    return [line for line in lines if line.hospital == RESERVE]


def _prove_fund_closed(result: PoolResult, lines: Sequence[PostingLine]) -> None:
    """1: total + epidemic + carried + brought forward = outside + bundle outside + hospitals + suppliers + reserve +
    receivables of last year."""
    kept = result.conservation
    came = kept.fund_fen + kept.epidemic_money_fen + kept.receivable_carried_fen + kept.brought_forward_fen
    hospitals = sum_of(_hospital_lines(lines), *Cause)
    reserve = sum_of(_reserve_lines(lines), *Cause)
    went = kept.outside_fen + kept.bundle_outside_fen + hospitals + kept.paid_to_suppliers_fen + reserve
    went += kept.receivable_opened_fen
    _expect("1 fund closed", result.pool, came, went)
    _expect("1 fund closed", result.pool, kept.paid_to_hospitals_fen, hospitals, "cash to hospitals")
    _expect("1 fund closed", result.pool, kept.reserve_left_fen, reserve, "reserve left")


def _prove_months(result: YearResult) -> None:
    """2: what is payable = what is paid + what is held, for every hospital and month of the table."""
    if result.months:
        require_months(result.months, result.lines)


def require_months(table: Sequence[MonthRow], lines: Iterable[PostingLine]) -> None:
    """2, of a table of months and the lines posted for it: a presettlement proves itself by this alone."""
    for pool, expected, found, where in month_faults(table, lines):
        raise InvariantBroken("2 mid-year", pool, expected, found, where)


def _prove_pot(pool_id: str, pool: Pool, pot: PotResult, year: Sequence[PostingLine]) -> None:
    """3: F = Σ standard − ΣP + basis difference + spill + rounding, audit items of the pot included."""
    own = [line for line in year if line.part == pot.label]
    audits = sum_of(own, Cause.AUDIT_POINTS)
    standards = sum_of(own, Cause.STANDARD) + audits
    patients = sum_of(own, Cause.PATIENT_BORNE)
    left = sum_of(own, Cause.BASIS_DIFFERENCE, Cause.PV_BOUND_SPILL, Cause.PV_ROUNDING)
    _expect("3 pot", pool_id, pot.fund_fen, standards + patients + left, pot.label)
    _expect("3 pot", pool_id, pot.standards_fen, standards, f"{pot.label} Σ allocated")
    total_fen = half_up(pot.value.fen_per_stored_point * pot.points_e4)
    _expect("3 pot", pool_id, total_fen, pot.standards_fen, f"{pot.label} T")
    deducted = -pot.patients_fen if pool.point_value.payable is Payable.MINUS_PATIENT else 0
    _expect("3 pot", pool_id, deducted, patients, f"{pot.label} patients' part")
    recomputed = sum(item.amount_fen for item in pot.penalties if item.value is AuditValue.RECOMPUTED)
    _expect("5 counter-entry", pool_id, recomputed, audits, f"{pot.label} audit points")


def _prove_cases(result: YearResult, index: int, pool_id: str, label: str) -> None:
    """3: cases add up to the pot, and pot and fund parts to the lines."""
    rows = np.flatnonzero(result.pot_index == index)
    own = [line for line in result.lines if line.pool == pool_id and line.part == label and not line.is_month]
    _expect("3 pot", pool_id, sum_of(own, Cause.STANDARD), total(result.standard_fen[rows]), f"{label} cases")
    of_cases = (Cause.STANDARD, Cause.PATIENT_BORNE, Cause.NEGATIVE_FLOOR, Cause.OUT_OF_AREA_CAP)
    lines = sum_of(_hospital_lines(own), *of_cases)
    _expect("3 pot", pool_id, lines, total(result.fund_part_fen[rows]), f"{label} fund parts")


def _prove_each_case(
    result: YearResult, cases: CaseColumns, scored: Scored, index: int, pool_id: str, label: str
) -> None:
    """3: every item of a pot lies less than one fen from its exact share."""
    pot = next(each for each in result.pool(pool_id).pots if each.label == label)
    rows = np.flatnonzero(result.pot_index == index)
    points = scored.points_e4[rows].copy()
    items = [item for item in pot.penalties if item.value is AuditValue.RECOMPUTED]
    cancelled = [row_of(cases.ids, case) for case in pot.recomputed_cases]
    points[np.searchsorted(rows, np.array(cancelled, dtype=np.int64))] = 0
    points = np.r_[points, np.array([item.points_e4 for item in items], dtype=np.int64)]
    _expect("3 pot", pool_id, pot.points_e4, total(points), f"{label} Σ points")
    amounts = np.r_[result.standard_fen[rows], np.array([item.amount_fen for item in items], dtype=np.int64)]
    factor = pot.value.fen_per_stored_point
    if fits_63_bits(factor.numerator, factor.denominator):
        floors, rests = scaled_floor(points, factor.numerator, factor.denominator)
    else:
        shares = [factor * int(each) for each in points]
        floors = np.array([floor(share) for share in shares], dtype=np.int64)
        rests = np.array([share.denominator != 1 for share in shares], dtype=np.int64)
    above = amounts - floors
    wrong = (above < 0) | (above > 1) | ((above == 1) & (rests == 0))
    if wrong.any():
        place = int(np.argmax(wrong))
        share = factor * int(points[place])
        raise InvariantBroken("3 pot", pool_id, share, int(amounts[place]), f"{label} item {place}")


def _prove_cap(result: YearResult, cases: CaseColumns, area: AreaYear) -> None:
    """3: under the cap no live case from elsewhere is paid more than it booked."""
    if not area.out_of_area_cap:
        return
    capped = (result.pot_index >= 0) & ((cases.flags & int(Flag.OUT_OF_AREA)) != 0)
    for audit in area.audits:
        row = row_of(cases.ids, audit.case)
        if row >= 0:
            capped[row] = False
    above = np.flatnonzero(capped & (result.fund_part_fen > np.maximum(cases.fund_fen, 0)))
    if above.size:
        row = int(above[0])
        pool = area.pools[int(cases.pool[row])].id
        found = int(result.fund_part_fen[row])
        raise InvariantBroken("3 cap", pool, f"≤ {int(cases.fund_fen[row])}", found, f"case {cases.ids[row]}")


def _prove_split(result: PoolResult) -> None:
    """4: pots share the point fund and pool sharing; the waterfall adds up."""
    funds = sum(pot.fund_fen for pot in result.pots)
    shared = result.sharing.point_fund_before_fen + result.sharing.adjust_fen
    _expect("4 split", result.pool, shared, funds, "pots")
    budget = result.budget
    parts = budget.reserve_fen + budget.outside_fen + budget.fixed_lines_fen
    parts += result.sharing.point_fund_before_fen - result.moved_to_points_fen
    _expect("4 split", result.pool, budget.total_fen, parts, "waterfall")


def _prove_counter_entries(result: PoolResult, year: Sequence[PostingLine]) -> None:
    """5: hospital + reserve = 0 for each cause that has both sides."""
    for label in sorted({line.label for line in year if line.cause in BOTH_SIDES}):
        both = sum(line.amount_fen for line in year if line.label == label)
        _expect("5 counter-entry", result.pool, 0, both, label)


def _prove_statements(result: PoolResult, pool: Pool, year: Sequence[PostingLine]) -> None:
    """6: entitled is the sum of the annual lines above cash; final and cash follow from it."""
    by_hospital: dict[str, list[PostingLine]] = {}
    for line in _hospital_lines(year):
        by_hospital.setdefault(line.hospital, []).append(line)
    _expect("6 statement", result.pool, set(), set(by_hospital) - set(result.statements), "hospitals without statement")
    for code, statement in result.statements.items():
        own = by_hospital.get(code, [])
        entitled = sum_of([line for line in own if line.cause not in CASH_CAUSES], *Cause)
        _expect("6 statement", result.pool, statement.entitled_fen, entitled, f"{code} entitled")
        final = entitled + sum_of(own, *(CASH_CAUSES - {Cause.CARRIED_TO_NEXT_YEAR}))
        _expect("6 statement", result.pool, statement.final_fen, final, f"{code} final")
        cash = final + sum_of(own, Cause.CARRIED_TO_NEXT_YEAR)
        _expect("6 statement", result.pool, statement.final_cash_fen, cash, f"{code} final cash")
        if pool.negative_final is NegativeFinal.CARRY and cash < 0:
            raise InvariantBroken("6 statement", result.pool, "≥ 0", cash, f"{code} final cash")


def _prove_deposit_and_advance(
    result: PoolResult, pool: Pool, year: Sequence[PostingLine], months: Sequence[PostingLine]
) -> None:
    """7: deposit withheld = released + forfeited; prepaid and advance of the months come back; reserve ≥ 0."""
    withheld = -sum_of(months, Cause.DEPOSIT_WITHHELD)
    _expect("7 deposit", result.pool, withheld, sum_of(year, Cause.QUALITY_DEPOSIT, Cause.DEPOSIT_FORFEITED))
    _expect("7 advance", result.pool, sum_of(months, Cause.ADVANCE_PAID), -sum_of(year, Cause.ADVANCE_RECOVERED))
    _expect("7 prepaid", result.pool, sum_of(months, Cause.PREPAYMENT), -sum_of(year, Cause.PREPAID))
    _expect("7 opening", result.pool, sum(pool.receivable_fen.values()), -sum_of(year, Cause.RECEIVABLE_RECOVERED))
    _expect("7 opening", result.pool, pool.brought_forward_fen, sum_of(year, Cause.RESERVE_BROUGHT_FORWARD))
    left = sum_of(_reserve_lines(year), *Cause)
    if left < 0:
        raise InvariantBroken("7 reserve", result.pool, "≥ 0", left)


def _prove_shares(result: PoolResult, pool: Pool, year: Sequence[PostingLine]) -> None:
    """8: 0 ≤ k ≤ 1, shares within what is available; returned = p̄·(gap − kept) to half a fen."""
    given = result.scale_back
    if not 0 <= given.k <= 1:
        raise InvariantBroken("8 shares", result.pool, "0..1", given.k, "k")
    shared = sum_of(_hospital_lines(year), Cause.OVERSPEND_SHARED)
    _expect("8 shares", result.pool, sum(given.shares_fen.values()), shared, "lines")
    if shared > given.available_fen:
        raise InvariantBroken("8 shares", result.pool, f"≤ {given.available_fen}", shared, "available")
    for code, share in result.shares.items():
        own = [line for line in year if line.hospital == code]
        _expect("8 shares", result.pool, share.returned_fen, -sum_of(own, Cause.SURPLUS_RETURNED), code)
        gap = share.standard_fen - share.actual_fen
        if gap > 0 and share.returned_fen:
            off = abs(share.returned_fen - share.multiplier * (gap - share.kept_fen))
            if off > exact(1, 2):
                raise InvariantBroken("8 shares", result.pool, "within half a fen", off, f"{code} returned")
