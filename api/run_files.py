"""Files of a run as they are handed out 「结果文件」: as they stand, the manifest without places of this host."""

from __future__ import annotations

from pathlib import Path

import orjson
from starlette.responses import FileResponse, Response

from api.errors import Problem
from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.no_places import facts_without_places

_BYTES = "application/octet-stream"


def handed_out(folder: Path, name: str) -> Response:
    """One file of a run folder. Raises Problem where it is gone; the caller has looked whose it is."""
    path = folder / name
    if not path.is_file():
        raise Problem("not_found")
    if name != MANIFEST_NAME:
        return FileResponse(path, media_type=_BYTES, filename=path.name)
    shown = facts_without_places(parse_manifest(path))
    raw = orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    return Response(raw, media_type=_BYTES, headers={"Content-Disposition": f'attachment; filename="{MANIFEST_NAME}"'})
