"""The service 「结算服务」: routes, problems, start and end.

In: settings, or the environment under uvicorn's factory; out: the ASGI app. It computes nothing itself.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.deps import open_desk
from api.edge import Edge
from api.errors import Problem, field_errors
from api.light import Asked
from api.measures import Measures
from api.openapi import allowed_methods, document
from api.routes import ROUTERS
from api.settings import Settings, from_environment
from engine.version import VERSION

_BY_STATUS = {404: "not_found", 405: "method.not_allowed", 400: "header.invalid"}


def create_app(settings: Settings) -> FastAPI:
    """The app of these settings. The database must be migrated: `dianzhi serve` does it before it starts workers."""
    measures = Measures()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.desk = desk = open_desk(settings, measures)
        try:
            yield
        finally:
            desk.close()

    app = _Service(
        title="点值 dianzhi",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.settings = settings
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(OperationalError, _unreachable)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.edge = Edge(app.behind_the_edge, settings, measures, _short_cuts(app))
    return app


class _Service(FastAPI):
    """FastAPI behind the edge: what the edge answers, or a short cut, never meets the framework's own layers."""

    edge: Edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.edge(scope, receive, send)

    async def behind_the_edge(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)


def _short_cuts(app: FastAPI) -> dict[str, ASGIApp]:
    """The endpoints of single cases as bare apps: routing and dependency solving cost them more than their own work."""
    found: dict[str, ASGIApp] = {}
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.operation_id in ("settle_case", "group_case"):
                found[route.path] = _bare(app, route)
    assert len(found) == 2, "both have a short cut"
    return found


def _bare(app: FastAPI, route: APIRoute) -> ASGIApp:
    endpoint = route.endpoint

    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"], scope["route"] = app, route
        request = Asked(scope, receive)
        try:
            response = await endpoint(request)
        except Problem as problem:
            response = await _problem(request, problem)
        except OperationalError as error:
            response = await _unreachable(request, error)
        await response(scope, receive, send)

    return bare


def app_from_environment() -> FastAPI:
    """What uvicorn's workers call."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    return create_app(from_environment())


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    client: Any = getattr(request.state, "client", None)
    if client is not None or error.status in (401, 403):
        from api.deps import note
        from api.security import Client

        note(request, client or Client("-", "-", "-", None, frozenset()), error.status)
    return error.response(request.url.path, request.scope["state"]["request_id"])


async def _unreachable(request: Request, error: Exception) -> Response:
    """The database is away or busy: nothing is known to have happened, and the same request may be sent again."""
    problem = Problem("busy", "数据库暂时无法访问，请稍后以相同的请求重试。", headers={"Retry-After": "2"})
    return problem.response(request.url.path, request.scope["state"]["request_id"])


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problem = Problem("query.invalid", errors=field_errors(error.errors()))
    return problem.response(request.url.path, request.scope["state"]["request_id"])


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, "header.invalid")
    headers = dict(error.headers or {})
    if code == "method.not_allowed":
        headers["Allow"] = ", ".join(allowed_methods(request.app.openapi(), request.url.path)) or headers.get(
            "allow", ""
        )
    return Problem(code, headers=headers).response(request.url.path, request.scope["state"]["request_id"])
