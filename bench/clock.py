"""CPU and wall time of a piece of work 「计时」.

In: nothing; out: `Spent`. CPU time is quoted because other work on the machine inflates it far less than wall time.
It knows nothing of what is measured.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Spent:
    """Nanoseconds, summed over every time the clock ran. CPU of the whole process, all threads."""

    cpu_ns: int = 0
    wall_ns: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Adds what the block takes."""
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        try:
            yield
        finally:
            self.cpu_ns += time.process_time_ns() - cpu
            self.wall_ns += time.perf_counter_ns() - wall


def best_thread_ns(work: Callable[[], object], times: int) -> int:
    """CPU of this thread for `work`, the least of several goes; without garbage collection, as `timeit` does it."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        goes = []
        for _ in range(times):
            begun = time.thread_time_ns()
            work()
            goes.append(time.thread_time_ns() - begun)
        return min(goes)
    finally:
        if collecting:
            gc.enable()
