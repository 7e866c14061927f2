"""Which periods are closed 「结账」, told from the chain of an area alone.

In: the area's runs in order. Out: the entry that closed a period, or none. `close` closes one period, `reopen` opens it
again and says why, and clearing a year closes its months: what the clearing took as prepaid must stay what it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import RunError
from engine.ledger.manifest import Manifest

CLOSE, REOPEN = "close", "reopen"
BOOKED = "booked"
"""The lines the service booked in a month, written out when the month was closed to it."""
ENTRIES = (CLOSE, REOPEN, BOOKED)
"""Kinds of the chain that compute nothing."""


def closed_periods(chain: Sequence[Manifest]) -> dict[str, str]:
    """Closed period → id of the entry that closed it."""
    closed: dict[str, str] = {}
    for manifest in chain:
        if manifest.kind == CLOSE:
            closed[manifest.period] = manifest.run_id
        elif manifest.kind == REOPEN:
            closed.pop(manifest.period, None)
        elif manifest.kind == "clear":
            closed |= {f"{manifest.period}-{month:02d}": manifest.run_id for month in range(1, 13)}
    return closed


def refuse_closed(chain: Sequence[Manifest], period: str, reopen: str | None) -> None:
    """A closed period takes no further run unless a reason to reopen it is given, which the chain keeps."""
    by = closed_periods(chain).get(period)
    if by is not None and reopen is None:
        raise RunError(
            f"{period} is closed by {by}. A correction belongs into the present period; if the period itself must be "
            "settled anew, add --reopen REASON, which is recorded in the chain."
        )
    if by is None and reopen is not None:
        raise RunError(f"--reopen: {period} is not closed. Leave it out.")


def refuse_close(chain: Sequence[Manifest], period: str) -> None:
    """A period is closed once, by an entry of its own or with its year."""
    if by := closed_periods(chain).get(period):
        raise RunError(f"{period} is closed already, by {by}.")
