"""What may become the input of a job 「任务输入」: uploads and files in allowed folders, within limits.

In: bytes as they arrive, or a path a client names; out: files a run can read, or `IntakeFault`. A Parquet file is
opened to see that it is one and what it unpacks to; nothing is unpacked before. Arrow becomes Parquet, batch by batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SUFFIX_OF_TYPE = {
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.apache.arrow.stream": ".arrows",
    "text/csv": ".csv",
}
READABLE = (".parquet", ".csv")
MIB = 1 << 20


class IntakeFault(ValueError):
    """An input that is not taken; the text is for the sender and names no place on this host."""


def checked_upload(path: Path, unpacked_mib: int) -> Path:
    """An uploaded file as a run can read it, at its final name. Raises IntakeFault."""
    if path.stat().st_size == 0:
        raise IntakeFault("文件是空的。")
    suffix = path.suffix
    if suffix == ".parquet":
        _check_parquet(path, unpacked_mib)
        return path
    if suffix in (".arrow", ".arrows"):
        return _parquet_of_arrow(path, unpacked_mib)
    with path.open("rb") as file:
        start = file.read(4096)
    if b"\0" in start:
        raise IntakeFault("不是文本文件。")
    return path


def _check_parquet(path: Path, unpacked_mib: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
        unpacked = sum(
            metadata.row_group(group).column(column).total_uncompressed_size
            for group in range(metadata.num_row_groups)
            for column in range(metadata.num_columns)
        )
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError):
        raise IntakeFault("不是可读取的 Parquet 文件。") from None
    if unpacked < 0 or unpacked > unpacked_mib * MIB:
        raise IntakeFault(f"解压后超过 {unpacked_mib} MiB。")


def _parquet_of_arrow(path: Path, unpacked_mib: int) -> Path:
    """The same rows as Parquet; reading stops as soon as they pass the limit."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = path.with_suffix(".parquet")
    left = unpacked_mib * MIB
    try:
        with pa.OSFile(str(path), "rb") as source:
            reader = pa.ipc.open_file(source) if path.suffix == ".arrow" else pa.ipc.open_stream(source)
            batches = (
                (reader.get_batch(place) for place in range(reader.num_record_batches))
                if path.suffix == ".arrow"
                else iter(reader)
            )
            with pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
                for batch in batches:
                    left -= batch.nbytes
                    if left < 0:
                        raise IntakeFault(f"解压后超过 {unpacked_mib} MiB。")
                    batch.validate(full=True)
                    writer.write_batch(batch)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        target.unlink(missing_ok=True)
        raise error if isinstance(error, IntakeFault) else IntakeFault("不是可读取的 Arrow 文件。") from None
    path.unlink()
    return target


def allowed_paths(paths: Sequence[str], roots: Sequence[Path]) -> list[Path]:
    """Files under the allowed folders, links followed. Raises IntakeFault for anything else, there or not."""
    real = [root.resolve() for root in roots]
    found = []
    for text in paths:
        given = Path(text)
        tries = [given] if given.is_absolute() else [root / given for root in real]
        inside = [path.resolve() for path in tries if any(path.resolve().is_relative_to(root) for root in real)]
        files = [path for path in inside if path.is_file() and path.suffix.lower() in READABLE]
        if not files:
            raise IntakeFault("路径不在允许的目录之内，或不是 Parquet、CSV 文件。")
        found.append(files[0])
    if len(set(found)) < len(found):
        raise IntakeFault("同一文件给出了两次。")
    return found
