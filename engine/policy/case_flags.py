"""What makes a case carry a flag 「病例标志」: which values of the record count as incomplete stay, day surgery …

In: nodes; out: `FlagDefinition` records. A flag may be defined several times; one definition that holds is enough, and
all parts of a definition must hold. Ungrouped, ambiguous and invalid come from grouping and cannot be defined here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.policy.nodes import Node
from engine.policy.predicates import When, condition
from engine.policy.problems import Problems
from engine.policy.readers import choice, integer, listing, may, record, unique, word
from engine.policy.rules import GROUPING_FLAGS
from pointvalue.terms import FLAG_NAMES, Flag

RECORD_FLAGS = frozenset(
    {
        *(Flag.INCOMPLETE, Flag.DAY_SURGERY, Flag.TRANSFERRED, Flag.SELF_DISCHARGED, Flag.EARLY_DEATH),
        *(Flag.DAY_WARD, Flag.UNSTABLE_GROUP),
    }
)
"""Flags the record of a case decides; the others come from grouping, from reviews and from the links between stays."""
assert not RECORD_FLAGS & set(GROUPING_FLAGS), "grouping answers are no facts of the record"


@dataclass(frozen=True, slots=True)
class FlagDefinition:
    """A case carries `flag` if its discharge disposition 「离院方式」 and inpatient type 「住院医疗类型」 are among the
    values given (none given: any) and it stayed at most `days_upto` days (none: any stay); or if it fulfils `when`,
    which may ask whatever the condition of a scheme may, and then stands alone."""

    flag: Flag
    dscg_way: tuple[str, ...]
    ipt_med_type: tuple[str, ...]
    days_upto: int | None
    when: When | None = None


def _definition(node: Node, problems: Problems) -> FlagDefinition:
    names = sorted(name for name, flag in FLAG_NAMES.items() if flag in RECORD_FLAGS)
    got: dict[str, Any] = record(
        dict,
        {
            "flag": choice(*names),
            "dscg_way": may(unique(choice("1", "2", "3", "4", "5", "9")), ()),
            "ipt_med_type": may(unique(word(r"\S{1,6}", "代码", "a code")), ()),
            "days_upto": may(integer(0, 366)),
            "when": may(condition),
        },
    )(node, problems)
    short = {key: got[key] for key in ("dscg_way", "ipt_med_type", "days_upto") if got[key] not in ((), None)}
    if got["when"] is not None:
        _require_alone(node, got["when"], short, problems)
    elif not short:
        zh, en = (
            "至少写 dscg_way、ipt_med_type、days_upto、when 之一",
            "write at least one of dscg_way, ipt_med_type, days_upto, when",
        )
        raise problems.add(node.place, "missing_key", found="dscg_way", detail_zh=zh, detail_en=en)
    return FlagDefinition(FLAG_NAMES[got["flag"]], got["dscg_way"], got["ipt_med_type"], got["days_upto"], got["when"])


def _require_alone(node: Node, when: When, short: Iterable[str], problems: Problems) -> None:
    """A condition says all by itself, and there is no list a flag could be listed in."""
    for key in short:
        raise problems.add(node.place, "unknown_key", found=key, allowed=f"flag, when: {{{key}: …}}")
    if any(part.listed is not None for part in when.parts()):
        raise problems.add(node.place, "unknown_key", found="listed", allowed="area.schemes")


flag_definitions = listing(_definition)
"""A list of definitions, in any order."""
