"""Is a run what it was when it was sealed? 「核验」

In: a run folder or a shelf. Out: findings, one line each; no finding means every byte is as sealed: run folders, their
manifests, the rules and case files kept for them, and the chain of each area up to its newest run.
It recomputes digests; it never recomputes results (that is replay) and never mends anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from engine.errors import RunError
from engine.ledger.booked_lines import BOOKED_LINES, changed_booked_lines
from engine.ledger.closing import REOPEN
from engine.ledger.files import KEPT
from engine.ledger.heads import Head, heads_on, read_head
from engine.ledger.kept import PACKS, POLICIES, case_changes, changes_for, changes_of
from engine.ledger.manifest import MANIFEST_NAME, Manifest, digest_file, parse_manifest
from engine.ledger.row_digests import LINES, changed_rows
from engine.ledger.store import NO_AREA, is_ours


@dataclass(frozen=True)
class Finding:
    """One way in which a run differs from its manifest. `at`: the line or row, where it can be told."""

    run_id: str
    file: str
    problem: str
    at: str = ""

    def __str__(self) -> str:
        return f"{self.run_id}: {self.file}{', ' if self.at else ''}{self.at}: {self.problem}"


def verify_run(folder: Path) -> list[Finding]:
    """Compare every file of one run with its sealed digest; report missing, changed and added files."""
    try:
        manifest = parse_manifest(folder / MANIFEST_NAME)
    except RunError as error:
        return [Finding(folder.name, MANIFEST_NAME, str(error))]
    expected = {item.name: item for item in manifest.outputs}
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST_NAME}
    findings = [
        Finding(manifest.run_id, name, "not in the manifest; added later") for name in sorted(present - set(expected))
    ]
    for name, item in sorted(expected.items()):
        if name not in present:
            findings.append(Finding(manifest.run_id, name, "missing"))
        elif digest_file(folder / name).sha256 != item.sha256:
            at = changed_rows(folder) if name == LINES else ""
            at = changed_booked_lines(folder / name) if name == BOOKED_LINES else at
            findings.append(Finding(manifest.run_id, name, "changed after the run was sealed (SHA-256 differs)", at))
    if manifest.run_id != folder.name:
        findings.append(Finding(manifest.run_id, MANIFEST_NAME, f"the folder was renamed to {folder.name}"))
    return findings


def verify_rules(folder: Path) -> list[Finding]:
    """The rules kept for one run: are they there, and as they were?"""
    manifest = parse_manifest(folder / MANIFEST_NAME)
    return [Finding(manifest.run_id, *change) for change in changes_for(folder.parent, manifest, {})]


def verify_shelf(shelf: Path) -> tuple[int, list[Finding]]:
    """Verify every run on a shelf, what it keeps, and the chain of each area. Returns (runs seen, findings)."""
    findings: list[Finding] = []
    sound: list[Manifest] = []
    manifests = (path for path in shelf.glob(f"*/{MANIFEST_NAME}") if not path.parent.name.startswith("."))
    folders = sorted(path.parent for path in manifests if is_ours(path))
    seen: dict[Path, list[tuple[str, str]]] = {}
    for folder in folders:
        findings += verify_run(folder)
        try:
            manifest = parse_manifest(folder / MANIFEST_NAME)
        except RunError:
            continue
        sound.append(manifest)
        findings += [Finding(manifest.run_id, *change) for change in changes_for(shelf, manifest, seen)]
    findings += _kept_for_nobody(shelf, set(seen))
    findings += [Finding(KEPT, *change) for change in case_changes(shelf)]
    if len(sound) == len(folders):
        findings += _chains(shelf, sound)
    return len(folders), findings


def _kept_for_nobody(shelf: Path, seen: set[Path]) -> list[Finding]:
    """Rules no sound manifest speaks of (a killed run may leave them) are held against their own digests."""
    found = []
    for kind in (PACKS, POLICIES):
        folder = shelf / KEPT / kind
        for place in sorted(folder.iterdir()) if folder.is_dir() else ():
            if place.is_dir() and not place.name.startswith(".") and place not in seen:
                shown = place.relative_to(shelf).as_posix()
                found += [Finding(KEPT, f"{shown}/{name}", problem) for name, problem in changes_of(place)]
    return found


def _chains(shelf: Path, sound: Sequence[Manifest]) -> list[Finding]:
    """Every link of every area, and that the newest run is still the newest."""
    findings: list[Finding] = []
    ordered = sorted(sound, key=lambda manifest: (manifest.area, manifest.sequence, manifest.run_id))
    ends: dict[str, Manifest] = {}
    for area, chain in groupby(ordered, key=lambda manifest: manifest.area):
        before: Manifest | None = None
        for manifest in chain:
            expected = (before.seal, before.sequence + 1) if before else (None, 1)
            if (manifest.previous, manifest.sequence) != expected:
                problem = f"the chain of area {area} is broken before this run: a run was removed, added or replaced"
                findings.append(Finding(manifest.run_id, MANIFEST_NAME, problem))
            before = ends[area] = manifest
    for area in sorted({*ends, *heads_on(shelf)} - {NO_AREA}):
        findings += _end(shelf, area, [manifest for manifest in ordered if manifest.area == area])
    return findings


def _end(shelf: Path, area: str, chain: Sequence[Manifest]) -> list[Finding]:
    """Is the recorded end of the chain the end that stands there? A killed run may leave the record one link behind."""
    try:
        head = read_head(shelf, area)
    except RunError as error:
        return [Finding(KEPT, f"heads/{area}.json", str(error))]
    # A reopened period is two links in one step.
    behind = 2 if len(chain) > 1 and chain[-2].kind == REOPEN else 1
    if head is None:
        if len(chain) <= behind or chain[-1].format < 2:
            return []
        problem = f"the record of the end of area {area}'s chain is missing: newer runs may have been removed"
        return [Finding(KEPT, f"heads/{area}.json", problem)]
    agrees = any(manifest.seal == head.seal for manifest in chain[-behind - 1 :])
    return [] if agrees else [_cut(head, chain)]


def _cut(head: Head, chain: Sequence[Manifest]) -> Finding:
    if not chain or chain[-1].sequence < head.sequence:
        problem = f"removed: it was the newest run of area {head.area} and is not on the shelf"
        return Finding(head.run_id, MANIFEST_NAME, problem)
    problem = f"the chain of area {head.area} was recorded to end with {head.run_id}; runs were added or replaced since"
    return Finding(chain[-1].run_id, MANIFEST_NAME, problem)
