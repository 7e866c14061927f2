"""A record behaves as the standard library's data class does; only making the class is cheaper."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, astuple, field, fields, is_dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, Generic, TypeVar

import pytest

from plain_records import dataclass as plain

T = TypeVar("T")
OPTIONS = [
    dict(zip(("frozen", "slots", "eq", "order"), chosen, strict=True))
    for chosen in product((False, True), repeat=4)
    if chosen[2] or not chosen[3]
]


def family(dataclass: Callable[..., Any], options: dict[str, bool]) -> dict[str, Any]:
    """Classes of many shapes, made by one decorator or the other."""
    make = dataclass(**options)

    @make
    class Nothing:
        pass

    @make
    class One:
        one: int

    @make
    class Many:
        """With words of its own."""

        one: int
        two: str = "two"
        three: list[int] = field(default_factory=list)
        unseen: int = field(default=4, repr=False, compare=False)
        inner: tuple[int, ...] = field(default=(), hash=False)

    @make
    class More(Many):
        four: int = 4
        two: str = "other"

    @make
    class Later:
        one: int
        made: int = field(init=False)
        also: int = field(init=False, default=7)
        listed: list[int] = field(init=False, default_factory=list)
        named: int = field(kw_only=True, default=3)

        def __post_init__(self) -> None:
            object.__setattr__(self, "made", self.one + 1)

    @make
    class Own:
        one: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

    @make
    class Hashed:
        one: int

        def __hash__(self) -> int:
            return 5

    @make
    class Kind(Generic[T]):
        one: T

        @property
        def doubled(self) -> Any:
            return (self.one, self.one)

    class Below(Many):  # type: ignore[valid-type, misc]
        def __init__(self) -> None:
            super().__init__(9, two="below")

    if not options.get("slots"):

        @make
        class Cached:
            one: int

            @cached_property
            def doubled(self) -> int:
                return self.one * 2

    return {name: kind for name, kind in locals().items() if isinstance(kind, type)}


CALLS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "Nothing": [((), {}), ((1,), {})],
    "One": [((1,), {}), ((2,), {}), ((), {"one": 1}), ((), {}), ((1, 2), {}), ((1,), {"one": 1}), ((1,), {"x": 1})],
    "Many": [((1,), {}), ((1, "two"), {}), ((1,), {"unseen": 5}), ((1,), {"three": [1]}), ((1,), {"inner": (1,)})],
    "More": [((1,), {}), ((1, "two"), {"four": 5})],
    "Later": [((1,), {}), ((1,), {"named": 5}), ((1, 2), {}), ((), {"one": 1, "made": 3})],
    "Own": [((1,), {}), ((2,), {})],
    "Hashed": [((1,), {}), ((2,), {})],
    "Kind": [((1,), {}), (("a",), {})],
    "Below": [((), {})],
    "Cached": [((1,), {}), ((2,), {})],
}


def outcome(ask: Callable[[], Any]) -> Any:
    """What comes out, or which error says what."""
    try:
        return ask()
    except Exception as error:
        return type(error), str(error)


def told(classes: dict[str, Any]) -> dict[str, Any]:
    """All that can be seen of the classes and of what is made of them."""
    found: dict[str, Any] = {}
    for name, kind in classes.items():
        made = [outcome(lambda kind=kind, call=call: kind(*call[0], **call[1])) for call in CALLS[name]]
        things = [one for one in made if isinstance(one, kind)]
        found[f"{name} made"] = [one if isinstance(one, tuple) else repr(one) for one in made]
        found[f"{name} signature"] = str(inspect.signature(kind))
        found[f"{name} fields"] = [(f.name, f.type, f.init, f.repr, f.compare, f.hash, f.kw_only) for f in fields(kind)]
        found[f"{name} match"] = kind.__match_args__, is_dataclass(kind), kind.__doc__ if name == "Many" else ""
        found[f"{name} slots"] = getattr(kind, "__slots__", None)
        pairs = [(one, other) for one in things for other in [*things, 1]]
        for sign in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
            found[f"{name} {sign}"] = [outcome(lambda a=a, b=b, sign=sign: getattr(a, sign)(b)) for a, b in pairs]
        for label, ask in {
            "hash": lambda one: isinstance(hash(one), int),
            "same hash": lambda one: type(one).__eq__ is object.__eq__ or hash(one) == hash(copy.copy(one)),
            "set": lambda one: setattr(one, "one", 5),
            "set other": lambda one: setattr(one, "another", 5),
            "delete": lambda one: delattr(one, "one"),
            "dict": asdict,
            "tuple": astuple,
            "replaced": lambda one: repr(replace(one, one=8)),
            "copied": lambda one: repr(copy.copy(one)),
            "deep": lambda one: repr(copy.deepcopy(one)),
            "doubled": lambda one: one.doubled,
        }.items():
            found[f"{name} {label}"] = [outcome(lambda one=one, ask=ask: ask(one)) for one in things]
    return found


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: " ".join(name for name, on in o.items() if on) or "plain")
def test_records_are_data_classes(options: dict[str, bool]) -> None:
    ours, standard = told(family(plain, options)), told(family(dataclasses.dataclass, options))
    assert ours.keys() == standard.keys()
    for name, said in ours.items():
        wanted = standard[name]
        if options["frozen"] and options["slots"] and name in ("Below set other", "Below delete"):
            continue  # the standard one stumbles over its own slots there
        if name.endswith((" set", " set other", " delete")):  # by which words it is refused may differ
            said, wanted = ([isinstance(one, tuple) for one in each] for each in (said, wanted))
        assert said == wanted, name


@plain(frozen=True, slots=True)
class Kept:
    one: int
    two: tuple[str, ...] = ()


@plain
class Bare:
    one: int = 1


def test_records_are_pickled_whole_in_a_process_that_made_none() -> None:
    assert pickle.loads(pickle.dumps(Kept(1, ("a",)))) == Kept(1, ("a",))
    assert pickle.loads(pickle.dumps(Bare(2))) == Bare(2) != Bare()
    fresh = Kept.__new__(Kept)
    fresh.__setstate__([3, ()])  # type: ignore[attr-defined]
    assert fresh == Kept(3) and hash(fresh) == hash(Kept(3))


def test_a_frozen_record_says_so_as_others_do() -> None:
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'one'"):
        Kept(1).one = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'one'"):
        del Kept(1).one


def test_a_record_that_holds_itself_can_be_shown() -> None:
    @plain
    class Ring:
        next: Any = None

    ring = Ring()
    ring.next = ring
    assert repr(ring).endswith("Ring(next=...)")
