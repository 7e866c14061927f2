"""A rule pack 「分组方案」 from its folder: read, checked, fingerprinted, ready for the grouper.

In: a folder with pack.toml and tables as CSV or Parquet, or with the pack.json of the published rule tables.
Out: `Pack`, or one `PackError` that lists every problem found with file, line and what to do.
Codes are kept as written, a blank in a code map included: the reference answers were made that way. What is kept
against expectation is a `Notice`, repeated by the linter. It never repairs a pack, nor compiles before it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.packs import check
from engine.packs.errors import PackError, Problem, Problems
from engine.packs.fingerprint import fingerprint
from engine.packs.header import read_header
from engine.packs.meta import Header, Notice, PackMeta, PackSource
from engine.packs.names import PackNames, names_from
from engine.packs.read_tables import Table, read_tables
from grouper.tables import COUNT_VARS, Atom, CodeList, DrgTables, Node

if TYPE_CHECKING:
    from grouper.compile import CompiledDrg
    from grouper.reference import Walker

__all__ = ["Notice", "Pack", "PackError", "PackMeta", "PackNames", "PackSource", "load_pack"]


@dataclass(frozen=True)
class Pack:
    """One edition of one area, immutable. Equal fingerprints mean equal rules, names and options."""

    meta: PackMeta
    tables: DrgTables
    names: PackNames
    fingerprint: str
    path: Path
    notices: tuple[Notice, ...] = ()
    own_names: frozenset[str] = field(default_factory=frozenset)
    """Name tables the pack itself brings, by stem."""

    @cached_property
    def _compiled(self) -> CompiledDrg:
        from grouper.compile import compile_drg

        return compile_drg(self.tables)

    @cached_property
    def _walker(self) -> Walker:
        from grouper.reference import Walker

        return Walker(self.tables)

    def walker(self) -> Walker:
        """The plain walk of this pack, for one record at a time; needs neither numpy nor numba."""
        return self._walker

    def compiled(self) -> CompiledDrg:
        """The integer arrays of this pack, made on first use and kept as long as the pack."""
        return self._compiled


def load_pack(path: Path | str) -> Pack:
    """The pack in folder `path`. Raises `PackError` with everything that is wrong with it."""
    folder = Path(path)
    if not folder.is_dir():
        text = "no such folder; give the folder that holds pack.toml or pack.json."
        raise PackError(folder.name, [Problem("pack.absent", str(folder), text)])
    problems = Problems(folder.name)
    header = read_header(folder, problems)
    tables = read_tables(folder, problems)
    if header is None:
        problems.raise_if_any()
        raise AssertionError("a header that could not be read leaves a problem")
    check.check_present(tables, header, problems)
    problems.raise_if_any()
    check.check_tree(tables["rule_nodes"], problems)
    kinds = check.check_lists(tables["list_meta"], tables["list_codes"], problems)
    numeric = (*(f.name for f in header.numeric), *COUNT_VARS)
    node_ids = set(tables["rule_nodes"].columns["node_id"])
    check.check_conditions(tables["rule_conds"], node_ids, kinds, numeric, problems)
    if "trauma_sites" in tables:
        check.check_sites(tables["trauma_sites"], problems)
    maps = _maps(tables, problems)
    names = {stem: _names(tables[stem], problems) for stem in tables if stem.endswith("_names")}
    problems.raise_if_any()
    drg_tables = _build(header, tables, maps, names)
    return Pack(
        meta=header.meta,
        tables=drg_tables,
        names=names_from(names),
        fingerprint=fingerprint(header.meta, drg_tables, names),
        path=folder,
        notices=(*header.notices, *_notices(header, tables, drg_tables)),
        own_names=frozenset(names),
    )


def _maps(tables: Mapping[str, Table], problems: Problems) -> dict[str, dict[str, Any]]:
    """The two-column tables by stem; an absent optional table is an empty map."""
    maps: dict[str, dict[str, Any]] = {"cc": {}}
    for stem, key, value, kind in (
        ("cc_excl", "main_dx", "excl_id", "exclusion.conflict"),
        ("trauma_sites", "code", "site", "site.conflict"),
        ("dx_map", "source", "target", "map.conflict"),
        ("op_map", "source", "target", "map.conflict"),
    ):
        maps[stem] = check.unique_pairs(tables[stem], key, value, kind, problems) if stem in tables else {}
    if "cc" in tables:
        cc = tables["cc"]
        for row, level in enumerate(cc.columns["level"]):
            if level not in ("MCC", "CC"):
                problems.add("cc.level", cc.at(row), f"level {level!r}. Allowed: MCC, CC.")
        pairs = list(cc.rows("level", "excl_id"))
        joined = Table("cc", cc.file, {"code": cc.columns["code"], "level and excl_id": pairs}, cc.height, cc.lines)
        maps["cc"] = check.unique_pairs(joined, "code", "level and excl_id", "cc.conflict", problems)
    return maps


def _names(table: Table, problems: Problems) -> dict[str, str]:
    pairs = check.unique_pairs(table, "code", "name", "name.conflict", problems)
    return {code: name for code, name in pairs.items() if name is not None}


_NODE_COLUMNS = ("node_id", "parent_id", "level", "seq", "code")


def _build(
    header: Header,
    tables: Mapping[str, Table],
    maps: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, Mapping[str, str]],
) -> DrgTables:
    nodes, conds, lists = tables["rule_nodes"], tables["rule_conds"], tables["list_meta"]
    variants = nodes.columns.get("variant", [None] * nodes.height)
    node_rows = zip(*(nodes.columns[name] for name in _NODE_COLUMNS), variants, strict=True)
    atom_rows = conds.rows("node_id", "clause", "atom", "var", "op", "list_id", "lo", "hi")
    codes: dict[int, list[str]] = {}
    for list_id, code in tables["list_codes"].rows("list_id", "code"):
        codes.setdefault(list_id, []).append(code)
    return DrgTables(
        nodes=tuple(sorted((Node(*row) for row in node_rows), key=lambda n: n.node_id)),
        atoms=tuple(sorted((Atom(*row) for row in atom_rows), key=lambda a: (a.node_id, a.clause, a.atom))),
        lists={
            list_id: CodeList(list_id, kind, name, tuple(sorted(set(codes.get(list_id, ())))))
            for list_id, kind, name in sorted(lists.rows("list_id", "kind", "name"), key=itemgetter(0))
        },
        complications=maps["cc"],
        exclusion_of=maps["cc_excl"],
        sites=maps["trauma_sites"],
        numeric=header.numeric,
        options=header.options,
        dx_map=maps["dx_map"],
        op_map=maps["op_map"],
        dx_known=frozenset(names.get("dx_names", ())),
        op_known=frozenset(names.get("op_names", ())),
    )


def _notices(header: Header, tables: Mapping[str, Table], built: DrgTables) -> list[Notice]:
    """What was accepted as it stands and should be known: blanks in code maps, an order told twice, rows told twice."""
    found: list[Notice] = []
    for stem in ("dx_map", "op_map"):
        if stem not in tables:
            continue
        for row, target in enumerate(tables[stem].columns["target"]):
            if target != target.strip():
                zh = f"转换目标 {target!r} 带有空格，按原样保留，因此不属于任何目录；请改正该行。"
                en = f"target {target!r} has blanks and is kept verbatim, so it is in no list; mend the row if unmeant."
                found.append(Notice("map.blank", tables[stem].at(row), zh, en))
    for stem in (stem for stem in tables if stem.endswith("_names")):
        if empty := sum(name is None for name in tables[stem].columns["name"]):
            zh, en = f"{empty} 个编码没有写名称，视为无名。", f"{empty} codes have an empty name and count as unnamed."
            found.append(Notice("name.empty", tables[stem].file, zh, en))
    if header.mdc_order is not None:
        nodes = tables["rule_nodes"]
        top = sorted((seq, code) for code, seq, up in nodes.rows("code", "seq", "parent_id") if up is None)
        if tuple(code for _, code in top) != header.mdc_order:
            zh = "mdc_order 与节点表的顺序不一致；以节点表为准。"
            en = "mdc_order differs from the order of rule_nodes; rule_nodes decides. Correct one of the two."
            found.append(Notice("mdc_order", "pack.json", zh, en))
    kept = {
        "list_codes": sum(len(one.codes) for one in built.lists.values()),
        "cc": len(built.complications),
        "cc_excl": len(built.exclusion_of),
        "trauma_sites": len(built.sites),
    }
    for stem, height in kept.items():
        if stem in tables and (extra := tables[stem].height - height):
            zh, en = f"{extra} 行与前面的行完全相同，已合并。", f"{extra} rows repeat an earlier row and were merged."
            found.append(Notice("row.repeated", tables[stem].file, zh, en))
    return found
