"""How the kernels are compiled: by numba, without the interpreter lock, kept on disk.

`entry` compiles what Python calls, `kernel` a step, `inlined` one that is small and called often. None counts
references: the kernel allocates nothing and only reads and writes arrays its caller holds, and counting them on every
call took more time than the work. A function that would allocate does not compile under it. `u` makes an index
unsigned: a signed one is tested each time for being negative.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit, types
from numba.core.datamodel import models
from numba.extending import intrinsic, lower_builtin, register_model
from numba.np.arrayobj import make_array

Function = TypeVar("Function", bound=Callable[..., object])
u = np.uintp
_OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False, "error_model": "numpy"}


def entry(function: Callable[..., object]) -> Any:
    """The function that is called from Python; it alone is kept on disk, with all its steps inside."""
    return njit(**_OPTIONS, cache=True)(function)


def kernel(function: Function) -> Function:
    """A step of the kernel."""
    compiled: Function = njit(**_OPTIONS)(function)
    return compiled


def inlined(function: Function) -> Function:
    """A small step, compiled into each of its callers."""
    compiled: Function = njit(**_OPTIONS, inline="always")(function)
    return compiled


class Words(types.CPointer):  # type: ignore[misc]
    """Where the words of an array begin. Passed on in one register; indices are not tested for being negative."""


class FixedWords(Words):
    """Words that nobody writes while the kernel runs, so that none need be read twice."""


register_model(Words)(models.PointerModel)
register_model(FixedWords)(models.PointerModel)


@intrinsic  # type: ignore[untyped-decorator]
def words(_: Any, array: Any) -> Any:
    """The words of an array that its holder keeps alive."""
    return Words(array.dtype)(array), _start


@intrinsic  # type: ignore[untyped-decorator]
def fixed_words(_: Any, array: Any) -> Any:
    """As `words`, of an array that is only read."""
    return FixedWords(array.dtype)(array), _start


@intrinsic  # type: ignore[untyped-decorator]
def address(_: Any, array: Any) -> Any:
    """Where an array begins, as a number that can be kept among other numbers."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(_start(context, builder, signature, arguments), context.get_value_type(types.intp))

    return types.intp(array), code


@intrinsic  # type: ignore[untyped-decorator]
def words_at(_: Any, address: Any) -> Any:
    """The int64 words at an address."""
    return Words(types.int64)(address), _at_address


@intrinsic  # type: ignore[untyped-decorator]
def ids_at(_: Any, address: Any) -> Any:
    """The int32 words at an address."""
    return Words(types.int32)(address), _at_address


def _at_address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))


def _start(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return make_array(signature.args[0])(context, builder, arguments[0]).data


@lower_builtin(operator.getitem, FixedWords, types.Integer)  # type: ignore[untyped-decorator]
def _read_fixed(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pointer, place = arguments
    word = builder.load(builder.gep(pointer, [place]))
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word
