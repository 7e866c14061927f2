"""What a walk writes down while it goes 「分组过程」, so that the explanation is the decision and not a second opinion.

In: events from the walk; out: a list of them, or nothing when nobody asked.
An event names a step, a rule, the row it is about, and codes; texts are made by `dip_trace`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

EVENTS = (
    "excluded_diagnosis",
    "procedure_dropped",
    "main_makes_conservative",
    "main_passed_over",
    "case_type",
    "layer_empty",
    "considered",
    "not_satisfied",
    "auxiliary_applied",
    "dropped_by_rule",
    "rule_decides",
    "severity_row",
    "added_again",
    "preempted",
    "chosen",
    "blank_group",
    "ungrouped",
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: what, at which layer or by which rule, to which row, with which codes."""

    what: str
    rule: str = ""
    group_code: str = ""
    row: int = -1
    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class Log:
    """A notebook. `wanted` false keeps a plain walk from writing."""

    wanted: bool = False
    events: list[Event] = field(default_factory=list)

    def add(self, what: str, rule: str = "", group_code: str = "", row: int = -1, codes: tuple[str, ...] = ()) -> None:
        assert what in EVENTS, f"unknown event {what!r}: add it to EVENTS and to the texts"
        if self.wanted:
            self.events.append(Event(what, rule, group_code, row, codes))
