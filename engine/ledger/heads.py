"""The last link of every chain 「链首」, kept beside the runs: without it, taking away the newest run would leave a
shorter chain that looks sound.

In: a shelf and the run just published. Out: one small file an area. It is written after the run is visible, so a killed
process may leave it one link behind, never ahead.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import orjson

from engine.errors import RunError
from engine.ledger.files import KEPT, sync
from engine.ledger.manifest import Manifest


@dataclass(frozen=True)
class Head:
    """The newest run of an area when it was published."""

    area: str
    sequence: int
    run_id: str
    seal: str


def read_head(shelf: Path, area: str) -> Head | None:
    """The recorded end of an area's chain; None if nothing was recorded here. Raises RunError if it was damaged."""
    path = _path(shelf, area)
    if not path.is_file():
        return None
    raw = path.read_bytes()
    try:
        facts = orjson.loads(raw)
        facts.pop("check")
        head = Head(**facts)
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        head = None
    if head is None or _rendered(head) != raw or head.area != area:
        raise RunError(f"{path}, line 1: this record of the chain's end was changed. Restore it from a copy.")
    return head


def heads_on(shelf: Path) -> list[str]:
    """Areas whose chains have a recorded end."""
    folder = shelf / KEPT / "heads"
    found = folder.glob("*.json") if folder.is_dir() else ()
    return sorted({_area_of(path) for path in found})


def write_head(shelf: Path, manifest: Manifest) -> None:
    """Record a published run as the end of its chain."""
    path = _path(shelf, manifest.area)
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(_rendered(Head(manifest.area, manifest.sequence, manifest.run_id, manifest.seal)))
        sync(fresh)
        fresh.replace(path)
        sync(path.parent)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _path(shelf: Path, area: str) -> Path:
    return shelf / KEPT / "heads" / f"{quote(area, safe='')}.json"


def _area_of(path: Path) -> str:
    return unquote(path.stem)


def _rendered(head: Head) -> bytes:
    """With a digest of its own, so that a damaged record is not taken for a missing run."""
    facts = asdict(head)
    check = hashlib.sha256(orjson.dumps(facts)).hexdigest()
    return orjson.dumps({**facts, "check": check}, option=orjson.OPT_APPEND_NEWLINE)
