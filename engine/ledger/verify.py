"""Is a run what it was when it was sealed? 「核验」

In: a run folder or a shelf. Out: findings, one line each; no finding means every byte is as sealed.
It recomputes digests; it never recomputes results (that is replay) and never mends anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from engine.errors import RunError
from engine.ledger.manifest import MANIFEST_NAME, Manifest, digest_file, parse_manifest
from engine.ledger.store import is_ours, runs_on


@dataclass(frozen=True)
class Finding:
    """One way in which a run differs from its manifest."""

    run_id: str
    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.run_id}: {self.file}: {self.problem}"


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
            findings.append(Finding(manifest.run_id, name, "changed after the run was sealed (SHA-256 differs)"))
            findings += [Finding(manifest.run_id, f"{name}:{line}", why) for line, why in _bad_lines(folder / name)]
    if manifest.run_id != folder.name:
        findings.append(Finding(manifest.run_id, MANIFEST_NAME, f"the folder was renamed to {folder.name}"))
    return findings


def _bad_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Which lines of a file of booked lines are not what their own hash says; other files have no such lines."""
    if path.suffix != ".jsonl":
        return
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            row = orjson.loads(line)
            facts = {name: value for name, value in row.items() if name != "hash"}
            same = hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest() == row["hash"]
        except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
            same = False
        if not same:
            yield number, "this line was changed"


def verify_shelf(shelf: Path) -> tuple[int, list[Finding]]:
    """Verify every run on a shelf and the chain of each area. Returns (runs seen, findings)."""
    findings: list[Finding] = []
    sound: list[tuple[Path, Manifest]] = []
    manifests = (path for path in shelf.glob(f"*/{MANIFEST_NAME}") if not path.parent.name.startswith("."))
    folders = sorted(path.parent for path in manifests if is_ours(path))
    for folder in folders:
        findings += verify_run(folder)
    try:
        sound = runs_on(shelf)
    except RunError:
        return len(folders), findings
    last: dict[str, Manifest] = {}
    for _, manifest in sound:
        before = last.get(manifest.area)
        expected = (before.seal, before.sequence + 1) if before else (None, 1)
        if (manifest.previous, manifest.sequence) != expected:
            problem = (
                f"the chain of area {manifest.area} is broken before this run: a run was removed, added or replaced"
            )
            findings.append(Finding(manifest.run_id, MANIFEST_NAME, problem))
        last[manifest.area] = manifest
    return len(folders), findings
