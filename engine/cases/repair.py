"""What may be mended in a cell without asking, and how often it was 「修复」.

In: columns of text; out: the same columns cleaned, with a count per kind of repair. Only the form of a value is mended
(blanks, full-width forms, letter case of a code, `2.0` for 2), never what it says. Work is done on the values that
need it, so a clean column costs one look.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

import polars as pl

from engine.cases.one_cell import FULL_WIDTH, NOTHING, UNTIDY, repaired_code


class Repair(StrEnum):
    """Kinds of repair; counted per cell, or per code in a list."""

    BLANKS = "blanks"
    FULL_WIDTH = "full_width"
    DECIMAL_ENDING = "decimal_ending"
    WORD = "word"
    MONEY_SIGN = "money_sign"
    DATE_SERIAL = "date_serial"
    LETTER_CASE = "letter_case"
    EMPTY_CODE = "empty_code"
    AGE_FROM_DAYS = "age_from_days"
    STAY_FROM_DATES = "stay_from_dates"


TEXT_ZH = {
    Repair.BLANKS: "去除首尾空格",
    Repair.FULL_WIDTH: "全角转半角",
    Repair.DECIMAL_ENDING: "去除 .0 尾数",
    Repair.WORD: "文字值转代码",
    Repair.MONEY_SIGN: "去除金额符号与千分位",
    Repair.DATE_SERIAL: "Excel 日期序号转日期",
    Repair.LETTER_CASE: "编码大小写",
    Repair.EMPTY_CODE: "去除空编码",
    Repair.AGE_FROM_DAYS: "由日龄得出 0 岁",
    Repair.STAY_FROM_DATES: "由出入院日期得出住院天数",
}
TEXT_EN = {
    Repair.BLANKS: "surrounding blanks removed",
    Repair.FULL_WIDTH: "full-width forms folded",
    Repair.DECIMAL_ENDING: "ending .0 removed",
    Repair.WORD: "word turned into its code",
    Repair.MONEY_SIGN: "currency sign or thousands separator removed",
    Repair.DATE_SERIAL: "spreadsheet serial turned into a date",
    Repair.LETTER_CASE: "letter case of a code",
    Repair.EMPTY_CODE: "empty code dropped",
    Repair.AGE_FROM_DAYS: "age 0 taken from the age in days",
    Repair.STAY_FROM_DATES: "length of stay taken from the dates",
}

Repairs = Counter[Repair]

_FULL_WIDTH_CLASS = "[\u00a0\u3000\uff01-\uff5e]"


def tidy_texts(frame: pl.DataFrame) -> frozenset[str]:
    """Text columns of which `clean_text` and `drop_decimal_ending` would change no cell, seen in one look at all."""
    names = [name for name, kind in frame.schema.items() if kind == pl.String]
    if not names or not len(frame):
        return frozenset()
    found = frame.select(pl.col(names).str.contains(UNTIDY).any()).row(0, named=True)
    return frozenset(name for name in names if not found[name])


def clean_text(values: pl.Series, repairs: Repairs) -> pl.Series:
    """Half-width, without surrounding blanks, null where nothing is said."""
    # Full-width forms take more bytes than characters; most columns hold none and are done after this look.
    if (values.str.len_bytes() != values.str.len_chars()).any():
        wide = values.str.contains(_FULL_WIDTH_CLASS)
        if wide.any():
            distinct = values.filter(wide).unique()
            narrow = pl.Series([text.translate(FULL_WIDTH) for text in distinct], dtype=pl.String)
            values = values.replace(distinct, narrow)
            repairs[Repair.FULL_WIDTH] += int(wide.sum() or 0)
    trimmed = values.str.strip_chars()
    changed = int((trimmed != values).sum() or 0)
    if changed:
        repairs[Repair.BLANKS] += changed
        values = trimmed
    nothing = values.is_in(sorted(NOTHING))
    if nothing.any():
        values = values.set(nothing.fill_null(False), None)
    return values


def drop_decimal_ending(values: pl.Series, repairs: Repairs) -> pl.Series:
    """`2.0` → `2`: a number that a spreadsheet turned into a fraction. Only for texts that are all digits."""
    if not values.str.ends_with(".0").any():
        return values
    repairs[Repair.DECIMAL_ENDING] += int(values.str.contains(r"^\d+\.0$").sum() or 0)
    return values.str.replace(r"^(\d+)\.0$", "$1")


def code_repairs(code: str) -> tuple[Repair, ...]:
    """What `repaired_code` had to mend in this code."""
    narrow = code.translate(FULL_WIDTH)
    joined = "".join(narrow.split())
    found = {
        Repair.FULL_WIDTH: narrow != code,
        Repair.BLANKS: joined != narrow,
        Repair.LETTER_CASE: joined != repaired_code(code),
    }
    return tuple(kind for kind, mended in found.items() if mended)
