"""Whose turn it is to write 「写入次序」: writers of one SQLite file, in this process and in others, one by one.

In: the file; out: a context to write in. SQLite itself lets waiting writers poll and sleep, so that a busy process can
keep another out for seconds. Here whoever waits first goes next: he holds `next` until the one before lets `now` go.
It is a courtesy: after a while a writer goes on without, and SQLite still lets only one write.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import IO

try:
    import fcntl
except ImportError:  # a system without file locks: SQLite's own polling remains
    fcntl = None  # type: ignore[assignment]

PATIENCE_S = 5.0
_LOOK_S = 0.0003


class Turn:
    """The turns of one file, or without one of this process alone."""

    def __init__(self, file: Path | None) -> None:
        self._next, self._now = Lock(), Lock()
        self._file = file if fcntl is not None else None
        self._held: tuple[IO[bytes], IO[bytes]] | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """From getting the turn to letting it go."""
        with self._next:
            self._now.acquire()
        try:
            files = self._files()
            if files is None:
                yield
                return
            until = time.monotonic() + PATIENCE_S
            with _locked(files[1]) as now:
                with _locked(files[0]) as next_one:
                    next_one(until)
                    now(until)
                yield
        finally:
            self._now.release()

    def close(self) -> None:
        """Close the files; their locks go with them."""
        for each in self._held or ():
            each.close()
        self._held = None

    def _files(self) -> tuple[IO[bytes], IO[bytes]] | None:
        if self._held is None and self._file is not None:
            try:
                self._held = _opened(self._file, "next"), _opened(self._file, "now")
            except OSError:
                self._file = None
        return self._held


def _opened(file: Path, name: str) -> IO[bytes]:
    return open(file.with_name(f"{file.name}-{name}"), "ab", opener=_for_us)


def _for_us(path: str, flags: int) -> int:
    """Nobody but owner and group may hold the service up."""
    return os.open(path, flags, 0o660)


@contextmanager
def _locked(file: IO[bytes]) -> Iterator[Callable[[float], None]]:
    """A lock to be asked for until a time, and let go in any case."""

    def ask(until: float) -> None:
        while time.monotonic() < until:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(_LOOK_S)

    try:
        yield ask
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
