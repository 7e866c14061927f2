"""How often a command looks for garbage 「垃圾回收」, and what it does not start. It knows nothing else."""

from __future__ import annotations

import atexit
import gc
import os

_NEW_OBJECTS, _YOUNG, _OLD = 20_000, 20, 100


def collect_seldom() -> None:
    """For a process that lives for one command: what it loads stays until its end, and Python's usual pace looks
    through all of it again and again while it loads, and once more when it ends."""
    gc.set_threshold(_NEW_OBJECTS, _YOUNG, _OLD)
    atexit.register(gc.freeze)


def without_algebra() -> None:
    """Before numpy is loaded: its library of linear algebra, of which nothing is used here, would start a thread a core
    that waits in a busy loop at first. Whoever sets the number themselves is obeyed."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
