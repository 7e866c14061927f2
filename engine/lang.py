"""Which language a person reads 「语言」: Chinese or English, chosen once per command.

`--lang` wins, then DIANZHI_LANG, then the usual LC_ALL / LC_MESSAGES / LANG; all but Chinese reads English.
Files carry both languages side by side and never depend on this choice.
"""

from __future__ import annotations

import os

_chosen: str | None = None


def choose(lang: str | None) -> None:
    """Fix the language for this process. Raises ValueError for anything but zh or en."""
    global _chosen
    if lang is not None and lang not in ("zh", "en"):
        raise ValueError(f"unknown language {lang!r}. Allowed: zh, en.")
    _chosen = lang


def current() -> str:
    """`zh` or `en`."""
    if _chosen:
        return _chosen
    for name in ("DIANZHI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def say(zh: str, en: str) -> str:
    """The text in the reader's language."""
    return zh if current() == "zh" else en
