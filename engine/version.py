"""Which program produced a number: the version and a digest of the source that ran 「程序版本」.

The digest covers the Python files of the packages that compute results, so that two installs of one version with
different code never look the same in a manifest.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

VERSION = "0.1.0"
_PACKAGES = ("engine", "grouper", "pointvalue")


@cache
def engine_facts() -> dict[str, str]:
    """`{"version": …, "source": "sha256:…"}`."""
    root = Path(__file__).resolve().parent.parent
    sha = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            sha.update(path.relative_to(root).as_posix().encode())
            sha.update(path.read_bytes())
    return {"version": VERSION, "source": "sha256:" + sha.hexdigest()}
