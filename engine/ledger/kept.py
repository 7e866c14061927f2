"""What a shelf keeps so that its runs can be computed again 「留存的规则与病例」: packs and policies by fingerprint,
case files by digest, each once, as exact copies.

    .kept/packs/<fingerprint>/kept.json + files      .kept/policies/<fingerprint>/…      .kept/cases/<sha256>

In: folders a run was made from. Out: the digest of each `kept.json`, which the manifest records. A copy that does not
read back to the fingerprint the run used is refused: the source was changed while the run was on. Where the file system
can tell that nothing was, the bytes are read back alone. It reads no rules.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from engine.errors import RunError
from engine.ledger.files import KEPT, copy_synced, remove_if_empty, sync, sync_tree
from engine.ledger.manifest import FileDigest, Manifest, digest_file
from engine.stamps import Stamps, stamps_of

INDEX = "kept.json"
PACKS, POLICIES, CASES = "packs", "policies", "cases"
SUFFIXES = {PACKS: (".toml", ".json", ".csv", ".parquet"), POLICIES: (".yaml", ".yml", ".csv")}


@dataclass(frozen=True)
class Keep:
    """One folder of rules a run used. `reread` loads a copy and returns its fingerprint; `stamps` are those of the
    folder before the run read it."""

    kind: str
    fingerprint: str
    folder: Path
    reread: Callable[[Path], str]
    stamps: Stamps | None = None


def ready_rules(shelf: Path, wanted: Sequence[Keep], ready: Path) -> None:
    """Copy what is not kept yet into a folder of the run's own on the same disk, from where it is only moved. It needs
    no lock, so it can be done while the run is still at work. Editions may share a pack, which is copied once."""
    for item in {(item.kind, item.fingerprint): item for item in wanted}.values():
        if not rules_place(shelf, item.kind, item.fingerprint).exists():
            _copy_rules(item, ready / item.kind / item.fingerprint)


def keep_rules(shelf: Path, wanted: Sequence[Keep], made: list[Path], ready: Path) -> dict[str, str]:
    """Digest of `kept.json` by fingerprint, moving or copying what is not kept yet. What is new is noted in `made`. The
    caller holds the shelf's lock."""
    found = {}
    for item in wanted:
        place = rules_place(shelf, item.kind, item.fingerprint)
        if place.exists():
            if problems := changes_of(place):
                raise RunError(f"{place / problems[0][0]}: the kept copy is damaged. {problems[0][1]}. Restore it.")
        else:
            made.append(place)
            if not (copied := ready / item.kind / item.fingerprint).is_dir():
                _copy_rules(item, copied)
            place.parent.mkdir(parents=True, exist_ok=True)
            copied.rename(place)
            sync(place.parent)
        found[item.fingerprint] = index_digest(place)
    return found


def keep_cases(shelf: Path, inputs: Sequence[FileDigest], made: list[Path]) -> None:
    """Copy case files under their digest. Inputs without a path are runs of this shelf and stay where they are."""
    for item in inputs:
        if item.path is None:
            continue
        place = shelf / KEPT / CASES / item.sha256
        if place.exists():
            continue
        made.append(place)
        fresh = place.with_name(f".{place.name}.new")
        copy_synced(Path(item.path), fresh)
        if digest_file(fresh).sha256 != item.sha256:
            fresh.unlink()
            raise RunError(f"{item.path}: the file was changed while the run was on. Run the command again.")
        fresh.replace(place)
        sync(place.parent)


def _copy_rules(item: Keep, place: Path) -> None:
    """A whole copy, proved and on disk, or nothing."""
    fresh = place.with_name(f".{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    files, whole = [], True
    for source in sorted(item.folder.rglob("*")):
        name = source.relative_to(item.folder)
        if not source.is_file() or source.suffix.lower() not in SUFFIXES[item.kind]:
            continue
        if any(part.startswith((".", "_")) for part in name.parts) or name.as_posix() == INDEX:
            whole = False
            continue
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, fresh / name)
        files.append(asdict(digest_file(fresh / name, name.as_posix())))
        whole = whole and files[-1]["sha256"] == digest_file(source).sha256
    as_read = whole and item.stamps is not None and item.stamps == stamps_of(item.folder)
    if not as_read and item.reread(fresh) != item.fingerprint:
        shutil.rmtree(fresh, ignore_errors=True)
        raise RunError(f"{item.folder}: the rules were changed while the run was on. Run the command again.")
    facts = {"kind": item.kind, "fingerprint": item.fingerprint, "files": files}
    (fresh / INDEX).write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sync_tree(fresh)
    fresh.rename(place)


def undo(shelf: Path, made: Sequence[Path]) -> None:
    """Remove what a failed run had kept, half or whole."""
    for place in made:
        for path in (place, place.with_name(f".{place.name}.new")):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        remove_if_empty([place.parent, shelf / KEPT])


def clear_half_kept(shelf: Path) -> None:
    """Remove half copies of killed runs. The caller holds the shelf's lock, so nobody is writing one."""
    for path in (shelf / KEPT).glob("*/.*.new"):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def rules_place(shelf: Path, kind: str, fingerprint: str) -> Path:
    """Where a pack or policy is kept."""
    return shelf / KEPT / kind / fingerprint


def index_digest(place: Path) -> str:
    """SHA-256 of `kept.json`, which holds the digests of all files beside it."""
    return "sha256:" + hashlib.sha256((place / INDEX).read_bytes()).hexdigest()


def changes_of(place: Path) -> list[tuple[str, str]]:
    """(file, problem) for everything in a kept folder that is not as its `kept.json` says."""
    try:
        facts = orjson.loads((place / INDEX).read_bytes())
        expected = {item["name"]: item["sha256"] for item in facts["files"]}
    except (OSError, orjson.JSONDecodeError, TypeError, KeyError):
        return [(INDEX, "missing, or changed after it was written")]
    present = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()} - {INDEX}
    found = [(name, "not in kept.json; added later") for name in sorted(present - set(expected))]
    for name, sha256 in expected.items():
        if name not in present:
            found.append((name, "missing"))
        elif digest_file(place / name).sha256 != sha256:
            found.append((name, "changed after it was kept (SHA-256 differs)"))
    return found


def changes_for(shelf: Path, manifest: Manifest, seen: dict[Path, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    """(file, problem) for the kept rules a run was made with; `seen` holds folders already read and what was told."""
    found: list[tuple[str, str]] = []
    for kind, entries in ((PACKS, manifest.packs), (POLICIES, manifest.policies)):
        for entry in entries:
            place = rules_place(shelf, kind, entry["fingerprint"])
            if "kept" not in entry or place in seen:
                continue
            seen[place] = _changes_against(place, entry["kept"])
            found += [(f"{place.relative_to(shelf).as_posix()}/{name}", problem) for name, problem in seen[place]]
    return found


def _changes_against(place: Path, sealed: str) -> list[tuple[str, str]]:
    if not (place / INDEX).is_file():
        return [(INDEX, "missing; without it the run cannot be computed again")]
    if index_digest(place) != sealed:
        return [(INDEX, "changed after the run was sealed (SHA-256 differs)")]
    return changes_of(place)


def case_changes(shelf: Path) -> list[tuple[str, str]]:
    """(file, problem) for kept case files whose content is not what their name says."""
    folder = shelf / KEPT / CASES
    files = sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    problem = "changed after it was kept (SHA-256 differs from its name)"
    return [(f"{KEPT}/{CASES}/{p.name}", problem) for p in files if digest_file(p).sha256 != p.name]
