"""Runs on disk 「运行台账」: one folder a run, written whole or not at all, never modified.

In: a shelf (the folder runs stand in) and what a run wants to write. Out: a folder with its sealed manifest.
A run is written to a hidden partial folder, every file is synced, the manifest comes last, then one rename makes it
visible. A failed run leaves nothing; a killed one leaves only a hidden folder, which the next run clears.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import RunError
from engine.ledger.manifest import MANIFEST_NAME, FileDigest, Manifest, digest_file, parse_manifest

_PARTIAL = re.compile(r"^\.(?P<name>.+)\.partial-(?P<pid>\d+)$")


@dataclass
class RunDraft:
    """A run being written: fill `folder`, note the facts, leave the `with` block."""

    folder: Path
    run_id: str
    kind: str
    area: str
    period: str
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: list[FileDigest] = field(default_factory=list)
    packs: list[dict[str, Any]] = field(default_factory=list)
    policies: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    totals: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, Any] = field(default_factory=dict)
    placeholders_used: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    supersedes: str | None = None


def runs_on(shelf: Path) -> list[tuple[Path, Manifest]]:
    """Every finished run on a shelf, oldest first within its area. Raises RunError where a manifest is damaged."""
    if not shelf.is_dir():
        return []
    found = [
        (manifest.parent, parse_manifest(manifest))
        for manifest in shelf.glob(f"*/{MANIFEST_NAME}")
        if not manifest.parent.name.startswith(".") and is_ours(manifest)
    ]
    return sorted(found, key=lambda item: (item[1].area, item[1].sequence, item[1].run_id))


def is_ours(manifest: Path) -> bool:
    """Whether a file of this name is a manifest of a run, damaged or not; other programs use the name as well."""
    raw = manifest.read_bytes()
    return b'"run_id"' in raw or b'"seal"' in raw


def next_run_id(shelf: Path, period: str, area: str, kind: str) -> str:
    """`2025-03-370000-presettle-01`: period, area, kind, and the next number on the shelf."""
    stem = f"{period}-{area}-{kind}-"
    taken = [
        int(folder.name.removeprefix(stem))
        for folder in (shelf.iterdir() if shelf.is_dir() else ())
        if folder.name.startswith(stem) and folder.name.removeprefix(stem).isdigit()
    ]
    return f"{stem}{max(taken, default=0) + 1:02d}"


@contextmanager
def new_run(
    target: Path,
    *,
    kind: str,
    area: str,
    period: str,
    engine: dict[str, str],
    parameters: dict[str, Any],
    supersedes: str | None = None,
) -> Iterator[RunDraft]:
    """Write a run folder at `target`. Nothing is visible there until the block ends without an error.

    Raises RunError if the folder exists: a run is never modified, a correction is another run.
    """
    if _is_taken(target):
        raise RunError(
            f"{target}: there is a run or file here already, and a run is never overwritten. Name another --out."
        )
    shelf = target.parent
    made = _make_shelf(shelf)
    _clear_abandoned(shelf)
    partial = shelf / f".{target.name}.partial-{os.getpid()}"
    partial.mkdir()
    draft = RunDraft(partial, target.name, kind, area, period, dict(parameters), supersedes=supersedes)
    try:
        yield draft
        with _locked(shelf):
            _commit(draft, target, engine)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        _remove_if_empty(made)


def _commit(draft: RunDraft, target: Path, engine: dict[str, str]) -> None:
    """Seal and publish: digests, manifest, sync, rename. The caller holds the shelf's lock."""
    chain = [manifest for _, manifest in runs_on(target.parent) if manifest.area == draft.area]
    outputs = [
        digest_file(
            path, path.relative_to(draft.folder).as_posix(), draft.rows.get(path.relative_to(draft.folder).as_posix())
        )
        for path in sorted(draft.folder.rglob("*"))
        if path.is_file()
    ]
    manifest = Manifest(
        run_id=draft.run_id,
        kind=draft.kind,
        area=draft.area,
        period=draft.period,
        sequence=chain[-1].sequence + 1 if chain else 1,
        previous=chain[-1].seal if chain else None,
        supersedes=draft.supersedes,
        engine=engine,
        parameters=draft.parameters,
        inputs=draft.inputs,
        packs=draft.packs,
        policies=draft.policies,
        counts=draft.counts,
        totals=draft.totals,
        checks=draft.checks,
        placeholders_used=draft.placeholders_used,
        outputs=outputs,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    (draft.folder / MANIFEST_NAME).write_bytes(manifest.sealed_bytes())
    _sync_tree(draft.folder)
    if _is_taken(target):
        raise RunError(f"{target}: another run took this name meanwhile. Run the command again.")
    draft.folder.rename(target)
    _sync(target.parent)


def _is_taken(target: Path) -> bool:
    """An empty folder made beforehand is no run; the rename puts the run in its place."""
    return target.exists() and not (target.is_dir() and not any(target.iterdir()))


def write_file_atomically(target: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a hidden file beside `target`, sync it and rename it: readers see all of it or nothing."""
    made = _make_shelf(target.parent)
    partial = target.parent / f".{target.name}.partial-{os.getpid()}"
    try:
        write(partial)
        _sync(partial)
        partial.replace(target)
        _sync(target.parent)
    finally:
        partial.unlink(missing_ok=True)
        _remove_if_empty(made)


def _make_shelf(shelf: Path) -> list[Path]:
    """Make the folder runs stand in; returns the folders that were not there before, innermost first."""
    missing = [folder for folder in (shelf, *shelf.parents) if not folder.exists()]
    try:
        shelf.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"{shelf}: cannot make this folder ({error.strerror}). Choose a place you may write to."
        raise RunError(text) from None
    return missing


def _remove_if_empty(folders: list[Path]) -> None:
    """A run that failed leaves no empty folders behind either."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _clear_abandoned(shelf: Path) -> None:
    """Remove what killed runs left behind. A partial folder of a living process is somebody's work."""
    for path in shelf.iterdir():
        match = _PARTIAL.match(path.name)
        if match and not _alive(int(match["pid"])):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != os.getpid()


@contextmanager
def _locked(shelf: Path) -> Iterator[None]:
    """One writer at a time decides what `previous` is. The lock is on the folder itself, so no file stays behind."""
    descriptor = os.open(shelf, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
