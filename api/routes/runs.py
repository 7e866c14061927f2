"""Runs on the shelf 「运行台账」: list, manifest, verify, replay, diff, files; a hospital sees its own statement.

Verification and comparison run in threads; a replay runs in a process of its own, because it computes a whole run.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import answer, client_of, desk_of, noted
from api.errors import Problem
from api.openapi import told
from api.run_files import handed_out
from api.security import Client
from engine.errors import DianzhiError
from engine.ledger.manifest import MANIFEST_NAME, Manifest, parse_manifest
from engine.ledger.store import runs_on
from engine.no_places import facts_without_places, without_places

router = APIRouter(prefix="/v1/runs", tags=["runs"])
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")]
_PROBLEMS = ("not_found", "query.invalid", "run.not_replayable")


@router.get("", operation_id="list_runs", **told(problems=("run.not_replayable",)))
async def list_runs(request: Request) -> Response:
    """The runs of the client's area, oldest first."""
    client = await client_of(request, "runs")
    found = await run_in_threadpool(_runs, desk_of(request).settings.shelf, client)
    await noted(request, client, 200)
    return answer({"runs": [_shown(manifest, client) for _, manifest in found]})


@router.get("/{run_id}", operation_id="show_run", **told(problems=_PROBLEMS))
async def show_run(request: Request, run_id: Id) -> Response:
    """The manifest of a run."""
    _, manifest = await _run(request, run_id, whole=True)
    return answer(facts_without_places(manifest))


@router.get("/{run_id}/verify", operation_id="verify_run", **told(problems=_PROBLEMS))
async def verify(request: Request, run_id: Id) -> Response:
    """Recompute every digest of a run; name each file and line that changed."""
    from engine.ledger.verify import verify_run

    client = await client_of(request, "runs")
    folder = desk_of(request).settings.shelf / run_id
    # A damaged manifest cannot say whose run it is; then the name does.
    ours = client.hospital is None and await run_in_threadpool(_is_of, folder, client.area)
    await noted(request, client, 200 if ours else 404, run_id)
    if not ours:
        raise Problem("not_found")
    found = await run_in_threadpool(verify_run, folder)
    told_of = [{"file": each.file, "at": each.at, "problem": _plain(each.problem, folder)} for each in found]
    return answer({"run_id": run_id, "sound": not found, "findings": told_of})


@router.post("/{run_id}/replay", operation_id="replay_run", **told(problems=_PROBLEMS))
async def replay(request: Request, run_id: Id) -> Response:
    """Compute a run again from what it recorded, and compare every byte."""
    folder, _ = await _run(request, run_id, whole=True)
    try:
        found = await run_in_threadpool(_replayed, folder)
    except DianzhiError as error:
        raise Problem("run.not_replayable", _plain(str(error), folder)) from None
    return answer(found)


@router.get("/{run_id}/diff/{other}", operation_id="diff_runs", **told(problems=_PROBLEMS))
async def diff(request: Request, run_id: Id, other: Id) -> Response:
    """What moved between two runs of one kind, by hospital, and the rule that moved it."""
    first, _ = await _run(request, run_id, whole=True)
    second, _ = await _run(request, other, whole=True)
    try:
        found = await run_in_threadpool(_compared, first, second)
    except DianzhiError as error:
        raise Problem("run.not_replayable", _plain(str(error), first)) from None
    return answer(found)


@router.get(
    "/{run_id}/files/{name:path}",
    operation_id="run_file",
    **told(gives="application/octet-stream", problems=_PROBLEMS),
)
async def run_file(request: Request, run_id: Id, name: str) -> Response:
    """One file of a run; to a hospital only its own statement is there."""
    folder, manifest = await _run(request, run_id, whole=False)
    client: Client = request.state.client
    listed = {item.name for item in manifest.outputs} | {MANIFEST_NAME}
    if client.hospital is not None:
        listed &= {_statement(client.hospital)}
    if name not in listed:
        raise Problem("not_found")
    return await run_in_threadpool(handed_out, folder, name)


def _statement(hospital: str) -> str:
    return f"statements/{hospital}.xlsx"


async def _run(request: Request, run_id: str, *, whole: bool) -> tuple[FilePath, Manifest]:
    """A run of the client's area; with `whole`, one a hospital does not get to see."""
    client = await client_of(request, "runs")
    folder = desk_of(request).settings.shelf / run_id
    manifest = None
    if not (whole and client.hospital is not None) and (folder / MANIFEST_NAME).is_file():
        try:
            manifest = await run_in_threadpool(parse_manifest, folder / MANIFEST_NAME)
        except DianzhiError as error:
            raise Problem("run.not_replayable", _plain(str(error), folder)) from None
    found = manifest is not None and manifest.area == client.area
    await noted(request, client, 200 if found else 404, run_id)
    if manifest is None or not found:
        raise Problem("not_found")
    return folder, manifest


def _is_of(folder: FilePath, area: str) -> bool:
    """Whether a run is of an area, by its manifest or, where that is damaged, by its name."""
    if not (folder / MANIFEST_NAME).is_file():
        return False
    try:
        return parse_manifest(folder / MANIFEST_NAME).area == area
    except DianzhiError:
        return f"-{area}-" in folder.name


def _runs(shelf: FilePath, client: Client) -> list[tuple[FilePath, Manifest]]:
    try:
        found = [each for each in runs_on(shelf) if each[1].area == client.area]
    except DianzhiError as error:
        raise Problem("run.not_replayable", _plain(str(error), shelf / "x")) from None
    if client.hospital is None:
        return found
    name = _statement(client.hospital)
    return [each for each in found if any(item.name == name for item in each[1].outputs)]


def _shown(manifest: Manifest, client: Client) -> dict[str, Any]:
    shown: dict[str, Any] = {"run_id": manifest.run_id, "kind": manifest.kind, "period": manifest.period}
    shown |= {"supersedes": manifest.supersedes, "written_at": manifest.written_at}
    if client.hospital is not None:
        return shown | {"files": [_statement(client.hospital)]}
    return shown | {"sequence": manifest.sequence, "seal": manifest.seal, "counts": manifest.counts}


def _replayed(folder: FilePath) -> dict[str, Any]:
    from engine.replay import replay as compute_again

    done = compute_again(folder, (), 2)
    return {
        "run_id": done.run_id,
        "same": not done.differences,
        "compared": done.compared,
        "differences": [str(each) for each in done.differences],
        "others": [{"part": part, "recorded": was, "now": now} for part, was, now in done.others],
    }


def _compared(first: FilePath, second: FilePath) -> dict[str, Any]:
    from engine.diff import diff_runs

    found = diff_runs(first, second)
    reasons = [{name: str(value) for name, value in row.items()} for row in found.reasons().to_dicts()]
    hospitals = [
        {name: None if value is None else str(value) for name, value in row.items()}
        for row in found.hospitals.to_dicts()
    ]
    moved = {"cases": found.cases.height, "hospitals": found.hospitals.height, "lines": found.lines.height}
    return {"first": found.first.run_id, "second": found.second.run_id, "moved": moved,
            "reasons": reasons, "hospitals": hospitals}  # fmt: skip


def _plain(text: str, folder: FilePath) -> str:
    """An error for the client: without where things stand on this host."""
    return without_places(text, (folder.parent, *_inputs(folder)))


def _inputs(folder: FilePath) -> list[FilePath]:
    """The folders a run read its cases from."""
    try:
        return [FilePath(item.path).parent for item in parse_manifest(folder / MANIFEST_NAME).inputs if item.path]
    except DianzhiError:
        return []
