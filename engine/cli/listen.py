"""Connections spread over the workers 「连接分摊」: each worker listens with a socket of its own on the same port.

In: uvicorn's settings; out: a running service. On one shared socket whichever worker wakes first takes every connection
that waits, and a client's whole pool may end in one process; with sockets of their own the kernel deals them out.
"""

from __future__ import annotations

import socket
from asyncio import AbstractServer
from contextlib import suppress
from typing import Any

import uvicorn
import uvloop
from uvicorn.supervisors import Multiprocess

LOOP = "engine.cli.listen:SpreadLoop"


class _Config(uvicorn.Config):
    """The parent's socket only holds the port; nobody listens on it."""

    def bind_socket(self) -> socket.socket:
        family, address = socket.AF_INET6 if ":" in self.host else socket.AF_INET, (self.host, self.port)
        with _bound(family, address, shared=False):
            pass  # another service on this port is an error here; shared, both would be asked in turn
        return _bound(family, address)


class SpreadLoop(uvloop.Loop):
    """A worker's event loop: it listens on a socket of its own where the parent's is."""

    async def create_server(  # type: ignore[override]
        self, *args: Any, sock: socket.socket | None = None, **more: Any
    ) -> AbstractServer:
        if sock is not None:
            sock = _bound(sock.family, sock.getsockname())
        return await super().create_server(*args, sock=sock, **more)


def serve_spread(app: str, **settings: Any) -> None:
    """Serve with several workers until told to stop."""
    config = _Config(app, loop=LOOP, **settings)
    with suppress(KeyboardInterrupt):
        Multiprocess(config, sockets=[config.bind_socket()]).run()


def _bound(family: int, address: Any, *, shared: bool = True) -> socket.socket:
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
    bound.bind(address)
    bound.set_inheritable(True)
    return bound
