"""One cell of a workbook → one cell of a pack table 「单元格换算」.

In: the cell, its pack column, the mapping's rules for it; out: text as the loader wants it, with the repairs made, or a
CellFault. Numbers are exact decimals throughout; what has more places than the column is refused unless the mapping
rounds. A code that Excel holds as a number has lost its zeros and is refused unless the mapping states its places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from engine.packs.dip_schema import Column
from engine.packs.xlsx_cells import BOOL, DATE, ERROR, NUMBER, TEXT, Cell
from engine.packs.xlsx_expressions import DIAGNOSIS_CELLS, PROCEDURE_CELLS, Separators, catalogue_code, expression
from engine.packs.xlsx_names import WORDS_ZH
from engine.packs.xlsx_repair import FULL_WIDTH, NAME_FORMS, CellFault, UnknownWord, folded, word_key
from pointvalue.fixed import divide_half_up

CODE_CELLS = frozenset(
    {
        *(("code_map", "from_code"), ("code_map", "to_code"), ("procedure", "code"), ("excluded_diagnosis", "code")),
        *(("excluded_procedure", "code"), ("code_list", "code"), ("cc_list", "dx"), ("cci_weight", "dx")),
    }
)
CONDITION_CELLS = frozenset({("group", "flag_expr"), ("aux", "condition_expr")})
PLACES = {"int": 0, "fen": 2, "e4": 4, "e6": 6}
EXACT_DIGITS = 15
"""Excel shows and keeps no more; digits beyond are the tail of a binary fraction."""
_BOOL_WORDS = {
    **dict.fromkeys(("1", "是", "有", "√", "✓", "✔", "y", "yes", "true"), "1"),
    **dict.fromkeys(("0", "否", "无", "×", "✗", "✘", "n", "no", "false"), "0"),
}
_PLAIN = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]*)?|[+-]?\.[0-9]+")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_NOT_A_CODE = re.compile(r"[^A-Za-z0-9.*+\-]")


@dataclass(frozen=True, slots=True)
class Decimals:
    """How a column of numbers is taken: multiplied by `times`, then at most `places` decimals, beyond them `round`."""

    places: int | None = None
    round: str = "refuse"
    times: str = "1"


@dataclass(frozen=True, slots=True)
class CellRules:
    """What the mapping says about one pack column of one sheet. `words` and `empty` are compared by `word_key`."""

    table: str
    column: Column
    words: Mapping[str, str] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    separators: Separators = field(default_factory=Separators)
    decimals: Decimals = field(default_factory=Decimals)
    code_places: int | None = None
    op_sep: str = "+"
    verbatim: bool = False

    def value(self, cell: Cell | None, repairs: list[str]) -> str:
        """The cell as the table's text; "" is an empty cell. Raises CellFault."""
        if cell is None or (cell.blank and not (self.verbatim and self.column.type == "text")):
            return ""
        if cell.kind == ERROR:
            zh, en = f"公式出错（{cell.text}）；请在工作簿中改正", f"the formula failed ({cell.text}); mend it there."
            raise CellFault("cell.error", zh + "。", en)
        key = word_key(cell.text) if self.empty or self.words or self.column.type == "bool" else ""
        if key in self.empty:
            repairs.append("empty_word")
            return ""
        if key in self.words:
            repairs.append("word")
            return self.words[key]
        if self.column.type in PLACES:
            return self._number(cell, repairs)
        if self.column.type == "bool":
            return self._yes_or_no(cell, key, repairs)
        if self.column.type == "enum":
            return self._word(cell, repairs)
        return self._text(cell, repairs)

    def _number(self, cell: Cell, repairs: list[str]) -> str:
        if cell.kind not in (NUMBER, TEXT):
            what = {DATE: ("日期", "a date"), BOOL: ("逻辑值", "TRUE or FALSE")}[cell.kind]
            raise CellFault(
                "cell.number", f"“{cell.text}”是{what[0]}，不是数值。", f"{cell.text!r} is {what[1]}, no number."
            )
        text = _seen(cell.text, repairs) if cell.kind == NUMBER else _typed(cell.text, repairs)
        digits, places = _parts(text)
        if self.decimals.times != "1":
            factor, more = _parts(self.decimals.times)
            digits, places = digits * factor, places + more
            repairs.append("scaled")
        digits, places = _shortened(digits, places)
        limit = PLACES[self.column.type]
        if self.decimals.places is not None:
            limit = min(limit, self.decimals.places)
        if places > limit:
            if self.decimals.round != "half_up":
                shown = _decimal(digits, places)
                zh = f"{shown} 的小数多于 {limit} 位；请改正，或在映射的 decimals 中写明 round"
                en = f"{shown} has more than {limit} decimals; correct it, or say round in decimals of the mapping."
                raise CellFault("cell.places", zh + "。", en)
            digits, places = divide_half_up(digits, 10 ** (places - limit)), limit
            repairs.append("rounded")
        return _decimal(*_shortened(digits, places))

    def _yes_or_no(self, cell: Cell, key: str, repairs: list[str]) -> str:
        if key not in _BOOL_WORDS:
            raise UnknownWord(cell.text.strip(), ("是", "否"))
        if cell.kind == TEXT and key not in ("0", "1"):
            repairs.append("word")
        return _BOOL_WORDS[key]

    def _word(self, cell: Cell, repairs: list[str]) -> str:
        text = cell.text if self.verbatim else folded(cell.text, NAME_FORMS, repairs)
        if text in self.column.words:
            return text
        meant = [word for word in self.column.words if WORDS_ZH.get(word) == text]
        if not meant:
            raise UnknownWord(text, self.column.words)
        repairs.append("word")
        return meant[0]

    def _text(self, cell: Cell, repairs: list[str]) -> str:
        place = (self.table, self.column.name)
        if cell.kind == DATE:
            zh = f"Excel 把它存成了日期（{cell.text}）；请将该列设为文本格式后重新填写"
            raise CellFault(
                "cell.date", zh + "。", f"Excel holds a date here ({cell.text}); format the column as text."
            )
        if cell.kind == NUMBER:
            return self._from_number(cell.text, repairs)
        if self.verbatim or cell.kind == BOOL:
            return cell.text
        if place in PROCEDURE_CELLS:
            return expression(cell.text, self.separators, self.op_sep, repairs)
        if place in DIAGNOSIS_CELLS:
            return expression(cell.text, self.separators, None, repairs)
        if place in CODE_CELLS:
            return _code(cell.text, repairs)
        if place in CONDITION_CELLS:
            return _one_line(folded(cell.text, FULL_WIDTH, repairs), "", repairs)
        forms: dict[int, str] = {} if self.column.name == "name" else NAME_FORMS
        return _one_line(folded(cell.text, forms, repairs), " " if self.column.name == "name" else "", repairs)

    def _from_number(self, number: str, repairs: list[str]) -> str:
        """A number in a column of text: whole ones are safe to fifteen digits, codes only if their places are known."""
        number = _seen(number, repairs)
        digits, places = _parts(number)
        is_code = (self.table, self.column.name) in CODE_CELLS | PROCEDURE_CELLS | DIAGNOSIS_CELLS
        if is_code and self.code_places is not None and places <= self.code_places and digits >= 0:
            repairs.append("padded")
            whole, _, fraction = number.partition(".")
            return f"{whole:0>2}" + (f".{fraction:0<{self.code_places}}" if self.code_places else "")
        if is_code or (places and self.column.name != "name") or len(str(abs(digits))) > EXACT_DIGITS:
            zh = f"编码被存成数值 {number}，原有的零可能已丢失；请改为文本重填，或在映射的 code_places 中写明位数"
            en = (
                f"a code held as the number {number} may have lost zeros; format the column as text and type it again, "
            )
            raise CellFault("cell.code_number", zh + "。", en + "or state its places in code_places.")
        repairs.append("number_as_text")
        return number


def _seen(number: str, repairs: list[str]) -> str:
    """The decimal a person sees: at most fifteen digits of the double."""
    value = Decimal(number) if re.fullmatch(r"-?[0-9.]+", number) else None
    if value is None:
        raise CellFault("cell.number", f"“{number}”不是数值。", f"{number!r} is no number.")
    if len(value.normalize().as_tuple().digits) <= EXACT_DIGITS:
        return number
    repairs.append("binary_tail")
    return format(Decimal(format(float(number), f".{EXACT_DIGITS}g")).normalize(), "f")


def _typed(text: str, repairs: list[str]) -> str:
    """Digits a person typed as text: full-width forms, blanks, currency, separators and percent are understood."""
    mended: list[str] = []
    plain = re.sub(r"\s+", "", folded(text, FULL_WIDTH, mended))
    bare = plain.strip("¥￥元")
    if bare != plain:
        mended.append("money_sign")
    percent = bare.endswith("%")
    if percent:
        bare = bare[:-1]
        mended.append("percent")
    if _GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
        mended.append("money_sign")
    if not _PLAIN.fullmatch(bare):
        zh, en = (
            f"“{text.strip()}”不是数值；请改正，或在映射的 words 中写明其含义",
            f"{text.strip()!r} is no number; correct it, ",
        )
        raise CellFault("cell.number", zh + "。", en + "or say in words of the mapping what it means.")
    repairs += [*mended, "text_number"]
    digits, places = _parts(bare)
    return _decimal(digits, places + 2 if percent else places)


def _code(text: str, repairs: list[str]) -> str:
    """A single code: no blanks, half-width, upper case; anything with other characters is none."""
    plain = folded(text, FULL_WIDTH, repairs)
    joined = re.sub(r"\s+", "", plain)
    if joined != plain:
        repairs.append("blanks")
    code = catalogue_code(joined)
    if code != joined:
        repairs.append("letter_case")
    if odd := _NOT_A_CODE.search(code):
        zh = f"“{text.strip()}”不是编码（“{odd[0]}”）；一格多码请在映射的 split 中写明分隔符"
        en = f"{text.strip()!r} is no code ({odd[0]!r}); if a cell holds several, give their signs in split."
        raise CellFault("cell.code", zh + "。", en)
    return code


def _one_line(text: str, between: str, repairs: list[str]) -> str:
    """Lines joined; between Chinese characters by nothing, else by `between`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) <= 1:
        return lines[0] if lines else ""
    repairs.append("line_break")
    joined = lines[0]
    for line in lines[1:]:
        joined += (between if joined[-1].isascii() and line[0].isascii() else "") + line
    return joined


def _parts(text: str) -> tuple[int, int]:
    """Decimal text as (digits, places): 12.50 → (1250, 2)."""
    whole, _, fraction = text.partition(".")
    return int((whole + fraction) or "0"), len(fraction)


def _shortened(digits: int, places: int) -> tuple[int, int]:
    """Without zeros at the end of the fraction."""
    while places and not digits % 10:
        digits, places = digits // 10, places - 1
    return digits, places


def _decimal(digits: int, places: int) -> str:
    sign, size = "-" if digits < 0 else "", str(abs(digits)).rjust(places + 1, "0")
    return f"{sign}{size[:-places]}.{size[-places:]}" if places else f"{sign}{size}"
