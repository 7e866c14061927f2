"""One job done 「任务执行」: the same runs the command line makes, on the service's shelf.

In: a job, its area, where things stand; out: the run. The run's name follows from the job's id, so a job taken over
after its run was published finds the run and is done. It knows neither leases nor HTTP; `Watch` is how it is watched.
"""

from __future__ import annotations

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


class Watch:
    """Told how far a job is. Either may raise Cancelled; `may_publish` is asked last, when only publishing is left."""

    def told(self, rows: int) -> None:
        """So many more rows were read."""

    def may_publish(self) -> None:
        """The run is about to appear."""


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


def run_of(job: Job, place: Place) -> Manifest | None:
    """The run of a job, if it is on the shelf."""
    manifest = place.shelf / run_name(job) / MANIFEST_NAME
    return parse_manifest(manifest) if manifest.is_file() else None


def do_job(job: Job, area: Area, place: Place, watch: Watch) -> Manifest:
    """Run the job, or find its run. Raises DianzhiError for what its owner can mend, Cancelled from `watch`."""
    if (there := run_of(job, place)) is not None:
        return there
    target = place.shelf / run_name(job)
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
        progress=watch.told,
        may_publish=watch.may_publish,
    )
    if job.kind == "group":
        group(files, area.editions, options)
    elif job.kind == "presettle":
        presettle(files, area, int(params["year"]), int(params["month"]), options)
    else:
        clear(files, area, int(params["year"]), options)
    return parse_manifest(target / MANIFEST_NAME)
