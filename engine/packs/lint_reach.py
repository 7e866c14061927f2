"""Lint of what can be reached: nodes no record arrives at, conditions that never or always hold, tiny shares.

In: `Subject`; out: findings L001–L006, L008, L019. "Unreachable" and "never" are certain (see boxes); a node below one
that is already reported is not reported again. It looks at conditions, not at names or code tables.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.packs.finding import Finding, Item, Subject, finding
from engine.packs.reach import Arrival, walk_boxes
from engine.packs.wording import clauses_text
from grouper.tables import Atom, Node

TINY_SHARE = 0.05
"""An ADRG that keeps fewer of its own codes than this is reported: its list was probably meant for an earlier place."""


def _same(left: tuple[tuple[Atom, ...], ...], right: tuple[tuple[Atom, ...], ...]) -> bool:
    return _signature(left) == _signature(right)


def _signature(clauses: tuple[tuple[Atom, ...], ...]) -> frozenset[frozenset[tuple[object, ...]]]:
    return frozenset(frozenset((a.var, a.op, a.list_id, a.lo, a.hi) for a in clause) for clause in clauses)


def _twin(subject: Subject, node: Node) -> Node | None:
    """An earlier sibling with the very same condition."""
    for earlier in subject.children[node.parent_id]:
        if earlier.node_id == node.node_id:
            return None
        if _same(subject.conditions(earlier), subject.conditions(node)):
            return earlier
    return None


def _dead(subject: Subject) -> Iterator[tuple[Node, Arrival]]:
    """Unreachable nodes, the topmost of each branch only. MDCs are never robbed: they take nothing themselves."""
    for node in subject.tables.nodes:
        arrival = subject.reach.arrivals[node.node_id]
        above = subject.reach.arrivals.get(node.parent_id) if node.parent_id is not None else None
        if node.level == "MDC":
            if not arrival.admitted:
                yield node, arrival
        elif not arrival.left and (above is None or above.left or (above.node.level == "MDC" and above.admitted)):
            yield node, arrival


def unreachable(subject: Subject) -> Iterator[Finding]:
    """L001 taken by earlier siblings · L002 never holds · L003 never holds under its parent."""
    taken, never, barred = [], [], []
    for node, arrival in _dead(subject):
        lists = subject.tables.lists
        zh, en = (clauses_text(subject.conditions(node), lists, is_zh) for is_zh in (True, False))
        where = subject.label(node)
        if arrival.barred_by == "own":
            empty = sorted({a.list_id or 0 for c in subject.conditions(node) for a in c if _is_empty(subject, a)})
            because_zh = f"（目录 {'、'.join(map(str, empty))} 为空）" if empty else ""
            because_en = f" (list {', '.join(map(str, empty))} is empty)" if empty else ""
            never.append(Item(where, zh + because_zh, en + because_en))
        elif arrival.barred_by == "gate":
            barred.append(Item(where, zh, en))
        elif _twin(subject, node) is None:
            takers = ", ".join(f"{subject.nodes[t].code} ({t})" for t in arrival.takers[-3:])
            taken.append(Item(where, f"被 {takers} 全部取走", f"all taken by {takers}"))
    yield from finding(
        "L001",
        "error",
        "{n} 个节点永远到不了：排在前面的节点条件更宽或无条件。把较窄的条件移到前面，或删除该节点。",
        "{n} nodes can never be reached: earlier ones are wider or unconditional. Move the narrower up.",
        taken,
    )
    yield from finding(
        "L002",
        "error",
        "{n} 个节点的条件永远不成立（目录为空或条件自相矛盾）。补全目录、改正条件或删除该节点。",
        "{n} nodes have a condition that never holds (empty list, contradiction). Fill the list, mend or remove.",
        never,
    )
    yield from finding(
        "L003",
        "error",
        "{n} 个节点的条件在其上级之下永远不成立（目录与上级目录无交集，或区间矛盾）。核对目录或挪到别的上级。",
        "{n} nodes never hold under their parent (disjoint lists or ranges). Check the lists or move the node.",
        barred,
    )


def only_without_a_number(subject: Subject) -> Iterator[Finding]:
    """L019: reachable by nothing but records that lack a number, because the bands before it cover all its values."""
    asked = sorted({atom.var for atom in subject.tables.atoms if atom.op == "range"} - {"n_sites"})
    filled = walk_boxes(subject.tables, never_null=asked)
    items = [
        Item(subject.label(node))
        for node in subject.of_level("ADRG", "DRG")
        if subject.reach.arrivals[node.node_id].left and not filled.arrivals[node.node_id].left
    ]
    yield from finding(
        "L019",
        "warning",
        "{n} 个节点只有缺少数值（如住院天数为空）的病例才能到达：前面的区间已覆盖全部取值。",
        "{n} nodes are reached only by cases that lack a number: earlier bands cover all its values.",
        items,
    )


def _is_empty(subject: Subject, atom: Atom) -> bool:
    return atom.list_id is not None and atom.op != "notin" and not subject.tables.lists[atom.list_id].codes


def same_condition(subject: Subject) -> Iterator[Finding]:
    """L006: two siblings ask the same; only the first can answer."""
    pairs = []
    for node in subject.tables.nodes:
        twin = _twin(subject, node)
        if twin is not None and subject.reach.arrivals[node.node_id].admitted:
            zh, en = (clauses_text(subject.conditions(node), subject.tables.lists, is_zh) for is_zh in (True, False))
            pairs.append(Item(f"{subject.label(twin)} = {subject.label(node)}", zh, en))
    yield from finding(
        "L006",
        "error",
        "{n} 个节点与排在前面的同级节点条件相同，后者到不了。核对是否丢失了数值区间或用错目录。",
        "{n} nodes repeat the condition of an earlier sibling and are never reached. Is a bound lost?",
        pairs,
    )


def blocked_codes(subject: Subject) -> Iterator[Finding]:
    """L004: part of a node's list cannot pass the gates above it."""
    items, space = [], subject.reach.space
    for node in subject.of_level("ADRG", "DRG"):
        arrival = subject.reach.arrivals[node.node_id]
        if not arrival.admitted:
            continue
        for var in ("dx_main", "op_main"):
            wanted = 0
            for clause in subject.conditions(node):
                for atom in clause:
                    if atom.var == var and atom.op == "in" and atom.list_id is not None:
                        wanted |= space.bits[atom.list_id]
            passed = 0
            for box in arrival.admitted:
                passed |= box.single[var]
            if blocked := wanted & ~passed:
                kind = var[:2]
                first = ", ".join(space.names(kind, blocked))
                total = wanted.bit_count()
                zh = f"{var}: {total} 个编码中 {blocked.bit_count()} 个通不过上级条件，如 {first}"
                en = f"{var}: {blocked.bit_count()} of {total} codes cannot pass the gate above, such as {first}"
                items.append(Item(subject.label(node), zh, en))
    yield from finding(
        "L004",
        "warning",
        "{n} 个节点的目录中有编码通不过上级条件。上级目录补上这些编码，或从本目录删除。",
        "{n} nodes list codes that cannot pass the gate above. Add them above, or drop them here.",
        items,
    )


def always_open(subject: Subject) -> Iterator[Finding]:
    """L005: a gate that holds for everything its parent lets in, without saying so; and gates declared open."""
    hidden, declared = [], []
    for node in subject.of_level("MDC", "ADRG"):
        clauses = subject.conditions(node)
        if not clauses:
            declared.append(Item(subject.label(node)))
            continue
        above = subject.reach.arrivals[node.parent_id].admitted if node.parent_id is not None else None
        boxes = above if above is not None else [subject.reach.space.everything]
        if boxes and all(any(all(box.implies(a) for a in clause) for clause in clauses) for box in boxes):
            zh, en = (clauses_text(clauses, subject.tables.lists, is_zh) for is_zh in (True, False))
            hidden.append(Item(subject.label(node), zh, en))
    yield from finding(
        "L005",
        "warning",
        "{n} 个节点的条件对上级放行的病例总是成立，等于没有条件。确有此意就删去条件，否则改正。",
        "{n} nodes hold for everything their parent lets in. Remove the condition if that is meant, else mend it.",
        hidden,
    )
    yield from finding(
        "L005",
        "info",
        "{n} 个 MDC 或 ADRG 节点无条件（总是进入）。",
        "{n} MDC or ADRG nodes have no condition (always open).",
        declared,
    )


def tiny_share(subject: Subject) -> Iterator[Finding]:
    """L008: earlier results leave an ADRG almost none of its own codes."""
    items = []
    for node in subject.of_level("ADRG"):
        arrival = subject.reach.arrivals[node.node_id]
        own = {a.var for clause in subject.conditions(node) for a in clause if a.op == "in"}
        if not arrival.left:
            continue
        for var in sorted(own & {"dx_main", "op_main"}):
            before = after = 0
            for box in arrival.admitted:
                before |= box.single[var]
            for box in arrival.left:
                after |= box.single[var]
            if after.bit_count() < TINY_SHARE * before.bit_count():
                takers = ", ".join(f"{subject.nodes[t].code} ({t})" for t in arrival.takers[:3])
                first = ", ".join(subject.reach.space.names(var[:2], after))
                zh = f"{var}: {before.bit_count()} 个编码只剩 {after.bit_count()} 个（{first}），前面有 {takers}"
                en = f"{var}: {after.bit_count()} of {before.bit_count()} codes left ({first}) after {takers}"
                items.append(Item(subject.label(node), zh, en))
    yield from finding(
        "L008",
        "warning",
        "{n} 个 ADRG 的编码几乎都被前面的组取走。核对排列顺序与目录。",
        "{n} ADRGs keep almost none of their codes after earlier groups. Check the order and the lists.",
        items,
    )


CHECKS = (unreachable, only_without_a_number, blocked_codes, always_open, same_condition, tiny_share)
"""The checks of this file."""
