"""A digest of the package's own source, frozen into the compiled kernels.

numba keeps compiled kernels on disk and looks at one file's date only, so a constant changed in another module would
leave an old kernel in use. Each kernel therefore returns the digest it was compiled with, and its caller compares.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def _digest() -> int:
    """62 bits over every module of the package, in the order of their names."""
    seen = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        seen.update(path.name.encode() + b"\0" + path.read_bytes())
    return int.from_bytes(seen.digest()[:8], "big") >> 2


SOURCES = _digest()
