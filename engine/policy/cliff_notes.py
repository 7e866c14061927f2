"""The cliffs of a policy as notes for its author 「政策断点说明」.

In: an area's year; out: one sentence an edge, in the reader's language. It reports; it never refuses a policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

from engine.lang import say
from engine.policy.readers import plain
from pointvalue.fixed import exact, half_up
from pointvalue.model import AreaYear
from pointvalue.policy_cliffs import PolicyCliff, policy_cliffs

EPOCH = date(1970, 1, 1)


def cliff_notes(area: AreaYear) -> Iterator[str]:
    """Every edge, quotas by level as one note a scheme and pool. Points are parts of the base points, for a hospital
    coefficient of 1."""
    quotas: dict[tuple[str, str], list[PolicyCliff]] = {}
    for cliff in policy_cliffs(area):
        if cliff.kind == "level_quota":
            scheme, pool = cliff.where.partition(" ")[0], cliff.where.rpartition(" ")[2]
            quotas.setdefault((scheme, pool), []).append(cliff)
        else:
            yield _NOTES[cliff.kind](cliff)
    for (scheme, pool), cliffs in quotas.items():
        yield _level_quotas(f"{scheme} {pool}", cliffs)


def _since(cliff: PolicyCliff) -> str:
    return str(EPOCH + timedelta(days=cliff.from_day)) if cliff.from_day else say("始终", "always")


def _part(points: Fraction | None) -> str:
    if points is None:
        return say("不计点（按项目）", "no points (by item)")
    return f"{plain(exact(half_up(points * 10**4), 10**4))} × " + say("基准点数", "base points")


def _class(cliff: PolicyCliff) -> str:
    sides = f"{cliff.name_before} {_part(cliff.before)} → {cliff.name_after} {_part(cliff.after)}"
    band = "" if cliff.base_points is None else say(f"，基准点数 {plain(cliff.base_points)}",
                                                    f", base points {plain(cliff.base_points)}")  # fmt: skip
    falls = cliff.before is not None and cliff.after is not None and cliff.after < cliff.before
    fall = say("；费用更高而点数更低", "; dearer and fewer points") if falls else ""
    return f"{cliff.where} {_since(cliff)} " + say("倍率", "ratio") + f" {plain(cliff.at)}{band}: {sides}{fall}"


def _days(cliff: PolicyCliff) -> str:
    at = plain(cliff.at)
    return f"{cliff.where} {_since(cliff)} " + say(f"住院 {at} 天：{cliff.name_after} 的界限",
                                                   f"day {at} of a stay: the border of {cliff.name_after}")  # fmt: skip


def _tcm(cliff: PolicyCliff) -> str:
    at = plain(cliff.at * 100)
    return f"{cliff.where} {_since(cliff)} " + say(f"中治率 {at} %：{cliff.name_after} 的界限",
                                                   f"TCM share {at} %: the border of {cliff.name_after}")  # fmt: skip


def _top_share(cliff: PolicyCliff) -> str:
    at = plain(cliff.at * 100)
    return f"{cliff.where} {_since(cliff)} " + say(
        f"费用最高的 {at} % 病例：{cliff.name_after} 的界限",
        f"dearest {at} % of cases: the border of {cliff.name_after}",
    )


def _actual_below(cliff: PolicyCliff) -> str:
    at = plain(cliff.at * 100)
    return f"{cliff.where} " + say(f"实际低于标准的 {at} % 时据实支付：留用归零",
                                   f"below {at} % of the standard actual spend is paid: nothing is kept")  # fmt: skip


def _step(cliff: PolicyCliff) -> str:
    names = {"assessment": say("考核系数", "assessment coefficient"),
             "deposit_release": say("质量保证金返还", "deposit release")}  # fmt: skip
    change = f"{plain(cliff.before or Fraction(0))} → {plain(cliff.after or Fraction(0))}"
    return f"{cliff.where} {names[cliff.kind]} " + say(
        f"{plain(cliff.at)} 分：{change}", f"score {plain(cliff.at)}: {change}"
    )


def _step_of(cliff: PolicyCliff) -> Fraction:
    return abs((cliff.after or Fraction(0)) - (cliff.before or Fraction(0)))


def _level_quotas(where: str, cliffs: list[PolicyCliff]) -> str:
    """How many diseases are priced by hospital level, and the widest step between two levels."""
    widest = max(cliffs, key=_step_of)
    low, high = plain(widest.before or Fraction(0)), plain(widest.after or Fraction(0))
    count, disease = len({each.where for each in cliffs}), widest.where.partition(" ")[2].rpartition(" ")[0]
    one, other = widest.name_before, widest.name_after
    return f"{where} " + say(
        f"{count} 个病种按医院等级定额；相邻等级相差最大 {disease}：{one} 级 {low}，{other} 级 {high}",
        f"{count} diseases priced by hospital level; widest step {disease}: level {one} {low}, level {other} {high}",
    )


_NOTES = {
    "class": _class,
    "days": _days,
    "tcm": _tcm,
    "top_share": _top_share,
    "actual_below": _actual_below,
    "assessment": _step,
    "deposit_release": _step,
}
