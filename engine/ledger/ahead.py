"""Digests of input files taken while a command still loads itself 「提前计算摘要」.

In: files, folders or patterns as the user gave them. Out: the digest of a file when it is asked for: the one taken
ahead if nothing was written to the file since before that began, else one taken now. It reports no fault: a file that
cannot be found or read is told about by whoever reads its cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from engine.cases.files import find_files
from engine.errors import CaseFileError
from engine.ledger.manifest import FileDigest, digest_file
from engine.stamps import Stamp, stamp_of

_CHUNK = 1 << 22
"""Large, because after every piece the interpreter's lock is asked for, which loading modules holds for long."""
_Taken: TypeAlias = "tuple[Stamp, FileDigest] | None"


class DigestsAhead:
    """A thread that reads the files one by one, as long as it is needed. Used as a context."""

    def __init__(self, paths: Sequence[str | Path]) -> None:
        files: list[Path] = []
        with suppress(CaseFileError, OSError):
            files = find_files(paths)
        self._pool = ThreadPoolExecutor(1)
        self._taken: dict[Path, Future[_Taken]] = {path: self._pool.submit(_take, path) for path in files}

    def __enter__(self) -> DigestsAhead:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def digest(self, path: Path, name: str) -> FileDigest:
        """The digest of a file as it is now, under a name. Threads may ask at once."""
        future = self._taken.get(path)
        # One that has not begun is taken by who asks: several may ask, and the thread reads one at a time.
        if future is not None and not future.cancel() and (taken := future.result()) is not None:
            stamp, found = taken
            if stamp_of(path) == stamp:
                return replace(found, name=name)
        return digest_file(path, name)


def _take(path: Path) -> _Taken:
    stamp = stamp_of(path)
    try:
        return None if stamp is None else (stamp, digest_file(path, chunk=_CHUNK))
    except OSError:
        return None
