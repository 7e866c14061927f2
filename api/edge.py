"""The outermost layer 「入口」: request ids, body limits, how many at once, headers, measures.

In: an ASGI app; out: one that refuses a body past its route's limit before anything parses it, answers every error as
a problem, and marks each answer. It knows no route's meaning.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Problem
from api.measures import Measures
from api.settings import MIB, Settings
from engine.safe_log import whence

_LOG = logging.getLogger("dianzhi.api")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'"),
)
_PROCESS, _NUMBERS = os.urandom(8).hex(), count(1)
"""An id a client did not send: this process, and a number."""
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})


class _TooLarge(Exception):
    """The body passed its limit while it was read."""


class Edge:
    """See the module. `short_cuts`: apps of the few paths asked thousands of times a second, past the framework."""

    def __init__(
        self, app: ASGIApp, settings: Settings, measures: Measures, short_cuts: Mapping[str, ASGIApp] | None = None
    ) -> None:
        self.app = app
        self.settings = settings
        self.measures = measures
        self.short_cuts = short_cuts or {}
        self.now_running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] != "websocket":
                await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id", b""))
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id)
        self.now_running += 1
        try:
            await self._guarded(scope, receive, answer, headers)
        except Exception as error:
            _LOG.error("request %s failed: %s", request_id, whence(error))
            if not answer.started:
                await Problem("internal").response(scope["path"], request_id)(scope, receive, answer.send)
        finally:
            self.now_running -= 1
            self.measures.seen(scope, answer.status, time.perf_counter() - started)

    async def _guarded(self, scope: Scope, receive: Receive, answer: _Answer, headers: dict[bytes, bytes]) -> None:
        limit = self._limit(scope)
        problem = self._refused(scope, headers, limit)
        if problem is not None:
            await problem.response(scope["path"], answer.request_id)(scope, receive, answer.send)
            return
        try:
            short = self.short_cuts.get(scope["path"]) if scope["method"] == "POST" else None
            if short is None:
                await self.app(scope, _bounded(receive, limit), answer.send)
            else:
                await short(scope, _bounded(receive, limit), answer.send)
        except _TooLarge:
            if not answer.started:
                await _too_large(limit).response(scope["path"], answer.request_id)(scope, receive, answer.send)

    def _refused(self, scope: Scope, headers: dict[bytes, bytes], limit: int) -> Problem | None:
        if self.now_running > self.settings.at_once and scope["path"] not in _QUIET:
            return Problem("busy", headers={"Retry-After": "1"})
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            return Problem("header.invalid", "Content-Length 有误。")
        return _too_large(limit) if int(length) > limit else None

    def _limit(self, scope: Scope) -> int:
        path = scope["path"]
        if path == "/v1/cases/batch":
            return self.settings.batch_kib * 1024
        if path == "/v1/uploads":
            return self.settings.upload_mib * MIB
        return self.settings.body_kib * 1024


def _too_large(limit: int) -> Problem:
    return Problem("body.too_large", f"上限 {limit >> 10} KiB。", headers={"Connection": "close"})


def _request_id(given: bytes) -> str:
    text = given.decode("latin-1")
    return text if text and _ID.fullmatch(text) else f"{_PROCESS}{next(_NUMBERS):08x}"


def _bounded(receive: Receive, limit: int) -> Receive:
    """The same stream; past the limit it raises instead of going on."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise _TooLarge
        return message

    return bounded


class _Answer:
    """Sends on, adds the standing headers, remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 500
        self.started = False

    async def send(self, message: Message | Any) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            own = {name for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(pair for pair in _HEADERS if pair[0] not in own),
                (b"x-request-id", self.request_id.encode("latin-1")),
            ]
        await self._send(message)
