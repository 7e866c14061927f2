"""What a DIP catalogue is, in a page 「查看DIP目录」: source, validity, options, rows per layer and table.

In: a pack folder; out: lines for a terminal. It judges nothing: that is the linter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

from engine.packs.dip_load import load_dip_pack


def dip_summary_lines(folder: Path) -> list[str]:
    """Header, options, counts and bands of a catalogue."""
    pack = load_dip_pack(folder)
    meta, tables = pack.meta, pack.tables
    layers = Counter(group.layer for group in tables.groups)
    lines = [
        f"{meta.id} {meta.version} (dip {pack.scheme})",
        f"  area: {meta.area}",
        f"  valid: {meta.valid_from or '…'} – {meta.valid_to or '…'} by {meta.chosen_by}",
        f"  systems: {meta.dx_system} / {meta.op_system}",
        f"  source: {meta.source}",
        f"  fingerprint: {pack.fingerprint}",
        f"  groups: {len(tables.groups)} ({', '.join(f'{name} {count}' for name, count in layers.items())})",
        f"  auxiliary rows: {len(tables.auxiliary)}; procedures typed: {len(tables.procedures)}; "
        f"complications: {len(tables.complications)}",
        f"  choice order: {' → '.join(_choice(c) for c in tables.choices)}",
        f"  tie breaks: {' → '.join(rule.rule for rule in tables.tie_rules)}",
        "  options:",
        *(f"    {name}: {value}" for name, value in asdict(tables.options).items()),
        "  deviation bands:",
        *(f"    {band.label}: {band.formula}" for band in pack.scoring.bands),
    ]
    return lines


def _choice(choice: object) -> str:
    layer, kind = getattr(choice, "layer", ""), getattr(choice, "op_type", None)
    return layer if kind is None else f"{layer}/{kind.name.lower()}"
