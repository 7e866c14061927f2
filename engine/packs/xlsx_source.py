"""What an export needs of a pack, DIP or DRG alike 「导出来源」: identity, options, tables with typed columns.

In: a pack folder; out: `ExportSource`, or the loader's `PackError`. The pack is loaded whole first, so only a pack that
may be used is exported. Values are those the loader holds: whole numbers for decimals, text for codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from engine.packs import dip_schema, schema
from engine.packs.errors import Problems
from engine.packs.kind import kind_of_pack
from engine.packs.meta import PackMeta
from engine.packs.xlsx_names import OPTIONS_ZH, TABLES_ZH


@dataclass(frozen=True)
class ExportTable:
    """One table: (column, type, words) in the order of the schema, and its cells by column."""

    stem: str
    file: str
    columns: tuple[tuple[str, str, tuple[str, ...]], ...]
    cells: Mapping[str, list[Any]]
    height: int
    lines: tuple[int, ...] | None

    def at(self, row: int, column: str) -> str:
        """Where a cell stands in the pack."""
        place = f"{self.file}:{self.lines[row]}" if self.lines is not None else f"{self.file} row {row + 1}"
        return f"{place} {column}".rstrip()


@dataclass(frozen=True)
class ExportSource:
    """A pack as the export sees it. `header`: the text of pack.toml for a pack the import reads back, else None."""

    meta: PackMeta
    scheme: str
    fingerprint: str
    options: tuple[tuple[str, str, str, bool], ...]
    """(key, Chinese name, value, as by default)."""
    tables: tuple[ExportTable, ...]
    header: str | None


def read_source(folder: Path) -> ExportSource:
    """The pack in a folder. Raises `PackError` with everything that is wrong with it."""
    return _dip(folder) if kind_of_pack(folder) == "dip" else _drg(folder)


def _dip(folder: Path) -> ExportSource:
    from engine.packs.dip_load import load_dip_pack

    pack = load_dip_pack(folder)
    tables = []
    for stem in (stem for stem in TABLES_ZH if stem in pack.sources):
        table = pack.sources[stem]
        columns = tuple(
            (column.name, column.type, column.words)
            for column in dip_schema.TABLES[stem]
            if not column.optional or any(cell is not None for cell in table.columns.get(column.name, ()))
        )
        tables.append(_table(stem, table.file, columns, table.columns, table.height, table.lines))
    defaults = type(pack.tables.options)()
    options = tuple(
        (one.name, OPTIONS_ZH.get(one.name, one.name), _option(value), value == getattr(defaults, one.name))
        for one in fields(pack.tables.options)
        for value in [getattr(pack.tables.options, one.name)]
    )
    header = (folder / "pack.toml").read_bytes().decode("utf-8")
    return ExportSource(pack.meta, pack.scheme, pack.fingerprint, options, tuple(tables), header)


def _drg(folder: Path) -> ExportSource:
    from engine.packs.load import load_pack
    from engine.packs.read_tables import read_tables
    from grouper.tables import DrgOptions

    pack = load_pack(folder)
    found = read_tables(folder, Problems(folder.name))
    tables = []
    for stem in (stem for stem in TABLES_ZH if stem in found):
        table = found[stem]
        columns = tuple((c.name, c.type, ()) for c in schema.TABLES[stem] if c.name in table.columns)
        tables.append(_table(stem, table.file, columns, table.columns, table.height, table.lines))
    defaults = asdict(DrgOptions())
    options = tuple(
        (key, OPTIONS_ZH.get(key, key), _option(value), value == defaults[key])
        for key, value in asdict(pack.tables.options).items()
    )
    return ExportSource(pack.meta, "", pack.fingerprint, options, tuple(tables), None)


def _table(stem: str, file: str, columns: Any, cells: Mapping[str, list[Any]], height: int, lines: Any) -> ExportTable:
    whole = {name: list(cells.get(name) or [None] * height) for name, _, _ in columns}
    return ExportTable(stem, file, columns, whole, height, None if lines is None else tuple(lines))


def _option(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
