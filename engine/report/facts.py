"""What a run says about itself: names, versions, the split of the fund, point values, open policy values.

In: nothing; out: frozen records that the run fills and the reports read. Money is fen, points are ×10⁴, a point value
is the text the policy publishes. It holds no rows of cases and computes nothing but the check of the split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from engine.errors import RunError
from engine.report.page_tables import PageTable
from pointvalue.invariants import InvariantBroken

RunKind = Literal["presettle", "clear"]
SplitKind = Literal["total", "reserve", "outside", "fixed", "point_fund", "moved_to_points", "bundle_outside"]
"""The parts of a pool's budget. `total = reserve + outside + fixed + point_fund − moved_to_points`;
`bundle_outside` is a note: money of a bundle contract spent elsewhere, already inside its fixed line."""


class ReportError(RunError):
    """Tables a report cannot be made from: a column missing, a row of another period, a hospital unknown."""


@dataclass(frozen=True, slots=True)
class SplitItem:
    """One line of the split of a pool's budget 「基金切分」; amounts are positive, the kind says which way they go."""

    kind: SplitKind
    label_zh: str
    label_en: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Pot:
    """One unit with one point value 「点数池」."""

    pool: str
    name: str
    fund_fen: int
    points_e4: int
    raw_text: str
    published_text: str


@dataclass(frozen=True, slots=True)
class PointValueAt:
    """A point value at one time: `budget` or `month` values carry period "2024-03", the `final` one "2024"."""

    pool: str
    pot: str
    period: str
    kind: Literal["budget", "month", "final"]
    value_text: str


@dataclass(frozen=True, slots=True)
class OpenValue:
    """A policy value used in this run that is unverified or a placeholder: key, evidence tag, what it says."""

    key: str
    tag: str
    value_text: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class HospitalFacts:
    """A hospital 「定点医疗机构」 as the policy lists it; level "3", "2", "1" or ""."""

    code: str
    name: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything a report prints that is not in the run's tables.

    `seal` is a digest over the result tables taken before the reports are written: a report cannot hold the hash of
    the manifest that lists it. `objection_until` is the last day to object, when the policy knows one.
    """

    run_id: str
    kind: RunKind
    area_code: str
    area_name: str
    period: str
    packs: tuple[str, ...]
    policy_version: str
    engine_version: str
    seal: str
    counts_read: int
    counts_accepted: int
    counts_rejected: int
    counts_other_period: int = 0
    """Accepted cases that belong to another period: counted, not settled here."""
    split: Mapping[str, tuple[SplitItem, ...]] = field(default_factory=dict)
    pots: tuple[Pot, ...] = ()
    point_values: tuple[PointValueAt, ...] = ()
    open_values: tuple[OpenValue, ...] = ()
    hospitals: Mapping[str, HospitalFacts] = field(default_factory=dict)
    supersedes: str = ""
    objection_until: date | None = None
    objection_how: str = ""
    tables: tuple[PageTable, ...] = ()
    """Tables beside the accounts, printed as they are."""

    def __post_init__(self) -> None:
        if self.counts_accepted + self.counts_rejected != self.counts_read:
            raise InvariantBroken(
                "accepted + rejected = read", "all", self.counts_read, self.counts_accepted + self.counts_rejected,
                self.run_id,
            )  # fmt: skip
        for pool, items in self.split.items():
            check_split(pool, items)

    @property
    def clr_ym(self) -> str:
        """The period as the national tables write it: "2024-03" → "202403", "2024" → "2024"."""
        return self.period.replace("-", "")

    @property
    def year(self) -> str:
        return self.period[:4]

    def hospital(self, code: str) -> HospitalFacts:
        """The hospital's record; one the policy does not list shows by its code."""
        return self.hospitals.get(code) or HospitalFacts(code, code)


def split_sum(items: tuple[SplitItem, ...], kind: SplitKind) -> int:
    """Sum of the parts of one kind, fen."""
    return sum(item.amount_fen for item in items if item.kind == kind)


def check_split(pool: str, items: tuple[SplitItem, ...]) -> None:
    """Refuse a split 「基金切分」 that does not add up.

    total = reserve + outside + fixed + point_fund − moved_to_points
    """
    total = split_sum(items, "total")
    parts = sum(split_sum(items, kind) for kind in ("reserve", "outside", "fixed", "point_fund"))
    parts -= split_sum(items, "moved_to_points")
    if parts != total:
        raise InvariantBroken("total = reserve + outside + fixed + point fund − moved to points", pool, total, parts)
