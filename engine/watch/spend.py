"""What a pool's year spent, by hospital and by kind of care, from posting lines and settled cases 「基金支出」.

In: a pool's result, its contracts and the settled cases; out: fen. Spend is what hospitals are entitled to: annual
lines without cash lines, without money that came from outside the budget. It divides nothing and guesses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.casebook import Casebook
from engine.write_settled import SettledCases
from pointvalue.fixed_wide import total
from pointvalue.lines import RESERVE
from pointvalue.model import BundleContract, Pool
from pointvalue.results import PoolResult
from pointvalue.special import BUNDLE_LINE, CAPITATION_LINE
from pointvalue.terms import CASH_CAUSES, Cause

OUTPATIENT_TYPES = ("1", "51")
"""Kinds of care 「医疗类别」 of the national dictionary that are no stay: 11 to 19 outpatient, 51 antenatal."""
REFERRED_TYPES = ("23",)
"""23: a stay after referral to another area."""


@dataclass(frozen=True)
class PoolSpend:
    """One pool's spend. `by_hospital` adds up to `total_fen`; the other parts lie inside it, except `outside_fen`.

    `outside_planned` are the items that pass to other systems: their plan is known, their spend is not.
    `outpatient_fen`, `referred_fen` None: the cases do not say their kind of care.
    """

    by_hospital: Mapping[str, int]
    capitation_fen: int
    bundle_paid_fen: int
    outpatient_fen: int | None
    referred_fen: int | None
    bundle_hospitals: frozenset[str]
    bundle_outside_fen: int
    outside_planned: Mapping[str, int]
    has_bundle: bool

    @property
    def total_fen(self) -> int:
        return sum(self.by_hospital.values())


def pool_spend(settled: SettledCases, pool: Pool, result: PoolResult) -> PoolSpend:
    """The spend of one pool."""
    by_hospital: dict[str, int] = defaultdict(int)
    fixed: dict[str, int] = defaultdict(int)
    for line in result.lines:
        if line.hospital == RESERVE or line.cause in CASH_CAUSES or line.cause is Cause.EPIDEMIC_OUTSIDE:
            continue
        by_hospital[line.hospital] += line.amount_fen
        if line.cause is Cause.FIXED_STANDARD:
            fixed[line.part] += line.amount_fen
    bundles = [
        contract
        for contract in settled.area.contracts
        if isinstance(contract, BundleContract) and contract.pool == pool.id
    ]
    kinds = _kinds_of_care(settled.book)
    in_pool = settled.cases.pool == settled.area.pool_index(pool.id)
    return PoolSpend(
        by_hospital=dict(by_hospital),
        capitation_fen=fixed[CAPITATION_LINE],
        bundle_paid_fen=fixed[BUNDLE_LINE],
        outpatient_fen=_fund_part(settled, in_pool, kinds, OUTPATIENT_TYPES),
        referred_fen=_fund_part(settled, in_pool, kinds, REFERRED_TYPES),
        bundle_hospitals=frozenset(code for each in bundles for code in (each.hospital, *each.members)),
        bundle_outside_fen=result.bundle_outside_fen,
        outside_planned=pool.outside_fen,
        has_bundle=bool(bundles) or BUNDLE_LINE in pool.fixed_lines_fen,
    )


def _kinds_of_care(book: Casebook) -> tuple[npt.NDArray[np.int32], list[str]] | None:
    """Kind of care of every case; None where the run's cases do not carry it, or one is empty."""
    if "med_type" not in book.table.column_names:
        return None
    index, words = book.codes("med_type")
    return None if (index < 0).any() else (index, words)


def _fund_part(
    settled: SettledCases,
    within: npt.NDArray[np.bool_],
    kinds: tuple[npt.NDArray[np.int32], list[str]] | None,
    prefixes: tuple[str, ...],
) -> int | None:
    if kinds is None:
        return None
    index, words = kinds
    wanted = np.array([word.startswith(prefixes) for word in words] + [False], np.bool_)
    return total(settled.fund_part_fen[within & wanted[index]])
