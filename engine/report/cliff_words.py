"""Edges in words 「断点说明」: which one, how far, and what the jump is worth.

In: a row of `cliffs.parquet` and a language; out: one sentence. It calls no edge right or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine.report.labels import Label
from engine.report.shown import yuan_text
from engine.report.tier_words import decimal_text, percent

NEAR_HOSPITAL = Fraction(5, 100)
"""A hospital is near an edge within this part of the edge's own place."""
NEAR_CASE = Fraction(2, 100)
"""A case is near an edge within this part of the edge's cost. Both are choices of display and move no money."""
CASE_PERCENT = int(NEAR_CASE * 100)

KINDS = {
    "class": Label("病例分类断点", "Case class edge"),
    "actual_below": Label("低于标准一定比例据实支付", "Paid its actual spend below a share"),
    "assessment": Label("考核系数分档", "Assessment step"),
    "deposit_release": Label("质量保证金返还分档", "Deposit release step"),
}


def cliff_text(row: Mapping[str, Any], lang: str) -> str:
    """One edge a hospital or its cases stand near."""
    zh, kind = lang == "zh", str(row["edge_kind"])
    name = KINDS[kind].zh if zh else KINDS[kind].en
    jump = yuan_text(int(row["jump_amt"].scaleb(2)))
    if kind == "class":
        at, below, above = decimal_text(row["edge_at"], 0), row["blw_psntime"], row["abv_psntime"]
        if zh:
            return (
                f"{name} {row['edge_name']}（倍率 {at}）：费用相差 {CASE_PERCENT} % 以内，"
                f"{below} 例在下、{above} 例在上，跳变金额合计 {jump}"
            )
        return (
            f"{name} {row['edge_name']} (ratio {at}): within {CASE_PERCENT} % of its cost, "
            f"{below} cases below, {above} above, {jump} at stake"
        )
    apart = row["own_at"] - row["edge_at"]
    if kind == "actual_below":
        at, own, gap = percent(row["edge_at"]), percent(_short(row["own_at"])), percent(_short(abs(apart)))
        if zh:
            return f"{name}：断点 {at}，本院实际为标准的 {own}，相距 {gap}；达到断点多留 {jump}"
        return (
            f"{name}: edge {at}, the hospital spent {own} of its standard, {gap} apart; reaching it keeps {jump} more"
        )
    at, own, gap = (decimal_text(value, 0) for value in (row["edge_at"], row["own_at"], abs(apart)))
    change = f"{percent(row['edge_from'])} → {percent(row['edge_to'])}"
    if zh:
        return f"{name}：{at} 分（{change}），本院 {own} 分，相差 {gap} 分；跨过分档的金额 {jump}"
    return f"{name}: score {at} ({change}), the hospital has {own}, {gap} apart; the step is worth {jump}"


def _short(ratio: Decimal) -> Decimal:
    return ratio.quantize(Decimal("0.0001"))
