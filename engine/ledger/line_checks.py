"""Which line of a sealed manifest was changed 「清单改动定位」: a short check of every line, kept inside the manifest.

In: the manifest's bytes. Out: the text of checks when it is sealed; the number of the changed line when it no longer
holds. The checks only say where to look; that nothing changed is proved by the seal alone.
"""

from __future__ import annotations

import hashlib
import re

CHECKS = b'  "line_checks": "'
SEAL = b'  "seal": "'
_WHOLE = re.compile(CHECKS + rb'[0-9a-f-]*",')
_WHOLE_SEAL = re.compile(SEAL + rb'sha256:[0-9a-f]{64}",')
_WIDTH = 4
_OWN = "----"
"""Stands for the two lines that cannot hold a check of themselves: the checks and the seal."""


def checks_of(text: bytes) -> str:
    """Four hex digits a line; `text` is the manifest with empty checks and seal."""
    return "".join(_check(line) for line in text.split(b"\n")[:-1])


def seal_of(unsealed: bytes) -> str:
    """The seal of a manifest whose seal is still empty."""
    return "sha256:" + hashlib.sha256(unsealed).hexdigest()


def changed_line(raw: bytes) -> int | None:
    """The line (from 1) where a manifest differs from what was sealed; None where it carries no checks."""
    lines = raw.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    place = _starting(lines, CHECKS)
    if place is None:
        return _broken_checks(lines)
    if not _WHOLE.fullmatch(lines[place]):
        return place + 1
    sealed = _starting(lines, SEAL)
    if sealed is not None and not _WHOLE_SEAL.fullmatch(lines[sealed]):
        return sealed + 1
    stored = _value(lines[place], CHECKS)
    kept = [stored[at : at + _WIDTH] for at in range(0, len(stored), _WIDTH)]
    found = [_check(line) for line in lines]
    if len(kept) == len(found) and _sound_but_for_checks(lines, place, "".join(found)):
        return place + 1
    for at, (was, now) in enumerate(zip(kept, found, strict=False)):
        if was != now:
            return at + 1
    if len(kept) != len(found):
        return min(len(kept), len(found)) + 1
    return (place if sealed is None else sealed) + 1


def _check(line: bytes) -> str:
    if line.startswith((CHECKS, SEAL)):
        return _OWN
    return hashlib.sha256(line).hexdigest()[:_WIDTH]


def _starting(lines: list[bytes], start: bytes) -> int | None:
    return next((at for at, line in enumerate(lines) if line.startswith(start)), None)


def _value(line: bytes, key: bytes) -> str:
    return line[len(key) :].rstrip(b'",').decode("ascii", "replace")


def _broken_checks(lines: list[bytes]) -> int | None:
    """The name of the checks was hit, and their line is the one with enough hex; or there are none."""
    wanted = re.compile(rb"[0-9a-f-]{%d,}" % (_WIDTH * max(len(lines) - 1, 16)))
    return next((at + 1 for at, line in enumerate(lines) if wanted.search(line)), None)


def _sound_but_for_checks(lines: list[bytes], place: int, checks: str) -> bool:
    """Whether the manifest is whole once its checks are made anew: then it was the checks that were changed."""
    sealed = _starting(lines, SEAL)
    mended = list(lines)
    mended[place] = CHECKS + checks.encode() + b'",'
    if sealed is None or mended[place] == lines[place]:
        return False
    mended[sealed] = SEAL + b'",'
    return seal_of(b"\n".join(mended) + b"\n") == _value(lines[sealed], SEAL)
