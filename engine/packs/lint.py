"""The linter of rule packs: every kind of mistake published rule sets are known to hold, looked for in one pass.

In: a loaded pack, or a folder that may not load; out: findings, worst first, each with its places and advice in
Chinese and English. Seconds on a national edition. A pack that lints clean may still be wrong; one with errors
certainly holds rules that cannot do what they say. It changes nothing and stops nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engine.packs import lint_codes, lint_numbers, lint_reach, lint_tree
from engine.packs.errors import PROBLEM_ZH, PackError
from engine.packs.finding import SEVERITIES, Check, Finding, Item, Subject, finding
from engine.packs.load import Pack, load_pack

CHECKS: tuple[Check, ...] = (*lint_reach.CHECKS, *lint_tree.CHECKS, *lint_numbers.CHECKS, *lint_codes.CHECKS)
_CONFLICTS = {"cc.conflict": "L030", "cc.level": "L030", "exclusion.conflict": "L031", "site.conflict": "L032"}
_TOLD_ELSEWHERE = ("map.blank",)
"""Notices that a check of its own repeats."""

_SEVERITY_ZH = {"error": "错误", "warning": "警告", "info": "提示"}


def lint_pack(pack: Pack) -> list[Finding]:
    """Every finding about a pack, errors first, then by code."""
    subject = Subject(pack)
    found = [one for check in CHECKS for one in check(subject)]
    return in_order([*found, *_notices(pack)])


def lint_folder(folder: Path | str) -> list[Finding]:
    """Findings about the pack in a folder; if it does not load, what keeps it from loading, as findings."""
    try:
        pack = load_pack(folder)
    except PackError as error:
        return in_order(_load_findings(error))
    return lint_pack(pack)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, warnings, infos; each by code."""
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.code))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Some rule certainly cannot do what it says."""
    return any(one.severity == "error" for one in findings)


def _load_findings(error: PackError) -> Iterator[Finding]:
    kinds = dict.fromkeys(problem.kind for problem in error.problems)
    for kind in kinds:
        items = [Item(p.where, p.text, p.text) for p in error.problems if p.kind == kind]
        zh = f"{PROBLEM_ZH[kind]}：{{n}} 处。方案不能装载，改正后再检查其余各项。"
        en = f"{kind}: {{n}} places. The pack does not load; mend these, then the other checks can run."
        yield from finding(_CONFLICTS.get(kind, "L000"), "error", zh, en, items)


def _notices(pack: Pack) -> Iterator[Finding]:
    items = [Item(n.where, n.zh, n.en) for n in pack.notices if n.kind not in _TOLD_ELSEWHERE]
    zh, en = "装载时原样接受、但应当知道的事项 {n} 条。", "{n} things were accepted as they are and should be known."
    yield from finding("L045", "info", zh, en, items)


def lint_lines(findings: Sequence[Finding], lang: str, items_shown: int = 5) -> list[str]:
    """Findings as text lines: one per finding, its first places indented below, and how many more there are."""
    lines = []
    for one in findings:
        severity = _SEVERITY_ZH[one.severity] if lang == "zh" else one.severity
        lines.append(f"{one.code} {severity}: {one.text(lang)}")
        for item in one.items[:items_shown]:
            said = item.zh if lang == "zh" else item.en
            lines.append(f"    {item.where}" + (f": {said}" if said else ""))
        if (left := max(one.count, len(one.items)) - items_shown) > 0 and one.items:
            lines.append(f"    … 另有 {left} 处" if lang == "zh" else f"    … and {left} more")
    totals = {name: sum(one.severity == name for one in findings) for name in SEVERITIES}
    if lang == "zh":
        lines.append("合计：" + "，".join(f"{_SEVERITY_ZH[name]} {n} 类" for name, n in totals.items()))
    else:
        lines.append("kinds: " + ", ".join(f"{n} {name}" for name, n in totals.items()))
    return lines
