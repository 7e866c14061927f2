"""From grouped cases to the columns the points and money are made of 「病例计分前的取值」.

In: a casebook, its editions, a resolved policy. Out: `CaseColumns` in order of settlement id, and beside them what the
result files show of each case. Base points, reference cost and coefficient are read at the case's own date, the one
that picks its edition. It computes no points: that is `pointvalue.classes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.area import Area
from engine.case_facts import with_facts
from engine.case_loops import mark_flags, months_of, places_of, price_cases
from engine.casebook import Casebook, whole
from engine.errors import PolicyError
from engine.policy.resolve import EPOCH, Dated, ResolvedPolicy
from engine.policy.tables import WeightTable

if TYPE_CHECKING:
    from engine.settle_dip import DipScores
from grouper.reason import GroupStatus
from pointvalue.cases import CaseColumns, shut
from pointvalue.terms import Flag

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
T = TypeVar("T")

_FLAG_OF_STATUS = {
    GroupStatus.FAIL: Flag.UNGROUPED,
    GroupStatus.QY: Flag.AMBIGUOUS,
    GroupStatus.INVALID: Flag.INVALID,
}


_IDS_AT_A_TIME = 65_536


class ArrowIds(Sequence[str]):
    """Settlement ids as a sequence, without a Python string for each of a million cases."""

    def __init__(self, ids: pa.Array) -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [str(item) for item in self._ids[place].to_pylist()]
        return str(self._ids[place].as_py())

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self._ids), _IDS_AT_A_TIME):
            yield from self._ids.slice(start, _IDS_AT_A_TIME).to_pylist()


def case_columns(book: Casebook, area: Area, resolved: ResolvedPolicy) -> CaseColumns:
    """Every case of the book with its prices. The book holds only hospitals and pools of the policy."""
    value_day = book.column(_value_column(area, resolved))
    hospital = _index(book, "fixmedins_code", resolved.area.hospital_codes)
    days = book.column("act_ipt_days")
    priced = _priced(book, area, resolved, value_day, hospital)
    _mark_flags(book, resolved, value_day, days, priced.flags)
    dip = _scores_of_catalogues(book, area, priced)
    scheme_names = [scheme.name for scheme in resolved.area.schemes]
    scheme_of = np.array([scheme_names.index(name) for name in area.schemes], np.int32)
    columns = CaseColumns(
        ids=ArrowIds(whole(book.table["setl_id"])),
        hospital=hospital,
        pool=_index(book, "insutype", [pool.id for pool in resolved.area.pools]),
        scheme=scheme_of[book.column("edition")],
        group=priced.group,
        groups=priced.groups,
        month=_months(book.column("settled_on" if resolved.period_by == "settle_date" else "discharged_on")),
        value_day=value_day.astype(np.int32, copy=False),
        days=days.astype(np.int32, copy=False),
        cost_fen=book.ints("medfee_sumamt_fen"),
        patient_fen=book.ints("patient_fen"),
        fund_fen=book.ints("fund_fen"),
        base_points_e4=priced.base_points_e4,
        reference_fen=priced.reference_fen,
        flags=priced.flags,
        coefficient_e6=priced.coefficient_e6,
        given_points_e4=None if dip is None else dip.points_e4,
        given_class=None if dip is None else dip.label,
        given_classes=() if dip is None else tuple(dip.labels),
    )
    return with_facts(columns, book, area, resolved)


def _scores_of_catalogues(book: Casebook, area: Area, priced: _Priced) -> DipScores | None:
    """Scores of DIP cases by their own catalogues; also fills in what the case table shows of them."""
    if not area.editions.has_dip:
        return None
    from engine.edition_dip import DipEdition
    from engine.settle_dip import DipScores, score_dip

    scores, edition = DipScores.empty(len(book)), book.column("edition")
    for place, one in enumerate(area.editions.editions):
        if isinstance(one, DipEdition):
            rows = np.flatnonzero(edition == place)
            score_dip(book, one, rows, scores)
            for shown, found in (
                (priced.base_points_e4, scores.base_points_e4),
                (priced.reference_fen, scores.reference_fen),
                (priced.coefficient_e6, scores.coefficient_e6),
            ):
                shown[rows] = found[rows]
    return scores


@dataclass(frozen=True)
class _Priced:
    """Columns of all cases; `group` counts in `groups`."""

    groups: tuple[str, ...]
    group: I32
    base_points_e4: I64
    reference_fen: I64
    coefficient_e6: I64
    flags: I64

    @classmethod
    def empty(cls, groups: tuple[str, ...], count: int) -> _Priced:
        return cls(groups, np.empty(count, np.int32), *(np.empty(count, np.int64) for _ in range(4)))


def _value_column(area: Area, resolved: ResolvedPolicy) -> str:
    """Column of the date a case's values are read at: the policy's choice, or the one that picks its edition."""
    chosen = {"discharge_date": "discharged_on", "settlement_date": "settled_on"}.get(resolved.case_values_by)
    if chosen and not area.editions.always and chosen != area.editions.date_column:
        raise PolicyError(
            f"area.case_values_by is {resolved.case_values_by}, but the packs are chosen by "
            f"{area.editions.chosen_by}. A case must not be grouped under one edition and priced under "
            "another: set case_values_by: pack."
        )
    return chosen or area.editions.date_column


def _index(book: Casebook, column: str, names: Sequence[str]) -> I32:
    """Place of each case's value among `names`; a value that is not there should have been rejected."""
    ids, texts = book.texts(column)
    place = {name: index for index, name in enumerate(names)}
    index = np.empty(len(book), np.int32)
    known = np.array([*(place.get(text, -1) for text in texts), -1], np.int32)
    if places_of(shut(ids), known, index) >= 0:
        unknown = sorted({texts[number] for number in np.unique(ids[index < 0]).tolist() if number >= 0})
        raise PolicyError(f"{column}: the policy knows nothing of {', '.join(unknown[:5]) or 'an empty cell'}.")
    return index


def _priced(
    book: Casebook, area: Area, resolved: ResolvedPolicy, value_day: npt.NDArray[Any], hospital: I32
) -> _Priced:
    """Group, base points, reference cost, coefficient and flags of the grouping of every case, at its own date."""
    coded, dip_codes = book.codes("dip_code")
    codes = area.editions.group_of_results
    groups = tuple(sorted({*codes, *dip_codes, ""})) if dip_codes else area.editions.groups_of_results
    tables = _tables_of(area, resolved, groups)
    found = _Priced.empty(groups, len(book))
    group_of_code = np.array([tables.place[code] for code in dip_codes], np.int32)
    price_cases(
        shut(book.column("edition")), shut(book.column("status")), shut(book.column("leaf")), shut(value_day),
        hospital, shut(coded if dip_codes else coded[:0]), group_of_code, *tables.results, int(GroupStatus.INVALID),
        _HAS_GROUP, tables.spans, tables.base_points_e4, tables.level, tables.reference_fen,
        *tables.coefficients, _FLAG_OF, found.group, found.base_points_e4, found.reference_fen,
        found.coefficient_e6, found.flags,
    )  # fmt: skip
    return found


@dataclass(frozen=True)
class _Tables:
    """What the policy says by edition, span of days, group and hospital, as `engine.case_loops` reads it."""

    place: Mapping[str, int]
    """Of every group among the groups."""
    results: tuple[I64, I64, I32]
    """First result and number of groups of each edition, group of every result."""
    spans: I64
    base_points_e4: I64
    level: I32
    """Of every hospital, among the levels of `reference_fen` [span, level, group]."""
    reference_fen: I64
    coefficients: tuple[I64, I64]

    @classmethod
    def of(cls, area: Area, resolved: ResolvedPolicy, groups: tuple[str, ...]) -> _Tables:
        editions, hospitals = area.editions, resolved.area.hospitals
        place = {code: index for index, code in enumerate(groups)}
        levels = sorted({hospital.level for hospital in hospitals})
        dated = [
            (edition, first, last, table)
            for edition, scheme in enumerate(area.schemes)
            if scheme in resolved.weights
            for first, last, table in _spans(resolved.weights[scheme])
        ]
        base = [_by_group(table, table.base_points_e4, groups) for *_, table in dated]
        means = [[_by_group(table, table.means_fen(level), groups) for level in levels] for *_, table in dated]
        return cls(
            place=place,
            results=(*editions.result_places, np.array([place[code] for code in editions.group_of_results], np.int32)),
            spans=np.array([span[:3] for span in dated], np.int64).reshape(-1, 3),
            base_points_e4=np.array(base, np.int64).reshape(len(dated), len(groups)),
            level=np.array([levels.index(hospital.level) for hospital in hospitals], np.int32),
            reference_fen=np.array(means, np.int64).reshape(len(dated), len(levels), len(groups)),
            coefficients=_coefficients(resolved),
        )


_TABLES: dict[tuple[int, int, tuple[str, ...]], tuple[Area, ResolvedPolicy, _Tables]] = {}
"""Tables made so far, for the next piece; with what they were made of, so that its numbers stay its own."""
_TABLES_MAX = 8


def _tables_of(area: Area, resolved: ResolvedPolicy, groups: tuple[str, ...]) -> _Tables:
    key = (id(area), id(resolved), groups)
    found = _TABLES.get(key)
    if found is None:
        if len(_TABLES) >= _TABLES_MAX:
            _TABLES.clear()
        found = _TABLES[key] = area, resolved, _Tables.of(area, resolved, groups)
    return found[2]


_HAS_GROUP = np.isin(np.arange(256), [int(GroupStatus.OK), int(GroupStatus.QY)])
_FLAG_OF = np.zeros(256, np.int64)
for _status, _flag in _FLAG_OF_STATUS.items():
    _FLAG_OF[_status] = int(_flag)


def _by_group(table: WeightTable, values: Sequence[int], groups: tuple[str, ...]) -> list[int]:
    """A column of the table in the order of `groups`, 0 for one it does not have."""
    rows = [table.row(group) for group in groups]
    return [values[row] if row >= 0 else 0 for row in rows]


def _spans(dated: Dated[T]) -> Iterator[tuple[int, int, T]]:
    """(first day, last day, value) of every validity, days since 1970-01-01."""
    starts = [(start - EPOCH).days for start in dated.starts]
    ends = [*(start - 1 for start in starts[1:]), (date.max - EPOCH).days][: len(starts)]
    yield from zip(starts, ends, dated.values, strict=True)


def _coefficients(resolved: ResolvedPolicy) -> tuple[I64, I64]:
    """(first days, [table, hospital] ×10⁶) of hospital coefficients; a day before the first table takes the first, a
    hospital a table lacks the year's."""
    dated = resolved.coefficients_e6
    starts = np.array([(start - EPOCH).days for start in dated.starts], np.int64)
    hospitals = resolved.area.hospitals
    assert dated.values, "a policy has coefficients from some day on, or those of the year"
    tables = [[table.get(h.code, h.coefficient_e6) for h in hospitals] for table in dated.values]
    return starts, np.array(tables, np.int64).reshape(len(dated.values), len(hospitals))


def _mark_flags(
    book: Casebook, resolved: ResolvedPolicy, value_day: npt.NDArray[Any], days: npt.NDArray[Any], flags: I64
) -> None:
    """Flags from the record by the policy's own definitions 「病例标志」; conditions come with the facts."""
    spans = _spans(resolved.flags)
    held = [(first, last, each) for first, last, asked in spans for each in asked if each.when is None]
    for some in (held[low : low + _BITS] for low in range(0, len(held), _BITS)):
        ways, kinds = (
            _bits(*book.texts(column), [getattr(each, column) for *_, each in some])
            for column in ("dscg_way", "ipt_med_type")
        )
        longest = [_LONG if each.days_upto is None else each.days_upto for *_, each in some]
        terms = [(first, last, upto, int(each.flag)) for (first, last, each), upto in zip(some, longest, strict=True)]
        mark_flags(*ways, *kinds, shut(value_day), shut(days), np.array(terms, np.int64), flags)


_BITS = 64
_LONG = (1 << 62) - 1


def _bits(
    ids: I32, texts: Sequence[str], wanted: Sequence[Sequence[str]]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint64]]:
    """(numbers of texts; by number, which of the lists have the text). A list without texts has any, and none."""
    every = sum(1 << place for place, names in enumerate(wanted) if not names)
    bits = [every | sum(1 << place for place, names in enumerate(wanted) if text in names) for text in texts]
    return shut(ids), np.array([*bits, every], np.uint64)


_FIRST_DAY, _DAYS = -25_567, 100_000
"""1900-01-01, and so many days on: what the table of months covers."""


@cache
def _month_of_day() -> I32:
    days = np.arange(_FIRST_DAY, _FIRST_DAY + _DAYS).astype("datetime64[D]")
    return (days.astype("datetime64[M]").astype(np.int64) % 12 + 1).astype(np.int32)


def _months(days: npt.NDArray[Any]) -> I32:
    """Month 1..12 of days since 1970-01-01."""
    found = np.empty(len(days), np.int32)
    if months_of(shut(days), _FIRST_DAY, _month_of_day(), found):
        return found
    months = days.astype(np.int64).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.asarray(months.astype(np.int32))
