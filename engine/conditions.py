"""Conditions on cases, answered for a whole frame at once 「适用条件的判断」.

In: a `When`, a frame of accepted cases, the hospitals of the year; out: one truth value per case. A cell that is empty
answers no condition. `listed` is answered by whoever keeps the list. It decides nothing but the condition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import polars as pl

from engine.policy.predicates import CodePattern, Days, When
from pointvalue.model import Hospital

ALWAYS = pl.lit(True)
LISTED = "listed"
"""Column a caller adds where a condition asks for `listed`."""


@dataclass(frozen=True)
class Conditions:
    """What conditions need to know beside the case: levels and counties of hospitals, and the area's own region."""

    hospitals: Mapping[str, Hospital]
    area_code: str

    def expression(self, when: When | None) -> pl.Expr:
        """A condition as an expression over the columns of accepted cases; never null."""
        if when is None:
            return ALWAYS
        parts = [*self._codes(when), *_numbers(when), *_clinical(when)]
        if when.out_of_area is not None:
            home = pl.col("insuplc_admdvs").str.slice(0, 4) == self.area_code[:4]
            parts.append(~home if when.out_of_area else home)
        if when.listed is not None:
            parts.append(pl.col(LISTED) if when.listed else ~pl.col(LISTED))
        if when.any:
            parts.append(reduce(pl.Expr.__or__, [self.expression(each) for each in when.any]))
        if when.other_than is not None:
            parts.append(~self.expression(when.other_than))
        return reduce(pl.Expr.__and__, [part.fill_null(False) for part in parts], ALWAYS)

    def _codes(self, when: When) -> list[pl.Expr]:
        parts = []
        for column, wanted in (
            ("insutype", when.pool),
            ("fixmedins_code", when.hospital),
            ("med_type", when.med_type),
            ("ipt_med_type", when.ipt_med_type),
            ("dscg_way", when.dscg_way),
        ):
            if wanted:
                parts.append(pl.col(column).is_in(list(wanted)))
        for asked, of in ((when.level, "level"), (when.county, "county")):
            if asked:
                codes = [code for code, hospital in self.hospitals.items() if getattr(hospital, of) in asked]
                parts.append(pl.col("fixmedins_code").is_in(codes))
        for column, prefixes in (("dscg_caty", when.department), ("insuplc_admdvs", when.insured_in)):
            if prefixes:
                parts.append(matches(pl.col(column), [CodePattern(prefix) for prefix in prefixes]))
        return parts


def matches(codes: pl.Expr, patterns: Sequence[CodePattern]) -> pl.Expr:
    """Whether a code is one of the patterns."""
    return reduce(pl.Expr.__or__, [_matches_one(codes, pattern) for pattern in patterns])


def _matches_one(codes: pl.Expr, pattern: CodePattern) -> pl.Expr:
    if not pattern.last:
        return codes.str.starts_with(pattern.first)
    return codes.str.slice(0, len(pattern.first)).is_between(pl.lit(pattern.first), pl.lit(pattern.last))


def stay_days() -> pl.Expr:
    """Days of stay as settling sees them: as sent, else from the dates; admitted and discharged on one day is one."""
    by_dates = (pl.col("discharged_on") - pl.col("adm_on")).dt.total_days().clip(lower_bound=1).cast(pl.Int32)
    return pl.coalesce("act_ipt_days", by_dates)


def _numbers(when: When) -> list[pl.Expr]:
    age = pl.coalesce("age", pl.when(pl.col("nwb_age").is_not_null()).then(pl.lit(0)))
    parts = []
    for value, low, high in ((stay_days(), when.days_from, when.days_upto), (age, when.age_from, when.age_upto)):
        if low is not None:
            parts.append(value >= low)
        if high is not None:
            parts.append(value <= high)
    for column, days in (("discharged_on", when.discharged), ("settled_on", when.settled)):
        if days is not None:
            parts.append(_within(pl.col(column), days))
    return parts


def _within(column: pl.Expr, days: Days) -> pl.Expr:
    after = ALWAYS if days.first is None else column >= days.first
    return after & (ALWAYS if days.last is None else column <= days.last)


def _clinical(when: When) -> list[pl.Expr]:
    parts = []
    if when.diagnosis:
        parts.append(matches(pl.col("diag_codes").list.first(), when.diagnosis))
    for column, patterns in (("diag_codes", when.any_diagnosis), ("oprn_codes", when.operation)):
        if patterns:
            parts.append(pl.col(column).list.eval(matches(pl.element(), patterns).fill_null(False)).list.any())
    if when.no_operation is not None:
        some = pl.col("oprn_codes").list.eval((pl.element() != "").fill_null(False)).list.any().fill_null(False)
        parts.append(~some if when.no_operation else some)
    return parts
