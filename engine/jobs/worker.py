"""The worker process 「任务处理进程」: takes a job, keeps its lease, notes the end.

In: a store, areas, a shelf; out: finished jobs. A thread of its own renews the lease while the job computes; where the
lease was lost or the owner cancels, the job stops at its next batch and leaves nothing. A worker that dies leaves a
lease that runs out.
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
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from engine.area import Area, load_area
from engine.errors import DianzhiError
from engine.jobs.work import Cancelled, Place, do_job
from engine.store import jobs
from engine.store.jobs import Job
from engine.store.open import Store, open_store

_LOG = logging.getLogger("dianzhi.worker")
PAUSE_S = 1.0


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
        done = 0
        while not self.stop.is_set():
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
        outcome: dict[str, object] = {}
        try:
            manifest = do_job(job, self.areas[job.area], self.place, lease.told)
            state, outcome = jobs.SUCCEEDED, {"run_id": manifest.run_id, "counts": manifest.counts}
        except Cancelled:
            state = jobs.CANCELLED
        except DianzhiError as error:
            state, outcome = jobs.FAILED, {"error": _plain(str(error), job)}
        except Exception as error:
            _LOG.exception("job %s failed", job.id)
            state, outcome = jobs.FAILED, {"error": f"内部错误（{type(error).__name__}），没有发布任何结果。"}
        finally:
            lease.end()
        if lease.lost:
            _LOG.warning("job %s was taken over by another worker", job.id)
            return
        if jobs.finish(self.store, job.id, self.name, state, **outcome):  # type: ignore[arg-type]
            shutil.rmtree(self.spool / job.id, ignore_errors=True)


def _plain(text: str, job: Job) -> str:
    """An error for the owner of the job: what it says of files, without where they stand."""
    for each in job.params.get("files", ()):
        text = text.replace(str(Path(each).parent) + os.sep, "")
    return text[:2000]


class _Lease:
    """Renews a job's lease from a thread of its own; `told` is what the run calls after each batch."""

    def __init__(self, worker: Worker, job: Job) -> None:
        self.worker, self.job = worker, job
        self.rows = 0
        self.lost = False
        self.cancel = False
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

    def _renew(self) -> None:
        pause = max(0.2, self.worker.lease_s / 3)
        while not self._end.wait(pause):
            try:
                held = jobs.renew(self.worker.store, self.job.id, self.worker.name, self.worker.lease_s, self.rows)
            except Exception:
                _LOG.exception("lease of job %s not renewed", self.job.id)
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
