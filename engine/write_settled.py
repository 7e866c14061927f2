"""`settled.parquet`: points and money of every case 「病例结算」.

In: a casebook with its scored columns and standards. Out: one row a case in order of settlement id, columns of
data-standards (c). Ratios are rounded here for the eye; nothing is computed from them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.casebook import Casebook
from engine.cases.columns import arrow_schema
from engine.class_kind import multiple_type
from engine.editions import Editions
from engine.money import decimal_array, decimal_from_fen, decimal_from_points_e4
from engine.policy.resolve import ResolvedPolicy
from engine.write_parquet import looked_up, write_rows
from grouper.reason import GroupStatus
from pointvalue.by_day import scored_by
from pointvalue.cases import CaseColumns
from pointvalue.classes import READMITTED_SUFFIX, SPECIAL_CLASS, CaseClass, Scored
from pointvalue.fixed_wide import ratio_e6
from pointvalue.model import AreaYear, ClassRule, PointScheme
from pointvalue.out_of_area import from_elsewhere
from pointvalue.terms import UNPAID_ROUTES, Payable, Route, SchemeKind

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SettledCases:
    """Everything the case and hospital tables are written from, row for row with the book."""

    book: Casebook
    editions: Editions
    resolved: ResolvedPolicy
    cases: CaseColumns
    scored: Scored
    standard_fen: I64
    fund_part_fen: I64
    point_value_e8: I64
    clr_ym: str

    @property
    def area(self) -> AreaYear:
        return self.resolved.area

    @property
    def coefficient_e6(self) -> I64:
        """The hospital coefficient, 1 in a same-price group; whether the class multiplies by it, the class says."""
        assert self.cases.coefficient_e6 is not None
        used = self.cases.coefficient_e6.copy()
        for place, scheme in enumerate(self.area.schemes):
            if not isinstance(scheme, PointScheme):
                continue
            rows = np.flatnonzero(self.cases.scheme == place)
            for terms, held in scored_by(scheme, self.cases.value_day[rows]):
                same = np.array([code in terms.same_price_groups for code in self.cases.groups], np.bool_)
                used[rows[held][same[self.cases.group[rows[held]]]]] = 10**6
        return used

    @property
    def weight_e6(self) -> I64:
        """Relative weight of the group: base points ÷ scale."""
        scales = np.array([s.scale if isinstance(s, PointScheme) else 1 for s in self.area.schemes], np.int64)
        return ratio_e6(self.cases.base_points_e4, scales[self.cases.scheme] * 10**4)

    @property
    def compared(self) -> npt.NDArray[np.bool_]:
        """Cases whose fund part is held against what they booked; those a contract or another budget pays are not."""
        return ~np.isin(self.scored.route, [int(route) for route in UNPAID_ROUTES])

    @property
    def multiple_types(self) -> list[str]:
        """LOW, HIGH, NORM, SP, UNGRP or BYITEM for every class of the run."""
        by_label = self.editions.deviation_types
        pack_points = {scheme.name for scheme in self.area.schemes if scheme.kind is SchemeKind.PACK_POINTS}
        return [
            "SP"
            if each.id == SPECIAL_CLASS
            else by_label.get(each.id, "NORM")
            if each.scheme in pack_points
            else _multiple_type(each, _rule_of(self.area, each))
            for each in self.scored.classes
        ]

    def multiple_type_index(self) -> tuple[npt.NDArray[np.int64], list[str]]:
        """Per case the place of its type among the sorted distinct types; ungrouped cases are UNGRP whatever class."""
        kinds = sorted({*self.multiple_types, "UNGRP"})
        of_class = np.array([kinds.index(kind) for kind in self.multiple_types], np.int64)
        index = of_class[self.scored.class_index]
        settled = np.isin(self.book.ints("status"), [GroupStatus.OK, GroupStatus.APART])
        index[~settled] = kinds.index("UNGRP")
        return index, kinds


def _rule_of(area: AreaYear, case_class: CaseClass) -> ClassRule | None:
    for scheme in area.schemes:
        if isinstance(scheme, PointScheme) and scheme.name == case_class.scheme:
            for rules in scheme.class_sets:
                if rules.from_day == case_class.from_day:
                    return next((rule for rule in rules.rules if rule.id == case_class.id), None)
    return None


def _multiple_type(case_class: CaseClass, rule: ClassRule | None) -> str:
    """A class without rule is a special case, or one priced item by item."""
    if rule is None:
        return "BYITEM" if case_class.shape is None else "SP"
    return multiple_type(rule)


_MARKS = ("", READMITTED_SUFFIX, "+out_of_area_cap", f"{READMITTED_SUFFIX}+out_of_area_cap")
"""What the reason adds to the class: reduced by a readmission, capped at the booked fund, both."""


def _capped(settled: SettledCases) -> I64:
    """1 for each case from elsewhere whose fund part stops at what it booked 「异地病例限额」."""
    cases, rows = settled.cases, np.arange(len(settled.cases), dtype=np.int64)
    minus = [pool.point_value.payable is Payable.MINUS_PATIENT for pool in settled.area.pools]
    borne = np.where(np.array(minus, np.bool_)[cases.pool], cases.patient_fen, 0)
    due = settled.standard_fen - borne
    within = from_elsewhere(cases, settled.area, rows) & (settled.scored.route == int(Route.POT))
    return np.asarray(within & (due > cases.fund_fen) & (settled.fund_part_fen == cases.fund_fen)).astype(np.int64)


_CARRIED = ("setl_id", "fixmedins_code", "setl_ym", "insutype", "act_ipt_days")


def write_settled(path: Path, settled: SettledCases) -> None:
    """Write points and money of every case in the book."""
    book, cases, scored = settled.book, settled.cases, settled.scored
    versions = pa.array(settled.editions.versions, pa.string())
    kind_index, kinds = settled.multiple_type_index()
    in_pot = scored.route == int(Route.POT)
    # A DIP case whose group has no score is paid its cost: no points, and the cost is its standard.
    at_cost = np.zeros(len(cases), np.bool_) if cases.given_points_e4 is None else cases.given_points_e4 < 0
    has_reference = cases.reference_fen > 0
    multiple = ratio_e6(cases.cost_fen, np.where(has_reference, cases.reference_fen, 1))
    coefficient, weight, compared = settled.coefficient_e6, settled.weight_e6, settled.compared
    class_ids = pa.array([each.id for each in scored.classes] or [""], pa.string())
    reasons = pa.array([f"{each.id}{mark}" for each in scored.classes for mark in _MARKS] or [""], pa.string())
    marks = scored.readmitted.astype(np.int64) + 2 * _capped(settled)

    def columns(low: int, high: int) -> Mapping[str, pa.Array]:
        rows = slice(low, high)
        part = Casebook(book.table.slice(low, high - low))
        results = settled.editions.result_rows(part.ints("edition"), part.ints("leaf"), part.ints("status"))
        pot, reference = in_pot[rows] | at_cost[rows], has_reference[rows]
        standard, fund = settled.standard_fen[rows], settled.fund_part_fen[rows]
        classes = looked_up(class_ids, scored.class_index[rows])
        one = np.zeros(high - low, np.int32)
        return {name: part.table[name] for name in _CARRIED} | {
            "clr_ym": looked_up(pa.array([settled.clr_ym]), one),
            "drg_code": looked_up(settled.editions.results["drg_code"], results),
            "dip_code": part.table["dip_code"],
            "plcy_ver": looked_up(pa.array([settled.resolved.version]), one),
            "grp_ver": looked_up(versions, part.ints("edition")),
            "medfee_sumamt": decimal_from_fen(cases.cost_fen[rows]),
            "hifp_pay": decimal_from_fen(cases.fund_fen[rows]),
            "psn_part_amt": decimal_from_fen(cases.patient_fen[rows]),
            "drg_wt": decimal_array(weight[rows], 12, 6, valid=reference),
            "base_pt": decimal_from_points_e4(cases.base_points_e4[rows], valid=reference),
            "medins_coef": decimal_array(coefficient[rows], 12, 6),
            "std_fee": decimal_from_fen(cases.reference_fen[rows], valid=reference),
            "fee_mult": decimal_array(multiple[rows], 12, 6, valid=reference),
            "mult_type": looked_up(pa.array(kinds, pa.string()), kind_index[rows]),
            "class_id": classes,
            "setl_pt": decimal_from_points_e4(scored.points_e4[rows], valid=pot),
            "pt_val": decimal_array(settled.point_value_e8[rows], 18, 8, valid=pot),
            "drg_dip_sumamt": decimal_from_fen(standard, valid=pot),
            "drg_dip_fund_payamt": decimal_from_fen(fund),
            "setl_dif_amt": decimal_from_fen(standard - cases.cost_fen[rows], valid=pot),
            "fund_dif_amt": decimal_from_fen(fund - cases.fund_fen[rows], valid=compared[rows]),
            "setl_rea": reasons.take(pa.array(scored.class_index[rows] * len(_MARKS) + marks[rows])),
        }

    write_rows(path, arrow_schema("settled"), len(book), columns)
