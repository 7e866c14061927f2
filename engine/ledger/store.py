"""Runs on disk 「运行台账」: one folder a run, written whole or not at all, never modified.

In: a shelf (the folder runs stand in) and what a run wants to write. Out: a folder with its sealed manifest.
A run takes its name and a hidden partial folder under the shelf's lock, writes, syncs every file, adds the manifest
last, and one rename makes it visible. A failed run leaves nothing; a killed one leaves only a hidden folder, which the
next run clears.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import RunError
from engine.ledger.closing import REOPEN
from engine.ledger.files import hold, is_held, locked, make_folder, remove_if_empty, sync, sync_folders
from engine.ledger.heads import Head, read_head, write_head
from engine.ledger.kept import PACKS, POLICIES, Keep, clear_half_kept, keep_cases, keep_rules, ready_rules, undo
from engine.ledger.manifest import MANIFEST_NAME, FileDigest, Manifest, digest_file, parse_manifest
from engine.ledger.row_digests import write_row_digests

NO_AREA = "none"
"""Runs that settle nothing hang in no area's chain worth guarding: each stands where it was told to."""
Guard = Callable[[Sequence[Manifest]], None]
"""Says whether a run may join the chain of its area; asked again under the lock."""
_AT_ONCE = 4
"""Files of a run synced and read at once when it is sealed."""
_PARTIAL = re.compile(r"^\.(?P<name>.+)\.partial-(?P<pid>\d+)$")


class BeingWritten(RunError):
    """A living process is writing a run of this name."""


@dataclass
class RunDraft:
    """A run being written: fill `folder`, note the facts, leave the `with` block.

    `target`: where it will stand. `keep`: rules to keep with it; `keep_inputs`: its case files too. `reopen`: why a
    closed period is settled again. `digest_input`: how the digest of a case file is come by.
    """

    folder: Path
    target: Path
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
    keep: list[Keep] = field(default_factory=list)
    keep_inputs: bool = False
    reopen: str | None = None
    digest_input: Callable[[Path, str], FileDigest] = digest_file

    @property
    def run_id(self) -> str:
        return self.target.name

    @property
    def ready(self) -> Path:
        """Copies of rules that are only to be moved to where they are kept."""
        return self.folder / ".ready"

    def copy_rules(self, more: Sequence[Keep] = ()) -> None:
        """Do the slow part of keeping `keep` and `more` now, beside other work."""
        ready_rules(self.target.parent, [*self.keep, *more], self.ready)


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
    """`2025-03-370000-presettle-01`: period, area, kind, and the next number, runs being written counted."""
    stem = f"{period}-{area}-{kind}-"
    taken = [0]
    for folder in shelf.iterdir() if shelf.is_dir() else ():
        partial = _PARTIAL.match(folder.name)
        name = partial["name"] if partial else folder.name
        if name.startswith(stem) and name.removeprefix(stem).isdigit():
            taken.append(int(name.removeprefix(stem)))
    return f"{stem}{max(taken) + 1:02d}"


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
    numbered: bool = False,
    guard: Guard | None = None,
) -> Iterator[RunDraft]:
    """Write a run folder at `target`. Nothing is visible there until the block ends without an error.

    `numbered`: the name is the next free number, so if another process took it meanwhile, the one after is taken.
    Raises RunError if the folder exists: a run is never modified, a correction is another run.
    """
    shelf = target.parent
    made = make_folder(shelf)
    try:
        with locked(shelf):
            _clear_abandoned(shelf)
            if numbered:
                target = shelf / next_run_id(shelf, period, area, kind)
            partial, held = _reserve(target)
    except BaseException:
        remove_if_empty(made)
        raise
    draft = RunDraft(partial, target, kind, area, period, dict(parameters), supersedes=supersedes)
    try:
        yield draft
        with locked(shelf):
            _commit(draft, engine, guard)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(held)
        remove_if_empty(made)


def being_written(target: Path) -> bool:
    """Whether a living process is at work on a run of this name."""
    if not target.parent.is_dir():
        return False
    with locked(target.parent):
        return any(is_held(path) for path in _drafts_of(target))


def _drafts_of(target: Path) -> list[Path]:
    mark = f".{target.name}.partial-"
    return [path for path in target.parent.iterdir() if path.is_dir() and path.name.startswith(mark)]


def _reserve(target: Path) -> tuple[Path, int]:
    """A hidden folder that is this process's work, so that no other takes the name. The caller holds the lock."""
    writing = bool(_drafts_of(target))
    if _is_taken(target) or writing:
        state = "a run being written" if writing else "a run or file"
        text = f"{target}: there is {state} here already, and a run is never overwritten. Name another --out."
        raise BeingWritten(text) if writing else RunError(text)
    partial = target.parent / f".{target.name}.partial-{os.getpid()}"
    partial.mkdir()
    try:
        return partial, hold(partial)
    except BaseException:
        partial.rmdir()
        raise


def _commit(draft: RunDraft, engine: dict[str, str], guard: Guard | None) -> None:
    """Seal and publish: kept rules, digests, manifest, sync, rename. The caller holds the shelf's lock."""
    shelf = draft.target.parent
    chain = chain_of(shelf, draft.area)
    if guard is not None:
        guard(chain)
    made: list[Path] = []
    try:
        _keep(draft, shelf, made)
        last = _last(shelf, draft.area, chain)
        opened = None if draft.reopen is None else _reopening(draft, engine, last)
        write_row_digests(draft.folder)
        manifest = _seal(draft, engine, last if opened is None else opened[1])
        if _is_taken(draft.target):
            raise RunError(f"{draft.target}: another run took this name meanwhile. Run the command again.")
        if opened is not None:
            opened[0].rename(shelf / opened[1].run_id)
        draft.folder.rename(draft.target)
    except BaseException:
        if draft.folder.exists():
            undo(shelf, made)
            raise
    # The run is there now, whatever interrupts what is left to do.
    with suppress(KeyboardInterrupt, OSError):
        sync(shelf)
        if draft.area != NO_AREA:
            write_head(shelf, manifest)


def _keep(draft: RunDraft, shelf: Path, made: list[Path]) -> None:
    """Keep the rules on the shelf, once, and note in the manifest's entries what was kept."""
    for kind, entries in ((PACKS, draft.packs), (POLICIES, draft.policies)):
        kept = keep_rules(shelf, [item for item in draft.keep if item.kind == kind], made, draft.ready)
        for entry in entries:
            if entry.get("fingerprint") in kept:
                entry["kept"] = kept[entry["fingerprint"]]
    shutil.rmtree(draft.ready, ignore_errors=True)
    if draft.keep_inputs:
        keep_cases(shelf, draft.inputs, made)


def _reopening(draft: RunDraft, engine: dict[str, str], last: Head | None) -> tuple[Path, Manifest]:
    """The entry that reopens a closed period, written and sealed, still hidden."""
    shelf = draft.target.parent
    target = shelf / next_run_id(shelf, draft.period, draft.area, REOPEN)
    folder = draft.folder / f".{target.name}"
    folder.mkdir()
    reason = {"reason": draft.reopen, "for": draft.run_id}
    return folder, _seal(RunDraft(folder, target, REOPEN, draft.area, draft.period, reason), engine, last)


def _seal(draft: RunDraft, engine: dict[str, str], last: Head | Manifest | None) -> Manifest:
    """Write the manifest of a filled folder, linked to the run before it, and sync everything."""
    outputs = _outputs(draft)
    manifest = Manifest(
        run_id=draft.run_id,
        kind=draft.kind,
        area=draft.area,
        period=draft.period,
        sequence=last.sequence + 1 if last else 1,
        previous=last.seal if last else None,
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
    ).sealed()
    (draft.folder / MANIFEST_NAME).write_bytes(manifest.as_bytes())
    sync(draft.folder / MANIFEST_NAME)
    sync_folders(draft.folder)
    return manifest


def _outputs(draft: RunDraft) -> list[FileDigest]:
    """Every file of the folder, synced, and the digests of those that are seen. Some wait for the disk while others are
    read."""
    files = [path for path in sorted(draft.folder.rglob("*")) if path.is_file()]

    def settled(path: Path) -> FileDigest | None:
        name = path.relative_to(draft.folder).as_posix()
        sync(path)
        return None if name.startswith(".") else digest_file(path, name, draft.rows.get(name))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [digest for digest in pool.map(settled, files) if digest is not None]


def chain_of(shelf: Path, area: str) -> list[Manifest]:
    """The runs of one area, oldest first."""
    return [manifest for _, manifest in runs_on(shelf) if manifest.area == area]


def _last(shelf: Path, area: str, chain: Sequence[Manifest]) -> Head | None:
    """The link to hang on: the newest run there is, or the newest there was, so that a run taken away leaves a gap."""
    head = read_head(shelf, area)
    if chain and (head is None or head.sequence < chain[-1].sequence):
        newest = chain[-1]
        if area != NO_AREA:
            write_head(shelf, newest)  # a killed run left it one link behind; it must not fall further
        return Head(area, newest.sequence, newest.run_id, newest.seal)
    return head


def _is_taken(target: Path) -> bool:
    """An empty folder made beforehand is no run; the rename puts the run in its place."""
    return target.exists() and not (target.is_dir() and not any(target.iterdir()))


def write_file_atomically(target: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a hidden file beside `target`, sync it and rename it: readers see all of it or nothing."""
    made = make_folder(target.parent)
    partial = target.parent / f".{target.name}.partial-{os.getpid()}"
    try:
        write(partial)
        sync(partial)
        partial.replace(target)
        sync(target.parent)
    finally:
        partial.unlink(missing_ok=True)
        remove_if_empty(made)


def _clear_abandoned(shelf: Path) -> None:
    """Remove what killed runs left behind. A partial folder that a process holds, or a file of a living one, stays."""
    clear_half_kept(shelf)
    for path in shelf.iterdir():
        match = _PARTIAL.match(path.name)
        if match is None:
            continue
        if path.is_dir():
            if not is_held(path):
                shutil.rmtree(path, ignore_errors=True)
        elif not _alive(int(match["pid"])):
            path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != os.getpid()
