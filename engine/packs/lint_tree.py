"""Lint of the tree as a whole: loose ends, alternatives, QY, lists used in two ways, diagnoses without a medical group.

In: `Subject`; out: findings L009–L012 and L015–L018. Much of it is legal and only listed, so that the keeper knows.
What cannot be reached is `lint_reach`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.packs.finding import Finding, Item, Subject, finding
from engine.packs.wording import list_label
from grouper.tables import Node


def loose_ends(subject: Subject) -> Iterator[Finding]:
    """L009 nodes without children · L010 ADRGs whose DRGs leave a gap · L011 retry · L012 QY · L018 variants."""
    barren = [Item(subject.label(n)) for n in subject.of_level("MDC", "ADRG") if not subject.children.get(n.node_id)]
    yield from finding(
        "L009",
        "warning",
        "{n} 个 MDC 或 ADRG 之下没有任何组，进入后必然落空。补上下级节点或删除。",
        "{n} MDC or ADRG nodes have nothing below them, so nothing comes of entering. Add children or remove them.",
        barren,
    )
    gaps = [subject.nodes[i] for i in subject.reach.open_ended if subject.reach.arrivals[i].left]
    yield from finding(
        "L010",
        "info",
        "{n} 个 ADRG 的 DRG 条件没有覆盖全部病例，落空的病例会继续往后找。若非本意，加一个无条件的末位 DRG。",
        "{n} ADRGs have DRGs that do not take every case; the rest falls through. Add a last DRG if unmeant.",
        (Item(subject.label(n)) for n in gaps),
    )
    options = subject.tables.options
    if options.retry_with_each_secondary_op_when_ungrouped:
        yield Finding(
            "L011",
            "warning",
            "未入组时逐个以其他手术重试：结果取决于其他手术的先后顺序，读入时不得重排手术。",
            "ungrouped records retry with each secondary procedure: the result depends on their order.",
        )
    mains = {n.code: {a.var for c in subject.conditions(n) for a in c} for n in subject.of_level("QY")}
    if len({frozenset(v) for v in mains.values()}) > 1:
        items = [Item(code, "、".join(sorted(v)), ", ".join(sorted(v))) for code, v in sorted(mains.items())]
        zh, en = (
            "QY 节点有的看主要手术、有的看任一手术。",
            "QY nodes differ: some look at the principal procedure, some at any.",
        )
        yield from finding("L012", "info", zh, en, items)
    yield from finding(
        "L018",
        "warning",
        "{n} 个 ADRG 的备选规则编号不连续，可能缺了一条。",
        "{n} ADRGs have alternatives whose numbers have a gap: one may be missing.",
        _variant_gaps(subject),
    )


def _variant_gaps(subject: Subject) -> Iterator[Item]:
    variants: dict[str, list[str | None]] = {}
    for node in subject.of_level("ADRG"):
        variants.setdefault(node.code, []).append(node.variant)
    for code, found in sorted(variants.items()):
        numbers = sorted(int(v) for v in found if v is not None and v.isdecimal())
        if len(found) > 1 and numbers != list(range(1, len(found) + 1)):
            shown = ", ".join("-" if v is None else v for v in found)
            yield Item(code, f"备选编号 {shown}", f"alternatives {shown}")


def no_medical_group(subject: Subject) -> Iterator[Finding]:
    """L016 principal diagnoses that need an operation · L017 diagnoses no MDC takes. Legal, but listed."""
    space, reach = subject.reach.space, subject.reach
    in_mdc = medical = 0
    for node in subject.of_level("MDC"):
        for box in reach.arrivals[node.node_id].admitted:
            if (codes := box.single["dx_main"]) != space.all_of["dx_main"]:
                in_mdc |= codes
    for node in subject.of_level("DRG"):
        for box in reach.arrivals[node.node_id].left:
            if box.single["op_main"] & 1 and not any(var.startswith("op_") for var, _ in box.some):
                codes = box.single["dx_main"]
                for var, wanted in box.some:
                    codes &= wanted if var.startswith("dx_") else -1
                medical |= codes
    bare = (in_mdc & ~medical) >> 2 << 2
    yield from finding(
        "L016",
        "info",
        "{n} 个主要诊断没有任何内科组：没有相应手术就不能入组。",
        "{n} principal diagnoses have no medical group: without the right procedure they stay ungrouped.",
        (Item(code) for code in space.names("dx", bare, limit=bare.bit_count())),
    )
    known = subject.known("dx")
    listed = set(space.names("dx", in_mdc, limit=in_mdc.bit_count()))
    outside = sorted(known - listed)
    yield from finding(
        "L017",
        "info",
        "编码表中有 {n} 个诊断不属于任何 MDC，作主要诊断时不能入组。",
        "{n} diagnoses of the code table are in no MDC: as principal diagnosis they stay ungrouped.",
        (Item(code) for code in outside),
    )


def one_list_two_ways(subject: Subject) -> Iterator[Finding]:
    """L015: the same list held against the principal code here and against any code there."""
    used: dict[int, dict[str, list[Node]]] = {}
    for atom in subject.tables.atoms:
        if atom.list_id is not None and subject.tables.lists[atom.list_id].name != "valid_ops":
            used.setdefault(atom.list_id, {}).setdefault(atom.var, []).append(subject.nodes[atom.node_id])
    items = []
    for list_id, by_var in sorted(used.items()):
        if len(by_var) > 1:
            shown = "; ".join(f"{var} {', '.join(n.code for n in nodes[:3])}" for var, nodes in sorted(by_var.items()))
            items.append(Item(list_label(subject.tables.lists[list_id], False), shown, shown))
    yield from finding(
        "L015",
        "info",
        "{n} 个目录在一处与主要编码比较、在另一处与任一或其他编码比较。对照方案原文核实。",
        "{n} lists are compared with the principal code in one place and with other codes elsewhere.",
        items,
    )


CHECKS = (loose_ends, one_list_two_ways, no_medical_group)
"""The checks of this file."""
