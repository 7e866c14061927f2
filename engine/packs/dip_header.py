"""The header of a DIP pack: pack.toml with kind = "dip" 「DIP分组方案说明」.

In: the folder; out: `PackMeta` and the scheme (1.0, 2.0, 3.0). Keys are a closed list; an unknown one is a problem
naming file, line, key and what is allowed. Options of matching stand in the table match_policy, not here.
It reads no table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from engine.packs.dip_errors import DipProblems
from engine.packs.keys import KeyReader
from engine.packs.meta import PackMeta, PackSource
from engine.packs.toml_lines import key_lines

CHOSEN_BY = ("discharge_date", "settlement_date")
SCHEMES = ("1.0", "2.0", "3.0")
_NEEDED = ("id", "kind", "version", "area", "valid_from", "chosen_by", "dx_system", "op_system", "scheme", "source")
_TOP = (*_NEEDED, "valid_to")
_TEXT_KEYS = ("id", "kind", "version", "area", "chosen_by", "dx_system", "op_system")
_SOURCE = ("document", "issued", "url", "note")


def read_dip_header(folder: Path, problems: DipProblems) -> tuple[PackMeta, str] | None:
    """Identity and scheme of the pack in this folder, or None with the reasons in `problems`."""
    path = folder / "pack.toml"
    if not path.exists():
        problems.add("pack.absent", folder.name, "no pack.toml here; give the folder that holds one.")
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.add("file.unreadable", path.name, f"{error}. Mend it as TOML in UTF-8.")
        return None
    reader = KeyReader(path.name, key_lines(text), problems)
    before = len(problems.found)
    reader.closed(data, _TOP, "pack.toml")
    reader.needed(data, _NEEDED, "pack.toml")
    texts = {key: reader.typed(data, key, str) or "" for key in _TEXT_KEYS}
    if texts["kind"] and texts["kind"] != "dip":
        problems.add("pack.kind", reader.at("kind"), f'kind = {texts["kind"]!r}; this loader reads kind = "dip".')
    reader.one_of(texts["chosen_by"] or None, CHOSEN_BY, "chosen_by")
    scheme = reader.typed(data, "scheme", str)
    reader.one_of(scheme, SCHEMES, "scheme")
    valid_from, valid_to = reader.typed(data, "valid_from", date), reader.typed(data, "valid_to", date)
    if valid_from and valid_to and valid_from > valid_to:
        what = f"valid_from {valid_from} is after valid_to {valid_to}; both days count."
        problems.add("date.order", reader.at("valid_to"), what)
    source = _source(reader, data)
    if len(problems.found) > before or source is None or scheme is None:
        return None
    return PackMeta(valid_from=valid_from, valid_to=valid_to, source=source, **texts), scheme


def _source(reader: KeyReader, data: Mapping[str, Any]) -> PackSource | None:
    table = reader.typed(data, "source", dict)
    if table is None:
        return None
    reader.closed(table, _SOURCE, "source", "source")
    reader.needed(table, ("document",), "source", "source")
    texts = {key: reader.typed(table, key, str, "source") or "" for key in ("document", "url", "note")}
    return PackSource(issued=reader.typed(table, "issued", date, "source"), **texts)
