"""The pots of a pool: point value, standards of cases, audit points. Steps 5, 6c and 7.

In: the rows with points, the fund of each pot and the reserve; out: fen per case that add up to the pot's total.
A case lies in exactly one pot. Penalty points of a recomputed audit are an item of their own with key `case#penalty`.
It posts nothing: `annual` writes the lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pointvalue.allocate import allocate_points
from pointvalue.cases import I64, CaseFault, insertion_row
from pointvalue.fixed import fen_per_point_e4, half_up
from pointvalue.fixed_wide import total
from pointvalue.model import AuditCancel, PointScheme, PotTerms
from pointvalue.out_of_area import cut_to_fee, from_elsewhere
from pointvalue.terms import AuditValue, NegativeCase, PatientPart, Payable, Route
from pointvalue.value import PointValue, PotLeft, find_value, pot_left, pot_total
from pointvalue.view import PoolView


@dataclass(frozen=True, slots=True)
class Penalty:
    """Audit points of one cancelled case. `amount_fen` < 0; recomputed ones are part of the pot's total."""

    case: str
    hospital: str
    points_e4: int
    amount_fen: int
    value: AuditValue


@dataclass(frozen=True, slots=True)
class Pot:
    """A settled pot. `rows` with points, standard, patient part deducted, floor and cap placed alike, all in fen."""

    terms: PotTerms
    fund_fen: int
    patients_fen: int
    points_e4: int
    value: PointValue
    total_fen: int
    left: PotLeft
    rows: I64
    paid_points_e4: I64
    standard_fen: I64
    deducted_fen: I64
    floor_fen: I64
    cap_fen: I64
    penalties: tuple[Penalty, ...]
    recomputed_cases: tuple[str, ...]

    @property
    def label(self) -> str:
        return self.terms.label

    @property
    def fund_part_fen(self) -> I64:
        """S of each case."""
        return self.standard_fen - self.deducted_fen + self.floor_fen - self.cap_fen


def rows_of_pots(view: PoolView) -> list[I64]:
    """Rows of each pot in policy order; a case in no pot or in two stops the run."""
    rows = view.routed(Route.POT)
    names = [scheme.name for scheme in view.area.schemes]
    hits = np.zeros(rows.size, np.int64)
    found = []
    for terms in view.pool.pots:
        inside = view.cases.scheme[rows] == names.index(terms.scheme)
        if terms.county is not None:
            of_county = np.array([hospital.county == terms.county for hospital in view.hospitals], dtype=np.bool_)
            inside &= of_county[view.cases.hospital[rows]]
        hits += inside
        found.append(rows[inside])
    if (hits != 1).any():
        row = int(rows[int(np.argmax(hits != 1))])
        raise CaseFault(
            row, view.cases.ids[row], f"it lies in {int(hits[np.argmax(hits != 1)])} pots of pool {view.pool.id}"
        )
    return found


def settle_pot(view: PoolView, terms: PotTerms, rows: I64, fund_fen: int, reserve_fen: int) -> Pot:
    """Point value and standards of one pot 「支付标准」.

    T = half_up(share × published × Σ points); cases by largest remainder, penalty items included
    """
    policy = view.pool.point_value
    points = view.scored.points_e4[rows].copy()
    recomputed = [(row, audit) for row, audit in _audits(view, rows) if audit.value is AuditValue.RECOMPUTED]
    released = _released(view, rows, recomputed)
    places = np.searchsorted(rows, np.array([row for row, _ in recomputed], dtype=np.int64))
    points[places] = 0
    items, item_places = _with_penalties(view, rows, points, recomputed)
    patients = view.cases.patient_fen[rows] * ~released
    patients_fen, points_e4 = total(patients), total(items)
    value = find_value(policy, fund_fen, patients_fen, points_e4, budget_value(view, terms), reserve_fen, terms.price)
    total_fen = pot_total(value, points_e4)
    left = pot_left(policy, value, fund_fen, patients_fen, points_e4, total_fen)
    if view.payer is not None:
        assert not recomputed, "a digest holds no audited case"
        paid = view.payer.pay(view.pool_index, terms.label, rows, value.fen_per_stored_point, total_fen)
        borne = patients if policy.payable is Payable.MINUS_PATIENT else np.zeros_like(patients)
        return Pot(
            terms, fund_fen, patients_fen, points_e4, value, total_fen, left,
            rows, points, paid.standard_fen, borne, paid.floor_fen, paid.cap_fen, (), (),
        )  # fmt: skip
    amounts = allocate_points(items, value.fen_per_stored_point, total_fen)
    own = np.ones(items.size, np.bool_)
    own[item_places] = False
    standard = amounts[own]
    deducted = patients if policy.payable is Payable.MINUS_PATIENT else np.zeros_like(patients)
    floors = _floors(view, rows, standard - deducted)
    penalties = [
        Penalty(audit.case, view.hospital_of(row), int(items[place]), int(amounts[place]), audit.value)
        for (row, audit), place in zip(_extra_items(recomputed), item_places, strict=True)
    ]
    frozen = [(row, audit) for row, audit in _audits(view, rows) if audit.value is AuditValue.FROZEN]
    penalties += [_claw_back(view, row, audit, rows, standard, value) for row, audit in frozen]
    return Pot(
        terms, fund_fen, patients_fen, points_e4, value, total_fen, left,
        rows, points, standard, deducted, floors, _caps(view, rows, standard - deducted + floors), tuple(penalties),
        tuple(audit.case for _, audit in recomputed),
    )  # fmt: skip


def _audits(view: PoolView, rows: I64) -> list[tuple[int, AuditCancel]]:
    return [(int(row), view.cancelled[int(row)]) for row in view.cancelled_rows if _holds(rows, int(row))]


def _holds(rows: I64, row: int) -> bool:
    place = int(np.searchsorted(rows, row))
    return place < rows.size and int(rows[place]) == row


def _released(
    view: PoolView, rows: I64, recomputed: list[tuple[int, AuditCancel]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows leave the patients' part: cancelled, recomputed, under `release`."""
    released = np.zeros(rows.size, np.bool_)
    if view.area.penalty_patient_part is PatientPart.RELEASE:
        released[np.searchsorted(rows, np.array([row for row, _ in recomputed], dtype=np.int64))] = True
    return released


def extra_points_e4(view: PoolView, row: int, audit: AuditCancel) -> int:
    """Extra points of a cancelled case: multiple × base points, no coefficient."""
    return half_up(audit.extra_multiple * int(view.cases.base_points_e4[row]))


def _extra_items(recomputed: list[tuple[int, AuditCancel]]) -> list[tuple[int, AuditCancel]]:
    """The decisions that make a penalty item, in order of the items' keys."""
    extras = [(row, audit) for row, audit in recomputed if audit.extra_multiple]
    return sorted(extras, key=lambda each: penalty_key(each[1].case))


def penalty_key(case: str) -> str:
    """Key of a case's penalty item: it decides ties between equal remainders."""
    return f"{case}#penalty"


def _with_penalties(
    view: PoolView, rows: I64, points: I64, recomputed: list[tuple[int, AuditCancel]]
) -> tuple[I64, I64]:
    """Points of cases and penalty items in order of their keys, and where the penalty items stand."""
    extras = _extra_items(recomputed)
    before = [int(np.searchsorted(rows, insertion_row(view.cases.ids, penalty_key(audit.case)))) for _, audit in extras]
    values = [-extra_points_e4(view, row, audit) for row, audit in extras]
    items = np.insert(points, before, values)
    places = np.array([place + number for number, place in enumerate(before)], dtype=np.int64)
    return items, places


def budget_value(view: PoolView, terms: PotTerms) -> Fraction | None:
    """Budget point value of a pot, yuan per point: its own, else its scheme's in the pool; None where none is given."""
    if terms.budget_point_value is not None:
        return terms.budget_point_value
    scheme = next(each for each in view.area.schemes if each.name == terms.scheme)
    return scheme.budget_point_value.get(view.pool.id) if isinstance(scheme, PointScheme) else None


def _claw_back(view: PoolView, row: int, audit: AuditCancel, rows: I64, standard: I64, value: PointValue) -> Penalty:
    """What a frozen decision takes back: the standard of the case and its extra points at the published value.

    Under `release` the patients' part, deducted with the pot, is given back.
    """
    place = int(np.searchsorted(rows, row))
    extra_e4 = extra_points_e4(view, row, audit)
    taken = int(standard[place]) + half_up(fen_per_point_e4(value.published) * extra_e4)
    minus_patient = view.pool.point_value.payable is Payable.MINUS_PATIENT
    if minus_patient and view.area.penalty_patient_part is PatientPart.RELEASE:
        taken -= int(view.cases.patient_fen[row])
    return Penalty(audit.case, view.hospital_of(row), -extra_e4, -taken, audit.value)


def _floors(view: PoolView, rows: I64, fund_part: I64) -> I64:
    """What lifts a live case with a negative result to zero, under `floor_zero`."""
    if view.pool.negative_case is NegativeCase.KEEP:
        return np.zeros(rows.size, np.int64)
    return np.where(view.live(rows), np.maximum(-fund_part, 0), 0)


def _caps(view: PoolView, rows: I64, fund_part: I64) -> I64:
    """What live cases from elsewhere are not paid because it lies above what they booked."""
    capped = from_elsewhere(view.cases, view.area, rows) & view.live(rows)
    return cut_to_fee(fund_part, view.cases.fund_fen[rows], capped)
