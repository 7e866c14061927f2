"""Conditions on a case 「适用条件」: which cases a scheme takes, which category a bed-day belongs to.

In: a mapping of a policy file; out: `When`. The grammar is closed: the keys below, `any` and `not`. All keys given must
hold; a list holds if one of its items does. Codes are prefixes, or ranges of codes of equal length (`F20-F29`).
It looks at no case: `engine.conditions` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from engine.policy.nodes import Node
from engine.policy.problems import Problems
from engine.policy.readers import Field, Reader, choice, code, day, flag, integer, listing, may, record, unique, word
from engine.policy.shapes import pool

_PATTERN: Final = re.compile(r"[A-Za-z0-9.+*/]{1,20}(-[A-Za-z0-9.+*/]{1,20})?")


@dataclass(frozen=True, slots=True)
class CodePattern:
    """Codes that start with `first`; with `last`, whose first characters lie between the two, both counted."""

    first: str
    last: str = ""

    def holds(self, text: str) -> bool:
        """Whether a code is one of them; a blank never is."""
        if not self.last:
            return text.startswith(self.first)
        return self.first <= text[: len(self.first)] <= self.last

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.last else self.first


@dataclass(frozen=True, slots=True)
class Days:
    """A span of days, both ends counted; None = open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class When:
    """One condition. An empty tuple and None ask nothing."""

    pool: tuple[str, ...] = ()
    hospital: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    county: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    med_type: tuple[str, ...] = ()
    ipt_med_type: tuple[str, ...] = ()
    dscg_way: tuple[str, ...] = ()
    insured_in: tuple[str, ...] = ()
    out_of_area: bool | None = None
    days_from: int | None = None
    days_upto: int | None = None
    age_from: int | None = None
    age_upto: int | None = None
    discharged: Days | None = None
    settled: Days | None = None
    diagnosis: tuple[CodePattern, ...] = ()
    any_diagnosis: tuple[CodePattern, ...] = ()
    operation: tuple[CodePattern, ...] = ()
    no_operation: bool | None = None
    listed: bool | None = None
    any: tuple[When, ...] = ()
    other_than: When | None = None
    """Written `not`."""

    def parts(self) -> Iterator[When]:
        """This condition and every one inside it."""
        yield self
        for inner in (*self.any, *([self.other_than] if self.other_than else [])):
            yield from inner.parts()

    @property
    def columns(self) -> frozenset[str]:
        """File columns a case must bring for this to be answered."""
        asked = {name for part in self.parts() for name, value in part._given() if name in COLUMN_OF}
        return frozenset(COLUMN_OF[name] for name in asked)

    def _given(self) -> Iterator[tuple[str, Any]]:
        for each in fields(self):
            value = getattr(self, each.name)
            if value not in ((), None):
                yield each.name, value

    def __str__(self) -> str:
        return ", ".join(f"{WORD_OF.get(name, name)} {_shown(value)}" for name, value in self._given())


COLUMN_OF: Final = {
    "department": "dscg_caty",
    "med_type": "med_type",
    "ipt_med_type": "ipt_med_type",
    "dscg_way": "dscg_way",
    "insured_in": "insuplc_admdvs",
    "out_of_area": "insuplc_admdvs",
}
"""Columns that are read only where somebody asks; all others are there in every settling run."""
WORD_OF: Final = {"other_than": "not"}


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + " | ".join(str(each) for each in value) + ")"
    if isinstance(value, Days):
        return f"{value.first or '…'} – {value.last or '…'}"
    return str(value)


def _pattern(node: Node, problems: Problems) -> CodePattern:
    text = word(_PATTERN.pattern, "编码前缀，或等长的编码区间如 F20-F29", "a code prefix, or a range like F20-F29")(
        node, problems
    )
    first, _, last = text.partition("-")
    if last and (len(first) != len(last) or last < first):
        raise problems.add(node.place, "out_of_range", found=text, allowed="F20-F29")
    return CodePattern(first, last)


def patterns() -> Reader[tuple[CodePattern, ...]]:
    """A list of code prefixes and ranges."""
    return listing(_pattern, at_least=1)


def _days(node: Node, problems: Problems) -> Days:
    got: dict[str, Any] = record(dict, {"from": may(day), "upto": may(day)})(node, problems)
    if got["from"] is None and got["upto"] is None:
        zh, en = "至少写 from、upto 之一", "write at least one of from, upto"
        raise problems.add(node.place, "missing_key", found="from", detail_zh=zh, detail_en=en)
    if got["from"] and got["upto"] and got["upto"] < got["from"]:
        raise problems.add(node.place, "out_of_range", found=str(got["upto"]), allowed=f"≥ {got['from']}")
    return Days(got["from"], got["upto"])


def condition(node: Node, problems: Problems) -> When:
    """One condition with at least one key."""
    codes: Field[tuple[str, ...]] = may(unique(code()), ())
    keys: dict[str, Field[Any]] = {
        "pool": may(unique(pool()), ()),
        "hospital": codes,
        "level": codes,
        "county": codes,
        "department": codes,
        "med_type": codes,
        "ipt_med_type": codes,
        "dscg_way": may(unique(choice("1", "2", "3", "4", "5", "9")), ()),
        "insured_in": may(unique(word(r"\d{2,6}", "2 至 6 位行政区划", "2 to 6 digits of a region")), ()),
        "out_of_area": may(flag()),
        "days_from": may(integer(0, 3_660)),
        "days_upto": may(integer(0, 3_660)),
        "age_from": may(integer(0, 150)),
        "age_upto": may(integer(0, 150)),
        "discharged": may(_days),
        "settled": may(_days),
        "diagnosis": may(patterns(), ()),
        "any_diagnosis": may(patterns(), ()),
        "operation": may(patterns(), ()),
        "no_operation": may(flag()),
        "listed": may(flag()),
        "any": may(listing(condition, at_least=1), ()),
        "not": may(condition),
    }
    got: dict[str, Any] = record(dict, keys)(node, problems)
    found = When(other_than=got.pop("not"), **got)
    if found == When():
        zh, en = "至少写一个条件", "write at least one condition"
        raise problems.add(node.place, "missing_key", found="when", detail_zh=zh, detail_en=en)
    for low, high in ((found.days_from, found.days_upto), (found.age_from, found.age_upto)):
        if low is not None and high is not None and high < low:
            raise problems.add(node.place, "out_of_range", found=f"{low} … {high}", allowed="from ≤ upto")
    return found
