"""The names a pack shows beside its codes, and where they come from when it brings none.

In: name tables of the pack; out: `PackNames`. MDCs fall back to the national wording, ADRGs to what the names of their
DRGs have in common. A name decides nothing, and a borrowed one is no part of the fingerprint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.packs.mdc_names import MDC_NAMES_ZH

_COMPLICATION_PART = re.compile(r"[，,](不伴|伴).*$")
_LOOSE_END = "，,、（(；; 　不伴"
"""What a shared beginning may be left with: the comma and the first words of `，伴…` and `，不伴…`."""
_SHARED_MIN = 2


@dataclass(frozen=True, slots=True)
class PackNames:
    """Names by code, to be shown."""

    drg: Mapping[str, str]
    adrg: Mapping[str, str]
    mdc: Mapping[str, str]
    dx: Mapping[str, str]
    op: Mapping[str, str]


def names_from(tables: Mapping[str, Mapping[str, str]]) -> PackNames:
    """The names to show, from the pack's own name tables by stem."""
    drg = tables.get("drg_names", {})
    return PackNames(
        drg=drg,
        adrg={**adrg_names_of(drg), **tables.get("adrg_names", {})},
        mdc={**MDC_NAMES_ZH, **tables.get("mdc_names", {})},
        dx=tables.get("dx_names", {}),
        op=tables.get("op_names", {}),
    )


def adrg_names_of(drg_names: Mapping[str, str]) -> dict[str, str]:
    """ADRG → the beginning its DRG names share, without the part about complications.

        FR41 冠状动脉粥样硬化，伴严重并发症 · FR45 冠状动脉粥样硬化，不伴并发症  →  FR4 冠状动脉粥样硬化

    DRGs whose names share nothing leave their ADRG without a name.
    """
    by_adrg: dict[str, list[str]] = {}
    for code, name in drg_names.items():
        by_adrg.setdefault(code[:3], []).append(_COMPLICATION_PART.sub("", name.strip()))
    shared = {}
    for adrg, names in by_adrg.items():
        name = names[0] if len(set(names)) == 1 else _beginning(names).rstrip(_LOOSE_END)
        if len(name) >= _SHARED_MIN:
            shared[adrg] = name
    return shared


def _beginning(names: list[str]) -> str:
    """What all names begin with; the first and the last in order differ the most."""
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length]
