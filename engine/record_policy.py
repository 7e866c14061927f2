"""What a run's manifest says of the policy and the money it came to 「运行中的政策与总额」.

In: a draft, the area, its policy of the period, and the year's result where it is a clearing. Out: entries of
the draft. It writes no file and no report.
"""

from __future__ import annotations

from engine.area import Area
from engine.keeping import policy_fingerprint
from engine.ledger.kept import POLICIES, Keep
from engine.ledger.store import RunDraft
from engine.money import text_from_fen
from engine.policy.resolve import ResolvedPolicy
from pointvalue.results import YearResult


def kept_policy(area: Area, resolved: ResolvedPolicy) -> Keep:
    """The policy as the shelf keeps it."""
    read = area.policy
    return Keep(POLICIES, resolved.fingerprint, read.folder, policy_fingerprint, read.stamps)


def record_policy(draft: RunDraft, area: Area, resolved: ResolvedPolicy, year: YearResult | None) -> None:
    """Policy, totals, proofs and open values of the run, for the manifest."""
    policy = {"area": area.policy.code, "version": resolved.version, "fingerprint": resolved.fingerprint}
    draft.policies.append(policy)
    draft.keep.append(kept_policy(area, resolved))
    draft.parameters["pack_given"] = area.pack_given
    draft.placeholders_used = sorted({used.key for used in resolved.unverified})
    draft.parameters["defaults_used"] = sorted({used.key for used in resolved.defaults})
    for pool in () if year is None else year.pools:
        kept = pool.conservation
        draft.checks[f"fund_closed_fen.{pool.pool}"] = kept.difference_fen
        draft.totals[f"pool.{pool.pool}"] = {
            "fund": text_from_fen(kept.fund_fen),
            "outside": text_from_fen(kept.outside_fen),
            "paid_to_hospitals": text_from_fen(kept.paid_to_hospitals_fen),
            "paid_to_suppliers": text_from_fen(kept.paid_to_suppliers_fen),
            "reserve_left": text_from_fen(kept.reserve_left_fen),
            "carried_receivable": text_from_fen(kept.receivable_carried_fen),
            "recovered_receivable": text_from_fen(kept.receivable_opened_fen),
            "brought_forward": text_from_fen(kept.brought_forward_fen),
            "next_year_base": text_from_fen(pool.next_year_base_fen),
        }
