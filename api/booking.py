"""Settlements and corrections booked 「入账」: idempotency keys, natural keys, conflicts in words.

In: a request, its client, the columns of a case; out: the first answer, however often it is asked. What keeps a case
from being booked twice are the constraints of the schema; this module only speaks HTTP.
"""

from __future__ import annotations

import re
from asyncio import wrap_future
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import Desk, answer, desk_of, note, refusal_errors, request_id
from api.errors import Problem
from api.security import Client
from engine.online.booked import settle_entry
from engine.online.counter import Counter
from engine.online.settle import Refused
from engine.store.bookings import Conflict, Entry, Line, book, replay

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,200}")


def idempotency_key(request: Request) -> str:
    """The key of a request that books. Raises Problem."""
    key = request.headers.get("idempotency-key", "")
    if not key:
        raise Problem("idempotency.missing", "入账请求须带 Idempotency-Key。")
    if not _KEY.fullmatch(key):
        raise Problem("header.invalid", "Idempotency-Key 应为 1 至 200 位字母、数字及 . _ : -。")
    return key


async def book_settlement(
    request: Request, client: Client, counter: Counter, columns: dict[str, Any], version: int
) -> Response:
    """Settle a case and book it."""
    key = idempotency_key(request)
    hospital = columns.get("fixmedins_code")
    if client.hospital is not None and hospital not in (None, client.hospital):
        raise Problem("not_found")
    if client.hospital is not None:
        columns["fixmedins_code"] = client.hospital
    try:
        entry = settle_entry(counter, columns, version, client.name, request_id(request), key)
    except Refused as refused:
        raise Problem("case.refused", errors=refusal_errors(refused.refusals)) from None
    desk = desk_of(request)
    try:
        line = await wrap_future(desk.together.book(entry))
    except OperationalError:
        raise _unknown() from None
    if line is None:  # not plainly new: its first answer, or what is wrong with it
        line = await run_in_threadpool(booked, desk, entry)
    else:
        desk.measures.booked(entry.kind)
    note(request, client, 200, f"line {line.seq}")
    return line_answer(line)


def booked(desk: Desk, entry: Entry) -> Line:
    """The line, booked now or before. Raises Problem."""
    try:
        line = replay(desk.store, entry) or book(desk.store, entry)
    except Conflict as conflict:
        raise problem_of(conflict) from None
    except OperationalError:
        raise _unknown() from None
    if not line.replayed:
        desk.measures.booked(entry.kind)
    return line


def _unknown() -> Problem:
    """Nothing is known of the outcome: the same request again finds out."""
    return Problem("busy", "请用相同的 Idempotency-Key 重试。", headers={"Retry-After": "1"})


def problem_of(conflict: Conflict) -> Problem:
    """A conflict in words: the fields that differ, never their values."""
    errors = [{"code": "differs", "field": name, "title": "与已入账的内容不同"} for name in conflict.fields]
    detail = f"不同之处：{'、'.join(conflict.fields)}。" if conflict.fields else ""
    headers = {"Retry-After": "1"} if conflict.code == "busy" else {}
    return Problem(conflict.code, detail, errors, headers)


def line_answer(line: Line) -> Response:
    """The answer that was given first, with where it stands in the chain."""
    body = {**line.answer, "booked": place_of(line)}
    return answer(body, headers={"Idempotency-Replayed": "true"} if line.replayed else None)


def place_of(line: Line) -> Mapping[str, Any]:
    """Where a line stands and what proves it."""
    return {"area": line.area, "line": line.seq, "version": line.version, "month": line.month, "hash": line.hash}
