"""Cells that list codes, from the signs a workbook uses to those of the pack 「编码单元格」.

In: the text of a cell, the signs the mapping names, the pack's op_sep; out: the same expression in the grammar of
dip_expression, or a CellFault. Line breaks and blanks beside a sign go; between two codes they are refused unless the
mapping says what they mean, since nothing else tells "and" from "or". It does not judge whether a code exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.packs.xlsx_repair import FULL_WIDTH, CellFault, folded

DIAGNOSIS_CELLS = frozenset(
    {
        ("group", "dx_expr"),
        ("group", "other_dx_expr"),
        ("excluded_procedure", "dx_range"),
        ("aux_policy", "malignant_dx"),
    }
)
PROCEDURE_CELLS = frozenset({("group", "main_op_expr"), ("group", "related_op_expr")})
_SIGNS = {"+": ("+", "/"), ",": (",", ""), "|": ("+", "|")}
"""op_sep → how the pack writes and, or."""
_TIGHTER = {"+": "or", ",": "and", "|": "and"}
_DASHES = re.compile("[‐‑‒–—―−~～]")
_ODD_IN_DIAGNOSIS = re.compile(r"[^A-Za-z0-9.*+\-]")
_ODD_IN_PROCEDURE = re.compile(r"[^A-Za-z0-9.*\-]")
_ODD_IN_LIST = re.compile(r"[^A-Za-z0-9_\-\u4e00-\u9fff]")
_EXTENSION = re.compile(r"(?<=[0-9.])X(?![A-Z])")
_LOOSE = (" ", "\n")


@dataclass(frozen=True, slots=True)
class Separators:
    """How a cell of a column lists codes: signs for and, or, range; which of and/or binds tighter, if it says."""

    and_signs: tuple[str, ...] = ()
    or_signs: tuple[str, ...] = ()
    range_signs: tuple[str, ...] = ()
    tighter: str = ""


def catalogue_code(code: str) -> str:
    """A code as catalogues write it: upper case, the extension marker a lower-case x: `i10.X` → `I10.x`."""
    return _EXTENSION.sub("x", code.upper())


def expression(text: str, signs: Separators, op_sep: str | None, repairs: list[str]) -> str:
    """A cell in the pack's grammar. op_sep None: a diagnosis cell, which knows only or."""
    plain = folded(text, FULL_WIDTH, repairs)
    one = re.sub(r"[^\S\n]+", " ", re.sub(r"[^\S\n]*[\r\n]\s*", "\n", plain))
    meaning = _meanings(signs, op_sep)
    pieces, found = _pieces(one, meaning)
    if one.count("\n") > found.count("\n"):
        repairs.append("line_break")
    codes = [_piece(piece, signs, op_sep, repairs) for piece in pieces]
    kinds = {meaning[sign] for sign in found}
    if op_sep == "," and "or" in kinds:
        raise _fault(
            text, "op_sep 为 “,” 的方案不能写“或”", 'op_sep "," knows no "or"; choose op_sep "+" or "|" in [options].'
        )
    if len(kinds) == 2 and signs.tighter and signs.tighter != _TIGHTER[op_sep or "|"]:
        zh = "“且”与“或”的结合次序与方案的 op_sep 不同，须改用另一 op_sep 或拆成两行"
        raise _fault(text, zh, "and/or bind the other way round in this pack; use another op_sep or write two rows.")
    written = dict(zip(("and", "or"), _SIGNS[op_sep], strict=True)) if op_sep else {"or": "|"}
    if any(written[meaning[sign]] != sign for sign in found):
        repairs.append("separator")
    ends = [written[meaning[sign]] for sign in found] + [""]
    return "".join(code + end for code, end in zip(codes, ends, strict=True))


def _meanings(signs: Separators, op_sep: str | None) -> dict[str, str]:
    """Sign → and / or: the pack's own, then what the mapping says."""
    if op_sep is None:
        own = {"|": "or"}
    else:
        both, either = _SIGNS[op_sep]
        own = {both: "and"} | ({either: "or"} if either else {})
    said = {sign.translate(FULL_WIDTH): "and" for sign in signs.and_signs}
    return own | said | {sign.translate(FULL_WIDTH): "or" for sign in signs.or_signs}


def _pieces(text: str, meaning: dict[str, str]) -> tuple[list[str], list[str]]:
    """Codes and the signs between them. A blank or line break that is a sign gives way to any sign beside it."""
    pattern = "|".join(re.escape(sign) for sign in sorted(meaning, key=len, reverse=True))
    parts = re.split(f"({pattern})", text)
    pieces = [parts[0].strip()]
    found: list[str] = []
    for sign, piece in zip(parts[1::2], parts[2::2], strict=True):
        if pieces[-1] == "" and sign in _LOOSE:
            pieces[-1] = piece.strip()
        elif pieces[-1] == "" and found and found[-1] in _LOOSE:
            found[-1] = sign
            pieces[-1] = piece.strip()
        else:
            found.append(sign)
            pieces.append(piece.strip())
    while found and pieces[-1] == "" and found[-1] in _LOOSE:
        found.pop()
        pieces.pop()
    if "" in pieces and text:
        raise _fault(text, "分隔符重复，或位于首尾", "a separator stands twice, first or last; remove it.")
    return pieces, found


def _piece(piece: str, signs: Separators, op_sep: str | None, repairs: list[str]) -> str:
    """One code, range or list name."""
    if piece.startswith("@"):
        odd = _ODD_IN_LIST.search(piece[1:])
    else:
        ranged = _DASHES.sub("-", piece)
        for sign in signs.range_signs:
            ranged = ranged.replace(sign.translate(FULL_WIDTH), "-")
        if ranged != piece:
            ranged = re.sub(r"\s*-\s*", "-", ranged)
            repairs.append("dash")
        code = catalogue_code(ranged)
        if code != ranged:
            repairs.append("letter_case")
        odd = (_ODD_IN_DIAGNOSIS if op_sep is None else _ODD_IN_PROCEDURE).search(code)
        piece = code
    if odd is None:
        return piece
    if odd[0].isspace():
        zh = "编码之间只有换行或空格，无法判断是“且”还是“或”；请在映射的 lists 中写明"
        raise _fault(piece, zh, "only a line break or blank between codes: say in lists whether it means and, or.")
    zh = f"不认识的符号“{odd[0]}”；若是分隔符，请在映射的 lists 中写明"
    raise _fault(piece, zh, f"unknown sign {odd[0]!r}; if it separates codes, say so in lists of the mapping.")


def _fault(text: str, zh: str, en: str) -> CellFault:
    return CellFault("cell.separator", f"“{text}”：{zh}。", f"{text!r}: {en}")
