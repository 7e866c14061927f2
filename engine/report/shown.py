"""Numbers for the eye: fen as yuan text, fen as an Excel number, shares and means for display.

In: integers; out: text or a float that is written and never read back into an amount.
Yuan text is made by integer arithmetic. A spreadsheet cell can only hold a double and shows 15 digits: amounts up to
15 digits of fen survive the way there and back, larger ones are refused.
"""

from __future__ import annotations

from decimal import Decimal

EXACT_LIMIT_FEN = 10**15
"""Below 2^53 is not enough: from 2^46 yuan on, neighbouring doubles are more than a fen apart. Any decimal number of
15 digits, however, comes back unchanged from a double, and ten thousand billion yuan exceed every fund."""


def yuan_text(fen: int | None, *, signed: bool = False) -> str:
    """1234567 → "12,345.67"; `signed` puts a plus before a gain. None, not sent, is a dash."""
    if fen is None:
        return "—"
    whole, cents = divmod(abs(fen), 100)
    sign = "−" if fen < 0 else "+" if signed and fen > 0 else ""
    return f"{sign}{whole:,}.{cents:02d}"


def yuan_cell(fen: int) -> float:
    """The yuan of a spreadsheet cell."""
    if abs(fen) >= EXACT_LIMIT_FEN:
        raise OverflowError(
            f"{fen} fen does not fit a spreadsheet number exactly; take the figure from the Parquet files"
        )
    return fen / 100


def short_yuan(fen: int) -> str:
    """An amount for a picture's label: 亿 or 万 with two decimals, below ten thousand yuan in full."""
    sign = "−" if fen < 0 else ""
    size = abs(fen)
    for unit_fen, name in ((10_000_000_000, "亿"), (1_000_000, "万")):
        if size >= unit_fen:
            return f"{sign}{(size * 100 + unit_fen // 2) // unit_fen / 100:,.2f}{name}"
    return f"{sign}{size // 100:,}.{size % 100:02d}"


def points_text(points_e4: int) -> str:
    """Points ×10⁴ → "4,613.3000"."""
    whole, rest = divmod(abs(points_e4), 10_000)
    return f"{'−' if points_e4 < 0 else ''}{whole:,}.{rest:04d}"


def count_text(count: int | None) -> str:
    return "—" if count is None else f"{count:,}"


def ratio(part: int | Decimal, whole: int | Decimal) -> float | None:
    """part ÷ whole for a percentage or an index; None when there is nothing to divide by."""
    return float(Decimal(part) / Decimal(whole)) if whole else None


def percent_text(share: float | None, digits: int = 1) -> str:
    return "—" if share is None else f"{share * 100:.{digits}f}%".replace("-", "−")


def index_text(value: float | None, digits: int = 2) -> str:
    return "—" if value is None else f"{value:.{digits}f}"


def mean_fen(total_fen: int, count: int) -> int | None:
    """Mean cost for display, whole fen, halves away from zero; None without cases."""
    if count == 0:
        return None
    size = (2 * abs(total_fen) + count) // (2 * count)
    return size if total_fen >= 0 else -size


def month_text(clr_ym: str) -> str:
    """202403 → 2024-03; anything else as it stands."""
    return f"{clr_ym[:4]}-{clr_ym[4:]}" if len(clr_ym) == 6 and clr_ym.isdigit() else clr_ym
