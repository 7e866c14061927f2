"""The header of a rule pack: pack.toml, or the pack.json of the published rule tables.

In: the folder; out: `Header`: who, where, when, the options from a closed list, the numeric fields declared.
An unknown key or option is a problem naming file, line, key and what is allowed; nothing is guessed.
It reads no table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from engine.packs.errors import Problems
from engine.packs.keys import KeyReader, read_options
from engine.packs.meta import Header, PackMeta, PackSource
from engine.packs.published import read_published
from engine.packs.schema import CHOSEN_BY, KINDS
from engine.packs.toml_lines import key_lines
from grouper.tables import COUNT_VARS, DX_VARS, FLAG_VARS, OP_VARS, STANDARD_NUMERIC, STANDARD_TEXT, NumericField

_NEEDED = ("id", "kind", "version", "area", "valid_from", "chosen_by", "dx_system", "op_system", "source")
_TOP = (*_NEEDED, "valid_to", "options", "numeric")
_TEXT_KEYS = ("id", "kind", "version", "area", "chosen_by", "dx_system", "op_system")
_SOURCE = ("document", "issued", "url", "note")
_NUMERIC = ("name", "unit", "from", "null_allowed")
RESERVED_NAMES = (*DX_VARS, *OP_VARS, *FLAG_VARS, *COUNT_VARS, *STANDARD_TEXT)


def read_header(folder: Path, problems: Problems) -> Header | None:
    """The header of the pack in this folder, or None if it is too broken to go on with."""
    toml, published = folder / "pack.toml", folder / "pack.json"
    if toml.exists() and published.exists():
        problems.add("pack.both", folder.name, "pack.toml and pack.json stand side by side; keep one of the two.")
        return None
    if toml.exists():
        return _read_toml(toml, problems)
    if published.exists():
        return read_published(published, problems)
    problems.add("pack.absent", folder.name, "neither pack.toml nor pack.json here; give the folder that holds one.")
    return None


def _read_toml(path: Path, problems: Problems) -> Header | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.add("file.unreadable", path.name, f"{error}. Mend it as TOML in UTF-8.")
        return None
    reader = KeyReader(path.name, key_lines(text), problems)
    if data.get("kind") == "dip":
        text = f"kind = 'dip': DIP catalogues are not read by this loader. Allowed: {', '.join(KINDS)}."
        problems.add("pack.kind", reader.at("kind"), text)
        return None
    before = len(problems.found)
    reader.closed(data, _TOP, "pack.toml")
    reader.needed(data, _NEEDED, "pack.toml")
    texts = {key: reader.typed(data, key, str) or "" for key in _TEXT_KEYS}
    reader.one_of(texts["kind"] or None, KINDS, "kind")
    reader.one_of(texts["chosen_by"] or None, CHOSEN_BY, "chosen_by")
    valid_from, valid_to = reader.typed(data, "valid_from", date), reader.typed(data, "valid_to", date)
    if valid_from and valid_to and valid_from > valid_to:
        where = reader.at("valid_to")
        problems.add("date.order", where, f"valid_from {valid_from} is after valid_to {valid_to}; both days count.")
    source = _source(reader, data)
    options = read_options(reader, reader.typed(data, "options", dict) or {})
    numeric = _numeric(reader, reader.typed(data, "numeric", list) or [])
    if len(problems.found) > before or source is None or options is None:
        return None
    meta = PackMeta(valid_from=valid_from, valid_to=valid_to, source=source, **texts)
    return Header(meta, options, numeric)


def _source(reader: KeyReader, data: Mapping[str, Any]) -> PackSource | None:
    table = reader.typed(data, "source", dict)
    if table is None:
        return None
    reader.closed(table, _SOURCE, "source", "source")
    reader.needed(table, ("document",), "source", "source")
    texts = {key: reader.typed(table, key, str, "source") or "" for key in ("document", "url", "note")}
    return PackSource(issued=reader.typed(table, "issued", date, "source"), **texts)


def _numeric(reader: KeyReader, entries: list[Any]) -> tuple[NumericField, ...]:
    """The standard fields, then the declared ones; declaring a standard name again changes its source column."""
    fields = {standard.name: standard for standard in STANDARD_NUMERIC}
    declared: set[str] = set()
    for index, entry in enumerate(entries):
        path = ("numeric", str(index))
        if not isinstance(entry, dict):
            reader.problems.add("key.type", reader.at(*path), f"[[numeric]] entry {entry!r} must be a table.")
            continue
        reader.closed(entry, _NUMERIC, "[[numeric]]", *path)
        reader.needed(entry, ("name", "unit", "from"), "[[numeric]]", *path)
        name, unit, source = (reader.typed(entry, key, str, *path) for key in ("name", "unit", "from"))
        allowed = reader.typed(entry, "null_allowed", bool, *path)
        if name is None or unit is None or source is None:
            continue
        if name in RESERVED_NAMES or not name.isidentifier():
            text = f"{name!r} cannot name a numeric field: use a plain word other than {', '.join(RESERVED_NAMES)}."
            reader.problems.add("numeric.name", reader.at(*path, "name"), text)
        elif name in declared:
            reader.problems.add("numeric.name", reader.at(*path, "name"), f"{name!r} is declared twice; keep one.")
        declared.add(name)
        fields[name] = NumericField(name, unit, source, True if allowed is None else allowed)
    return tuple(fields.values())
