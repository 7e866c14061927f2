"""What makes a case carry a flag 「病例标志」: which values of the record count as incomplete stay, day surgery …

In: nodes; out: `FlagDefinition` records. A flag may be defined several times; one definition that holds is enough, and
all parts of a definition must hold. Ungrouped, ambiguous and invalid come from grouping and cannot be defined here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.policy.nodes import Node
from engine.policy.problems import Problems
from engine.policy.readers import choice, integer, listing, may, record, unique, word
from engine.policy.rules import GROUPING_FLAGS
from pointvalue.terms import FLAG_NAMES, Flag

RECORD_FLAGS = frozenset(
    {Flag.INCOMPLETE, Flag.DAY_SURGERY, Flag.TRANSFERRED, Flag.SELF_DISCHARGED, Flag.EARLY_DEATH, Flag.DAY_WARD}
)
"""Flags the record of a case decides; the others come from grouping, from reviews and from the links between stays."""
assert not RECORD_FLAGS & set(GROUPING_FLAGS), "grouping answers are no facts of the record"


@dataclass(frozen=True, slots=True)
class FlagDefinition:
    """A case carries `flag` if its discharge disposition 「离院方式」 and inpatient type 「住院医疗类型」 are among the
    values given (none given: any) and it stayed at most `days_upto` days (none: any stay)."""

    flag: Flag
    dscg_way: tuple[str, ...]
    ipt_med_type: tuple[str, ...]
    days_upto: int | None


def _definition(node: Node, problems: Problems) -> FlagDefinition:
    names = sorted(name for name, flag in FLAG_NAMES.items() if flag in RECORD_FLAGS)
    got: dict[str, Any] = record(
        dict,
        {
            "flag": choice(*names),
            "dscg_way": may(unique(choice("1", "2", "3", "4", "5", "9")), ()),
            "ipt_med_type": may(unique(word(r"\S{1,6}", "代码", "a code")), ()),
            "days_upto": may(integer(0, 366)),
        },
    )(node, problems)
    if not got["dscg_way"] and not got["ipt_med_type"] and got["days_upto"] is None:
        zh, en = (
            "至少写 dscg_way、ipt_med_type、days_upto 之一",
            "write at least one of dscg_way, ipt_med_type, days_upto",
        )
        raise problems.add(node.place, "missing_key", found="dscg_way", detail_zh=zh, detail_en=en)
    return FlagDefinition(FLAG_NAMES[got["flag"]], got["dscg_way"], got["ipt_med_type"], got["days_upto"])


flag_definitions = listing(_definition)
"""A list of definitions, in any order."""
