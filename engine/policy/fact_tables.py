"""CSV tables of facts of single cases: review decisions 「特例单议决定」, new technology, TCM, group coefficients.

In: a file inside the policy folder; out: frozen tables in the order of their keys. Units: fen, points ×10⁴,
coefficients ×10⁶. An optional cell that is empty is "not given". It opens no case file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from engine.policy.nodes import Node
from engine.policy.problems import Place, Problems
from engine.policy.readers import POINT_PLACES, RATIO_PLACES, parse_date
from engine.policy.tables import Row, each_row, open_table, unique_rows

DECISION_COLUMNS = ("setl_id", "decided", "document")
DECISION_VALUES = ("approved_cost", "fund", "points")
APPLICATION_COLUMNS = ("setl_id", "filed")
SWAPPED = "swapped_for"
NEW_TECH_COLUMNS = ("setl_id", "points", "year")
TCM_COLUMNS = ("group_code", "diagnosis", "base_points")
GROUP_COEFFICIENT_COLUMNS = ("fixmedins_code", "group_code", "coefficient")


@dataclass(frozen=True, slots=True)
class Decision:
    """One approved special case: its approved cost, approved fund money or points, as the committee decided."""

    case: str
    decided: date
    document: str
    approved_cost_fen: int | None = None
    fund_fen: int | None = None
    points_e4: int | None = None


@dataclass(frozen=True)
class DecisionTable:
    """Decisions by ascending case id, and the line of the file each stands on."""

    file: str
    decisions: tuple[Decision, ...]
    lines: Mapping[str, int]


def decision_table(node: Node, problems: Problems) -> DecisionTable:
    """`setl_id, decided, document`; of `approved_cost`, `fund` (yuan) and `points` what `special_case.pay` reads."""
    file, rows = open_table(node, problems, DECISION_COLUMNS, optional=DECISION_VALUES)
    found = each_row(rows, _decision, problems)
    unique_rows(rows, "setl_id", problems)
    lines = {row.cells["setl_id"]: row.place.line for row in rows}
    return DecisionTable(file, tuple(sorted(found, key=lambda each: each.case)), lines)


def _decision(row: Row, problems: Problems) -> Decision:
    return Decision(
        case=row.text("setl_id", problems),
        decided=parse_date(row.text("decided", problems), row.cell("decided"), problems),
        document=row.text("document", problems),
        approved_cost_fen=_optional(row, "approved_cost", problems, 2),
        fund_fen=_optional(row, "fund", problems, 2),
        points_e4=_optional(row, "points", problems, POINT_PLACES),
    )


def _optional(row: Row, column: str, problems: Problems, places: int) -> int | None:
    if not row.cells[column]:
        return None
    return int(row.number(column, problems, places, "0") * 10**places)


@dataclass(frozen=True, slots=True)
class Application:
    """A case a hospital applied for; `swapped_for` names the case it took the place of before clearing, if any."""

    case: str
    filed: date
    swapped_for: str


@dataclass(frozen=True)
class ApplicationTable:
    """Applications by ascending case id."""

    file: str
    applications: tuple[Application, ...]
    lines: Mapping[str, int]


def application_table(node: Node, problems: Problems) -> ApplicationTable:
    """`setl_id, filed`, and `swapped_for` where cases were exchanged."""
    file, rows = open_table(node, problems, APPLICATION_COLUMNS, optional=(SWAPPED,))

    def one(row: Row, to: Problems) -> Application:
        filed = parse_date(row.text("filed", to), row.cell("filed"), to)
        return Application(row.text("setl_id", to), filed, row.cells[SWAPPED])

    found = each_row(rows, one, problems)
    unique_rows(rows, "setl_id", problems)
    lines = {row.cells["setl_id"]: row.place.line for row in rows}
    return ApplicationTable(file, tuple(sorted(found, key=lambda each: each.case)), lines)


@dataclass(frozen=True, slots=True)
class NewTechCase:
    """Extra points of one case, and which year of the technology it falls in: 1 is the first."""

    case: str
    points_e4: int
    year: int


@dataclass(frozen=True)
class NewTechTable:
    """Cases with extra points, ascending."""

    file: str
    cases: tuple[NewTechCase, ...]
    lines: Mapping[str, int]


def new_tech_table(node: Node, problems: Problems) -> NewTechTable:
    """`setl_id, points, year`."""
    file, rows = open_table(node, problems, NEW_TECH_COLUMNS)

    def one(row: Row, to: Problems) -> NewTechCase:
        points = row.number("points", to, POINT_PLACES, "0")
        year = int(row.number("year", to, 0, "1", "20"))
        return NewTechCase(row.text("setl_id", to), int(points * 10**POINT_PLACES), year)

    found = each_row(rows, one, problems)
    unique_rows(rows, "setl_id", problems)
    lines = {row.cells["setl_id"]: row.place.line for row in rows}
    return NewTechTable(file, tuple(sorted(found, key=lambda each: each.case)), lines)


@dataclass(frozen=True, slots=True)
class TcmGroup:
    """A group whose Chinese-medicine treatment has base points of its own, for one principal diagnosis or for any
    (empty). `base_points_e4` None: those of the group × `tcm.same_price_factor`."""

    group: str
    diagnosis: str
    base_points_e4: int | None


@dataclass(frozen=True)
class TcmTable:
    """TCM advantage diseases 「中医优势病种」 of one scheme; of two rows of a group the longer diagnosis goes first."""

    file: str
    groups: tuple[TcmGroup, ...]
    lines: Mapping[str, int]


def tcm_table(node: Node, problems: Problems) -> TcmTable:
    """`group_code, diagnosis, base_points`; the last two may be empty."""
    file, rows = open_table(node, problems, TCM_COLUMNS)
    found = each_row(rows, _tcm_group, problems)
    _unique_pairs(rows, ("group_code", "diagnosis"), problems)
    ordered = sorted(found, key=lambda each: (each.group, -len(each.diagnosis), each.diagnosis))
    return TcmTable(file, tuple(ordered), {row.cells["group_code"]: row.place.line for row in rows})


def _tcm_group(row: Row, problems: Problems) -> TcmGroup:
    points = None
    if row.cells["base_points"]:
        points = int(row.number("base_points", problems, POINT_PLACES, "0.0001") * 10**POINT_PLACES)
    return TcmGroup(row.text("group_code", problems), row.cells["diagnosis"], points)


@dataclass(frozen=True)
class GroupCoefficients:
    """Coefficient of a hospital in a group 「病组差异系数」; a pair that is not listed has 1."""

    file: str
    values: Mapping[tuple[str, str], Fraction]
    lines: Mapping[tuple[str, str], int]


def group_coefficients(node: Node, problems: Problems) -> GroupCoefficients:
    """`fixmedins_code, group_code, coefficient`."""
    file, rows = open_table(node, problems, GROUP_COEFFICIENT_COLUMNS)

    def one(row: Row, to: Problems) -> tuple[tuple[str, str], Fraction]:
        value = row.number("coefficient", to, RATIO_PLACES, "0.000001", "10")
        return (row.text("fixmedins_code", to), row.text("group_code", to)), value

    found = dict(each_row(rows, one, problems))
    _unique_pairs(rows, ("fixmedins_code", "group_code"), problems)
    lines = {(row.cells["fixmedins_code"], row.cells["group_code"]): row.place.line for row in rows}
    return GroupCoefficients(file, found, lines)


def _unique_pairs(rows: list[Row], columns: tuple[str, str], problems: Problems) -> None:
    first: dict[tuple[str, ...], Place] = {}
    for row in rows:
        key = tuple(row.cells[column] for column in columns)
        if key in first:
            problems.add(row.place, "repeated", found="/".join(key), first=first[key].line)
        first.setdefault(key, row.place)
