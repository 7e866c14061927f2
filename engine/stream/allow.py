"""Which years may be settled in two passes 「流式清算的前提」.

In: an area and its policy of one year; out: nothing, or an error that names every rule for which a case must see other
cases of the year. Such a year is what `clear` is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.area import Area
from engine.errors import RunError
from engine.lang import say
from engine.policy.resolve import ResolvedPolicy
from pointvalue.model import FixedScheme, PointScheme
from pointvalue.terms import SchemeKind


def require_two_passes(area: Area, resolved: ResolvedPolicy) -> None:
    """Raises RunError where the year needs all its cases at once."""
    found = [*_by_case(resolved), *_by_scheme(resolved)]
    if found:
        zh, en = "、".join(each[0] for each in found), ", ".join(each[1] for each in found)
        raise RunError(
            say(
                f"本年度政策中的下列规则需同时看到全年病例，不能流式清算：{zh}。请用 clear。",
                f"these rules of the year look at other cases and cannot be settled in two passes: {en}. Use clear.",
            )
        )


def _by_case(resolved: ResolvedPolicy) -> Iterator[tuple[str, str]]:
    facts, asked = resolved.facts, resolved.facts.asked
    if facts.decisions or facts.applications is not None:
        yield "特例单议", "special_case.decisions"
    if facts.readmission_days is not None:
        yield "再入院", "readmission"
    if facts.new_tech_cases or facts.new_tech or asked.operations:
        yield "新技术", "new_tech"
    if facts.tcm or asked.fees:
        yield "中医优势病种", "tcm"
    if facts.bed_day_groups:
        yield "床日病组", "bed-day groups"
    if asked.conditions:
        yield "按条件标志", "flags with a condition"
    if asked.required:
        yield "政策另需的病案项目", f"columns {', '.join(asked.required)}"
    if resolved.area.audits:
        yield "审核扣减病例", "audit_cancel"


def _by_scheme(resolved: ResolvedPolicy) -> Iterator[tuple[str, str]]:
    for scheme in resolved.area.schemes:
        if isinstance(scheme, FixedScheme):
            if scheme.kind in (SchemeKind.BED_DAY, SchemeKind.SINGLE):
                yield f"付费方式 {scheme.name}", f"scheme {scheme.name} at a price of its own"
        elif _ranks(scheme):
            yield f"付费方式 {scheme.name} 的费用排名", f"rules of {scheme.name} by rank of cost"


def _ranks(scheme: PointScheme) -> bool:
    every = [scheme, *(terms for _, terms in scheme.dated)]
    return any(rule.when.top_share is not None for one in every for rules in one.class_sets for rule in rules.rules)
