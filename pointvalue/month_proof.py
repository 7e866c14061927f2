"""Proof of a month 「月度自证」: what is payable = what is paid + what is held, for every hospital, nothing more.

In: the table of a month or of a year's months, and the posting lines said to come from it; out: nothing, or the first
line that is missing, changed or too many. It is identity 2 of the clearing rules, and settles nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pointvalue.lines import PostingLine
from pointvalue.monthly import MonthRow
from pointvalue.terms import Cause

Fault = tuple[str, object, object, str]
"""Pool, expected, found, and where."""


def month_faults(table: Iterable[MonthRow], lines: Iterable[PostingLine]) -> Iterator[Fault]:
    """Where the lines of the months are not those of their table."""
    posted: dict[tuple[str, str, int, Cause], int] = {}
    for line in lines:
        if line.is_month:
            key = (line.pool, line.hospital, int(line.period[5:]), line.cause)
            posted[key] = posted.get(key, 0) + line.amount_fen
    for row in table:
        at = (row.pool, row.hospital, row.month)
        prepaid, withheld, advance = (
            posted.pop((*at, cause), 0) for cause in (Cause.PREPAYMENT, Cause.DEPOSIT_WITHHELD, Cause.ADVANCE_PAID)
        )
        where = f"{row.hospital} month {row.month}"
        for expected, found in (
            (row.payable_fen, prepaid), (row.cash_fen, prepaid + withheld), (row.advance_fen, advance),
        ):  # fmt: skip
            if expected != found:
                yield row.pool, expected, found, where
    for (pool, hospital, month, cause), amount in sorted(posted.items()):
        yield pool, 0, amount, f"{hospital or 'reserve'} month {month} {cause.value}"
