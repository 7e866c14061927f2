"""Whether a folder of rules, or a file, is still as it was read 「规则目录未变」, told without reading it again.

In: a path. Out: `Stamps` or a `Stamp` to compare with those of another moment; equal ones mean that no file in between
was written, added or taken away. None where that cannot be told. It reads no file.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TypeAlias

Stamp: TypeAlias = tuple[int, ...]
Stamps: TypeAlias = frozenset[tuple[str, Stamp]]
_SETTLED_NS = 2 * 10**9
"""A file written to just now may be written to again under the same time."""


def stamps_of(folder: Path) -> Stamps | None:
    """What the file system says of everything in the folder. None: something was changed just now, or is neither a
    file nor a folder of its own, so that it could change elsewhere."""
    found, now = [], time.time_ns()
    try:
        for path in (folder.resolve(), *folder.rglob("*")):
            stamp = _stamp(path.lstat(), now)
            if stamp is None:
                return None
            found.append((str(path), stamp))
    except OSError:
        return None
    return frozenset(found)


def stamp_of(path: Path) -> Stamp | None:
    """What the file system says of the one file a path leads to. None: as for a folder."""
    try:
        return _stamp(path.stat(), time.time_ns())
    except OSError:
        return None


def _stamp(stat: os.stat_result, now: int) -> Stamp | None:
    if not (S_ISREG(stat.st_mode) or S_ISDIR(stat.st_mode)) or now - stat.st_ctime_ns < _SETTLED_NS:
        return None
    return stat.st_dev, stat.st_ino, stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
