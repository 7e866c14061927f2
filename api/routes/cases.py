"""Cases at the counter 「单病例」: group, settle, batch, explain. Provisional answers touch no database."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.body import read_model
from api.booking import book_settlement
from api.deps import answer, client_of, desk_of, note, refusal_errors
from api.errors import Problem
from api.models import BatchIn, BatchOut, ExplainIn, GroupIn, GroupOut, SettleIn, SettleOut
from api.openapi import told
from api.security import Client
from engine.online.counter import Counter
from engine.online.explained import explained
from engine.online.settle import Answer, Refused, group_case, settle_case

router = APIRouter(prefix="/v1/cases", tags=["cases"])
explain_router = APIRouter(prefix="/v1", tags=["cases"])
INLINE_MAX = 8
"""A batch of so few is computed where it arrived; more go to a thread, so that others are not kept waiting."""


@router.post(
    "/group", operation_id="group_case", **told(body=GroupIn, gives=GroupOut, problems=("case.refused", "not_found"))
)
async def group(request: Request) -> Response:
    """The group of one case, and why."""
    client = await client_of(request, "cases")
    told_case = await read_model(request, GroupIn)
    found = _one(desk_of(request).counter(client), client, _columns(told_case.case), "group")
    note(request, client, 200)
    return answer({"result": found.columns})


@router.post(
    "/settle",
    operation_id="settle_case",
    **told(
        body=SettleIn,
        gives=SettleOut,
        headers=("Idempotency-Key",),
        problems=(
            *("case.refused", "not_found", "idempotency.missing", "idempotency.conflict", "settlement.conflict"),
            *("settlement.stands", "settlement.reversed", "month.sealed", "busy"),
        ),
    ),
)
async def settle(request: Request) -> Response:
    """Group, points and money of one case; booked unless it is provisional."""
    client = await client_of(request, "settle")
    told_case = await read_model(request, SettleIn)
    counter = desk_of(request).counter(client)
    if not told_case.provisional:
        return await book_settlement(request, client, counter, _columns(told_case.case), told_case.version)
    found = _one(counter, client, _columns(told_case.case), "provisional")
    note(request, client, 200)
    return answer({"provisional": True, "result": found.columns})


@router.post("/batch", operation_id="batch_cases", **told(body=BatchIn, gives=BatchOut, problems=("not_found",)))
async def batch(request: Request) -> Response:
    """Up to a thousand cases, each with its own result; nothing is booked."""
    client = await client_of(request, "cases")
    told_cases = await read_model(request, BatchIn)
    counter = desk_of(request).counter(client)
    cases = [_columns(case) for case in told_cases.cases]
    what = "group" if told_cases.what == "group" else "provisional"
    if len(cases) <= INLINE_MAX:
        found = _many(counter, client, cases, what)
    else:
        found = await run_in_threadpool(_many, counter, client, cases, what)
    note(request, client, 200)
    return answer(found)


@explain_router.post(
    "/explain", operation_id="explain_case", **told(body=ExplainIn, problems=("case.refused", "not_found"))
)
async def explain(request: Request) -> Response:
    """Why a case is in its group, step by step."""
    client = await client_of(request, "cases")
    asked = await read_model(request, ExplainIn)
    counter, columns = desk_of(request).counter(client), _columns(asked.case)
    _require_own(client, columns)
    try:
        found = await run_in_threadpool(explained, counter, columns, asked.lang)
    except Refused as refused:
        raise refusal(refused) from None
    note(request, client, 200)
    return answer(found)


def _columns(case: Any) -> dict[str, Any]:
    """The columns that were sent."""
    columns: dict[str, Any] = case.model_dump(exclude_none=True)
    return columns


def _require_own(client: Client, columns: dict[str, Any]) -> None:
    """Another hospital's case is not found, as one that is not there."""
    hospital = columns.get("fixmedins_code")
    if client.hospital is None or hospital == client.hospital:
        return
    if hospital is None:
        columns["fixmedins_code"] = client.hospital
        return
    raise Problem("not_found")


def _one(counter: Counter, client: Client, columns: dict[str, Any], what: str) -> Answer:
    _require_own(client, columns)
    try:
        return group_case(counter, columns) if what == "group" else settle_case(counter, columns, provisional=True)
    except Refused as refused:
        raise refusal(refused) from None


def refusal(refused: Refused) -> Problem:
    """A refused case as a problem."""
    return Problem("case.refused", errors=refusal_errors(refused.refusals))


def _many(counter: Counter, client: Client, cases: list[dict[str, Any]], what: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    rejected = 0
    for index, columns in enumerate(cases):
        try:
            items.append({"index": index, "result": _one(counter, client, columns, what).columns})
        except Problem as problem:
            rejected += 1
            errors = list(problem.errors) or [{"code": problem.code, "title": problem.body()["title"]}]
            items.append({"index": index, "errors": errors})
    return {"accepted": len(cases) - rejected, "rejected": rejected, "items": items}
