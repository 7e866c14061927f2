"""Findings about a policy folder: where, what is wrong, what is allowed, what to do.

In: nodes and facts from the readers; out: a list of `Problem` that ends in one `PolicyFaults` for the whole folder.
Readers report and go on, so that one pass shows everything. It never guesses a value for what it could not read.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from engine.errors import PolicyError
from engine.policy.messages import MESSAGES

LISTED_AT_MOST = 40


class Unreadable(Exception):
    """A value that has been reported already; whoever asked for it goes on with the next."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands: the file inside its folder, the line, and the path of keys that leads there."""

    file: str
    line: int
    key: str

    def child(self, key: str, line: int | None = None) -> Place:
        return Place(self.file, self.line if line is None else line, f"{self.key}.{key}" if self.key else key)

    def item(self, index: int, line: int) -> Place:
        return Place(self.file, line, f"{self.key}[{index}]")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding, in both languages."""

    place: Place
    code: str
    zh: str
    en: str

    def line(self, lang: str = "both") -> str:
        text = {"zh": self.zh, "en": self.en}.get(lang, f"{self.en} / {self.zh}")
        return f"{self.place.file}:{self.place.line}: {self.place.key or '(file)'}: {self.code} {text}"


class PolicyFaults(PolicyError):
    """Everything that is wrong with one policy, found in one pass."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(self.render())

    def render(self, lang: str = "both") -> str:
        count = len(self.problems)
        head = {"zh": f"政策有 {count} 处问题：", "en": f"the policy has {count} problem(s):"}
        first = head.get(lang, f"{head['en']} / {head['zh']}")
        return "\n".join([first, *(problem.line(lang) for problem in self.problems)])


def listed(values: Iterable[object], at_most: int = LISTED_AT_MOST) -> str:
    """`a, b, c … (+12)`: enough to act on, never a wall of codes."""
    texts = [str(value) for value in values]
    shown = ", ".join(texts[:at_most]) or "–"
    return shown if len(texts) <= at_most else f"{shown} … (+{len(texts) - at_most})"


@dataclass
class Problems:
    """The findings so far about one folder; table readers open their files from it."""

    folder: Path = Path()
    found: list[Problem] = field(default_factory=list)

    def add(self, place: Place, slug: str, **facts: object) -> Unreadable:
        """Report; returns the exception so that a reader that cannot go on writes `raise problems.add(…)`.

        `near` = (what was written, what is allowed) adds "did you mean".
        """
        message = MESSAGES[slug]
        word, names = cast("tuple[str, Iterable[str]]", facts.pop("near", None) or ("", ()))
        guess = difflib.get_close_matches(word, list(names), n=1, cutoff=0.6)
        facts["near_zh"] = f"，是否想写 {guess[0]}？" if guess else ""
        facts["near_en"] = f"; did you mean {guess[0]}?" if guess else ""
        self.found.append(Problem(place, message.code, message.zh.format(**facts), message.en.format(**facts)))
        return Unreadable(message.code)

    def stop_if_any(self) -> None:
        if self.found:
            raise PolicyFaults(self.found)


def refuse(place: Place, slug: str, **facts: object) -> PolicyFaults:
    """One finding as an exception, for what only shows when a value is asked for."""
    problems = Problems()
    problems.add(place, slug, **facts)
    return PolicyFaults(problems.found)
