"""Texts and facts for people elsewhere: without where things stand on this host 「隐去路径」.

In: a text or a manifest; out: the same with the last part of every path. What stands on the shelf keeps the whole path,
because a replay looks there first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

from engine.ledger.manifest import Manifest

_FOLDERS = re.compile(r"""(?<![\w.:/\\])/(?:[^/\s:,;，；。'"<>|*?\\]+/)+""")
_LONGEST = 2000


def without_places(text: str, known: Iterable[Path] = ()) -> str:
    """The text with file names in place of absolute paths; `known` folders may hold blanks in their names."""
    folders = {each for path in known for each in (path, path.absolute(), path.resolve()) if len(each.parts) > 1}
    for folder in sorted(folders, key=lambda each: -len(str(each))):
        text = text.replace(f"{folder}/", "").replace(str(folder), folder.name)
    return _FOLDERS.sub("", text)[:_LONGEST]


def facts_without_places(manifest: Manifest) -> dict[str, Any]:
    """What a manifest says, each input under its file name. The seal is that of the manifest on the shelf."""
    facts = asdict(manifest)
    for item in (*facts["inputs"], *facts["outputs"]):
        if item["path"] is None:
            del item["path"]
        else:
            item["path"] = PurePath(item["path"]).name
    return facts
