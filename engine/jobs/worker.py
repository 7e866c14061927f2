"""The worker process 「任务处理进程」: takes a job, keeps its lease, notes the end.

In: a store, areas, a shelf; out: finished jobs. A thread of its own renews the lease while the job computes; where the
lease was lost or the owner cancels, the job stops at its next batch, at the latest before its run appears, and leaves
nothing. A worker that dies leaves a lease that runs out, one that hangs a run that another waits for. Uploads go when
their job has ended.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Any

from engine.area import Area, load_area
from engine.errors import DianzhiError
from engine.jobs.work import Cancelled, Place, Watch, do_job, run_name, run_of
from engine.ledger.store import BeingWritten, being_written
from engine.no_places import without_places
from engine.safe_log import whence
from engine.store import jobs
from engine.store.jobs import Job
from engine.store.open import Store, open_store

_LOG = logging.getLogger("dianzhi.worker")
PAUSE_S = 1.0
SWEEP_S = 60.0
ORPHAN_S = 86_400.0
"""An upload that became no job is a broken one, unless it may still be under way."""


@dataclass
class Worker:
    """One worker. `stop` ends it after the job it is at."""

    store: Store
    areas: Mapping[str, Area]
    place: Place
    spool: Path
    lease_s: int = 30
    name: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}-{time.monotonic_ns() & 0xFFFF}")
    stop: Event = field(default_factory=Event)

    def run(self, *, once: bool = False) -> int:
        """Work until told to stop, or until there is nothing left; the number of jobs worked off."""
        done, swept = 0, -SWEEP_S
        while not self.stop.is_set():
            if time.monotonic() - swept >= SWEEP_S:
                self.sweep()
                swept = time.monotonic()
            job = jobs.claim(self.store, self.name, self.lease_s, tuple(self.areas))
            if job is not None:
                self.work_off(job)
                done += 1
            elif once:
                break
            else:
                self.stop.wait(PAUSE_S)
        return done

    def work_off(self, job: Job) -> None:
        """Do one job that is this worker's."""
        lease = _Lease(self, job)
        lease.start()
        try:
            state, outcome = self._outcome(job, lease)
        except BeingWritten:
            _LOG.warning("job %s is still being written by a worker that lost it", job.id)
            jobs.put_off(self.store, job.id, self.name)
            return
        finally:
            lease.end()
        if lease.lost:
            _LOG.warning("job %s was taken over by another worker", job.id)
            return
        if jobs.finish(self.store, job.id, self.name, state, **outcome):
            shutil.rmtree(self.spool / job.id, ignore_errors=True)

    def _outcome(self, job: Job, lease: _Lease) -> tuple[str, dict[str, Any]]:
        """(state, what is noted with it). Raises BeingWritten where the end is another's to tell."""
        try:
            if job.worn_out:
                return self._worn_out(job)
            manifest = do_job(job, self.areas[job.area], self.place, lease)
            return jobs.SUCCEEDED, {"run_id": manifest.run_id, "counts": manifest.counts}
        except BeingWritten:
            if job.cancel:
                return jobs.CANCELLED, {}  # who writes it no longer holds it, so it will not appear
            raise
        except Cancelled:
            return jobs.CANCELLED, {}
        except DianzhiError as error:
            # Another worker's run of this very job may be what stands in the way.
            return self._published(job) or (jobs.FAILED, {"error": _plain(str(error), job, self.place.shelf)})
        except Exception as error:
            _LOG.error("job %s failed: %s", job.id, whence(error))
            return jobs.FAILED, {"error": f"内部错误（{type(error).__name__}），没有发布任何结果。"}

    def _worn_out(self, job: Job) -> tuple[str, dict[str, Any]]:
        if (found := self._published(job)) is not None:
            return found
        if being_written(self.place.shelf / run_name(job)):
            raise BeingWritten(job.id)
        return jobs.FAILED, {"error": f"处理进程中断 {jobs.ATTEMPTS_MAX} 次，不再重试。"}

    def _published(self, job: Job) -> tuple[str, dict[str, Any]] | None:
        manifest = run_of(job, self.place)
        if manifest is None:
            return None
        return jobs.SUCCEEDED, {"run_id": manifest.run_id, "counts": manifest.counts}

    def sweep(self) -> None:
        """Remove uploads whose job has ended, or that became no job: a process may die before it does so itself."""
        for folder in self.spool.iterdir() if self.spool.is_dir() else ():
            with suppress(OSError):
                job = jobs.find(self.store, folder.name)
                old = time.time() - folder.stat().st_mtime > ORPHAN_S
                if old if job is None else job.state in jobs.FINISHED:
                    shutil.rmtree(folder, ignore_errors=True)


def _plain(text: str, job: Job, shelf: Path) -> str:
    """An error for the owner of the job: what it says of files, without where they stand."""
    return without_places(text, (shelf, *(Path(each).parent for each in job.params.get("files", ()))))


class _Lease(Watch):
    """Renews a job's lease from a thread of its own; `told` is what the run calls after each batch."""

    def __init__(self, worker: Worker, job: Job) -> None:
        self.worker, self.job = worker, job
        self.rows = 0
        self.lost = False
        self.cancel = job.cancel
        self._end = Event()
        self._thread = Thread(target=self._renew, name=f"lease-{job.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._end.set()
        self._thread.join()

    def told(self, rows: int) -> None:
        self.rows += rows
        if self.lost or self.cancel:
            raise Cancelled

    def may_publish(self) -> None:
        held = jobs.renew(self.worker.store, self.job.id, self.worker.name, self.worker.lease_s, self.rows)
        self.lost = self.lost or held is None
        if held is None or held:
            raise Cancelled

    def _renew(self) -> None:
        pause = max(0.2, self.worker.lease_s / 3)
        while not self._end.wait(pause):
            try:
                held = jobs.renew(self.worker.store, self.job.id, self.worker.name, self.worker.lease_s, self.rows)
            except Exception as error:
                _LOG.error("lease of job %s not renewed: %s", self.job.id, whence(error))
                continue
            if held is None:
                self.lost = True
                return
            self.cancel = self.cancel or held


def work_from_environment(*, once: bool = False, ready: Callable[[], None] | None = None) -> None:
    """What `dianzhi worker` runs."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    areas = {}
    for text in os.environ["DIANZHI_AREAS"].split(os.pathsep):
        area = load_area(Path(text))
        areas[area.policy.code] = area
    store = open_store(os.environ["DIANZHI_DATABASE"])
    worker = Worker(
        store,
        areas,
        Place(Path(os.environ.get("DIANZHI_SHELF", "runs"))),
        Path(os.environ.get("DIANZHI_SPOOL", "spool")),
        lease_s=int(os.environ.get("DIANZHI_LEASE_S", "30")),
    )

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        worker.stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    if ready is not None:
        ready()
    worker.run(once=once)
    store.close()
