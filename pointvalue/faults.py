"""A fault of the policy: where it stands and what is wrong, in English and Chinese.

In: the checks; out: records the policy loader completes with file and line. Nothing is raised here.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `path` is the dotted key, list places counted from 0."""

    path: str
    text_en: str
    text_zh: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text_en} {self.text_zh}"


def not_a_share(path: str, value: Fraction) -> Fault:
    return Fault(path, f"{value} is not between 0 and 1", f"{value} 不在 0 与 1 之间")
