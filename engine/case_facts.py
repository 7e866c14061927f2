"""Facts of single cases, as a policy reads them, put into the columns 「病例事实」.

In: case columns, their casebook, a resolved policy; out: the same columns with review decisions, readmissions, new
technology, Chinese medicine, group coefficients, bed-days and patients insured elsewhere. Points are rounded where the
rules say; a fact the policy does not speak of changes nothing. How many special cases there may be, and whether each
decision has its case, is `engine.reviews`' business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from engine.area import Area
from engine.casebook import Casebook, whole
from engine.errors import PolicyError
from engine.policy.fact_params import NewTechOperation, PointDays
from engine.policy.fact_tables import Decision
from engine.policy.facts import CaseFacts, Span, TcmTerms
from engine.policy.resolve import ResolvedPolicy
from grouper.reason import GroupStatus
from pointvalue.cases import NONE, CaseColumns, row_of
from pointvalue.coefficient import clamp
from pointvalue.fixed import E6, half_up
from pointvalue.fixed_wide import scaled_half_up
from pointvalue.model import PointScheme
from pointvalue.readmission import SameThing, find_readmissions
from pointvalue.review import Candidate, may_apply
from pointvalue.tcm import same_price_base_e4
from pointvalue.terms import POINT_KINDS, Flag, SchemeKind, SpecialPay

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
T = TypeVar("T")
_EPOCH = date(1970, 1, 1)


def with_facts(columns: CaseColumns, book: Casebook, area: Area, resolved: ResolvedPolicy) -> CaseColumns:
    """The columns with every fact the policy speaks of. Base points change before anything is priced like them."""
    facts = resolved.facts
    for step in (_flags, _bed_days, _tcm, _group_coefficients, _insured_elsewhere, _new_tech, _special, _readmissions):
        columns = step(columns, book, area, resolved, facts)
    return columns


def _points(columns: CaseColumns, resolved: ResolvedPolicy, *kinds: SchemeKind) -> Mask:
    """Which cases belong to a scheme of these kinds."""
    wanted = np.array([scheme.kind in kinds for scheme in resolved.area.schemes], np.bool_)
    return np.asarray(wanted[columns.scheme])


def _within(columns: CaseColumns, span: Span[Any]) -> Mask:
    return np.asarray((columns.value_day >= span.first) & (columns.value_day <= span.last))


def _by_scheme(
    columns: CaseColumns, resolved: ResolvedPolicy, spans: Sequence[Span[Any]]
) -> Iterator[tuple[Mask, Any]]:
    """(cases, what holds for them) of a value by scheme that changes on certain days."""
    for span in spans:
        within = _within(columns, span)
        for place, scheme in enumerate(resolved.area.schemes):
            if scheme.name in span.value:
                yield within & (columns.scheme == place), span.value[scheme.name]


def _flags(columns: CaseColumns, book: Casebook, area: Area, resolved: ResolvedPolicy, facts: CaseFacts) -> CaseColumns:
    """Flags defined by a condition 「病例标志」; those of disposition, inpatient type and days are set already."""
    if not facts.asked.conditions:
        return columns
    flags, fulfilled = columns.flags.copy(), book.ints("conditions")
    for span in facts.flags:
        within = _within(columns, span)
        for definition in span.value:
            assert definition.when is not None
            bit = 1 << facts.asked.conditions.index(definition.when)
            flags[within & ((fulfilled & bit) != 0)] |= int(definition.flag)
    return replace(columns, flags=flags)


# --- base points ------------------------------------------------------------------------------------------------------


def _bed_days(
    columns: CaseColumns, book: Casebook, area: Area, resolved: ResolvedPolicy, facts: CaseFacts
) -> CaseColumns:
    """Bed-day groups 「床日病组」: base points and mean cost of the group are those of a day.

    base = points of a day × Σ tier days × factor, half up to four places; the reference cost likewise, to the fen
    """
    if not facts.bed_day_groups:
        return columns
    base, reference, flags = (each.copy() for each in (columns.base_points_e4, columns.reference_fen, columns.flags))
    for cases, groups in _by_scheme(columns, resolved, facts.bed_day_groups):
        for group, tiers in groups.items():
            rows = np.flatnonzero(cases & (columns.group == _group(columns, group)))
            flags[rows] |= int(Flag.BED_DAY)
            for days in np.unique(columns.days[rows]).tolist():
                stay, weight = rows[columns.days[rows] == days], _weighted_days(tiers, days)
                for column in (base, reference):
                    column[stay] = scaled_half_up(column[stay], weight.numerator, weight.denominator)
    return replace(columns, base_points_e4=base, reference_fen=reference, flags=flags)


def _weighted_days(tiers: Sequence[PointDays], days: int) -> Fraction:
    """Σ over tiers of days in the tier × its factor."""
    whole_stay = Fraction(0)
    for tier in tiers:
        upto = days if tier.last is None else min(days, tier.last)
        whole_stay += max(upto - tier.first + 1, 0) * tier.factor
    return whole_stay


def _group(columns: CaseColumns, code: str) -> int:
    """Place of a group among the columns' groups; one that no case of the run can have matches nothing."""
    return columns.groups.index(code) if code in columns.groups else NONE


def _tcm(columns: CaseColumns, book: Casebook, area: Area, resolved: ResolvedPolicy, facts: CaseFacts) -> CaseColumns:
    """TCM advantage diseases 「中医优势病种」: flag, base points, and the TCM share where a class asks for it."""
    ratio = book.ints("tcm_ratio_e6") if facts.asked.fees else np.full(len(columns), NONE, np.int64)
    if not facts.tcm and not facts.asked.fees:
        return columns
    base, flags = np.full(len(columns), NONE, np.int64), columns.flags.copy()
    index, words = book.codes("maindiag_code")
    for cases, terms in _by_scheme(columns, resolved, facts.tcm):
        _tcm_base(columns, cases, terms, index, words, base)
    flags[base != NONE] |= int(Flag.TCM)
    return replace(columns, flags=flags, tcm_base_e4=base, tcm_ratio_e6=ratio)


def _tcm_base(
    columns: CaseColumns,
    cases: Mask,
    terms: TcmTerms,
    diagnosis: npt.NDArray[np.int32],
    words: Sequence[str],
    base: I64,
) -> None:
    for listed in terms.table.groups:
        rows = cases & (columns.group == _group(columns, listed.group)) & (base == NONE)
        if listed.diagnosis:
            rows &= np.array([word.startswith(listed.diagnosis) for word in words] + [False], np.bool_)[diagnosis]
        if listed.base_points_e4 is not None:
            base[rows] = listed.base_points_e4
            continue
        for western in np.unique(columns.base_points_e4[rows]).tolist():
            priced = same_price_base_e4(western, terms.same_price_factor)
            base[rows & (columns.base_points_e4 == western)] = priced


def _group_coefficients(
    columns: CaseColumns, book: Casebook, area: Area, resolved: ResolvedPolicy, facts: CaseFacts
) -> CaseColumns:
    """Coefficient of hospital and group 「病组差异系数」 where that form holds; 1 for a pair that is not listed."""
    if not facts.group_coefficients:
        return columns
    assert columns.coefficient_e6 is not None
    coefficient = columns.coefficient_e6.copy()
    scored = _points(columns, resolved, SchemeKind.POINTS)
    hospitals = {code: place for place, code in enumerate(resolved.area.hospital_codes)}
    groups = {code: place for place, code in enumerate(columns.groups)}
    for span in facts.group_coefficients:
        if span.value.table is None:
            continue
        by_pair = np.full((len(hospitals), len(groups)), E6, np.int64)
        for (hospital, group), value in span.value.table.values.items():
            if hospital in hospitals and group in groups:
                by_pair[hospitals[hospital], groups[group]] = half_up(clamp(value, span.value.limits) * E6)
        rows = np.flatnonzero(scored & _within(columns, span))
        coefficient[rows] = by_pair[columns.hospital[rows], columns.group[rows]]
    return replace(columns, coefficient_e6=coefficient)


# --- patients from elsewhere, new technology --------------------------------------------------------------------------


def _insured_elsewhere(
    columns: CaseColumns, book: Casebook, area: Area, resolved: ResolvedPolicy, facts: CaseFacts
) -> CaseColumns:
    """Cases insured in another pooling area 「异地就医」: the first four digits differ; an empty cell is ours."""
    if not facts.insured_elsewhere:
        return columns
    index, words = book.codes("insuplc_admdvs")
    elsewhere = np.array([word[:4] != area.policy.code[:4] for word in words] + [False], np.bool_)[index]
    flags = columns.flags.copy()
    flags[elsewhere] |= int(Flag.OUT_OF_AREA)
    columns = replace(columns, flags=flags)
    if facts.in_points or columns.given_points_e4 is None:
        return columns
    # A catalogue's case leaves the points as one without a score does; scored schemes have a class rule for it.
    given = columns.given_points_e4.copy()
    given[elsewhere & _points(columns, resolved, SchemeKind.PACK_POINTS)] = NONE
    return replace(columns, given_points_e4=given)


def _new_tech(
    columns: CaseColumns, book: Casebook, area: Area, resolved: ResolvedPolicy, facts: CaseFacts
) -> CaseColumns:
    """Extra points of new technology 「新技术加成」: by listed operation from its first day on, or case by case.

    A case with several listed operations takes the one listed first. A case named in the table keeps to the table.
    """
    if not facts.new_tech and not facts.new_tech_cases:
        return columns
    points, year = np.zeros(len(columns), np.int64), np.zeros(len(columns), np.int32)
    done = np.zeros(len(columns), np.bool_)
    operated = book.ints("operations") if facts.asked.operations else np.zeros(len(columns), np.int64)
    for cases, operations in _by_scheme(columns, resolved, facts.new_tech):
        for each in operations:
            bit = 1 << facts.asked.operations.index(each.operation)
            rows = np.flatnonzero(cases & ~done & ((operated & bit) != 0))
            years = _years(columns, rows, each)
            rows, years = rows[years > 0], years[years > 0]
            points[rows], year[rows], done[rows] = each.points_e4, years, True
    for named in facts.new_tech_cases:
        row = row_of(columns.ids, named.case)
        if row >= 0:
            points[row], year[row] = named.points_e4, named.year
    return replace(columns, new_tech_points_e4=points, new_tech_year=year)


def _years(columns: CaseColumns, rows: I64, operation: NewTechOperation) -> npt.NDArray[np.int32]:
    """Which year of the technology each case falls in, by its value day."""
    days, back = np.unique(columns.value_day[rows], return_inverse=True)
    of_day = [operation.year_on(_EPOCH + timedelta(days=day)) for day in days.tolist()]
    return np.array(of_day, np.int32)[back]


# --- reviews and readmissions -----------------------------------------------------------------------------------------


def _special(
    columns: CaseColumns, book: Casebook, area: Area, resolved: ResolvedPolicy, facts: CaseFacts
) -> CaseColumns:
    """Approved special cases 「特例单议」 among those of this run; a decision on another case changes nothing here."""
    if not facts.decisions:
        return columns
    approved, fund, points = (np.full(len(columns), NONE, np.int64) for _ in range(3))
    flags = columns.flags.copy()
    for decision in facts.decisions:
        row = row_of(columns.ids, decision.case)
        if row < 0:
            continue
        _require_reviewable(columns, book, resolved, facts, decision, row)
        flags[row] |= int(Flag.SPECIAL)
        for column, value in (
            (approved, decision.approved_cost_fen),
            (fund, decision.fund_fen),
            (points, decision.points_e4),
        ):
            column[row] = NONE if value is None else value
    return replace(columns, flags=flags, special_approved_fen=approved, special_fund_fen=fund, special_points_e4=points)


def _require_reviewable(
    columns: CaseColumns, book: Casebook, resolved: ResolvedPolicy, facts: CaseFacts, decision: Decision, row: int
) -> None:
    """A decision fits its case: paid by points, discharged before it was made, and within a trigger of the policy."""
    scheme = resolved.area.schemes[int(columns.scheme[row])]
    where = f"special_case.decisions: case {decision.case}"
    if scheme.kind not in POINT_KINDS or not isinstance(scheme, PointScheme):
        raise PolicyError(
            f"{where} is paid by scheme {scheme.name}, which has no points. Remove the decision "
            f"该病例不按点数付费，请删去该决定"
        )
    discharged: date = book.table["discharged_on"][row].as_py()
    if decision.decided < discharged:
        raise PolicyError(
            f"{where} was decided on {decision.decided}, before its discharge on {discharged}. Correct the date "
            f"决定日期早于出院日期"
        )
    means = facts.region_mean_fen or {}
    by_cost = resolved.area.special_pay is SpecialPay.POINTS_FROM_COST
    if by_cost and scheme.name not in means:
        raise PolicyError(
            f"{where}: scheme {scheme.name} turns an approved cost into points by special_case.scale and "
            f"special_case.region_mean. Write both for {scheme.name} 缺少折算基数与区域例均费用"
        )
    review = (facts.reviews or {}).get(scheme.name)
    weight = book.table["nwb_bir_wt"][row].as_py() if facts.asked.birth_weight else None
    reference = int(columns.reference_fen[row])
    candidate = Candidate(
        days=int(columns.days[row]),
        cost_fen=int(columns.cost_fen[row]),
        group_mean_fen=reference or None,
        region_mean_fen=means.get(scheme.name),
        birth_weight_g=weight,
    )
    if review is not None and not may_apply(review.triggers, candidate):
        raise PolicyError(
            f"{where} meets none of special_case.triggers of {scheme.name}: {candidate.days} days, cost "
            f"{candidate.cost_fen} fen. Remove the decision, or correct the triggers 不符合特例单议申报条件"
        )


def _readmissions(
    columns: CaseColumns, book: Casebook, area: Area, resolved: ResolvedPolicy, facts: CaseFacts
) -> CaseColumns:
    """Stays followed too soon by another of the same person 「再入院」, among the cases of this run."""
    if facts.readmission_days is None:
        return columns
    person = whole(book.table["psn_no"])
    found = find_readmissions(
        patient=np.asarray(pc.fill_null(person.indices, NONE).to_numpy(zero_copy_only=False)).astype(np.int64),
        thing=np.where(_points(columns, resolved, *POINT_KINDS), _thing(columns, book, area, facts.same), NONE),
        admitted=book.ints("adm_on").astype(np.int32),
        discharged=book.ints("discharged_on").astype(np.int32),
        within_days=facts.readmission_days,
        hospital=columns.hospital if facts.same_hospital else None,
    )
    flags = columns.flags.copy()
    flags[found.reduced] |= int(Flag.READMITTED)
    return replace(columns, flags=flags)


def _thing(columns: CaseColumns, book: Casebook, area: Area, same: SameThing) -> npt.NDArray[np.int32]:
    """What must be the same of two stays, by its place; a stay without a group has no group or ADRG to share."""
    if same is SameThing.DIAGNOSIS:
        return book.codes("maindiag_code")[0]
    grouped = book.ints("status") == GroupStatus.OK
    if same is SameThing.GROUP:
        return np.where(grouped, columns.group, NONE).astype(np.int32)
    rows = area.editions.result_rows(book.ints("edition"), book.ints("leaf"), book.ints("status"))
    codes = [code or "" for code in area.editions.results["adrg_code"].to_pylist()]
    place = {code: index for index, code in enumerate(sorted(set(codes)))}
    index = np.array([place[code] if code else NONE for code in codes], np.int32)[rows]
    return np.where(grouped, index, NONE).astype(np.int32)
