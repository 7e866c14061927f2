"""`dataclass` for programs that start often 「记录类」: the same classes, made in a third of the time.

In: a class with fields, as for `dataclasses.dataclass`. Out: a data class with the same fields and behaviour: `fields`,
`replace`, `asdict` and pickling work as ever. The standard decorator writes and compiles up to six functions a class
when it is imported; here methods that need no fast path are shared, and `__init__` is written when it is first asked
for. It knows no init-only fields, and derives from none but its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter, ge, gt, le, lt
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, **options):
        """A class, or what makes one, as `dataclasses.dataclass` with the options frozen, slots, eq and order."""
        return _made(cls) if cls is not None else lambda one: _made(one, **options)


def _made(cls: Any, frozen: bool = False, slots: bool = False, eq: bool = True, order: bool = False) -> Any:
    own = dict(vars(cls))
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # the standard one would work out a signature to show here
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
    fields = dataclasses.fields(made)
    _add(made, own, "__init__", _Init(made, frozen))
    _add(made, own, "__repr__", _repr)
    if eq:
        _add_comparison(made, own, fields, frozen, order)
    if frozen:
        made.__setattr__, made.__delattr__ = _no_setting, _no_deleting
        if slots:
            _add(made, own, "__getstate__", _state)
            _add(made, own, "__setstate__", _restore)
    return made


def _add(made: Any, own: dict[str, Any], name: str, method: Any) -> None:
    """What the class says itself stands."""
    if name not in own:
        setattr(made, name, method)


def _add_comparison(
    made: Any, own: dict[str, Any], fields: tuple[dataclasses.Field[Any], ...], frozen: bool, order: bool
) -> None:
    key = _values([field.name for field in fields if field.compare])

    def compared(by: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: by(key(self), key(other)) if other.__class__ is self.__class__ else NotImplemented

    def __eq__(self: Any, other: Any) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    _add(made, own, "__eq__", __eq__)
    if order:
        for name, by in (("__lt__", lt), ("__le__", le), ("__gt__", gt), ("__ge__", ge)):
            _add(made, own, name, compared(by))
    if own.get("__hash__") is not None or ("__hash__" in own and "__eq__" not in own):
        return
    hashed = _values([field.name for field in fields if (field.compare if field.hash is None else field.hash)])
    made.__hash__ = (lambda self: hash(hashed(self))) if frozen else None


def _values(names: list[str]) -> Callable[[Any], Any]:
    """What takes the values of some fields as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _no_setting(self: Any, name: str, value: Any) -> None:
    if _is_held(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _no_deleting(self: Any, name: str) -> None:
    if _is_held(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _is_held(self: Any, name: str) -> bool:
    """A class below that is no record may have attributes of its own."""
    return "__dataclass_fields__" in vars(type(self)) or name in self.__dataclass_fields__


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


class _Init:
    """Stands for `__init__` until somebody asks for it."""

    def __init__(self, owner: Any, frozen: bool) -> None:
        self.owner, self.frozen = owner, frozen

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        made = self.owner.__init__ = _init_of(self.owner, self.frozen)
        return made if instance is None else made.__get__(instance, owner)


class _Given:
    """Default of a field whose value a factory makes."""

    def __repr__(self) -> str:
        return "<factory>"


_GIVEN: Any = _Given()


def _init_of(cls: Any, frozen: bool) -> Any:
    """`__init__` of a class, written out and compiled."""
    known: dict[str, Any] = {"_set_": object.__setattr__, "_given_": _GIVEN}
    asked, later, body = ["self"], list[str](), list[str]()
    for field in dataclasses.fields(cls):
        name, value = field.name, field.name
        if field.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default
            default = f"=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            known[f"_factory_{name}"] = field.default_factory
            default, value = "=_given_", f"_factory_{name}() if {name} is _given_ else {name}"
        else:
            default = ""
        if field.init:
            (later if field.kw_only else asked).append(name + default)
        elif not default:
            continue
        else:
            value = f"_factory_{name}()" if default == "=_given_" else f"_default_{name}"
        body.append(f"_set_(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    words = ", ".join([*asked, *(("*", *later) if later else ())])
    exec(f"def __init__({words}):\n " + "\n ".join(body or ["pass"]), known)
    made = known["__init__"]
    made.__annotations__ = {field.name: field.type for field in dataclasses.fields(cls) if field.init} | {
        "return": None
    }
    made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    return made
