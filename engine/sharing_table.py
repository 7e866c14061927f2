"""`sharing.parquet` and `values.parquet`: how each hospital's gap was shared, and the policy values a run used.

In: the year's result with its area; the values a resolved policy handed out. Out: two Arrow tables a statement can be
explained from without the policy. A tier's part and amount are those of the clearing, exact to eight decimals of a
yuan; the posted line is what they add up to, rounded once there. Nothing is computed again from these columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa

from engine.cases.columns import arrow_schema
from engine.policy.settings import Used
from pointvalue.fixed import exact, half_up
from pointvalue.model import AreaYear, Hospital, Pool, Sharing, SharingTier
from pointvalue.results import PoolResult, YearResult
from pointvalue.sharing import HospitalShare, value_at_score
from pointvalue.terms import Side

Row = dict[str, Any]


def _decimal(value: Fraction, places: int) -> Decimal:
    """For the eye and the file: exact in all but quotients, which are cut at the last place."""
    return Decimal(half_up(value * 10**places)).scaleb(-places)


def _yuan(fen: Fraction | int) -> Decimal:
    return _decimal(Fraction(fen), 6).scaleb(-2)


def sharing_table(year: YearResult, area: AreaYear) -> pa.Table:
    """Row 0 of every hospital and pool, then the tiers of its side in the order of the policy."""
    rows: list[Row] = []
    hospitals = {hospital.code: hospital for hospital in area.hospitals}
    for result, pool in zip(year.pools, area.pools, strict=True):
        for code in sorted({*result.shares, *result.statements}):
            rows += _hospital_rows(result, pool, hospitals[code])
    rows.sort(key=lambda row: (row["fixmedins_code"], row["insutype"], row["tier"]))
    return pa.Table.from_pylist(rows, schema=arrow_schema("sharing"))


def _hospital_rows(result: PoolResult, pool: Pool, hospital: Hospital) -> Iterator[Row]:
    share, statement = result.shares.get(hospital.code), result.statements.get(hospital.code)
    key: Row = {"fixmedins_code": hospital.code, "insutype": pool.id}
    row: Row = {**key, "side": "even", "tier": 0}
    if hospital.score is not None:
        row["asmt_score"] = _decimal(hospital.score, 4)
    if statement is not None and statement.deposit_withheld_fen:
        release = value_at_score(pool.deposit_release, hospital.score, hospital.code)
        row["dpst_rel"] = _decimal(release, 6)
    if share is None:
        yield row
        return
    gap, side = _gap(share)
    given = result.scale_back
    yield row | {
        "side": "even" if side is None else side.value,
        "part_amt": _yuan(gap),
        "tier_amt": _yuan(share.kept_fen if side is Side.SURPLUS else _borne(share)),
        "den_amt": _yuan(share.denominator_fen),
        "std_amt": _yuan(share.standard_fen),
        "act_amt": _yuan(share.actual_fen),
        "fund_mult": _decimal(share.multiplier, 12),
        "asmt_coef": _decimal(share.alpha, 6),
        "clm_amt": _yuan(share.claim_fen),
        "clm_sumamt": _yuan(given.claims_fen),
        "avail_amt": _yuan(given.available_fen).quantize(Decimal("0.01")),
        "shar_k": _decimal(given.k, 12),
        "shar_amt": _yuan(given.shares_fen.get(hospital.code, 0)).quantize(Decimal("0.01")),
    }
    if pool.sharing is None or side is None or share.denominator_fen <= 0:
        return
    for place, tier in enumerate(_tiers(pool.sharing, side), start=1):
        part = part_of(tier, gap, share.denominator_fen)
        yield key | {
            "side": side.value,
            "tier": place,
            "tier_from": _decimal(tier.start, 6),
            "tier_to": None if tier.end is None else _decimal(tier.end, 6),
            "tier_share": _decimal(tier.share, 6),
            "part_amt": _yuan(part),
            "tier_amt": _yuan(tier.share * part),
            "den_amt": _yuan(share.denominator_fen),
        }


def _gap(share: HospitalShare) -> tuple[Fraction, Side | None]:
    gap = share.standard_fen - share.actual_fen
    if not gap:
        return gap, None
    return abs(gap), Side.SURPLUS if gap > 0 else Side.OVERSPEND


def _borne(share: HospitalShare) -> Fraction:
    """Σ share·part of an overspend, before p̄ and assessment; 0 where nothing was shared."""
    return exact(share.claim_before_assessment_fen, share.multiplier) if share.multiplier else Fraction(0)


def _tiers(sharing: Sharing, side: Side) -> list[SharingTier]:
    return [tier for tier in sharing.tiers if tier.side is side]


def part_of(tier: SharingTier, gap: Fraction, denominator: Fraction) -> Fraction:
    """The part of a gap that lies between the edges of a tier."""
    end = gap if tier.end is None else min(gap, tier.end * denominator)
    return max(Fraction(0), end - tier.start * denominator)


def values_table(used: Iterable[Used]) -> pa.Table:
    """Every value the run asked for, by key and day: what a posting line's rule and tag rest on."""
    rows = [
        {
            "rule": value.key,
            "since": value.since,
            "tag": value.tag,
            "val_text": value.text,
            "unit": value.unit,
            "source_doc": value.source,
            "rule_name": value.zh,
            "val_dflt": int(value.is_default),
        }
        for value in used
    ]
    rows.sort(key=lambda row: (str(row["rule"]), str(row["since"] or "")))
    return pa.Table.from_pylist(rows, schema=arrow_schema("values"))
