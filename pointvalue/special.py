"""Fixed lines 「定额类」: schemes paid at their own price, and contracts. Step 6a.

In: the rows of a pool outside its pots, and the pool's contracts; out: fund fen per case, per hospital and line.
Bed-days, single diseases, paid-as-booked cases, capitation, bundles, epidemic cases. No point value is involved and
nothing here depends on another hospital.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from pointvalue.budget import ClearingStopped
from pointvalue.by_day import by_day
from pointvalue.cases import I64, CaseFault
from pointvalue.classes import FFS_LINE, SPECIAL_LINE
from pointvalue.fixed import exact, half_up
from pointvalue.fixed_wide import scaled_half_up, total
from pointvalue.model import BedDayTier, BundleContract, CapitationContract, Contract, FixedScheme
from pointvalue.single import SingleDeviation, deviated_fund
from pointvalue.terms import Route, SchemeKind
from pointvalue.view import PoolView

CAPITATION_LINE = "capitation"
BUNDLE_LINE = "bundle"


@dataclass(slots=True)
class FixedLine:
    """One fixed line of a pool: what hospitals are paid, what the cases booked, cost and stand for in full."""

    name: str
    paid_fen: dict[str, int] = field(default_factory=dict)
    booked_fen: dict[str, int] = field(default_factory=dict)
    cost_fen: dict[str, int] = field(default_factory=dict)
    gross_fen: dict[str, int] = field(default_factory=dict)
    case_count: dict[str, int] = field(default_factory=dict)
    outside_fen: int = 0

    @property
    def total_fen(self) -> int:
        return sum(self.paid_fen.values())

    def pay(self, hospital: str, amount_fen: int) -> None:
        self.paid_fen[hospital] = self.paid_fen.get(hospital, 0) + amount_fen


@dataclass(frozen=True, slots=True)
class FixedLines:
    """All fixed lines of a pool by name, policy order first; epidemic money by hospital, from outside the budget."""

    lines: dict[str, FixedLine]
    epidemic_fen: dict[str, int]

    @property
    def bundle_outside_fen(self) -> int:
        return sum(line.outside_fen for line in self.lines.values())


def price_fixed_lines(view: PoolView, case_fund_fen: I64) -> FixedLines:
    """Fund part of every case outside the pots (written to `case_fund_fen`), and the contracts of the pool."""
    lines = {name: FixedLine(name) for name in view.pool.fixed_lines_fen}
    rows = view.routed(Route.FIXED)
    for index, name in enumerate(view.scored.lines):
        of_line = rows[view.scored.line[rows] == index]
        if of_line.size:
            _price_line(view, lines.setdefault(name, FixedLine(name)), of_line, case_fund_fen)
    contracts = [contract for contract in view.area.contracts if contract.pool == view.pool.id]
    _require_bundle_contract(view, contracts)
    for contract in contracts:
        _pay_contract(view, contract, lines)
    epidemic = view.routed(Route.EPIDEMIC)
    case_fund_fen[epidemic] = view.cases.fund_fen[epidemic]
    return FixedLines(lines, view.by_hospital(epidemic, view.cases.fund_fen[epidemic]))


def _price_line(view: PoolView, line: FixedLine, rows: I64, case_fund_fen: I64) -> None:
    gross, fund = case_prices(view, line.name, rows)
    case_fund_fen[rows] = fund
    cases = view.cases
    line.paid_fen = _plus(line.paid_fen, view.by_hospital(rows, fund))
    line.gross_fen = view.by_hospital(rows, gross)
    line.booked_fen = view.by_hospital(rows, cases.fund_fen[rows])
    line.cost_fen = view.by_hospital(rows, cases.cost_fen[rows])
    line.case_count = view.by_hospital(rows, cases.counts(rows))


def case_prices(view: PoolView, name: str, rows: I64) -> tuple[I64, I64]:
    """(full price, fund part) of the cases of one line, which may hold cases of several schemes (`ffs`)."""
    if view.cases.gross_fen is not None and view.cases.price_fen is not None:
        return view.cases.gross_fen[rows], view.cases.price_fen[rows]
    gross, fund = view.cases.cost_fen[rows].copy(), view.cases.fund_fen[rows].copy()
    if name == SPECIAL_LINE and view.cases.special_fund_fen is not None:
        fund = view.cases.special_fund_fen[rows].copy()
    for index, scheme in enumerate(view.area.schemes):
        if not isinstance(scheme, FixedScheme) or scheme.kind not in (SchemeKind.BED_DAY, SchemeKind.SINGLE):
            continue
        own = np.flatnonzero(view.cases.scheme[rows] == index)
        for terms, places in _by_day(view, scheme, rows, own):
            quota = (_bed_day_quotas if terms.kind is SchemeKind.BED_DAY else _single_quotas)(view, terms, rows[places])
            gross[places] = quota
            fund[places] = _fund_part(view, terms, quota, rows[places], rows[own])
    return gross, fund


def _by_day(view: PoolView, scheme: FixedScheme, rows: I64, places: I64) -> Iterator[tuple[FixedScheme, I64]]:
    """The cases of a scheme by the prices that hold on their own date."""
    for terms, held in by_day(((0, scheme), *scheme.later), view.cases.value_day[rows[places]]):
        yield terms, places[held]


def _fund_part(view: PoolView, scheme: FixedScheme, quota_fen: I64, rows: I64, of_year: I64) -> I64:
    """S = half_up(quota × fund ratio) of every case, or shared around the quota where the scheme says so.

    `of_year`: every case of the scheme, also those at earlier or later prices.
    """
    ratio = scheme.fund_ratio.get(view.pool.id)
    if ratio is None:
        raise ClearingStopped(
            f"schemes.{scheme.name}.fund_ratio: pool {view.pool.id} is missing; give the fund's part of the quota "
            f"缺少统筹支付比例"
        )
    if scheme.deviation is None:
        return scaled_half_up(quota_fen, ratio.numerator, ratio.denominator)
    return _around_quota(view, scheme.deviation, quota_fen, ratio, rows, of_year)


def _around_quota(
    view: PoolView, deviation: SingleDeviation, quota_fen: I64, ratio: Fraction, rows: I64, of_year: I64
) -> I64:
    """Fund part of single diseases that share savings and overruns; p̄ given, or by its cases of the year."""
    cost, places = view.cases.cost_fen[rows], view.cases.hospital[rows]
    booked_by = view.by_hospital(of_year, view.cases.fund_fen[of_year])
    cost_by = view.by_hospital(of_year, view.cases.cost_fen[of_year])
    own = []
    for hospital in view.hospitals:
        spent = cost_by[hospital.code]
        seen = exact(booked_by[hospital.code], spent) if spent else ratio
        own.append(deviation.own_ratio.get((hospital.code, view.pool.id), seen))
    parts = [
        deviated_fund(quota, spent, ratio, own[place], deviation)
        for quota, spent, place in zip(quota_fen.tolist(), cost.tolist(), places.tolist(), strict=True)
    ]
    return np.array(parts, np.int64)


def _bed_day_quotas(view: PoolView, scheme: FixedScheme, rows: I64) -> I64:
    """Bed-day quota 「床日定额」: Σ over tiers of days in the tier × its rate."""
    quotas = np.zeros(rows.size, np.int64)
    groups = view.cases.group[rows]
    for group in np.unique(groups):
        places = np.flatnonzero(groups == group)
        tiers = scheme.tiers_by_group.get(view.cases.groups[int(group)], scheme.tiers)
        quotas[places] = _tiered_days(tiers, view.cases.days[rows[places]].astype(np.int64))
    return quotas


def _tiered_days(tiers: Iterable[BedDayTier], days: I64) -> I64:
    quotas = np.zeros(days.size, np.int64)
    for tier in tiers:
        upto = days if tier.last is None else np.minimum(days, tier.last)
        quotas += np.maximum(upto - (tier.first - 1), 0) * tier.rate_fen
    return quotas


def _single_quotas(view: PoolView, scheme: FixedScheme, rows: I64) -> I64:
    """Single-disease quota 「单病种定额」 by group, hospital level and pool."""
    cases = view.cases
    pairs = cases.group[rows].astype(np.int64) * len(view.hospitals) + cases.hospital[rows]
    kinds, where = np.unique(pairs, return_inverse=True)
    quotas = np.zeros(kinds.size, np.int64)
    for place, kind in enumerate(kinds):
        group, hospital = divmod(int(kind), len(view.hospitals))
        key = (cases.groups[group], view.hospitals[hospital].level, view.pool.id)
        if key not in scheme.quota_fen:
            row = int(rows[int(np.argmax(where == place))])
            raise CaseFault(row, cases.ids[row], f"schemes.{scheme.name}.quota_fen has no {'/'.join(key)} 缺少定额")
        quotas[place] = scheme.quota_fen[key]
    return quotas[where]


def contract_amount(contract: Contract) -> int:
    """What a contract is worth in the year, the base of its monthly twelfths."""
    if isinstance(contract, CapitationContract):
        return half_up(contract.rate_fen * contract.enrolled * contract.assessment)
    return contract.package_fen


def _pay_contract(view: PoolView, contract: Contract, lines: dict[str, FixedLine]) -> None:
    name = CAPITATION_LINE if isinstance(contract, CapitationContract) else BUNDLE_LINE
    line = lines.setdefault(name, FixedLine(name))
    if isinstance(contract, CapitationContract):
        line.pay(contract.hospital, contract_amount(contract))
        return
    inside = contract.inside_fen if contract.inside_fen is not None else _inside_spend(view, contract)
    line.pay(contract.hospital, bundle_payment(contract, inside))
    line.outside_fen += contract.outside_fen


def bundle_payment(contract: BundleContract, inside_fen: int) -> int:
    """Payment of a bundle 「医共体包干」: inside spend, plus the part of a surplus it retains, less a deficit the fund
    does not bear.

        u = package − inside − outside; u ≥ 0: inside + retain·u; u < 0: inside + u + fund_bears_deficit·(−u)
    """
    surplus = contract.package_fen - inside_fen - contract.outside_fen
    if surplus >= 0:
        return inside_fen + half_up(contract.retain * surplus)
    return inside_fen + surplus + half_up(contract.fund_bears_deficit * -surplus)


def _inside_spend(view: PoolView, contract: BundleContract) -> int:
    """Booked fund of the members' bundle cases; they are paid nowhere else."""
    rows = view.routed(Route.BUNDLE)
    members = _members(contract)
    inside = np.array([hospital.code in members for hospital in view.hospitals], dtype=np.bool_)
    return total(view.cases.fund_fen[rows[inside[view.cases.hospital[rows]]]])


def _require_bundle_contract(view: PoolView, contracts: list[Contract]) -> None:
    """Every bundle case belongs to exactly one contract; otherwise it would be paid nowhere or twice."""
    bundles = [contract for contract in contracts if isinstance(contract, BundleContract)]
    rows = view.routed(Route.BUNDLE)
    for place in np.unique(view.cases.hospital[rows]):
        code = view.hospitals[int(place)].code
        holders = [each for each in bundles if code in _members(each)]
        if len(holders) != 1:
            row = int(rows[int(np.argmax(view.cases.hospital[rows] == place))])
            raise CaseFault(
                row,
                view.cases.ids[row],
                f"hospital {code} is a member of {len(holders)} bundle contracts of pool {view.pool.id}, needs one",
            )


def _members(contract: BundleContract) -> tuple[str, ...]:
    return contract.members or (contract.hospital,)


def _plus(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    return {code: left.get(code, 0) + right.get(code, 0) for code in {**left, **right}}


__all__ = [
    "FFS_LINE",
    "FixedLine",
    "FixedLines",
    "bundle_payment",
    "case_prices",
    "contract_amount",
    "price_fixed_lines",
]
