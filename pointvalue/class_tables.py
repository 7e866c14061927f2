"""Class rules of one point scheme as integer tables for the kernel.

In: a `PointScheme` and its pools; out: one row of integers per rule, one per K limit, one per class set.
Every ratio becomes a numerator and a denominator under 2³¹, so that the kernel's products stay within 128 bits.
It decides nothing: which rule matches is the kernel's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pointvalue.cases import I64, NONE
from pointvalue.fixed import E4, fen_per_point_e4, floor
from pointvalue.model import ClassRule, ClassSet, Limit, PointScheme, RatioInterval
from pointvalue.terms import Denominator, Shape

SHAPE_CODE: dict[Shape, int] = {shape: code for code, shape in enumerate(Shape)}
COEFFICIENT_BY_DEFAULT: frozenset[Shape] = frozenset(
    {
        Shape.NORMAL,
        Shape.LINEAR_ADD,
        Shape.EXCESS_PLUS_COEF,
        Shape.COEF_ONLY,
        Shape.DEDUCT,
        Shape.CAP,
        Shape.TCM_BASE,
    }
)
"""Shapes whose formula names h. The others take it only where the rule says `coefficient: true`."""

SMALL = 1 << 31
OPEN = (1 << 62) - 1


class Col(IntEnum):
    """Columns of the rule table."""

    SHAPE = 0
    COEFFICIENT = 1
    AUX = 2
    FACTOR_N = 3
    FACTOR_D = 4
    ADD_N = 5
    ADD_D = 6
    K_N = 7
    K_D = 8
    FLAG = 9
    DAYS_FROM = 10
    DAYS_UPTO = 11
    ABOVE = 12
    ABOVE_IN = 13
    ABOVE_N = 14
    ABOVE_D = 15
    BELOW = 16
    BELOW_IN = 17
    BELOW_N = 18
    BELOW_D = 19
    TOP = 20
    TCM_N = 21
    TCM_D = 22
    TCM_DAYS = 23
    ASKS = 24


class Asks(IntEnum):
    """Bits of what a rule's condition asks for, so that a case is not asked for the rest."""

    FLAG = 1
    OTHER = 2
    RATIO = 4


class End(IntEnum):
    """What an end of a cost ratio interval is."""

    NONE = 0
    VALUE = 1
    K = 2


class SetCol(IntEnum):
    FROM_DAY = 0
    RULE_START = 1
    RULE_END = 2
    K_START = 3
    K_END = 4
    PLAIN_START = 5
    PLAIN_END = 6
    CELLS = 7


class KCol(IntEnum):
    UPTO_E4 = 0
    K_N = 1
    K_D = 2
    CELLS = 3


class CellCol(IntEnum):
    """Where a `Cells` of limits begins and ends, and its first answer."""

    START = 0
    END = 1
    FIRST = 2


class NumbersTooFine(ValueError):
    """A policy number with more digits than any rule text has."""


@dataclass(frozen=True, slots=True)
class SchemeTables:
    """One scheme, compiled. r = cost·`unit_n`[pool] ÷ (reference or base points · `unit_d`[pool])."""

    sets: I64
    rules: I64
    order: I64
    """Every rule by its own place, then of every set the rules without a flag: those of cases that have none."""
    k_limits: I64
    cells: I64
    """By limit K, and by set for cases without one: which limits part the cost ratios, and where the answers begin."""
    cell_limits: I64
    cell_rules: I64
    """First rule of a case without flags by where its ratio lies: below the first limit, on it, above it, and so on."""
    rule_list: tuple[ClassRule, ...]
    rule_from_day: tuple[int, ...]
    top_shares: tuple[Fraction, ...]
    by_reference: bool
    unit_n: I64
    unit_d: I64
    cost_points_n: I64
    cost_points_d: I64
    budget_n: I64
    budget_d: I64
    same_price: NDArray[np.bool_]


_COMPILED: dict[tuple[int, tuple[str, ...], tuple[str, ...]], tuple[PointScheme, SchemeTables]] = {}
"""Schemes compiled so far, for the next piece; with the scheme itself, so that its number stays its own."""
_COMPILED_MAX = 64


def compiled_scheme(scheme: PointScheme, pools: tuple[str, ...], groups: tuple[str, ...]) -> SchemeTables:
    """As `compile_scheme`, which is done once for each scheme."""
    key = (id(scheme), pools, groups)
    found = _COMPILED.get(key)
    if found is None:
        if len(_COMPILED) >= _COMPILED_MAX:
            _COMPILED.clear()
        found = _COMPILED[key] = scheme, compile_scheme(scheme, pools, groups)
    return found[1]


def compile_scheme(scheme: PointScheme, pools: tuple[str, ...], groups: tuple[str, ...]) -> SchemeTables:
    """Integer tables of a scheme; pools without a budget point value get −1 and fail only where it is asked for."""
    sets: list[list[int]] = []
    rules: list[list[int]] = []
    limits: list[list[int]] = []
    kept: list[ClassRule] = []
    from_days: list[int] = []
    top_shares: list[Fraction] = []
    for class_set in sorted(scheme.class_sets, key=lambda each: each.from_day):
        rule_start, k_start = len(rules), len(limits)
        limits += _k_rows(class_set, scheme.scale)
        for rule in class_set.rules:
            top = NONE
            if rule.when.top_share is not None:
                top = len(top_shares)
                top_shares.append(rule.when.top_share)
            rules.append(_rule_row(rule, top))
            kept.append(rule)
            from_days.append(class_set.from_day)
        sets.append([class_set.from_day, rule_start, len(rules), k_start, len(limits), 0, 0, NONE])
    order = list(range(len(rules)))
    for row in sets:
        row[SetCol.PLAIN_START] = len(order)
        order += [place for place in range(row[SetCol.RULE_START], row[SetCol.RULE_END]) if not rules[place][Col.FLAG]]
        row[SetCol.PLAIN_END] = len(order)
    cells = Cells()
    for row, class_set in zip(sets, sorted(scheme.class_sets, key=lambda each: each.from_day), strict=True):
        numbered = list(enumerate(class_set.rules, row[SetCol.RULE_START]))
        row[SetCol.CELLS] = cells.add(numbered, None)
        for limit, given in zip(limits[row[SetCol.K_START] : row[SetCol.K_END]], class_set.k_limits, strict=True):
            limit[KCol.CELLS] = cells.add(numbered, given.k)
    budget = _per_pool([_budget_fen_e4(scheme, pool) for pool in pools])
    cost_points = _per_pool([Fraction(scheme.scale * E4, scheme.region_mean_fen)] * len(pools))
    unit = _ratio_unit(scheme, budget, cost_points, len(pools))
    return SchemeTables(
        sets=_table(sets, len(SetCol)),
        rules=_table(rules, len(Col)),
        order=np.array(order, dtype=np.int64),
        k_limits=_table(limits, len(KCol)),
        cells=_table(cells.table, len(CellCol)),
        cell_limits=_table(cells.limits, 2),
        cell_rules=np.array(cells.rules, dtype=np.int64),
        rule_list=tuple(kept),
        rule_from_day=tuple(from_days),
        top_shares=tuple(top_shares),
        by_reference=scheme.denominator is Denominator.GROUP_MEAN,
        unit_n=unit[0],
        unit_d=unit[1],
        cost_points_n=cost_points[0],
        cost_points_d=cost_points[1],
        budget_n=budget[0],
        budget_d=budget[1],
        same_price=np.array([group in scheme.same_price_groups for group in groups], dtype=np.bool_),
    )


def _budget_fen_e4(scheme: PointScheme, pool: str) -> Fraction | None:
    value = scheme.budget_point_value.get(pool)
    return None if value is None else fen_per_point_e4(value)


def _ratio_unit(
    scheme: PointScheme, budget: tuple[I64, I64], cost_points: tuple[I64, I64], count: int
) -> tuple[I64, I64]:
    """Numerator and denominator per pool that turn cost and (reference or base points) into the cost ratio."""
    if scheme.denominator is Denominator.GROUP_MEAN:
        return np.ones(count, np.int64), np.ones(count, np.int64)
    if scheme.denominator is Denominator.REGION_MEAN:
        return cost_points
    return budget[1], budget[0]


def _rule_row(rule: ClassRule, top: int) -> list[int]:
    row = [0] * len(Col)
    row[Col.SHAPE] = SHAPE_CODE[rule.shape]
    by_default = rule.shape in COEFFICIENT_BY_DEFAULT
    row[Col.COEFFICIENT] = int(by_default if rule.coefficient is None else rule.coefficient)
    row[Col.AUX] = int(rule.aux)
    row[Col.FACTOR_N], row[Col.FACTOR_D] = small(rule.factor)
    row[Col.ADD_N], row[Col.ADD_D] = small(rule.add)
    if rule.k is not None:
        row[Col.K_N], row[Col.K_D] = small(rule.k)
    when = rule.when
    row[Col.FLAG] = 0 if when.flag is None else int(when.flag)
    row[Col.DAYS_FROM] = -OPEN if when.days_from is None else when.days_from
    row[Col.DAYS_UPTO] = OPEN if when.days_upto is None else when.days_upto
    interval = when.cost_ratio or RatioInterval()
    row[Col.ABOVE], row[Col.ABOVE_N], row[Col.ABOVE_D] = _end(interval.above)
    row[Col.BELOW], row[Col.BELOW_N], row[Col.BELOW_D] = _end(interval.below)
    row[Col.ABOVE_IN], row[Col.BELOW_IN] = int(interval.above_in), int(interval.below_in)
    row[Col.TOP] = top
    if when.tcm is not None:
        row[Col.TCM_N], row[Col.TCM_D] = small(when.tcm.ratio_min)
        row[Col.TCM_DAYS] = when.tcm.days_min
    row[Col.ASKS] = _asks(rule, row)
    return row


def _asks(rule: ClassRule, row: list[int]) -> int:
    when = rule.when
    others = (when.days_from, when.days_upto, when.tcm, when.top_share)
    asks = Asks.FLAG if row[Col.FLAG] else 0
    asks |= Asks.OTHER if rule.shape is Shape.TCM_BASE or any(other is not None for other in others) else 0
    return asks | (Asks.RATIO if (row[Col.ABOVE], row[Col.BELOW]) != (End.NONE, End.NONE) else 0)


def _end(limit: Limit) -> tuple[int, int, int]:
    if limit is None:
        return End.NONE, 0, 1
    if limit == "k":
        return End.K, 0, 1
    return End.VALUE, *small(Fraction(limit))


def _k_rows(class_set: ClassSet, scale: int) -> list[list[int]]:
    """K by base points ×10⁴: `upto` is counted at scale 100, so it is stretched to the scheme's own scale."""
    rows = []
    for limit in class_set.k_limits:
        upto = OPEN if limit.upto is None else floor(limit.upto * scale * Fraction(E4, 100))
        rows.append([upto, *small(limit.k), NONE])
    return rows


def small(number: Fraction) -> tuple[int, int]:
    """Numerator and denominator, both under 2³¹; policy numbers are never longer."""
    if abs(number.numerator) >= SMALL or number.denominator >= SMALL:
        raise NumbersTooFine(f"{number} has too many digits for a policy number: give it with at most 9")
    return number.numerator, number.denominator


@dataclass
class Cells:
    """Cost ratios parted at the limits of some rules. Within a part all cases without flags have one rule."""

    table: list[list[int]] = field(default_factory=list)
    limits: list[list[int]] = field(default_factory=list)
    rules: list[int] = field(default_factory=list)

    def add(self, rules: list[tuple[int, ClassRule]], k: Fraction | None) -> int:
        """The parts for cases with this K; NONE where a rule asks for more, or K in vain."""
        plain = [(place, rule) for place, rule in rules if rule.when.flag is None]
        spans = []
        for place, rule in plain:
            when, own = rule.when, k if rule.k is None else rule.k
            interval = when.cost_ratio or RatioInterval()
            asked = "k" in (interval.above, interval.below) and own is None
            others = (when.days_from, when.days_upto, when.tcm, when.top_share)
            if asked or rule.shape is Shape.TCM_BASE or any(other is not None for other in others):
                return NONE
            ends = [own if end == "k" else end for end in (interval.above, interval.below)]
            spans.append((place, ends[0], interval.above_in, ends[1], interval.below_in))
        ends_of = ((above, below) for _, above, _, below, _ in spans)
        edges = sorted({Fraction(end) for each in ends_of for end in each if end is not None})
        if any(edge < 0 for edge in edges):
            return NONE
        first = len(self.limits)
        self.table.append([first, first + len(edges), len(self.rules)])
        self.limits += [list(small(edge)) for edge in edges]
        for part in range(2 * len(edges) + 1):
            self.rules.append(next((span[0] for span in spans if _has_part(span, part, edges)), NONE))
        return len(self.table) - 1


def _has_part(span: tuple[int, Limit, bool, Limit, bool], part: int, edges: list[Fraction]) -> bool:
    """Whether an interval holds a part: 2n + 1 is the limit n itself, 2n what lies between it and the one before."""
    _, above, above_in, below, below_in = span
    if above is not None:
        on = 2 * edges.index(Fraction(above)) + 1
        if part < on or (part == on and not above_in):
            return False
    if below is not None:
        on = 2 * edges.index(Fraction(below)) + 1
        if part > on or (part == on and not below_in):
            return False
    return True


def _per_pool(numbers: list[Fraction | None] | list[Fraction]) -> tuple[I64, I64]:
    """A number per pool; −1 over 1 where a pool has none."""
    tops = [NONE if number is None else number.numerator for number in numbers]
    bottoms = [1 if number is None else number.denominator for number in numbers]
    return np.array(tops, dtype=np.int64), np.array(bottoms, dtype=np.int64)


def _table(rows: list[list[int]], width: int) -> I64:
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)
