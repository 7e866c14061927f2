"""The linter of DIP packs 「DIP方案检查」: what loads but cannot do what it says, looked for in one pass.

In: a loaded pack, or a folder that may not load; out: findings, worst first, each with file, line and advice in
Chinese and English. Rows are tried with records made for them, so an unreachable row is one no such record reaches.
A pack that lints clean may still be wrong. It changes nothing and stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from engine.packs import dip_lint_rows
from engine.packs.dip_errors import DIP_PROBLEM_ZH
from engine.packs.dip_load import DipPack, load_dip_pack
from engine.packs.errors import PROBLEM_ZH, PackError
from engine.packs.finding import SEVERITIES, Finding, Item, finding
from grouper.dip_condition import Condition, Test
from grouper.dip_tables import Choice, TieRule

DipCheck = Callable[[DipPack], Iterator[Finding]]


def lint_dip_pack(pack: DipPack) -> list[Finding]:
    """Every finding about a pack, errors first, then by code."""
    return _in_order(one for check in CHECKS for one in check(pack))


def lint_dip_folder(folder: Path | str) -> list[Finding]:
    """Findings about the pack in a folder; if it does not load, what keeps it from loading, as findings."""
    try:
        pack = load_dip_pack(folder)
    except PackError as error:
        return _in_order(_load_findings(error))
    return lint_dip_pack(pack)


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.code))


def _load_findings(error: PackError) -> Iterator[Finding]:
    for kind in dict.fromkeys(problem.kind for problem in error.problems):
        items = [Item(p.where, p.text, p.text) for p in error.problems if p.kind == kind]
        zh = f"{({**PROBLEM_ZH, **DIP_PROBLEM_ZH})[kind]}：{{n}} 处。方案不能装载，改正后再检查其余各项。"
        en = f"{kind}: {{n}} places. The pack does not load; mend these, then the other checks can run."
        yield from finding("D000", "error", zh, en, items)


def ambiguous_tie_break(pack: DipPack) -> Iterator[Finding]:
    """D001: the tie-breaks may leave several rows, and nothing says which one wins."""
    if pack.tables.is_chain or any(_leaves_one(rule) for rule in pack.tables.tie_rules):
        return
    if "tie_break" in pack.sources and pack.sources["tie_break"].height:
        where = pack.sources["tie_break"].at(pack.sources["tie_break"].height - 1)
    else:
        where = "tie_break.csv"
    rows = dip_lint_rows.first_pair_that_ties(pack)
    zh = "最后一条规则也未写 ties，多行并列时无从取舍；请给最后一条规则写上 ties=first 或 last，或追加 row_order。"
    en = "the last rule gives no ties, so several rows may remain; write ties=first or last on it, or add row_order."
    items = [Item(where, zh, en)]
    if rows is not None:
        first, second = (pack.group_at(row) for row in rows)
        items.append(Item(second, f"例如与 {first} 并列", f"for example it ties with {first}"))
    yield from finding(
        "D001",
        "error",
        "并列规则不完整：可能有多行同时胜出。",
        "The tie-breaks are incomplete: several rows could win and no rule decides.",
        items,
        1,
    )


def _leaves_one(rule: TieRule) -> bool:
    return rule.scope is None and (rule.rule == "row_order" or rule.ties is not None)


def conditions_never_true(pack: DipPack) -> Iterator[Finding]:
    """D006: a condition whose limits contradict each other."""
    items = []
    flags = [(pack.group_rows[g.row], g.flag) for g in pack.tables.groups if g.flag is not None]
    of_auxiliary = [(row.row, row.condition) for row in pack.tables.auxiliary]
    tables: tuple[tuple[str, str, list[tuple[int, Condition]]], ...] = (
        ("aux", "condition_expr", of_auxiliary),
        ("group", "flag_expr", flags),
    )
    for stem, column, conditions in tables:
        for row, condition in conditions:
            if not any(_possible(part) for part in condition.any_of):
                zh = f"{condition.text} 永远不成立，请核对上下限。"
                en = f"{condition.text} can never be true; check its limits."
                items.append(Item(pack.sources[stem].at(row, column), zh, en))
    zh, en = "{n} 个条件永远不成立。", "{n} conditions can never be true."
    yield from finding("D006", "error", zh, en, items)


def _possible(part: Sequence[Test]) -> bool:
    """Whether the tests of one alternative can all hold: no flag both asked and denied, no number without room."""
    bounds: dict[str, tuple[int, int]] = {}
    flags: set[tuple[str, bool]] = set()
    for test in part:
        if test.comparison in ("", "in"):
            key = f"{test.name}:{test.term}"
            if (key, not test.denied) in flags or (test.name == "always" and test.denied):
                return False
            flags.add((key, test.denied))
        elif not test.denied:
            lo, hi = bounds.get(test.name, (-(2**60), 2**60))
            more = {
                "<": (lo, test.limit - 1),
                "<=": (lo, test.limit),
                ">": (test.limit + 1, hi),
                ">=": (test.limit, hi),
                "=": (test.limit, test.limit),
            }[test.comparison]
            bounds[test.name] = lo, hi = max(lo, more[0]), min(hi, more[1])
            if lo > hi:
                return False
    return True


def classes_without_place(pack: DipPack) -> Iterator[Finding]:
    """D011: rows of a layer and type the priority list never names."""
    if pack.tables.is_chain:
        return
    listed = [choice for choice in pack.tables.choices if choice.preempt is None]
    items = []
    for name in dict.fromkeys(layer.name for layer in pack.tables.layers):
        if not _named(listed, name):
            zh = f"层级“{name}”不在入组优先顺序中，其病种永远选不到；请在 choice_order 中加入。"
            en = f"layer {name!r} has no place in choice_order, so its rows are never chosen; add it."
            items.append(Item("choice_order.csv", zh, en))
    zh, en = "{n} 个层级不在优先顺序中。", "{n} layers have no place in the priority list."
    yield from finding("D011", "error", zh, en, items)


def _named(choices: Iterable[Choice], layer: str) -> bool:
    return any(choice.layer == layer for choice in choices)


def options_without_effect(pack: DipPack) -> Iterator[Finding]:
    """D012: an option or table that this pack's strategy never looks at."""
    tables, options = pack.tables, pack.tables.options
    together = any(layer.competes_with for layer in tables.layers)
    found = []
    if options.readd_basic != "none" and not together:
        found.append(("match_policy.csv", "readd_basic", "基层与核心不同台竞争", "no layer competes with another"))
    if options.drop_empty_rows and options.longer_code_first == "none":
        found.append(("match_policy.csv", "drop_empty_rows", "未启用长码优先", "longer_code_first is none"))
    if tables.is_chain:
        for stem, used in (("tie_break", tables.tie_rules), ("choice_order", tables.choices)):
            if used:
                found.append((f"{stem}.csv", stem, "规则链不使用此表", "the rule chain does not use this table"))
    items = [
        Item(where, f"{what} 不起作用：{zh}；请删除或改正。", f"{what} has no effect: {en}; remove or correct it.")
        for where, what, zh, en in found
    ]
    zh, en = "{n} 项设置不起作用。", "{n} settings have no effect."
    yield from finding("D012", "warning", zh, en, items)


CHECKS: tuple[DipCheck, ...] = (
    ambiguous_tie_break,
    conditions_never_true,
    classes_without_place,
    options_without_effect,
    *dip_lint_rows.CHECKS,
)
