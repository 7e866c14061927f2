"""Arrays that hold something between two steps and are used again for the next batch 「暂存」.

In: a name, a shape, a type; out: an array of this thread whose values mean nothing. Whoever asks for the same name
again gets the same memory, so nothing that is kept may lie in it. Fresh memory costs a page fault for every 4 KiB,
which was a tenth of the time of grouping.
"""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt


class Scratch(threading.local):
    """One thread's arrays by name; as large as the largest asked for so far."""

    def __init__(self) -> None:
        self._held: dict[str, npt.NDArray[np.uint8]] = {}

    def array(self, name: str, shape: int | tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        """Room under this name."""
        kind = np.dtype(dtype)
        size = kind.itemsize * (shape if isinstance(shape, int) else prod(shape))
        held = self._held.get(name)
        if held is None or len(held) < size:
            held = self._held[name] = np.empty(size + size // 8, np.uint8)
        room: npt.NDArray[Any] = held[:size].view(kind)
        return room.reshape(shape)
