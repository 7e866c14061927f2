"""A policy folder, read as a whole: every YAML file, every mechanism, every table it names.

In: a folder; out: an `AreaPolicy` with dated, sourced, tagged settings and one fingerprint, or one error that lists
everything wrong with the folder. Units stand on the parameters. It never judges a policy against a rule pack (`check`)
and never picks a date (`resolve`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from engine.policy.canon import canonical
from engine.policy.case_params import AREA_CODE, AREA_NAME, PACKS, SCHEMES
from engine.policy.catalogue import MECHANISMS
from engine.policy.crosscheck import cross_check
from engine.policy.crosscheck_added import cross_check_added
from engine.policy.crosscheck_facts import cross_check_facts
from engine.policy.crosscheck_routes import cross_check_routes
from engine.policy.nodes import Mapping, Node, Scalar, kind_of, read_yaml
from engine.policy.problems import Place, Problems, Unreadable, listed
from engine.policy.readers import Field, day, known_keys, may, parse_date, record, word
from engine.policy.settings import TAGS, Desk, Mechanism, Param, Setting, Source, Start
from engine.stamps import Stamps, stamps_of
from pointvalue.terms import SchemeKind

HEADING: Final = ("description", "unit", "source", "tag", "note", "values", "amended")
FINGERPRINT_SHOWN: Final = 12
SCORING_MECHANISMS: Final = frozenset({"points", "case_classes"})
"""What an area needs only if some scheme is scored by the policy."""


@dataclass(frozen=True)
class AreaPolicy:
    """A settlement policy 「结算办法」 of one pooling area, complete and checked on its own."""

    folder: Path
    code: str
    name: str
    settings: dict[str, Setting]
    fingerprint: str
    stamps: Stamps | None = field(default=None, compare=False)
    """What the file system said of the folder before it was read."""

    @property
    def version(self) -> str:
        """`370000@<first 12 of the fingerprint>`: what every result row names."""
        return f"{self.code}@{self.fingerprint[:FINGERPRINT_SHOWN]}"

    @property
    def pack_paths(self) -> tuple[tuple[str, Path], ...]:
        """Scheme and folder of every rule pack the policy lists; the command line may name others instead."""
        return tuple((entry.scheme, self.folder / entry.path) for entry in self.desk().at(PACKS, date.max))

    def desk(self) -> Desk:
        """A place to ask values at dates that remembers which were used."""
        return Desk(self.settings, self.folder.name)


@dataclass(frozen=True, slots=True)
class _Heading:
    """What a mechanism says once for all its parameters."""

    description: str
    tag: str
    source: Source


def load_policy(path: Path) -> AreaPolicy:
    """Read and check a policy folder; everything that is wrong with it is raised together."""
    problems, before = Problems(path), stamps_of(path)
    settings: dict[str, Setting] = {}
    seen: dict[str, Place] = {}
    for top in _files(path, problems):
        for key, node in top.entries:
            _one_mechanism(key, node, settings, seen, problems)
    spared = SCORING_MECHANISMS if _points_from_packs(settings) else frozenset()
    for mechanism in MECHANISMS.values():
        if seen and mechanism.needs and mechanism.name not in {*seen, *spared}:
            detail = {"detail_zh": mechanism.zh, "detail_en": listed(mechanism.parts or ("values",))}
            problems.add(Place(path.name, 1, mechanism.name), "missing_mechanism", found=mechanism.name, **detail)
    cross_check(settings, problems)
    cross_check_added(settings, problems)
    cross_check_facts(settings, problems)
    cross_check_routes(settings, problems)
    problems.stop_if_any()
    desk = Desk(settings, path.name)
    code, name = (desk.at(param, date.max) for param in (AREA_CODE, AREA_NAME))
    return AreaPolicy(path, code, name, settings, fingerprint(settings), before)


def _points_from_packs(settings: dict[str, Setting]) -> bool:
    """Whether every scheme brings its own scores, so that the policy need not say how points are made."""
    setting = settings.get(SCHEMES.key)
    kinds = {entry.kind for start in setting.starts if not start.ended for entry in start.value} if setting else set()
    return bool(kinds) and SchemeKind.POINTS not in kinds


def fingerprint(settings: dict[str, Setting]) -> str:
    """sha256 over content: values, dates, units, tags, sources and table rows; never over files or formatting."""
    content = []
    for key in sorted(settings):
        setting = settings[key]
        starts = [[canonical(s.on), canonical(s.value), s.tag, canonical(s.source)] for s in setting.starts]
        content.append([key, setting.param.unit, setting.description, starts])
    return sha256(orjson.dumps(content)).hexdigest()


def _files(path: Path, problems: Problems) -> list[Mapping]:
    if not path.is_dir():
        problems.add(Place(path.name, 1, ""), "no_folder")
        return []
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in (".yaml", ".yml"))
    tops: list[Mapping] = []
    for file in found:
        name = f"{path.name}/{file.relative_to(path).as_posix()}"
        if file.parent != path:
            problems.add(Place(name, 1, ""), "misplaced", found=file.name)
            continue
        try:
            text = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            problems.add(Place(name, 1, ""), "not_utf8")
            continue
        top = read_yaml(text, name, problems)
        if top is not None:
            tops.append(top)
    if not found:
        problems.add(Place(path.name, 1, ""), "empty_folder")
    return tops


def _one_mechanism(
    key: Scalar, node: Node, settings: dict[str, Setting], seen: dict[str, Place], problems: Problems
) -> None:
    mechanism = MECHANISMS.get(key.text)
    if mechanism is None:
        allowed = listed(MECHANISMS)
        problems.add(key.place, "unknown_key", found=key.text, allowed=allowed, near=(key.text, MECHANISMS))
        return
    if key.text in seen:
        first = seen[key.text]
        problems.add(key.place, "twice", found=key.text, first=f"{first.file}:{first.line}")
        return
    seen[key.text] = key.place
    try:
        found = _mechanism(mechanism, node, problems)
    except Unreadable:
        return
    settings.update({setting.param.key: setting for setting in found})


def _mechanism(mechanism: Mechanism, node: Node, problems: Problems) -> list[Setting]:
    own = HEADING if mechanism.principal else tuple(k for k in HEADING if k not in ("unit", "values", "amended"))
    entries = known_keys(node, problems, (*own, *mechanism.parts))
    heading = _heading(entries, node, problems)
    found: list[Setting] = []
    principal = mechanism.principal
    if principal and "values" in entries:
        head: dict[str, Node] = {k: entries[k] for k in ("unit", "values", "amended") if k in entries}
        found += _try(partial(_dated, principal, node.place, head, heading, problems))
    for name, param in mechanism.parts.items():
        if name in entries:
            found += _try(partial(_part, param, entries[name], heading, problems))
    _nothing_missing(mechanism, entries, node, problems)
    return found


def _nothing_missing(mechanism: Mechanism, entries: dict[str, Node], node: Node, problems: Problems) -> None:
    """Report parameters without default that are not there, and a mechanism that sets nothing at all."""
    names = {"values" if param is mechanism.principal else param.name: param for param in mechanism.params}
    for name, param in names.items():
        if param.required and name not in entries:
            detail = {"detail_zh": param.zh, "detail_en": f"{param.key} has no default"}
            problems.add(node.place, "missing_key", found=name, **detail)
    if not any(name in entries for name in names) and not any(param.required for param in names.values()):
        detail = {"detail_zh": "机制没有任何值", "detail_en": "nothing is set here"}
        problems.add(node.place, "missing_key", found=listed(names), **detail)


def _try(read: Callable[[], Setting]) -> list[Setting]:
    try:
        return [read()]
    except Unreadable:
        return []


def _heading(entries: dict[str, Node], node: Node, problems: Problems) -> _Heading:
    """Description, source and tag, which every mechanism carries; a stand-in goes on when one is wrong."""
    found: dict[str, Any] = {"description": "?", "tag": "PH", "source": Source("?")}
    for key, read in (("description", word()), ("tag", _tag), ("source", _source)):
        if key not in entries:
            zh, en = "每个机制都要写说明、依据和证据标记", "every mechanism states description, source and tag"
            problems.add(node.place, "missing_key", found=key, detail_zh=zh, detail_en=en)
            continue
        try:
            found[key] = read(entries[key], problems)
        except Unreadable:
            continue
    if "note" in entries:
        with suppress(Unreadable):
            word()(entries["note"], problems)
    return _Heading(**found)


def _part(param: Param[Any], node: Node, above: _Heading, problems: Problems) -> Setting:
    """A named parameter: with its own `values`, or, for a choice of method, just the choice."""
    long = isinstance(node, Mapping) and (not param.how or any(key.text in HEADING for key, _ in node.entries))
    if not long:
        if not param.how:
            raise problems.add(node.place, "must_be_dated")
        start = Start(None, param.read(node, problems), node, above.tag, above.source)
        return Setting(param, above.description, node.place, (start,))
    entries = known_keys(node, problems, HEADING)
    own: dict[str, Any] = {}
    for key, read in (("description", word()), ("tag", _tag), ("source", _source), ("note", word())):
        if key in entries:
            own[key] = read(entries[key], problems)
    own.pop("note", None)
    heading = _Heading(**{"description": above.description, "tag": above.tag, "source": above.source, **own})
    return _dated(param, node.place, entries, heading, problems)


def _dated(param: Param[Any], place: Place, entries: dict[str, Node], heading: _Heading, problems: Problems) -> Setting:
    """The values of a parameter, sorted by the day they start."""
    _unit(param, place, entries, problems)
    values = entries.get("values")
    if values is None:
        detail = {"detail_zh": "写 日期: 值", "detail_en": "write date: value"}
        raise problems.add(place, "missing_key", found="values", **detail)
    if not isinstance(values, Mapping) or not values.entries:
        kinds = {"expected_zh": "“日期: 值”的映射", "expected_en": "a mapping date: value"}
        raise problems.add(values.place, "wrong_kind", **kinds, **kind_of(values))
    amended = _amended(values, entries.get("amended"), heading, problems)
    starts: list[Start] = []
    failed = False
    for key, node in values.entries:
        try:
            on = parse_date(key.text, key.place, problems)
            tag, source = amended.get(key.text, (heading.tag, heading.source))
            value = None if isinstance(node, Scalar) and node.is_null else param.read(node, problems)
            starts.append(Start(on, value, node, tag, source))
        except Unreadable:
            failed = True
    if failed:
        raise Unreadable(param.key)
    starts.sort(key=lambda start: start.on or date.min)
    return Setting(param, heading.description, place, tuple(starts))


def _unit(param: Param[Any], place: Place, entries: dict[str, Node], problems: Problems) -> None:
    node = entries.get("unit")
    if node is None:
        if param.unit:
            detail = {"detail_zh": f"应为 {param.unit}", "detail_en": f"it is {param.unit}"}
            problems.add(place, "missing_key", found="unit", **detail)
        return
    text = node.text if isinstance(node, Scalar) else "?"
    if text != param.unit:
        allowed = param.unit or "(none: leave `unit` out)"
        problems.add(node.place, "wrong_unit", found=text, allowed=allowed)


def _amended(
    values: Mapping, node: Node | None, heading: _Heading, problems: Problems
) -> dict[str, tuple[str, Source]]:
    """`amended: {2025-07-01: {source: …, tag: A}}`: a later value with a document of its own."""
    if node is None:
        return {}
    dates = tuple(key.text for key, _ in values.entries)
    found: dict[str, tuple[str, Source]] = {}
    fields: dict[str, Field[Any]] = {"tag": may(_tag, heading.tag), "source": may(_source, heading.source)}
    for key, entry in known_keys(node, problems, dates).items():
        found[key] = record(lambda **got: (got["tag"], got["source"]), fields)(entry, problems)
    return found


def _tag(node: Node, problems: Problems) -> str:
    text = word()(node, problems)
    if text not in TAGS:
        raise problems.add(node.place, "wrong_tag", found=text, allowed=listed(TAGS), near=(text.upper(), TAGS))
    return text


def _source(node: Node, problems: Problems) -> Source:
    text = word()
    optional = {key: may(text) for key in ("article", "page", "url", "note")}
    read = record(Source, {"document": text, **optional, "issued": may(day)})
    return read(node, problems)
