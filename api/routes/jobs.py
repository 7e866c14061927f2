"""Jobs over files 「批量任务」: submitted, watched, cancelled; their result files. A worker process does them."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.body import read_model
from api.booking import idempotency_key, problem_of
from api.deps import Desk, answer, client_of, desk_of, noted
from api.errors import Problem
from api.models import JobIn, JobOut, JobsOut
from api.openapi import told
from api.run_files import handed_out
from api.security import Client
from api.uploads import receive_upload
from engine.errors import DianzhiError
from engine.jobs.intake import IntakeFault, allowed_paths
from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.store import jobs
from engine.store.bookings import Conflict
from engine.store.jobs import Job

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
upload_router = APIRouter(prefix="/v1", tags=["jobs"])
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$")]
Kind = Literal["group", "presettle", "clear"]
_SUBMIT = ("idempotency.missing", "idempotency.conflict", "body.invalid", "path.refused", "auth.scope", "not_found")


@router.post(
    "", operation_id="submit_job", **told(body=JobIn, gives=JobOut, status=202, idempotent=True, problems=_SUBMIT)
)
async def submit(request: Request) -> Response:
    """A job over files that stand in an allowed folder of this host."""
    client = await client_of(request, "jobs")
    asked = await read_model(request, JobIn)
    desk = desk_of(request)
    if client.hospital is not None:
        raise Problem("path.refused", "医院密钥只能上传文件。")
    try:
        files = allowed_paths(asked.paths, desk.settings.roots)
    except IntakeFault as fault:
        raise Problem("path.refused", str(fault)) from None
    params = _params(client, asked.kind, asked.year, asked.month, asked.supersedes) | {"files": [str(f) for f in files]}
    return await _submitted(request, client, jobs.new_job_id(), asked.kind, params, idempotency_key(request))


@upload_router.post(
    "/uploads",
    operation_id="upload_job",
    **told(
        gives=JobOut,
        status=202,
        idempotent=True,
        upload=True,
        problems=(*_SUBMIT, "file.refused", "body.too_large", "media.unsupported", "query.invalid"),
    ),
)
async def upload(
    request: Request,
    kind: Annotated[Kind, Query()],
    year: Annotated[int | None, Query(ge=2000, le=2100)] = None,
    month: Annotated[int | None, Query(ge=1, le=12)] = None,
    supersedes: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._-]{1,120}$")] = None,
) -> Response:
    """A job over the file in this request: Parquet, Arrow IPC or CSV."""
    client = await client_of(request, "jobs")
    key = idempotency_key(request)
    params = _params(client, kind, year, month, supersedes)
    job_id = jobs.new_job_id()
    desk = desk_of(request)
    path, digest = await receive_upload(request, desk.settings, job_id)
    made = await _submitted(
        request, client, job_id, kind, params | {"sha256": digest, "spooled": True, "files": [str(path)]}, key
    )
    return made


def _params(client: Client, kind: str, year: int | None, month: int | None, supersedes: str | None) -> dict[str, Any]:
    wanted = {"group": (False, False), "presettle": (True, True), "clear": (True, False)}[kind]
    if (year is not None, month is not None) != wanted:
        raise Problem("body.invalid", "group 不带年月；presettle 须带 year 与 month；clear 须带 year，不带 month。")
    if client.hospital is not None and kind != "group":
        raise Problem("auth.scope", "医院密钥只能提交分组任务。")
    found = {"year": year, "month": month, "supersedes": supersedes}
    return {name: value for name, value in found.items() if value is not None}


async def _submitted(
    request: Request, client: Client, job_id: str, kind: str, params: dict[str, Any], key: str
) -> Response:
    desk = desk_of(request)
    desk.counter(client)
    try:
        job, replayed = await run_in_threadpool(
            jobs.submit, desk.store, job_id, client.area, client.name, client.hospital, kind, params, key
        )
    except Conflict as conflict:
        _forget(desk, job_id)
        raise problem_of(conflict) from None
    if job.id != job_id:
        _forget(desk, job_id)
    await noted(request, client, 202, job.id)
    headers = {"Location": f"/v1/jobs/{job.id}"} | ({"Idempotency-Replayed": "true"} if replayed else {})
    return answer(_shown(job), 202, headers)


def _forget(desk: Desk, job_id: str) -> None:
    import shutil

    shutil.rmtree(desk.settings.spool / job_id, ignore_errors=True)


@router.get("", operation_id="list_jobs", **told(gives=JobsOut))
async def list_jobs(request: Request) -> Response:
    """The newest jobs of the client's area, or of its hospital."""
    client = await client_of(request, "jobs")
    found = await run_in_threadpool(jobs.jobs_of, desk_of(request).store, client.area, client.hospital)
    await noted(request, client, 200)
    return answer({"jobs": [_shown(job) for job in found]})


@router.get("/{job_id}", operation_id="show_job", **told(gives=JobOut, problems=("not_found", "query.invalid")))
async def show(request: Request, job_id: Id) -> Response:
    """How far a job is, and its result files."""
    client, job = await _own(request, job_id)
    await noted(request, client, 200, job_id)
    files = await run_in_threadpool(_files, desk_of(request), job)
    return answer(_shown(job) | {"files": sorted(files)})


@router.delete(
    "/{job_id}",
    operation_id="cancel_job",
    **told(gives=JobOut, problems=("not_found", "query.invalid", "job.finished")),
)
async def cancel(request: Request, job_id: Id) -> Response:
    """Cancel a job: at once if it waits, at its next batch if it runs."""
    client, job = await _own(request, job_id)
    if job.state in jobs.FINISHED:
        raise Problem("job.finished")
    await run_in_threadpool(jobs.cancel, desk_of(request).store, job_id)
    await noted(request, client, 200, job_id)
    found = await run_in_threadpool(jobs.find, desk_of(request).store, job_id)
    assert found is not None
    return answer(_shown(found))


@router.get(
    "/{job_id}/files/{name:path}",
    operation_id="job_file",
    **told(gives="application/octet-stream", problems=("not_found", "query.invalid")),
)
async def job_file(request: Request, job_id: Id, name: str) -> Response:
    """One result file of a job."""
    client, job = await _own(request, job_id)
    files = await run_in_threadpool(_files, desk_of(request), job)
    await noted(request, client, 200 if name in files else 404, job_id)
    if name not in files:
        raise Problem("not_found")
    return await run_in_threadpool(handed_out, files[name], name)


async def _own(request: Request, job_id: str) -> tuple[Client, Job]:
    client = await client_of(request, "jobs")
    job = await run_in_threadpool(jobs.find, desk_of(request).store, job_id)
    if job is None or job.area != client.area or not client.may_see(job.hospital):
        await noted(request, client, 404, job_id)
        raise Problem("not_found")
    return client, job


def _files(desk: Desk, job: Job) -> dict[str, FilePath]:
    """The files of a job's run that its manifest lists, each with its run folder; no other name is looked at."""
    if job.run_id is None:
        return {}
    folder = desk.settings.shelf / job.run_id
    if not (folder / MANIFEST_NAME).is_file():
        return {}
    try:
        manifest = parse_manifest(folder / MANIFEST_NAME)
    except DianzhiError:
        return {}  # what was changed is not handed out; `verify` of the run says so
    return dict.fromkeys([MANIFEST_NAME, *(item.name for item in manifest.outputs)], folder)


def _shown(job: Job) -> dict[str, Any]:
    shown = {"id": job.id, "kind": job.kind, "state": job.state, "rows_done": job.rows_done, "run_id": job.run_id}
    times = {"created_at": job.created_at, "updated_at": job.updated_at}
    return shown | {"counts": job.counts, "error": job.error, "cancel_requested": job.cancel} | times
