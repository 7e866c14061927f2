"""Uploads into the spool 「上传」: written as they arrive, bounded, checked before they become a job.

In: a request whose body is one file; out: the file and its digest. A broken upload leaves nothing.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from api.errors import Problem
from api.settings import MIB, Settings
from engine.jobs.intake import SUFFIX_OF_TYPE, IntakeFault, checked_upload


async def receive_upload(request: Request, settings: Settings, job_id: str) -> tuple[Path, str]:
    """(the file as a run can read it, SHA-256 of what was sent). Raises Problem."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    suffix = SUFFIX_OF_TYPE.get(kind)
    if suffix is None:
        raise Problem("media.unsupported", f"可用类型：{'、'.join(SUFFIX_OF_TYPE)}。")
    folder = settings.spool / job_id
    _require_room(settings)
    try:
        path, digest = await _written(request, folder / f"cases{suffix}")
        return await run_in_threadpool(checked_upload, path, settings.unpacked_mib), digest
    except IntakeFault as fault:
        shutil.rmtree(folder, ignore_errors=True)
        raise Problem("file.refused", str(fault)) from None
    except ClientDisconnect:
        shutil.rmtree(folder, ignore_errors=True)
        raise Problem("body.unreadable") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _require_room(settings: Settings) -> None:
    settings.spool.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(settings.spool).free < (settings.disk_free_mib + settings.upload_mib) * MIB:
        raise Problem("busy", "磁盘空间不足。", headers={"Retry-After": "60"})


async def _written(request: Request, path: Path) -> tuple[Path, str]:
    path.parent.mkdir(parents=True)
    sha = hashlib.sha256()
    with path.open("wb") as out:
        async for piece in request.stream():
            sha.update(piece)
            await run_in_threadpool(out.write, piece)
    return path, sha.hexdigest()
