"""The tables of a DIP rule pack 「DIP分组方案」: stems, columns, types, allowed words. A closed list.

In: nothing; out: the description that reader, loader, linter and Excel exchange share.
Every table stands beside pack.toml as `<stem>.csv` or `<stem>.parquet`, UTF-8, one header row.
Types: text · int (32 bit) · e4 / e6 (decimal text → whole number ×10⁴ / ×10⁶) · fen (yuan with two decimals → fen) ·
bool (0/1) · enum (one of `words`). It decides no meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

from grouper.dip_tables import EXCLUDED_ACTIONS, PREEMPT_CONDITIONS, SOURCES, TIE_RULES, TYPE_ZH, ProcedureType
from pointvalue.dip_score_tables import FORMULAS

TYPE_WORDS = {
    **{zh: kind for kind, zh in TYPE_ZH.items()},
    "手术": ProcedureType.SURGICAL,
    "内科诊疗": ProcedureType.CONSERVATIVE,
}
"""Words for procedure types as catalogues write them."""

LEVELS = ("cc", "mcc", "重度", "中度")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `need`: every row has a value; `optional`: the column may be absent."""

    name: str
    type: str = "text"
    need: bool = False
    optional: bool = True
    words: tuple[str, ...] = ()


def _key(name: str, type_: str = "text", words: tuple[str, ...] = ()) -> Column:
    return Column(name, type_, need=True, optional=False, words=words)


def _enum(name: str, words: tuple[str, ...]) -> Column:
    return Column(name, "enum", words=words)


_TYPES = tuple(TYPE_WORDS)

TABLES: dict[str, tuple[Column, ...]] = {
    "code_map": (
        _key("kind", "enum", ("dx", "op")),
        Column("from_version"),
        _key("from_code"),
        Column("to_version"),
        _key("to_code"),
    ),
    "procedure": (
        _key("code"),
        Column("name"),
        _key("type", "enum", _TYPES),
        Column("level", "int"),
        Column("incision"),
        Column("grey", "bool"),
    ),
    "type_order": (_key("type", "enum", _TYPES), _key("rank", "int"), _key("counts_as", "enum", _TYPES)),
    "excluded_diagnosis": (_key("code"), _enum("match", ("exact", "prefix"))),
    "excluded_procedure": (
        _key("code"),
        _enum("match", ("exact", "prefix")),
        _key("action", "enum", EXCLUDED_ACTIONS),
        Column("dx_range"),
    ),
    "layer": (_key("seq", "int"), _key("name"), _key("source", "enum", SOURCES), Column("competes_with")),
    "group": (
        _key("code"),
        Column("name"),
        _key("layer"),
        _key("dx_expr"),
        Column("main_op_expr"),
        _enum("op_position", ("main", "any")),
        Column("related_op_expr"),
        Column("other_dx_expr"),
        _enum("dx_position", ("principal", "any")),
        Column("age_days_lt", "int"),
        Column("age_min", "int"),
        Column("age_max", "int"),
        Column("weight_min_g", "int"),
        Column("weight_max_g", "int"),
        Column("flag_expr"),
        _enum("op_type", _TYPES),
        Column("op_level", "int"),
        Column("score", "e4"),
        Column("ref_cost", "fen"),
        Column("ref_days", "e6"),
        Column("basic_factor", "e6"),
        Column("is_basic", "bool"),
        Column("is_tcm", "bool"),
        Column("is_day", "bool"),
        Column("row_order", "int"),
    ),
    "code_list": (_key("list_id"), _key("code")),
    "match_policy": (_key("key"), Column("value", optional=False)),
    "tie_break": (
        _key("seq", "int"),
        _enum("scope", _TYPES),
        _key("rule", "enum", TIE_RULES),
        _enum("ties", ("first", "last")),
    ),
    "choice_order": (
        _key("seq", "int"),
        _key("layer"),
        _enum("op_type", _TYPES),
        _enum("preempt", PREEMPT_CONDITIONS),
    ),
    "cc_list": (_key("dx"), _key("level", "enum", LEVELS), Column("exclude_list"), Column("include_prefix")),
    "cci_weight": (_key("dx"), _key("class"), _key("weight", "int")),
    "aux": (
        _key("group_code"),
        _key("dimension"),
        _key("level"),
        Column("condition_expr"),
        Column("score", "e4"),
        Column("factor", "e6"),
        Column("ref_cost", "fen"),
    ),
    "aux_policy": (
        _key("pick", "enum", ("highest_factor", "first")),
        Column("los_threshold", "int"),
        Column("los_inclusive", "bool"),
        Column("age_bands"),
        Column("malignant_dx"),
    ),
    "hospital": (
        Column("code"),
        Column("level"),
        Column("class"),
        _key("factor", "e6"),
        Column("insurance"),
        Column("month"),
        Column("insured_place"),
    ),
    "hospital_group_factor": (_key("group_code"), _key("level"), _key("factor", "e6")),
    "price": (
        Column("insurance"),
        Column("hospital"),
        Column("month"),
        Column("insured_place"),
        Column("point_value", "e6"),
        Column("cost_factor", "e6"),
        Column("basic_cost_factor", "e6"),
    ),
    "deviation": (
        _key("seq", "int"),
        Column("lo", "e6"),
        Column("lo_inclusive", "bool"),
        Column("hi", "e6"),
        Column("hi_inclusive", "bool"),
        _key("label"),
        _key("formula", "enum", FORMULAS),
        Column("apply_hospital", "bool"),
        Column("apply_aux", "bool"),
    ),
    "ungrouped": (
        _key("mode", "enum", ("none", "blank_group", "city_mean")),
        Column("group_code"),
        Column("factor", "e6"),
        Column("base"),
    ),
}

REQUIRED = ("layer", "group")
"""A catalogue without these groups nothing."""
