"""How the kernels are compiled: by numba, without the interpreter lock, kept on disk.

`entry` compiles what Python calls, `kernel` a step, `inlined` one that is small and called often. None counts
references: the kernel allocates nothing and only reads and writes arrays its caller holds, and counting them on every
call took more time than the work. A function that would allocate does not compile under it. `u` makes an index
unsigned: a signed one is tested each time for being negative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

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
