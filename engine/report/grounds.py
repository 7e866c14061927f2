"""What amounts rest on 「金额的依据」: policy values with their documents, how gaps were shared, edges close by.

In: the rows of `values`, `sharing` and `cliffs` of a run, and posting lines; out: the document behind a line, every
unverified value behind what a report shows, the tiers and edges of a hospital. A line's rule is the key that made it;
its amount rests on more: a standard on classes, points and coefficients. It computes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from engine.report import causes
from pointvalue.terms import Cause

if TYPE_CHECKING:
    from engine.report.figures import PostingLine

Row = Mapping[str, Any]

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


@dataclass(frozen=True, slots=True)
class Tiers:
    """How one gap was shared: the hospital's own row, and a row a tier. Amounts in yuan."""

    whole: Row
    tiers: tuple[Row, ...]


@dataclass(frozen=True)
class Grounds:
    """The three tables, each empty where the run has none."""

    values: tuple[Row, ...] = ()
    sharing: tuple[Row, ...] = ()
    cliffs: tuple[Row, ...] = ()

    @classmethod
    def from_folder(cls, folder: Path) -> Grounds:
        """From the files of a run, or of a run being written."""
        paths = [folder / f"{name}.parquet" for name in ("values", "sharing", "cliffs")]
        return cls(*(tuple(pq.read_table(path).to_pylist()) if path.is_file() else () for path in paths))

    def tiers_of(self, hospital: str, pool: str) -> Tiers | None:
        rows = self._sharing_by_owner.get((hospital, pool))
        return Tiers(rows[0], tuple(rows[1:])) if rows else None

    def cliffs_of(self, hospital: str, pool: str) -> tuple[Row, ...]:
        return tuple(self._cliffs_by_owner.get((hospital, pool), ()))

    @cached_property
    def _sharing_by_owner(self) -> dict[tuple[str, str], list[Row]]:
        return _by_owner(self.sharing)

    @cached_property
    def _cliffs_by_owner(self) -> dict[tuple[str, str], list[Row]]:
        return _by_owner(self.cliffs)

    def document(self, rule: str) -> str:
        """Where the value behind a rule is written; for a rule without a value of its own, those of its mechanism."""
        own = [row for row in self.values if row["rule"] == rule]
        family = [row for row in self.values if mechanism(row["rule"]) == mechanism(rule) and not row["val_dflt"]]
        return "；".join(dict.fromkeys(str(row["source_doc"]) for row in own or family))

    def unverified(self, lines: Iterable[PostingLine]) -> list[Row]:
        """The values tagged U or PH that these lines rest on; a default that says "none" is no value."""
        wanted = {name for line in lines for name in mechanisms_of(line)}
        open_values = (row for row in self.values if row["tag"] in ("U", "PH") and row["val_text"] != "–")
        return [row for row in open_values if mechanism(str(row["rule"])) in wanted]


def _by_owner(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows by hospital and pool, in their order."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row["fixmedins_code"], row["insutype"]].append(row)
    return found


NO_GROUNDS = Grounds()
"""Of figures that stand alone."""
