"""One case from JSON to its answer 「单病例分组与结算」: read, group, price.

In: a counter and the canonical columns of one case; out: an `Answer`, or `Refused` with what to mend. Pre-discharge
answers are the same with dates that have not come filled in. It books nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine.cases.demand import Demand
from engine.errors import PolicyError
from engine.misfit import TEXT_EN, TEXT_ZH, Misfit
from engine.online.counter import UNSETTLED, Counter, PolicyYear
from engine.online.grouped import Grouped, group_record
from engine.online.priced import price_record
from engine.online.record import Record, Refusal, read_record

if TYPE_CHECKING:
    from engine.online.general import Found

NO_POLICY = "R010"
NO_ANSWER = "R011"
_NO_POLICY = Refusal(
    NO_POLICY,
    "setl_end_date",
    "该日期没有可用的结算办法。请核对日期，或补上该年的政策。",
    "No settlement policy holds on its date. Check the date, or add that year's policy.",
)
_NO_ANSWER = Refusal(
    NO_ANSWER,
    "",
    "结算办法对该病例没有规定（如缺少基准点数、参照费用、预算点值）。请联系经办机构。",
    "The policy does not settle this case: base points, reference cost or budget point value are missing.",
)


class Refused(Exception):
    """A case that cannot be grouped or settled; `refusals` say what to mend and hold nothing of the record."""

    def __init__(self, refusals: list[Refusal], hospital: str | None = None) -> None:
        super().__init__(", ".join(f"{each.code} {each.field}" for each in refusals))
        self.refusals = refusals
        self.hospital = hospital


@dataclass(frozen=True, slots=True)
class Answer:
    """A grouped case, and its price where it was asked for."""

    record: Record
    columns: dict[str, Any]
    """The columns of the result files for this case."""
    standard_fen: int = 0
    fund_fen: int = 0
    points_e4: int = 0
    asked: tuple[str, ...] = ()
    """Columns beyond a record's own that the policy looked at."""


def group_case(counter: Counter, raw: Mapping[str, Any]) -> Answer:
    """The group of one case. Raises Refused."""
    record, refusals = read_record(raw, counter.grouping)
    if refusals:
        raise Refused(refusals, record.fixmedins_code)
    if not counter.one_scheme:
        return _general(record, counter.general().group(raw))
    return Answer(record, _group(counter, record).columns)


def settle_case(counter: Counter, raw: Mapping[str, Any], *, provisional: bool = False) -> Answer:
    """Group, points and money of one case. Raises Refused."""
    if provisional:
        raw = _with_dates(raw)
    record, refusals = read_record(raw, counter.demand)
    year: PolicyYear | None = None
    if record.settled_on is not None and record.discharged_on is not None:
        year = _year(counter, record, refusals)
        if year is not None and year.pays_whole and record.fund_fen is None:
            record, refusals = read_record(raw, _demand(counter.demand))
    if refusals or year is None:
        raise Refused(refusals, record.fixmedins_code)
    if record.fixmedins_code not in year.hospitals:
        raise Refused([misfit(Misfit.HOSPITAL_UNKNOWN, "fixmedins_code")], record.fixmedins_code)
    if not year.plain:
        return _settled_generally(counter, raw, record, year)
    grouped = _group(counter, record)
    edition = counter.edition_on(_edition_day(counter, record))
    assert edition is not None, "grouping found it"
    try:
        priced = price_record(counter, edition, record, grouped, year)
    except UNSETTLED:
        raise Refused([_NO_ANSWER], record.fixmedins_code) from None
    columns = grouped.columns | priced.columns
    return Answer(record, columns, priced.standard_fen or 0, priced.fund_fen, priced.points_e4 or 0)


def _settled_generally(counter: Counter, raw: Mapping[str, Any], record: Record, year: PolicyYear) -> Answer:
    day = record.settled_on if year.resolved.period_by == "settle_date" else record.discharged_on
    assert day is not None, "a settling record has both dates"
    try:
        return _general(record, counter.general().settle(raw, year.resolved, day.year, day.month), year)
    except UNSETTLED:
        raise Refused([_NO_ANSWER], record.fixmedins_code) from None


def _general(record: Record, found: Found | list[Refusal], year: PolicyYear | None = None) -> Answer:
    if isinstance(found, list):
        raise Refused(found, record.fixmedins_code)
    asked: set[str] = set()
    if year is not None:
        asked |= {column for route in year.resolved.routes for column in route.columns}
        asked |= set(year.resolved.facts.asked.columns)
    columns = {name: value for name, value in found.columns.items() if name != "maindiag_code"}
    return Answer(record, columns, found.standard_fen, found.fund_fen, found.points_e4, tuple(sorted(asked)))


@lru_cache(maxsize=8)
def _demand(demand: Demand) -> Demand:
    return replace(demand, fund_unused=True)


def _year(counter: Counter, record: Record, refusals: list[Refusal]) -> PolicyYear | None:
    """The policy of the case's year; none is a refusal, unless the record is refused already."""
    assert record.settled_on is not None and record.discharged_on is not None
    try:
        return counter.year_of(record.settled_on, record.discharged_on)
    except PolicyError:
        if not refusals:
            raise Refused([_NO_POLICY], record.fixmedins_code) from None
        return None


def _with_dates(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Before discharge there is no settlement: its date is the discharge that is planned."""
    filled = dict(raw)
    if filled.get("setl_end_date") is None and filled.get("dscg_time") is not None:
        filled["setl_end_date"] = str(filled["dscg_time"])[:10]
    if not filled.get("setl_id"):
        filled["setl_id"] = "-"
    return filled


def _edition_day(counter: Counter, record: Record) -> Any:
    return record.settled_on if counter.chosen_by == "settlement_date" else record.discharged_on


def _group(counter: Counter, record: Record) -> Grouped:
    edition = counter.edition_on(_edition_day(counter, record))
    if edition is None:
        raise Refused([misfit(Misfit.NO_EDITION, "dscg_time")], record.fixmedins_code)
    return group_record(counter, edition, record)


def misfit(kind: Misfit, column: str) -> Refusal:
    """A misfit between record and area in the words of the rejection table."""
    return Refusal(kind.value, column, TEXT_ZH[kind], TEXT_EN[kind])
