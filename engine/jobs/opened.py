"""Uploaded Parquet and Arrow files opened in a process of their own 「隔离检查」, with a bound on its memory.

In: a file, MiB; out: an exit code, and for Arrow the same rows as Parquet. A few forged bytes can end the process that
reads them, and one compressed batch of a few kilobytes may unpack to any size before anybody can look at it. Here
both end this process alone.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

TOO_LARGE, UNREADABLE = 3, 4
WAIT_S = 900
MIB = 1 << 20
VALUE_BYTES = 8
"""What a value takes in memory, at least: repeated a million times, it is a few bytes in the file."""
_AT_ONCE = BoundedSemaphore(2)
_ROOM_MIB = 256
"""What reading and writing take besides the rows."""


def opened(source: Path, unpacked_mib: int) -> int:
    """0, or TOO_LARGE, or UNREADABLE for everything else, a crash of the reader included.

    A Parquet file is looked at; of an Arrow file the Parquet is then beside it.
    """
    words = [sys.executable, "-m", "engine.jobs.opened", str(source), str(unpacked_mib)]
    with _AT_ONCE:
        try:
            ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT_S).returncode
        except subprocess.TimeoutExpired:
            ended = TOO_LARGE
    if ended and source.suffix != ".parquet":
        source.with_suffix(".parquet").unlink(missing_ok=True)
    return ended if ended in (0, TOO_LARGE) else UNREADABLE


def _main(source: Path, unpacked_mib: int) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _bound_memory(unpacked_mib)
    try:
        if source.suffix == ".parquet":
            return _looked_at(pq.read_metadata(source), unpacked_mib * MIB)
        return _written(source, source.with_suffix(".parquet"), unpacked_mib * MIB)
    except MemoryError:
        return TOO_LARGE
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        return UNREADABLE


def _bound_memory(unpacked_mib: int) -> None:
    """What this process may still take; where the system cannot say, only the count of bytes bounds it."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmSize:"))
    bound = int(line.split()[1]) * 1024 + (unpacked_mib + _ROOM_MIB) * MIB
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


def _looked_at(metadata: Any, most: int) -> int:
    """Judge a Parquet file by its footer; nothing is unpacked."""
    chunks = [
        metadata.row_group(group).column(column)
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    ]
    if any(min(chunk.total_uncompressed_size, chunk.num_values) < 0 for chunk in chunks):
        return UNREADABLE
    sizes = (max(chunk.total_uncompressed_size, chunk.num_values * VALUE_BYTES) for chunk in chunks)
    return TOO_LARGE if sum(sizes) > most else 0


def _written(source: Path, target: Path, left: int) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pa.OSFile(str(source), "rb") as file:
        reader = pa.ipc.open_file(file) if source.suffix == ".arrow" else pa.ipc.open_stream(file)
        with pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
            for batch in _batches(reader):
                left -= batch.nbytes
                if left < 0:
                    return TOO_LARGE
                batch.validate(full=True)
                writer.write_batch(batch)
    return 0


def _batches(reader: Any) -> Iterator[Any]:
    if hasattr(reader, "num_record_batches"):
        return (reader.get_batch(place) for place in range(reader.num_record_batches))
    return iter(reader)


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), int(sys.argv[2])))
