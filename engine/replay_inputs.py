"""What a run was fed, found again by digest 「病例文件的找回」.

In: a manifest, its shelf, files or folders the user names. Out: the very files under their recorded names, laid out in
a temporary folder; the monthly runs a clearing took, as links. A file is known by its SHA-256, never by its name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.cases.files import find_files
from engine.errors import RunError
from engine.ledger.files import KEPT
from engine.ledger.kept import CASES
from engine.ledger.manifest import FileDigest, Manifest, digest_file


def lay_out_cases(shelf: Path, manifest: Manifest, given: Sequence[str | Path], place: Path) -> list[Path]:
    """The case files in their order: those named now, else those kept on the shelf, else where they were read."""
    wanted = [item for item in manifest.inputs if item.path is not None]
    named = find_files(given) if given else []
    found = {item.sha256: _find(shelf, item, named) for item in wanted}
    missing = [item for item in wanted if found[item.sha256] is None]
    if missing:
        listed = "\n".join(_told(item) for item in missing)
        raise RunError(
            f"{manifest.run_id}: {len(missing)} of {len(wanted)} case files are not there as they were. Name them or "
            f"their folder with --cases; runs made with --keep-inputs bring them along. Missing:\n{listed}"
        )
    # Two inputs of one content, or of one name in two folders, are told apart by where they really lie.
    apart = len(found) < len(wanted) or any("/" in item.name for item in wanted)
    files = []
    for item in wanted:
        source, target = found[item.sha256], place / item.name
        assert source is not None
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target) if apart else target.symlink_to(source.resolve())
        files.append(target)
    return files


def _told(item: FileDigest) -> str:
    changed = " (another file stands there now)" if item.path is not None and Path(item.path).is_file() else ""
    return f"  {item.name}  sha256 {item.sha256}, {item.bytes} bytes, was {item.path}{changed}"


def _find(shelf: Path, item: FileDigest, named: Sequence[Path]) -> Path | None:
    return next((path for path in _candidates(shelf, item, named) if _is(path, item)), None)


def _candidates(shelf: Path, item: FileDigest, named: Sequence[Path]) -> Iterator[Path]:
    yield from sorted(named, key=lambda path: path.name != Path(item.name).name)
    yield shelf / KEPT / CASES / item.sha256
    if item.path is not None:
        yield Path(item.path)


def _is(path: Path, item: FileDigest) -> bool:
    return path.is_file() and path.stat().st_size == item.bytes and digest_file(path).sha256 == item.sha256


def link_months(shelf: Path, manifest: Manifest, place: Path) -> None:
    """The monthly runs a clearing took, and no others, on the temporary shelf."""
    place.mkdir(parents=True)
    for item in manifest.inputs:
        if item.path is not None:
            continue
        run_id, _, name = item.name.partition("/")
        if not (shelf / run_id).is_dir() or not _is(shelf / run_id / name, item):
            raise RunError(f"{manifest.run_id} took {run_id}, which is not on {shelf} as it was. Restore it.")
        (place / run_id).symlink_to((shelf / run_id).resolve())
