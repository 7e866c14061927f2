"""The manifest of a run 「运行清单」: what went in, which rules applied, what came out, and the run before it.

In: facts of a finished run. Out: canonical JSON bytes, always the same for the same facts.
`seal` is the SHA-256 of those bytes without the seal; `previous` is the seal of the run before in the same area,
so a changed byte anywhere breaks either a file digest, a seal or the chain. `line_checks` says on which line a changed
manifest was changed. It never holds a value of a patient.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from engine.errors import RunError
from engine.ledger.line_checks import changed_line, checks_of, seal_of

MANIFEST_NAME = "manifest.json"
FORMAT = 2
_CHUNK = 1 << 17
"""Bytes read at once: as many as stay within the processor's caches until they are counted in."""


@dataclass(frozen=True)
class FileDigest:
    """One file of a run or one input: name, bytes, SHA-256, rows where it is a table, and where an input was found."""

    name: str
    bytes: int
    sha256: str
    rows: int | None = None
    path: str | None = None


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
    line_checks: str = field(default="")
    seal: str = field(default="")

    def sealed(self) -> Manifest:
        """The same facts with checks and seal filled in."""
        facts = self._facts() | {"line_checks": "", "seal": ""}
        facts["line_checks"] = checks_of(_canonical(facts))
        return replace(self, line_checks=facts["line_checks"], seal=seal_of(_canonical(facts)))

    def as_bytes(self) -> bytes:
        """Canonical JSON, as it stands in the file."""
        return _canonical(self._facts())

    def _facts(self) -> dict[str, Any]:
        facts = asdict(self)
        for item in (*facts["inputs"], *facts["outputs"]):
            if item["path"] is None:
                del item["path"]
        return facts


def _canonical(facts: dict[str, Any]) -> bytes:
    return orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def digest_file(path: Path, name: str | None = None, rows: int | None = None, chunk: int = _CHUNK) -> FileDigest:
    """SHA-256 of a file, read in pieces."""
    sha, size, room = hashlib.sha256(), 0, memoryview(bytearray(chunk))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(room):
            sha.update(room[:count])
            size += count
    return FileDigest(name or path.name, size, sha.hexdigest(), rows)


def parse_manifest(path: Path) -> Manifest:
    """Read one manifest. Raises RunError for text that is not a manifest of this format or was altered."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"{path}: there is no manifest here. A run folder always holds {MANIFEST_NAME}.") from None
    try:
        facts = orjson.loads(raw)
        whole = _canonical(facts) == raw and seal_of(_canonical({**facts, "seal": ""})) == facts["seal"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        whole = False
    if not whole:
        text = "the manifest was changed after it was sealed. Restore the folder from a copy."
        raise RunError(f"{path}{_at(raw)}: {text}")
    try:
        files = {key: [FileDigest(**item) for item in facts[key]] for key in ("inputs", "outputs")}
        return Manifest(**{**facts, **files})
    except (TypeError, KeyError) as error:
        raise RunError(
            f"{path}: this is not a manifest this version can read ({error}). Use the version that wrote it."
        ) from None


def _at(raw: bytes) -> str:
    """`, line 12`, where the changed line can be told."""
    line = changed_line(raw)
    return "" if line is None else f", line {line}"
