"""The events of a YAML text 「YAML 事件」, by the quick parser where both parsers certainly say the same.

In: the text of one file; out: its events one by one, as PyYAML's own parser gives them; a fault is told by that one.
The quick one, libyaml, is asked for texts of usual size without what the two read differently or might: tabs, odd
characters and line ends, backslashes, anchors, tags, block scalars, `:` or `,` without a blank after it,
brackets that do not close on their line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

CHARS_MAX, LINE_MAX = 200_000, 300
_QUOTED = re.compile(r'"[^"\n]*"')
_PLAIN = re.compile(r"[ -~\n\u00b7\u00d7\u00f7\u2010-\u2027\u2190-\u22ff\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]*")
_DOUBTFUL = re.compile(r"""['"&*!|>@`?]|[:,](?![ \n]|\Z)|[^ \n]#|^(---|\.\.\.|%)""", re.MULTILINE)
_CLOSED = re.compile(r"\[[^][{}\n]*\]|\{[^][{}\n]*\}")
_BRACKET = re.compile(r"[][{}]")
_DEPTH = 4
_QUICK = getattr(yaml, "CSafeLoader", None)


def events_of(text: str) -> Iterator[yaml.Event]:
    """The events; raises YAMLError when it comes to what is no YAML."""
    if _QUICK is not None and is_plain(text):
        try:
            return iter(list(yaml.parse(text, Loader=_QUICK)))
        except yaml.YAMLError:
            pass  # told below, in the other parser's words
    return iter(yaml.parse(text, Loader=yaml.SafeLoader))


def is_plain(text: str) -> bool:
    """Whether nothing in the text is read differently by the two parsers."""
    if len(text) > CHARS_MAX or max(map(len, text.split("\n"))) > LINE_MAX or not _PLAIN.fullmatch(text):
        return False
    # What stands between quotes on one line, without a backslash, is itself; a colon may follow it all the same.
    bare = _QUOTED.sub("q", text)
    if "\\" in text or _DOUBTFUL.search(bare):
        return False
    for _ in range(_DEPTH):
        bare = _CLOSED.sub("", bare)
    return not _BRACKET.search(bare)
