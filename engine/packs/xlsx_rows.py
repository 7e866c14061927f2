"""The rows of one sheet as rows of one pack table 「数据行」: each placed, or reported with its reason.

In: a sheet, its [[sheet]] of the mapping, the problems and the report of the import; out: placed rows with the cell
every value came from. Merged cells count for each row they cover, in their own column; a merge across columns is never
guessed at. A row with a fault is reported with all its faults and not placed in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.packs.dip_schema import TABLES
from engine.packs.xlsx_cells import TEXT, Cell, Sheet
from engine.packs.xlsx_errors import XlsxProblems
from engine.packs.xlsx_expressions import Separators
from engine.packs.xlsx_headers import Headers
from engine.packs.xlsx_mapping import Mapping, SheetMapping
from engine.packs.xlsx_repair import FULL_WIDTH, NAME_FORMS, CellFault, UnknownWord, folded, word_key
from engine.packs.xlsx_report import ImportReport, Repaired, Reported, UnknownValue
from engine.packs.xlsx_values import CellRules, Decimals

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
NUMBER_SIGN = "#"
"""`{#}` in a pattern: the running number of the row in its table."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row of a table came from: a row of a sheet with the column of each value, or a place in the mapping."""

    sheet: str = ""
    row: int = 0
    columns: tuple[tuple[str, int], ...] = ()
    place: tuple[str, ...] = ()


@dataclass
class Table:
    """A pack table while it is gathered."""

    rows: list[dict[str, str]]
    origins: list[Origin]


class SheetReader:
    """One sheet read into one table."""

    def __init__(self, sheet: Sheet, mapping: Mapping, one: SheetMapping, problems: XlsxProblems) -> None:
        self.sheet, self.one = sheet, one
        self.headers = Headers(sheet, one.header_rows)
        self.anchors = sheet.anchors()
        self.rules = {column.name: _rules(mapping, one, column.name) for column in TABLES[one.table]}
        self.needed = [column.name for column in TABLES[one.table] if column.need]

        def find(header: str, *place: str) -> int:
            column = self.headers.find(header, mapping.at(*one.place, *place), problems)
            return 0 if column is None else column

        self.columns = {
            target: find(header, "columns", header) for header, targets in one.columns.items() for target in targets
        }
        self.patterns = {target: _PLACEHOLDER.findall(pattern) for target, pattern in one.joined.items()}
        self.parts = {
            name: find(name, "joined", target)
            for target, names in self.patterns.items()
            for name in names
            if name != NUMBER_SIGN
        }
        self.left_out = {
            find(header, "skip", header): {word_key(word) for word in words} for header, words in one.skip.items()
        }
        self.fill = {find(header, "fill_down") for header in one.fill_down}
        self.known_unused = {find(header, "unused") for header in one.unused}
        joined = {t: self.parts[n] for t, names in self.patterns.items() for n in reversed(names) if n in self.parts}
        self.source = tuple({**self.columns, **joined}.items())
        self.above: dict[int, Cell] = {}

    @property
    def used(self) -> set[int]:
        """Columns that something reads."""
        return {*self.columns.values(), *self.parts.values(), *self.left_out}

    def read(self, table: Table, report: ImportReport) -> None:
        """Every filled row, from the top, into the table or the report."""
        count = report.sheets[self.sheet.name]
        titles = self.sheet.titles()
        for row in self.sheet.filled_rows():
            told = self._no_data(row, titles)
            if told is not None:
                report.reported.append(told)
                count.reported.add(row)
                continue
            made = self._place(row, len(table.rows), report)
            if not made:
                count.reported.add(row)
                continue
            table.rows += made
            source = {
                **self.columns,
                **{t: self.parts[n[0]] for t, n in self.patterns.items() if n and n[0] in self.parts},
            }
            table.origins += [Origin(self.sheet.name, row, tuple(source.items()))] * len(made)
            count.placed.add(row)
            count.made[self.one.table] += len(made)
            if row in self.sheet.hidden_rows:
                count.hidden_read.append(row)

    def _no_data(self, row: int, titles: set[int]) -> Reported | None:
        """Why a row is no data, if it is none."""
        one = self.one
        if row in one.header_rows or (row > one.header_rows[-1] and self.headers.repeated(row, self.used)):
            return self._told(row, "row.header", "表头。", "a header.")
        if row < one.first_row:
            return self._told(row, "row.above", "在数据首行之上。", "above the first row of data.")
        if one.last_row is not None and row > one.last_row:
            return self._told(row, "row.beyond", "在映射的 last_row 之后。", "below last_row of the mapping.")
        if row in titles:
            text = next(cell.text for cell in self.sheet.rows[row].values() if not cell.blank)
            return self._told(row, "row.title", f"小标题“{text}”。", f"a heading inside the table, {text!r}.")
        for column, words in self.left_out.items():
            at_row, at_column = self.anchors.get((row, column), (row, column))
            cell = self.sheet.rows.get(at_row, {}).get(at_column)
            text = "" if cell is None or cell.blank else cell.text
            if _is_one_of(word_key(text), words):
                zh, en = f"“{text}”：映射的 skip 注明略过。", f"{text!r}: left out by skip of the mapping."
                return self._told(row, "row.left_out", zh, en, column)
        own = self.sheet.rows[row]
        if not any(column in own and not own[column].blank for column in self.used):
            zh, en = "只有未使用的列有内容。", "only columns that are not used hold anything."
            return self._told(row, "row.unmapped", zh, en)
        return None

    def _told(self, row: int, kind: str, zh: str, en: str, column: int | None = None) -> Reported:
        header = self.headers.texts.get(column, "") if column else ""
        return Reported(self.sheet.name, row, kind, column, header, zh, en)

    def _place(self, row: int, number: int, report: ImportReport) -> list[dict[str, str]]:
        """The rows of the table this row makes, usually one; none if a cell is at fault."""
        values: dict[str, str] = dict(self.one.constants)
        pieces: dict[str, list[str]] = {}
        repaired: list[Repaired] = []
        faults: list[Reported] = []
        for target, column, cell, mended, fault in self._cells(row, number):
            try:
                if fault is not None:
                    raise fault
                found = [self.rules[target].value(part, mended) for part in self._split(target, cell, mended)]
                values[target] = found[0]
                pieces[target] = found
            except CellFault as wrong:
                faults.append(self._told(row, wrong.kind, wrong.zh, wrong.en, column))
                if isinstance(wrong, UnknownWord):
                    report.unknown.setdefault(UnknownValue(self.sheet.name, target, wrong.word), []).append(row)
                continue
            before, after = cell.text if cell is not None else "", values[target]
            header = self.headers.texts.get(column, "")
            repaired += [
                Repaired(self.sheet.name, row, column, header, kind, before, after) for kind in dict.fromkeys(mended)
            ]
        at_fault = {fault.column for fault in faults}
        for target in self.needed:
            if not values.get(target) and self.columns.get(target) not in at_fault:
                zh, en = f"缺少必填的 {target}。", f"{target} is empty, and every row of {self.one.table} needs one."
                faults.append(self._told(row, "cell.missing", zh, en, self.columns.get(target)))
        if faults:
            report.reported += faults
            return []
        report.repaired += repaired
        many = next((target for target in self.one.split if len(pieces.get(target, ())) > 1), None)
        return [values] if many is None else [{**values, many: piece} for piece in pieces[many]]

    def _cells(self, row: int, number: int) -> Iterator[tuple[str, int, Cell | None, list[str], CellFault | None]]:
        """(pack column, workbook column, cell, repairs so far, fault of finding it) of every value of a row."""
        for target, column in self.columns.items():
            mended: list[str] = []
            try:
                yield target, column, self._cell(row, column, mended), mended, None
            except CellFault as fault:
                yield target, column, None, mended, fault
        for target, names in self.patterns.items():
            mended = []
            column = next((self.parts[name] for name in names if name in self.parts), 0)
            try:
                yield target, column, self._joined(row, number, target, mended), mended, None
            except CellFault as fault:
                yield target, column, None, mended, fault

    def _cell(self, row: int, column: int, mended: list[str]) -> Cell | None:
        """The cell of a row in a column: its own, a merged one's, or the one above where the mapping says so."""
        cell = self.sheet.rows.get(row, {}).get(column)
        if cell is None or cell.blank:
            at_row, at_column = self.anchors.get((row, column), (row, column))
            held = self.sheet.rows.get(at_row, {}).get(at_column)
            if held is not None and not held.blank and (at_row, at_column) != (row, column):
                if at_column != column:
                    zh = f"与左侧单元格合并（“{held.text}”），无法判断属于哪一列；请取消合并"
                    en = f"merged with a cell to the left ({held.text!r}), so its column is open; undo the merge."
                    raise CellFault("cell.merged", zh + "。", en)
                mended.append("merged")
                cell = held
            elif column in self.fill and column in self.above:
                mended.append("filled_down")
                cell = self.above[column]
        if column in self.fill and cell is not None and not cell.blank:
            self.above[column] = cell
        return cell

    def _joined(self, row: int, number: int, target: str, mended: list[str]) -> Cell | None:
        """The pattern with its headers replaced by their cells; nothing if all of them are empty."""
        texts: dict[str, str] = {NUMBER_SIGN: str(number + 1)}
        for name in self.patterns[target]:
            if name != NUMBER_SIGN:
                cell = self._cell(row, self.parts[name], mended)
                texts[name] = "" if cell is None else " ".join(folded(cell.text, NAME_FORMS, mended).split())
        given = [texts[name] for name in self.patterns[target] if name != NUMBER_SIGN]
        if given and not any(given):
            return None
        if given:
            mended.append("joined")
        return Cell(TEXT, _PLACEHOLDER.sub(lambda found: texts[found[1]], self.one.joined[target]))

    def _split(self, target: str, cell: Cell | None, mended: list[str]) -> list[Cell | None]:
        signs = self.one.split.get(target)
        if not signs or cell is None or cell.kind != TEXT:
            return [cell]
        pattern = "|".join(re.escape(sign.translate(FULL_WIDTH)) for sign in sorted(signs, key=len, reverse=True))
        plain = re.sub(r"\r\n?", "\n", cell.text.translate(FULL_WIDTH))
        parts: list[Cell | None] = [Cell(TEXT, piece) for piece in re.split(pattern, plain) if piece.strip()]
        if len(parts) > 1:
            mended.append("split")
        return parts or [cell]


def _is_one_of(key: str, words: set[str]) -> bool:
    """`注*` stands for every text that begins so, an empty text for an empty cell."""
    return any(key.startswith(word[:-1]) if word.endswith("*") else key == word for word in words)


def _rules(mapping: Mapping, one: SheetMapping, name: str) -> CellRules:
    column = next(column for column in TABLES[one.table] if column.name == name)
    return CellRules(
        table=one.table,
        column=column,
        words={word_key(word): value for word, value in one.words.get(name, {}).items()},
        empty=frozenset(word_key(word) for word in one.empty),
        separators=one.lists.get(name, Separators()),
        decimals=one.decimals.get(name, Decimals()),
        code_places=one.code_places.get(name),
        op_sep=mapping.op_sep,
        verbatim=mapping.verbatim,
    )
