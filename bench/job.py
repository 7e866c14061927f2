"""A whole job, `clear` or `settle`, in a process of its own, with its memory sampled from outside 「整体作业」.

In: case files; out: `Job`: CPU seconds from resource usage, and the peak of anonymous memory (RssAnon of the kernel's
process status, every 10 ms) of the job and of each stage. Stages are the job's own functions with a clock around them.
A peak shorter than 10 ms may be missed; pages of files do not count, because the kernel takes them back at will.
"""

from __future__ import annotations

import importlib
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SAMPLED_EVERY_S = 0.01
STAGES = {
    "map_stage": ("engine.run", 0),
    "record_grouping": ("engine.run", 0),
    "case_columns": ("engine.run", 0),
    "score": ("engine.run", 0),
    "clear_year": ("engine.run", 0),
    "publish_money": ("engine.run", 0),
    "write_settled": ("engine.publish", 1),
    "write_statements": ("engine.publish", 1),
    "write_summary": ("engine.publish", 1),
}
"""Function that is timed → the module whose name for it is replaced, and how deep it stands."""
SETTLE_STAGES = {
    "LeanReader": ("engine.stream.settle", 0),
    "FirstPass.run": ("engine.stream.settle", 0),
    "clear_year": ("engine.stream.settle", 0),
    "Result.write": ("engine.stream.settle", 0),
    "record_inputs": ("engine.stream.settle", 0),
}
"""The same of `settle`."""


@dataclass(frozen=True)
class Stage:
    """One stage. `peak_mb` None: it was over before a sample was taken."""

    name: str
    depth: int
    cpu_s: float
    wall_s: float
    peak_mb: float | None


@dataclass(frozen=True)
class Job:
    """One run of a command, from starting Python to the sealed folder. `peak_mb` None: memory cannot be sampled."""

    read_count: int
    case_count: int
    threads: int
    cpu_s: float
    wall_s: float
    peak_mb: float | None
    sample_count: int
    stages: tuple[Stage, ...]

    def facts(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self)


@dataclass(frozen=True)
class _Mark:
    """A stage that ended: when it began and ended by the system's monotonic clock, and its CPU."""

    name: str
    begun: float
    ended: float
    cpu_s: float


def clearing_job(files: Sequence[Path], year: int, threads: int) -> Job:
    """Clear a year of the demo area, months computed from the cases, in a new process."""
    return _job(_clear, STAGES, list(files), year, threads)


def settle_job(files: Sequence[Path], year: int, threads: int, both: bool) -> Job:
    """Settle the same year in two passes; `both`: every case is grouped by the DIP catalogue as well."""
    return _job(_settle_both if both else _settle, SETTLE_STAGES, list(files), year, threads)


def _job(work: Callable[..., None], stages: dict[str, tuple[str, int]], *given: Any) -> Job:
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory(prefix="dianzhi-bench-") as folder:
        out = Path(folder) / "run"
        process = context.Process(target=work, args=(*given, out, sending))
        begun = time.monotonic()
        process.start()
        sending.close()
        samples, marks, last = _watch(process.pid or 0, process.is_alive, receiving)
        process.join()
        wall_s = time.monotonic() - begun
    if process.exitcode or last is None:
        raise RuntimeError(f"the job ended with exit code {process.exitcode}; its own message stands above")
    return Job(
        read_count=last["read"],
        case_count=last["in_period"],
        threads=given[2],
        cpu_s=last["cpu_s"],
        wall_s=wall_s,
        peak_mb=max((mb for _, mb in samples), default=None),
        sample_count=len(samples),
        stages=tuple(_stage(mark, stages, samples) for mark in sorted(marks, key=lambda mark: mark.begun)),
    )


def _watch(
    pid: int, is_alive: Callable[[], bool], receiving: Connection
) -> tuple[list[tuple[float, float]], list[_Mark], dict[str, Any] | None]:
    """(time, MB) samples, the marks received, and the last word of the job, until it ends."""
    samples: list[tuple[float, float]] = []
    marks: list[_Mark] = []
    last: dict[str, Any] | None = None
    open_ = True
    while open_ or is_alive():
        if (mb := _anonymous_mb(pid)) is not None:
            samples.append((time.monotonic(), mb))
        time.sleep(SAMPLED_EVERY_S)
        while open_ and receiving.poll():
            try:
                said = receiving.recv()
            except EOFError:
                open_ = False
                break
            if isinstance(said, _Mark):
                marks.append(said)
            else:
                last = said
    return samples, marks, last


def _anonymous_mb(pid: int) -> float | None:
    """RssAnon of a process, MB of 10⁶ bytes; None if it is gone or the system has no such file."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    line = next((line for line in status.splitlines() if line.startswith("RssAnon:")), None)
    return None if line is None else int(line.split()[1]) * 1024 / 1e6


def _stage(mark: _Mark, stages: dict[str, tuple[str, int]], samples: list[tuple[float, float]]) -> Stage:
    within = [mb for at, mb in samples if mark.begun <= at <= mark.ended]
    return Stage(mark.name, stages[mark.name][1], mark.cpu_s, mark.ended - mark.begun, max(within, default=None))


def _clear(files: list[Path], year: int, threads: int, out: Path, sending: Connection) -> None:
    """What a clearing's process does, as the command does it."""
    from engine.collecting import collect_seldom, without_algebra

    collect_seldom()
    without_algebra()
    import engine.run
    from engine.area import load_area
    from engine.cli.where import demo_folder
    from engine.run_parts import RunOptions

    _put_clocks(STAGES, sending)
    options = RunOptions(out=out, threads=threads, months="cases")
    _told(engine.run.clear(files, load_area(demo_folder()), year, options).counts, sending)


def _settle(files: list[Path], year: int, threads: int, out: Path, sending: Connection, both: bool = False) -> None:
    """What the process of a year in two passes does, as the command does it."""
    from engine.collecting import collect_seldom, without_algebra

    collect_seldom()
    without_algebra()
    from engine.ledger.ahead import DigestsAhead

    with DigestsAhead(files) as ahead:
        import engine.stream.settle
        from engine.area import load_area
        from engine.cli.where import demo_folder
        from engine.run_parts import RunOptions

        _put_clocks(SETTLE_STAGES, sending)
        also = demo_folder() / "pack_dip" if both else None
        options = RunOptions(out=out, threads=threads, digest_input=ahead.digest)
        _told(engine.stream.settle.settle(files, load_area(demo_folder()), year, options, also).counts, sending)


def _settle_both(files: list[Path], year: int, threads: int, out: Path, sending: Connection) -> None:
    _settle(files, year, threads, out, sending, both=True)


def _told(counts: dict[str, int], sending: Connection) -> None:
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    sending.send({**counts, "cpu_s": used.ru_utime + used.ru_stime})
    sending.close()


def _put_clocks(stages: dict[str, tuple[str, int]], sending: Connection) -> None:
    for name, (module, _) in stages.items():
        owner, _, function = name.rpartition(".")
        place = importlib.import_module(module)
        _put_clock(getattr(place, owner) if owner else place, function, name, sending)


def _put_clock(owner: Any, function: str, name: str, sending: Connection) -> None:
    work = getattr(owner, function)

    def timed(*args: Any, **kwargs: Any) -> Any:
        begun, cpu = time.monotonic(), time.process_time()
        try:
            return work(*args, **kwargs)
        finally:
            sending.send(_Mark(name, begun, time.monotonic(), time.process_time() - cpu))

    setattr(owner, function, timed)
