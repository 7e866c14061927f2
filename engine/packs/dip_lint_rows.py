"""Lint of the rows of a DIP pack: overlaps, missing scores, rows nothing reaches, procedures nobody knows.

In: a loaded pack; out: findings D002, D004, D005, D007–D010, with file, line and advice.
Reach is tried, not proven: a row is reported when no record built from its own cells lands on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from engine.packs.dip_load import DipPack
from engine.packs.finding import Finding, Item, finding
from grouper.dip_expression import ProcedureExpr, Term
from grouper.dip_tables import AgeBand, Group
from grouper.dip_witness import reach_rows


def overlapping_ranges(pack: DipPack) -> Iterator[Finding]:
    """D002: two range rows of one layer and type hold the same diagnosis, or two bands the same number."""
    items = []
    by_class: dict[object, list[tuple[Group, Term]]] = defaultdict(list)
    for group in pack.tables.groups:
        if group.op_type is not None:
            for term in group.diagnosis.terms:
                if term.kind == "range":
                    by_class[(group.layer, group.op_type)].append((group, term))
    for members in by_class.values():
        for (first, a), (second, b) in combinations(members, 2):
            if first is not second and a.lo <= b.hi and b.lo <= a.hi:
                where = pack.group_at(first.row)
                zh = f"{b.lo}-{b.hi} 与 {where} 的 {a.lo}-{a.hi} 重叠，只有前一行会用到；请改为首尾相接。"
                en = f"{b.lo}-{b.hi} overlaps {a.lo}-{a.hi} of {where}, which wins; let them meet instead."
                items.append(Item(pack.group_at(second.row, "dx_expr"), zh, en))
    items += _overlapping_weights(pack)
    for a_band, b_band in combinations(pack.tables.auxiliary_policy.age_bands, 2):
        if a_band.unit == b_band.unit and a_band.lo <= _end(b_band) and b_band.lo <= _end(a_band):
            where = pack.sources["aux_policy"].at(0, "age_bands")
            zh = f"年龄段 {a_band.lo} 起与 {b_band.lo} 起的重叠，取前者；请改为首尾相接。"
            en = f"the band from {a_band.lo} overlaps the one from {b_band.lo}; the first wins. Let them meet instead."
            items.append(Item(where, zh, en))
    zh, en = "{n} 处区间重叠。", "{n} ranges overlap."
    yield from finding("D002", "error", zh, en, items)


def _end(band: AgeBand) -> int:
    return 2**31 if band.hi is None else band.hi


def _overlapping_weights(pack: DipPack) -> Iterator[Item]:
    """Rows alike in everything but the birth weight, whose bands overlap."""
    alike: dict[object, list[Group]] = defaultdict(list)
    for g in pack.tables.groups:
        if g.weight_min_g is not None or g.weight_max_g is not None:
            alike[(g.layer, g.diagnosis.text, g.main, g.related, g.age_days_lt, g.age_min, g.age_max, g.flag)].append(g)
    for members in alike.values():
        for a, b in combinations(members, 2):
            a_lo, a_hi, b_lo, b_hi = (
                a.weight_min_g or 0,
                2**31 if a.weight_max_g is None else a.weight_max_g,
                b.weight_min_g or 0,
                2**31 if b.weight_max_g is None else b.weight_max_g,
            )
            if a_lo <= b_hi and b_lo <= a_hi:
                where = pack.group_at(a.row)
                zh = f"体重 {b_lo}–{b_hi} 克与 {where} 的 {a_lo}–{a_hi} 克重叠，取前一行；请改为首尾相接。"
                en = f"weights {b_lo}–{b_hi} g overlap {a_lo}–{a_hi} g of {where}, which wins; let them meet."
                yield Item(pack.group_at(b.row, "weight_min_g"), zh, en)


def groups_without_score(pack: DipPack) -> Iterator[Finding]:
    """D004: a group nothing can be paid for. A pack without any score groups but does not settle."""
    groups = [g for g in pack.tables.groups if g.base_points_e4 is None]
    if groups and len(groups) == len(pack.tables.groups):
        zh = "全部病种都没有分值：本方案只能分组，不能结算；分值由统筹区另行确定。"
        en = "No group has a score: this pack can group but not settle; scores are set by the pooling area."
        yield from finding("D004", "warning", zh, en, [Item(pack.sources["group"].file)], len(groups))
        return
    items = [
        Item(pack.group_at(g.row, "score"), f"{g.code} 没有分值，请填写。", f"{g.code} has no score; write it.")
        for g in groups
    ]
    yield from finding("D004", "error", "{n} 个病种没有分值。", "{n} groups have no score.", items)


def unreachable_rows(pack: DipPack) -> Iterator[Finding]:
    """D005: a row none of the records made for it lands on."""
    items = []
    for found in reach_rows(pack.tables):
        if found.witness is None:
            takers = ", ".join(found.taken_by) or "—"
            zh = f"{found.group.code} 没有病例能入组，总被 {takers} 取走；请核对编码、顺序或删除该行。"
            en = f"no case reaches {found.group.code}: {takers} always takes it; check codes and order, or remove it."
            items.append(Item(pack.group_at(found.group.row), zh, en))
    zh, en = "{n} 行没有病例能到达。", "{n} rows are reached by no case."
    yield from finding("D005", "warning", zh, en, items)


def unknown_procedures(pack: DipPack) -> Iterator[Finding]:
    """D007: procedures rows ask for that the pack's own dictionary does not know."""
    known = pack.tables.procedures
    if not known:
        return
    items = []
    for g in pack.tables.groups:
        codes = [t.lo for expr in (g.main, g.related) if expr is not None for t in expr.terms if t.kind == "code"]
        whole = [code for code in codes if len(code) >= pack.tables.options.prefix_len]
        missing = sorted({code for code in whole if code not in known})
        if missing:
            text = ", ".join(missing)
            zh = f"手术操作 {text} 不在操作字典中，匹配后按保守治疗计；请补入字典或核对编码版本。"
            en = f"procedures {text} are not in table procedure and count as conservative; add them, check the edition."
            items.append(Item(pack.group_at(g.row, "main_op_expr"), zh, en))
    every = bool(items) and not any(code in known for g in pack.tables.groups for code in _codes(g.main))
    severity = "error" if every else "warning"
    zh, en = "{n} 行用到字典中没有的手术操作。", "{n} rows ask for procedures the dictionary does not know."
    yield from finding("D007", severity, zh, en, items)


def _codes(expr: ProcedureExpr | None) -> Iterator[str]:
    for term in expr.terms if expr is not None else ():
        yield term.lo


def empty_beside_joined(pack: DipPack) -> Iterator[Finding]:
    """D008: a diagnosis whose only rows are one without procedures and rows that need several at once."""
    by_diagnosis: dict[tuple[str, str], list[Group]] = defaultdict(list)
    for g in pack.tables.groups:
        if g.op_type is None:
            by_diagnosis[(g.layer, g.diagnosis.text)].append(g)
    items = []
    for members in by_diagnosis.values():
        empty = [g for g in members if g.main is None]
        joined = [g for g in members if g.main is not None]
        if empty and joined and all(g.main is not None and g.main.joins > 0 for g in joined):
            zh = "该诊断除无操作的病种外，其余都要求同时做多项操作；只做一项的病例在本层无病种可入，请确认。"
            en = "beside the row without procedures all rows need several at once; a case with one fits none. Confirm."
            items.append(Item(pack.group_at(empty[0].row), zh, en))
    zh, en = "{n} 个诊断只有保守治疗和组合操作病种。", "{n} diagnoses have only conservative and joined rows."
    yield from finding("D008", "info", zh, en, items)


def incomplete_levels(pack: DipPack) -> Iterator[Finding]:
    """D009: comprehensive rows split by procedure level that lack a level, or mix rows with and without one."""
    split: dict[object, list[Group]] = defaultdict(list)
    for g in pack.tables.groups:
        if g.op_type is not None:
            split[(g.layer, g.diagnosis.text, g.op_type)].append(g)
    items = []
    for members in split.values():
        levels = {g.op_level for g in members}
        if levels == {None} or levels == {1, 2, 3}:
            continue
        zh = "按手术级别拆分的综合病种缺级别，或混有未标级别的行；缺的级别将无病种可入，请补齐 1、2、3 级。"
        en = "comprehensive rows split by level lack one, or rows without a level stand among them; give 1, 2 and 3."
        items.append(Item(pack.group_at(members[0].row, "op_level"), zh, en))
    zh, en = "{n} 组综合病种的级别不完整。", "{n} sets of comprehensive rows have incomplete levels."
    yield from finding("D009", "warning", zh, en, items)


def repeated_keys(pack: DipPack) -> Iterator[Finding]:
    """D010: two rows of hospital or price for the same cases: which one applies is chance."""
    items = []
    for stem, keys in (
        ("hospital", ("code", "insurance", "month", "insured_place")),
        ("price", ("hospital", "insurance", "month", "insured_place")),
    ):
        if stem not in pack.sources:
            continue
        table, seen = pack.sources[stem], dict[object, int]()
        for row, cells in enumerate(table.rows()):
            key = tuple(cells[name] for name in keys)
            if key in seen:
                zh = f"与 {table.at(seen[key])} 的适用范围相同，只会用到前一行；请保留一行。"
                en = f"it serves the same cases as {table.at(seen[key])}, which wins; keep one of the two."
                items.append(Item(table.at(row), zh, en))
            seen.setdefault(key, row)
    zh, en = "{n} 行的适用范围重复。", "{n} rows serve the same cases as another."
    yield from finding("D010", "error", zh, en, items)


def first_pair_that_ties(pack: DipPack) -> Sequence[int] | None:
    """Two rows of one layer and diagnosis with the same procedures: the simplest pair no measure can tell apart."""
    seen: dict[object, int] = {}
    for g in pack.tables.groups:
        if g.op_type is None:
            key = (g.layer, g.diagnosis.text, g.main)
            if key in seen:
                return seen[key], g.row
            seen[key] = g.row
    return None


CHECKS = (
    overlapping_ranges,
    groups_without_score,
    unreachable_rows,
    unknown_procedures,
    empty_beside_joined,
    incomplete_levels,
    repeated_keys,
)
