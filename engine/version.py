"""Which program produced a number: the version and a digest of the source that ran 「程序版本」.

The digest covers the Python files of the packages that compute results, so that two installs of one version with
different code never look the same in a manifest.
"""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

VERSION = "0.1.0"
_PACKAGES = ("engine", "grouper", "pointvalue")
_LIBRARIES = ("numba", "numpy", "polars", "pyarrow", "xlsxwriter")
"""What else may move a byte of a run."""


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


@cache
def library_facts() -> dict[str, str]:
    """Versions of Python and of the libraries that compute or write results."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version_of(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
