"""Annual clearing 「年度清算」: a scored year becomes posting lines. The file to read for the order of steps.

In: cases, scores, the area and what the months really posted; out: a `YearResult` whose identities have been proved.
Each pool is cleared alone. Reserve use is in the order of the steps: fixed lines, pool sharing, pots, floors, shares.
Nothing flows back: a step never changes a line of the step before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pointvalue.allocate import prorate
from pointvalue.budget import (
    Budget,
    ClearingStopped,
    require_point_fund,
    require_reserve,
    sharing_adjustment,
    split_over_pots,
    waterfall,
)
from pointvalue.cases import I32, I64, NONE, CaseColumns, require_ascending
from pointvalue.cash import month_sums, post_deductions, settle_cash
from pointvalue.check import require_sound
from pointvalue.classes import SPECIAL_LINE, Scored
from pointvalue.fixed import exact, fen_per_point_e4
from pointvalue.fixed_wide import total
from pointvalue.invariants import prove
from pointvalue.lines import RESERVE, Ledger, PostingLine, sum_of
from pointvalue.model import AreaYear, Pool
from pointvalue.monthly import MonthsResult, settle_months
from pointvalue.pots import Pot, rows_of_pots, settle_pot
from pointvalue.results import Conservation, PoolResult, PotResult, SharingResult, Statement, YearResult
from pointvalue.sharing import HospitalShare, Standing, growth_cut, hospital_share, scale_back
from pointvalue.special import FixedLines, price_fixed_lines
from pointvalue.terms import AssessmentOn, AuditValue, Cause, Payable, Route, VarianceTo
from pointvalue.value import share_of
from pointvalue.view import Payer, PoolView, pool_view


@dataclass(frozen=True, slots=True)
class _CaseMoney:
    """Per case of the year, filled pool by pool."""

    standard_fen: I64
    fund_part_fen: I64
    pot_index: I32


def clear_year(
    cases: CaseColumns,
    scored: Scored,
    area: AreaYear,
    month_lines: Sequence[PostingLine] | None = None,
    payer: Payer | None = None,
) -> YearResult:
    """Clear a year. `month_lines` are the lines really posted during it; without them the months are settled here.

    `payer`: the columns are a digest, and this pays the cases behind its rows.
    """
    require_sound(area)
    require_ascending(cases.ids)
    months = settle_months(cases, scored, area) if month_lines is None else MonthsResult(tuple(month_lines), ())
    money = _CaseMoney(
        np.zeros(len(cases), np.int64), np.zeros(len(cases), np.int64), np.full(len(cases), NONE, np.int32)
    )
    labels: list[tuple[str, str]] = []
    pools: list[PoolResult] = []
    for index, pool in enumerate(area.pools):
        view = pool_view(cases, scored, area, index, payer)
        own_months = [line for line in months.lines if line.pool == pool.id]
        pools.append(_clear_pool(view, own_months, money, labels))
    lines = (*months.lines, *(line for pool in pools for line in pool.lines))
    result = YearResult(
        pools=tuple(pools),
        lines=tuple(sorted(lines, key=lambda line: line.sort_key)),
        months=months.table,
        pot_labels=tuple(labels),
        standard_fen=money.standard_fen,
        fund_part_fen=money.fund_part_fen,
        pot_index=money.pot_index,
    )
    prove(result, cases, scored, area)
    return result


def _clear_pool(
    view: PoolView, month_lines: Sequence[PostingLine], money: _CaseMoney, labels: list[tuple[str, str]]
) -> PoolResult:
    """Steps 2 to 14 of one pool, in order."""
    pool = view.pool
    ledger = Ledger(pool.id, str(view.area.year))
    budget = waterfall(pool)
    ledger.post(RESERVE, Cause.RESERVE_SET_ASIDE, budget.reserve_fen)
    ledger.post(RESERVE, Cause.RESERVE_BROUGHT_FORWARD, pool.brought_forward_fen)
    fixed = price_fixed_lines(view, money.fund_part_fen)
    moved = _post_fixed_lines(ledger, pool, fixed)
    require_point_fund(pool, budget.point_fund_fen + moved)
    sharing = _share_pool(ledger, view, budget.point_fund_fen + moved)
    pots = _settle_pots(ledger, view, sharing.point_fund_before_fen + sharing.adjust_fen)
    _write_cases(pots, pool.id, money, labels)
    standings = _standings(view, pots, fixed)
    shortage = max(0, -ledger.reserve_fen)
    _scale_standards_back(ledger, view, pots, fixed, standings, shortage)
    _cap_growth(ledger, pool, standings)
    shares = {code: hospital_share(pool, standing) for code, standing in standings.items()}
    _post_shares(ledger, pool, shares)
    given = scale_back(pool, list(shares.values()), ledger.reserve_fen)
    for hospital, amount in given.shares_fen.items():
        ledger.post_both(hospital, Cause.OVERSPEND_SHARED, amount)
    post_deductions(ledger, view.area, pool, pots)
    statements = _statements(ledger, view, month_lines)
    require_reserve(pool, ledger.reserve_fen)
    lines = ledger.lines()
    return PoolResult(
        pool=pool.id,
        budget=budget,
        fixed_paid_fen={line.name: line.total_fen for line in fixed.lines.values()},
        bundle_outside_fen=fixed.bundle_outside_fen,
        moved_to_points_fen=moved,
        epidemic_fen=fixed.epidemic_fen,
        sharing=sharing,
        pots=tuple(_pot_result(pot) for pot in pots),
        shortage_fen=shortage,
        standings=standings,
        shares=shares,
        scale_back=given,
        statements=statements,
        next_year_base_fen=sum(line.amount_fen for line in lines if line.hospital and line.cause in pool.next_base),
        conservation=_conservation(pool, budget, fixed, statements, [*month_lines, *lines]),
        lines=lines,
    )


def _post_fixed_lines(ledger: Ledger, pool: Pool, fixed: FixedLines) -> int:
    """Lines of step 6a; what fixed lines leave goes to the reserve, or is returned to join the points."""
    moved = 0
    for line in fixed.lines.values():
        for hospital, amount in line.paid_fen.items():
            ledger.post(hospital, Cause.FIXED_STANDARD, amount, line.name)
        left = pool.fixed_lines_fen.get(line.name, 0) - line.total_fen - line.outside_fen
        if variance_to(pool, line.name) is VarianceTo.POINTS:
            moved += left
        else:
            ledger.post(RESERVE, Cause.FIXED_VARIANCE, left, line.name)
    for hospital, amount in fixed.epidemic_fen.items():
        ledger.post(hospital, Cause.EPIDEMIC_OUTSIDE, amount)
    return moved


def variance_to(pool: Pool, line: str) -> VarianceTo:
    """Who bears a fixed line's over- or underspend; special cases belong to the points unless the policy says else."""
    default = VarianceTo.POINTS if line == SPECIAL_LINE else pool.fixed_variance
    return pool.fixed_variance_by_line.get(line, default)


def _share_pool(ledger: Ledger, view: PoolView, point_fund_fen: int) -> SharingResult:
    """Step 6b: booked spend of live cases against the point fund."""
    rows = view.routed(Route.POT)
    booked = total(view.cases.fund_fen[rows[view.live(rows)]])
    adjust = sharing_adjustment(view.pool, point_fund_fen, booked, ledger.reserve_fen)
    ledger.post(RESERVE, Cause.POOL_SHARING, -adjust)
    return SharingResult(booked, point_fund_fen, adjust)


def _settle_pots(ledger: Ledger, view: PoolView, fund_fen: int) -> list[Pot]:
    """Steps 6c and 7: pots in policy order, each seeing the reserve the one before left; then floors and caps."""
    pool = view.pool
    if not pool.pots and fund_fen:
        raise ClearingStopped(
            f"pools.{pool.id}: no scheme is paid by points, and {fund_fen} fen of the budget stand on no fixed line; "
            f"raise budget.fixed_lines by that much 没有点数付费方式，预算须全部列入定额类"
        )
    pots = []
    for terms, rows, fund in zip(pool.pots, rows_of_pots(view), split_over_pots(pool, fund_fen), strict=True):
        pot = settle_pot(view, terms, rows, fund, ledger.reserve_fen)
        ledger.post(RESERVE, Cause.BASIS_DIFFERENCE, pot.left.basis_difference_fen, pot.label)
        ledger.post(RESERVE, Cause.PV_BOUND_SPILL, pot.left.bound_spill_fen, pot.label)
        ledger.post(RESERVE, Cause.PV_ROUNDING, pot.left.rounding_fen, pot.label)
        pots.append(pot)
    for pot in pots:
        for hospital, amount in view.by_hospital(pot.rows, pot.standard_fen).items():
            ledger.post(hospital, Cause.STANDARD, amount, pot.label)
        for hospital, amount in view.by_hospital(pot.rows, pot.deducted_fen).items():
            ledger.post(hospital, Cause.PATIENT_BORNE, -amount, pot.label)
        for hospital, amount in view.by_hospital(pot.rows, pot.floor_fen).items():
            ledger.post_both(hospital, Cause.NEGATIVE_FLOOR, amount, pot.label)
        for hospital, amount in view.by_hospital(pot.rows, pot.cap_fen).items():
            ledger.post_both(hospital, Cause.OUT_OF_AREA_CAP, -amount, pot.label)
        for penalty in pot.penalties:
            if penalty.value is AuditValue.RECOMPUTED:
                ledger.post(penalty.hospital, Cause.AUDIT_POINTS, penalty.amount_fen, pot.label)
    return pots


def _write_cases(pots: Sequence[Pot], pool: str, money: _CaseMoney, labels: list[tuple[str, str]]) -> None:
    for pot in pots:
        money.standard_fen[pot.rows] = pot.standard_fen
        money.fund_part_fen[pot.rows] = pot.fund_part_fen
        money.pot_index[pot.rows] = len(labels)
        labels.append((pool, pot.label))


def _standings(view: PoolView, pots: Sequence[Pot], fixed: FixedLines) -> dict[str, Standing]:
    """S, A, G, C of every hospital with cases in the pool's pots, over live cases; named fixed lines join them."""
    standings: dict[str, Standing] = {}
    cases = view.cases
    times_ratio = view.pool.point_value.payable is Payable.TIMES_RATIO
    share = share_of(view.pool.point_value)
    by_code = {hospital.code: Standing(hospital.code, hospital.score) for hospital in view.hospitals}
    for pot in pots:
        live = view.live(pot.rows)
        rows = pot.rows[live]
        for place in np.unique(cases.hospital[pot.rows]):
            code = view.hospitals[int(place)].code
            standings[code] = by_code[code]
        sums = [
            view.by_hospital(rows, amounts)
            for amounts in (
                pot.fund_part_fen[live],
                cases.fund_fen[rows],
                cases.cost_fen[rows],
                cases.counts(rows),
                pot.paid_points_e4[live] if times_ratio else pot.standard_fen[live],
                pot.cap_fen[live],
            )
        ]
        full_price = fen_per_point_e4(pot.value.published) if times_ratio else exact(1, 1)
        for code, standing in by_code.items():
            standing.standard_fund_fen += sums[0][code]
            standing.booked_fen += sums[1][code]
            standing.cost_fen += sums[2][code]
            standing.live_count += sums[3][code]
            standing.standard_total_fen += full_price * sums[4][code] - exact(sums[5][code], share)
    for name in _shared_lines(view.pool, fixed):
        line = fixed.lines[name]
        for code, count in line.case_count.items():
            if not count:
                continue
            standing = by_code[code]
            standing.standard_fund_fen += line.paid_fen.get(code, 0)
            standing.booked_fen += line.booked_fen[code]
            standing.cost_fen += line.cost_fen[code]
            standing.live_count += count
            standing.standard_total_fen += line.gross_fen[code]
            standings[code] = standing
    return {code: standings[code] for code in by_code if code in standings}


def _shared_lines(pool: Pool, fixed: FixedLines) -> list[str]:
    also = () if pool.sharing is None else pool.sharing.also_schemes
    return [name for name in also if name in fixed.lines]


def _scale_standards_back(
    ledger: Ledger,
    view: PoolView,
    pots: Sequence[Pot],
    fixed: FixedLines,
    standings: Mapping[str, Standing],
    shortage_fen: int,
) -> None:
    """Step 7b: a reserve below zero is refilled by the units that overran their fund, in proportion; in each unit by
    its hospitals in proportion to what it pays them."""
    if not shortage_fen:
        return
    pool = view.pool
    units: list[tuple[int, dict[str, int], bool]] = []
    shared = _shared_lines(pool, fixed)
    for line in sorted(fixed.lines.values(), key=lambda each: each.name):
        over = line.total_fen + line.outside_fen - pool.fixed_lines_fen.get(line.name, 0)
        if variance_to(pool, line.name) is VarianceTo.POINTS:
            over = 0
        units.append((max(0, over), line.paid_fen, line.name in shared))
    for pot in sorted(pots, key=lambda each: each.label):
        paid = view.by_hospital(pot.rows, pot.fund_part_fen)
        for penalty in pot.penalties:
            if penalty.value is AuditValue.RECOMPUTED:
                paid[penalty.hospital] += penalty.amount_fen
        over = total(pot.floor_fen) - total(pot.cap_fen) - pot.left.total_fen
        units.append((max(0, over), paid, True))
    for (_, paid, counts), part in zip(units, prorate([over for over, _, _ in units], shortage_fen), strict=True):
        codes = sorted(paid)
        for code, cut in zip(codes, prorate([max(0, paid[code]) for code in codes], part), strict=True):
            ledger.post_both(code, Cause.STANDARD_SCALED_BACK, -cut)
            if counts and cut:
                _lower(pool, standings[code], cut)


def _lower(pool: Pool, standing: Standing, cut_fen: int) -> None:
    """A cut of the fund part lowers the full standard in the same proportion."""
    ratio = pool.point_value.ratio if pool.point_value.payable is Payable.TIMES_RATIO else None
    standing.standard_fund_fen -= cut_fen
    standing.standard_total_fen -= exact(cut_fen, ratio or 1)


def _cap_growth(ledger: Ledger, pool: Pool, standings: Mapping[str, Standing]) -> None:
    """Step 7c."""
    for code, standing in standings.items():
        cut = growth_cut(pool.hospital_growth_cap, code, standing.standard_fund_fen)
        if cut:
            ledger.post_both(code, Cause.GROWTH_CAP_CUT, -cut)
            _lower(pool, standing, cut)


def _post_shares(ledger: Ledger, pool: Pool, shares: Mapping[str, HospitalShare]) -> None:
    """Lines of steps 8 and 9."""
    for code, share in shares.items():
        ledger.post_both(code, Cause.SURPLUS_RETURNED, -share.returned_fen)
        ledger.post_both(code, Cause.ASSESSMENT_CUT, -share.cut_standard_fen, AssessmentOn.STANDARD.value)
        ledger.post_both(code, Cause.ASSESSMENT_CUT, -share.cut_surplus_fen, AssessmentOn.SURPLUS.value)


def _statements(ledger: Ledger, view: PoolView, month_lines: Sequence[PostingLine]) -> dict[str, Statement]:
    """Step 11 for every hospital that has a case, a line or a payment in the pool."""
    months = month_sums(month_lines)
    touched = {view.hospitals[int(place)].code for place in np.unique(view.cases.hospital[view.rows])}
    touched |= {line.hospital for line in (*month_lines, *ledger.lines()) if line.hospital != RESERVE}
    touched |= {*view.pool.supplier_paid_fen, *view.pool.receivable_fen}
    return {
        hospital.code: settle_cash(ledger, view.pool, hospital, months)
        for hospital in view.hospitals
        if hospital.code in touched
    }


def _conservation(
    pool: Pool,
    budget: Budget,
    fixed: FixedLines,
    statements: Mapping[str, Statement],
    lines: Sequence[PostingLine],
) -> Conservation:
    hospital_lines = [line for line in lines if line.hospital != RESERVE]
    return Conservation(
        fund_fen=budget.total_fen,
        epidemic_money_fen=sum(fixed.epidemic_fen.values()),
        receivable_carried_fen=sum(statement.carried_fen for statement in statements.values()),
        outside_fen=budget.outside_fen,
        bundle_outside_fen=fixed.bundle_outside_fen,
        paid_to_hospitals_fen=sum_of(hospital_lines, *Cause),
        paid_to_suppliers_fen=sum(pool.supplier_paid_fen.values()),
        reserve_left_fen=sum_of([line for line in lines if line.hospital == RESERVE], *Cause),
        receivable_opened_fen=sum(statement.receivable_fen for statement in statements.values()),
        brought_forward_fen=pool.brought_forward_fen,
    )


def _pot_result(pot: Pot) -> PotResult:
    return PotResult(
        label=pot.label,
        scheme=pot.terms.scheme,
        county=pot.terms.county,
        fund_fen=pot.fund_fen,
        patients_fen=pot.patients_fen,
        points_e4=pot.points_e4,
        value=pot.value,
        standards_fen=pot.total_fen,
        left=pot.left,
        penalties=pot.penalties,
        recomputed_cases=pot.recomputed_cases,
    )


__all__ = ["clear_year", "variance_to"]
