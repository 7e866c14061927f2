"""Requests and answers without what the short paths never need 「轻量请求与应答」.

In: ASGI messages; out: a request whose body is read without a generator, and a JSON answer whose headers are made at
once. Both are Starlette's own otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

_JSON = (b"content-type", b"application/json")


class Asked(Request):
    """A request of a short path."""

    async def body(self) -> bytes:
        """The whole body; asked again it is there already."""
        if not hasattr(self, "_body"):
            pieces = []
            more = True
            while more:
                message = await self.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                pieces.append(message.get("body", b""))
                more = message.get("more_body", False)
            self._body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return self._body


class Json(Response):
    """An answer of JSON text."""

    media_type = "application/json"

    def __init__(self, content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        if headers:
            super().__init__(content, status, headers)
            return
        self.body, self.status_code, self.background = content, status, None
        self.raw_headers = [(b"content-length", b"%d" % len(content)), _JSON]
