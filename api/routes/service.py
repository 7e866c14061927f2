"""The service about itself 「服务状态」: alive, ready, measures, version, packs, policies, documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api.deps import answer, client_of, desk_of, note
from api.errors import Problem
from api.measures import CONTENT_TYPE
from api.openapi import told
from engine.version import engine_facts

router = APIRouter(tags=["service"])
STATIC = Path(__file__).resolve().parent.parent / "static"
_PAGES = {
    "docs.html": "text/html; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@router.get("/livez", operation_id="livez", **told(keyed=False))
async def livez(request: Request) -> Response:
    """The process runs."""
    return answer({"alive": True})


@router.get("/readyz", operation_id="readyz", **told(keyed=False, problems=("not_ready",)))
async def readyz(request: Request) -> Response:
    """Areas are loaded, the database answers, there is room on the disk."""
    why = desk_of(request).not_ready()
    if why is not None:
        raise Problem("not_ready", why, headers={"Retry-After": "5"})
    return answer({"ready": True})


@router.get("/metrics", operation_id="metrics", **told(gives="text/plain", problems=()))
async def metrics(request: Request) -> Response:
    """Counts and latencies in the Prometheus text form."""
    if not desk_of(request).settings.trusted_metrics:
        await client_of(request, "metrics")
    return Response(desk_of(request).measures.text(), media_type=CONTENT_TYPE)


@router.get("/v1/version", operation_id="version", **told(keyed=False))
async def version(request: Request) -> Response:
    """The engine's version and the digest of its source."""
    return answer(engine_facts())


@router.get("/v1/packs", operation_id="packs", **told())
async def packs(request: Request) -> Response:
    """The rule packs of the client's area."""
    client = await client_of(request, "cases")
    counter = desk_of(request).counter(client)
    found: list[dict[str, Any]] = []
    for edition in counter.editions:
        meta = edition.pack.meta
        found.append(
            {
                "scheme": edition.scheme,
                "id": meta.id,
                "version": meta.version,
                "kind": "dip" if edition.is_dip else "drg",
                "fingerprint": edition.pack.fingerprint,
                "valid_from": None if meta.valid_from is None else str(meta.valid_from),
                "valid_to": None if meta.valid_to is None else str(meta.valid_to),
                "chosen_by": meta.chosen_by,
                "source": meta.source.document,
            }
        )
    note(request, client, 200)
    return answer({"area": counter.code, "packs": found})


@router.get("/v1/policies", operation_id="policies", **told())
async def policies(request: Request) -> Response:
    """The settlement policy of the client's area."""
    client = await client_of(request, "cases")
    policy = desk_of(request).counter(client).policy
    note(request, client, 200)
    facts = {"area": policy.code, "name": policy.name, "version": policy.version, "fingerprint": policy.fingerprint}
    return answer({"policies": [facts]})


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    return answer(request.app.openapi())


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    return _page("docs.html")


@router.get("/static/{name}", include_in_schema=False)
async def static(name: str) -> Response:
    return _page(name)


def _page(name: str) -> Response:
    """One of the few files of the documentation page; no other name is looked at."""
    kind = _PAGES.get(name)
    if kind is None:
        raise Problem("not_found")
    return FileResponse(STATIC / name, media_type=kind)
