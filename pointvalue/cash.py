"""The cash step of clearing: what a hospital is entitled to, has had, and is paid or owes. Step 11.

In: the ledger with every annual line so far, and the lines of the months; out: cash lines and one statement per
hospital. Money taken from a hospital here goes to the reserve after shares were paid, so no penalty pays another's
overspend. It changes no standard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pointvalue.fixed import half_up
from pointvalue.lines import RESERVE, Ledger, PostingLine
from pointvalue.model import AreaYear, Hospital, Pool
from pointvalue.pots import Pot
from pointvalue.results import Statement
from pointvalue.sharing import value_at_score
from pointvalue.terms import AuditValue, Cause, NegativeFinal


def post_deductions(ledger: Ledger, area: AreaYear, pool: Pool, pots: Sequence[Pot]) -> None:
    """Frozen audit claw-backs, deductions in money and other lines, each with its counter-entry."""
    for pot in pots:
        for penalty in pot.penalties:
            if penalty.value is AuditValue.FROZEN:
                ledger.post_both(penalty.hospital, Cause.AUDIT_POINTS, penalty.amount_fen, pot.label)
    for line in area.money_lines:
        if line.pool != pool.id:
            continue
        amount = -line.amount_fen if line.cause is Cause.AUDIT_MONEY else line.amount_fen
        ledger.post_both(line.hospital, line.cause, amount, line.name)


def month_sums(lines: Iterable[PostingLine]) -> Mapping[tuple[str, Cause], int]:
    """What the months posted, by hospital and cause."""
    sums: dict[tuple[str, Cause], int] = defaultdict(int)
    for line in lines:
        sums[line.hospital, line.cause] += line.amount_fen
    return sums


def settle_cash(ledger: Ledger, pool: Pool, hospital: Hospital, months: Mapping[tuple[str, Cause], int]) -> Statement:
    """Cash lines and statement of one hospital 「清算拨付」.

        final = entitled − prepaid + half_up(f × withheld) − paid to suppliers − advance − owed since last year

    A negative final is carried to next year as a receivable, or collected, as the policy says.
    """
    code = hospital.code
    entitled = ledger.entitled_fen(code)
    prepaid = months.get((code, Cause.PREPAYMENT), 0)
    withheld = -months.get((code, Cause.DEPOSIT_WITHHELD), 0)
    advance = months.get((code, Cause.ADVANCE_PAID), 0)
    supplier = pool.supplier_paid_fen.get(code, 0)
    owed = pool.receivable_fen.get(code, 0)
    released = 0
    if withheld:
        release = value_at_score(pool.deposit_release, hospital.score, f"pool {pool.id} deposit.release, {code}")
        released = half_up(release * withheld)
    final = entitled - prepaid + released - supplier - advance - owed
    carried = -final if final < 0 and pool.negative_final is NegativeFinal.CARRY else 0
    ledger.post(code, Cause.PREPAID, -prepaid)
    ledger.post(code, Cause.QUALITY_DEPOSIT, released)
    ledger.post(RESERVE, Cause.DEPOSIT_FORFEITED, withheld - released)
    ledger.post(code, Cause.SUPPLIER_PAID, -supplier)
    ledger.post(code, Cause.ADVANCE_RECOVERED, -advance)
    ledger.post(code, Cause.RECEIVABLE_RECOVERED, -owed)
    ledger.post(code, Cause.CARRIED_TO_NEXT_YEAR, carried)
    return Statement(code, entitled, prepaid, withheld, released, supplier, advance, final, carried, owed)
