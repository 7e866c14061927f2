"""The CSV tables a policy names, and how any of them is read: hospitals 「定点医疗机构」, weights 「病组基准点数」.

In: a file inside the policy folder; out: frozen tables sorted by key. Units: coefficients ×10⁶, points ×10⁴, fen.
Cells are read as exactly as the YAML: digits and one point, never a float; faults carry the line of the file.
An empty cell is "not given", which the cross-checks judge; it never becomes 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeVar

from engine.policy.nodes import Node, Scalar
from engine.policy.problems import Place, Problems, Unreadable, listed
from engine.policy.readers import POINT_PLACES, RATIO_PLACES, exact, within, word
from pointvalue.model import Hospital

T = TypeVar("T")
HOSPITAL_COLUMNS = ("fixmedins_code", "fixmedins_name", "hi_setl_lv", "medins_coef", "county", "score", "credit")
WEIGHT_COLUMNS = ("group_code", "base_points", "cost_mean")
LEVEL_COLUMN = "cost_mean_"
"""`cost_mean_3`: the mean of the group in hospitals of level 3, where the area uses same-level means."""
FACT_COLUMNS = ("fixmedins_code", "kind")
INDICATOR_COLUMN = "ind_"
"""`ind_cmi`: the indicator `cmi` of every hospital, a decimal."""


@dataclass(frozen=True)
class HospitalTable:
    """Hospitals, ascending by code, and the line of the file each stands on."""

    file: str
    hospitals: tuple[Hospital, ...]
    lines: Mapping[str, int]


@dataclass(frozen=True)
class WeightTable:
    """Base points and mean cost of every group, groups ascending.

    `cost_mean_fen_by_level` refines the mean for a hospital level; a level it lacks uses the general mean.
    """

    file: str
    groups: tuple[str, ...]
    base_points_e4: tuple[int, ...]
    cost_mean_fen: tuple[int, ...]
    cost_mean_fen_by_level: Mapping[str, tuple[int, ...]]

    def row(self, group: str) -> int:
        """Place of a group, −1 if the table has none."""
        return self._rows.get(group, -1)

    def means_fen(self, level: str) -> tuple[int, ...]:
        """Mean cost of every group in hospitals of a level."""
        return self.cost_mean_fen_by_level.get(level, self.cost_mean_fen)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {group: index for index, group in enumerate(self.groups)}


@dataclass(frozen=True)
class FactsTable:
    """Indicators of hospitals for computing their coefficients; kind and indicators by hospital code."""

    file: str
    kinds: Mapping[str, str]
    indicators: Mapping[str, Mapping[str, Fraction]]
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table with its place."""

    place: Place
    cells: Mapping[str, str]

    def cell(self, column: str) -> Place:
        return self.place.child(column)

    def number(self, column: str, problems: Problems, places: int, lo: str, hi: str | None = None) -> Fraction:
        place, text = self.cell(column), self.cells[column]
        if not text:
            raise problems.add(place, "missing_value")
        high = None if hi is None else Fraction(hi)
        return within(exact(text, place, problems, places, "1.05"), place, problems, Fraction(lo), high)

    def scalar(self, column: str, text: str) -> Scalar:
        """A part of a cell as a node, for the readers of YAML."""
        return Scalar(self.cell(column), text, plain=True)

    def text(self, column: str, problems: Problems) -> str:
        if not self.cells[column]:
            raise problems.add(self.cell(column), "missing_value")
        return self.cells[column]


def hospital_table(node: Node, problems: Problems) -> HospitalTable:
    """`fixmedins_code, fixmedins_name, hi_setl_lv, medins_coef, county, score, credit`; the last three may be empty."""
    file, rows = open_table(node, problems, HOSPITAL_COLUMNS)
    found = each_row(rows, _hospital, problems)
    unique_rows(rows, "fixmedins_code", problems)
    lines = {row.cells["fixmedins_code"]: row.place.line for row in rows}
    return HospitalTable(file, tuple(sorted(found, key=lambda hospital: hospital.code)), lines)


def _hospital(row: Row, problems: Problems) -> Hospital:
    score = row.number("score", problems, 2, "0", "1000") if row.cells["score"] else None
    return Hospital(
        code=row.text("fixmedins_code", problems),
        level=row.text("hi_setl_lv", problems),
        coefficient_e6=int(row.number("medins_coef", problems, RATIO_PLACES, "0", "10") * 10**RATIO_PLACES),
        county=row.cells["county"],
        score=score,
        credit=row.cells["credit"],
        name=row.text("fixmedins_name", problems),
    )


def weight_table(node: Node, problems: Problems) -> WeightTable:
    """`group_code, base_points, cost_mean` (yuan), and `cost_mean_<level>` for each level with its own means."""
    file, rows = open_table(node, problems, WEIGHT_COLUMNS, LEVEL_COLUMN)
    levels = [column for column in rows[0].cells if column.startswith(LEVEL_COLUMN)]
    found = each_row(rows, lambda row, to: _weights(row, levels, to), problems)
    unique_rows(rows, "group_code", problems)
    found.sort()
    return WeightTable(
        file,
        tuple(code for code, _, _ in found),
        tuple(points for _, points, _ in found),
        tuple(means[0] for _, _, means in found),
        {
            level.removeprefix(LEVEL_COLUMN): tuple(means[i + 1] for _, _, means in found)
            for i, level in enumerate(levels)
        },
    )


def _weights(row: Row, levels: Sequence[str], problems: Problems) -> tuple[str, int, tuple[int, ...]]:
    points = row.number("base_points", problems, POINT_PLACES, "0.0001")
    mean = int(row.number("cost_mean", problems, 2, "0.01") * 100)
    by_level = [int(row.number(level, problems, 2, "0.01") * 100) if row.cells[level] else mean for level in levels]
    return row.text("group_code", problems), int(points * 10**POINT_PLACES), (mean, *by_level)


def facts_table(node: Node, problems: Problems) -> FactsTable:
    """`fixmedins_code, kind` (may be empty) and a column `ind_<name>` per indicator; every cell of those is filled."""
    file, rows = open_table(node, problems, FACT_COLUMNS, INDICATOR_COLUMN)
    names = [column for column in rows[0].cells if column.startswith(INDICATOR_COLUMN)]

    def indicators(row: Row, to: Problems) -> tuple[str, dict[str, Fraction]]:
        found = {name.removeprefix(INDICATOR_COLUMN): row.number(name, to, RATIO_PLACES, "0") for name in names}
        return row.text("fixmedins_code", to), found

    found = dict(each_row(rows, indicators, problems))
    unique_rows(rows, "fixmedins_code", problems)
    codes = [row.cells["fixmedins_code"] for row in rows]
    kinds = {code: row.cells["kind"] for code, row in zip(codes, rows, strict=True)}
    return FactsTable(file, kinds, found, {code: row.place.line for code, row in zip(codes, rows, strict=True)})


def open_table(
    node: Node, problems: Problems, columns: Sequence[str], extra: str = "", optional: Sequence[str] = ()
) -> tuple[str, list[Row]]:
    """Rows of the table a node names, after checking path, header and row widths. `optional` columns that are not there
    read as empty cells."""
    file = word(r"[\w./-]{1,200}\.csv", "CSV 文件名", "the name of a .csv file")(node, problems)
    path = problems.folder / file
    if ".." in path.parts[len(problems.folder.parts) :] or file.startswith("/") or not path.is_file():
        raise problems.add(node.place, "no_table", found=file)
    top = Place(f"{problems.folder.name}/{file}", 1, "")
    try:
        lines = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        numbered = [(lines.line_num, [cell.strip() for cell in cells]) for cells in lines]
    except UnicodeDecodeError:
        raise problems.add(top, "not_utf8") from None
    except csv.Error as error:
        raise problems.add(top, "syntax", detail=f"CSV: {error}") from None
    header = numbered[0][1] if numbered else []
    missing = [column for column in columns if column not in header]
    allowed = (*columns, *optional)
    unknown = [column for column in header if column not in allowed and not (extra and column.startswith(extra))]
    if missing or unknown or len(set(header)) != len(header):
        near = (unknown[0], allowed) if unknown else None
        facts = {"missing": listed(missing), "extra": listed(unknown), "allowed": listed(allowed)}
        raise problems.add(top, "table_columns", near=near, **facts)
    rows: list[Row] = []
    for line, cells in numbered[1:]:
        place = Place(top.file, line, cells[0] if cells else "")
        if len(cells) != len(header):
            problems.add(place, "table_row", found=len(cells), allowed=len(header))
            continue
        rows.append(Row(place, {**dict.fromkeys(optional, ""), **dict(zip(header, cells, strict=True))}))
    if not rows:
        raise problems.add(top, "empty_table", found=file)
    return file, rows


def each_row(rows: Sequence[Row], build: Callable[[Row, Problems], T], problems: Problems) -> list[T]:
    """Build every row, so that all faults show, and only then give up if one failed."""
    found: list[T] = []
    for row in rows:
        try:
            found.append(build(row, problems))
        except Unreadable:
            continue
    if len(found) < len(rows):
        raise Unreadable("table")
    return found


def unique_rows(rows: Sequence[Row], column: str, problems: Problems) -> None:
    """Report a key that stands in two rows."""
    first: dict[str, int] = {}
    for row in rows:
        key = row.cells[column]
        if key in first:
            problems.add(row.cell(column), "repeated", found=key, first=first[key])
        first.setdefault(key, row.place.line)
