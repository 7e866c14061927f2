"""The statement a hospital receives 「结算清算单」: one Excel workbook.

In: the figures of a run and a hospital's code; out: a workbook whose every total is a sum of fen that also stands in
the run's tables. A hospital's workbook holds that hospital's cases only; of the others it shows area means.
It decides nothing: amounts come from the clearing table and the posting lines.
"""

from __future__ import annotations

from pathlib import Path

from engine.report import sheets_cases, sheets_chart, sheets_money
from engine.report.closing import check
from engine.report.facts import ReportError
from engine.report.figures import RunFigures
from engine.report.groups import GroupTable
from engine.report.sheets_cover import cover_sheet
from engine.report.sheets_fall import fall_sheet
from engine.report.workbook import Book

CASE_ROWS_MAX = 200_000
"""Case rows in one workbook. A sheet could hold five times as many, but opening it would take minutes."""


def write_statement(
    path: Path,
    hospital: str,
    figures: RunFigures,
    *,
    groups: GroupTable | None = None,
    case_detail: bool = False,
    case_rows_max: int = CASE_ROWS_MAX,
) -> None:
    """Writes one hospital's workbook. `groups` may be shared between the workbooks of one run."""
    facts = figures.facts
    if hospital not in figures.hospitals:
        raise ReportError(f"run {facts.run_id}: hospital {hospital} has no row in clearing, so it has no statement")
    groups = groups or GroupTable.build(figures)
    named = facts.hospital(hospital).name
    book = Book(path, title=f"{named} {facts.period}", footer=f"{facts.run_id}　{hospital}", row_by_row=case_detail)
    cover_sheet(book, hospital, figures, case_detail=case_detail)
    sheets_money.month_sheet(book, hospital, figures)
    chart_places = sheets_money.year_sheet(book, hospital, figures)
    chart_places += fall_sheet(book, hospital, figures)
    sheets_cases.group_sheet(book, hospital, figures, groups)
    if case_detail:
        sheets_cases.case_sheet(book, hospital, figures, case_rows_max)
    sheets_money.adjustment_sheet(book, hospital, figures)
    sheets_cases.fault_sheet(book, hospital, figures)
    sheets_money.line_sheet(book, hospital, figures)
    sheets_chart.chart_sheet(book, figures, chart_places)
    book.close()


def write_statements(folder: Path, figures: RunFigures, *, case_detail: bool = False) -> tuple[Path, ...]:
    """One workbook per hospital, `<fixmedins_code>.xlsx`, after checking that the run's figures close."""
    check(figures)
    folder.mkdir(parents=True, exist_ok=True)
    groups = GroupTable.build(figures)
    written = []
    for hospital in figures.hospitals:
        path = folder / f"{safe_name(hospital)}.xlsx"
        write_statement(path, hospital, figures, groups=groups, case_detail=case_detail)
        written.append(path)
    return tuple(written)


def safe_name(hospital: str) -> str:
    """The hospital's code as a file name; a code that could leave the folder is refused."""
    if not hospital or not hospital.replace("-", "").replace("_", "").isalnum():
        raise ReportError(f"hospital code {hospital!r} cannot name a file; codes hold letters, digits, - and _ only")
    return hospital
