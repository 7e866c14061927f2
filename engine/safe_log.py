"""Where an unexpected error arose, for a log that must hold nothing of a patient 「脱敏日志」.

In: an exception; out: its type and the places it went through, without its message: a message may quote what was sent.
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb

_FRAMES = 12


def whence(error: BaseException) -> str:
    """`KeyError at priced.py:88 _paid < settle.py:70 settle_case < …`, the innermost place first."""
    frames = extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    return f"{type(error).__name__} at {' < '.join(places)}"
