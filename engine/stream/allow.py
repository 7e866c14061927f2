"""Which years may be settled in two passes 「流式清算的前提」.

In: an area and its policy of one year; out: nothing, or an error that names every rule for which a case must see other
cases of the year. Such a year is what `clear` is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.area import Area
from engine.edition_drg import DrgEdition
from engine.errors import PolicyError
from engine.lang import say
from engine.policy.resolve import ResolvedPolicy
from pointvalue.model import FixedScheme, PointScheme


class NeedsAllCasesError(PolicyError):
    """The year's policy has rules for which a case must see others."""


def require_two_passes(area: Area, resolved: ResolvedPolicy, mapping: bool | None) -> None:
    """Raises NeedsAllCasesError where the year needs all its cases at once. `mapping` as in the run's options."""
    mapped = mapping is not False and any(isinstance(one, DrgEdition) and _maps(one) for one in area.editions.editions)
    found = [*_by_case(area, resolved, mapped or mapping is True), *_by_scheme(resolved)]
    if found:
        zh, en = "、".join(each[0] for each in found), ", ".join(each[1] for each in found)
        raise NeedsAllCasesError(
            say(
                f"本年度政策中的下列规则需同时看到全年病例，不能流式清算：{zh}。请用 clear。",
                f"these rules of the year look at other cases and cannot be settled in two passes: {en}. Use clear.",
            )
        )


def _by_case(area: Area, resolved: ResolvedPolicy, mapped: bool) -> Iterator[tuple[str, str]]:
    facts = resolved.facts
    if facts.decisions or facts.applications is not None:
        yield "特例单议", "special_case.decisions"
    if facts.readmission_days is not None:
        yield "再入院", "readmission"
    if facts.new_tech_cases:
        yield "新技术病例名单", "new_tech.cases"
    if facts.tcm and mapped:
        yield "编码映射下的中医优势病种", "tcm under a code map"
    if facts.bed_day_groups and area.editions.has_dip:
        yield "病种目录中的床日病组", "bed-day groups of a catalogue"
    if resolved.area.audits:
        yield "审核扣减病例", "audit_cancel"


def _maps(edition: DrgEdition) -> bool:
    return edition.pack.compiled().options.code_mapping


def _by_scheme(resolved: ResolvedPolicy) -> Iterator[tuple[str, str]]:
    for scheme in resolved.area.schemes:
        if isinstance(scheme, FixedScheme):
            if any(terms.deviation is not None for terms in (scheme, *(later for _, later in scheme.later))):
                yield f"付费方式 {scheme.name} 的按院分担", f"sharing of {scheme.name} by hospital"
        elif _ranks(scheme):
            yield f"付费方式 {scheme.name} 的费用排名", f"rules of {scheme.name} by rank of cost"


def _ranks(scheme: PointScheme) -> bool:
    every = [scheme, *(terms for _, terms in scheme.dated)]
    return any(rule.when.top_share is not None for one in every for rules in one.class_sets for rule in rules.rules)
