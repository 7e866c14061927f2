"""Surplus retention and overspend sharing 「结余留用、超支分担」, assessment, scale-back. Steps 7b to 10.

In: what each hospital of a pool is due (S, G) and has spent (A, C); out: what it returns, claims and is given.
Tiers are marginal: each takes the part of the gap between its edges × denominator. Exact until the last step of each.
It never looks at cases, pots or the budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pointvalue.allocate import allocate
from pointvalue.budget import ClearingStopped
from pointvalue.fixed import exact, floor, half_up
from pointvalue.model import GrowthCap, Pool, ScoreSlope, ScoreTable, Sharing, SharingTier
from pointvalue.terms import AssessmentOn, SharingAmount, SharingDenominator, Side


@dataclass(slots=True)
class Standing:
    """Sums over the live cases of one hospital in all pots of a pool: fund part S, booked A, standard G, cost C."""

    hospital: str
    score: Fraction | None = None
    standard_fund_fen: int = 0
    booked_fen: int = 0
    standard_total_fen: Fraction = field(default_factory=Fraction)
    cost_fen: int = 0
    live_count: int = 0


@dataclass(frozen=True, slots=True)
class HospitalShare:
    """Steps 8 and 9 of one hospital. `kept` and claims are exact, before they are rounded as money."""

    hospital: str
    standard_fen: Fraction
    actual_fen: Fraction
    denominator_fen: Fraction
    multiplier: Fraction
    alpha: Fraction
    kept_fen: Fraction = Fraction(0)
    returned_fen: int = 0
    claim_before_assessment_fen: Fraction = Fraction(0)
    claim_fen: Fraction = Fraction(0)
    cut_standard_fen: int = 0
    cut_surplus_fen: int = 0


@dataclass(frozen=True, slots=True)
class ScaleBack:
    """Step 10: what the reserve can give, what is claimed, the factor k, and the shares by hospital."""

    available_fen: int
    claims_fen: Fraction
    k: Fraction
    shares_fen: dict[str, int]


def value_at_score(table: ScoreTable, score: Fraction | None, what: str) -> Fraction:
    """What a score table says about a score: the first step it reaches, or the slope below the threshold."""
    if isinstance(table, tuple) and not table:
        return Fraction(1)
    if score is None:
        raise ClearingStopped(f"{what}: the hospital has no assessment score; give hospitals.*.score 缺少考核得分")
    if isinstance(table, ScoreSlope):
        return max(Fraction(0), 1 - table.per_point * max(Fraction(0), table.threshold - score))
    for step in table:
        if score >= step.score_from:
            return step.value
    raise ClearingStopped(f"{what}: no step for score {score}; the last step must start at 0 末档须从 0 分起")


def tier_sum(tiers: Sequence[SharingTier], side: Side, gap_fen: Fraction, denominator_fen: Fraction) -> Fraction:
    """Σ share × the part of the gap that lies in each tier of one side."""
    result = Fraction(0)
    for tier in tiers:
        if tier.side is not side:
            continue
        end = gap_fen if tier.end is None else min(gap_fen, tier.end * denominator_fen)
        result += tier.share * max(Fraction(0), end - tier.start * denominator_fen)
    return result


def growth_cut(cap: GrowthCap | None, hospital: str, standard_fen: int) -> int:
    """What a hospital's standard lies above floor(prior × (1 + rate)); 0 without cap or prior year."""
    if cap is None or hospital not in cap.prior_fen:
        return 0
    return max(0, standard_fen - floor(cap.prior_fen[hospital] * (1 + cap.rate)))


def hospital_share(pool: Pool, standing: Standing) -> HospitalShare:
    """Surplus returned, assessment cuts and overspend claim of one hospital.

        surplus: kept = Σ share·part, returned = half_up(p̄·(gap − kept)); overspend: claim = p̄·Σ share·part

    p̄ = A ÷ C when total costs are compared, else 1. No live case or a denominator ≤ 0: nothing is shared.
    """
    alpha = Fraction(1)
    if pool.assessment_on or standing.score is not None:
        alpha = value_at_score(pool.assessment, standing.score, f"pool {pool.id} assessment, {standing.hospital}")
    cut = 0
    if AssessmentOn.STANDARD in pool.assessment_on:
        cut = half_up((1 - alpha) * max(0, standing.standard_fund_fen))
    sharing = pool.sharing
    compares_cost = sharing is not None and sharing.amount is SharingAmount.TOTAL_COST
    standard = standing.standard_total_fen if compares_cost else Fraction(standing.standard_fund_fen)
    actual = Fraction(standing.cost_fen if compares_cost else standing.booked_fen)
    multiplier = Fraction(1)
    if compares_cost and standing.cost_fen > 0:
        multiplier = exact(standing.booked_fen, standing.cost_fen)
    denominator = standard if sharing is None else _denominator(sharing, standing.hospital, standard, pool.id)
    share = HospitalShare(
        standing.hospital, standard, actual, denominator, multiplier, alpha, cut_standard_fen=cut
    )  # fmt: skip
    if sharing is None or standing.live_count == 0 or denominator <= 0:
        return share
    if standard > actual:
        return _surplus(pool, sharing, share)
    return _overspend(pool, sharing, share)


def _denominator(sharing: Sharing, hospital: str, standard: Fraction, pool_id: str) -> Fraction:
    if sharing.denominator is SharingDenominator.STANDARD:
        return standard
    if hospital not in sharing.quota_fen:
        raise ClearingStopped(f"pool {pool_id} sharing.quota: hospital {hospital} is missing 缺少医院额度")
    return Fraction(sharing.quota_fen[hospital])


def _surplus(pool: Pool, sharing: Sharing, share: HospitalShare) -> HospitalShare:
    gap = share.standard_fen - share.actual_fen
    kept = tier_sum(sharing.tiers, Side.SURPLUS, gap, share.denominator_fen)
    if sharing.surplus_cap is not None:
        kept = min(kept, sharing.surplus_cap * share.denominator_fen)
    if sharing.actual_below is not None and share.actual_fen < sharing.actual_below * share.standard_fen:
        kept = Fraction(0)
    cut = 0
    if AssessmentOn.SURPLUS in pool.assessment_on:
        cut = half_up((1 - share.alpha) * share.multiplier * kept)
    return HospitalShare(
        share.hospital, share.standard_fen, share.actual_fen, share.denominator_fen, share.multiplier, share.alpha,
        kept_fen=kept, returned_fen=half_up(share.multiplier * (gap - kept)),
        cut_standard_fen=share.cut_standard_fen, cut_surplus_fen=cut,
    )  # fmt: skip


def _overspend(pool: Pool, sharing: Sharing, share: HospitalShare) -> HospitalShare:
    gap = share.actual_fen - share.standard_fen
    borne = tier_sum(sharing.tiers, Side.OVERSPEND, gap, share.denominator_fen)
    if sharing.overspend_cap is not None:
        borne = min(borne, sharing.overspend_cap * share.denominator_fen)
    before = share.multiplier * borne
    claim = before * share.alpha if AssessmentOn.OVERSPEND in pool.assessment_on else before
    return HospitalShare(
        share.hospital, share.standard_fen, share.actual_fen, share.denominator_fen, share.multiplier, share.alpha,
        claim_before_assessment_fen=before, claim_fen=claim, cut_standard_fen=share.cut_standard_fen,
    )  # fmt: skip


def scale_back(pool: Pool, shares: Sequence[HospitalShare], reserve_fen: int) -> ScaleBack:
    """Overspend shares scaled to what the reserve can give 「按比例分担」; hospitals in order of their codes.

    k = min(1, available ÷ Σ claims); shares = allocate(claim × k, min(half_up(Σ claims), available))
    """
    available = max(0, floor(pool.reserve.for_shares * reserve_fen))
    claims = sum((share.claim_fen for share in shares), Fraction(0))
    if claims == 0:
        return ScaleBack(available, claims, Fraction(1), {share.hospital: 0 for share in shares})
    k = min(Fraction(1), exact(available, claims))
    amounts = allocate([share.claim_fen * k for share in shares], min(half_up(claims), available))
    return ScaleBack(
        available, claims, k, {share.hospital: amount for share, amount in zip(shares, amounts, strict=True)}
    )
