"""Request bodies: bounded, of bounded depth, valid UTF-8 JSON, then checked against a model 「请求内容」.

In: raw bytes; out: a model, or the Problem that says what is wrong without repeating it. Depth is counted on the bytes
before anything is parsed, so that no nesting reaches a recursive parser.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from api.errors import Problem, field_errors

M = TypeVar("M", bound=BaseModel)
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = frozenset(b"[{")


def too_deep(body: bytes, limit: int) -> bool:
    """Whether brackets nest deeper than `limit`; brackets inside strings do not count."""
    return _nests(body, limit) and _nests(_TEXT.sub(b"", body), limit)


def _nests(body: bytes, limit: int) -> bool:
    """Depth of all brackets, those inside strings too: cheap. What strings could hide the parsers' own limits stop."""
    depth = 0
    for bracket in body.translate(None, _OTHERS):
        depth += 1 if bracket in _OPENING else -1
        if depth > limit:
            return True
    return False


async def read_model(request: Request, model: type[M]) -> M:
    """The body of a request as a model. Raises Problem."""
    return parse_model(await read_bytes(request), model, request.app.state.settings.depth)


async def read_bytes(request: Request) -> bytes:
    """The body of a JSON request. Raises Problem for another content type."""
    given = request.headers.get("content-type", "application/json")
    kind = given if given == "application/json" else given.partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem("media.unsupported", "请使用 application/json。")
    return await request.body()


def parse_model(body: bytes, model: type[M], depth: int) -> M:
    """A model from JSON text. Raises Problem."""
    if too_deep(body, depth):
        raise Problem("body.too_deep", f"嵌套层数上限 {depth}。")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        if found and found[0]["type"] == "json_invalid":
            raise Problem("body.unreadable") from None
        raise Problem("body.invalid", errors=field_errors(dict(each) for each in found)) from None


def parse_exact(body: bytes, depth: int) -> Any:
    """JSON with numbers kept as the text they were sent as, so that no amount passes through a float."""
    if too_deep(body, depth):
        raise Problem("body.too_deep", f"嵌套层数上限 {depth}。")
    try:
        orjson.loads(body)  # refuses NaN, lone surrogates and broken UTF-8
        return json.loads(body, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise Problem("body.unreadable") from None
