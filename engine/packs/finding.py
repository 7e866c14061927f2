"""What the linter says, and what its checks look at.

In: a loaded pack; out: `Subject` (the pack with its tree, clauses, reach and code tables, made once) and `Finding`.
A finding groups everything of one kind: a sentence, a count, and the places. Severity: `error` = the rule cannot do
what it says; `warning` = it probably does not; `info` = legal, but the keeper should know. It decides nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from engine.packs.load import Pack
from engine.packs.reach import Reach, walk_boxes
from engine.packs.wording import node_label
from grouper.rules import clauses_by_node, ordered_children
from grouper.tables import Atom, Node

SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Item:
    """One place a finding speaks of."""

    where: str
    zh: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """All faults of one kind. `count` may exceed `items` where only the first places are kept."""

    code: str
    severity: str
    zh: str
    en: str
    items: tuple[Item, ...] = ()
    count: int = 1

    def text(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


class Subject:
    """A pack as the checks want it; everything dear is computed once."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.tables = pack.tables
        self.nodes = {node.node_id: node for node in pack.tables.nodes}
        self.children = ordered_children(pack.tables.nodes)
        self.clauses = clauses_by_node(pack.tables.atoms)

    @cached_property
    def reach(self) -> Reach:
        return walk_boxes(self.tables)

    @cached_property
    def leaves(self) -> tuple[Node, ...]:
        return tuple(node for node in self.tables.nodes if node.level == "DRG")

    def of_level(self, *levels: str) -> Iterator[Node]:
        return (node for node in self.tables.nodes if node.level in levels)

    def siblings(self) -> Iterator[tuple[Node, ...]]:
        return iter(self.children.values())

    def conditions(self, node: Node) -> tuple[tuple[Atom, ...], ...]:
        return self.clauses.get(node.node_id, ())

    def label(self, node: Node) -> str:
        return node_label(node)

    def known(self, kind: str) -> frozenset[str]:
        """Codes of the pack's own code table, empty if it ships none."""
        return self.tables.dx_known if kind == "dx" else self.tables.op_known if kind == "op" else frozenset()


Check = Callable[[Subject], Iterator[Finding]]


def finding(
    code: str, severity: str, zh: str, en: str, items: Iterable[Item], count: int | None = None
) -> Iterator[Finding]:
    """One finding if there is anything to say; `{n}` in the texts is the count."""
    found = tuple(items)
    number = len(found) if count is None else count
    if number:
        assert severity in SEVERITIES, severity
        yield Finding(code, severity, zh.replace("{n}", str(number)), en.replace("{n}", str(number)), found, number)
