"""Points and amount of one DIP case 「病例分值」: base points × deviation × hospital coefficient × auxiliary factor.

In: `ScoringTables` of the pack and what the grouper found out about the case; out: points and yuan as exact fractions.
Nothing is rounded on the way; `rounded` does it once. Areas differ by deviation bands (limits with stated
inclusivity, a formula from a closed list, which factors still apply) and by rows of coefficients and prices.
It never looks at a fund and never chooses a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Protocol, TypeVar

from pointvalue.dip_score_tables import (
    FORMULAS,
    CaseKeys,
    CaseScore,
    DeviationBand,
    GroupedCase,
    ScoringError,
    ScoringTables,
)
from pointvalue.fixed import E4, E6, FEN_PER_YUAN, exact, half_up

POINTS_PLACES = 8
"""Decimals of setl_pt in the settled file."""


class _HasKeys(Protocol):
    @property
    def hospital(self) -> str | None: ...
    @property
    def insurance(self) -> str | None: ...
    @property
    def month(self) -> str | None: ...
    @property
    def insured_place(self) -> str | None: ...


Row = TypeVar("Row", bound=_HasKeys)


def look_up(rows: Sequence[Row], keys: CaseKeys, table: str) -> Row:
    """The row that fits the case and gives the most keys; the first on ties."""
    best, best_given = None, -1
    for row in rows:
        pairs = (
            (row.hospital, keys.hospital),
            (row.insurance, keys.insurance),
            (row.month, keys.month),
            (row.insured_place, keys.insured_place),
        )
        given = sum(mine is not None for mine, _ in pairs)
        if given > best_given and all(mine is None or mine == its for mine, its in pairs):
            best, best_given = row, given
    if best is None:
        raise ScoringError(
            f"table {table} has no row for hospital {keys.hospital}, insurance {keys.insurance}, month {keys.month}, "
            f"insured place {keys.insured_place}; add one, or one with empty keys that serves all."
        )
    return best


def score_case(scoring: ScoringTables, keys: CaseKeys, case: GroupedCase) -> CaseScore:
    """Points and amount of a case.

        points = base points × f × h × auxiliary factor

    h and the auxiliary factor apply where the band says so (in some shapes h stands inside f). Base points of 0 mean
    paid at cost: no points, the amount is the cost itself.
    """
    price = look_up(scoring.prices, keys, "price")
    if price.point_value_e6 is None:
        raise ScoringError(f"table price: the row for insurance {keys.insurance} has no point_value; write it.")
    has_row = case.group_code is not None and not case.is_blank
    h = coefficient(scoring, keys, case) if has_row else Fraction(1)
    found = score_points(scoring, h, case)
    if found.paid_at_cost:
        return found
    return replace(found, amount_yuan=found.points * exact(price.point_value_e6, E6))


def score_points(scoring: ScoringTables, h: Fraction, case: GroupedCase) -> CaseScore:
    """What `score_case` says before any price: the amount is 0, or the cost of a case paid at cost."""
    if case.base_points_e4 is None and case.group_code is not None:
        raise ScoringError(f"group {case.group_code} has no score; add it to the group table.")
    if case.is_blank or case.group_code is None:
        return _without_row(scoring, case)
    base = exact(case.base_points_e4 or 0, E4)
    if base == 0:
        return _at_cost(_normal(scoring).label, case, h)
    reference = case.reference_cost_fen
    if reference is None:
        raise ScoringError(f"group {case.group_code}: no reference cost; table price needs a cost_factor for the case.")
    ratio = exact(case.cost_total_fen, reference) if reference else None
    band = _normal(scoring) if ratio is None else _band(scoring, ratio)
    f = band_factor(band.formula, ratio, h)
    points = base * f
    if band.apply_hospital:
        points *= h
    if band.apply_aux:
        points *= exact(case.auxiliary_factor_e6, E6)
    return CaseScore(band.label, ratio, f, h, points, Fraction(0), review=band.formula == "review")


def coefficient(scoring: ScoringTables, keys: CaseKeys, case: GroupedCase) -> Fraction:
    """h of a case 「系数」: a primary-care group's own, else the group's by hospital level, else the hospital's."""
    if case.primary_care_factor_e6 is not None:
        return exact(case.primary_care_factor_e6, E6)
    row = look_up(scoring.hospitals, keys, "hospital")
    if row.level is not None and case.group_code is not None:
        by_group = scoring.group_factors_e6.get((case.group_code, row.level))
        if by_group is not None:
            return exact(by_group, E6)
    return exact(row.factor_e6, E6)


def band_factor(formula: str, ratio: Fraction | None, h: Fraction) -> Fraction:
    """f by the formula a band names.

    ratio r · ratio_minus_1 r − 1 · ratio_minus_2_plus_h r − 2 + h · h · one, review 1 · at_cost r ÷ h, so that the
    coefficient cancels and the case earns its cost.
    """
    if formula in ("one", "review"):
        return Fraction(1)
    if formula == "h":
        return h
    assert ratio is not None, f"formula {formula} needs a cost ratio"
    if formula == "ratio":
        return ratio
    if formula == "ratio_minus_1":
        return ratio - 1
    if formula == "ratio_minus_2_plus_h":
        return ratio - 2 + h
    assert formula == "at_cost", f"unknown formula {formula!r}: the loader admits only {FORMULAS}"
    return exact(ratio, h)


def rounded(score: CaseScore) -> tuple[Fraction, int]:
    """Points with eight decimals and the amount in fen, each rounded once, a half away from zero."""
    points = exact(half_up(score.points * 10**POINTS_PLACES), 10**POINTS_PLACES)
    return points, half_up(score.amount_yuan * FEN_PER_YUAN)


def _band(scoring: ScoringTables, ratio: Fraction) -> DeviationBand:
    for band in scoring.bands:
        if band.holds(ratio):
            return band
    raise ScoringError(
        f"no band of table deviation holds cost ratio {half_up(ratio * E4)} / 10000; close the gap between bands."
    )


def _normal(scoring: ScoringTables) -> DeviationBand:
    """The band of a case whose reference cost is zero: the normal one, factor 1."""
    for band in scoring.bands:
        if band.formula == "one":
            return band
    raise ScoringError("table deviation has no band with formula one; every area has a normal band 「正常倍率」.")


def _without_row(scoring: ScoringTables, case: GroupedCase) -> CaseScore:
    """The blank group and cases without any: no hospital coefficient, no deviation test."""
    pay, label = scoring.ungrouped, _normal(scoring).label
    one = Fraction(1)
    if case.is_blank:
        base = exact(case.base_points_e4 or 0, E4)
        if base == 0:
            return _at_cost(label, case, one)
        if not case.group_mean_fen:
            raise ScoringError(f"blank group {case.group_code} has points but no ref_cost; write its own mean cost.")
        ratio = exact(case.cost_total_fen, case.group_mean_fen)
        points = base * ratio * exact(pay.factor_e6, E6)
        return CaseScore(label, ratio, ratio * exact(pay.factor_e6, E6), one, points, Fraction(0))
    if pay.mode == "city_mean":
        if pay.base_points_e4 is None:
            raise ScoringError("table ungrouped: mode city_mean needs the city's mean points in base.")
        points = exact(pay.base_points_e4, E4) * exact(pay.factor_e6, E6)
        return CaseScore(label, None, one, one, points, Fraction(0))
    return CaseScore("", None, one, one, Fraction(0), Fraction(0))


def _at_cost(label: str, case: GroupedCase, h: Fraction) -> CaseScore:
    amount = exact(case.cost_total_fen, FEN_PER_YUAN)
    return CaseScore(label, None, Fraction(1), h, Fraction(0), amount, paid_at_cost=True)
