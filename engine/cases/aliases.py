"""Which column of a file is which canonical column 「列名识别」.

In: the header of one file and what the run demands; out: a `HeaderMap` (direct columns, the parts lists are gathered
from, what stands in for a missing id, what is ignored). Two columns that mean the same are an error, never a choice:
nobody can know which of them is right. It reads no row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from engine.cases.alias_table import DURATION_PARTS, FAMILIES, IGNORED
from engine.cases.columns import COLUMNS, FILES
from engine.cases.demand import SUBSTITUTES, Demand
from engine.errors import CaseFileError, PackError
from engine.lang import say

LIST_PARTS = {
    "diag_codes": ("diag_codes", "diseinfo", "diag_main", "diag_other"),
    "oprn_codes": ("oprn_codes", "oprninfo", "oprn_main", "oprn_other"),
}
"""Forms a list of codes arrives in: whole, as national node, or principal and others apart."""

_NUMBER = "{n}"


def header_key(name: str) -> str:
    """What of a header counts: full-width forms folded, blanks and letter case dropped."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).lstrip("\ufeff").casefold()


@cache
def alias_index() -> Mapping[str, tuple[str, str]]:
    """Header key → (canonical name, family). Keys with `{n}` match through `_numbered`."""
    index = {name: (name, "canonical") for name in _case_columns()}
    for part in ("diseinfo", "oprninfo", "icuinfo", "diag_main", "diag_other", "oprn_main", "oprn_other"):
        index[part] = (part, "canonical")
    for parts in DURATION_PARTS.values():
        index.update({part: (part, "national") for part in parts})
    for family, table in FAMILIES.items():
        for canonical, alias in _aliases(table):
            known = index.setdefault(header_key(alias), (canonical, family))
            assert known[0] == canonical, f"alias {alias} means both {known[0]} and {canonical}"
    return index


def _case_columns() -> set[str]:
    """Columns that may stand in a case file: all but those that only a result file has."""
    results = {name for file, names in FILES.items() if file != "cases" for name in names}
    return set(COLUMNS) - (results - set(FILES["cases"]))


def _aliases(table: str) -> Iterator[tuple[str, str]]:
    for line in table.strip().splitlines():
        canonical, _, names = line.partition(":")
        for alias in names.split(", "):
            yield canonical.strip(), alias.strip()


@cache
def _numbered() -> tuple[tuple[re.Pattern[str], str], ...]:
    keys = [(key, name) for key, (name, _) in alias_index().items() if _NUMBER in key]
    return tuple((re.compile(re.escape(key).replace(re.escape(_NUMBER), r"(\d{1,3})")), name) for key, name in keys)


def accepted_names(column: str) -> list[str]:
    """Every header under which a column may arrive, for the reader of an error."""
    parts = LIST_PARTS.get(column, (column,))
    names = [alias for table in FAMILIES.values() for canonical, alias in _aliases(table) if canonical in parts]
    return list(dict.fromkeys([column, *parts[1:2], *names]))


@dataclass
class HeaderMap:
    """One file's header understood. All values are header texts exactly as they stand in the file."""

    direct: dict[str, str] = field(default_factory=dict)
    """Canonical column → header."""
    others: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """`diag_other` / `oprn_other` → numbered headers, in the order of their numbers."""
    ignored: list[str] = field(default_factory=list)
    """Headers nobody knows."""
    absent: list[str] = field(default_factory=list)
    """Wanted columns the file does not have; every cell of them is null."""
    id_from: tuple[str, ...] = ()
    """Canonical columns that together stand in for a missing setl_id."""

    def has(self, column: str) -> bool:
        """Whether the column, or some form of the list, is there."""
        parts = LIST_PARTS.get(column, (column,))
        if column in DURATION_PARTS and any(part in self.direct for part in DURATION_PARTS[column]):
            return True
        if column == "icu_hours" and "icuinfo" in self.direct:
            return True
        # Other codes without the principal one are no list: the principal code decides the group.
        return any(part in self.direct for part in parts if not part.endswith("_other"))


def map_header(file: str, header: Sequence[str], demand: Demand) -> HeaderMap:
    """Understand a header, or raise CaseFileError naming the columns at fault."""
    _refuse_alias_sources(demand)
    result = HeaderMap()
    for name in header:
        _place(file, name, result, demand)
    for whole, parts in LIST_PARTS.items():
        _one_form_only(file, whole, parts, result)
    _find_missing(file, header, result, demand)
    result.absent = [column for column in demand.wanted if column != "setl_id" and not result.has(column)]
    return result


def _place(file: str, name: str, result: HeaderMap, demand: Demand) -> None:
    key = header_key(name)
    known = alias_index().get(key)
    if known is None:
        for pattern, part in _numbered():
            if match := pattern.fullmatch(key):
                result.others.setdefault(part, []).append((int(match[1]), name))
                return
    extras = {header_key(column): column for column in demand.extra_numbers}
    canonical = known[0] if known else extras.get(key)
    if canonical is None:
        if key not in IGNORED:
            result.ignored.append(name)
    elif canonical in result.direct:
        _refuse_twice(file, canonical, result.direct[canonical], name)
    else:
        result.direct[canonical] = name


def _refuse_alias_sources(demand: Demand) -> None:
    """A pack that reads a column by another of its names would find it empty in every file."""
    for column in demand.extra_numbers:
        canonical = alias_index().get(header_key(column), (column, ""))[0]
        if canonical != column:
            raise PackError(
                say(
                    f"分组方案的数值字段取自“{column}”，该列的规范列名是 {canonical}。"
                    f'请在 [[numeric]] 中写 from = "{canonical}"。',
                    f"a numeric field of the rule pack reads {column!r}, another name of {canonical}. "
                    f'Write from = "{canonical}" in [[numeric]].',
                )
            )


def _refuse_twice(file: str, canonical: str, first: str, second: str) -> None:
    label = COLUMNS[canonical].label if canonical in COLUMNS else canonical
    raise CaseFileError(
        say(
            f"{file}：“{first}”与“{second}”两列都是 {canonical}（{label}），无法判断以哪一列为准。请只保留一列。",
            f"{file}: the columns {first!r} and {second!r} both mean {canonical} ({label}); which one is right "
            f"cannot be known. Keep one of them.",
        )
    )


def _one_form_only(file: str, whole: str, parts: tuple[str, ...], result: HeaderMap) -> None:
    """A list may come whole, as a node, or principal and others apart, but only in one of these forms."""
    plain, node, main, other = parts
    numbered = sorted(result.others.get(other, []))
    result.others[other] = numbered
    numbers = [number for number, _ in numbered]
    for (number, first), (again, second) in pairwise(numbered):
        if number == again:
            _refuse_twice(file, other, first, second)
    apart = [result.direct[part] for part in (main, other) if part in result.direct]
    if other in result.direct and numbers:
        _refuse_twice(file, other, result.direct[other], numbered[0][1])
    forms = [result.direct[part] for part in (plain, node) if part in result.direct] + apart[:1]
    if len(forms) > 1:
        _refuse_twice(file, whole, forms[0], forms[1])


def _find_missing(file: str, header: Sequence[str], result: HeaderMap, demand: Demand) -> None:
    missing = []
    for column in demand.required:
        if result.has(column):
            continue
        stand_in = next((names for names in SUBSTITUTES.get(column, ()) if all(map(result.has, names))), None)
        if stand_in is None:
            missing.append(column)
        elif column == "setl_id":
            result.id_from = stand_in
    if not missing:
        return
    rows_zh = [f"  {name}（{_label(name)}）：可用列名 {'、'.join(accepted_names(name))}" for name in missing]
    rows_en = [f"  {name} ({_label(name)}): accepted as {', '.join(accepted_names(name))}" for name in missing]
    present = [str(name) for name in header][:60]
    raise CaseFileError(
        say(
            "\n".join([f"{file}：缺少必需的列：", *rows_zh, f"文件中现有的列：{'、'.join(present)}。请补齐后重试。"]),
            "\n".join([f"{file}: required columns are missing:", *rows_en, f"The file has: {', '.join(present)}."])
            + " Add them, or rename the columns that hold them.",
        )
    )


def _label(name: str) -> str:
    return COLUMNS[name].label if name in COLUMNS else name
