"""How a gap was shared, in words 「分档说明」: the gap, each tier, assessment, scale-back, deposit release.

In: the rows of `sharing.parquet` of one hospital and pool, and a language; out: short texts for a statement or a
terminal. Amounts are those of the file, in yuan, with as many decimals as they have.
"""

from __future__ import annotations

from decimal import Decimal

from engine.report.grounds import Tiers
from engine.report.shown import yuan_text


def decimal_text(value: Decimal, least: int = 2) -> str:
    """With separators; trailing zeros beyond `least` places are left out."""
    sign, size = "−" if value < 0 else "", abs(value)
    whole, _, rest = f"{size:f}".partition(".")
    kept = rest.rstrip("0")
    return f"{sign}{int(whole):,}" + (f".{kept.ljust(least, '0')}" if kept or least else "")


def percent(share: Decimal) -> str:
    """0.02 → "2 %", exact."""
    return f"{decimal_text(share * 100, 0)} %"


class TierWords:
    """Texts about one hospital's row 0 and its tiers; empty where the run stored none."""

    def __init__(self, tiers: Tiers | None, lang: str) -> None:
        self.stored, self.zh = tiers, lang == "zh"

    def say(self, zh: str, en: str) -> str:
        return zh if self.zh else en

    def tiers(self) -> list[str]:
        """The gap and its tiers, and what they add up to."""
        if self.stored is None or self.stored.whole["std_amt"] is None:
            return []
        whole = self.stored.whole
        if whole["side"] == "even":
            return [self.say("实际与标准相等", "spend equals the standard")]
        surplus = whole["side"] == "surplus"
        gap, std, act = (decimal_text(whole[name]) for name in ("part_amt", "std_amt", "act_amt"))
        side = self.say("结余" if surplus else "超支", "surplus" if surplus else "overspend")
        found = [
            self.say(f"比较标准 {std}，实际 {act}，{side} {gap}", f"standard {std}, actual {act}, {side} {gap}")
            + self._of_denominator()
        ]
        found += [self._tier(number, row) for number, row in enumerate(self.stored.tiers, 1)]
        total = decimal_text(whole["tier_amt"])
        if surplus:
            found.append(
                self.say(f"医院留用合计 {total}；其余返还基金", f"kept by the hospital {total}; the rest goes back")
            )
        else:
            found.append(self.say(f"基金应分担合计 {total}", f"the fund's share {total}"))
        if not self.stored.tiers:
            found = [found[0], self.say("本险种无分担办法", "this pool shares nothing")]
        if whole["fund_mult"] != 1:
            ratio = decimal_text(whole["fund_mult"], 6)
            found.append(self.say(f"按基金占比 {ratio} 折算", f"times the fund's part of cost {ratio}"))
        return found

    def _of_denominator(self) -> str:
        whole = self.stored.whole if self.stored else {}
        den = whole.get("den_amt")
        if not den or den <= 0:
            return self.say("（无分母，不分担）", " (no denominator, nothing is shared)")
        share = (whole["part_amt"] * 100 / den).quantize(Decimal("0.01"))
        text = decimal_text(den)
        return self.say(f"，为分母 {text} 的 {share} %", f", {share} % of the denominator {text}")

    def _tier(self, number: int, row: object) -> str:
        assert isinstance(row, dict)
        low = percent(row["tier_from"])
        high = self.say("以上", " and above") if row["tier_to"] is None else f"–{percent(row['tier_to'])}"
        width = self.say("不封顶", "open")
        if row["tier_to"] is not None:
            width = self.say("档宽 ", "width ") + percent(row["tier_to"] - row["tier_from"])
        part, amount, share = decimal_text(row["part_amt"]), decimal_text(row["tier_amt"]), percent(row["tier_share"])
        return self.say(f"第{number}档", f"tier {number}") + f" {low}{high}, {width}: {part} × {share} = {amount}"

    def assessment(self) -> list[str]:
        """Score and coefficient."""
        if self.stored is None or self.stored.whole["asmt_coef"] is None:
            return []
        whole = self.stored.whole
        score = "–" if whole["asmt_score"] is None else decimal_text(whole["asmt_score"], 0)
        coefficient = decimal_text(whole["asmt_coef"], 0)
        return [self.say(f"考核得分 {score}，考核系数 {coefficient}", f"score {score}, coefficient {coefficient}")]

    def scaled(self) -> list[str]:
        """Claim after assessment, the factor k of the whole pool, and what was paid of it."""
        if self.stored is None or self.stored.whole["shar_k"] is None:
            return []
        whole = self.stored.whole
        claim, k = decimal_text(whole["clm_amt"]), decimal_text(whole["shar_k"], 0)
        given, claims = decimal_text(whole["avail_amt"]), decimal_text(whole["clm_sumamt"])
        if whole["side"] != "overspend" or not self.stored.tiers:
            return []
        return [
            *self.assessment(),
            self.say(f"考核后申请 {claim}", f"claim after assessment {claim}"),
            self.say(
                f"全险种申请 {claims}，风险金可用 {given}，分担系数 k = {k}",
                f"claims of the pool {claims}, the reserve can give {given}: k = {k}",
            ),
        ]

    def released(self, withheld_fen: int, released_fen: int) -> list[str]:
        """Deposit withheld, the part the score releases, and what is forfeited."""
        told = yuan_text(-withheld_fen)
        ratio = None if self.stored is None else self.stored.whole["dpst_rel"]
        kept = yuan_text(-withheld_fen - released_fen)
        if ratio is None:
            return [self.say(f"预留合计 {told}，扣罚 {kept}", f"withheld {told}, forfeited {kept}")]
        share = percent(ratio)
        return [
            self.say(
                f"预留合计 {told} × 返还比例 {share}，扣罚 {kept}",
                f"withheld {told} × released {share}, forfeited {kept}",
            )
        ]
