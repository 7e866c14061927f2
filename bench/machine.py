"""What a figure was measured on 「机器」: without it a figure says nothing.

In: nothing; out: plain facts for the JSON file: processor, cores, load, Python, libraries. It names neither host nor
user.
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = ("polars", "pyarrow", "numba", "llvmlite", "numpy", "xlsxwriter")


def facts() -> dict[str, Any]:
    """Processor, cores this process may use, memory, load average now, Python and libraries."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _from_proc("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "cores_usable": usable,
        "memory": _from_proc("/proc/meminfo", "MemTotal"),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _from_proc(path: str, key: str) -> str | None:
    """The first `key: value` of a file of the kernel; None where there is no such file."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)
