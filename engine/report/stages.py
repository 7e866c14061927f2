"""A hospital's money as a waterfall 「清算瀑布」: posting lines in the order of the clearing, stage by stage.

In: posting lines of one hospital and pool; out: stages with their lines, each with the balance after it, and what the
stage ends in. Every figure is a line or a sum of lines. A cause not listed here stands under deductions and others, so
no line can fall out of the balance. It knows no language but holds both, and draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from engine.report import causes
from engine.report.figures import PostingLine
from engine.report.labels import Label


class Stage(IntEnum):
    """Where in the waterfall a line stands; the order is that of the clearing."""

    STANDARD = 1
    SHARING = 2
    OTHER = 3
    CASH = 4
    CARRY = 5
    MONTH = 6


@dataclass(frozen=True, slots=True)
class _Words:
    """Name of a stage, and of the balance it ends in."""

    name: Label
    result: Label


WORDS = {
    Stage.MONTH: _Words(Label("月度结算", "The month"), Label("本月实际拨付", "Cash paid")),
    Stage.STANDARD: _Words(
        Label("一、支付标准到基金标准", "A. From standards to the fund's standard"),
        Label("基金支付标准", "Fund's standard"),
    ),
    Stage.SHARING: _Words(
        Label("二、结余留用、超支分担与考核", "B. Surplus, overspend, assessment"),
        Label("分担后基金", "After sharing"),
    ),
    Stage.OTHER: _Words(Label("三、审核扣减与其他", "C. Audit deductions and others"), Label("应得基金", "Entitled")),
    Stage.CASH: _Words(
        Label("四、已拨付与返还", "D. Already paid, given back"),
        Label("应拨付（负数为应收回）", "Still to be paid; negative: owed by the hospital"),
    ),
    Stage.CARRY: _Words(Label("五、结转", "E. Carried over"), Label("清算实际拨付", "Cash of the clearing")),
}

_STAGES = {
    Stage.STANDARD: (
        *("standard", "patient_borne", "fixed_standard", "epidemic_outside", "negative_floor", "out_of_area_cap"),
        *("standard_scaled_back", "growth_cap_cut"),
    ),
    Stage.SHARING: ("surplus_returned", "assessment_cut", "overspend_shared"),
    Stage.OTHER: ("audit_points", "audit_money", "other"),
    Stage.CASH: ("prepaid", "quality_deposit", "supplier_paid", "advance_recovered", "receivable_recovered"),
    Stage.CARRY: ("carried_to_next_year",),
    Stage.MONTH: ("prepayment", "deposit_withheld", "advance_paid"),
}
_STAGE_OF = {root: stage for stage, roots in _STAGES.items() for root in roots}
_PLACE = {root: place for roots in _STAGES.values() for place, root in enumerate(roots)}
_CASH_OF_SECTION = {causes.Section.CASH: Stage.CASH, causes.Section.CARRY: Stage.CARRY}


YEAR_STAGES = tuple(stage for stage in Stage if stage is not Stage.MONTH)
ALWAYS_SHOWN = (Stage.STANDARD, Stage.SHARING, Stage.OTHER, Stage.CASH, Stage.MONTH)
"""Stages whose balance is worth a row even where no line made it."""


@dataclass(frozen=True, slots=True)
class FallLine:
    """One posting line and the balance after it."""

    line: PostingLine
    name: Label
    balance_fen: int


@dataclass(frozen=True, slots=True)
class FallStage:
    """One stage. `balance_fen` is the sum of all lines so far, its own included."""

    stage: Stage
    lines: tuple[FallLine, ...]
    balance_fen: int

    @property
    def name(self) -> Label:
        return WORDS[self.stage].name

    @property
    def result(self) -> Label:
        return WORDS[self.stage].result

    @property
    def amount_fen(self) -> int:
        """What the stage itself adds."""
        return sum(each.line.amount_fen for each in self.lines)


def stage_of(cause: str) -> Stage:
    """The stage of a cause; what nobody has named yet is a deduction or other adjustment."""
    root = causes.root(cause)
    return _STAGE_OF.get(root) or _CASH_OF_SECTION.get(causes.section(root), Stage.OTHER)


def waterfall(lines: Iterable[PostingLine], *, year: bool) -> tuple[FallStage, ...]:
    """The stages of a year, empty ones left out where they end in nothing new, or the one stage of a month."""
    mine = [line for line in lines if (len(line.period) == 4) is year]
    in_order = sorted(mine, key=lambda line: (stage_of(line.cause), *_place(line.cause)))
    stages, balance = [], 0
    for stage in YEAR_STAGES if year else (Stage.MONTH,):
        found = []
        for line in (line for line in in_order if stage_of(line.cause) is stage):
            balance += line.amount_fen
            found.append(FallLine(line, causes.names(line.cause), balance))
        if found or stage in ALWAYS_SHOWN:
            stages.append(FallStage(stage, tuple(found), balance))
    return tuple(stages)


def _place(cause: str) -> tuple[int, str]:
    return _PLACE.get(causes.root(cause), len(_PLACE)), cause
