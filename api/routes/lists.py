"""The national message 「结算清单 4101 / 4101A」: taken as it is, answered with the group, and a price if it has one.

Nothing is booked. The envelope's fields, the signature among them, come back as they were sent.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.body import parse_exact, read_bytes
from api.deps import answer, client_of, desk_of, note, refusal_errors
from api.errors import Problem
from api.models import ListIn, ListOut
from api.openapi import told
from engine.online.message import MessageFault, case_of
from engine.online.settle import Refused, group_case, settle_case

router = APIRouter(prefix="/v1", tags=["cases"])


@router.post(
    "/settlement-lists",
    operation_id="settlement_list",
    **told(body=ListIn, gives=ListOut, problems=("case.refused", "not_found")),
)
async def settlement_list(request: Request) -> Response:
    """Group one settlement list in the national form."""
    client = await client_of(request, "cases")
    message = parse_exact(await read_bytes(request), request.app.state.settings.depth)
    if not isinstance(message, dict):
        raise _fault("应为一个 JSON 对象")
    try:
        columns, envelope = case_of(message)
    except MessageFault as fault:
        raise _fault(str(fault)) from None
    counter = desk_of(request).counter(client)
    if not client.may_see(columns.get("fixmedins_code")):
        raise Problem("not_found")
    try:
        found = group_case(counter, columns)
    except Refused as refused:
        raise Problem("case.refused", errors=refusal_errors(refused.refusals)) from None
    output: dict[str, Any] = {"result": found.columns}
    try:
        output["result"] = settle_case(counter, columns, provisional=True).columns
    except Refused as refused:
        output["unpriced"] = refusal_errors(refused.refusals)
    note(request, client, 200)
    back = {"infcode": "0", "inf_refmsgid": envelope.get("msgid", ""), "err_msg": "", "envelope": envelope}
    return answer({**back, "output": output})


def _fault(text: str) -> Problem:
    return Problem("body.invalid", text, [{"code": "message", "pointer": "/", "title": text}])
