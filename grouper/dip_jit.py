"""How the DIP kernel is compiled: by numba, without the interpreter lock, kept on disk.

`kernel` compiles a function, `inlined` one that is small and called often. Neither counts references: the kernel
allocates nothing and only reads and writes arrays its caller holds, and counting them on every call took more time
than the work. A function that would allocate does not compile under it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])
_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False}


def kernel(function: Function) -> Function:
    """A loop or a step of the kernel."""
    compiled: Function = njit(**_OPTIONS)(function)
    return compiled


def inlined(function: Function) -> Function:
    """A small step, compiled into each of its callers."""
    compiled: Function = njit(**_OPTIONS, inline="always")(function)
    return compiled
