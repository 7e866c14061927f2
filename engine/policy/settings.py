"""Dated values with a source: what a parameter is, what a policy says about it, and which value holds on a day.

In: parameters declared by the mechanism modules and settings read from YAML; out: one typed value per (parameter, day).
A value holds from its start date until the next; asking before the first, or after a null, is an error that names the
parameter and the day. It never answers None or 0 for "not written".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Generic, Literal, TypeVar, cast

from engine.policy.canon import as_text, written_text
from engine.policy.nodes import Node
from engine.policy.problems import Place, listed, refuse
from engine.policy.readers import Reader

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

TAGS: Final = ("S", "A", "B", "C", "U", "PH")
UNVERIFIED: Final = ("U", "PH")
"""Tags whose values are listed in every run report: they are never any city's law."""


DEFAULT_SOURCE: Final = "引擎默认 engine default"


NOTHING: Final = "–"


class Required:
    """The default of a parameter that has none."""


REQUIRED: Final = Required()

Per = Literal["", "scheme", "hospital"]
"""What the keys of a mapping value name, so that the cross-checks can look them up."""


@dataclass(frozen=True, eq=False)
class Param(Generic[T_co]):
    """One number, choice or table a policy may set.

    `yearly`: the value is a fact of one calendar year (a budget), so last year's never carries over.
    `how`: a choice of method, which may be written undated; amounts and shares must be dated.
    `per`: its value is a mapping by point scheme or by (hospital, pool).
    """

    key: str
    read: Reader[T_co]
    zh: str
    unit: str = ""
    default: T_co | Required = REQUIRED
    yearly: bool = False
    how: bool = False
    per: Per = ""
    default_tag: str = "U"
    fallback: object = None
    """What each pool takes where a pool parameter is silent; for showing."""

    @property
    def standing(self) -> object:
        """The default in a form to show."""
        return self.fallback if self.fallback is not None else self.default

    @property
    def is_fact(self) -> bool:
        """Contracts, advances, decisions: there may simply be none, so silence is no choice anybody made."""
        return self.yearly or self.per == "hospital" or self.default == ""

    @property
    def required(self) -> bool:
        return isinstance(self.default, Required)

    @property
    def name(self) -> str:
        """What it is called inside its mechanism's file; empty for the one that sits under `values`."""
        return self.key.partition(".")[2]


@dataclass(frozen=True, eq=False)
class PoolParam(Generic[T_co]):
    """A parameter that may differ between insurance pools: its value is a mapping by pool, `default` fills the gaps."""

    param: Param[Mapping[str, T_co]]
    default: T_co | Required


@dataclass(frozen=True)
class Mechanism:
    """One YAML file: a heading with source and tag, and its parameters; one of them may sit directly under `values`."""

    name: str
    zh: str
    params: tuple[Param[Any], ...]
    needs: bool = True
    """False: may be absent as a whole; its parameters are then not asked for."""

    @property
    def principal(self) -> Param[Any] | None:
        return next((param for param in self.params if not param.name), None)

    @property
    def parts(self) -> dict[str, Param[Any]]:
        return {param.name: param for param in self.params if param.name}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value is written down 「依据」."""

    document: str
    article: str | None = None
    page: str | None = None
    url: str | None = None
    issued: date | None = None
    note: str | None = None

    def __str__(self) -> str:
        page = f"p. {self.page}" if self.page else None
        return " ".join(part for part in (self.document, self.article, page) if part)


@dataclass(frozen=True, slots=True)
class Start:
    """One value and the day it starts to hold; `on` None = as long as the policy exists; `value` None = ended here."""

    on: date | None
    value: Any
    node: Node
    tag: str
    source: Source

    @property
    def ended(self) -> bool:
        return self.value is None


@dataclass(frozen=True)
class Setting:
    """Everything a policy says about one parameter, oldest value first."""

    param: Param[Any]
    description: str
    place: Place
    starts: tuple[Start, ...]

    def on(self, day: date) -> Start:
        """The newest value that starts on or before the day."""
        key = self.param.key
        held = [start for start in self.starts if start.on is None or start.on <= day]
        if not held:
            raise refuse(self.place, "before_first", found=key, on=day, first=self.starts[0].on)
        start = held[-1]
        if self.param.yearly and (start.on is None or start.on.year != day.year):
            years = listed(sorted({str(other.on.year) for other in self.starts if other.on}))
            raise refuse(start.node.place, "not_this_year", found=key, on=day.year, allowed=years)
        if start.ended and self.param.required:
            raise refuse(start.node.place, "ended", found=key, on=day, first=start.on)
        return start


@dataclass(frozen=True, slots=True)
class Used:
    """A value a run relied on, with what is known about it."""

    key: str
    since: date | None
    tag: str
    text: str
    unit: str
    source: str
    zh: str
    is_default: bool

    @property
    def unverified(self) -> bool:
        """Tagged U or PH; a default that only says "there is none" is not a value anyone is paid by."""
        return self.tag in UNVERIFIED and self.text != NOTHING


def default_text(default: object) -> str:
    """A default in words; – for "none"."""
    return as_text(default) or NOTHING if default is not None else NOTHING


@dataclass
class Desk:
    """A policy open at its settings: hands out values and notes down which were asked for."""

    settings: dict[str, Setting]
    file: str
    used: dict[tuple[str, date | None], Used] = field(default_factory=dict)

    def at(self, param: Param[T], day: date) -> T:
        """The value in force on the day; the documented default where the policy does not mention the parameter."""
        setting = self.settings.get(param.key)
        if setting is None:
            return self._default(param)
        start = setting.on(day)
        if start.ended:
            return self._default(param)
        self._note(param, start)
        return cast(T, start.value)

    def pool(self, param: PoolParam[T], day: date, pool: str) -> T:
        """The value of one pool on the day."""
        setting = self.settings.get(param.param.key)
        start = setting.on(day) if setting is not None else None
        if start is not None and not start.ended and pool in start.value:
            self._note(param.param, start)
            return cast(T, start.value[pool])
        if isinstance(param.default, Required):
            raise refuse(
                Place(self.file, 1, f"{param.param.key}.{pool}"), "no_value", found=f"{param.param.key} ({pool})"
            )
        self._note_default(param.param, param.default)
        return param.default

    def written(self, param: Param[Any]) -> bool:
        return param.key in self.settings

    def _default(self, param: Param[T]) -> T:
        if isinstance(param.default, Required):
            raise refuse(Place(self.file, 1, param.key), "no_value", found=param.key)
        self._note_default(param, param.default)
        return param.default

    def _note_default(self, param: Param[Any], default: object) -> None:
        if param.is_fact:
            return
        text = default_text(default)
        note = Used(param.key, None, param.default_tag, text, param.unit, DEFAULT_SOURCE, param.zh, True)
        self.used.setdefault((param.key, None), note)

    def _note(self, param: Param[Any], start: Start) -> None:
        text = written_text(start.node)
        note = Used(param.key, start.on, start.tag, text, param.unit, str(start.source), param.zh, False)
        self.used.setdefault((param.key, start.on), note)
