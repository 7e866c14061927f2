"""What a pack is, at a glance: identity, period, options, counts, fingerprint, and its groups by MDC.

In: a loaded pack; out: `PackSummary`, plain data ready for JSON, and text lines in Chinese or English.
It prints nothing and judges nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from engine.packs.load import Pack
from grouper.rules import ordered_children


@dataclass(frozen=True, slots=True)
class MdcRow:
    """One MDC in the order in which it is tried; surgical A–J, procedural K–Q, medical R–Z by the second letter."""

    code: str
    name: str
    adrg_surgical: int
    adrg_procedural: int
    adrg_medical: int
    has_qy: bool
    drg_count: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackSummary:
    """Everything `pack show` says."""

    id: str
    version: str
    kind: str
    area: str
    valid_from: str
    valid_to: str
    chosen_by: str
    dx_system: str
    op_system: str
    source: dict[str, str]
    options: dict[str, Any]
    numeric: tuple[str, ...]
    counts: dict[str, int]
    fingerprint: str
    notices: int
    mdcs: tuple[MdcRow, ...]


def summarise(pack: Pack) -> PackSummary:
    """The pack at a glance."""
    meta, tables = pack.meta, pack.tables
    levels = [node.level for node in tables.nodes]
    degrees = [level for level, _ in tables.complications.values()]
    counts = {
        "mdc": levels.count("MDC"),
        "adrg": levels.count("ADRG"),
        "qy": levels.count("QY"),
        "drg_rules": levels.count("DRG"),
        "drg": len({node.code for node in tables.nodes if node.level == "DRG"}),
        "conditions": len(tables.atoms),
        "lists": len(tables.lists),
        "list_codes": sum(len(one.codes) for one in tables.lists.values()),
        "mcc": degrees.count("MCC"),
        "cc": degrees.count("CC"),
        "exclusions": len(tables.exclusion_of),
        "sites": len(tables.sites),
        "dx_known": len(tables.dx_known),
        "op_known": len(tables.op_known),
        "dx_map": len(tables.dx_map),
        "op_map": len(tables.op_map),
    }
    source = {key: str(value) for key, value in asdict(meta.source).items() if value}
    return PackSummary(
        id=meta.id,
        version=meta.version,
        kind=meta.kind,
        area=meta.area,
        valid_from=str(meta.valid_from or ""),
        valid_to=str(meta.valid_to or ""),
        chosen_by=meta.chosen_by,
        dx_system=meta.dx_system,
        op_system=meta.op_system,
        source=source,
        options=asdict(tables.options),
        numeric=tuple(f"{field.name} [{field.unit}] <- {field.source}" for field in tables.numeric),
        counts=counts,
        fingerprint=pack.fingerprint,
        notices=len(pack.notices),
        mdcs=tuple(_mdc_rows(pack)),
    )


def _mdc_rows(pack: Pack) -> list[MdcRow]:
    children = ordered_children(pack.tables.nodes)
    rows = []
    for mdc in children.get(None, ()):
        below = children.get(mdc.node_id, ())
        letters = [node.code[1:2] for node in below if node.level == "ADRG"]
        drgs = [drg.code for node in below for drg in children.get(node.node_id, ())]
        rows.append(
            MdcRow(
                code=mdc.code,
                name=pack.names.mdc.get(mdc.code, ""),
                adrg_surgical=sum("A" <= letter <= "J" for letter in letters),
                adrg_procedural=sum("K" <= letter <= "Q" for letter in letters),
                adrg_medical=sum("R" <= letter <= "Z" for letter in letters),
                has_qy=any(node.level == "QY" for node in below),
                drg_count=len(set(drgs)),
                groups=tuple(dict.fromkeys(drgs)),
            )
        )
    return rows


def group_table(pack: Pack, mdc_code: str) -> list[tuple[str, str]]:
    """The groups of one MDC with their names, in the order in which they are tried."""
    row = next((row for row in _mdc_rows(pack) if row.code == mdc_code), None)
    if row is None:
        allowed = ", ".join(row.code for row in _mdc_rows(pack))
        raise ValueError(f"pack {pack.meta.id} has no {mdc_code!r}. Allowed: {allowed}.")
    return [(code, pack.names.drg.get(code, "")) for code in row.groups]


_LABELS_ZH = {
    "area": "统筹区",
    "valid": "有效期",
    "chosen_by": "按何日期选用",
    "systems": "编码体系",
    "source": "来源",
    "options": "选项",
    "numeric": "数值字段",
    "counts": "数量",
    "fingerprint": "指纹",
    "notices": "装载提示",
}


def summary_lines(summary: PackSummary, lang: str) -> list[str]:
    """The summary as text lines, the MDC table last."""
    zh = lang == "zh"
    period = f"{summary.valid_from or '…'} – {summary.valid_to or '…'}"
    pairs = {
        "area": summary.area,
        "valid": period,
        "chosen_by": summary.chosen_by,
        "systems": " / ".join(filter(None, (summary.dx_system, summary.op_system))) or "-",
        "source": "; ".join(f"{key}: {value}" for key, value in summary.source.items()) or "-",
        "options": ", ".join(f"{key}={value}" for key, value in summary.options.items()),
        "numeric": ", ".join(summary.numeric),
        "counts": ", ".join(f"{key} {value}" for key, value in summary.counts.items()),
        "fingerprint": summary.fingerprint,
        "notices": str(summary.notices),
    }
    lines = [f"{summary.id} {summary.version} ({summary.kind})"]
    lines += [f"  {_LABELS_ZH[key] if zh else key}: {value}" for key, value in pairs.items()]
    lines.append(
        "  MDC  外科/操作/内科 ADRG  QY  DRG  名称" if zh else "  MDC  ADRG surgical/procedural/medical  QY  DRG  name"
    )
    for row in summary.mdcs:
        adrgs = f"{row.adrg_surgical}/{row.adrg_procedural}/{row.adrg_medical}"
        lines.append(f"  {row.code}  {adrgs:>8}  {'QY' if row.has_qy else '--'}  {row.drg_count:>3}  {row.name}")
    return lines
