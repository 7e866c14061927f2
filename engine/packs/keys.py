"""Keys of a pack header: allowed or not, present or not, of the right type; each problem with its line.

In: a parsed TOML or JSON table and the lines of its keys; out: values, or problems that name file, line, key and
what is allowed. Shared by the two forms of a header. It knows no key by name except the options, a closed list.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from engine.packs.errors import Problems, nearest
from engine.packs.schema import OPTION_VALUES
from grouper.tables import DrgOptions

OPTION_TYPES: dict[str, type] = {
    "validation_profile": str,
    "code_mapping": bool,
    "retry_with_each_secondary_op_when_ungrouped": bool,
    "zero_weight_is_missing": bool,
    "ungrouped_code": str,
    "failed_check_codes": list,
}
"""The options of a DRG pack: a closed list, each with its type in the file."""


class KeyReader:
    """One file of keys: remembers the file name and where each key stands."""

    def __init__(self, file: str, lines: Mapping[tuple[str, ...], int], problems: Problems) -> None:
        self.file = file
        self.lines = lines
        self.problems = problems

    def at(self, *path: str) -> str:
        line = next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), None)
        return f"{self.file}:{line}" if line else self.file

    def closed(self, table: Mapping[str, Any], allowed: tuple[str, ...], where: str, *path: str) -> None:
        for key in table:
            if key not in allowed:
                text = f"unknown key {key!r} in {where}.{nearest(key, allowed)} Allowed: {', '.join(allowed)}."
                self.problems.add("key.unknown", self.at(*path, key), text)

    def needed(self, table: Mapping[str, Any], keys: tuple[str, ...], where: str, *path: str) -> None:
        for key in keys:
            if key not in table:
                self.problems.add("key.missing", self.at(*path), f"{where} has no {key!r}; write it.")

    def typed(self, table: Mapping[str, Any], key: str, kind: type, *path: str) -> Any:
        """The value of a key, or None (with a problem) if it is of another type."""
        value = table.get(key)
        if value is None:
            return None
        if type(value) is not kind or (isinstance(value, str) and not value.strip()):
            wanted = {str: "text in quotes", bool: "true or false", list: "a list", date: "a date without quotes"}
            text = f"{key} = {value!r}; it must be {wanted.get(kind, kind.__name__)}."
            self.problems.add("key.type", self.at(*path, key), text)
            return None
        return value

    def one_of(self, value: str | None, allowed: tuple[str, ...], *path: str) -> None:
        if value is not None and value not in allowed:
            text = f"{path[-1]} = {value!r}.{nearest(value, allowed)} Allowed: {', '.join(allowed)}."
            self.problems.add("key.value", self.at(*path), text)


def read_options(reader: KeyReader, table: Mapping[str, Any]) -> DrgOptions | None:
    reader.closed(table, tuple(OPTION_TYPES), "[options]", "options")
    given: dict[str, Any] = {}
    for key, kind in OPTION_TYPES.items():
        value = reader.typed(table, key, kind, "options")
        if value is None:
            continue
        if key in OPTION_VALUES:
            reader.one_of(value, OPTION_VALUES[key], "options", key)
        if key == "failed_check_codes":
            if len(value) != 3 or not all(isinstance(code, str) for code in value):
                where = reader.at("options", key)
                reader.problems.add("key.value", where, f"{key} = {value!r}; write three texts: mdc, adrg, drg.")
                continue
            value = tuple(value)
        given[key] = value
    return DrgOptions(**given)
