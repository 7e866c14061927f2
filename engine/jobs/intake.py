"""What may become the input of a job 「任务输入」: uploads and files in allowed folders, within limits.

In: bytes as they arrive, or a path a client names; out: files a run can read, or `IntakeFault`. Parquet and Arrow are
opened in another process; nothing is unpacked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.jobs.opened import TOO_LARGE, UNREADABLE, opened

SUFFIX_OF_TYPE = {
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.apache.arrow.stream": ".arrows",
    "text/csv": ".csv",
}
READABLE = (".parquet", ".csv")
BEGINS = {".parquet": b"PAR1", ".arrow": b"ARROW1", ".arrows": b"\xff\xff\xff\xff"}
"""How a file of a kind begins; what begins otherwise is not opened at all."""


class IntakeFault(ValueError):
    """An input that is not taken; the text is for the sender and names no place on this host."""


def checked_upload(path: Path, unpacked_mib: int) -> Path:
    """An uploaded file as a run can read it, at its final name. Raises IntakeFault."""
    if path.stat().st_size == 0:
        raise IntakeFault("文件是空的。")
    with path.open("rb") as file:
        start = file.read(4096)
    if path.suffix in BEGINS:
        begins = start.startswith(BEGINS[path.suffix])
        if ended := opened(path, unpacked_mib) if begins else UNREADABLE:
            text = f"解压后超过 {unpacked_mib} MiB。" if ended == TOO_LARGE else "不是可读取的 Parquet 或 Arrow 文件。"
            raise IntakeFault(text)
        if path.suffix != ".parquet":
            path.unlink()
        return path.with_suffix(".parquet")
    if b"\0" in start:
        raise IntakeFault("不是文本文件。")
    return path


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
