"""Reading one value strictly: text in, an exact number, word, date, list or record out.

In: a node and the list of problems; out: int (fen, days), Fraction (ratios, points), text, bool, date, tuples, records.
Unit: money is written in yuan with at most two decimals and returned in fen. Nothing passes through a float.
A reader that cannot read reports what is wrong and what is allowed, and raises `Unreadable`; it never substitutes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any, Final, Generic, TypeVar

from engine.policy.nodes import Listing, Mapping, Node, Scalar, kind_of
from engine.policy.problems import Place, Problems, Unreadable, listed

T = TypeVar("T")
K = TypeVar("K")
Reader = Callable[[Node, Problems], T]

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(?:\.([0-9]+))?")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
POINT_PLACES: Final = 4
RATIO_PLACES: Final = 6


def scalar(node: Node, problems: Problems, expected_zh: str, expected_en: str) -> Scalar:
    """The node as a written word; mappings, lists, empty values and null are reported."""
    if not isinstance(node, Scalar):
        raise problems.add(node.place, "wrong_kind", expected_zh=expected_zh, expected_en=expected_en, **kind_of(node))
    if node.is_empty:
        raise problems.add(node.place, "missing_value")
    if node.is_null:
        raise problems.add(node.place, "null_refused")
    return node


def exact(text: str, place: Place, problems: Problems, places: int, example: str = "0.05") -> Fraction:
    """A decimal number read digit by digit; `1e3`, `.5`, `1_000`, `5 %` and too many decimals are refused."""
    if "%" in text or "％" in text:
        raise problems.add(place, "percent", found=text)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise problems.add(place, "not_a_number", found=text, example=example)
    if len(match.group(2) or "") > places:
        raise problems.add(place, "too_many_places", found=text, places=places)
    return Fraction(text)


def within(value: Fraction, place: Place, problems: Problems, lo: Fraction | None, hi: Fraction | None) -> Fraction:
    if (lo is not None and value < lo) or (hi is not None and value > hi):
        raise problems.add(place, "out_of_range", found=plain(value), allowed=interval(lo, hi))
    return value


def interval(lo: Fraction | None, hi: Fraction | None) -> str:
    if hi is None:
        return f"≥ {plain(lo)}"
    return f"≤ {plain(hi)}" if lo is None else f"{plain(lo)} … {plain(hi)}"


def number(
    lo: str | None = "0", hi: str | None = None, places: int = RATIO_PLACES, example: str = "0.05"
) -> Reader[Fraction]:
    """An exact decimal between two inclusive edges (None = open)."""
    low, high = (None if edge is None else Fraction(edge) for edge in (lo, hi))

    def read(node: Node, problems: Problems) -> Fraction:
        word = scalar(node, problems, "数字", "a number")
        return within(exact(word.text, word.place, problems, places, example), word.place, problems, low, high)

    return read


def share() -> Reader[Fraction]:
    """A part of a whole, 0 … 1."""
    return number("0", "1")


def integer(lo: int, hi: int | None = None) -> Reader[int]:
    read = number(str(lo), None if hi is None else str(hi), places=0, example=str(lo + 1))
    return lambda node, problems: int(read(node, problems))


def yuan(lo: str | None = "0") -> Reader[int]:
    """Money written in yuan, returned in fen."""
    read = number(lo, None, places=2, example="1234.50")
    return lambda node, problems: int(read(node, problems) * 100)


def word(pattern: str = r"(?s).{1,500}", zh: str = "非空文字", en: str = "text") -> Reader[str]:
    compiled = re.compile(pattern)

    def read(node: Node, problems: Problems) -> str:
        found = scalar(node, problems, zh, en)
        text = found.text.strip()
        if not compiled.fullmatch(text):
            raise problems.add(found.place, "bad_text", found=found.text[:60], detail_zh=zh, detail_en=en)
        return text

    return read


def name() -> Reader[str]:
    """An identifier of ours: scheme, rule, category."""
    return word(
        r"[A-Za-z][A-Za-z0-9_]{0,39}", "以字母开头的标识符（字母、数字、下划线）", "a name of letters, digits and _"
    )


def code() -> Reader[str]:
    """A published code: hospital, group, county. Spaces inside or a comma are copying accidents."""
    return word(r"[^\s,;|]{1,60}", "不含空格、逗号的编码", "a code without spaces or commas")


def choice(*allowed: str) -> Reader[str]:
    def read(node: Node, problems: Problems) -> str:
        found = scalar(node, problems, "取值 " + listed(allowed), "one of " + listed(allowed))
        if found.text not in allowed:
            raise problems.add(
                found.place, "not_allowed", found=found.text, allowed=listed(allowed), near=(found.text, allowed)
            )
        return found.text

    return read


def flag() -> Reader[bool]:
    read = choice("true", "false")
    return lambda node, problems: read(node, problems) == "true"


def day(node: Node, problems: Problems) -> date:
    found = scalar(node, problems, "日期", "a date")
    return parse_date(found.text, found.place, problems)


def parse_date(text: str, place: Place, problems: Problems) -> date:
    try:
        if _ISO.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise problems.add(place, "not_a_date", found=text)


def nullable(read: Reader[T]) -> Reader[T | None]:
    def reader(node: Node, problems: Problems) -> T | None:
        return None if isinstance(node, Scalar) and node.is_null else read(node, problems)

    return reader


def listing(item: Reader[T], at_least: int = 0) -> Reader[tuple[T, ...]]:
    def read(node: Node, problems: Problems) -> tuple[T, ...]:
        if not isinstance(node, Listing) or len(node.items) < at_least:
            zh, en = (f"至少 {at_least} 项的列表", f"a list of at least {at_least}") if at_least else ("列表", "a list")
            raise problems.add(node.place, "wrong_kind", expected_zh=zh, expected_en=en, **kind_of(node))
        return tuple(gather([partial(item, child, problems) for child in node.items]))

    return read


def unique(item: Reader[T]) -> Reader[tuple[T, ...]]:
    """A list that names nothing twice."""
    read_all = listing(item)

    def read(node: Node, problems: Problems) -> tuple[T, ...]:
        values = read_all(node, problems)
        assert isinstance(node, Listing)
        first: dict[T, int] = {}
        for value, child in zip(values, node.items, strict=True):
            if value in first:
                problems.add(child.place, "repeated", found=plain(value), first=first[value])
            first.setdefault(value, child.place.line)
        return values

    return read


def mapping(key: Reader[K], value: Reader[T]) -> Reader[dict[K, T]]:
    """Free keys, each read by `key`."""

    def read(node: Node, problems: Problems) -> dict[K, T]:
        if not isinstance(node, Mapping):
            raise problems.add(node.place, "wrong_kind", expected_zh="映射", expected_en="a mapping", **kind_of(node))
        return dict(gather([partial(pair, name, child, problems) for name, child in node.entries]))

    def pair(name: Scalar, child: Node, problems: Problems) -> tuple[K, T]:
        return key(name, problems), value(child, problems)

    return read


@dataclass(frozen=True, slots=True)
class Field(Generic[T]):
    """One key of a record; without a default it must be written."""

    read: Reader[T]
    default: T | None = None
    required: bool = True


def may(read: Reader[T], default: T | None = None) -> Field[T]:
    """A key that may be left out."""
    return Field(read, default, required=False)


def record(build: Callable[..., T], fields: AbstractMapping[str, Field[Any] | Reader[Any]]) -> Reader[T]:
    """A mapping with exactly these keys, handed to `build` by keyword."""

    def read(node: Node, problems: Problems) -> T:
        entries = known_keys(node, problems, tuple(fields))
        values: dict[str, Any] = {}
        failed = False
        for key, given in fields.items():
            spec = given if isinstance(given, Field) else Field(given)
            if key not in entries:
                values[key] = spec.default
                if spec.required:
                    detail = {"detail_zh": "此处必填", "detail_en": "it is required here"}
                    problems.add(node.place, "missing_key", found=key, **detail)
                    failed = True
                continue
            try:
                values[key] = spec.read(entries[key], problems)
            except Unreadable:
                failed = True
        if failed:
            raise Unreadable(node.place.key)
        return build(**values)

    return read


def known_keys(node: Node, problems: Problems, allowed: tuple[str, ...]) -> dict[str, Node]:
    """The entries of a mapping by key, after reporting every key that is not allowed there."""
    if not isinstance(node, Mapping):
        expected = {"expected_zh": f"含 {listed(allowed)} 的映射", "expected_en": f"a mapping with {listed(allowed)}"}
        raise problems.add(node.place, "wrong_kind", **expected, **kind_of(node))
    for key, _ in node.entries:
        if key.text not in allowed:
            problems.add(key.place, "unknown_key", found=key.text, allowed=listed(allowed), near=(key.text, allowed))
    return {key.text: value for key, value in node.entries if key.text in allowed}


def gather(reads: list[Callable[[], T]]) -> list[T]:
    """Read them all, so that all faults show, and only then give up if one failed."""
    values: list[T] = []
    failed: Unreadable | None = None
    for read in reads:
        try:
            values.append(read())
        except Unreadable as fault:
            failed = fault
    if failed is not None:
        raise failed
    return values


def plain(value: object) -> str:
    """A value as a person writes it: decimals for terminating fractions, `n/d` for the rest."""
    if value is None:
        return "null"
    if not isinstance(value, Fraction):
        return str(value)
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    scaled = abs(value.numerator) * 10**places // value.denominator
    whole, part = divmod(scaled, 10**places)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}" + (f".{part:0{places}d}" if places else "")
