"""What can be wrong with a workbook or the mapping that reads it 「目录工作簿有误」.

In: problems found while workbook and mapping are read; out: the `PackError` of every pack, with kinds of its own.
A place is workbook, sheet and cell (`book.xlsx 核心病种!D17`) or a line of the mapping. It never stops at the first.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.packs.dip_errors import DIP_PROBLEM_ZH, DipProblem, DipProblems
from engine.packs.errors import PackError, Problem

XLSX_PROBLEM_ZH = {
    "xlsx.book": "工作簿无法读取",
    "xlsx.sheet": "工作表不存在",
    "xlsx.column": "表头不符",
    "xlsx.row": "数据行无法放入",
    "xlsx.mapping": "映射文件有误",
    "xlsx.out": "输出位置不可用",
    "xlsx.limit": "超出工作表的限制",
}


@dataclass(frozen=True, slots=True)
class XlsxProblem(Problem):
    """A fault of a workbook, of the mapping, or of where the result should go."""

    def __str__(self) -> str:
        return f"{self.where}: [{XLSX_PROBLEM_ZH[self.kind]}] {self.text}"


@dataclass(slots=True)
class XlsxProblems(DipProblems):
    """The list an importer or exporter fills while it goes on."""

    def add(self, kind: str, where: str, text: str) -> None:
        if kind in XLSX_PROBLEM_ZH:
            self.found.append(XlsxProblem(kind, where, text))
        elif kind in DIP_PROBLEM_ZH:
            self.found.append(DipProblem(kind, where, text))
        else:
            self.found.append(Problem(kind, where, text))


def refuse(kind: str, where: str, text: str) -> PackError:
    """The error of a single fault."""
    return PackError(where, [XlsxProblem(kind, where, text)])
