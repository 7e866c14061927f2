"""Nodes, lists and conditions of a rule pack in words, Chinese and English, for the linter and the explanation.

In: atoms, lists, names; out: short phrases (`主要手术 ∈ 目录 12`, `principal procedure in list 12`).
One place for the names of variables and units. It judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grouper.tables import Atom, CodeList, DrgTables, Node

VARIABLES: Mapping[str, tuple[str, str]] = {
    "dx_main": ("主要诊断", "principal diagnosis"),
    "dx_any": ("任一诊断", "any diagnosis"),
    "dx_other": ("其他诊断", "a secondary diagnosis"),
    "op_main": ("主要手术", "principal procedure"),
    "op_any": ("任一手术", "any procedure"),
    "op_other": ("其他手术", "a secondary procedure"),
    "dept": ("出院科别", "discharge department"),
    "leaving_type": ("离院方式", "discharge disposition"),
    "gender": ("性别", "gender"),
    "age_years": ("年龄", "age"),
    "age_days": ("日龄", "age in days"),
    "birth_weight_g": ("出生体重", "birth weight"),
    "los_days": ("住院天数", "length of stay"),
    "icu_hours": ("重症监护时间", "hours in intensive care"),
    "n_dx": ("诊断数", "number of diagnoses"),
    "n_op": ("手术数", "number of procedures"),
    "n_sites": ("创伤部位数", "number of body sites"),
    "has_mcc": ("严重并发症或合并症 (MCC)", "a major complication (MCC)"),
    "has_cc": ("一般并发症或合并症 (CC)", "a complication (CC)"),
}
"""variable → its name in Chinese and English; a number declared by the pack goes by its own name."""

_UNITS = {"a": ("岁", "years"), "d": ("天", "days"), "g": ("克", "g"), "h": ("小时", "h"), "code": ("", "")}
_STANDARD_UNITS = {"age_years": "a", "age_days": "d", "birth_weight_g": "g", "los_days": "d", "icu_hours": "h"}
_GENDERS = {1: ("男", "male"), 2: ("女", "female")}


def variable(var: str, zh: bool) -> str:
    """The name of a variable."""
    return VARIABLES.get(var, (var, var))[0 if zh else 1]


def unit(var: str, zh: bool, units: Mapping[str, str] = _STANDARD_UNITS) -> str:
    """The unit of a number, with the blank English wants before it."""
    code = units.get(var, "")
    word = _UNITS.get(code, (code, code))[0 if zh else 1]
    return f" {word}" if word else ""


def amount(var: str, value: int | None, zh: bool) -> str:
    """A number with its unit; a missing one says so."""
    if value is None:
        return "空" if zh else "missing"
    if var == "gender":
        return _GENDERS.get(value, (str(value), str(value)))[0 if zh else 1]
    return f"{value}{unit(var, zh)}"


def band(var: str, lo: int | None, hi: int | None, zh: bool) -> str:
    """A range with both ends inclusive: `0–28 天`, `≥ 2`, `≤ 17 岁`."""
    measure = unit(var, zh)
    if lo is not None and lo == hi:
        return amount(var, lo, zh)
    if lo is None and hi is None:
        return "任意数值" if zh else "any number"
    if lo is None:
        return f"≤ {hi}{measure}"
    return f"≥ {lo}{measure}" if hi is None else f"{lo}–{hi}{measure}"


def list_label(one: CodeList, zh: bool) -> str:
    """`目录 0（valid_ops，10251 个编码）`."""
    count = f"{len(one.codes)} 个编码" if zh else f"{len(one.codes)} codes"
    inside = "，".join(filter(None, (one.name, count))) if zh else ", ".join(filter(None, (one.name, count)))
    return f"目录 {one.list_id}（{inside}）" if zh else f"list {one.list_id} ({inside})"


def atom_text(atom: Atom, lists: Mapping[int, CodeList], zh: bool) -> str:
    """One test in words."""
    name = variable(atom.var, zh)
    if atom.op in ("true", "false"):
        return (("有" if atom.op == "true" else "无") if zh else ("has " if atom.op == "true" else "has not ")) + name
    if atom.op == "range":
        return f"{name} {band(atom.var, atom.lo, atom.hi, zh)}"
    assert atom.list_id is not None
    label = list_label(lists[atom.list_id], zh)
    if atom.op == "count":
        times = band("", atom.lo, atom.hi, zh)
        return f"{name}属于{label}的个数 {times}" if zh else f"{name}: {times} of {label}"
    if zh:
        return f"{name}{'属于' if atom.op == 'in' else '不属于'}{label}"
    return f"{name} {'in' if atom.op == 'in' else 'not in'} {label}"


def clauses_text(clauses: Sequence[Sequence[Atom]], lists: Mapping[int, CodeList], zh: bool) -> str:
    """A whole condition: atoms joined by 且 / and, alternatives by 或 / or."""
    if not clauses:
        return "无条件" if zh else "always"
    inner, outer = ("，且", "；或 ") if zh else (" and ", "; or ")
    return outer.join(inner.join(atom_text(atom, lists, zh) for atom in clause) for clause in clauses)


def node_label(node: Node, names: Mapping[str, str] | None = None) -> str:
    """`node 12 AA1 [2]`, with its name if there is one."""
    name = (names or {}).get(node.code)
    return (
        f"node {node.node_id} {node.code}" + (f" [{node.variant}]" if node.variant else "") + (f" {name}" * bool(name))
    )


def nodes_by_id(tables: DrgTables) -> dict[int, Node]:
    """Nodes by their number."""
    return {node.node_id: node for node in tables.nodes}
