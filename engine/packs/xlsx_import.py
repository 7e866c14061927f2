"""A published workbook → a DIP rule pack 「目录导入」, under a mapping file, with nothing dropped silently.

In: workbook (.xlsx), mapping (TOML), the folder to make; out: the pack as the loader reads it, and the report of every
row, sheet and column. What the loader finds wrong is told with the sheet and row it came from. A folder is made only
when the pack loads; rows that could not be placed stop it unless the caller takes the pack without them.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from engine.packs.dip_load import DipPack, load_dip_pack
from engine.packs.errors import PackError, Problem, nearest
from engine.packs.xlsx_cells import Sheet, column_letters
from engine.packs.xlsx_errors import XlsxProblem, XlsxProblems, refuse
from engine.packs.xlsx_file import read_book
from engine.packs.xlsx_mapping import Mapping, SheetMapping, read_mapping
from engine.packs.xlsx_repair import word_key
from engine.packs.xlsx_report import ImportReport, Reported, SheetCount, Unused
from engine.packs.xlsx_rows import Origin, SheetReader, Table
from engine.packs.xlsx_write import Written, write_tables

__all__ = ["Draft", "Imported", "import_workbook", "read_workbook", "write_pack"]


@dataclass(frozen=True)
class Draft:
    """A workbook read under its mapping, before anything is written."""

    book: str
    mapping: Mapping
    tables: dict[str, Table]
    report: ImportReport


@dataclass(frozen=True)
class Imported:
    """The pack that was made, and what became of every row."""

    pack: DipPack
    report: ImportReport


def import_workbook(book: Path, mapping: Path, out: Path, *, partial: bool = False) -> Imported:
    """The pack of a workbook in folder `out`. `partial`: rows that could not be placed are left out, not refused."""
    draft = read_workbook(book, mapping)
    return Imported(write_pack(draft, out, partial=partial), draft.report)


def read_workbook(book: Path, mapping: Path) -> Draft:
    """Tables and report; no row's fault raises. Raises `PackError` if file, sheet, header or mapping do not fit."""
    how = read_mapping(mapping)
    sheets = read_book(book)
    problems = XlsxProblems(book.name)
    by_key: dict[str, Sheet] = {word_key(sheet.name): sheet for sheet in sheets}
    readers: list[tuple[SheetMapping, SheetReader]] = []
    for one in how.sheets:
        for name in one.names:
            sheet = _find(name, by_key, how.at(*one.place, "name"), problems)
            if sheet is not None:
                readers.append((one, SheetReader(sheet, how, one, problems)))
    left = [_find(name, by_key, how.at("leave"), problems) for name in how.leave]
    problems.raise_if_any()
    report = ImportReport(book.name, {sheet.name: SheetCount(len(sheet.filled_rows())) for sheet in sheets})
    tables: dict[str, Table] = {}
    for one, reader in readers:
        reader.read(tables.setdefault(one.table, Table([], [])), report)
    known = {sheet.name for sheet in left if sheet is not None}
    _tell_unused(sheets, [reader for _, reader in readers], known, report)
    for stem, rows in how.rows.items():
        table = tables.setdefault(stem, Table([], []))
        table.rows += [dict(row) for row in rows]
        table.origins += [Origin(place=place) for place in how.row_places[stem]]
    for sheet in sheets:
        report.sheets[sheet.name].settle(sheet.filled_rows())
    report.settle()
    assert report.rows == report.rows_placed + report.rows_reported, "rows in workbook = placed + reported"
    return Draft(book.name, how, tables, report)


def _find(name: str, by_key: dict[str, Sheet], where: str, problems: XlsxProblems) -> Sheet | None:
    sheet = by_key.get(word_key(name))
    if sheet is None:
        names = [one.name for one in by_key.values()]
        what = f"no sheet {name!r}.{nearest(name, names)} Sheets: {', '.join(names)}."
        problems.add("xlsx.sheet", where, what)
    return sheet


def _tell_unused(sheets: list[Sheet], readers: list[SheetReader], known: set[str], report: ImportReport) -> None:
    """Sheets no [[sheet]] reads, with their rows, and columns with content that no [[sheet]] of their sheet reads."""
    for sheet in sheets:
        here = [reader for reader in readers if reader.sheet is sheet]
        filled = sheet.filled_rows()
        if not here:
            report.unused.append(Unused(sheet.name, None, "", len(filled), sheet.hidden, sheet.name in known))
            zh, en = "工作表未使用。", "the sheet is not used."
            report.reported += [Reported(sheet.name, row, "sheet.unused", None, "", zh, en) for row in filled]
            report.sheets[sheet.name].reported.update(filled)
            continue
        used = {column for reader in here for column in reader.used}
        said = {column for reader in here for column in reader.known_unused}
        first = min(reader.one.first_row for reader in here)
        counts: dict[int, int] = dict.fromkeys(here[0].headers.texts, 0)
        for row in filled:
            for column, cell in sheet.rows[row].items():
                if row >= first and not cell.blank:
                    counts[column] = counts.get(column, 0) + 1
        for column in sorted(counts.keys() - used):
            header = here[0].headers.texts.get(column, "")
            report.unused.append(Unused(sheet.name, column, header, counts[column], False, column in said))


def write_pack(draft: Draft, out: Path, *, partial: bool = False) -> DipPack:
    """The pack in a new folder. Raises `PackError` for rows not placed, or for what the loader refuses."""
    faults = draft.report.faults
    if faults and not partial:
        problems = [XlsxProblem("xlsx.row", f"{draft.book} {row.cell}", f"{row.zh} {row.en}") for row in faults]
        raise PackError(draft.book, problems)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise refuse("xlsx.out", str(out), "stands there already and is not empty; give a folder that is new.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=out.parent) as place:
        folder = Path(place) / out.name
        folder.mkdir()
        written = write_tables(folder, draft.mapping, draft.tables)
        try:
            pack = load_dip_pack(folder)
        except PackError as error:
            raise PackError(draft.book, [_told_at_source(one, draft, written) for one in error.problems]) from None
        if out.exists():
            out.rmdir()
        shutil.move(folder, out)
    return replace(pack, path=out)


_PLACE = re.compile(r"(?P<file>pack\.toml|(?P<stem>[a-z_]+)\.csv)(?::(?P<line>[0-9]+))?(?: (?P<column>[a-z_]+))?")
_INSIDE = re.compile(r"\b[a-z_]+\.csv:[0-9]+\b")


def _told_at_source(problem: Problem, draft: Draft, written: Written) -> Problem:
    """The loader's problem with the place in workbook or mapping before the place in the pack."""

    def source(place: str) -> str:
        match = _PLACE.fullmatch(place)
        found = _source(match, draft, written) if match else ""
        return f"{found} ({place})" if found else place

    text = _INSIDE.sub(lambda found: source(found[0]), problem.text)
    return replace(problem, where=source(problem.where), text=text)


def _source(place: re.Match[str], draft: Draft, written: Written) -> str:
    mapping, line = draft.mapping, int(place["line"] or 0)
    if place["file"] == "pack.toml":
        key = written.header_keys.get(line)
        return mapping.at("pack", key) if key else mapping.at("header" if isinstance(mapping.header, str) else "pack")
    if place["stem"] in mapping.files:
        return mapping.at("files", place["stem"])
    ends = written.line_ends.get(place["stem"] or "", [])
    if line not in ends:
        return ""
    origin = draft.tables[place["stem"]].origins[ends.index(line)]
    if origin.place:
        return mapping.at(*origin.place, *filter(None, [place["column"]]))
    column = dict(origin.columns).get(place["column"] or "")
    return f"{draft.book} {origin.sheet}!{column_letters(column) if column else ''}{origin.row}"
