"""One grouped record in points and money 「单病例支付标准」, at the budget point value, as a monthly run shows it.

In: a record, its group, the policy of its year; out: `Priced`, fen and points of the case and the columns of
`settled.parquet`. The clearing of the year replaces the figure. Nothing is booked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

from engine.class_kind import deviation_types, multiple_type
from engine.errors import PolicyError
from engine.money import text_from_fen
from engine.online.counter import Counter, Edition, PolicyYear
from engine.online.grouped import Grouped, decimal_text
from engine.online.record import Record
from engine.packs.dip_load import DipPack
from engine.policy.resolve import EPOCH, ResolvedPolicy
from grouper.reason import GroupStatus
from pointvalue.by_day import scored_on
from pointvalue.dip_score_tables import CaseKeys, GroupedCase, ScoringError
from pointvalue.dip_scoring import coefficient, score_points
from pointvalue.fixed import E4, E6, divide_half_up, exact, floor_times, half_up
from pointvalue.model import Hospital, PointScheme, Pool, PotTerms
from pointvalue.reference import ReferenceCase, score_case
from pointvalue.terms import Flag, Payable, SchemeKind
from pointvalue.value import expected_payment

_FLAG_OF_STATUS = {
    GroupStatus.FAIL: Flag.UNGROUPED,
    GroupStatus.QY: Flag.AMBIGUOUS,
    GroupStatus.INVALID: Flag.INVALID,
}
_UNGROUPED = "未入组"


@dataclass(frozen=True, slots=True)
class Priced:
    """What a case is worth before clearing. `standard_fen` None: paid as booked, outside the points."""

    points_e4: int | None
    standard_fen: int | None
    fund_fen: int
    columns: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Points:
    class_id: str
    kind: str
    points_e4: int | None
    base_e4: int
    reference_fen: int
    coefficient_e6: int
    at_cost: bool = False
    price_e6: int | None = None


def price_record(counter: Counter, edition: Edition, record: Record, grouped: Grouped, year: PolicyYear) -> Priced:
    """Points and money of one record. Raises PolicyError or ValueError where the policy has no answer for it."""
    resolved, scheme = year.resolved, year.schemes.get(edition.scheme)
    if scheme is None:
        raise PolicyError(f"scheme {edition.scheme} is not paid by points.")
    pool, hospital = year.pools.get(record.insutype or ""), year.hospitals[record.fixmedins_code or ""]
    if pool is None:
        raise PolicyError(f"the policy has no pool {record.insutype}.")
    day = value_day(counter, resolved, record)
    if scheme.kind is SchemeKind.PACK_POINTS:
        points = _catalogue_points(edition, record, grouped)
    else:
        points = _policy_points(edition, record, grouped, resolved, scheme, hospital, day)
    return _paid(record, grouped, resolved, scheme, pool, hospital, points)


def value_day(counter: Counter, resolved: ResolvedPolicy, record: Record) -> date:
    """The date a case's values are read at."""
    by = resolved.case_values_by if resolved.case_values_by != "pack" else counter.chosen_by
    day = record.settled_on if by == "settlement_date" else record.discharged_on
    assert day is not None, "a settling record has both dates"
    return day


def _policy_points(
    edition: Edition,
    record: Record,
    grouped: Grouped,
    resolved: ResolvedPolicy,
    scheme: PointScheme,
    hospital: Hospital,
    day: date,
) -> _Points:
    base_e4 = reference_fen = 0
    if grouped.status in (GroupStatus.OK, GroupStatus.QY):
        table = resolved.weights[scheme.name].on(day)
        row = table.row(grouped.group)
        if row >= 0:
            base_e4, reference_fen = table.base_points_e4[row], table.means_fen(hospital.level)[row]
    coefficient_e6 = _coefficient(resolved, hospital, day)
    case = ReferenceCase(
        pool=record.insutype or "",
        group=grouped.group,
        value_day=(day - EPOCH).days,
        days=record.stay() or 0,
        cost_fen=record.medfee_sumamt_fen or 0,
        base_points=_scaled(base_e4, E4),
        reference_fen=reference_fen,
        flags=_flags(record, grouped.status, resolved, day),
        hospital_coefficient=_scaled(coefficient_e6, E6),
    )
    scheme = scored_on(scheme, case.value_day)
    scoring = score_case(case, scheme)
    kind = multiple_type(scoring.rule) if grouped.status is GroupStatus.OK else "UNGRP"
    shown = E6 if grouped.group in scheme.same_price_groups else coefficient_e6
    return _Points(scoring.rule.id, kind, scoring.points_e4, base_e4, reference_fen, shown)


def _catalogue_points(edition: Edition, record: Record, grouped: Grouped) -> _Points:
    pack, dip = edition.pack, grouped.dip
    assert isinstance(pack, DipPack) and dip is not None, "a catalogue's scheme has a catalogue's answer"
    if dip.price is None or dip.price.point_value_e6 is None:
        raise ScoringError(f"table price has no point value for insurance {record.insutype}; write it.")
    if grouped.status is not GroupStatus.OK:
        found = score_points(pack.scoring, Fraction(1), GroupedCase(cost_total_fen=0))
        points = _Points(_UNGROUPED, "UNGRP", half_up(found.points * E4), 0, 0, E6, False, dip.price.point_value_e6)
        return points
    case = GroupedCase(
        cost_total_fen=record.medfee_sumamt_fen or 0,
        group_code=grouped.group,
        base_points_e4=dip.base_points_e4,
        auxiliary_factor_e6=dip.auxiliary_factor_e6,
        reference_cost_fen=dip.reference_fen,
        primary_care_factor_e6=dip.primary_care_factor_e6,
        group_mean_fen=dip.group_mean_fen,
        is_blank=dip.is_blank,
    )
    keys = CaseKeys(record.fixmedins_code or "", record.insutype or "", record.setl_ym, record.insuplc_admdvs)
    h_e6 = E6 if dip.is_blank else half_up(coefficient(pack.scoring, keys, case) * E6)
    found = score_points(pack.scoring, exact(h_e6, E6), case)
    kind = deviation_types(pack.scoring.bands).get(found.label, "NORM")
    return _Points(
        found.label,
        kind,
        None if found.paid_at_cost else half_up(found.points * E4),
        dip.base_points_e4 or 0,
        0 if dip.reference_fen is None else half_up(dip.reference_fen),
        h_e6,
        found.paid_at_cost,
        dip.price.point_value_e6,
    )


def _coefficient(resolved: ResolvedPolicy, hospital: Hospital, day: date) -> int:
    """Hospital coefficient ×10⁶ on the day; before the first table the first holds."""
    dated = resolved.coefficients_e6
    table = dated.on(day) if dated.starts[0] <= day else dated.values[0]
    return table.get(hospital.code, hospital.coefficient_e6)


def _flags(record: Record, status: GroupStatus, resolved: ResolvedPolicy, day: date) -> Flag:
    flags = _FLAG_OF_STATUS.get(status, Flag(0))
    dated = resolved.flags
    definitions = dated.on(day) if dated.starts and dated.starts[0] <= day else ()
    stay = record.stay() or 0
    for each in definitions:
        way = not each.dscg_way or record.dscg_way in each.dscg_way
        kind = not each.ipt_med_type or record.ipt_med_type in each.ipt_med_type
        if way and kind and (each.days_upto is None or stay <= each.days_upto):
            flags |= each.flag
    return flags


def _pot(resolved: ResolvedPolicy, pool: Pool, scheme: PointScheme, hospital: Hospital) -> PotTerms:
    inside = [pot for pot in pool.pots if pot.scheme == scheme.name and pot.county in (None, hospital.county)]
    if len(inside) != 1:
        raise PolicyError(f"the case lies in {len(inside)} pots of pool {pool.id}; it must lie in one.")
    return inside[0]


def _value(pot: PotTerms, scheme: PointScheme, pool: Pool) -> Fraction:
    value = pot.price if pot.price is not None else pot.budget_point_value
    if value is None:
        value = scheme.budget_point_value.get(pool.id)
    if value is None:
        raise PolicyError(f"points.budget_point_value: scheme {scheme.name}, pool {pool.id} is missing 缺少预算点值")
    return value


def _paid(
    record: Record,
    grouped: Grouped,
    resolved: ResolvedPolicy,
    scheme: PointScheme,
    pool: Pool,
    hospital: Hospital,
    points: _Points,
) -> Priced:
    cost, booked = record.medfee_sumamt_fen or 0, record.fund_fen or 0
    value = Fraction(0)
    standard: int | None = None
    fund = booked
    if points.at_cost:
        standard = cost
        value = exact(points.price_e6 or 0, E6)
    elif points.points_e4 is not None:
        pot = _pot(resolved, pool, scheme, hospital)
        if points.price_e6:
            value = exact(points.price_e6, E6)
            standard = half_up(value * 100 * exact(points.points_e4, E4))
            fund = standard - (record.patient_fen if pool.point_value.payable is Payable.MINUS_PATIENT else 0)
        else:
            value = _value(pot, scheme, pool)
            standard, fund = expected_payment(pool.point_value, value, points.points_e4, record.patient_fen)
    in_points = standard is not None
    weighed = scheme.kind is SchemeKind.POINTS  # a catalogue's scores are no weights
    reference = points.reference_fen
    columns = {
        "clr_ym": record.setl_ym,
        "plcy_ver": resolved.version,
        "act_ipt_days": record.stay(),
        "medfee_sumamt": text_from_fen(cost),
        "hifp_pay": text_from_fen(booked),
        "psn_part_amt": text_from_fen(record.patient_fen),
        "drg_wt": _ratio(points.base_e4 * E6, scheme.scale * E4) if reference and weighed else None,
        "base_pt": decimal_text(points.base_e4, 4) if reference else None,
        "medins_coef": decimal_text(points.coefficient_e6, 6),
        "std_fee": text_from_fen(reference) if reference else None,
        "fee_mult": _ratio(cost * E6, reference) if reference else None,
        "mult_type": points.kind,
        "class_id": points.class_id,
        "setl_pt": decimal_text(points.points_e4 or 0, 4) if in_points else None,
        "pt_val": decimal_text(floor_times(value, 10**8), 8) if in_points and not points.at_cost else None,
        "drg_dip_sumamt": text_from_fen(standard) if standard is not None else None,
        "drg_dip_fund_payamt": text_from_fen(fund),
        "setl_dif_amt": text_from_fen(standard - cost) if standard is not None else None,
        "fund_dif_amt": text_from_fen(fund - booked),
        "setl_rea": points.class_id,
    }
    return Priced(points.points_e4, standard, fund, columns)


@lru_cache(maxsize=10_000)
def _scaled(value: int, scale: int) -> Fraction:
    """Base points and coefficients come from tables: the same few thousand again and again."""
    return Fraction(value, scale)


def _ratio(top_e6: int, bottom: int) -> str:
    return decimal_text(divide_half_up(top_e6, bottom), 6)
