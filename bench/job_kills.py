"""Workers killed, or hung, while they do jobs: is every job done once, by one run? 「任务断电演练」

Each job loses up to three workers at random moments, or sees one stopped until another has taken it over and then
let go on; a last worker ends it. Jobs are submitted one by one: a grouped upload, a month, its correction, a year.
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.killed import READY, Child, Outcome, unharmed, waited_for
from engine.area import load_area
from engine.jobs.work import Place, run_name
from engine.jobs.worker import Worker
from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.ledger.verify import verify_shelf
from engine.store import jobs
from engine.store.jobs import Job
from engine.store.open import Store, open_store

POLICY = Path(__file__).resolve().parents[1] / "fixtures" / "demo" / "policy"
AREA, YEAR, LEASE_S, CASES = "370000", 2025, 1, 300
JOBS = ("group", "presettle", "correction", "clear")
HANG_SHARE = 0.15
RESULTS = ("grouped.parquet", "settled.parquet")


def _works(pipe: Connection, url: str, shelf: Path, spool: Path, job_id: str) -> None:
    """A worker until the job has ended."""
    store = open_store(url)
    worker = Worker(store, {AREA: load_area(POLICY)}, Place(shelf, 1), spool, LEASE_S)
    pipe.send_bytes(READY)
    while _job(store, job_id).state not in jobs.FINISHED:
        if worker.run(once=True) == 0:
            time.sleep(0.05)
    worker.sweep()


def _job(store: Store, job_id: str) -> Job:
    found = jobs.find(store, job_id)
    assert found is not None
    return found


@dataclass
class _Drill:
    """What one drill knows: the store, the folders, how long a job takes, what it gives, what went wrong."""

    url: str
    folder: Path
    rolls: random.Random
    store: Store
    month: Path
    longest: dict[str, float] = field(default_factory=dict)
    given: dict[str, list[bytes]] = field(default_factory=dict)
    facts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    kills: int = 0
    round: int = 0

    @property
    def shelf(self) -> Path:
        return self.folder / f"runs{self.round}"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def one_round(self, kills: int) -> None:
        """The four jobs on a shelf of their own, up to `kills` kills among them."""
        left, month_run = kills, None
        for name in JOBS:
            job = self._submitted(name, month_run)
            killed, hung = self._interrupted(name, job, min(left, self.rolls.choice((1, 1, 2, 2, 3))))
            left, self.kills = left - killed, self.kills + killed
            seconds, _ = unharmed(_works, self.url, self.shelf, self.spool, job.id)
            self._judge(name, _job(self.store, job.id), killed, hung)
            if not kills:
                self.longest[name] = seconds
            if name == "presettle":
                month_run = run_name(job)
                if not (self.shelf / month_run).is_dir():
                    break  # given up: there is nothing to correct or to clear
        shutil.rmtree(self.shelf)
        self.round += 1

    def _submitted(self, name: str, month_run: str | None) -> Job:
        job_id, params = jobs.new_job_id(), dict[str, Any](files=[str(self.month)])
        if name == "group":
            target = self.spool / job_id / "cases.parquet"
            target.parent.mkdir(parents=True)
            shutil.copyfile(self.month, target)
            params = {"files": [str(target)], "spooled": True, "sha256": job_id}
        else:
            params |= {"year": YEAR} if name == "clear" else {"year": YEAR, "month": 3}
            params |= {"supersedes": month_run} if name == "correction" else {}
        kind = "presettle" if name == "correction" else name
        return jobs.submit(self.store, job_id, AREA, "kills", None, kind, params, f"key-{job_id}")[0]

    def _interrupted(self, name: str, job: Job, times: int) -> tuple[int, int]:
        """Kill workers at this job, or stop one and let it go on: how many were killed, and stopped."""
        for number in range(times):
            before = _job(self.store, job.id).attempts
            with Child(_works, self.url, self.shelf, self.spool, job.id) as child:
                child.ready()
                if not waited_for(partial(self._begun, job.id, before)):
                    self.problems.append(f"{job.id}: nobody took the job over")
                time.sleep(self.rolls.uniform(0, 0.9 * self.longest[name]))
                if self.rolls.random() < HANG_SHARE:
                    self._hung(child, job)
                    return number, 1
                child.kill()
            self.facts["killed at work"] += _job(self.store, job.id).state == jobs.RUNNING
            self._look(f"{job.id} {name}, killed {number + 1} times")
        return times, 0

    def _begun(self, job_id: str, before: int) -> bool:
        job = _job(self.store, job_id)
        return job.attempts > before or job.state in jobs.FINISHED

    def _hung(self, child: Child, job: Job) -> None:
        """Stop a worker, let another take the job, let the first go on: both come to an end."""
        before = _job(self.store, job.id).attempts
        child.signal(signal.SIGSTOP)
        self.facts["workers stopped and let go on"] += 1
        try:
            with Child(_works, self.url, self.shelf, self.spool, job.id) as other:
                other.ready()
                until = time.monotonic() + 5  # a worker stopped inside a transaction lets nobody in
                while not self._begun(job.id, before) and time.monotonic() < until:
                    time.sleep(0.02)
                time.sleep(self.rolls.uniform(0, 0.5))
                child.signal(signal.SIGCONT)
                child.told()
                other.told()
        finally:
            child.signal(signal.SIGCONT)
        self._look(f"{job.id}, stopped and let go on")

    def _look(self, where: str) -> None:
        """Between the workers: nothing on the shelf is half a run."""
        if not self.shelf.is_dir():
            return
        self.problems += [f"{where}: {each}" for each in verify_shelf(self.shelf)[1]]
        half = [path.name for path in self.shelf.glob("[!.]*") if not (path / MANIFEST_NAME).is_file()]
        self.problems += [f"{where}: {name} has no manifest" for name in half]

    def _judge(self, name: str, job: Job, killed: int, hung: int) -> None:
        """After its last worker: ended once, with its run, or given up without one.

        Two living workers may take a job from each other more than once when the machine is too busy for their short
        lease, so one that was let go on may use up the tries.
        """
        where = f"{job.id} {name}, {killed} workers killed, {hung} stopped, {job.attempts} tries"
        run = self.shelf / run_name(job)
        self._look(where)
        self.facts["jobs"] += 1
        self.facts["taken over"] += job.attempts > 1
        if (self.spool / job.id).exists():
            self.problems.append(f"{where}: its upload is still there")
        if job.state == jobs.FAILED and job.worn_out and (hung or killed >= jobs.ATTEMPTS_MAX):
            self.facts["given up after three"] += 1
            self.problems += [f"{where}: given up, and its run stands"] if run.exists() else []
            return
        if job.state != jobs.SUCCEEDED or job.run_id != run.name or not run.is_dir():
            self.problems.append(f"{where}: {job.state}, run {job.run_id}, error {job.error}")
            return
        if job.counts != parse_manifest(run / MANIFEST_NAME).counts:
            self.problems.append(f"{where}: counts are not those of its run")
        content = [(run / each).read_bytes() for each in RESULTS if (run / each).is_file()]
        if content != self.given.setdefault(name, content):
            self.problems.append(f"{where}: other bytes than an undisturbed job")


def job_drill(url: str, folder: Path, kills: int, seed: int) -> Outcome:
    """Kill about `kills` workers at their jobs, on shelves under `folder`."""
    from fixtures.generate import generate_city

    started = time.monotonic()
    month = generate_city(folder / "city", CASES, seed).months[f"{YEAR}03"][0]
    drill = _Drill(url, folder, random.Random(seed), open_store(url), month)
    for _ in range(2):  # the first may have to compile the kernels
        drill.one_round(0)
    while drill.kills < kills and not drill.problems:
        drill.one_round(kills - drill.kills)
    drill.store.close()
    seconds = time.monotonic() - started
    return Outcome("work at jobs", drill.kills, seconds, dict(drill.facts), tuple(drill.problems))
