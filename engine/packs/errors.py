"""What is wrong with a rule pack 「分组方案」: every problem found, each with its place and the way out.

In: problems collected while a pack is read; out: one `PackError` that lists them all.
A problem names file and line (or table row), what is wrong, what is allowed, what to do next.
It never stops at the first fault: an author mends a pack in one pass, not in ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine import errors

SHOWN_MAX = 40
"""Lines of one message; a table shifted by one column would otherwise print every row. `problems` holds them all."""

PROBLEM_ZH = {
    "pack.absent": "找不到分组方案",
    "pack.both": "两份说明文件并存",
    "pack.kind": "方案类别不符",
    "file.unreadable": "文件无法读取",
    "file.unknown": "多出的表",
    "table.missing": "缺少表",
    "table.twice": "同一张表有两份",
    "table.rows": "行数不符",
    "column.missing": "缺少列",
    "column.extra": "多出的列",
    "column.type": "列类型不符",
    "cell.empty": "空值",
    "cell.type": "值的类型不符",
    "key.unknown": "未知的键",
    "key.missing": "缺少键",
    "key.type": "键的值类型不符",
    "key.value": "键的值不在允许范围",
    "date.order": "起止日期颠倒",
    "numeric.name": "数值字段声明有误",
    "node.duplicate": "节点编号重复",
    "node.level": "节点层级有误",
    "node.parent": "上级节点有误",
    "node.cycle": "节点成环",
    "node.seq": "同级顺序号重复",
    "node.code": "组编码有误",
    "cond.node": "条件指向不存在的节点",
    "cond.duplicate": "条件编号重复",
    "cond.var": "未知的变量",
    "cond.op": "运算符不适用",
    "cond.operand": "条件的操作数有误",
    "cond.range": "数值区间颠倒",
    "list.duplicate": "目录编号重复",
    "list.dangling": "目录未定义",
    "list.kind": "目录类别有误",
    "list.count": "目录条数不符",
    "cc.level": "并发症级别有误",
    "cc.conflict": "同一编码有两种并发症设定",
    "exclusion.conflict": "同一主要诊断有两个排除表",
    "site.conflict": "同一编码有两个部位",
    "site.many": "部位过多",
    "map.conflict": "同一编码有两个转换目标",
    "name.conflict": "同一编码有两个名称",
    "choice.gap": "有效期有空档",
    "choice.overlap": "有效期重叠",
    "choice.none": "该日期没有可用方案",
}
"""The fault in Chinese, by kind. Kinds are stable words: the linter and the tests know a problem by them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: its kind, its place (`pack.toml:7`, `rule_conds.csv:12`), and a sentence that says what to do."""

    kind: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: [{PROBLEM_ZH[self.kind]}] {self.text}"


class PackError(errors.PackError):
    """A rule pack that must not be used. `problems` holds everything found, in reading order."""

    def __init__(self, pack: str, problems: Sequence[Problem]) -> None:
        self.pack = pack
        self.problems = tuple(problems)
        assert self.problems, "a PackError needs at least one problem"
        shown = [f"  {p}" for p in self.problems[:SHOWN_MAX]]
        left = len(self.problems) - SHOWN_MAX
        if left > 0:
            shown.append(f"  … and {left} more of the same run; mend these first, then load again")
        count = f"{len(self.problems)} problem" + ("s" if len(self.problems) > 1 else "")
        super().__init__(f"pack {pack} cannot be used, {count} 分组方案有误:\n" + "\n".join(shown))


@dataclass(slots=True)
class Problems:
    """The list a reader fills while it goes on."""

    pack: str
    found: list[Problem] = field(default_factory=list)

    def add(self, kind: str, where: str, text: str) -> None:
        assert kind in PROBLEM_ZH, f"unknown kind of problem {kind!r}: add it to PROBLEM_ZH"
        self.found.append(Problem(kind, where, text))

    def raise_if_any(self) -> None:
        if self.found:
            raise PackError(self.pack, self.found)


def nearest(word: str, allowed: Sequence[str]) -> str:
    """` Did you mean 'x'?` when a word of the list is close to the one written, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, allowed, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
