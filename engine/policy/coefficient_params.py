"""Parameters of the hospital coefficient 「医疗机构系数」 where an area computes it instead of listing it.

In: nothing; out: typed parameter keys and the mechanism `coefficient` with its facts of hospitals. Numbers are read at
six decimals and stay exact until then. Without this mechanism the column `medins_coef` of the hospital table holds.
No value stands in this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from engine.policy.fact_tables import GroupCoefficients, group_coefficients
from engine.policy.nodes import Node
from engine.policy.problems import Problems
from engine.policy.readers import (
    Field,
    Reader,
    choice,
    code,
    flag,
    listing,
    mapping,
    may,
    name,
    number,
    plain,
    record,
    share,
    word,
)
from engine.policy.settings import Mechanism, Param
from engine.policy.tables import FactsTable, facts_table
from pointvalue.coefficient import Against, BonusForm, Growth, Increment

FORMS: Final = ("table", "level", "composite", "base_plus_bonus", "level_plus_increments", "group_cost")
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "table": (),
    "level": ("level_values",),
    "group_cost": ("groups",),
    "composite": ("composite_weights", "facts"),
    "base_plus_bonus": ("bonus", "facts"),
    "level_plus_increments": ("level_values", "increments", "facts"),
}
"""What each form is made of."""
MAY: Final[Mapping[str, tuple[str, ...]]] = {"level": ("facts",)}
"""What a form also reads where it is written: the kinds of hospitals, for values by level/kind."""


@dataclass(frozen=True, slots=True)
class CoefficientParts:
    """The parameters of one form, read at one day."""

    level_values: Mapping[str, Fraction]
    composite_weights: Mapping[str, Fraction]
    bonus: BonusForm | None
    increments: tuple[Increment, ...]


def _level() -> Reader[str]:
    return word(r"[^\s,;|/]{1,20}(/[A-Za-z][A-Za-z0-9_]{0,39})?", "等级或 等级/类别", "a level, or level/kind")


def _weights(node: Node, problems: Problems) -> dict[str, Fraction]:
    found = mapping(name(), share())(node, problems)
    whole = sum(found.values(), Fraction(0))
    if whole != 1:
        detail = {"detail_zh": "综合系数各项权重", "detail_en": "weights of the composite coefficient"}
        raise problems.add(node.place, "sum_not_one", found=plain(whole), **detail)
    return found


def _increment(node: Node, problems: Problems) -> Increment:
    fields: dict[str, Field[Any]] = {
        "indicator": Field(name()),
        "step": Field(number("0.000001")),
        "per_step": Field(share()),
        "caps": Field(mapping(code(), share())),
        "at_once": may(flag(), False),
        "symmetric": may(flag(), False),
        "growth": may(choice(*Growth), Growth.STEPS.value),
        "against": may(choice(*Against), Against.RELATIVE.value),
    }
    got: dict[str, Any] = record(dict, fields)(node, problems)
    return Increment(**{**got, "growth": Growth(got["growth"]), "against": Against(got["against"])})


FORM: Param[str] = Param("coefficient.form", choice(*FORMS), "系数形式", default="table", how=True)
LEVEL_VALUES: Param[dict[str, Fraction]] = Param(
    "coefficient.level_values", mapping(_level(), number("0.000001", "10")), "等级系数", unit="/1", default={}
)
COMPOSITE_WEIGHTS: Param[dict[str, Fraction]] = Param(
    "coefficient.composite_weights", _weights, "综合系数权重", unit="/1", default={}
)
BONUS: Param[BonusForm | None] = Param(
    "coefficient.bonus",
    record(BonusForm, {"base": name(), "weights": mapping(name(), share())}),
    "基础系数与加成",
    unit="/1",
    default=None,
)
INCREMENTS: Param[tuple[Increment, ...]] = Param(
    "coefficient.increments", listing(_increment, at_least=1), "系数增量", unit="/1", default=()
)
LEAST: Param[Fraction | None] = Param(
    "coefficient.min", number("0.000001", "10"), "系数下限", unit="/1", default=None
)  # fmt: skip
MOST: Param[Fraction | None] = Param(
    "coefficient.max", number("0.000001", "10"), "系数上限", unit="/1", default=None
)  # fmt: skip
GROUPS: Param[GroupCoefficients | None] = Param(
    "coefficient.groups", group_coefficients, "病组差异系数", default=None
)  # fmt: skip
FACTS: Param[FactsTable | None] = Param("coefficient.facts", facts_table, "系数测算指标", default=None)

PARTS: Final[Mapping[str, Param[Any]]] = {
    "level_values": LEVEL_VALUES,
    "composite_weights": COMPOSITE_WEIGHTS,
    "bonus": BONUS,
    "increments": INCREMENTS,
    "facts": FACTS,
    "groups": GROUPS,
}
COEFFICIENT: Final = Mechanism("coefficient", "医疗机构系数", (FORM, *PARTS.values(), LEAST, MOST), needs=False)
