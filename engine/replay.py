"""A sealed run computed again from what it recorded, and every byte compared 「重算核对」.

In: a run folder, the rules its shelf keeps, the case files by digest. Out: which files and rows differ, and whether
program or libraries are others than those recorded. Everything happens in a temporary folder: nothing is written on the
shelf, and the area's own policy and packs of today are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.area import Area, area_of
from engine.editions import Editions, open_edition
from engine.errors import RunError
from engine.ledger.closing import ENTRIES
from engine.ledger.kept import PACKS, POLICIES, changes_for, rules_place
from engine.ledger.manifest import MANIFEST_NAME, Manifest, parse_manifest
from engine.ledger.verify import verify_run
from engine.policy.load import load_policy
from engine.replay_compare import Difference, differences
from engine.replay_inputs import lay_out_cases, link_months
from engine.run import clear, group, presettle
from engine.run_parts import RunOptions
from engine.version import engine_facts, library_facts


@dataclass(frozen=True)
class Replayed:
    """What came of it. `compared`: files compared; `others`: (part, recorded, now) of program and libraries."""

    run_id: str
    compared: int
    differences: tuple[Difference, ...]
    others: tuple[tuple[str, str, str], ...]


def replay(folder: Path, cases: Sequence[str | Path] = (), threads: int = 2) -> Replayed:
    """Compute a run again. Raises RunError where something it needs is missing, saying what and where to put it."""
    folder = folder.resolve()
    manifest = parse_manifest(folder / MANIFEST_NAME)
    if manifest.kind in ENTRIES:
        raise RunError(
            f"{manifest.run_id}: an entry of kind {manifest.kind} computes nothing. `runs verify` checks it."
        )
    if findings := verify_run(folder):
        raise RunError(f"{findings[0]}. A run that is not what was sealed cannot be compared; restore it first.")
    _rules_are_there(folder.parent, manifest)
    with TemporaryDirectory(prefix="dianzhi-replay-") as made:
        place = Path(made)
        files = lay_out_cases(folder.parent, manifest, cases, place / "cases")
        link_months(folder.parent, manifest, place / "runs")
        target = place / "runs" / manifest.run_id
        _compute(folder.parent, manifest, files, _options(manifest, target, threads))
        again = parse_manifest(target / MANIFEST_NAME)
        found = tuple(differences(folder, manifest, target, again))
    return Replayed(manifest.run_id, len(manifest.outputs), found, tuple(_others(manifest)))


def _rules_are_there(shelf: Path, manifest: Manifest) -> None:
    entries = [*manifest.packs, *manifest.policies]
    if not entries or any("kept" not in entry for entry in entries):
        raise RunError(
            f"{manifest.run_id}: the run did not keep its packs and policies; it was made by version "
            f"{manifest.engine.get('version')}, which kept none. It can be verified, not computed again."
        )
    if changes := changes_for(shelf, manifest, {}):
        raise RunError(f"{shelf / changes[0][0]}: {changes[0][1]}. Copy the hidden folder .kept with the runs.")


def _options(manifest: Manifest, target: Path, threads: int) -> RunOptions:
    said = manifest.parameters
    return RunOptions(
        shelf=target.parent,
        out=target,
        profile=said["profile"],
        mapping=said["mapping"],
        threads=threads,
        supersedes=manifest.supersedes,
        case_detail=said["case_detail"],
        months="posted" if said.get("months") == "posted" else "cases",
        allow_empty=said["allow_empty"],
        again=True,
    )


def _compute(shelf: Path, manifest: Manifest, files: Sequence[Path], options: RunOptions) -> None:
    beside = manifest.parameters.get("also")
    own = [entry["fingerprint"] for entry in manifest.packs if entry["fingerprint"] != beside]
    packs = [rules_place(shelf, PACKS, fingerprint) for fingerprint in own]
    if manifest.kind == "group":
        group(files, Editions.of(*packs), options)
        return
    area = _area(shelf, manifest, packs)
    year, _, month = manifest.period.partition("-")
    if manifest.kind == "presettle":
        presettle(files, area, int(year), int(month), options)
    elif manifest.kind == "clear":
        clear(files, area, int(year), options)
    elif manifest.kind == "settle":
        from engine.stream.settle import settle

        settle(files, area, int(year), options, _beside(shelf, manifest))
    else:
        raise RunError(f"{manifest.run_id}: this version knows no run of kind {manifest.kind}.")


def _beside(shelf: Path, manifest: Manifest) -> Path | None:
    """The pack whose groups stood beside the area's own."""
    found = manifest.parameters.get("also")
    return None if found is None else rules_place(shelf, PACKS, found)


def _area(shelf: Path, manifest: Manifest, packs: Sequence[Path]) -> Area:
    """The area as it was: its kept policy, and the kept packs in the order they were used."""
    (entry,) = manifest.policies
    policy = load_policy(rules_place(shelf, POLICIES, entry["fingerprint"]))
    if manifest.parameters["pack_given"]:
        return area_of(policy, packs[0])
    return area_of(policy, opened=[open_edition(pack) for pack in packs])


def _others(manifest: Manifest) -> list[tuple[str, str, str]]:
    now: dict[str, Any] = engine_facts() | library_facts()
    parts = sorted({*manifest.engine, *now})
    pairs = [(part, manifest.engine.get(part, "not recorded"), now.get(part, "none")) for part in parts]
    return [(part, was, here) for part, was, here in pairs if was != here]
