"""Two editions of one pack side by side: which groups can no longer be reached, which can now, what moved.

In: the older and the newer pack, and the groups whose change the keeper has explained; out: findings L060–L065.
A change nobody explained is a warning, an explained one an info. It compares what the rules let through, not how the
files are written: a renumbered list is no change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.packs.finding import Finding, Item, Subject, finding
from engine.packs.lint import in_order
from engine.packs.load import Pack

MOVED_SHARE = 0.0
"""Share of an ADRG's codes that may change unreported; 0 reports every change, grouped."""
ITEMS_KEPT = 200


def compare_packs(old: Pack, new: Pack, explained: Mapping[str, str] | None = None) -> list[Finding]:
    """Findings about the way from `old` to `new`. `explained`: group or ADRG code → why it changed."""
    reasons = explained or {}
    before, after = Subject(old), Subject(new)
    found: list[Finding] = []
    gone, come = _reachable_groups(before), _reachable_groups(after)
    found += _explained_apart(
        "L060",
        "{n} 个组以前能入、现在不能入，未见说明",
        "{n} groups were reachable before and are not now, without an explanation",
        dict.fromkeys(sorted(gone - come), ("", "")),
        reasons,
    )
    found += _explained_apart(
        "L061",
        "{n} 个组是新出现的，未见说明",
        "{n} groups are reachable now and were not before, without an explanation",
        dict.fromkeys(sorted(come - gone), ("", "")),
        reasons,
    )
    for code, var, zh_what, en_what in (
        ("L062", "dx_main", "主要诊断", "principal diagnoses"),
        ("L063", "op_main", "主要手术", "principal procedures"),
    ):
        found += _explained_apart(
            code,
            f"{{n}} 个 ADRG 收治的{zh_what}有变，未见说明",
            f"{{n}} ADRGs take other {en_what} than before, without an explanation",
            dict(_moved(before, after, var)),
            reasons,
        )
    found += _complications(old, new)
    found += _options(old, new)
    return in_order(found)


def _explained_apart(
    code: str, zh: str, en: str, changes: Mapping[str, tuple[str, str]], reasons: Mapping[str, str]
) -> Iterator[Finding]:
    def items(keep: Callable[[str], bool]) -> list[Item]:
        chosen = [group for group in changes if keep(group)]
        return [Item(group, *(_with_reason(text, reasons.get(group)) for text in changes[group])) for group in chosen]

    yield from finding(code, "warning", f"{zh}。", f"{en}.", items(lambda group: group not in reasons))
    known = items(lambda group: group in reasons)
    yield from finding(
        code, "info", f"{zh.split('，')[0]}，已有说明。", f"{en.split(', without')[0]}, explained.", known
    )


def _with_reason(text: str, reason: str | None) -> str:
    return text if reason is None else f"{text} ({reason})".strip()


def _reachable_groups(subject: Subject) -> set[str]:
    return {node.code for node in subject.of_level("DRG", "QY") if subject.reach.arrivals[node.node_id].left}


def _codes_by_adrg(subject: Subject, var: str) -> dict[str, frozenset[str]]:
    """ADRG → the codes that can still arrive at it, where its own rule names codes of that kind."""
    space, bits = subject.reach.space, dict[str, int]()
    for node in subject.of_level("ADRG"):
        if any(atom.var == var and atom.op == "in" for clause in subject.conditions(node) for atom in clause):
            bits[node.code] = bits.get(node.code, 0) | subject.reach.codes_left(node.node_id, var)
    return {code: frozenset(space.names(var[:2], found, found.bit_count())) for code, found in bits.items()}


def _moved(before: Subject, after: Subject, var: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """ADRGs of both editions whose codes differ."""
    old, new = _codes_by_adrg(before, var), _codes_by_adrg(after, var)
    for code in sorted(old.keys() & new.keys()):
        lost, won = sorted(old[code] - new[code]), sorted(new[code] - old[code])
        if len(lost) + len(won) > MOVED_SHARE * max(len(old[code]), 1):
            shown = ", ".join([*(f"-{c}" for c in lost[:3]), *(f"+{c}" for c in won[:3])])
            yield (
                code,
                (
                    f"少 {len(lost)}，多 {len(won)}（原 {len(old[code])}）：{shown}",
                    f"{len(lost)} lost, {len(won)} won of {len(old[code])}: {shown}",
                ),
            )


def _complications(old: Pack, new: Pack) -> Iterator[Finding]:
    """L064: codes that became, stopped being, or changed their kind of complication."""
    then, now = old.tables.complications, new.tables.complications
    items = []
    for code in sorted(then.keys() | now.keys()):
        was, is_ = then.get(code, ("-", 0))[0], now.get(code, ("-", 0))[0]
        if was != is_:
            items.append(Item(code, f"{was} → {is_}", f"{was} → {is_}"))
    zh, en = "{n} 个编码的 MCC/CC 级别有变。", "{n} codes changed their MCC/CC level."
    yield from finding("L064", "warning", zh, en, items[:ITEMS_KEPT], len(items))


def _options(old: Pack, new: Pack) -> Iterator[Finding]:
    """L065: options that differ."""
    fields = old.tables.options.__dataclass_fields__
    pairs = {name: (getattr(old.tables.options, name), getattr(new.tables.options, name)) for name in fields}
    items = [Item(name, f"{a} → {b}", f"{a} → {b}") for name, (a, b) in pairs.items() if a != b]
    yield from finding("L065", "warning", "{n} 个选项有变。", "{n} options changed.", items)
