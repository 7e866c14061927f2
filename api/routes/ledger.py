"""The booked lines 「结算流水」: corrections, the lines of a case, closed months."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.body import read_model
from api.booking import booked, idempotency_key, line_answer, place_of, problem_of
from api.deps import answer, client_of, desk_of, noted, request_id
from api.errors import Problem
from api.models import AdjustmentIn, AdjustmentOut, ClosingIn, ClosingOut, LinesOut
from api.openapi import told
from engine.money import text_from_fen
from engine.online.adjusted import AdjustmentFault, adjustment_entry
from engine.store.bookings import REVERSAL, Conflict, Line, lines_of_case, settled_line
from engine.store.closing import close_month, closed_months

router = APIRouter(prefix="/v1", tags=["ledger"])
Id = Annotated[str, Path(max_length=80, pattern=r"^[^\x00-\x1f\x7f/]+$")]


@router.post(
    "/adjustments",
    operation_id="adjust",
    **told(
        body=AdjustmentIn,
        gives=AdjustmentOut,
        idempotent=True,
        problems=(
            *("idempotency.missing", "idempotency.conflict", "not_found", "settlement.reversed", "month.sealed"),
            *("body.invalid", "busy"),
        ),
    ),
)
async def adjust(request: Request) -> Response:
    """Book a reversal, an audit deduction or the outcome of a special case."""
    client = await client_of(request, "adjust")
    asked = await read_model(request, AdjustmentIn)
    key = idempotency_key(request)
    desk = desk_of(request)
    if client.hospital is not None and asked.kind != REVERSAL:
        raise Problem("auth.scope", "审核扣款与特例单议结果由经办机构入账。")
    line: Line | None = None
    if client.may_see(asked.fixmedins_code):
        names = (client.area, asked.fixmedins_code, asked.setl_id, asked.version)
        line = await run_in_threadpool(settled_line, desk.store, *names)
    if line is None:
        raise Problem("not_found", "没有这笔结算。")
    try:
        entry = adjustment_entry(
            line, asked.kind, asked.month, asked.amount, asked.reason, client.name, request_id(request), key
        )
    except AdjustmentFault as fault:
        errors = [{"code": "amount", "pointer": "/amount", "title": str(fault)}]
        raise Problem("body.invalid", str(fault), errors) from None
    made = await run_in_threadpool(booked, desk, entry)
    await noted(request, client, 200, f"line {made.seq}")
    return line_answer(made)


@router.get(
    "/settlements/{fixmedins_code}/{setl_id}",
    operation_id="lines_of_case",
    **told(gives=LinesOut, problems=("not_found", "query.invalid")),
)
async def lines(request: Request, fixmedins_code: Id, setl_id: Id) -> Response:
    """Every booked line of one case, and what they add up to."""
    client = await client_of(request, "settle")
    found: list[Line] = []
    if client.may_see(fixmedins_code):
        store = desk_of(request).store
        found = await run_in_threadpool(lines_of_case, store, client.area, fixmedins_code, setl_id)
    await noted(request, client, 200 if found else 404)
    if not found:
        raise Problem("not_found")
    total = sum(line.fund_fen for line in found)
    return answer({"lines": [_shown(line) for line in found], "drg_dip_fund_payamt": text_from_fen(total)})


@router.post(
    "/closings",
    operation_id="close_month",
    **told(body=ClosingIn, gives=ClosingOut, problems=("not_found", "month.empty")),
)
async def close(request: Request) -> Response:
    """Close a month: nothing more is booked into it, its lines go into a sealed run. Asking again answers the same."""
    client = await client_of(request, "close")
    asked = await read_model(request, ClosingIn)
    if client.hospital is not None:
        raise Problem("not_found")
    desk = desk_of(request)
    try:
        found = await run_in_threadpool(
            close_month, desk.store, desk.settings.shelf, client.area, asked.month, client.name
        )
    except Conflict as conflict:
        raise problem_of(conflict) from None
    await noted(request, client, 200, asked.month)
    return answer(_closed(found))


@router.get("/closings", operation_id="closed_months", **told(problems=("not_found",)))
async def closings(request: Request) -> Response:
    """The closed months of the area."""
    client = await client_of(request, "settle")
    found = await run_in_threadpool(closed_months, desk_of(request).store, client.area)
    await noted(request, client, 200)
    return answer({"closings": [_closed(each) for each in found.values()]})


def _closed(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("area", "month", "run_id", "seal", "closed_at", "last_seq")}


def _shown(line: Line) -> dict[str, Any]:
    return {
        **place_of(line),
        "kind": line.kind,
        "corrects": line.refers,
        "reason": line.reason,
        "booked_at": line.booked_at,
        "drg_dip_sumamt": text_from_fen(line.standard_fen),
        "drg_dip_fund_payamt": text_from_fen(line.fund_fen),
    }
