"""A process killed at a moment 「断电」: started clean, told when it is ready, killed, and what it said until then.

In: a function a fresh process runs, a moment; out: what it told through its pipe. Children come from a server process
that has imported the engine and started no thread, so a child is soon ready. Every wait is bounded.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

READY = b"ready"
PATIENCE_S = 120.0
"""A child that says nothing for so long hangs, and the drill fails."""
PRELOADED = ["engine.jobs.worker", "engine.replay", "engine.close", "engine.store.closing", "api.app", "uvicorn"]


class Hung(AssertionError):
    """A child neither spoke nor ended."""


@dataclass(frozen=True)
class Outcome:
    """What was found after the kills of one kind; `problems` must be empty. `facts`: what was done, by name."""

    kind: str
    kills: int
    seconds: float
    facts: dict[str, int]
    problems: tuple[str, ...]

    def line(self) -> str:
        """The outcome for a person."""
        told = ", ".join(f"{count} {name}" for name, count in self.facts.items())
        return f"{self.kind}: {self.kills} kills in {self.seconds:.0f} s: {told}; {len(self.problems)} problems"


class Child:
    """One process at work. When the `with` block is left it is gone, whatever happened."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self.pipe, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=work, args=(theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.pipe.close()

    def ready(self) -> None:
        """Wait until it says that it begins."""
        if not self.pipe.poll(PATIENCE_S) or self.pipe.recv_bytes() != READY:
            raise Hung("the child never became ready")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; one that has ended is left alone."""
        if self.process.is_alive() and self.process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.process.join(PATIENCE_S)
        if self.process.is_alive():
            raise Hung("the child did not die")

    def told(self) -> list[bytes]:
        """Everything it still says, to its end."""
        said: list[bytes] = []
        while True:
            if not self.pipe.poll(PATIENCE_S):
                raise Hung("the child neither speaks nor ends")
            try:
                said.append(self.pipe.recv_bytes())
            except (EOFError, OSError):
                return said


def killed_after(seconds: float, work: Callable[..., None], *arguments: Any) -> list[bytes]:
    """Start, wait until ready, kill after `seconds`; what was said after `ready`. Work that ends earlier is done."""
    with Child(work, *arguments) as child:
        child.ready()
        time.sleep(seconds)
        child.kill()
        return child.told()


def unharmed(work: Callable[..., None], *arguments: Any) -> tuple[float, list[bytes]]:
    """Let it come to its end: (seconds from ready to the end, what it said)."""
    with Child(work, *arguments) as child:
        child.ready()
        started = time.monotonic()
        said = child.told()
        return time.monotonic() - started, said


def waited_for(what: Callable[[], bool]) -> bool:
    """Look until it is so; False if it is not for a long time."""
    until = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def content_of(folder: Path) -> dict[str, str]:
    """Digests of all files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}
