"""The mapping file 「映射文件」: which sheet is which table, which header which column, and how its cells are written.

In: a TOML file; out: `Mapping`, or a `PackError` naming file, line, key and what is allowed. Sheets are read in the
order they stand here; one sheet may stand several times, for several tables. What no workbook holds (options, layers,
the header of the pack) stands here too, so that mapping and workbook together are the pack. It opens no workbook.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.packs.dip_schema import TABLES
from engine.packs.errors import nearest
from engine.packs.keys import KeyReader
from engine.packs.xlsx_errors import XlsxProblems
from engine.packs.xlsx_expressions import DIAGNOSIS_CELLS, Separators
from engine.packs.xlsx_mapping_keys import SheetKeys, texts, written
from engine.packs.xlsx_values import Decimals
from grouper.dip_expression import SEPARATORS

_TOP = ("header", "pack", "verbatim", "leave", "empty", "options", "rows", "files", "sheet")


@dataclass(frozen=True)
class SheetMapping:
    """One [[sheet]]: where the table stands and what its cells mean. Column names on the right are the pack's."""

    place: tuple[str, ...]
    names: tuple[str, ...]
    table: str
    header_rows: tuple[int, ...]
    first_row: int
    last_row: int | None
    columns: MappingOf[str, tuple[str, ...]]
    joined: MappingOf[str, str] = field(default_factory=dict)
    constants: MappingOf[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    fill_down: tuple[str, ...] = ()
    skip: MappingOf[str, tuple[str, ...]] = field(default_factory=dict)
    words: MappingOf[str, MappingOf[str, str]] = field(default_factory=dict)
    lists: MappingOf[str, Separators] = field(default_factory=dict)
    split: MappingOf[str, tuple[str, ...]] = field(default_factory=dict)
    decimals: MappingOf[str, Decimals] = field(default_factory=dict)
    code_places: MappingOf[str, int] = field(default_factory=dict)
    empty: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mapping:
    """The whole file. `header`: text of pack.toml as it stands, or the keys of [pack]."""

    path: Path
    lines: MappingOf[tuple[str, ...], int]
    header: str | MappingOf[str, Any]
    verbatim: bool
    leave: tuple[str, ...]
    rows: MappingOf[str, Sequence[MappingOf[str, str]]]
    """Rows written here, by table; [options] are rows of match_policy."""
    row_places: MappingOf[str, Sequence[tuple[str, ...]]]
    files: MappingOf[str, Path]
    sheets: tuple[SheetMapping, ...]

    def at(self, *place: str) -> str:
        """`m.toml:12`: the line of a key, or of the nearest table around it."""
        line = next((self.lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in self.lines), None)
        return f"{self.path.name}:{line}" if line else self.path.name

    @property
    def op_sep(self) -> str:
        """The sign that joins procedures in the pack: option op_sep, else the default of the grammar."""
        given = (row.get("value", "") for row in self.rows.get("match_policy", ()) if row.get("key") == "op_sep")
        return next(given, "+")


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises `PackError` with everything that is wrong with it."""
    problems = XlsxProblems(path.name)
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.add("file.unreadable", path.name, f"{error}. Mend it as TOML in UTF-8.")
        problems.raise_if_any()
        raise AssertionError("unreachable: a file that cannot be read is a problem") from error
    lines = mapping_lines(text)
    reader = KeyReader(path.name, lines, problems)
    reader.closed(data, _TOP, path.name)
    if ("header" in data) == ("pack" in data):
        problems.add("key.missing", path.name, "write either [pack] with the facts of pack.toml, or header, its text.")
    header = reader.typed(data, "header", str) if "header" in data else reader.typed(data, "pack", dict)
    rows, places = _rows(data, reader)
    files = _files(data, path.parent, reader)
    empty = texts(reader, data, "empty")
    sheets = []
    for index, given in enumerate(reader.typed(data, "sheet", list) or []):
        one = SheetKeys(reader, given, ("sheet", str(index)))
        sheets.append(_sheet(one, empty))
    _tables_once(rows, files, sheets, reader)
    for row, place in zip(rows.get("match_policy", ()), places.get("match_policy", ()), strict=True):
        if row.get("key") == "op_sep":
            reader.one_of(row.get("value", ""), SEPARATORS, *place, "op_sep")
    problems.raise_if_any()
    assert header is not None, "a header of the wrong type leaves a problem"
    verbatim = bool(reader.typed(data, "verbatim", bool))
    leave = texts(reader, data, "leave")
    problems.raise_if_any()
    found = tuple(sheet for sheet in sheets if sheet is not None)
    return Mapping(path, lines, header, verbatim, leave, rows, places, files, found)


def _sheet(keys: SheetKeys, empty: tuple[str, ...]) -> SheetMapping | None:
    table = keys.table()
    names = keys.texts("name", needed=True)
    header_rows = keys.rows("header_row")
    if table is None or not names or not header_rows:
        return None
    kinds = {column.name: column.type for column in TABLES[table]}
    columns = keys.columns(table)
    joined, constants = keys.cells("joined", table), keys.cells("constants", table)
    keys.every_needed(table, columns, joined, constants)
    one = SheetMapping(
        place=keys.path,
        names=names,
        table=table,
        header_rows=header_rows,
        first_row=keys.whole("first_row") or header_rows[-1] + 1,
        last_row=keys.whole("last_row"),
        columns=columns,
        joined=joined,
        constants=constants,
        unused=keys.texts("unused"),
        fill_down=keys.texts("fill_down"),
        skip=keys.text_lists("skip"),
        words={column: keys.words(column) for column in keys.of_table("words", table)},
        lists={column: _separators(keys, table, column) for column in keys.of_table("lists", table)},
        split={column: keys.texts(column, under="split") for column in keys.of_table("split", table)},
        decimals={column: _decimals(keys, column, kinds) for column in keys.of_table("decimals", table)},
        code_places={
            column: keys.whole(column, under="code_places") or 0 for column in keys.of_table("code_places", table)
        },
        empty=keys.texts("empty") or empty,
    )
    if len(one.split) > 1:
        keys.wrong("split", "only one column of a table can be split into rows; keep one.")
    if one.first_row <= header_rows[-1]:
        keys.wrong("first_row", f"first_row {one.first_row} lies above the header in row {header_rows[-1]}.")
    return one


def _separators(keys: SheetKeys, table: str, column: str) -> Separators:
    keys.only(("lists", column), ("and", "or", "range", "tighter"))
    given = {name: keys.texts(name, under=f"lists.{column}") for name in ("and", "or", "range")}
    if given["and"] and (table, column) in DIAGNOSIS_CELLS:
        keys.wrong(f"lists.{column}", f"{column} holds diagnoses, of which any one counts; it knows no sign for and.")
    return Separators(
        given["and"], given["or"], given["range"], keys.word("tighter", ("and", "or"), under=f"lists.{column}")
    )


def _decimals(keys: SheetKeys, column: str, kinds: MappingOf[str, str]) -> Decimals:
    under = f"decimals.{column}"
    keys.only(("decimals", column), ("places", "round", "times"))
    if kinds.get(column) not in ("int", "e4", "e6", "fen"):
        keys.wrong(under, f"{column} holds no numbers; decimals belong to columns of numbers.")
    rounding = keys.word("round", ("refuse", "half_up"), under=under) or "refuse"
    times = keys.texts("times", under=under) or ("1",)
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", times[0]):
        keys.wrong(f"{under}.times", f'times = {times[0]!r}; write a plain decimal in quotes, like "10000" or "0.01".')
    return Decimals(keys.whole("places", under=under), rounding, times[0])


def _rows(
    data: MappingOf[str, Any], reader: KeyReader
) -> tuple[dict[str, list[dict[str, str]]], dict[str, list[tuple[str, ...]]]]:
    """Rows written in the mapping, and the key path of each."""
    rows: dict[str, list[dict[str, str]]] = {}
    places: dict[str, list[tuple[str, ...]]] = {}
    for key, value in (reader.typed(data, "options", dict) or {}).items():
        text = written(reader, value, ("options", key))
        rows.setdefault("match_policy", []).append({"key": key, "value": text})
        places.setdefault("match_policy", []).append(("options", key))
    for table, entries in (reader.typed(data, "rows", dict) or {}).items():
        if table not in TABLES:
            what = f"no such table {table!r}.{nearest(table, list(TABLES))} Allowed: {', '.join(TABLES)}."
            reader.problems.add("key.unknown", reader.at("rows", table), what)
            continue
        allowed = tuple(column.name for column in TABLES[table])
        for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            place = ("rows", table, str(number))
            if not isinstance(entry, dict):
                reader.problems.add(
                    "key.type", reader.at(*place), f"{table}: {entry!r} is no row; write {{column = value}}."
                )
                continue
            reader.closed(entry, allowed, f"rows.{table}", *place)
            row = {name: written(reader, value, (*place, name)) for name, value in entry.items()}
            rows.setdefault(table, []).append(row)
            places.setdefault(table, []).append(place)
    return rows, places


def _files(data: MappingOf[str, Any], folder: Path, reader: KeyReader) -> dict[str, Path]:
    """Tables taken over as they are from CSV or Parquet files beside the mapping."""
    found: dict[str, Path] = {}
    given = reader.typed(data, "files", dict) or {}
    reader.closed(given, tuple(TABLES), "files", "files")
    for table, name in given.items():
        path = folder / str(name)
        if path.suffix not in (".csv", ".parquet") or not path.is_file():
            what = f"{table} = {name!r}: no such .csv or .parquet file, seen from the folder of the mapping."
            reader.problems.add("xlsx.mapping", reader.at("files", table), what)
        found[table] = path
    return found


def _tables_once(
    rows: MappingOf[str, Any], files: MappingOf[str, Path], sheets: Sequence[SheetMapping | None], reader: KeyReader
) -> None:
    """A file is a whole table; sheets and rows may make one together."""
    for table in files:
        if table in rows or any(sheet is not None and sheet.table == table for sheet in sheets):
            what = f"table {table} comes from a file and from elsewhere in this mapping; keep one of the two."
            reader.problems.add("xlsx.mapping", reader.at("files", table), what)


_HEADING = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:\"[^\"]*\"|'[^']*'|[^\s=\"'#\[\]{},]+))\s*=")


def mapping_lines(text: str) -> dict[tuple[str, ...], int]:
    """Key path → line. `[sheet.columns]` belongs to the `[[sheet]]` above it: ("sheet", "1", "columns")."""
    found: dict[tuple[str, ...], int] = {}
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if heading := _HEADING.match(line):
            name = tuple(part.strip("\"' ") for part in heading[2].split("."))
            if heading[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                table = (*name, str(counts[name]))
            else:
                known = next((name[:n] for n in range(len(name), 0, -1) if name[:n] in counts), ())
                table = (*known, str(counts[known]), *name[len(known) :]) if known else name
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            name = (key[1][1:-1],) if key[1][0] in "\"'" else tuple(key[1].split("."))
            for length in range(1, len(name) + 1):
                found.setdefault((*table, *name[:length]), number)
    return found
