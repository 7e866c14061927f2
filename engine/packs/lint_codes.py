"""Lint of codes and names: what stands in lists, complications, sites, maps and name tables.

In: `Subject`; out: findings L013, L014, L020–L025, L033–L035, L040–L044. A pack that ships no code table is spared the
checks against it. Faults of one kind are one finding with a count and the first places.
It does not look at conditions.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from engine.packs.finding import Finding, Item, Subject, finding

ITEMS_KEPT = 200
"""Places kept per finding; the count is always the true one."""
_CJK = re.compile(r"[\u3400-\u9fff]")
_LOWER = re.compile(r"[a-wyz]")
_FULL_WIDTH = re.compile(r"[\uff01-\uff5e]")
_DRG = re.compile(r"[A-Z]{2}[1-9][0-9A-Z]?")
_ADRG = re.compile(r"[A-Z]{2}[1-9]")
_MDC = re.compile(r"MDC[A-Z]")
_10_ALONE = "BY3 DG3 FB3 FC2 FC3 FF4 FS1 FV4 HC4 IR3 KF1 LK1 LY1 PT1 PT2 QC1 QD1 RF1 RU2"
_11_ON = "PS2 PS3 PS4 DB3 EB2 EC2 ES3"
ONLY_10, FROM_11 = frozenset(_10_ALONE.split()), frozenset(_11_ON.split())
"""ADRGs that edition 1.0 alone has, and some that came with 1.1: both in one pack = left-overs."""


def group_codes(subject: Subject) -> Iterator[Finding]:
    """L013: a group code that does not have the form of its level, or does not continue its parent's."""
    items = []
    for node in subject.tables.nodes:
        pattern = {"MDC": _MDC, "ADRG": _ADRG, "DRG": _DRG}.get(node.level)
        parent = subject.nodes[node.parent_id] if node.parent_id is not None else None
        if node.level == "QY":
            wanted = f"{parent.code[3:]}QY" if parent is not None else "?QY"
        elif parent is None:
            wanted = "MDC?"
        else:
            wanted = f"{parent.code[3:] if node.level == 'ADRG' else parent.code}…"
        fits = node.code == wanted if node.level == "QY" else node.code.startswith(wanted[:-1])
        if not fits or (pattern is not None and not pattern.fullmatch(node.code)):
            text = (f"编码 {node.code!r}，应为 {wanted}", f"code {node.code!r}, expected {wanted}")
            items.append(Item(f"node {node.node_id} {node.level}", *text))
    yield from finding(
        "L013",
        "error",
        "{n} 个组编码写错：与层级的格式或上级编码不符。",
        "{n} group codes are mistyped: they have not the form of their level or do not continue their parent's.",
        items,
    )
    adrgs = {node.code for node in subject.of_level("ADRG")}
    old, new = sorted(adrgs & ONLY_10), sorted(adrgs & FROM_11)
    yield from finding(
        "L014",
        "info",
        "同时有 1.0 版独有的和 1.1 版才有的 ADRG（{n} 个），可能是旧版残留。",
        "ADRGs of edition 1.0 alone stand beside those that came with 1.1 ({n}): perhaps left-overs.",
        (Item(code) for code in ((*old, *new) if old and new else ())),
    )


def lists(subject: Subject) -> Iterator[Finding]:
    """L020 lists never used · L021 codes in no code table · L022 headings · L023 blanks · L024 case · L025 names."""
    used = {atom.list_id for atom in subject.tables.atoms}
    unused = [one for key, one in subject.tables.lists.items() if key not in used and one.name != "valid_ops"]
    yield from finding(
        "L020",
        "warning",
        "{n} 个目录没有任何条件使用。",
        "{n} lists are used by no condition.",
        (
            Item(f"list {one.list_id}", f"{one.kind} {len(one.codes)} 个编码", f"{one.kind} {len(one.codes)}")
            for one in unused
        ),
    )
    places: dict[str, dict[str, list[str]]] = {"dx": {}, "op": {}}
    for one in subject.tables.lists.values():
        if one.kind in places:
            for code in one.codes:
                places[one.kind].setdefault(code, []).append(f"list {one.list_id}")
    for code in subject.tables.complications:
        places["dx"].setdefault(code, []).append("cc")
    for code in subject.tables.exclusion_of:
        places["dx"].setdefault(code, []).append("cc_excl")
    for code in subject.tables.sites:
        places["dx"].setdefault(code, []).append("trauma_sites")
    written = {code: where for kind in places.values() for code, where in kind.items()}
    for stem, table in (("dx_map", subject.tables.dx_map), ("op_map", subject.tables.op_map)):
        for code in table:
            written.setdefault(code, [stem])
    yield from _spelling(written)
    unknown: dict[str, list[str]] = {}
    headings: dict[str, list[str]] = {}
    for kind, found in places.items():
        known = subject.known(kind)
        ordered = sorted(known)
        for code in sorted(set(found) - known) if known else ():
            (headings if _is_heading(code, ordered) else unknown)[code] = found[code]
    yield from finding(
        "L021",
        "warning",
        "{n} 个编码不在方案自带的编码表中，病例若按该表填报就碰不到它们。",
        "{n} codes are in none of the pack's code tables; cases coded by those tables never meet them.",
        _places(unknown),
        len(unknown),
    )
    yield from finding(
        "L022",
        "warning",
        "{n} 个编码是类目或亚目标题，不是可填报的末级编码。",
        "{n} codes are headings, not codes that a case may carry.",
        _places(headings),
        len(headings),
    )


def _spelling(places: Mapping[str, list[str]]) -> Iterator[Finding]:
    blanks = {code: where for code, where in places.items() if any(letter.isspace() for letter in code)}
    yield from finding(
        "L023",
        "error",
        "{n} 个编码含空格，按原样比较，永远对不上。",
        "{n} codes hold blanks and never match.",
        _places(blanks),
        len(blanks),
    )
    odd = {c: where for c, where in places.items() if _LOWER.search(c) or _FULL_WIDTH.search(c)}
    odd = {c: where for c, where in odd.items() if not _CJK.search(c)}
    yield from finding(
        "L024",
        "warning",
        "{n} 个编码含小写字母（扩展码 x 除外）或全角字符。",
        "{n} codes hold lower-case letters (other than the extension x) or full-width characters.",
        _places(odd),
        len(odd),
    )
    names = {code: where for code, where in places.items() if _CJK.search(code)}
    yield from finding(
        "L025",
        "error",
        "{n} 处应为编码的地方写了名称。",
        "{n} places hold a name where a code is expected.",
        _places(names),
        len(names),
    )


def _is_heading(code: str, known: list[str]) -> bool:
    """Some known code continues this one, as A00.000 continues A00; `+…*` is a second code, no continuation."""
    index = bisect_left(known, code)
    return index < len(known) and known[index].startswith(code) and known[index][len(code)] != "+"


def _places(codes: Mapping[str, Iterable[str]]) -> Iterator[Item]:
    for code in sorted(codes)[:ITEMS_KEPT]:
        where = ", ".join(list(codes[code])[:4])
        yield Item(code, where, where)


def complications(subject: Subject) -> Iterator[Finding]:
    """L033: exclusion tables that only one side names."""
    of_cc = {number for _, number in subject.tables.complications.values()}
    of_main = set(subject.tables.exclusion_of.values())
    yield from finding(
        "L033",
        "info",
        "并发症表用到 {n} 个没有任何主要诊断的排除表，这些并发症永远不会被排除。",
        "{n} exclusion tables of complications have no principal diagnosis: those complications are never excluded.",
        (Item(f"exclusion table {number}") for number in sorted(of_cc - of_main)),
    )
    yield from finding(
        "L034",
        "info",
        "{n} 个排除表只有主要诊断，没有并发症，不起作用。",
        "{n} exclusion tables have principal diagnoses and no complication: they do nothing.",
        (Item(f"exclusion table {number}") for number in sorted(of_main - of_cc)),
    )
    if any(atom.var == "n_sites" for atom in subject.tables.atoms) and not subject.tables.sites:
        zh, en = "规则要求创伤部位数，但部位表为空。", "rules ask for n_sites, but the table of sites is empty."
        yield Finding("L035", "error", zh, en)


def names(subject: Subject) -> Iterator[Finding]:
    """L040 groups without a name · L041 names without a group."""
    if "drg_names" not in subject.pack.own_names:
        return
    named, leaves = set(subject.pack.names.drg), {node.code for node in subject.leaves}
    bare = sorted(leaves - named)
    undivided = [code for code in bare if len(code) == 3]
    yield from finding(
        "L040",
        "warning",
        "{n} 个有规则的组没有名称。",
        "{n} groups with a rule have no name.",
        (Item(code) for code in bare if len(code) > 3),
    )
    yield from finding(
        "L040",
        "info",
        "{n} 个未细分的 ADRG（三位编码）没有名称。",
        "{n} undivided ADRGs (three letters) have no name.",
        (Item(code) for code in undivided),
    )
    orphans = sorted(named - leaves - {node.code for node in subject.of_level("QY")})
    yield from finding(
        "L041",
        "warning",
        "{n} 个有名称的组没有规则，不会有病例入组。",
        "{n} named groups have no rule: no case is ever put there.",
        (Item(code, subject.pack.names.drg[code], subject.pack.names.drg[code]) for code in orphans),
    )


def maps(subject: Subject) -> Iterator[Finding]:
    """L042 targets mapped on · L043 targets in no code table · L044 blanks in targets (told by the loader)."""
    for stem, table, kind in (("dx_map", subject.tables.dx_map, "dx"), ("op_map", subject.tables.op_map, "op")):
        onward = {s: t for s, t in table.items() if t in table and table[t] != t and t != s}
        yield from finding(
            "L042",
            "info",
            f"{stem}: {{n}} 个来源的目标本身又被转换到别处；引擎只转换一次。",
            f"{stem}: the target of {{n}} sources is itself mapped elsewhere; the engine maps once only.",
            (Item(s, f"{s} → {t} → {table[t]}", f"{s} → {t} → {table[t]}") for s, t in sorted(onward.items())),
        )
        known = subject.known(kind)
        lost = {s: [t] for s, t in table.items() if known and t not in known and t != "-"}
        yield from finding(
            "L043",
            "warning",
            f"{stem}: {{n}} 个转换目标不在编码表中。",
            f"{stem}: {{n}} targets are in no code table.",
            _places(lost),
            len(lost),
        )
    notices = [n for n in subject.pack.notices if n.kind == "map.blank"]
    yield from finding(
        "L044",
        "warning",
        "{n} 个转换目标带空格，按原样保留。",
        "{n} map targets have blanks and are kept verbatim.",
        (Item(n.where, n.zh, n.en) for n in notices),
    )


CHECKS = (group_codes, lists, complications, names, maps)
"""The checks of this file, in the order of their codes."""
