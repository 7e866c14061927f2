"""Amounts that contracts and fixed prices are built from: bundle packages, bed-days as points.

In: rates, heads and quotas; out: whole fen, or points ×10⁴. How a bundle is settled is `special.bundle_payment`.
It never decides who is enrolled.
"""

from __future__ import annotations

from fractions import Fraction

from pointvalue.fixed import E4, exact, half_up


def package_fen(capita_fen: int, enrolled: int, public_health_fen: int = 0) -> int:
    """Package of a medical consortium 「医共体打包基金」: per head × enrolled, plus public-health money if bundled."""
    return capita_fen * enrolled + public_health_fen


def retained_part(retain: Fraction, assessment: Fraction) -> Fraction:
    """The part of a surplus a consortium keeps after assessment 「考核后留用比例」."""
    return retain * assessment


def quota_points_e4(quota_fen: int, region_mean_fen: int, scale: int) -> int:
    """A bed-day quota as points 「床日折算点数」, for areas that keep bed-days inside the point budget.

    quota ÷ region mean × scale, no coefficient
    """
    return half_up(exact(quota_fen * scale * E4, region_mean_fen))
