"""The pack.json of the published rule tables, read as a header.

In: pack.json; out: `Header` with version "1", area "CN" and no period: these files name no more than that.
Row counts and the order of MDCs are told twice there; both are compared with the tables.
It reads no table.
"""

from __future__ import annotations

import json
from pathlib import Path

from engine.packs.errors import Problems
from engine.packs.keys import OPTION_TYPES, KeyReader, read_options
from engine.packs.meta import Header, Notice, PackMeta, PackSource
from grouper.tables import STANDARD_NUMERIC

_JSON_KEYS = (
    "pack",
    "name",
    "scheme",
    "mdc_order",
    "qy_mode",
    "retry_with_each_secondary_op_when_ungrouped",
    "ungrouped_code",
    "failed_check_codes",
    "zero_weight_is_missing",
    "validation_profile",
    "extra_fields",
    "dropped_nodes",
    "rows",
)
_EXTRA_FIELDS = {"icuHours": "icu_hours", "icu_hours": "icu_hours"}
"""Fields a published rule set says it reads → our name. Others are told, and fail only when a rule uses them."""


def read_published(path: Path, problems: Problems) -> Header | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        problems.add("file.unreadable", path.name, f"{error}. Mend it as JSON in UTF-8.")
        return None
    if not isinstance(data, dict):
        problems.add("key.type", path.name, "the file must hold one object {…}.")
        return None
    lines: dict[tuple[str, ...], int] = {
        (key,): n for n, line in enumerate(text.splitlines(), 1) for key in data if f'"{key}":' in line
    }
    reader = KeyReader(path.name, lines, problems)
    before = len(problems.found)
    reader.closed(data, _JSON_KEYS, "pack.json")
    reader.needed(data, ("pack", "scheme"), "pack.json")
    name, scheme = reader.typed(data, "pack", str) or "", reader.typed(data, "scheme", str) or ""
    options = read_options(reader, {key: data[key] for key in OPTION_TYPES if key in data})
    order = reader.typed(data, "mdc_order", list)
    rows = reader.typed(data, "rows", dict) or {}
    extra = reader.typed(data, "extra_fields", list) or []
    if len(problems.found) > before or options is None:
        return None
    meta = PackMeta(name, "drg", "1", "CN", None, None, "discharge_date", "", "", PackSource(document=scheme))
    notices = tuple(
        Notice(
            "field.unknown",
            reader.at("extra_fields"),
            f"方案声明读取字段 {item}，引擎不知其来源；规则若用到它须在 pack.toml 的 [[numeric]] 中声明。",
            f"the pack says it reads {item!r}, whose source column is unknown; declare it in pack.toml [[numeric]].",
        )
        for item in extra
        if item not in _EXTRA_FIELDS
    )
    return Header(meta, options, STANDARD_NUMERIC, rows, tuple(order) if order else None, notices)
