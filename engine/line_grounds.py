"""Which policy key a posting line rests on, and on what evidence 「分录依据」.

In: a resolved policy. Out: key and evidence tag by rule of the data plane, and by label where a line's price is set by
more than its cause says. It reads no line and changes no amount.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.policy.resolve import ResolvedPolicy
from engine.policy.resolve_added import VBP_LINE
from pointvalue.classes import FFS_LINE, SPECIAL_LINE
from pointvalue.lines import RULE_OF
from pointvalue.model import AreaYear
from pointvalue.special import BUNDLE_LINE, CAPITATION_LINE
from pointvalue.terms import Cause, SchemeKind

POLICY_KEY_OF_RULE = {
    "advances": "advance",
    "reserve.rate": "budget.reserve_rate",
    "fixed_lines": "budget.fixed_lines",
    "fixed_variance": "budget.fixed_variance",
    "scale_back": "budget.reserve_for_shares",
    "epidemic": "area.schemes",
    "audit.pv": "penalties.pv",
    "audit.money": "audits",
    "sharing.tiers": "surplus_and_overspend",
    "assessment.tiers": "assessment",
    "point_value": "budget.plan",
    "reserve_left": "budget.reserve_left",
    "point_value.bounds": "point_value.upper",
}
"""Where the policy keeps a rule that the data plane calls by another name; every other rule is a policy key itself."""
_WEAKEST_FIRST = ("PH", "U", "C", "B", "A", "S")


def policy_keys(resolved: ResolvedPolicy) -> dict[str, tuple[str, str]]:
    """Policy key and evidence tag behind each rule of the posting lines; a key that is not set takes the weakest tag of
    its mechanism."""
    by_key = {used.key: used.tag for used in resolved.used}
    named = {rule: POLICY_KEY_OF_RULE.get(rule, rule) for rule in RULE_OF.values()} | _own_keys(resolved.area, by_key)
    found = {}
    for name, key in named.items():
        family = {tag for other, tag in by_key.items() if other.split(".")[0] == key.split(".")[0]}
        found[name] = (key, by_key.get(key) or next((tag for tag in _WEAKEST_FIRST if tag in family), ""))
    return found


_PRICE_OF_KIND = {
    SchemeKind.BED_DAY: "bed_day.tiers",
    SchemeKind.SINGLE: "single_disease.quotas",
    SchemeKind.ACTUAL: "area.schemes",
}


def _own_keys(area: AreaYear, by_key: Mapping[str, str]) -> dict[str, str]:
    """Keys of lines that rest on more than their cause says, by label: what sets the price of a fixed line, which
    mechanism an other line comes from."""
    lines = {scheme.name: _PRICE_OF_KIND.get(scheme.kind, "") for scheme in area.schemes}
    lines |= {FFS_LINE: lines.get(FFS_LINE) or "case_classes", SPECIAL_LINE: "special_case.pay"}
    if area.contracts:
        lines |= {CAPITATION_LINE: "contracts", BUNDLE_LINE: "contracts"}
    found = {f"{Cause.FIXED_STANDARD.value}.{name}": key for name, key in lines.items() if key}
    priced = (pot.label for pool in area.pools for pot in pool.pots if pot.price is not None)
    found |= {f"{Cause.STANDARD.value}.{label}": "budget.pots" for label in priced}
    if "other_lines" not in by_key and "vbp.retain" in by_key:
        found[f"{Cause.OTHER.value}.{VBP_LINE}"] = "vbp.retain"
    return found
