"""A page that is run: its blocks are files to write, lines to change, commands to type and the output they give.

In: the text of a page and an empty folder; out: per command what the page shows and what really came. Blocks are
```` ```yaml a/path ```` (a file), ```` ```diff a/path ```` (lines with - become those with +) and ```` ```console ````.
A shown line of … stands for any lines, … within a line for any text. Only cp, mkdir, ls and dianzhi are run.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)(?: ([\w./-]+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SKIPPED = "…"
PLAIN = ("cp", "mkdir", "ls")

Dianzhi = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Step:
    """One command: what the page says it prints, and what it printed."""

    command: str
    shown: list[str]
    printed: list[str]

    @property
    def fits(self) -> bool:
        """Whether the shown lines are the printed ones, lines left out counted as any."""
        parts, rest = _parts(self.shown), self.printed
        for place, part in enumerate(parts):
            places = range(len(rest) - len(part) + 1)
            at = next((n for n in places if all(map(_same, part, rest[n : n + len(part)]))), None)
            if at is None or (place == 0 and at):
                return False
            rest = rest[at + len(part) :]
        return not rest or self.shown[-1:] == [SKIPPED]


def _same(shown: str, printed: str) -> bool:
    pattern = ".*".join(re.escape(piece) for piece in shown.split(SKIPPED))
    return re.fullmatch(pattern, printed) is not None


def _parts(shown: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in shown:
        if line == SKIPPED:
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def run_page(text: str, folder: Path, dianzhi: Dianzhi) -> Iterator[Step]:
    """Do what the page says, block by block."""
    for kind, name, body in _BLOCK.findall(text):
        if kind == "console":
            yield from _console(body, folder, dianzhi)
        elif kind == "diff":
            _change(folder / name, body)
        elif name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(body, encoding="utf-8")


def _change(path: Path, body: str) -> None:
    old = "".join(line[1:] + "\n" for line in body.splitlines() if line.startswith("-"))
    new = "".join(line[1:] + "\n" for line in body.splitlines() if line.startswith("+"))
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} holds {text.count(old)} times: {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def _console(body: str, folder: Path, dianzhi: Dianzhi) -> Iterator[Step]:
    for block in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, *shown = block.splitlines()
        words = shlex.split(command)
        if words[0] == "dianzhi":
            done = dianzhi(*words[1:], cwd=folder)
        else:
            assert words[0] in PLAIN, command
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60)
        printed = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
        yield Step(command, [line.rstrip() for line in shown], printed)
