"""Lint of numbers: bands that lost a bound, holes between bands, numbers kept as text, one field in two types.

In: `Subject`; out: findings L007, L026, L027. Bands are compared among siblings that ask otherwise the same.
It cannot know the scheme's text: a band is suspected from its neighbours, never from its value alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.packs.finding import Finding, Item, Subject, finding
from engine.packs.wording import band
from grouper.tables import STANDARD_TEXT, Atom, Node

_NUMBER_LIKE = re.compile(r"-?\d+\.\d+|0\d+")


def _bands(subject: Subject) -> Iterator[tuple[str, list[tuple[Node, Atom]]]]:
    """Ranges on one number that siblings give and that differ in nothing but that range."""
    for siblings in subject.siblings():
        groups: dict[tuple[object, ...], list[tuple[Node, Atom]]] = {}
        for node in siblings:
            for clause in subject.conditions(node):
                for atom in clause:
                    if atom.op == "range":
                        others = frozenset((a.var, a.op, a.list_id, a.lo, a.hi) for a in clause if a is not atom)
                        groups.setdefault((atom.var, others), []).append((node, atom))
        for (var, _), members in groups.items():
            yield str(var), members


def lost_bounds(subject: Subject) -> Iterator[Finding]:
    """L007: a range open at both ends, an open band over a sibling's band, or a hole between two bands."""
    items = []
    for atom in subject.tables.atoms:
        if atom.op == "range" and atom.lo is None and atom.hi is None:
            where = f"{subject.label(subject.nodes[atom.node_id])} {atom.var}"
            items.append(Item(where, "上下限都空：只要求不为空值", "both bounds are open: it only asks for a value"))
    for var, members in _bands(subject):
        items += [
            item
            for index, (node, atom) in enumerate(members)
            for item in _against_later(subject, var, node, atom, members[index + 1 :])
        ]
        items += _holes(subject, var, members)
    yield from finding(
        "L007",
        "warning",
        "{n} 处数值区间可疑：少了上限或下限，或相邻区间之间有空档。",
        "{n} numeric bands look wrong: a bound is lost, or there is a hole between neighbours.",
        items,
    )


def _against_later(
    subject: Subject, var: str, node: Node, atom: Atom, later: list[tuple[Node, Atom]]
) -> Iterator[Item]:
    """An open band placed before a sibling band that it swallows."""
    for other, inner in later:
        swallows_up = atom.hi is None and inner.lo is not None and atom.lo is not None and inner.lo > atom.lo
        swallows_down = atom.lo is None and inner.hi is not None and atom.hi is not None and inner.hi < atom.hi
        if swallows_up or swallows_down:
            mine, theirs = (band(var, a.lo, a.hi, False) for a in (atom, inner))
            where = f"{subject.label(node)} / {subject.label(other)}"
            yield Item(where, f"{var} {mine} 盖住了后面的 {theirs}", f"{var} {mine} swallows the later {theirs}")


def _holes(subject: Subject, var: str, members: list[tuple[Node, Atom]]) -> Iterator[Item]:
    """Numbers between two neighbouring bands that lie in neither."""
    ordered = sorted(members, key=lambda m: -(2**31) if m[1].lo is None else m[1].lo)
    reached: int | None = None
    for node, atom in ordered:
        if reached is not None and atom.lo is not None and atom.lo > reached + 1:
            hole = band(var, reached + 1, atom.lo - 1, False)
            yield Item(subject.label(node), f"{var} {hole} 不在任何区间", f"{var} {hole} is in no band")
        if atom.hi is None:
            return
        reached = atom.hi if reached is None else max(reached, atom.hi)


def numbers_as_text(subject: Subject) -> Iterator[Finding]:
    """L026 text lists holding numbers in two spellings · L027 one input column read as number and as text."""
    items = []
    for one in subject.tables.lists.values():
        if one.kind in STANDARD_TEXT:
            odd = [code for code in one.codes if _NUMBER_LIKE.fullmatch(code)]
            items += [Item(f"list {one.list_id}", f"{one.kind} {c!r}", f"{one.kind} {c!r}") for c in odd]
    yield from finding(
        "L026",
        "warning",
        "文本目录中有 {n} 个数字写成 2.0 或 02 的形式；文本按原样比较，不会等于 2。",
        "{n} numbers in text lists are written like 2.0 or 02; text is compared verbatim and never equals 2.",
        items,
    )
    texts = {source: name for name, source in subject.tables.text_fields.items()}
    yield from finding(
        "L027",
        "warning",
        "{n} 个输入列同时作数值和文本比较；同一列只应有一种类型。",
        "{n} input columns are compared both as a number and as text; one column should have one type.",
        (
            Item(
                field.source, f"数值 {field.name} / 文本 {texts[field.source]}", f"{field.name} / {texts[field.source]}"
            )
            for field in subject.tables.numeric
            if field.source in texts
        ),
    )


CHECKS = (lost_bounds, numbers_as_text)
"""The checks of this file, in the order of their codes."""
