"""Which files a run reads, what they are called, how their text is encoded 「输入文件」.

In: paths, folders and patterns as the user gave them; out: files in a fixed order with short names that hold no
folder of this machine. It opens files only to look at their text encoding.
"""

from __future__ import annotations

import codecs
import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CaseFileError
from engine.lang import say

SUFFIXES = (".parquet", ".csv", ".tsv", ".xlsx")
_CHUNK = 1 << 22


def fault(file: str, zh: str, en: str) -> CaseFileError:
    """A file that cannot be read: its name, what is wrong, what to do."""
    return CaseFileError(f"{file}{say('：', ': ')}{say(zh, en)}")


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """Files behind `paths`: a file, a folder (read through, in name order) or a pattern, in the order given."""
    found: list[Path] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and _is_case_file(p))
            if not inside:
                raise fault(
                    path.name,
                    f"文件夹中没有病例文件。可读取的类型：{'、'.join(SUFFIXES)}。",
                    f"the folder holds no case file. Readable: {', '.join(SUFFIXES)}.",
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            # The pattern may be absolute, which Path.glob refuses.
            matches = [Path(match) for match in sorted(glob.glob(str(given), recursive=True))]  # noqa: PTH207
            matches = [match for match in matches if match.is_file() and not match.name.startswith((".", "~$"))]
            if not matches:
                raise fault(
                    str(given),
                    "找不到该文件或文件夹。请检查路径。",
                    "no such file or folder, and no file matches it. Check the path.",
                )
            found += matches
    _refuse_repeats(found)
    return found


def _is_case_file(path: Path) -> bool:
    """Hidden files and the lock files a spreadsheet program leaves behind are no case files."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "_", "~$"))


def _refuse_repeats(found: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in found:
        real = path.resolve()
        if real in seen:
            raise fault(
                path.name,
                "同一文件被指定了两次，其中的病例会全部成为重复。请只指定一次。",
                "the file is named twice, so all its cases would be duplicates. Name it once.",
            )
        seen.add(real)


def short_names(paths: Sequence[Path]) -> list[str]:
    """A name for each file: its own, or with the folders that tell two files of one name apart."""
    own = [path.name for path in paths]
    if len(set(own)) == len(own):
        return own
    shared = Path(os.path.commonpath([path.resolve().parent for path in paths]))
    return [path.resolve().relative_to(shared).as_posix() for path in paths]


@dataclass(frozen=True, slots=True)
class TextFacts:
    """How a text file is written: its encoding, and how many line ends and blank lines it has."""

    encoding: str
    line_ends: int
    blank_lines: int


def text_facts(path: Path, name: str) -> TextFacts:
    """UTF-8 if the whole file is valid UTF-8, else GB18030 if it is that, else an error naming the line."""
    with path.open("rb") as stream:
        if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise fault(
                name,
                "文件是 UTF-16 编码。请另存为“CSV UTF-8”后重试。",
                "the file is UTF-16. Save it as “CSV UTF-8” and try again.",
            )
    bad_line, line_ends, blank_lines = _decode(path, "utf-8")
    if bad_line is None:
        return TextFacts("utf-8", line_ends, blank_lines)
    bad_gb_line, line_ends, blank_lines = _decode(path, "gb18030")
    if bad_gb_line is None:
        return TextFacts("gb18030", line_ends, blank_lines)
    raise fault(
        name,
        f"文件既不是 UTF-8（第 {bad_line} 行）也不是 GB18030（第 {bad_gb_line} 行）编码。请另存为“CSV UTF-8”后重试。",
        f"the file is neither UTF-8 (line {bad_line}) nor GB18030 (line {bad_gb_line}). Save it as “CSV UTF-8”.",
    )


def _decode(path: Path, encoding: str) -> tuple[int | None, int, int]:
    """The first line that is not in this encoding (None: all are), line ends, blank lines."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line_ends = blank_lines = 0
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return line_ends + error.object[: error.start].count(b"\n") + 1, line_ends, blank_lines
            line_ends += chunk.count(b"\n")
            blank_lines += chunk.count(b"\n\n") + chunk.count(b"\n\r\n")
            if not chunk:
                return None, line_ends, blank_lines
