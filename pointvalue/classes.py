"""From the cases of a year to case class and points 「病例分值」, step 4 of the clearing.

In: case columns and the area's rules; out: per case its class, its points ×10⁴, and where its money comes from.
First matching rule wins; points are rounded once, after every factor. Cases of fixed lines get no points.
It never looks at a fund or a point value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pointvalue import class_kernel, reference
from pointvalue.by_day import scored_by, scored_on
from pointvalue.cases import I32, I64, NONE, CaseColumns, CaseFault, require_places, shut
from pointvalue.class_kernel import REMEMBERED, Found, Status
from pointvalue.class_tables import SchemeTables, compiled_scheme
from pointvalue.fixed import E4, E6, exact, floor, half_up
from pointvalue.model import AreaYear, FixedScheme, PointScheme
from pointvalue.terms import Flag, Route, SchemeKind, Shape, SpecialPay

FFS_LINE = "ffs"
SPECIAL_LINE = "special"
SPECIAL_CLASS = "special_case"
READMITTED_SUFFIX = "+readmitted"

_ROUTES = {
    SchemeKind.EPIDEMIC: Route.EPIDEMIC,
    SchemeKind.BUNDLE: Route.BUNDLE,
    SchemeKind.CAPITATION: Route.ELSEWHERE,
    SchemeKind.EXCLUDED: Route.ELSEWHERE,
}
_NO_I64: I64 = np.zeros(0, np.int64)
_NO_I32: I32 = np.zeros(0, np.int32)
_MEANING = {
    Status.NO_CLASS_SET: "no class rules are in force on its value day; date the scheme's first class set earlier",
    Status.NO_REFERENCE: "a class rule asks for its cost ratio and it has no reference cost",
    Status.NO_RULE: "no class rule matches; end the rules with one that has no condition",
    Status.NO_K: "a class rule asks for the high limit K and none is given for its base points",
    Status.NO_BUDGET_VALUE: "its class needs a budget point value and its pool has none",
}


@dataclass(frozen=True, slots=True)
class CaseClass:
    """A class a case may have: the rule of a scheme, the special case, or a scheme at its own price."""

    scheme: str
    id: str
    shape: Shape | None = None
    from_day: int = 0
    review: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """Per case: class (an index into `classes`), points ×10⁴ (0 without points), route, fixed line (−1: none)."""

    classes: tuple[CaseClass, ...]
    lines: tuple[str, ...]
    class_index: I32
    points_e4: I64
    route: NDArray[np.int8]
    line: I32
    readmitted: NDArray[np.bool_]

    def class_id(self, row: int) -> str:
        """Class of a case as statements print it; a stay reduced by a readmission says so."""
        suffix = READMITTED_SUFFIX if self.readmitted[row] else ""
        return self.classes[int(self.class_index[row])].id + suffix

    def take(self, rows: I64) -> Scored:
        """The scores of these rows."""
        return replace(
            self,
            class_index=self.class_index[rows],
            points_e4=self.points_e4[rows],
            route=self.route[rows],
            line=self.line[rows],
            readmitted=self.readmitted[rows],
        )


def score(cases: CaseColumns, area: AreaYear) -> Scored:
    """Class, points and route of every case."""
    require_places(cases, len(area.hospitals), len(area.pools), len(area.schemes))
    lines = fixed_line_names(area)
    count = len(cases)
    classes: list[CaseClass] = []
    scored = Scored(
        classes=(),
        lines=lines,
        class_index=np.full(count, NONE, np.int32),
        points_e4=np.zeros(count, np.int64),
        route=np.full(count, int(Route.FIXED), np.int8),
        line=np.full(count, NONE, np.int32),
        readmitted=np.zeros(count, np.bool_),
    )
    for index, scheme in enumerate(area.schemes):
        if isinstance(scheme, PointScheme) and scheme.kind is not SchemeKind.PACK_POINTS:
            _score_scheme(cases, area, scheme, index, scored, classes)
            continue
        rows = np.flatnonzero(cases.scheme == index)
        if isinstance(scheme, PointScheme):
            _take_given(cases, area, scheme, rows, scored, classes)
        else:
            _price_apart(scheme, rows, scored, classes)
    return replace(scored, classes=tuple(classes))


def fixed_line_names(area: AreaYear) -> tuple[str, ...]:
    """Every fixed line of the area: what leaves the points, then the schemes with their own price."""
    own = [scheme.name for scheme in area.schemes if isinstance(scheme, FixedScheme)]
    return tuple(dict.fromkeys([FFS_LINE, SPECIAL_LINE, *own]))


def _take_given(
    cases: CaseColumns, area: AreaYear, scheme: PointScheme, rows: I64, scored: Scored, classes: list[CaseClass]
) -> None:
    """Points the catalogue's own scoring gave; a case paid at cost leaves the points and is paid what it booked.

    New technology and readmission change given points as they do any other; special cases are paid as decided.
    """
    if not rows.size:
        return
    if cases.given_points_e4 is None or cases.given_class is None:
        row = int(rows[0])
        raise CaseFault(row, cases.ids[row], f"scheme {scheme.name} needs the points of its catalogue")
    points = _adjusted(cases, area, rows, scored)
    at_cost = points < 0
    scored.class_index[rows] = len(classes) + cases.given_class[rows]
    scored.points_e4[rows] = np.where(at_cost, 0, points)
    scored.route[rows] = np.where(at_cost, int(Route.FIXED), int(Route.POT))
    scored.line[rows[at_cost]] = scored.lines.index(FFS_LINE)
    special = rows[(cases.flags[rows] & int(Flag.SPECIAL)) != 0]
    classes += [CaseClass(scheme.name, name) for name in (*cases.given_classes, SPECIAL_CLASS)]
    for row in special:
        scored.route[row], scored.line[row], scored.points_e4[row] = int(Route.FIXED), NONE, 0
        scored.readmitted[row] = False
        _score_special(cases, area, scheme, int(row), scored, len(classes) - 1)


def _adjusted(cases: CaseColumns, area: AreaYear, rows: I64, scored: Scored) -> I64:
    """Given points ×10⁴ with new-technology points of their year, then reduced by a readmission; −1 stays −1."""
    assert cases.given_points_e4 is not None
    points = cases.given_points_e4[rows].copy()
    readmitted = (cases.flags[rows] & int(Flag.READMITTED)) != 0
    extra = _or_empty(cases.new_tech_points_e4)
    touched = readmitted | (extra[rows] > 0) if extra.size else readmitted
    for place in np.flatnonzero(touched & (points >= 0)):
        exactly = int(points[place]) + _new_tech_e4(cases, area, int(rows[place]))
        points[place] = half_up(exactly * area.readmission_factor if readmitted[place] else exactly)
    scored.readmitted[rows] = readmitted & (points >= 0)
    return points


def _new_tech_e4(cases: CaseColumns, area: AreaYear, row: int) -> Fraction:
    """New-technology points ×10⁴ of a case in their year; 0 past the last year with a factor."""
    if cases.new_tech_points_e4 is None or cases.new_tech_year is None:
        return Fraction(0)
    year, factors = int(cases.new_tech_year[row]), area.new_tech_year_factors
    return int(cases.new_tech_points_e4[row]) * (factors[year - 1] if 1 <= year <= len(factors) else Fraction(0))


def _price_apart(scheme: FixedScheme, rows: I64, scored: Scored, classes: list[CaseClass]) -> None:
    route = _ROUTES.get(scheme.kind, Route.FIXED)
    scored.class_index[rows] = len(classes)
    scored.route[rows] = int(route)
    scored.line[rows] = scored.lines.index(scheme.name)
    classes.append(CaseClass(scheme.name, scheme.name))


def _score_scheme(
    cases: CaseColumns, area: AreaYear, scheme: PointScheme, index: int, scored: Scored, classes: list[CaseClass]
) -> None:
    normal, special = _normal_and_special(cases, index)
    pools = tuple(pool.id for pool in area.pools)
    tables = compiled_scheme(scheme, pools, cases.groups)
    first_class = len(classes)
    classes += [
        CaseClass(scheme.name, rule.id, rule.shape, day, rule.review)
        for rule, day in zip(tables.rule_list, tables.rule_from_day, strict=True)
    ]
    classes.append(CaseClass(scheme.name, SPECIAL_CLASS))
    dated = [(scheme, normal)]
    if scheme.dated:
        dated = [(terms, normal[places]) for terms, places in scored_by(scheme, cases.value_day[normal])]
    ranks = None
    for terms, rows in dated:
        held = tables if terms is scheme else compiled_scheme(terms, pools, cases.groups)
        if held.top_shares and ranks is None:
            ranks = _Ranks.of(cases, np.sort(np.concatenate([normal, special])), len(area.pools))
        _score_normal(cases, area, terms, held, rows, ranks, scored, first_class)
    for row in special:
        _score_special(cases, area, scheme, int(row), scored, len(classes) - 1)


def _normal_and_special(cases: CaseColumns, index: int) -> tuple[I64, I64]:
    """Rows of a scheme, special cases apart."""
    normal, special = np.empty(len(cases), np.int64), np.empty(len(cases), np.int64)
    flag = int(Flag.SPECIAL)
    counts = class_kernel.split_rows(shut(cases.scheme), shut(cases.flags), index, flag, normal, special)
    return normal[: counts[0]], special[: counts[1]].copy()


@dataclass(frozen=True, slots=True)
class _Ranks:
    """Of a scheme with rules for the dearest cases: every row's place in its pool, and how many cases each pool has."""

    of_row: I64
    counts: list[int]

    @classmethod
    def of(cls, cases: CaseColumns, rows: I64, pools: int) -> _Ranks:
        of_row = np.zeros(len(cases), np.int64)
        of_row[rows] = _cost_ranks(cases, rows)
        return cls(of_row, _counts_by_pool(cases, rows, pools))


def _score_normal(
    cases: CaseColumns,
    area: AreaYear,
    scheme: PointScheme,
    tables: SchemeTables,
    rows: I64,
    ranked: _Ranks | None,
    scored: Scored,
    first_class: int,
) -> None:
    """Everything but special cases: the kernel, then exact Python integers for rows it could not hold."""
    slow, found = np.empty(rows.size, np.int64), np.array([0, NONE, NONE, Status.DONE], np.int64)
    counts = [0] * len(area.pools) if ranked is None else ranked.counts
    ranks = _NO_I64 if ranked is None else ranked.of_row
    apart = scored.lines.index(FFS_LINE)
    years = [factor.as_integer_ratio() for factor in area.new_tech_year_factors]
    same_price = tables.same_price if tables.same_price.any() else tables.same_price[:0]
    class_kernel.score_rows(
        rows, shut(cases.pool), shut(cases.hospital), shut(cases.group), shut(cases.value_day), shut(cases.days),
        shut(cases.cost_fen), shut(cases.base_points_e4), shut(cases.reference_fen), shut(cases.flags),
        shut(_or_empty(cases.coefficient_e6)),
        np.array([hospital.coefficient_e6 for hospital in area.hospitals], np.int64), same_price,
        shut(_or_empty(cases.aux_e6)), shut(_or_empty(cases.tcm_ratio_e6)), shut(_or_empty(cases.tcm_base_e4)),
        shut(_or_empty(cases.new_tech_points_e4)),
        shut(_NO_I32 if cases.new_tech_year is None else cases.new_tech_year), ranks,
        cases.aux_e6 is not None, cases.tcm_ratio_e6 is not None and cases.tcm_base_e4 is not None,
        cases.new_tech_points_e4 is not None and cases.new_tech_year is not None,
        np.array([n for n, _ in years], np.int64), np.array([d for _, d in years], np.int64),
        *area.readmission_factor.as_integer_ratio(), int(Flag.READMITTED), _top_limits(tables, counts),
        tables.sets, tables.rules, tables.order, tables.k_limits, tables.cells, tables.cell_limits, tables.cell_rules,
        tables.by_reference, tables.unit_n, tables.unit_d,
        tables.cost_points_n, tables.cost_points_d, tables.budget_n, tables.budget_d,
        np.zeros((REMEMBERED, 3), np.int64), first_class, int(Route.POT), apart, scored.class_index, scored.points_e4,
        scored.route, scored.line, scored.readmitted, slow, found,
    )  # fmt: skip
    _refuse(cases, found)
    for row in slow[: int(found[Found.SLOW])].tolist():
        rank = int(ranks[row]) if ranks.size else 0
        case = reference_case(cases, area, row, rank, counts[int(cases.pool[row])])
        answer = reference.score_case(case, scheme)
        scored.class_index[row] = first_class + _place_of(tables, answer.rule)
        scored.points_e4[row] = 0 if answer.points_e4 is None else answer.points_e4
        if answer.rule.shape in (Shape.FFS, Shape.EXCLUDE):
            scored.line[row] = apart
        else:
            scored.route[row] = int(Route.POT)
            scored.readmitted[row] = bool(int(cases.flags[row]) & int(Flag.READMITTED))


def _score_special(
    cases: CaseColumns, area: AreaYear, scheme: PointScheme, row: int, scored: Scored, class_index: int
) -> None:
    """Points of an approved special case 「特例单议」: approved cost over the region's mean, without coefficient,
    or the points given; or none, when its approved fund money is paid outside the pot."""
    scored.class_index[row] = class_index
    scheme = scored_on(scheme, int(cases.value_day[row]))
    if area.special_pay is SpecialPay.ACTUAL_OUTSIDE_POOL:
        _special_value(cases.special_fund_fen, cases, row, "approved fund money")
        scored.line[row] = scored.lines.index(SPECIAL_LINE)
        return
    scored.route[row] = int(Route.POT)
    if area.special_pay is SpecialPay.POINTS_FROM_COST:
        approved = _special_value(cases.special_approved_fen, cases, row, "approved cost")
        points_e4 = exact(approved * scheme.scale * E4, scheme.region_mean_fen)
    else:
        points_e4 = Fraction(_special_value(cases.special_points_e4, cases, row, "points"))
    if int(cases.flags[row]) & int(Flag.READMITTED):
        points_e4 *= area.readmission_factor
        scored.readmitted[row] = True
    scored.points_e4[row] = half_up(points_e4)


def _special_value(column: I64 | None, cases: CaseColumns, row: int, what: str) -> int:
    value = NONE if column is None else int(column[row])
    if value < 0:
        raise CaseFault(row, cases.ids[row], f"it is approved as a special case but has no {what}")
    return value


def _cost_ranks(cases: CaseColumns, rows: I64) -> I64:
    """0-based place of each case among its pool's cases of the scheme, dearest first, ties by case id."""
    order = np.lexsort((rows, -cases.cost_fen[rows], cases.pool[rows]))
    pools = cases.pool[rows][order]
    starts = np.flatnonzero(np.r_[True, pools[1:] != pools[:-1]]) if rows.size else _NO_I64
    ranks = np.empty(rows.size, np.int64)
    ranks[order] = np.arange(rows.size) - np.repeat(starts, np.diff(np.r_[starts, rows.size]))
    return ranks


def _counts_by_pool(cases: CaseColumns, rows: I64, pools: int) -> list[int]:
    return [int(count) for count in np.bincount(cases.pool[rows], minlength=pools)]


def _top_limits(tables: SchemeTables, counts: list[int]) -> I64:
    limits = [[floor(count * share) for count in counts] for share in tables.top_shares]
    return np.array(limits, np.int64).reshape(len(limits), len(counts))


def _refuse(cases: CaseColumns, found: I64) -> None:
    wrong, refused = int(found[Found.WRONG_COEFFICIENT]), int(found[Found.REFUSED])
    if wrong >= 0:
        raise CaseFault(wrong, cases.ids[wrong], "its hospital coefficient is not between 0 and 2,147")
    if refused >= 0:
        raise CaseFault(refused, cases.ids[refused], _MEANING[Status(int(found[Found.STATUS]))])


def _or_empty(column: I64 | None) -> I64:
    return _NO_I64 if column is None else column


def _place_of(tables: SchemeTables, rule: object) -> int:
    return next(place for place, each in enumerate(tables.rule_list) if each is rule)


def reference_case(
    cases: CaseColumns, area: AreaYear, row: int, rank: int = 0, count: int = 0
) -> reference.ReferenceCase:
    """One row in the words of the reference rules; `rank` and `count` only matter to rules with a top share."""
    hospital = area.hospitals[int(cases.hospital[row])]
    own = hospital.coefficient_e6 if cases.coefficient_e6 is None else int(cases.coefficient_e6[row])
    year = 0 if cases.new_tech_year is None else int(cases.new_tech_year[row])
    factors = area.new_tech_year_factors
    readmitted = bool(int(cases.flags[row]) & int(Flag.READMITTED))
    return reference.ReferenceCase(
        pool=area.pools[int(cases.pool[row])].id,
        group=cases.groups[int(cases.group[row])],
        value_day=int(cases.value_day[row]),
        days=int(cases.days[row]),
        cost_fen=int(cases.cost_fen[row]),
        base_points=exact(int(cases.base_points_e4[row]), E4),
        reference_fen=int(cases.reference_fen[row]),
        flags=Flag(int(cases.flags[row])),
        hospital_coefficient=exact(own, E6),
        aux=Fraction(1) if cases.aux_e6 is None else exact(int(cases.aux_e6[row]), E6),
        tcm_ratio=_optional(cases.tcm_ratio_e6, row, E6),
        tcm_base=_optional(cases.tcm_base_e4, row, E4),
        new_tech_points=_optional(cases.new_tech_points_e4, row, E4) or Fraction(0),
        new_tech_factor=factors[year - 1] if 1 <= year <= len(factors) else Fraction(0),
        readmission_factor=area.readmission_factor if readmitted else Fraction(1),
        top_rank=rank,
        top_of=count,
    )


def _optional(column: I64 | None, row: int, scale: int) -> Fraction | None:
    return None if column is None or int(column[row]) < 0 else exact(int(column[row]), scale)


def cost_ratio(cases: CaseColumns, area: AreaYear, row: int) -> Fraction | None:
    """Cost ratio 「倍率」 of a case of a point scheme, exact; None without reference or outside the points."""
    scheme = area.schemes[int(cases.scheme[row])]
    if not isinstance(scheme, PointScheme):
        return None
    return reference.cost_ratio(reference_case(cases, area, row), scheme)


__all__ = ["CaseClass", "Scored", "cost_ratio", "fixed_line_names", "reference_case", "score"]
