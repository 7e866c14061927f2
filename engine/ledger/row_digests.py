"""A digest for every posting line of a run 「分录逐行摘要」, so that a changed line can be named by its number.

In: `lines.parquet`. Out: `lines.sha256`, one digest a line, and later the numbers of lines that no longer agree.
A file too damaged to be read has no lines to compare; then only the file is named.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

LINES, DIGESTS = "lines.parquet", "lines.sha256"
_SHOWN = 5
_WIDTH = 32


def write_row_digests(folder: Path) -> None:
    """Write the digests beside the posting lines, where there are any."""
    digests = _digests(folder / LINES) if (folder / LINES).is_file() else None
    if digests is not None:
        (folder / DIGESTS).write_text("".join(f"{digest}\n" for digest in digests), encoding="ascii")


def changed_rows(folder: Path) -> str:
    """`line 17` or the like: where the posting lines differ from their digests; empty if it cannot be told."""
    digests = _digests(folder / LINES)
    stored = folder / DIGESTS
    if digests is None or not stored.is_file():
        return ""
    kept = stored.read_text(encoding="ascii", errors="replace").split("\n")[:-1]
    if len(kept) == len(digests):
        wrong = [at + 1 for at, pair in enumerate(zip(kept, digests, strict=True)) if pair[0] != pair[1]]
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return f"line {', '.join(map(str, wrong[:_SHOWN]))}{more}" if wrong else ""
    pairs = zip(kept, digests, strict=False)
    first = next((at + 1 for at, (was, now) in enumerate(pairs) if was != now), min(len(kept), len(digests)) + 1)
    return f"line {first} ({len(kept)} lines were sealed, {len(digests)} stand there)"


def _digests(path: Path) -> list[str] | None:
    """SHA-256 of every row's values, shortened; None if the file cannot be read as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        return [hashlib.sha256(repr(row).encode()).hexdigest()[:_WIDTH] for row in rows]
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        return None
