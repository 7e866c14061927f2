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
from pointvalue.model import Hospital
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
    codes, words = book.codes(column)
    place = {name: index for index, name in enumerate(names)}
    unknown = sorted(set(words) - set(place))
    if unknown:
        raise PolicyError(f"{column}: the policy knows nothing of {', '.join(unknown[:5])}.")
    return np.array([place[word] for word in words], np.int32)[codes] if words else np.zeros(len(book), np.int32)


def _priced_groups(
    book: Casebook, area: Area, resolved: ResolvedPolicy, value_day: I64, hospital: I32
) -> tuple[_Groups, I64, I64]:
    """Group, base points and reference cost of every case, each at its own date."""
    rows = area.editions.result_rows(book.ints("edition"), book.ints("leaf"), book.ints("status"))
    codes = [code or "" for code in area.editions.results["drg_code"].to_pylist()]
    dip_index, dip_codes = book.codes("dip_code")
    groups = tuple(sorted({*codes, *dip_codes, ""}))
    place = {code: index for index, code in enumerate(groups)}
    index = np.array([place[code] for code in codes], np.int32)[rows]
    if dip_codes:
        has_code = dip_index >= 0
        index[has_code] = np.array([place[code] for code in dip_codes], np.int32)[dip_index[has_code]]
    base, reference = np.zeros(len(book), np.int64), np.zeros(len(book), np.int64)
    has_group = np.isin(book.ints("status"), [GroupStatus.OK, GroupStatus.QY])
    levels = np.array([_level(h) for h in resolved.area.hospitals] or [""], np.str_)[hospital]
    editions = book.ints("edition")
    for edition, scheme in enumerate(area.schemes):
        for first, last, table in _spans(resolved.weights[scheme]) if scheme in resolved.weights else ():
            within = (editions == edition) & has_group & (value_day >= first) & (value_day <= last)
            base[within] = _by_group(table, table.base_points_e4, groups)[index[within]]
            reference[within] = _by_group(table, table.cost_mean_fen, groups)[index[within]]
            for level, means in table.cost_mean_fen_by_level.items():
                own = within & (levels == level)
                reference[own] = _by_group(table, means, groups)[index[own]]
    return _Groups(index, groups), base, reference


def _level(hospital: Hospital) -> str:
    return hospital.level


def _by_group(table: WeightTable, values: Sequence[int], groups: Sequence[str]) -> I64:
    rows = [table.row(group) for group in groups]
    return np.array([values[row] if row >= 0 else 0 for row in rows], np.int64)


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
    flags = np.zeros(len(book), np.int64)
    status = book.ints("status")
    for of_status, flag in _FLAG_OF_STATUS.items():
        flags[status == of_status] |= int(flag)
    texts = {column: book.codes(column) for column in ("dscg_way", "ipt_med_type")}
    days = book.ints("act_ipt_days")
    for first, last, definitions in _spans(resolved.flags):
        within = (value_day >= first) & (value_day <= last)
        for definition in (each for each in definitions if each.when is None):
            holds = within.copy()
            for column, wanted in (("dscg_way", definition.dscg_way), ("ipt_med_type", definition.ipt_med_type)):
                if wanted:
                    codes, words = texts[column]
                    holds &= np.array([word in wanted for word in words] + [False], np.bool_)[codes]
            if definition.days_upto is not None:
                holds &= days <= definition.days_upto
            flags[holds] |= int(definition.flag)
    return flags
