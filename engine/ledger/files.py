"""Files that survive a power cut 「落盘」: synced, renamed in one step, and one writer at a time on a shelf.

In: paths. Out: nothing but bytes on disk. It knows no run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import RunError

KEPT = ".kept"
"""Folder on a shelf that holds what its runs need to be computed again."""


def make_folder(folder: Path) -> list[Path]:
    """Make a folder; returns the folders that were not there before, innermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"{folder}: cannot make this folder ({error.strerror}). Choose a place you may write to."
        raise RunError(text) from None
    return missing


def remove_if_empty(folders: list[Path]) -> None:
    """A run that failed leaves no empty folders behind either."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One writer at a time. The lock is on the folder itself, so no file stays behind, and it dies with its process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def hold(folder: Path) -> int:
    """Mark a folder as somebody's work until the process ends or closes the descriptor."""
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def is_held(folder: Path) -> bool:
    """Whether a living process holds a folder, in whatever container it runs."""
    try:
        descriptor = hold(folder)
    except BlockingIOError:
        return True
    os.close(descriptor)
    return False


def copy_synced(source: Path, target: Path) -> None:
    """Copy a file's bytes and sync them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    sync(target)


def sync_tree(folder: Path) -> None:
    """Sync every file, then every folder."""
    for path in folder.rglob("*"):
        if not path.is_dir():
            sync(path)
    sync_folders(folder)


def sync_folders(folder: Path) -> None:
    """Sync a folder and those in it, innermost first: the names of files that are synced already."""
    for path in [*sorted((each for each in folder.rglob("*") if each.is_dir()), reverse=True), folder]:
        sync(path)


def sync(path: Path) -> None:
    """Wait until a file or folder is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
