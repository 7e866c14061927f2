"""The fingerprint of a rule pack: sha256 over what it says, not over how its files are written.

In: header, tables and names as loaded; out: 64 hex digits. The same pack as CSV and as Parquet, with rows or files in
another order, has the same fingerprint; any change of a code, a bound, an option, a name or a date changes it.
It knows no file and no path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.packs.meta import PackMeta
    from grouper.tables import DrgTables

FORMAT = "dianzhi pack fingerprint 1"
"""Part of what is hashed: a change of the canonical form below gets another number, never a silent new meaning."""


def fingerprint(meta: PackMeta, tables: DrgTables, names: Mapping[str, Mapping[str, str]]) -> str:
    """sha256 of the canonical content; `names` holds the name tables the pack itself brings."""
    digest = hashlib.sha256(FORMAT.encode())
    for section, content in _sections(meta, tables, names):
        data = json.dumps([section, content], ensure_ascii=False, separators=(",", ":"), default=str)
        digest.update(data.encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()


def _sections(
    meta: PackMeta, tables: DrgTables, names: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, list[Any]]]:
    yield "meta", sorted(asdict(meta).items())
    yield "options", sorted(asdict(tables.options).items())
    yield "numeric", sorted([f.name, f.unit, f.source, f.null_allowed] for f in tables.numeric)
    yield "text", sorted(tables.text_fields.items())
    nodes = sorted(tables.nodes, key=lambda n: n.node_id)
    yield "nodes", [[n.node_id, n.parent_id, n.level, n.seq, n.code, n.variant] for n in nodes]
    atoms = sorted(tables.atoms, key=lambda a: (a.node_id, a.clause, a.atom))
    yield "atoms", [[a.node_id, a.clause, a.atom, a.var, a.op, a.list_id, a.lo, a.hi] for a in atoms]
    for list_id in sorted(tables.lists):
        one = tables.lists[list_id]
        yield "list", [list_id, one.kind, one.name, sorted(one.codes)]
    for section, mapping in (
        ("complications", tables.complications),
        ("exclusion_of", tables.exclusion_of),
        ("sites", tables.sites),
        ("dx_map", tables.dx_map),
        ("op_map", tables.op_map),
        *((f"names.{kind}", table) for kind, table in sorted(names.items())),
    ):
        ordered = sorted(mapping.items())
        yield section, [[k for k, _ in ordered], [v for _, v in ordered]]
