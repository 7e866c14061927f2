"""Gathered tables as the files of a pack folder 「写出方案目录」, remembering which line holds which row.

In: an empty folder, the mapping, the tables; out: pack.toml, one CSV a table, files taken over as they are, and the
lines of each. Columns stand in the order of the schema, and only those that hold something. It checks nothing: the
loader does.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from engine.packs.dip_schema import TABLES
from engine.packs.xlsx_mapping import Mapping
from engine.packs.xlsx_rows import Table


@dataclass
class Written:
    """Where things stand in the files written."""

    header_keys: dict[int, str] = field(default_factory=dict)
    """Line of pack.toml → key of [pack]; empty if the mapping holds the text itself."""
    line_ends: dict[str, list[int]] = field(default_factory=dict)
    """By table: the last line of each row, as a CSV reader counts."""


def write_tables(folder: Path, mapping: Mapping, tables: MappingOf[str, Table]) -> Written:
    """Everything the pack consists of."""
    written = Written()
    if isinstance(mapping.header, str):
        text = mapping.header
    else:
        lines = [f"{key} = {_toml(value)}" for key, value in mapping.header.items()]
        written.header_keys = dict(enumerate(mapping.header, start=1))
        text = "\n".join(lines) + "\n"
    (folder / "pack.toml").write_bytes(text.encode("utf-8"))
    for stem, table in tables.items():
        written.line_ends[stem] = _write_csv(folder / f"{stem}.csv", stem, table.rows)
    for stem, source in mapping.files.items():
        shutil.copyfile(source, folder / f"{stem}{source.suffix}")
    return written


def _write_csv(path: Path, stem: str, rows: list[dict[str, str]]) -> list[int]:
    present = {name for row in rows for name, value in row.items() if value}
    names = [column.name for column in TABLES[stem] if column.name in present or not column.optional]
    names = names or [TABLES[stem][0].name]
    ends: list[int] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_line(names))
        line = 1
        for row in rows:
            text = _line([row.get(name, "") for name in names])
            file.write(text)
            line += len(text.splitlines())
            ends.append(line)
    return ends


def _line(cells: list[str]) -> str:
    """One CSV record; quoted throughout if a cell holds a sign that ends a line for some reader."""
    buffer = io.StringIO()
    plain = all(cell.splitlines() in ([], [cell]) for cell in cells)
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_MINIMAL if plain else csv.QUOTE_ALL).writerow(cells)
    return buffer.getvalue()


def _toml(value: Any) -> str:
    """A value of [pack] as TOML again."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (str, bool, int, float)):
        return toml_text(value) if isinstance(value, str) else json.dumps(value)
    return toml_text(str(value))


def toml_text(text: str) -> str:
    """A TOML basic string; JSON writes the same escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
