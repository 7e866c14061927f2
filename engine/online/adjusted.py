"""Corrections as lines 「冲销、审核扣款、特例单议结果」: each names the line it corrects, and why.

In: what is corrected; out: an `Entry`. A reversal takes back everything booked on a version; a deduction takes a sum;
the outcome of a special case is the difference between the fund's payment as approved and as booked.
"""

from __future__ import annotations

from engine.money import fen_from_text, text_from_fen
from engine.store.bookings import DEDUCTION, REVERSAL, SPECIAL, Entry, Line


class AdjustmentFault(ValueError):
    """An adjustment that says too much or too little; the text is for the sender."""


def adjustment_entry(
    line: Line, kind: str, month: str, amount: str | None, reason: str, client: str, request_id: str, key: str
) -> Entry:
    """The correction of a settled line, ready to be booked. Raises AdjustmentFault."""
    amount_fen = _amount(kind, amount)
    fund_fen = 0
    if kind == DEDUCTION:
        fund_fen = -amount_fen
    elif kind == SPECIAL:
        fund_fen = amount_fen - line.fund_fen
    told = {
        "kind": kind,
        "setl_id": line.setl_id,
        "fixmedins_code": line.hospital,
        "corrects": line.seq,
        "drg_dip_fund_payamt": text_from_fen(fund_fen),
    }
    return Entry(
        area=line.area,
        kind=kind,
        hospital=line.hospital,
        setl_id=line.setl_id,
        version=line.version,
        month=month,
        content={"amount": None if kind == REVERSAL else text_from_fen(amount_fen), "reason": reason},
        answer=told,
        client=client,
        request_id=request_id,
        fund_fen=fund_fen,
        reason=reason,
        refers=line.seq,
        idempotency_key=key,
    )


def _amount(kind: str, amount: str | None) -> int:
    if kind == REVERSAL:
        if amount is not None:
            raise AdjustmentFault("冲销不填金额：按原入账金额全部冲回。")
        return 0
    if amount is None:
        raise AdjustmentFault("请填写金额。")
    fen = fen_from_text(amount)
    if fen < 0 or (fen == 0 and kind == DEDUCTION):
        raise AdjustmentFault("金额应为正数。")
    return fen
