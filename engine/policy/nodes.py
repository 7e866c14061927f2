"""A policy file as plain text with line numbers: YAML without its types, its shortcuts and its surprises.

In: the text of one file; out: `Mapping`, `Listing` and `Scalar` nodes, each knowing its place. Every scalar stays the
text that was written, so `0.1` never passes through a float, `no` stays "no" and `310` is not a number yet.
Anchors, aliases, explicit tags, a second document and a repeated key are refused. It never interprets a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from engine.policy.problems import Place, Problems, Unreadable
from engine.policy.yaml_events import events_of

DEPTH_MAX = 12
CHARS_MAX = 2_000_000
_DATE_LIKE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word or number as written; `plain` = without quotes."""

    place: Place
    text: str
    plain: bool

    @property
    def is_null(self) -> bool:
        return self.plain and self.text == "null"

    @property
    def is_empty(self) -> bool:
        return self.plain and self.text in ("", "~")


@dataclass(frozen=True, slots=True)
class Listing:
    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    place: Place
    entries: tuple[tuple[Scalar, Node], ...]

    def get(self, key: str) -> Node | None:
        return next((node for name, node in self.entries if name.text == key), None)


Node = Scalar | Listing | Mapping


def read_yaml(text: str, file: str, problems: Problems) -> Mapping | None:
    """The top mapping of a file, or None after reporting why there is none."""
    start = Place(file, 1, "")
    if len(text) > CHARS_MAX:
        problems.add(start, "too_deep", detail=f"{len(text)} > {CHARS_MAX} characters")
        return None
    try:
        # Events come one by one, so that reading stops at the depth limit: the scanner is slow on deep nesting.
        return _document(events_of(text), start, problems)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        detail = getattr(error, "problem", None) or "unreadable characters"
        problems.add(Place(file, line, ""), "syntax", detail=detail)
    except Unreadable:
        pass
    return None


def _document(events: Iterator[yaml.Event], start: Place, problems: Problems) -> Mapping | None:
    next(events)
    if isinstance(next(events), yaml.StreamEndEvent):
        problems.add(start, "missing_value")
        return None
    node = _node(next(events), events, start, problems, 0)
    next(events)
    after = next(events)
    if not isinstance(after, yaml.StreamEndEvent):
        problems.add(Place(start.file, _line(after), ""), "trickery", found="a second document (---)")
    if not isinstance(node, Mapping):
        kinds = {"expected_zh": "映射（键: 值）", "expected_en": "a mapping (key: value)"}
        problems.add(node.place, "wrong_kind", **kinds, **kind_of(node))
        return None
    return node


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None
    return int(event.start_mark.line) + 1


def _node(event: yaml.Event, events: Iterator[yaml.Event], place: Place, problems: Problems, depth: int) -> Node:
    # A block starts under its key; the line of the key is where a reader looks for it.
    here = Place(place.file, _line(event) if isinstance(event, yaml.ScalarEvent) else place.line, place.key)
    if depth > DEPTH_MAX:
        raise problems.add(here, "too_deep", detail=f"> {DEPTH_MAX} levels")
    if isinstance(event, yaml.AliasEvent):
        raise problems.add(here, "trickery", found=f"the alias *{event.anchor}")
    assert isinstance(event, yaml.NodeEvent)
    if event.anchor is not None:
        problems.add(here, "trickery", found=f"the anchor &{event.anchor}")
    if (tag := getattr(event, "tag", None)) is not None:
        problems.add(here, "trickery", found=f"the YAML tag {tag}")
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(here, event.value, not event.style)
    if isinstance(event, yaml.SequenceStartEvent):
        return _listing(events, here, problems, depth)
    return _mapping(events, here, problems, depth)


def _listing(events: Iterator[yaml.Event], here: Place, problems: Problems, depth: int) -> Listing:
    items: list[Node] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(_node(event, events, here.item(len(items), _line(event)), problems, depth + 1))
    return Listing(here, tuple(items))


def _mapping(events: Iterator[yaml.Event], here: Place, problems: Problems, depth: int) -> Mapping:
    entries: dict[str, tuple[Scalar, Node]] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _node(event, events, here, problems, depth + 1)
        if not isinstance(key, Scalar):
            raise problems.add(
                key.place, "wrong_kind", expected_zh="单个键", expected_en="a single word as key", **kind_of(key)
            )
        named = Scalar(here.child(key.text, key.place.line), key.text, key.plain)
        value = _node(next(events), events, named.place, problems, depth + 1)
        if key.text in entries:
            slug = "overlapping_dates" if _DATE_LIKE.fullmatch(key.text) else "duplicate_key"
            problems.add(named.place, slug, found=key.text, first=entries[key.text][0].place.line)
        else:
            entries[key.text] = (named, value)
    return Mapping(here, tuple(entries.values()))


def kind_of(node: Node) -> dict[str, object]:
    """What a node is, in words, for a message."""
    if isinstance(node, Mapping):
        return {"found_zh": "映射", "found_en": "a mapping"}
    if isinstance(node, Listing):
        return {"found_zh": "列表", "found_en": "a list"}
    return {"found_zh": f"“{node.text}”", "found_en": f"“{node.text}”"}
