"""What can be wrong with a DIP pack beyond what any pack can get wrong 「DIP分组方案有误」.

In: problems found by reader and loader; out: the `PackError` of every pack, with DIP's own kinds among the rest.
Kinds are stable words: linter and tests know a problem by them. It never stops at the first fault.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.packs.errors import PROBLEM_ZH, Problem, Problems

DIP_PROBLEM_ZH = {
    "dip.expression": "表达式无法解析",
    "dip.condition": "条件无法解析",
    "dip.layer": "病种层级未定义",
    "dip.list": "引用的目录未定义",
    "dip.group": "引用的病种不存在",
    "dip.duplicate": "同一编码重复",
    "dip.option": "匹配选项有误",
    "dip.band": "区间有误",
    "dip.row": "目录行不完整",
}


@dataclass(frozen=True, slots=True)
class DipProblem(Problem):
    """A fault only a DIP pack can have."""

    def __str__(self) -> str:
        return f"{self.where}: [{DIP_PROBLEM_ZH[self.kind]}] {self.text}"


@dataclass(slots=True)
class DipProblems(Problems):
    """The list a DIP reader fills while it goes on."""

    def add(self, kind: str, where: str, text: str) -> None:
        assert kind in PROBLEM_ZH or kind in DIP_PROBLEM_ZH, (
            f"unknown kind of problem {kind!r}: add it to DIP_PROBLEM_ZH"
        )
        self.found.append((DipProblem if kind in DIP_PROBLEM_ZH else Problem)(kind, where, text))
