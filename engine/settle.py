"""From grouped cases to the columns the points and money are made of 「病例计分前的取值」.

In: a casebook, its editions, a resolved policy. Out: `CaseColumns` in order of settlement id, and beside them what the
result files show of each case. Base points, reference cost and coefficient are read at the case's own date, the one
that picks its edition. It computes no points: that is `pointvalue.classes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.area import Area
from engine.case_facts import with_facts
from engine.casebook import Casebook, whole
from engine.errors import PolicyError
from engine.policy.resolve import EPOCH, Dated, ResolvedPolicy
from engine.policy.tables import WeightTable

if TYPE_CHECKING:
    from engine.settle_dip import DipScores
from grouper.reason import GroupStatus
from pointvalue.cases import CaseColumns
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
    edition = book.ints("edition")
    value_day = _value_days(book, area, resolved)
    hospital = _index(book, "fixmedins_code", resolved.area.hospital_codes)
    groups, base, reference = _priced_groups(book, area, resolved, value_day, hospital)
    coefficient = _coefficients(resolved, hospital, value_day)
    dip = _scores_of_catalogues(book, area, base, reference, coefficient)
    period = book.ints("settled_on" if resolved.period_by == "settle_date" else "discharged_on")
    months = period.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    scheme_names = [scheme.name for scheme in resolved.area.schemes]
    scheme_of = np.array([scheme_names.index(name) for name in area.schemes], np.int32)
    columns = CaseColumns(
        ids=ArrowIds(whole(book.table["setl_id"])),
        hospital=hospital,
        pool=_index(book, "insutype", [pool.id for pool in resolved.area.pools]),
        scheme=scheme_of[edition],
        group=groups.index,
        groups=groups.codes,
        month=months.astype(np.int32),
        value_day=value_day.astype(np.int32),
        days=book.ints("act_ipt_days").astype(np.int32),
        cost_fen=book.ints("medfee_sumamt_fen"),
        patient_fen=book.ints("patient_fen"),
        fund_fen=book.ints("fund_fen"),
        base_points_e4=base,
        reference_fen=reference,
        flags=_flags(book, resolved, value_day),
        coefficient_e6=coefficient,
        given_points_e4=None if dip is None else dip.points_e4,
        given_class=None if dip is None else dip.label,
        given_classes=() if dip is None else tuple(dip.labels),
    )
    return with_facts(columns, book, area, resolved)


def _scores_of_catalogues(book: Casebook, area: Area, base: I64, reference: I64, coefficient: I64) -> DipScores | None:
    """Scores of DIP cases by their own catalogues; also fills in what the case table shows of them."""
    if not area.editions.has_dip:
        return None
    from engine.edition_dip import DipEdition
    from engine.settle_dip import DipScores, score_dip

    scores, edition = DipScores.empty(len(book)), book.ints("edition")
    for place, one in enumerate(area.editions.editions):
        if isinstance(one, DipEdition):
            rows = np.flatnonzero(edition == place)
            score_dip(book, one, rows, scores)
            for shown, found in (
                (base, scores.base_points_e4),
                (reference, scores.reference_fen),
                (coefficient, scores.coefficient_e6),
            ):
                shown[rows] = found[rows]
    return scores


@dataclass(frozen=True)
class _Groups:
    index: I32
    codes: tuple[str, ...]


def _value_days(book: Casebook, area: Area, resolved: ResolvedPolicy) -> I64:
    """The date a case's values are read at: the policy's choice, or the one that picks its edition."""
    chosen = {"discharge_date": "discharged_on", "settlement_date": "settled_on"}.get(resolved.case_values_by)
    if chosen and not area.editions.always and chosen != area.editions.date_column:
        raise PolicyError(
            f"area.case_values_by is {resolved.case_values_by}, but the packs are chosen by "
            f"{area.editions.chosen_by}. A case must not be grouped under one edition and priced under "
            "another: set case_values_by: pack."
        )
    return book.ints(chosen or area.editions.date_column)


def _index(book: Casebook, column: str, names: Sequence[str]) -> I32:
    """Place of each case's value among `names`; a value that is not there should have been rejected."""
    index = book.places(column, tuple(names))
    if len(index) and int(index.min()) < 0:
        codes, words = book.codes(column)
        unknown = sorted({words[code] for code in np.unique(codes[index < 0]).tolist() if code >= 0})
        raise PolicyError(f"{column}: the policy knows nothing of {', '.join(unknown[:5]) or 'an empty cell'}.")
    return index


def _priced_groups(
    book: Casebook, area: Area, resolved: ResolvedPolicy, value_day: I64, hospital: I32
) -> tuple[_Groups, I64, I64]:
    """Group, base points and reference cost of every case, each at its own date."""
    editions, status = book.ints("edition"), book.ints("status")
    rows = area.editions.result_rows(editions, book.ints("leaf"), status)
    codes = area.editions.group_of_results
    dip_index, dip_codes = book.codes("dip_code")
    groups = tuple(sorted({*codes, *dip_codes, ""})) if dip_codes else area.editions.groups_of_results
    place = {code: index for index, code in enumerate(groups)}
    index = np.array([place[code] for code in codes], np.int32)[rows]
    if dip_codes:
        has_code = dip_index >= 0
        index[has_code] = np.array([place[code] for code in dip_codes], np.int32)[dip_index[has_code]]
    base, reference = np.zeros(len(book), np.int64), np.zeros(len(book), np.int64)
    has_group = _HAS_GROUP[status]
    for edition, scheme in enumerate(area.schemes):
        for first, last, table in _spans(resolved.weights[scheme]) if scheme in resolved.weights else ():
            within = np.flatnonzero((editions == edition) & has_group & (value_day >= first) & (value_day <= last))
            if not len(within):
                continue
            own = index[within]
            base[within] = _by_group(table, "base", table.base_points_e4, groups)[own]
            reference[within] = _by_group(table, "mean", table.cost_mean_fen, groups)[own]
            for level, means in table.cost_mean_fen_by_level.items():
                at_level = np.array([each.level == level for each in resolved.area.hospitals], np.bool_)
                held = at_level[hospital[within]]
                reference[within[held]] = _by_group(table, level, means, groups)[own[held]]
    return _Groups(index, groups), base, reference


_HAS_GROUP = np.isin(np.arange(256), [int(GroupStatus.OK), int(GroupStatus.QY)])
_COLUMNS: dict[tuple[int, str, tuple[str, ...]], tuple[WeightTable, I64]] = {}
"""Columns of weight tables by group, for the next piece; with the table itself, so that its number stays its own."""
_COLUMNS_MAX = 256


def _by_group(table: WeightTable, name: str, values: Sequence[int], groups: tuple[str, ...]) -> I64:
    """A column of the table in the order of `groups`, 0 for one it does not have. `name` tells columns apart."""
    key = (id(table), name, groups)
    found = _COLUMNS.get(key)
    if found is None:
        if len(_COLUMNS) >= _COLUMNS_MAX:
            _COLUMNS.clear()
        rows = [table.row(group) for group in groups]
        found = _COLUMNS[key] = table, np.array([values[row] if row >= 0 else 0 for row in rows], np.int64)
    return found[1]


def _spans(dated: Dated[T]) -> Iterator[tuple[int, int, T]]:
    """(first day, last day, value) of every validity, days since 1970-01-01."""
    starts = [(start - EPOCH).days for start in dated.starts]
    ends = [*(start - 1 for start in starts[1:]), (date.max - EPOCH).days][: len(starts)]
    yield from zip(starts, ends, dated.values, strict=True)


def _coefficients(resolved: ResolvedPolicy, hospital: I32, value_day: I64) -> I64:
    """Hospital coefficient ×10⁶ of every case at its own date; a case before the first table uses the year's."""
    dated = resolved.coefficients_e6
    starts = np.array([(start - EPOCH).days for start in dated.starts], np.int64)
    usual = [h.coefficient_e6 for h in resolved.area.hospitals]
    tables = [
        [table.get(h.code, usual[place]) for place, h in enumerate(resolved.area.hospitals)] for table in dated.values
    ]
    which = np.maximum(np.searchsorted(starts, value_day, side="right") - 1, 0)
    return np.array(tables, np.int64)[which, hospital]


def _flags(book: Casebook, resolved: ResolvedPolicy, value_day: I64) -> I64:
    """Flags from the grouping status, and from the record by the policy's own definitions 「病例标志」."""
    status = book.ints("status")
    by_status = np.zeros(256, np.int64)
    for of_status, flag in _FLAG_OF_STATUS.items():
        by_status[of_status] = int(flag)
    flags = by_status[status]
    days = book.ints("act_ipt_days")
    for first, last, definitions in _spans(resolved.flags):
        asked = [each for each in definitions if each.when is None]
        within = (value_day >= first) & (value_day <= last) if asked else None
        for definition in asked:
            assert within is not None
            holds = within
            for column, wanted in (("dscg_way", definition.dscg_way), ("ipt_med_type", definition.ipt_med_type)):
                if wanted:
                    holds = holds & (book.places(column, tuple(wanted)) >= 0)
            if definition.days_upto is not None:
                holds = holds & (days <= definition.days_upto)
            flags[holds] |= int(definition.flag)
    return flags
