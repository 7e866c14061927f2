"""Keys of one [[sheet]] of a mapping file, each checked as it is read 「映射文件的键」.

In: the parsed table and where it stands; out: values of the right type, or problems naming line, key and what is
allowed. A pack column is checked against the schema, a header only against the workbook, later. It reads no cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.packs.dip_schema import TABLES
from engine.packs.keys import KeyReader
from engine.packs.xlsx_expressions import DIAGNOSIS_CELLS, PROCEDURE_CELLS

SHEET_KEYS = (
    *("name", "table", "header_row", "first_row", "last_row", "columns", "joined", "constants", "unused"),
    *("fill_down", "skip", "words", "lists", "split", "decimals", "code_places", "empty"),
)


def written(reader: KeyReader, value: Any, place: tuple[str, ...]) -> str:
    """A value as the text of a table cell; a TOML float is refused, because it is already rounded."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (str, int)):
        return str(value)
    reader.problems.add("key.type", reader.at(*place), f"{place[-1]} = {value!r}; write text or a decimal in quotes.")
    return ""


def texts(reader: KeyReader, table: Mapping[str, Any], key: str, *path: str) -> tuple[str, ...]:
    """A text, or a list of texts; absent = none."""
    value = table.get(key)
    if value is None:
        return ()
    many = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in many):
        reader.problems.add(
            "key.type", reader.at(*path, key), f"{key} = {value!r}; it must be text or a list of texts."
        )
        return ()
    return tuple(many)


class SheetKeys:
    """One [[sheet]]: reads its keys and remembers where they stand."""

    def __init__(self, reader: KeyReader, given: Any, path: tuple[str, ...]) -> None:
        self.reader, self.path = reader, path
        self.given: dict[str, Any] = given if isinstance(given, dict) else {}
        if not isinstance(given, dict):
            self.wrong("name", f"[[sheet]] entry {given!r} must be a table.")
        reader.closed(self.given, SHEET_KEYS, "[[sheet]]", *path)
        reader.needed(self.given, ("name", "table", "header_row"), "[[sheet]]", *path)

    def wrong(self, key: str, text: str) -> None:
        self.reader.problems.add("xlsx.mapping", self.reader.at(*self.path, *key.split(".")), text)

    def _under(self, under: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        table, path = self.given, self.path
        for name in under.split(".") if under else ():
            inner = table.get(name)
            table, path = inner if isinstance(inner, dict) else {}, (*path, name)
        return table, path

    def table(self) -> str | None:
        name = self.reader.typed(self.given, "table", str, *self.path)
        self.reader.one_of(name, tuple(TABLES), *self.path, "table")
        return name if name in TABLES else None

    def texts(self, key: str, *, under: str = "", needed: bool = False) -> tuple[str, ...]:
        table, path = self._under(under)
        found = texts(self.reader, table, key, *path)
        if needed and key in table and not any(one.strip() for one in found):
            self.wrong(key, f"{key} is empty; write it.")
        return found

    def word(self, key: str, allowed: tuple[str, ...], *, under: str) -> str:
        table, path = self._under(under)
        value = self.reader.typed(table, key, str, *path)
        self.reader.one_of(value, allowed, *path, key)
        return value or ""

    def whole(self, key: str, *, under: str = "") -> int | None:
        table, path = self._under(under)
        value = self.reader.typed(table, key, int, *path)
        if value is not None and value < 0:
            self.wrong(key, f"{key} = {value}; write a whole number from 0 on.")
        return value if isinstance(value, int) else None

    def rows(self, key: str) -> tuple[int, ...]:
        """Row numbers as a person counts them: one, or a list from the top."""
        value = self.given.get(key)
        many = value if isinstance(value, list) else [value]
        if value is not None and not (many and all(type(row) is int and row > 0 for row in many)):
            self.wrong(
                key, f"{key} = {value!r}; write the row number as the spreadsheet shows it, or [3, 4] for two lines."
            )
            return ()
        return tuple(sorted(row for row in many if row is not None))

    def of_table(self, key: str, table: str) -> list[str]:
        """The pack columns a sub-table speaks of, those the table really has."""
        given = self.reader.typed(self.given, key, dict, *self.path) or {}
        allowed = tuple(column.name for column in TABLES[table])
        self.reader.closed(given, allowed, f"{key} of table {table}", *self.path, key)
        if key == "lists":
            for column in [column for column in given if (table, column) not in DIAGNOSIS_CELLS | PROCEDURE_CELLS]:
                self.wrong(f"lists.{column}", f"{column} lists no codes; for one row per code use split.")
        return [column for column in given if column in allowed]

    def only(self, place: tuple[str, ...], allowed: tuple[str, ...]) -> None:
        table, path = self._under(".".join(place[:-1]))
        inner = self.reader.typed(table, place[-1], dict, *path) or {}
        self.reader.closed(inner, allowed, ".".join(place), *path, place[-1])

    def columns(self, table: str) -> dict[str, tuple[str, ...]]:
        """Header → pack columns, usually one."""
        given = self.reader.typed(self.given, "columns", dict, *self.path) or {}
        allowed = tuple(column.name for column in TABLES[table])
        found = {}
        for header in given:
            targets = texts(self.reader, given, header, *self.path, "columns")
            for target in targets:
                self.reader.one_of(target, allowed, *self.path, "columns", header)
            found[header] = targets
        return found

    def cells(self, key: str, table: str) -> dict[str, str]:
        """Pack column → text: constants, or patterns of joined columns."""
        given = self.reader.typed(self.given, key, dict, *self.path) or {}
        return {
            column: written(self.reader, given[column], (*self.path, key, column))
            for column in self.of_table(key, table)
        }

    def text_lists(self, key: str) -> dict[str, tuple[str, ...]]:
        given = self.reader.typed(self.given, key, dict, *self.path) or {}
        return {header: texts(self.reader, given, header, *self.path, key) for header in given}

    def words(self, column: str) -> dict[str, str]:
        table, path = self._under("words")
        given = self.reader.typed(table, column, dict, *path) or {}
        return {word: written(self.reader, value, (*path, column, word)) for word, value in given.items()}

    def every_needed(
        self,
        table: str,
        columns: Mapping[str, tuple[str, ...]],
        joined: Mapping[str, str],
        constants: Mapping[str, str],
    ) -> None:
        """Each column of the table has one source at most, and every needed one has one."""
        sources = [target for targets in columns.values() for target in targets] + [*joined, *constants]
        for column in TABLES[table]:
            times = sources.count(column.name)
            if times > 1:
                self.wrong(
                    "columns", f"{column.name} has {times} sources; keep one, or join them in a pattern: joined."
                )
            elif not times and not column.optional:
                self.wrong("columns", f"table {table} needs {column.name}; name its header, or give a constant.")
