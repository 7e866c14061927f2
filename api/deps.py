"""What every route works with 「共用部件」: the areas, the store, the gate, the audit log.

In: settings; out: `Desk`, opened once per process and closed with it, and small helpers that turn engine answers into
HTTP answers. It holds no rule.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.errors import Problem
from api.light import Json
from api.measures import Measures
from api.security import Client, Gate, open_client
from api.settings import MIB, Settings, SettingsError
from engine.online.counter import Counter, open_counter
from engine.online.record import Refusal
from engine.store.audit import AuditLog, event
from engine.store.open import Store, open_store
from engine.store.together import Together


@dataclass
class Desk:
    """Everything a process holds open."""

    settings: Settings
    counters: dict[str, Counter]
    store: Store
    gate: Gate
    audit: AuditLog
    measures: Measures
    together: Together

    def counter(self, client: Client) -> Counter:
        """The area of a client. Raises Problem if this service does not serve it."""
        found = self.counters.get(client.area)
        if found is None:
            raise Problem("not_found", "本服务不受理该统筹区。")
        return found

    def not_ready(self) -> str | None:
        """Why requests should not come here yet, None if they may."""
        if not self.store.reachable():
            return "数据库无法访问"
        folder = self.settings.shelf if self.settings.shelf.exists() else self.settings.shelf.absolute().parent
        if folder.exists() and shutil.disk_usage(folder).free < self.settings.disk_free_mib * MIB:
            return "磁盘空间不足"
        return None

    def close(self) -> None:
        self.together.close()
        self.audit.close()
        self.store.close()


def open_desk(settings: Settings, measures: Measures) -> Desk:
    """Load the areas and connect. Raises what a start-up should stop at."""
    counters = {}
    for folder in settings.areas:
        counter = open_counter(folder)
        counter.warm()
        if counter.code in counters:
            raise SettingsError(f"area {counter.code} is given twice.")
        counters[counter.code] = counter
    if settings.open_access and len(counters) != 1:
        raise SettingsError("open access serves exactly one area.")
    store = open_store(settings.database)
    anyone = open_client(next(iter(counters))) if settings.open_access else None
    return Desk(settings, counters, store, Gate(settings, store, anyone), AuditLog(store), measures, Together(store))


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def client_of(request: Request, scope: str) -> Client:
    """The client of a request; the access is noted. Raises Problem."""
    return await desk_of(request).gate.client(request, scope)


def note(request: Request, client: Client, status: int, target: str = "") -> None:
    """Note an access that touched nothing stored; it is written within a second."""
    desk_of(request).audit.note(_event(request, client, status, target))


async def noted(request: Request, client: Client, status: int, target: str = "") -> None:
    """Note an access to something stored, and go on when that is durable."""
    done = desk_of(request).audit.wait(_event(request, client, status, target))
    await run_in_threadpool(done.result, 30)


def _event(request: Request, client: Client, status: int, target: str) -> Any:
    route = getattr(request.scope.get("route"), "path", "?")
    return event(client.name, client.key_id, f"{request.method} {route}", target, status, request_id(request))


def request_id(request: Request) -> str:
    return str(request.scope["state"]["request_id"])


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON, money as text."""
    return Json(orjson.dumps(content), status, headers)


def refusal_errors(refusals: Sequence[Refusal]) -> list[dict[str, str]]:
    """Refusals as error items: code, column and texts; nothing of the record."""
    return [{"code": each.code, "field": each.field, "title": each.zh, "title_en": each.en} for each in refusals]
