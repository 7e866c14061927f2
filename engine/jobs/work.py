"""One job done 「任务执行」: the same runs the command line makes, on the service's shelf.

In: a job, its area, where things stand; out: the run. The run's name follows from the job's id, so a job taken over
after its run was published finds the run and is done. It knows neither leases nor HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.area import Area
from engine.errors import RunError
from engine.ledger.manifest import MANIFEST_NAME, Manifest, parse_manifest
from engine.run import NO_AREA, clear, group, presettle
from engine.run_parts import RunOptions
from engine.store.jobs import Job


class Cancelled(Exception):
    """The job's owner changed their mind, or another worker has it."""


@dataclass(frozen=True)
class Place:
    """Where a worker works."""

    shelf: Path
    threads: int = 2


def run_name(job: Job) -> str:
    """Name of the run folder a job makes."""
    year, month = job.params.get("year"), job.params.get("month")
    period = "all" if year is None else f"{year:04d}" if month is None else f"{year:04d}-{month:02d}"
    area = NO_AREA if job.kind == "group" else job.area
    return f"{period}-{area}-{job.kind}-{job.id}"


def do_job(job: Job, area: Area, place: Place, progress: Callable[[int], None]) -> Manifest:
    """Run the job, or find its run. Raises DianzhiError for what its owner can mend, Cancelled from `progress`."""
    target = place.shelf / run_name(job)
    if (target / MANIFEST_NAME).is_file():
        return parse_manifest(target / MANIFEST_NAME)
    params: dict[str, Any] = dict(job.params)
    files = [Path(each) for each in params["files"]]
    if missing := [path.name for path in files if not path.is_file()]:
        raise RunError(f"输入文件已不存在：{', '.join(missing)}。")
    options = RunOptions(
        shelf=place.shelf,
        out=target,
        threads=place.threads,
        supersedes=params.get("supersedes"),
        keep_inputs=True,
        progress=progress,
    )
    if job.kind == "group":
        group(files, area.editions, options)
    elif job.kind == "presettle":
        presettle(files, area, int(params["year"]), int(params["month"]), options)
    else:
        clear(files, area, int(params["year"]), options)
    return parse_manifest(target / MANIFEST_NAME)
