"""The measurement `throughput` 「吞吐与内存」: grouping against the plain walk, and the whole job, in one run.

In: how many cases, a seed, perhaps a real pack with published answers; out: `Throughput`. Everything that is compared
is measured in the same run on the same cases, so that ratios hold on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.city import YEAR, case_paths, demo_city
from bench.grouping import GroupingFigures, answer_figures, demo_figures
from bench.job import Job, clearing_job
from bench.machine import facts
from engine.cli.where import demo_folder
from engine.lang import say
from engine.packs.load import load_pack
from engine.version import engine_facts

START_UP_CASES = 2_000
"""A year so small that its job shows what starting costs; it also fills the kernels' cache on disk."""


@dataclass(frozen=True)
class Asked:
    """What to measure. `answers` are published answers of the rule pack in `pack`."""

    cases: int = 1_000_000
    seed: int = 7
    sample: int = 20_000
    threads: int = 2
    pack: Path | None = None
    answers: Path | None = None
    mapping: bool | None = None


@dataclass(frozen=True)
class Throughput:
    """What was measured. `start_up` None where the job itself is as small."""

    asked: Asked
    machine: dict[str, Any]
    groupings: tuple[GroupingFigures, ...]
    start_up: Job | None
    job: Job

    def facts(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            "bench": "throughput",
            "format": 1,
            "cases": self.asked.cases,
            "seed": self.asked.seed,
            "engine": engine_facts(),
            "machine": self.machine,
            "groupings": [figures.facts() for figures in self.groupings],
            "start_up": None if self.start_up is None else self.start_up.facts(),
            "job": self.job.facts(),
        }


def measure(asked: Asked, tell: Callable[[str], None]) -> Throughput:
    """Measure everything; `tell` hears what is being done. Jobs come first, so that kernels are compiled by then."""
    machine = facts()
    start_up = None
    if asked.cases > START_UP_CASES:
        tell(say("小作业：启动成本", "a small job: what starting costs"))
        start_up = clearing_job(case_paths(demo_city(START_UP_CASES, asked.seed)), YEAR, asked.threads)
    tell(say(f"生成或沿用 {asked.cases:,} 例", f"making {asked.cases:,} cases, or using those made before"))
    files = case_paths(demo_city(asked.cases, asked.seed))
    tell(say("整体作业", "the whole job"))
    job = clearing_job(files, YEAR, asked.threads)
    tell(say("分组与逐例", "grouping, and the walk"))
    demo = load_pack(demo_folder() / "pack_drg")
    groupings = [demo_figures(demo.meta.id, files, demo, asked.cases, asked.sample)]
    if asked.pack is not None and asked.answers is not None:
        real = load_pack(asked.pack)
        groupings.append(answer_figures(asked.answers, real, asked.mapping, asked.sample))
    return Throughput(asked, machine, tuple(groupings), start_up, job)


def broken_claims(found: Throughput, ratio: float | None, memory_mb: float | None) -> list[str]:
    """What does not hold: answers that differ, a ratio too small, a peak too high or not measurable."""
    broken = []
    for figures in found.groupings:
        if figures.differing:
            broken.append(f"{figures.name}: kernel and walk differ in {figures.differing} cases")
        if ratio is not None and figures.ratio < ratio:
            broken.append(f"{figures.name}: the kernel is {figures.ratio:.1f} × the walk, less than {ratio:g} ×")
    if memory_mb is not None:
        peak = found.job.peak_mb
        if peak is None:
            broken.append("anonymous memory cannot be sampled on this system, so the limit is not shown to hold")
        elif peak > memory_mb:
            broken.append(f"the job took {peak:,.0f} MB of anonymous memory, more than {memory_mb:,.0f} MB")
    return broken
