"""Parameters of facts that belong to single cases: review decisions, readmission, new technology, TCM, out-of-area.

In: nothing; out: typed parameter keys, the mechanisms they found, those they join (`FACT_JOINING`). Points are read at
four places, money in fen. None of them holds unless it is written. No value stands in this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final

from engine.policy.case_params import by_scheme
from engine.policy.fact_tables import (
    ApplicationTable,
    DecisionTable,
    NewTechTable,
    TcmTable,
    application_table,
    decision_table,
    new_tech_table,
    tcm_table,
)
from engine.policy.nodes import Node
from engine.policy.problems import Problems
from engine.policy.readers import (
    POINT_PLACES,
    choice,
    code,
    day,
    flag,
    integer,
    listing,
    mapping,
    nullable,
    number,
    record,
    yuan,
)
from engine.policy.settings import Mechanism, Param
from engine.policy.shapes import Edge, bands_meet, placed

# --- special-case review ---------------------------------------------------------------------------------------------

DECISIONS: Param[DecisionTable | None] = Param(
    "special_case.decisions", decision_table, "特例单议决定", default=None, yearly=True
)
APPLICATIONS: Param[ApplicationTable | None] = Param(
    "special_case.applications", application_table, "特例单议申报", default=None, yearly=True
)
SPECIAL_SCALE: Param[dict[str, int]] = Param(
    "special_case.scale", by_scheme(integer(1, 100_000)), "特例单议折算基数", default={}, per="scheme"
)
SPECIAL_MEAN: Param[dict[str, int]] = Param(
    "special_case.region_mean", by_scheme(yuan("0.01")), "折算用区域例均费用", unit="CNY", default={}, per="scheme"
)  # fmt: skip

# --- readmission -----------------------------------------------------------------------------------------------------

READMISSION_HOSPITAL: Param[str] = Param(
    "readmission.hospital", choice("any", "same"), "再入院的医院", default="any", how=True
)

# --- new technology --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewTechOperation:
    """Extra points of every case with an operation of this code or below it, from a day on."""

    operation: str
    points_e4: int
    start: date

    def year_on(self, on: date) -> int:
        """Which year of the technology a day falls in: 1 from the first day, 0 before it."""
        if on < self.start:
            return 0
        passed = (on.month, on.day) >= (self.start.month, self.start.day)
        return on.year - self.start.year + (1 if passed else 0)


def _operation(node: Node, problems: Problems) -> NewTechOperation:
    fields = {"operation": code(), "points": number("0", places=POINT_PLACES, example="30"), "from": day}
    got: dict[str, Any] = record(dict, fields)(node, problems)
    return NewTechOperation(got["operation"], int(got["points"] * 10**POINT_PLACES), got["from"])


NEW_TECH_CASES: Param[NewTechTable | None] = Param(
    "new_tech.cases", new_tech_table, "新技术加成病例", default=None, yearly=True
)
NEW_TECH_OPERATIONS: Param[dict[str, tuple[NewTechOperation, ...]]] = Param(
    "new_tech.operations",
    by_scheme(listing(_operation, at_least=1)),
    "新技术加成手术操作",
    unit="point",
    default={},
    per="scheme",
)

# --- Chinese medicine ------------------------------------------------------------------------------------------------

TCM_LIST: Param[dict[str, TcmTable]] = Param("tcm.list", by_scheme(tcm_table), "中医优势病种", default={}, per="scheme")
TCM_SAME_PRICE: Param[Fraction] = Param(
    "tcm.same_price_factor", number("0.000001", "10"), "中西医同病同价系数", unit="/1", default=Fraction(1)
)

# --- patients insured elsewhere ---------------------------------------------------------------------------------------

IN_POINTS: Param[bool] = Param("out_of_area.in_points", flag(), "异地病例计入点数", default=True, how=True)
CAP: Param[str] = Param("out_of_area.cap", choice("none", "ffs"), "异地病例支付上限", default="none", how=True)
OUT_OF_AREA_VALUE: Param[str] = Param("out_of_area.pv", choice("local"), "异地病例点值", default="local", how=True)

# --- bed-days as points -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PointDays:
    """Days `first`..`last` of a stay at `factor` × the group's points of a day; the last tier is open."""

    first: int
    last: int | None
    factor: Fraction


def _point_days(node: Node, problems: Problems) -> tuple[PointDays, ...]:
    one = record(
        lambda **got: PointDays(got["from"], got["to"], got["factor"]),
        {"from": integer(1), "to": nullable(integer(1)), "factor": number("0", "10")},
    )
    rows = listing(one, at_least=1)(node, problems)
    edges: list[Edge] = [
        (item.place, Fraction(row.first), None if row.last is None else Fraction(row.last + 1))
        for item, row in zip(placed(node), rows, strict=True)
    ]
    bands_meet(problems, edges, Fraction(1), "bed-day 床日")
    return rows


BED_DAY_GROUPS: Param[dict[str, dict[str, tuple[PointDays, ...]]]] = Param(
    "points.bed_day_groups", by_scheme(mapping(code(), _point_days)), "床日病组", unit="/1", default={}, per="scheme"
)

FACT_JOINING: Final[Mapping[str, tuple[Param[Any], ...]]] = {
    "special_case": (DECISIONS, APPLICATIONS, SPECIAL_SCALE, SPECIAL_MEAN),
    "readmission": (READMISSION_HOSPITAL,),
    "new_tech": (NEW_TECH_CASES, NEW_TECH_OPERATIONS),
    "points": (BED_DAY_GROUPS,),
}
"""Parameters that stand in the file of a mechanism declared elsewhere."""

FACT_MECHANISMS: Final = (
    Mechanism("tcm", "中医优势病种", (TCM_LIST, TCM_SAME_PRICE), needs=False),
    Mechanism("out_of_area", "异地就医", (IN_POINTS, CAP, OUT_OF_AREA_VALUE), needs=False),
)
