"""What an import may mend in a cell without asking, and what it refuses 「修正与退回」.

In: nothing; out: the kinds of repair, the error of a cell, and the folding of full-width forms that both use.
A repair changes how a value is written, never what it says, and is counted. A fault becomes a reported row.
"""

from __future__ import annotations

import re
import unicodedata

REPAIRS: dict[str, tuple[str, str]] = {
    "merged": ("取自合并单元格", "taken from a merged cell"),
    "filled_down": ("取自上方单元格", "taken from the cell above"),
    "blanks": ("去除空格", "blanks removed"),
    "full_width": ("全角转半角", "full-width forms folded"),
    "line_break": ("去除换行", "line breaks removed"),
    "letter_case": ("编码大小写", "letter case of a code"),
    "dash": ("统一连接号", "dashes unified"),
    "separator": ("改写分隔符", "separators rewritten"),
    "text_number": ("文本数字转数值", "number stored as text"),
    "money_sign": ("去除货币符号或千分位", "currency sign or thousands separator removed"),
    "percent": ("百分数转小数", "percentage turned into a decimal"),
    "binary_tail": ("去除浮点尾差", "tail of a binary fraction dropped"),
    "scaled": ("按映射换算单位", "multiplied as the mapping says"),
    "rounded": ("按映射四舍五入", "rounded as the mapping says"),
    "word": ("文字换成规定值", "word replaced by the pack's"),
    "empty_word": ("按映射视为空", "read as empty as the mapping says"),
    "number_as_text": ("数值转文本", "number turned into text"),
    "padded": ("按映射补足编码位数", "code padded as the mapping says"),
    "split": ("一格拆成多行", "one cell split into several rows"),
    "joined": ("由多列合成", "joined from several columns"),
}
"""kind → Chinese, English."""

_PUNCTUATION = ".:+-/*|@#_=<>&%"
FULL_WIDTH = {0x3000: " ", 0xA0: " "} | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
NAME_FORMS = {code: half for code, half in FULL_WIDTH.items() if half.isalnum() or half in _PUNCTUATION or half == " "}
"""Forms folded in a name that is looked up: letters, digits, signs of codes. Chinese brackets and commas stay."""
_INVISIBLE = dict.fromkeys((0xFEFF, 0x200B, 0x200C, 0x200D, 0x2060, 0xAD))


class CellFault(Exception):
    """A cell that cannot be placed. Both texts say what stands there and what to do."""

    def __init__(self, kind: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.kind, self.zh, self.en = kind, zh, en


class UnknownWord(CellFault):
    """A word that is not in the closed list of its column."""

    def __init__(self, word: str, allowed: tuple[str, ...]) -> None:
        listed = "、".join(allowed)
        zh = f"“{word}”不在规定值内；请在映射的 words 中写明它是哪一个：{listed}。"
        en = f"{word!r} is no word of this column; say in words of the mapping which it is: {', '.join(allowed)}."
        super().__init__("cell.word", zh, en)
        self.word = word


def folded(text: str, forms: dict[int, str], repairs: list[str]) -> str:
    """Half-width, without invisible characters and surrounding blanks; what was done goes to `repairs`."""
    narrow = text.translate(forms)
    if narrow.strip() != text.strip():
        repairs.append("full_width")
    seen = narrow.translate(_INVISIBLE)
    if seen.strip() != narrow:
        repairs.append("blanks")
    return seen.strip()


def word_key(text: str) -> str:
    """How words and headers are compared: compatibility forms, no blanks, no letter case."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).translate(_INVISIBLE)).casefold()
