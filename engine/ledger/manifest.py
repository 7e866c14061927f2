"""The manifest of a run 「运行清单」: what went in, which rules applied, what came out, and the run before it.

In: facts of a finished run. Out: canonical JSON bytes, always the same for the same facts.
`seal` is the SHA-256 of those bytes without the seal; `previous` is the seal of the run before in the same area,
so a changed byte anywhere breaks either a file digest, a seal or the chain. It never holds a value of a patient.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from engine.errors import RunError

MANIFEST_NAME = "manifest.json"
FORMAT = 1
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileDigest:
    """One file of a run or one input: name, bytes, SHA-256, and rows where it is a table."""

    name: str
    bytes: int
    sha256: str
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """All facts of one run. Mappings are plain JSON values so that the file can be read without this program."""

    run_id: str
    kind: str
    area: str
    period: str
    sequence: int
    previous: str | None
    supersedes: str | None
    engine: dict[str, str]
    parameters: dict[str, Any]
    inputs: list[FileDigest]
    packs: list[dict[str, Any]]
    policies: list[dict[str, Any]]
    counts: dict[str, int]
    totals: dict[str, Any]
    checks: dict[str, Any]
    placeholders_used: list[str]
    outputs: list[FileDigest]
    written_at: str
    format: int = FORMAT
    seal: str = field(default="")

    def sealed_bytes(self) -> bytes:
        """Canonical JSON with the seal filled in."""
        facts = asdict(self)
        facts["seal"] = "sha256:" + hashlib.sha256(_canonical({**facts, "seal": ""})).hexdigest()
        return _canonical(facts)


def _canonical(facts: dict[str, Any]) -> bytes:
    return orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def digest_file(path: Path, name: str | None = None, rows: int | None = None) -> FileDigest:
    """SHA-256 of a file, read in pieces."""
    sha = hashlib.sha256()
    size = 0
    with path.open("rb") as stream:
        while block := stream.read(_CHUNK):
            sha.update(block)
            size += len(block)
    return FileDigest(name or path.name, size, sha.hexdigest(), rows)


def parse_manifest(path: Path) -> Manifest:
    """Read one manifest. Raises RunError for text that is not a manifest of this format or was altered."""
    try:
        raw = path.read_bytes()
        facts = orjson.loads(raw)
        files = {key: [FileDigest(**item) for item in facts[key]] for key in ("inputs", "outputs")}
        manifest = Manifest(**{**facts, **files})
    except FileNotFoundError:
        raise RunError(f"{path}: there is no manifest here. A run folder always holds {MANIFEST_NAME}.") from None
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise RunError(
            f"{path}: this is not a manifest this version can read ({error}). Restore the folder from a copy."
        ) from None
    if manifest.sealed_bytes() != raw:
        raise RunError(f"{path}: the manifest was changed after it was sealed. Restore the folder from a copy.")
    return manifest
