"""From a case to the line that books it 「入账内容」.

In: a counter, the columns of a case, who sends it; out: an `Entry`. Its content is the record in canonical form,
without anything that names the patient; two requests say the same if their content is the same, however it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.money import text_from_fen
from engine.online.counter import Counter
from engine.online.record import STANDING, Record
from engine.online.settle import Answer, settle_case
from engine.store.bookings import SETTLE, Entry
from engine.store.chain import digest_of

_KNOWN = frozenset(typed.column for typed in STANDING)


def settle_entry(
    counter: Counter, columns: Mapping[str, Any], version: int, client: str, request_id: str, key: str
) -> Entry:
    """The settlement of a case, ready to be booked. Raises Refused."""
    found = settle_case(counter, columns)
    record = found.record
    assert record.fixmedins_code is not None and record.settled_on is not None
    return Entry(
        area=counter.code,
        kind=SETTLE,
        hospital=record.fixmedins_code,
        setl_id=record.setl_id,
        version=version,
        month=month_of(counter, found),
        content=canonical(record) | _asked(columns, found),
        answer={"provisional": False, "result": found.columns},
        client=client,
        request_id=request_id,
        standard_fen=found.standard_fen,
        fund_fen=found.fund_fen,
        points_e4=found.points_e4,
        idempotency_key=key,
    )


def _asked(columns: Mapping[str, Any], found: Answer) -> dict[str, Any]:
    """What else the policy looked at, as it was sent; a person only as a digest."""
    sent = {name: columns[name] for name in found.asked if columns.get(name) is not None and name not in _KNOWN}
    if "psn_no" in sent:
        sent["psn_no"] = digest_of(str(sent["psn_no"]))
    return sent


def month_of(counter: Counter, found: Answer) -> str:
    """The month a case belongs to, by the date its policy goes by."""
    record = found.record
    assert record.settled_on is not None and record.discharged_on is not None
    by_settlement = counter.year(record.settled_on.year).resolved.period_by == "settle_date"
    return (record.settled_on if by_settlement else record.discharged_on).strftime("%Y-%m")


def canonical(record: Record) -> dict[str, Any]:
    """The record by file column: money as yuan text, days as ISO text, codes as lists; what is missing is left out."""
    found: dict[str, Any] = {}
    for typed in STANDING:
        value: Any = getattr(record, typed.name)
        if value is None:
            continue
        if typed.kind == "fen":
            value = text_from_fen(value)
        elif typed.kind == "date":
            value = value.isoformat()
        elif typed.kind == "codes":
            value = list(value)
        found[typed.column] = value
    return found | {name: value for name, value in record.numbers.items() if value is not None}
