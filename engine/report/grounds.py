"""On which mechanisms of the policy an amount rests 「金额的依据」.

In: a posting line; out: names of mechanisms, so that a report can list every unverified value behind what it shows. The
line's own rule is the key that made it; the amount rests on more: a standard on classes, points and coefficients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.report import causes
from engine.report.figures import PostingLine
from pointvalue.terms import Cause

_SCORING = ("area", "hospitals", "coefficient", "points", "case_classes", "case_flags", "special_case", "readmission")
_FACTS = ("new_tech", "tcm", "out_of_area")
_VALUE = ("budget", "point_value", "pool_sharing")
_FIXED = ("area", "bed_day", "single_disease", "contracts", "special_case", "budget")
_TIERS = ("surplus_and_overspend", "assessment", "hospitals", "budget")
_BEHIND: dict[str, tuple[str, ...]] = {
    Cause.PREPAYMENT: ("monthly", "points", "contracts"),
    Cause.DEPOSIT_WITHHELD: ("deposit", "monthly"),
    Cause.ADVANCE_PAID: ("advance", "advance_rules"),
    Cause.FIXED_STANDARD: _FIXED,
    Cause.FIXED_VARIANCE: _FIXED,
    Cause.EPIDEMIC_OUTSIDE: ("area",),
    Cause.STANDARD: (*_SCORING, *_FACTS, *_VALUE),
    Cause.PATIENT_BORNE: ("point_value",),
    Cause.NEGATIVE_FLOOR: ("negative_case",),
    Cause.OUT_OF_AREA_CAP: ("out_of_area",),
    Cause.STANDARD_SCALED_BACK: _VALUE,
    Cause.GROWTH_CAP_CUT: ("hospital_growth_cap",),
    Cause.SURPLUS_RETURNED: _TIERS,
    Cause.OVERSPEND_SHARED: _TIERS,
    Cause.ASSESSMENT_CUT: ("assessment", "hospitals"),
    Cause.AUDIT_POINTS: ("audits", "penalties", "points"),
    Cause.AUDIT_MONEY: ("audits", "penalties"),
    Cause.OTHER: ("other_lines", "vbp"),
    Cause.PREPAID: ("monthly",),
    Cause.QUALITY_DEPOSIT: ("deposit", "hospitals"),
    Cause.DEPOSIT_FORFEITED: ("deposit", "hospitals"),
    Cause.SUPPLIER_PAID: ("supplier_paid",),
    Cause.ADVANCE_RECOVERED: ("advance", "advance_rules"),
    Cause.CARRIED_TO_NEXT_YEAR: ("negative_final",),
}


def mechanism(rule: str) -> str:
    """The mechanism a policy key belongs to: `deposit.rate` → `deposit`."""
    return rule.partition(".")[0]


def mechanisms_of(line: PostingLine) -> tuple[str, ...]:
    """The mechanism of the line's own rule, then the others its amount rests on."""
    root = causes.root(line.cause)
    return tuple(dict.fromkeys((mechanism(line.rule), *_BEHIND.get(root, ()))))


def unverified_behind(lines: Iterable[PostingLine], values: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of `values.parquet` tagged U or PH that these lines rest on; a default that says "none" is no value."""
    wanted = {name for line in lines for name in mechanisms_of(line)}
    open_values = (row for row in values if row["tag"] in ("U", "PH") and row["val_text"] != "–")
    return [row for row in open_values if mechanism(str(row["rule"])) in wanted]
