"""Class rules 「病例分类规则」: an ordered list of conditions and named shapes, first match wins.

In: a list of rules; out: `ClassRule` records. An interval says by its words which ends belong to it: `above` >,
`from` ≥, `below` <, `upto` ≤. Checks that every rule can be reached, that the last takes what is left, and that no
case without base points meets a rule that needs them. It never computes points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from engine.policy.nodes import Node, Scalar
from engine.policy.problems import Place, Problems, listed
from engine.policy.readers import Field, Reader, choice, flag, integer, listing, may, name, number, record, share
from engine.policy.shapes import no_repeats, placed
from pointvalue.model import ClassRule, Condition, Limit, RatioInterval, TcmGate
from pointvalue.terms import FLAG_NAMES, Flag, Shape

HIGH_LIMIT: Final = "high_limit"
"""The word in a cost ratio that stands for the K of the case's group."""

WITHOUT_BASE_POINTS: Final = frozenset({Shape.SCALED_COST, Shape.COST_POINTS, Shape.FFS, Shape.EXCLUDE})
WITH_LIMIT: Final = frozenset(
    {Shape.LINEAR_ADD, Shape.EXCESS_PLUS_ONE, Shape.EXCESS_PLUS_COEF, Shape.DEDUCT, Shape.CAP}
)
WITH_FACTOR: Final = frozenset({Shape.SCALED_COST, Shape.SCALED_BASE})
GROUPING_FLAGS: Final = {
    Flag.UNGROUPED: ("未入组病例没有基准点数", "they have no base points"),
    Flag.AMBIGUOUS: ("歧义病例没有病组基准点数", "they belong to no single group"),
    Flag.INVALID: ("校验不通过的病例没有基准点数", "they failed the checks and have no base points"),
}
"""What a grouper may answer instead of a group."""


def _limit(node: Node, problems: Problems) -> Limit:
    if isinstance(node, Scalar) and node.text == HIGH_LIMIT:
        return "k"
    return number("0", "1000")(node, problems)


def _interval(node: Node, problems: Problems) -> RatioInterval:
    """`{above: 0.4, upto: 0.8}`: one lower and one upper word at most."""
    words = {key: may(_limit) for key in ("above", "from", "below", "upto")}
    got: dict[str, Any] = record(dict, words)(node, problems)
    for one, other in (("above", "from"), ("below", "upto")):
        if got[one] is not None and got[other] is not None:
            raise problems.add(node.place, "unknown_key", found=other, allowed=f"{one} | {other}")
    if all(value is None for value in got.values()):
        zh, en = "至少写 above、from、below、upto 之一", "write at least one of above, from, below, upto"
        raise problems.add(node.place, "missing_key", found="above", detail_zh=zh, detail_en=en)
    low, high = _first(got["above"], got["from"]), _first(got["below"], got["upto"])
    if low is not None and high is not None and "k" not in (low, high) and high <= low:
        raise problems.add(node.place, "out_of_range", found=f"{low} … {high}", allowed="above < upto")
    return RatioInterval(low, got["from"] is not None, high, got["upto"] is not None)


def _first(one: Limit, other: Limit) -> Any:
    return other if one is None else one


def _condition() -> Reader[Condition]:
    flags = choice(*FLAG_NAMES)
    gate = record(TcmGate, {"ratio_min": share(), "days_min": integer(0)})
    return record(
        Condition,
        {
            "flag": may(lambda node, problems: FLAG_NAMES[flags(node, problems)]),
            "days_from": may(integer(0)),
            "days_upto": may(integer(0)),
            "cost_ratio": may(_interval),
            "top_share": may(share()),
            "tcm": may(gate),
        },
    )


def _rule(node: Node, problems: Problems) -> ClassRule:
    fields: dict[str, Field[Any]] = {
        "id": Field(name()),
        "when": may(_condition(), Condition()),
        "shape": Field(choice(*Shape)),
        "hospital_coefficient": may(flag()),
        "aux": may(flag(), True),
        "factor": may(number("0", "10")),
        "add": may(number("0", "10")),
        "k": may(number("1", "100")),
        "review": may(flag(), False),
    }
    got: dict[str, Any] = record(dict, fields)(node, problems)
    shape = Shape(got.pop("shape"))
    takes = {"factor": shape in WITH_FACTOR, "add": shape is Shape.RAMP_ADD}
    for key, needed in takes.items():
        if needed and got[key] is None:
            zh, en = f"需要 {key}", f"needs {key}"
            raise problems.add(node.place, "rule_parameter", found=shape, detail_zh=zh, detail_en=en)
        if not needed and got.pop(key) is not None:
            zh, en = f"不使用 {key}", f"takes no {key}"
            raise problems.add(node.place, "rule_parameter", found=shape, detail_zh=zh, detail_en=en)
    if got["k"] is not None and shape not in WITH_LIMIT:
        raise problems.add(node.place, "rule_parameter", found=shape, detail_zh="不使用 k", detail_en="takes no k")
    return ClassRule(shape=shape, coefficient=got.pop("hospital_coefficient"), **got)


def rules(node: Node, problems: Problems) -> tuple[ClassRule, ...]:
    """The rules of one scheme; ids are unique, only the last has no condition."""
    found = listing(_rule, at_least=1)(node, problems)
    no_repeats(problems, node, [rule.id for rule in found])
    for rule, item in zip(found[:-1], placed(node), strict=False):
        if rule.when == Condition() and rule.shape is not Shape.TCM_BASE:
            problems.add(item.place, "rule_unreachable", found=rule.id)
    if found[-1].when != Condition():
        problems.add(placed(node)[-1].place, "rule_no_else", found=found[-1].id)
    return found


def needs_group_limit(rule: ClassRule) -> bool:
    """Whether the rule reads the K that goes with base points."""
    interval = rule.when.cost_ratio
    in_test = interval is not None and "k" in (interval.above, interval.below)
    return in_test or (rule.shape in WITH_LIMIT and rule.k is None)


def needs_base_points(rule: ClassRule) -> bool:
    return rule.shape not in WITHOUT_BASE_POINTS or rule.when.cost_ratio is not None


def check_cover(found: Sequence[ClassRule], places: Sequence[Place], base_known: Flag, problems: Problems) -> None:
    """Every kind of case without a group is taken before a rule that would need its base points.

    `base_known`: the grouping answers whose cases do have base points in the weight table (ambiguous groups may).
    """
    for mark, (zh, en) in GROUPING_FLAGS.items():
        if mark not in base_known:
            _check_one(mark, zh, en, found, places, problems)


def _check_one(
    mark: Flag, zh: str, en: str, found: Sequence[ClassRule], places: Sequence[Place], problems: Problems
) -> None:
    word = (mark.name or "").lower()
    for index, rule in enumerate(found):
        named = rule.when.flag
        if named is not None and named in GROUPING_FLAGS and named is not mark:
            continue
        if not needs_base_points(rule):
            if rule.when in (Condition(flag=mark), Condition()):
                return
            continue
        later = next((i for i, other in enumerate(found) if i > index and other.when == Condition(flag=mark)), None)
        if later is None:
            problems.add(places[index], "rule_uncovered", found=word, detail_zh=zh, detail_en=en)
        else:
            facts = {"found": found[later].id, "other": rule.id, "detail_zh": zh, "detail_en": en}
            problems.add(places[later], "rule_order", **facts)
        return


def rule_ids(found: Sequence[ClassRule]) -> str:
    return listed(rule.id for rule in found)
