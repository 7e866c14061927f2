"""Words and order for the causes of posting lines 「分录」.

In: a cause such as `standard.drg`; out: its names, its section of the statement, its place. Entitled lines say what
was earned, cash lines how it is paid, month lines what the months already moved. A cause not listed here counts as
entitled money under its own name, so that no line can fall out of a total.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from engine.report.labels import SCHEMES, Label, label


class Section(IntEnum):
    """Where a line stands in a statement."""

    ENTITLED = 1
    CASH = 2
    CARRY = 3
    MONTH = 4


SECTIONS = {
    Section.ENTITLED: Label("一、应得基金", "A. Entitled"),
    Section.CASH: Label("二、资金往来", "B. Cash already moved"),
    Section.CARRY: Label("三、结转", "C. Carried over"),
    Section.MONTH: Label("备查：月度结算", "Note: monthly settlement"),
}


class Cause(NamedTuple):
    """One root cause: names and section."""

    zh: str
    en: str
    section: Section


CAUSES = {
    "standard": Cause("支付标准", "Payment standard", Section.ENTITLED),
    "patient_borne": Cause("个人负担", "Borne by patients", Section.ENTITLED),
    "fixed_standard": Cause("定额支付标准", "Fixed-price standard", Section.ENTITLED),
    "epidemic_outside": Cause("疫情病例（预算外）", "Epidemic cases, outside the budget", Section.ENTITLED),
    "negative_floor": Cause("负值补足", "Negative result floored", Section.ENTITLED),
    "out_of_area_cap": Cause("异地病例限额", "Out-of-area cases capped", Section.ENTITLED),
    "standard_scaled_back": Cause("支付标准按比例调减", "Standard scaled back", Section.ENTITLED),
    "growth_cap_cut": Cause("增长上限调减", "Growth cap cut", Section.ENTITLED),
    "surplus_returned": Cause("结余返还", "Surplus returned to the pool", Section.ENTITLED),
    "overspend_shared": Cause("超支分担", "Overspend shared by the pool", Section.ENTITLED),
    "assessment_cut": Cause("考核扣减", "Assessment cut", Section.ENTITLED),
    "audit_points": Cause("审核扣减（点数）", "Audit deduction in points", Section.ENTITLED),
    "audit_money": Cause("审核扣款", "Audit deduction in money", Section.ENTITLED),
    "other": Cause("其他调整", "Other adjustment", Section.ENTITLED),
    "prepaid": Cause("已预付", "Already prepaid", Section.CASH),
    "quality_deposit": Cause("质量保证金返还", "Quality deposit released", Section.CASH),
    "supplier_paid": Cause("代付供应商货款", "Paid to suppliers directly", Section.CASH),
    "advance_recovered": Cause("预付金收回", "Advance recovered", Section.CASH),
    "receivable_recovered": Cause("上年应收收回", "Receivable of last year recovered", Section.CASH),
    "carried_to_next_year": Cause("负数结转下年", "Negative balance carried to next year", Section.CARRY),
    "prepayment": Cause("月度应付", "Monthly payable", Section.MONTH),
    "deposit_withheld": Cause("质量保证金预留", "Quality deposit withheld", Section.MONTH),
    "advance_paid": Cause("预付金", "Advance paid", Section.MONTH),
}

RESERVE_CAUSES = {
    "reserve_set_aside": Label("提取风险金", "Set aside"),
    "reserve_brought_forward": Label("上年风险金转入", "Brought forward from last year"),
    "fixed_variance": Label("定额类差额", "Fixed-price variance"),
    "pool_sharing": Label("区域共担", "Pool-level sharing"),
    "basis_difference": Label("口径差额", "Basis difference"),
    "pv_bound_spill": Label("点值上下限差额", "Point-value bound spill"),
    "pv_rounding": Label("点值取位差额", "Point-value rounding"),
    "deposit_forfeited": Label("扣罚质量保证金", "Deposit forfeited"),
}
"""Causes that only the reserve has. The others mirror a hospital's line and share its name."""

_SUB = {
    "assessment_cut.standard": Label("考核扣减（支付标准）", "Assessment cut on the standard"),
    "assessment_cut.surplus": Label("考核扣减（结余）", "Assessment cut on the surplus"),
}
_ORDER = {root: place for place, root in enumerate(CAUSES)}
_STANDARD_ROOTS = frozenset({"standard", "patient_borne", "fixed_standard", "prepayment"})


def root(cause: str) -> str:
    """The cause without its pot or scheme: `standard.drg` → `standard`."""
    return cause.partition(".")[0]


def section(cause: str) -> Section:
    known = CAUSES.get(root(cause))
    return known.section if known else Section.ENTITLED


def names(cause: str) -> Label:
    """Both names of a cause, the pot or scheme in brackets: 支付标准（DRG）."""
    if cause in _SUB:
        return _SUB[cause]
    stem, _, part = cause.partition(".")
    known = CAUSES.get(stem)
    base = Label(known.zh, known.en) if known else RESERVE_CAUSES.get(stem, Label(stem, stem))
    if not part:
        return base
    scheme = label(SCHEMES, part)
    return Label(f"{base.zh}（{scheme.zh}）", f"{base.en}, {scheme.en}")


def order(cause: str) -> tuple[int, int, str]:
    """Sort key of statement rows: section, place of the root, then the full cause."""
    return section(cause), _ORDER.get(root(cause), len(_ORDER)), cause


def is_adjustment(cause: str) -> bool:
    """True for every line that is not simply the price of the cases: deductions, sharing, deposits, cash."""
    return root(cause) not in _STANDARD_ROOTS
