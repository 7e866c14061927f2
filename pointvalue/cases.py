"""The cases of a year as columns: one row per live or cancelled case, rows in ascending order of case id.

In: integer arrays made by the caller; out: the same arrays, checked for length, type and plain sense.
Units: money fen, points ×10⁴, coefficients and ratios ×10⁶, days counted from 1970-01-01; −1 where a column says
"none". Row order is the order of keys, so "ties by case id" is "ties by row". It never sorts and never copies a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

I64: TypeAlias = NDArray[np.int64]
I32: TypeAlias = NDArray[np.int32]

NONE = -1
"""No value in an optional column."""
_LARGE = 1 << 31


class CaseFault(ValueError):
    """A case the rules cannot settle; the caller should have rejected it. `row` is its row, −1 when none."""

    def __init__(self, row: int, case: str, message: str) -> None:
        super().__init__(f"case {case!r} (row {row}): {message}")
        self.row = row
        self.case = case


@dataclass(frozen=True, slots=True)
class CaseColumns:
    """Cases of one settlement year. `hospital`, `pool`, `scheme` index the area's tuples, `group` indexes `groups`.

    `month` 1..12 is the month the case belongs to (`period_by`); `value_day` the date its rules are read at.
    `cost` = `patient` + `fund`. `reference_fen` 0: none (an ungrouped case). `flags` is a sum of `Flag` bits.
    Optional columns, None when no case has the thing: `coefficient_e6` overrides the hospital's, `aux_e6` 10⁶ = none,
    `tcm_*`, `new_tech_year` (1 = first year) with its points, and for cases flagged SPECIAL the approved cost, the
    approved fund money or the points given.
    """

    ids: Sequence[str]
    hospital: I32
    pool: I32
    scheme: I32
    group: I32
    groups: tuple[str, ...]
    month: I32
    value_day: I32
    days: I32
    cost_fen: I64
    patient_fen: I64
    fund_fen: I64
    base_points_e4: I64
    reference_fen: I64
    flags: I64
    coefficient_e6: I64 | None = None
    aux_e6: I64 | None = None
    tcm_ratio_e6: I64 | None = None
    tcm_base_e4: I64 | None = None
    new_tech_points_e4: I64 | None = None
    new_tech_year: I32 | None = None
    special_approved_fen: I64 | None = None
    special_fund_fen: I64 | None = None
    special_points_e4: I64 | None = None
    given_points_e4: I64 | None = None
    given_class: I32 | None = None
    given_classes: tuple[str, ...] = ()
    """Of cases of a `pack_points` scheme: points (−1: paid at cost, by fixed line `ffs`) and class among these."""
    count: I64 | None = None
    declared_fen: I64 | None = None
    gross_fen: I64 | None = None
    price_fen: I64 | None = None
    """Of a digest, whose rows are sums over several cases of one hospital, pool, scheme and month: how many cases a row
    stands for, what they declared, and full price and fund part of those no pot pays. None where a row is a case."""

    def __post_init__(self) -> None:
        count = len(self.ids)
        for name in _ARRAY_NAMES:
            column = getattr(self, name)
            if column is None:
                continue
            wanted = np.int32 if name in _I32_NAMES else np.int64
            if column.dtype != wanted or column.shape != (count,):
                raise TypeError(f"column {name}: need {count} values of {wanted.__name__}")
        if count < _MANY or not _in_order(self):
            _refuse_plainly(self)
        if self.aux_e6 is not None:
            _refuse(self, (self.aux_e6 < 0) | (self.aux_e6 >= _LARGE), "auxiliary factor outside 0..2147")
        if self.tcm_ratio_e6 is not None:
            _refuse(self, self.tcm_ratio_e6 >= _LARGE, "TCM ratio above 2147")
        if self.new_tech_points_e4 is not None:
            _refuse(self, self.new_tech_points_e4 < 0, "new-technology points below zero")

    def __len__(self) -> int:
        return len(self.ids)

    def counts(self, rows: I64) -> I64:
        """How many cases each of these rows stands for."""
        return np.ones(rows.size, np.int64) if self.count is None else self.count[rows]

    def take(self, rows: I64) -> CaseColumns:
        """The cases at these rows (ascending, so that the order of keys stays)."""
        picked: dict[str, Any] = {"ids": [self.ids[int(row)] for row in rows]}
        for name in _ARRAY_NAMES:
            column = getattr(self, name)
            picked[name] = None if column is None else column[rows]
        return replace(self, **picked)


_ARRAY_NAMES = tuple(f.name for f in fields(CaseColumns) if f.name not in ("ids", "groups", "given_classes"))
_I32_NAMES = frozenset(
    {"hospital", "pool", "scheme", "group", "month", "value_day", "days", "new_tech_year", "given_class"}
)


_MANY = 4_096
"""So many cases are looked at by compiled code first; for fewer it is not worth loading."""


def _in_order(cases: CaseColumns) -> bool:
    """Whether every case passes `_refuse_plainly`, in one pass."""
    from pointvalue.case_checks import all_in_order

    amounts = (cases.cost_fen, cases.patient_fen, cases.fund_fen, cases.base_points_e4, cases.reference_fen)
    columns = (shut(column) for column in (*amounts, cases.month, cases.group))
    return bool(all_in_order(*columns, max(1, len(cases.groups))))


def _refuse_plainly(cases: CaseColumns) -> None:
    """What every case must hold, whatever columns it has; the first that does not is named."""
    _refuse(cases, cases.cost_fen != cases.patient_fen + cases.fund_fen, "total cost is not patient part + booked fund")
    _refuse(cases, cases.cost_fen < 0, "total cost below zero")
    _refuse(cases, cases.base_points_e4 < 0, "base points below zero")
    _refuse(cases, cases.reference_fen < 0, "reference cost below zero")
    _refuse(cases, (cases.month < 1) | (cases.month > 12), "month outside 1..12")
    _refuse(cases, (cases.group < 0) | (cases.group >= max(1, len(cases.groups))), "group index outside `groups`")


def _refuse(cases: CaseColumns, wrong: NDArray[np.bool_], message: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise CaseFault(row, cases.ids[row], message)


def shut(column: NDArray[Any]) -> NDArray[Any]:
    """The column as compiled code takes it: in one piece and not to be written, whoever made it. Kernels are compiled
    once for each kind of array, and whether one may be written is part of the kind."""
    seen = np.ascontiguousarray(column).view()
    seen.flags.writeable = False
    return seen


def require_places(cases: CaseColumns, hospitals: int, pools: int, schemes: int) -> None:
    """Every index points into the area: compiled code does not check again."""
    for name, count in (("hospital", hospitals), ("pool", pools), ("scheme", schemes)):
        index = getattr(cases, name)
        _refuse(cases, (index < 0) | (index >= count), f"{name} index outside the area's {count} {name}s")


def require_ascending(ids: Sequence[str]) -> None:
    """Ids must ascend and differ: ties between equal remainders go by them."""
    before: str | None = None
    for row, case in enumerate(ids):
        if before is not None and case <= before:
            raise CaseFault(row, case, f"ids must ascend in code-point order and differ; the one before is {before!r}")
        before = case


def row_of(ids: Sequence[str], case: str) -> int:
    """Row of a case id among ascending ids, or −1."""
    low = insertion_row(ids, case)
    return low if low < len(ids) and ids[low] == case else -1


def insertion_row(ids: Sequence[str], key: str) -> int:
    """How many ids stand before `key` in code-point order."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) >> 1
        if ids[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low
