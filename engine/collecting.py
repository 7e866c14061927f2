"""How often a command looks for garbage 「垃圾回收」. It knows nothing else."""

from __future__ import annotations

import gc

_NEW_OBJECTS, _YOUNG, _OLD = 20_000, 20, 100


def collect_seldom() -> None:
    """For a process that lives for one command: what it loads stays until its end, and Python's usual pace looks
    through all of it again and again while it loads."""
    gc.set_threshold(_NEW_OBJECTS, _YOUNG, _OLD)
