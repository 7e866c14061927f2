"""The tables of a DRG rule pack: which stems, which columns, which types. A closed list.

In: nothing; out: the description the table reader and the messages share.
Every table stands beside pack.toml (or pack.json) as `<stem>.csv` or `<stem>.parquet`.
It decides no meaning: whether a list exists or a level is right is checked afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `int` (32 bit) or `text`; `nullable` cells may be empty; `optional` columns may be absent."""

    name: str
    type: str
    nullable: bool = False
    optional: bool = False


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "text") for name in names)


_NAMES = (Column("code", "text"), Column("name", "text", nullable=True))

TABLES: dict[str, tuple[Column, ...]] = {
    "rule_nodes": (
        Column("node_id", "int"),
        Column("parent_id", "int", nullable=True),
        Column("level", "text"),
        Column("seq", "int"),
        Column("code", "text"),
        Column("variant", "text", nullable=True, optional=True),
    ),
    "rule_conds": (
        Column("node_id", "int"),
        Column("clause", "int"),
        Column("atom", "int"),
        Column("var", "text"),
        Column("op", "text"),
        Column("list_id", "int", nullable=True),
        Column("lo", "int", nullable=True),
        Column("hi", "int", nullable=True),
    ),
    "list_meta": (
        Column("list_id", "int"),
        Column("kind", "text"),
        Column("name", "text", nullable=True),
        Column("n_codes", "int", optional=True),
    ),
    "list_codes": (Column("list_id", "int"), Column("code", "text")),
    "cc": (*_texts("code", "level"), Column("excl_id", "int")),
    "cc_excl": (Column("main_dx", "text"), Column("excl_id", "int")),
    "trauma_sites": (Column("mdc", "text", optional=True), *_texts("code", "site")),
    "drg_names": _NAMES,
    "adrg_names": _NAMES,
    "mdc_names": _NAMES,
    "dx_names": _NAMES,
    "op_names": _NAMES,
    "dx_map": _texts("source", "target"),
    "op_map": _texts("source", "target"),
}
"""stem → columns."""

ALWAYS_NEEDED = ("rule_nodes", "rule_conds", "list_meta", "list_codes")
"""The others are needed only when a rule or an option speaks of them."""

SUFFIXES = (".csv", ".parquet")

NOT_RULES = ("oracle", "weights")
"""Stems (by prefix) that may stand in the folder and are not read here: answer files, and the weights of the policy."""

OPTION_VALUES: dict[str, tuple[str, ...]] = {"validation_profile": ("compatible", "strict")}
CHOSEN_BY = ("discharge_date", "settlement_date")
KINDS = ("drg",)
