"""What a policy says on a day, line by line, for a person to read 「查看政策」.

In: an `AreaPolicy` and a day; out: one row per parameter of the catalogue, in catalogue order, values as written.
A parameter without a value that day is shown as such: this page reports, only a run stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.policy.canon import written_text
from engine.policy.catalogue import PARAMS
from engine.policy.load import AreaPolicy
from engine.policy.problems import PolicyFaults
from engine.policy.settings import DEFAULT_SOURCE, NOTHING, Param, Required, Setting, default_text


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One parameter on one day. `state`: in force, default, missing (never written) or not in force."""

    key: str
    zh: str
    value: str
    unit: str
    tag: str
    source: str
    since: date | None
    state: str
    description: str


def show(policy: AreaPolicy, day: date) -> tuple[ShownValue, ...]:
    """Every parameter a policy may hold, with what this policy says about it on the day."""
    return tuple(_row(param, policy.settings.get(param.key), day) for param in PARAMS.values())


def _row(param: Param[object], setting: Setting | None, day: date) -> ShownValue:
    if setting is None:
        return _default(param)
    try:
        start = setting.on(day)
    except PolicyFaults:
        return ShownValue(param.key, param.zh, NOTHING, param.unit, "", "", None, "not in force", setting.description)
    if start.ended:
        return _default(param)
    text, source = written_text(start.node), str(start.source)
    return ShownValue(
        param.key, param.zh, text, param.unit, start.tag, source, start.on, "in force", setting.description
    )


def _default(param: Param[object]) -> ShownValue:
    if isinstance(param.default, Required):
        return ShownValue(param.key, param.zh, NOTHING, param.unit, "", "", None, "missing", "")
    return ShownValue(
        param.key,
        param.zh,
        default_text(param.standing),
        param.unit,
        param.default_tag,
        DEFAULT_SOURCE,
        None,
        "default",
        "",
    )
