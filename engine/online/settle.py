"""One case from JSON to its answer 「单病例分组与结算」: read, group, price.

In: a counter and the canonical columns of one case; out: an `Answer`, or `Refused` with what to mend. Pre-discharge
answers are the same with dates that have not come filled in. It books nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from engine.cases.demand import Demand
from engine.errors import PolicyError
from engine.misfit import TEXT_EN, TEXT_ZH, Misfit
from engine.online.counter import UNSETTLED, Counter, PolicyYear
from engine.online.grouped import Grouped, group_record
from engine.online.priced import Priced, price_record
from engine.online.record import Record, Refusal, read_record

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
    grouped: Grouped
    priced: Priced | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of the result files for this case."""
        return self.grouped.columns if self.priced is None else self.grouped.columns | self.priced.columns


def group_case(counter: Counter, raw: Mapping[str, Any]) -> Answer:
    """The group of one case. Raises Refused."""
    record, refusals = read_record(raw, counter.grouping)
    if refusals:
        raise Refused(refusals, record.fixmedins_code)
    return Answer(record, _group(counter, record))


def settle_case(counter: Counter, raw: Mapping[str, Any], *, provisional: bool = False) -> Answer:
    """Group, points and money of one case. Raises Refused."""
    if provisional:
        raw = _with_dates(raw)
    record, refusals = read_record(raw, counter.demand)
    year = None
    if record.settled_on is not None and record.discharged_on is not None:
        year = _year(counter, record, refusals)
        if year is not None and year.pays_whole and record.fund_fen is None:
            record, refusals = read_record(raw, _demand(counter.demand))
    if refusals or year is None:
        raise Refused(refusals, record.fixmedins_code)
    if record.fixmedins_code not in year.hospitals:
        raise Refused([misfit(Misfit.HOSPITAL_UNKNOWN, "fixmedins_code")], record.fixmedins_code)
    grouped = _group(counter, record)
    edition = counter.edition_on(_edition_day(counter, record))
    assert edition is not None, "grouping found it"
    try:
        return Answer(record, grouped, price_record(counter, edition, record, grouped, year))
    except UNSETTLED:
        raise Refused([_NO_ANSWER], record.fixmedins_code) from None


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
