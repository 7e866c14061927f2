"""The import report as a workbook, for whoever keeps the catalogue 「导入明细」.

In: a report; out: .xlsx with the balance of every sheet, each reported row with its reason, what was not used, values
not known, each repaired cell. Text is written as text, whatever a published cell begins with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.packs.xlsx_cells import column_letters
from engine.packs.xlsx_errors import refuse
from engine.packs.xlsx_repair import REPAIRS
from engine.packs.xlsx_report import ImportReport
from engine.report.workbook import Book, Cell, Column, Sheet

_CELL_MAX = 32_767


def write_report(report: ImportReport, path: Path) -> None:
    """The whole report, one sheet a kind of finding."""
    if path.suffix.lower() != ".xlsx" or path.exists():
        raise refuse("xlsx.out", str(path), "give a name that ends in .xlsx and is not taken.")
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Book(path, title=f"导入报告 {report.book}", footer=report.book)
    _sheet(
        book,
        ("汇总", f"有内容的行 {report.rows:,} = 放入 {report.rows_placed:,} + 报告 {report.rows_reported:,}"),
        (Column("工作表", "sheet"), _count("行", "rows"), _count("放入", "placed"), _count("报告", "reported")),
        ((name, one.filled, len(one.placed), len(one.reported)) for name, one in report.sheets.items()),
    )
    place = (
        Column("工作表", "sheet"),
        _count("行", "row"),
        Column("列", "column", "text", 6),
        Column("表头", "header"),
    )
    _sheet(
        book,
        ("未放入的行", "row 行；原因为 sheet.unused、row.* 的不是数据，其余须处理"),
        (*place, Column("原因", "kind"), Column("说明", "zh", "text", 60), Column("Reason", "en", "text", 60)),
        ((r.sheet, r.row, _letters(r.column), r.header, r.kind, r.zh, r.en) for r in report.reported),
    )
    _sheet(
        book,
        ("未使用", "工作表与列，其内容未进入方案"),
        (*place[:1], *place[2:], _count("格或行", "filled"), Column("映射注明", "known"), Column("隐藏", "hidden")),
        ((u.sheet, _letters(u.column), u.header, u.filled, _yes(u.known), _yes(u.hidden)) for u in report.unused),
    )
    _sheet(
        book,
        ("不认识的值", "规定值之外的文字，请写入映射的 words"),
        (
            Column("工作表", "sheet"),
            Column("方案列", "column"),
            Column("值", "value"),
            _count("次数", "times"),
            _count("首行", "row"),
        ),
        ((one.sheet, one.column, one.word, len(rows), rows[0]) for one, rows in report.unknown.items()),
    )
    _sheet(
        book,
        ("已修正的单元格", "只改写法，不改含义"),
        (*place, Column("修正", "kind"), Column("原值", "before", "text", 40), Column("方案值", "after", "text", 40)),
        (
            (r.sheet, r.row, _letters(r.column), r.header, REPAIRS[r.kind][0], r.before, r.after)
            for r in report.repaired
        ),
    )
    book.close()


def _sheet(book: Book, title: tuple[str, str], columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
    page = Sheet(book, title[0])
    page.title(*title)
    cut = ([value[:_CELL_MAX] if isinstance(value, str) else value for value in row] for row in rows)
    page.table(columns, cut, freeze_columns=1)


def _count(zh: str, en: str) -> Column:
    return Column(zh, en, "int")


def _letters(column: int | None) -> str:
    return column_letters(column) if column else ""


def _yes(value: bool) -> str:
    return "是" if value else "否"
