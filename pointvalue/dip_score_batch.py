"""Points of many DIP cases at once 「DIP批量计分」.

In: `ScoringTables` and columns of grouped cases; out: points ×10⁴ rounded once, the deviation label, whether a case is
paid at cost. Equal to `dip_scoring.score_points` case by case: what does not fit 128 bits is worked out there.
It looks up no hospital and no price: coefficients come with the cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pointvalue.cases import I64
from pointvalue.dip_score_kernel import AT_COST, DONE, NO_BAND, NULL, REMEMBERED, ROW_BLANK, ROW_GROUP, score_rows
from pointvalue.dip_score_tables import FORMULAS, GroupedCase, ScoringError, ScoringTables
from pointvalue.dip_scoring import score_points
from pointvalue.fixed import E4, E6, FEN_PER_YUAN, exact, half_up


@dataclass(frozen=True)
class DipColumns:
    """Cases that have a group, the blank group included. Money is fen, points ×10⁴, coefficients ×10⁶."""

    cost_fen: I64
    base_points_e4: I64
    """Of the auxiliary row where one applies."""
    auxiliary_factor_e6: I64
    cost_factor_e6: I64
    """K of the case: that of primary-care groups for those of their layer."""
    own_factor_e6: I64
    """The row's own factor in its reference cost 「基层系数」; 10⁶ elsewhere."""
    coefficient_e6: I64
    """h, as `dip_scoring.coefficient` finds it."""
    group_mean_fen: I64
    """Mean cost of the row itself; only the blank group asks for it."""
    is_blank: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cost_fen)


@dataclass(frozen=True)
class DipScored:
    """One answer per case."""

    points_e4: I64
    band: I64
    """Place in the scoring table's bands; cases paid at cost and the blank group have the normal one."""
    is_paid_at_cost: NDArray[np.bool_]


def score_columns(scoring: ScoringTables, cases: DipColumns) -> DipScored:
    """Points and bands of every case; raises ScoringError where a case has no answer."""
    normal = next((n for n, band in enumerate(scoring.bands) if band.formula == "one"), None)
    if normal is None:
        raise ScoringError("table deviation has no band with formula one; every area has a normal band 「正常倍率」.")
    _require(cases)
    status, band, points = (np.zeros(len(cases), np.int64) for _ in range(3))
    score_rows(
        np.where(cases.is_blank, ROW_BLANK, ROW_GROUP), cases.cost_fen, cases.base_points_e4,
        cases.auxiliary_factor_e6, cases.cost_factor_e6, cases.own_factor_e6, cases.coefficient_e6,
        cases.group_mean_fen, _bands(scoring), normal, scoring.ungrouped.factor_e6,
        np.zeros((4 * REMEMBERED, 3), np.int64), status, band, points,
    )  # fmt: skip
    for row in np.flatnonzero((status != DONE) & (status != AT_COST)).tolist():
        band[row], points[row] = _by_fractions(scoring, cases, row, int(status[row]))
    return DipScored(points, band, status == AT_COST)


def _bands(scoring: ScoringTables) -> I64:
    rows = [
        (
            NULL if band.lo_e6 is None else band.lo_e6,
            band.lo_inclusive,
            NULL if band.hi_e6 is None else band.hi_e6,
            band.hi_inclusive,
            FORMULAS.index(band.formula),
            band.apply_hospital,
            band.apply_aux,
        )
        for band in scoring.bands
    ]
    return np.array(rows, np.int64)


def _require(cases: DipColumns) -> None:
    """No number may be negative or missing; the message names the column and the row."""
    for name in (
        "cost_fen", "base_points_e4", "auxiliary_factor_e6", "cost_factor_e6", "own_factor_e6", "coefficient_e6",
    ):  # fmt: skip
        wrong = np.flatnonzero(getattr(cases, name) < 0)
        if len(wrong):
            raise ScoringError(f"case {int(wrong[0])} of {len(cases)} has no {name}; look it up before scoring.")


def _by_fractions(scoring: ScoringTables, cases: DipColumns, row: int, status: int) -> tuple[int, int]:
    """(band, points) of a case whose numbers pass 128 bits, or that has no band at all."""
    base, aux = exact(int(cases.base_points_e4[row]), E4), int(cases.auxiliary_factor_e6[row])
    own = exact(int(cases.own_factor_e6[row]), E6)
    reference = base * exact(aux, E6) * exact(int(cases.cost_factor_e6[row]), E6) * own * FEN_PER_YUAN
    case = GroupedCase(
        cost_total_fen=int(cases.cost_fen[row]),
        group_code=f"case {row}",
        base_points_e4=int(cases.base_points_e4[row]),
        auxiliary_factor_e6=aux,
        reference_cost_fen=reference,
        group_mean_fen=int(cases.group_mean_fen[row]),
        is_blank=bool(cases.is_blank[row]),
    )
    found = score_points(scoring, exact(int(cases.coefficient_e6[row]), E6), case)
    assert status != NO_BAND, "a case without a band raises before this"
    points = half_up(found.points * E4)
    if abs(points) >= 2**63:
        text = f"case {row} of {len(cases)} would earn {points} points ×10⁻⁴; check its K, score and factors."
        raise ScoringError(text)
    return _place(scoring, None if case.is_blank else found.ratio), points


def _place(scoring: ScoringTables, ratio: Fraction | None) -> int:
    for place, band in enumerate(scoring.bands):
        if band.formula == "one" if ratio is None else band.holds(ratio):
            return place
    raise AssertionError("a ratio that was scored has a band")
