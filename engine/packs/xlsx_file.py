"""An Excel workbook (.xlsx, .xlsm) as sheets of cells 「读取工作簿」, exact.

In: a path; out: `Sheet` records in the order of the tabs. The file's XML is read as it stands, since a loader of
columns rounds a number to nine places, tells a text `47.01` from the number 47.01 no more, and drops error cells and
merged areas. A formula counts by the value Excel stored for it. Styles matter only to tell a date from a number.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO
from xml.parsers import expat

from engine.packs.xlsx_cells import BOOL, DATE, ERROR, NUMBER, TEXT, Area, Cell, Sheet, column_number
from engine.packs.xlsx_errors import refuse

BYTES_MAX = 1 << 30
"""Unpacked size above which a file is refused: no catalogue is that large, a harmful archive may be."""
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DATE_IDS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_NOT_IN_FORMAT = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
"""Parts of a number format that are shown as they stand, and conditions and colours in brackets."""
NO_RESULT = "no stored result 没有存下结果"
"""What a formula holds that no spreadsheet program has computed yet."""
_DAMAGE = (
    *(LookupError, ValueError, EOFError, OSError, ArithmeticError, NotImplementedError, RuntimeError),
    *(expat.ExpatError, zipfile.LargeZipFile, zlib.error),
)
"""What a damaged, encrypted or oddly packed archive raises while it is read."""
_EPOCHS = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str, str], None]


def read_book(path: Path) -> list[Sheet]:
    """Every worksheet of the file. Raises `PackError` if it is none that can be read whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > BYTES_MAX:
                raise refuse("xlsx.book", path.name, f"unpacks to more than {BYTES_MAX >> 20} MB; split the workbook.")
            return _Book(archive).sheets()
    except zipfile.BadZipFile:
        what = "no .xlsx workbook (an old .xls, one with a password, or another format); save it as .xlsx without one."
        raise refuse("xlsx.book", path.name, what) from None
    except FileNotFoundError:
        raise refuse("xlsx.book", str(path), "no such file; give the workbook to read.") from None
    except _DAMAGE as error:
        what = f"a part of it is damaged ({error}); open it in a spreadsheet program and save it again as .xlsx."
        raise refuse("xlsx.book", path.name, what) from error


class _Book:
    """The parts of one archive that sheets share."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        root = self._relations("")
        self.part = next((target for kind, target in root.values() if kind == "officeDocument"), "xl/workbook.xml")
        self.relations = self._relations(self.part)
        self.since_1904 = False
        self.listed: list[tuple[str, str, bool]] = []
        self._walk(self.part, self._workbook)
        self.strings = self._shared_strings()
        self.dates = self._date_styles()

    def sheets(self) -> list[Sheet]:
        found = []
        for name, relation, hidden in self.listed:
            kind, target = self.relations[relation]
            sheet = Sheet(name, hidden)
            if kind == "worksheet":
                reader = _SheetReader(sheet, self.strings, self.dates, _EPOCHS[self.since_1904])
                self._walk(target, reader.start, reader.end)
            found.append(sheet)
        return found

    def _walk(self, part: str, start: Start, end: End | None = None) -> None:
        with self.archive.open(part) as file:
            walk(file, start, end)

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Id → (kind, part) of what a part refers to."""
        found: dict[str, tuple[str, str]] = {}
        folder, name = posixpath.split(part)

        def start(tag: str, given: dict[str, str]) -> None:
            if tag == "Relationship" and given.get("TargetMode") != "External":
                target = given["Target"]
                whole = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
                found[given["Id"]] = (given["Type"].rpartition("/")[2], whole)

        self._walk(posixpath.join(folder, "_rels", f"{name}.rels"), start)
        return found

    def _workbook(self, tag: str, given: dict[str, str]) -> None:
        if tag == "sheet":
            self.listed.append((given["name"], given["id"], given.get("state", "visible") != "visible"))
        elif tag == "workbookPr":
            self.since_1904 = given.get("date1904") in ("1", "true")

    def _shared_strings(self) -> list[str]:
        part = next((target for kind, target in self.relations.values() if kind == "sharedStrings"), None)
        texts: list[str] = []
        if part is not None:
            reader = _TextReader()

            def end(tag: str, text: str) -> None:
                reader.end(tag, text)
                if tag == "si":
                    texts.append(reader.take())

            self._walk(part, reader.start, end)
        return texts

    def _date_styles(self) -> set[int]:
        """Cell styles under which a number is a day or a time."""
        part = next((target for kind, target in self.relations.values() if kind == "styles"), None)
        formats: dict[str, str] = {}
        styles: list[str] = []
        inside = [False]

        def start(tag: str, given: dict[str, str]) -> None:
            if tag == "numFmt":
                formats[given["numFmtId"]] = given.get("formatCode", "")
            elif tag == "cellXfs":
                inside[0] = True
            elif tag == "xf" and inside[0]:
                styles.append(given.get("numFmtId", "0"))

        def end(tag: str, _: str) -> None:
            if tag == "cellXfs":
                inside[0] = False

        if part is not None:
            self._walk(part, start, end)
        return {place for place, id_ in enumerate(styles) if _is_date(id_, formats)}


def _is_date(id_: str, formats: dict[str, str]) -> bool:
    if id_ in formats:
        code = _NOT_IN_FORMAT.sub("", formats[id_].partition(";")[0]).lower().replace("general", "")
        return any(letter in code for letter in "ymdhs")
    return int(id_) in _DATE_IDS


def walk(file: IO[bytes], start: Start, end: End | None) -> None:
    """The elements of an XML part, names without namespace; a document type, which no workbook has, is refused."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    pieces: list[str] = []

    def opened(tag: str, given: dict[str, str]) -> None:
        pieces.clear()
        start(tag.rpartition(" ")[2], {name.rpartition(" ")[2]: value for name, value in given.items()})

    def closed(tag: str) -> None:
        if end is not None:
            end(tag.rpartition(" ")[2], "".join(pieces))
        pieces.clear()

    def doctype(*_: object) -> None:
        raise ValueError("it declares a document type")

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.CharacterDataHandler = pieces.append
    parser.StartDoctypeDeclHandler = doctype
    parser.ParseFile(file)


class _TextReader:
    """Text of a string item: its runs joined, readings of Chinese characters (`rPh`) left out."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._reading = False

    def start(self, tag: str, _: dict[str, str]) -> None:
        if tag == "rPh":
            self._reading = True

    def end(self, tag: str, text: str) -> None:
        if tag == "t" and not self._reading:
            self._pieces.append(text)
        elif tag == "rPh":
            self._reading = False

    def take(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        return unescaped(text)


def unescaped(text: str) -> str:
    """`_x000D_` stands for a character XML cannot hold."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class _SheetReader:
    """Fills one sheet from its part."""

    def __init__(self, sheet: Sheet, strings: list[str], dates: set[int], epoch: datetime) -> None:
        self.sheet, self.strings, self.dates, self.epoch = sheet, strings, dates, epoch
        self.row = self.column = 0
        self.kind = self.value = ""
        self.style = 0
        self.has_formula = self.has_value = False
        self.inline = _TextReader()

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag == "c":
            match = _REFERENCE.fullmatch(given.get("r", ""))
            self.column = column_number(match[1]) if match else self.column + 1
            self.kind, self.style, self.value = given.get("t", "n"), int(given.get("s", "0")), ""
            self.has_formula = self.has_value = False
        elif tag == "row":
            self.row, self.column = int(given.get("r", self.row + 1)), 0
            if given.get("hidden") in ("1", "true"):
                self.sheet.hidden_rows.add(self.row)
        elif tag in ("f", "v"):
            self.has_formula |= tag == "f"
            self.has_value |= tag == "v"
        elif tag == "mergeCell":
            first, _, last = given["ref"].partition(":")
            corners = [_REFERENCE.fullmatch(corner) for corner in (first, last or first)]
            (top, left), (bottom, right) = [(int(c[2]), column_number(c[1])) for c in corners if c is not None]
            self.sheet.merged.append(Area(top, left, bottom, right))
        else:
            self.inline.start(tag, given)

    def end(self, tag: str, text: str) -> None:
        if tag == "v":
            self.value = text
        elif tag == "c":
            cell = self._cell()
            if cell is not None:
                self.sheet.rows.setdefault(self.row, {})[self.column] = cell
        else:
            self.inline.end(tag, text)

    def _cell(self) -> Cell | None:
        kind, value = self.kind, self.value
        if kind == "inlineStr":
            value = self.inline.take()
            return Cell(TEXT, value) if value else None
        if not value:
            return Cell(ERROR, NO_RESULT) if self.has_formula and not self.has_value else None
        if kind == "s":
            text = self.strings[int(value)]
            return Cell(TEXT, text) if text else None
        if kind == "str":
            return Cell(TEXT, unescaped(value))
        if kind in ("b", "e", "d"):
            return Cell({"b": BOOL, "e": ERROR, "d": DATE}[kind], value)
        number = shortest(value)
        return Cell(DATE, _day(number, self.epoch)) if self.style in self.dates else Cell(NUMBER, number)


def shortest(digits: str) -> str:
    """The shortest decimal that names the same double: a file writes 4.35 as 4.3499999999999996."""
    return format(Decimal(repr(float(digits))).normalize(), "f")


def _day(serial: str, epoch: datetime) -> str:
    try:
        moment = epoch + timedelta(days=float(serial))
    except OverflowError:
        return serial
    return moment.date().isoformat() if moment == datetime(moment.year, moment.month, moment.day) else str(moment)
