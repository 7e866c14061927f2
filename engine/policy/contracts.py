"""Yearly facts about single hospitals: contracts, audit decisions, other amounts of money.

In: list items; out: the records of `pointvalue.model`. Money fen; multiples and shares exact fractions.
A kind must carry its own keys and no others. It does not know whether a hospital exists: the cross-checks do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.policy.nodes import Node
from engine.policy.problems import Problems, listed
from engine.policy.readers import Field, choice, code, integer, listing, may, name, number, plain, record, share, yuan
from engine.policy.shapes import pool
from pointvalue.model import BundleContract, CapitationContract, Contract, MoneyLine
from pointvalue.terms import AuditValue, Cause

CONTRACT_KINDS: Mapping[str, tuple[str, ...]] = {
    "capitation": ("service", "rate", "enrolled", "assessment"),
    "bundle": ("package", "outside", "retain", "fund_bears_deficit"),
}
BUNDLE_EXTRA = ("inside", "members", "public_health")


@dataclass(frozen=True, slots=True)
class AuditDecision:
    """A decision on a case or a hospital as written; the penalty table fills in what it leaves out."""

    case: str | None
    hospital: str | None
    pool: str | None
    behaviour: str | None
    extra_base_multiple: Fraction | None
    pv: AuditValue | None
    amount_fen: int | None


def contract(node: Node, problems: Problems) -> Contract:
    """Capitation 「按人头」 or bundle 「医共体包干」."""
    fields: dict[str, Field[Any]] = {
        "kind": Field(choice(*CONTRACT_KINDS)),
        "hospital": Field(code()),
        "pool": Field(pool()),
        "service": may(name()),
        "rate": may(yuan()),
        "enrolled": may(integer(0)),
        "assessment": may(share()),
        "package": may(yuan()),
        "inside": may(yuan()),
        "outside": may(yuan()),
        "retain": may(share()),
        "fund_bears_deficit": may(share()),
        "members": may(listing(code())),
        "public_health": may(yuan()),
    }
    got: dict[str, Any] = record(dict, fields)(node, problems)
    kind, needed = got["kind"], CONTRACT_KINDS[got["kind"]]
    only_keys_of(kind, got, needed, needed + (BUNDLE_EXTRA if kind == "bundle" else ()), node, problems)
    if kind == "capitation":
        service = got["service"]
        return CapitationContract(
            got["hospital"], got["pool"], got["rate"], got["enrolled"], got["assessment"], service
        )
    if (got["public_health"] or 0) > got["package"]:
        facts = {
            "found": plain(Fraction(got["public_health"], 100)),
            "allowed": f"≤ {plain(Fraction(got['package'], 100))}",
        }
        raise problems.add(node.place, "out_of_range", **facts)
    return BundleContract(
        got["hospital"],
        got["pool"],
        got["package"],
        got["outside"],
        got["retain"],
        got["fund_bears_deficit"],
        got["inside"],
        got["members"] or (),
        got["public_health"] or 0,
    )


def audit(node: Node, problems: Problems) -> AuditDecision:
    """`cancel` takes a case out; `money` takes an amount from a hospital."""
    fields: dict[str, Field[Any]] = {
        "kind": Field(choice("cancel", "money")),
        "case": may(code()),
        "hospital": may(code()),
        "pool": may(pool()),
        "behaviour": may(name()),
        "extra_base_multiple": may(number("0", "10")),
        "pv": may(choice(*AuditValue)),
        "amount": may(yuan("0.01")),
    }
    got: dict[str, Any] = record(dict, fields)(node, problems)
    kind = got["kind"]
    needed = {"cancel": ("case",), "money": ("hospital", "pool", "amount")}[kind]
    also = {"cancel": ("extra_base_multiple", "pv"), "money": ()}[kind]
    only_keys_of(kind, got, needed, (*needed, *also, "behaviour"), node, problems)
    value = None if got["pv"] is None else AuditValue(got["pv"])
    return AuditDecision(
        got["case"], got["hospital"], got["pool"], got["behaviour"], got["extra_base_multiple"], value, got["amount"]
    )


def other_line(node: Node, problems: Problems) -> MoneyLine:
    """An amount from the reserve to a hospital, such as VBP retention 「集采结余留用」; below zero is taken back."""
    build = record(
        lambda **got: MoneyLine(got["hospital"], got["pool"], Cause.OTHER, got["amount"], got["name"]),
        {"hospital": code(), "pool": pool(), "name": name(), "amount": yuan(None)},
    )
    return build(node, problems)


def only_keys_of(
    kind: str, got: Mapping[str, Any], needed: Sequence[str], allowed: Sequence[str], node: Node, problems: Problems
) -> None:
    """Report what a kind needs and lacks, or carries and does not take."""
    for key in needed:
        if got[key] is None:
            zh, en = f"kind 为 {kind} 时必填", f"kind {kind} needs it"
            raise problems.add(node.place, "missing_key", found=key, detail_zh=zh, detail_en=en)
    for key, value in got.items():
        if value is not None and key not in allowed and key not in ("kind", "hospital", "pool"):
            raise problems.add(node.place, "unknown_key", found=key, allowed=listed(allowed))
