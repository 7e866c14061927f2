"""`clearing.parquet` and `lines.parquet`: one row per hospital, pool and period, and the lines behind it 「清算表」.

In: settled cases, posting lines, month rows. Out: two Arrow tables with the columns of data-standards (d) and of the
posting lines. Every amount of a row is a sum of cases or a sum of lines; indices are rounded here for the eye.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.area import period_of
from engine.cases.columns import arrow_schema
from engine.money import decimal_array, decimal_from_fen
from engine.write_settled import SettledCases
from grouper.reason import GroupStatus
from pointvalue.fixed import divide_half_up
from pointvalue.fixed_wide import ratio_e6, sum_by
from pointvalue.lines import PostingLine
from pointvalue.terms import Cause

I64 = npt.NDArray[np.int64]

_DEDUCTIONS = (Cause.AUDIT_MONEY, Cause.AUDIT_POINTS)
_ALREADY_PAID = (Cause.PREPAID, Cause.SUPPLIER_PAID, Cause.ADVANCE_RECOVERED, Cause.RECEIVABLE_RECOVERED)
_COUNTS = ("clr_psntime", "grp_psntime", "ungrp_psntime", "low_psntime", "high_psntime", "iptdayscum")
_MONEY = (
    *("medfee_sumamt", "hifp_pay", "drg_dip_sumamt", "drg_dip_fund_payamt", "setl_dif_amt", "fund_dif_amt"),
    *("rtn_amt", "shar_amt", "fund_appy_sum", "det_sumamt", "dpst_sumamt", "prepay_amt", "dfr_amt", "act_dfr_amt"),
)


@dataclass(frozen=True)
class Period:
    """A month, or the year (month None)."""

    year: int
    month: int | None

    @property
    def clr_ym(self) -> str:
        return f"{self.year:04d}" if self.month is None else f"{self.year:04d}{self.month:02d}"

    @property
    def line_period(self) -> str:
        return f"{self.year:04d}" if self.month is None else f"{self.year:04d}-{self.month:02d}"

    @property
    def days(self) -> tuple[date, date]:
        return period_of(self.year, self.month)


@dataclass(frozen=True)
class ClearingRow:
    """One row before it is typed: counts, fen and scaled integers by column name."""

    hospital: int
    pool: int
    period: Period
    values: Mapping[str, int | None]


def clearing_rows(
    settled: SettledCases,
    periods: Sequence[Period],
    lines: Iterable[PostingLine],
    retained: Mapping[tuple[str, str], int],
) -> list[ClearingRow]:
    """Rows of every hospital and pool that has a case or a line in the period. `retained`: surplus kept, by (hospital,
    pool), for the year rows."""
    area = settled.area
    sums = _CaseSums(settled)
    amounts: dict[tuple[str, str, str], dict[Cause, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        if line.hospital:
            amounts[line.hospital, line.pool, line.period][line.cause] += line.amount_fen
    rows = []
    for period in periods:
        for place, hospital in enumerate(area.hospitals):
            for index, pool in enumerate(area.pools):
                posted = amounts.get((hospital.code, pool.id, period.line_period), {})
                counted = sums.of(place, index, period.month)
                if not posted and not counted["clr_psntime"]:
                    continue
                money = _month_money(posted) if period.month else _year_money(posted)
                kept = 0 if period.month else retained.get((hospital.code, pool.id), 0)
                rows.append(ClearingRow(place, index, period, {**counted, **money, "rtn_amt": kept}))
    return rows


def _month_money(posted: Mapping[Cause, int]) -> dict[str, int]:
    """A month: what is payable, less the deposit; an advance is paid beside it."""
    payable, withheld = posted.get(Cause.PREPAYMENT, 0), -posted.get(Cause.DEPOSIT_WITHHELD, 0)
    due = payable - withheld
    return {
        "shar_amt": 0,
        "fund_appy_sum": payable,
        "det_sumamt": 0,
        "dpst_sumamt": withheld,
        "prepay_amt": 0,
        "dfr_amt": due,
        "act_dfr_amt": due + posted.get(Cause.ADVANCE_PAID, 0),
    }


def _year_money(posted: Mapping[Cause, int]) -> dict[str, int]:
    """The year: entitled before deductions, deductions, deposit given back (negative), all that was paid before.

    dfr_amt = fund_appy_sum − det_sumamt − dpst_sumamt − prepay_amt; act_dfr_amt = dfr_amt + carried over
    """
    outside = {*_ALREADY_PAID, Cause.QUALITY_DEPOSIT, Cause.CARRIED_TO_NEXT_YEAR}
    deducted = -sum(posted.get(cause, 0) for cause in _DEDUCTIONS)
    entitled = sum(amount for cause, amount in posted.items() if cause not in outside)
    released = posted.get(Cause.QUALITY_DEPOSIT, 0)
    paid = -sum(posted.get(cause, 0) for cause in _ALREADY_PAID)
    due = entitled + released - paid
    return {
        "shar_amt": posted.get(Cause.OVERSPEND_SHARED, 0),
        "fund_appy_sum": entitled + deducted,
        "det_sumamt": deducted,
        "dpst_sumamt": -released,
        "prepay_amt": paid,
        "dfr_amt": due,
        "act_dfr_amt": due + posted.get(Cause.CARRIED_TO_NEXT_YEAR, 0),
    }


class _CaseSums:
    """Sums over cases at place (hospital, pool, month), month 0 = the year."""

    def __init__(self, settled: SettledCases) -> None:
        cases, area = settled.cases, settled.area
        self._pools = len(area.pools)
        places = (cases.hospital.astype(np.int64) * self._pools + cases.pool) * 13 + cases.month
        size = len(area.hospitals) * self._pools * 13
        self._sums: dict[str, I64] = {}
        for name, values in _measures(settled):
            by_month = sum_by(places, np.ascontiguousarray(values), size).reshape(-1, 13)
            by_month[:, 0] = by_month[:, 1:].sum(axis=1)
            self._sums[name] = by_month

    def of(self, hospital: int, pool: int, month: int | None) -> dict[str, int | None]:
        at = (hospital * self._pools + pool, month or 0)
        found: dict[str, int | None] = {name: int(sums[at]) for name, sums in self._sums.items()}
        priced, grouped, not_grouped = (int(self._sums[n][at]) for n in ("priced", "grp_psntime", "ungrp_psntime"))
        found["grp_rate"] = _mean(grouped * 10**6, grouped + not_grouped)
        found["cmi"] = _mean(int(self._sums["tot_wt"][at]), grouped)
        found["fee_idx"] = _mean(int(self._sums["ratio_e6"][at]), priced)
        found["time_idx"] = _mean(int(self._sums["time_e6"][at]), priced)
        found["pt_val"] = _mean(int(self._sums["point_value_e8"][at]), int(self._sums["in_pot"][at]))
        return found


def _measures(settled: SettledCases) -> Iterator[tuple[str, I64]]:
    """What is summed over cases, one column at a time: a million cases are eight megabytes a column."""
    cases = settled.cases
    kind, kinds = settled.multiple_type_index()
    status = settled.book.ints("status")
    grouped = status == GroupStatus.OK
    priced, in_pot = cases.reference_fen > 0, settled.point_value_e8 > 0
    yield "clr_psntime", np.ones(len(cases), np.int64)
    yield "grp_psntime", grouped.astype(np.int64)
    yield "ungrp_psntime", (~grouped & (status != GroupStatus.APART)).astype(np.int64)
    yield "low_psntime", _is(kind, kinds, "LOW")
    yield "high_psntime", _is(kind, kinds, "HIGH")
    yield "iptdayscum", cases.days.astype(np.int64)
    yield "medfee_sumamt", cases.cost_fen
    yield "hifp_pay", cases.fund_fen
    yield "tot_wt", np.where(priced, settled.weight_e6, 0)
    yield "tot_pt", settled.scored.points_e4
    yield "drg_dip_sumamt", settled.standard_fen
    yield "drg_dip_fund_payamt", settled.fund_part_fen
    yield "setl_dif_amt", np.where(in_pot, settled.standard_fen - cases.cost_fen, 0)
    yield "fund_dif_amt", np.where(settled.compared, settled.fund_part_fen - cases.fund_fen, 0)
    yield "priced", priced.astype(np.int64)
    yield "ratio_e6", np.where(priced, ratio_e6(cases.cost_fen, np.where(priced, cases.reference_fen, 1)), 0)
    yield "time_e6", _time_ratio_e6(settled, priced)
    yield "point_value_e8", settled.point_value_e8
    yield "in_pot", in_pot.astype(np.int64)


def _is(index: I64, kinds: Sequence[str], kind: str) -> I64:
    return (index == kinds.index(kind)).astype(np.int64) if kind in kinds else np.zeros(len(index), np.int64)


def _time_ratio_e6(settled: SettledCases, priced: npt.NDArray[np.bool_]) -> I64:
    """Stay ÷ the run's own mean stay of the group ×10⁶: no policy publishes a benchmark stay."""
    cases = settled.cases
    groups = cases.group.astype(np.int64)
    days = cases.days.astype(np.int64)
    counts = np.bincount(groups[priced], minlength=len(cases.groups)).astype(np.int64)
    totals = sum_by(groups, np.where(priced, days, 0), len(cases.groups))
    known = priced & (totals[groups] > 0)
    ratio = ratio_e6(np.where(known, days * counts[groups], 0), np.where(known, totals[groups], 1))
    return np.where(known, ratio, 0)


def _mean(total: int, count: int) -> int | None:
    return divide_half_up(total, count) if count else None


def clearing_table(rows: Sequence[ClearingRow], settled: SettledCases, rslt_hash: str) -> pa.Table:
    """The rows as `clearing.parquet`, sorted by hospital, pool and period."""
    area = settled.area
    rows = sorted(rows, key=lambda r: (area.hospitals[r.hospital].code, area.pools[r.pool].id, r.period.clr_ym))
    hospitals = [area.hospitals[row.hospital] for row in rows]
    text: dict[str, list[Any]] = {
        "fixmedins_code": [hospital.code for hospital in hospitals],
        "fixmedins_name": [hospital.name or None for hospital in hospitals],
        "hi_setl_lv": [hospital.level for hospital in hospitals],
        "clr_ym": [row.period.clr_ym for row in rows],
        "begndate": [row.period.days[0] for row in rows],
        "enddate": [row.period.days[1] for row in rows],
        "insutype": [area.pools[row.pool].id for row in rows],
        "stmt_type": ["MONTH" if row.period.month else "YEAR" for row in rows],
        "clr_type": ["21"] * len(rows),
        "rslt_hash": [rslt_hash] * len(rows),
        "plcy_ver": [settled.resolved.version] * len(rows),
        "grp_ver": [",".join(settled.editions.pack_versions)] * len(rows),
    }
    schema = arrow_schema("clearing")
    arrays = []
    for field in schema:
        if field.name in text:
            arrays.append(pa.array(text[field.name], field.type))
            continue
        numbers = [row.values.get(field.name) for row in rows]
        arrays.append(_typed(field.name, field.type, numbers))
    return pa.table(arrays, schema=schema)


def _typed(name: str, kind: pa.DataType, numbers: Sequence[int | None]) -> pa.Array:
    if name in _COUNTS:
        return pa.array(numbers, kind)
    if not pa.types.is_decimal(kind):
        return pa.nulls(len(numbers), kind)
    valid = np.array([number is not None for number in numbers], np.bool_)
    values = np.array([number or 0 for number in numbers], np.int64)
    if name in _MONEY:
        return decimal_from_fen(values, valid)
    # Points are counted in 10⁻⁴ and stand in files with eight decimals; everything else arrives at the file's scale.
    times = 10**4 if name == "tot_pt" else 1
    return decimal_array(values, kind.precision, kind.scale, times=times, valid=valid)


def lines_table(lines: Sequence[PostingLine], keys: Mapping[str, tuple[str, str]]) -> pa.Table:
    """Posting lines as `lines.parquet`. `keys`: policy key and evidence tag behind each rule, or label."""
    schema = arrow_schema("lines")
    return pa.table(
        [
            pa.array(range(1, len(lines) + 1), pa.int64()),
            pa.array([line.hospital for line in lines], pa.string()),
            pa.array([line.pool for line in lines], pa.string()),
            pa.array([line.period for line in lines], pa.string()),
            pa.array([line.label for line in lines], pa.string()),
            pa.array([keys.get(line.label, keys[line.rule])[0] for line in lines], pa.string()),
            pa.array([keys.get(line.label, keys[line.rule])[1] for line in lines], pa.string()),
            pa.array([line.amount_fen for line in lines], pa.int64()),
        ],
        schema=schema,
    )
