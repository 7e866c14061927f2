"""One hospital's money, read back from a finished run 「读取运行结果」.

In: a run folder. Out: the hospital's posting lines with the document behind each, its clearing rows, how its gap was
shared, edges it stands near. Only the small tables are read, and each is held against its sealed digest first: a file
changed since is no ground for an explanation. It computes nothing but sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from engine.errors import RunError
from engine.lang import say
from engine.ledger.manifest import MANIFEST_NAME, Manifest, digest_file, parse_manifest
from engine.report.figures import PostingLine
from engine.report.grounds import Grounds, Row


@dataclass(frozen=True)
class RunBooks:
    """The small tables of one run."""

    manifest: Manifest
    lines: tuple[PostingLine, ...]
    clearing: tuple[Row, ...]
    grounds: Grounds

    @property
    def year(self) -> bool:
        return self.manifest.kind == "clear"

    @property
    def hospitals(self) -> dict[str, str]:
        """Names by code, of every hospital with a row or a line."""
        found = {line.hospital: line.hospital for line in self.lines if line.hospital}
        return found | {row["fixmedins_code"]: row["fixmedins_name"] or row["fixmedins_code"] for row in self.clearing}

    def pools_of(self, hospital: str) -> tuple[str, ...]:
        rows = {row["insutype"] for row in self.clearing if row["fixmedins_code"] == hospital}
        return tuple(sorted(rows | {line.pool for line in self.lines if line.hospital == hospital}))

    def lines_of(self, hospital: str, pool: str) -> tuple[PostingLine, ...]:
        return tuple(line for line in self.lines if (line.hospital, line.pool) == (hospital, pool))

    def row_of(self, hospital: str, pool: str) -> Row | None:
        """The clearing row the run is about: the year's, or the month's."""
        kind = "YEAR" if self.year else "MONTH"
        for row in self.clearing:
            if (row["fixmedins_code"], row["insutype"], row["stmt_type"]) == (hospital, pool, kind):
                return row
        return None


def read_books(folder: Path) -> RunBooks:
    """The small tables of the run in a folder."""
    manifest = parse_manifest(folder / MANIFEST_NAME)
    if manifest.kind not in ("clear", "presettle"):
        raise RunError(
            say(f"{folder}：这是 {manifest.kind} 运行，没有结算金额。请给出 presettle 或 clear 的运行目录。",
                f"{folder}: a {manifest.kind} run settles no money. Name the folder of a presettle or clear run.")
        )  # fmt: skip
    lines = [
        PostingLine(*(row[name] for name in PARQUET_LINE)) for row in _rows(folder, manifest, "lines", needed=True)
    ]
    clearing = tuple(_rows(folder, manifest, "clearing", needed=True))
    grounds = Grounds(*(tuple(_rows(folder, manifest, name, needed=False)) for name in ("values", "sharing", "cliffs")))
    return RunBooks(manifest, tuple(lines), clearing, grounds)


PARQUET_LINE = ("line", "fixmedins_code", "insutype", "period", "cause", "rule", "tag", "amount_fen")


def _rows(folder: Path, manifest: Manifest, name: str, *, needed: bool) -> list[dict[str, Any]]:
    """A sealed table as rows; one the run does not hold is empty, unless it is needed."""
    file = f"{name}.parquet"
    sealed = next((item for item in manifest.outputs if item.name == file), None)
    path = folder / file
    if sealed is None and not needed:
        return []
    if sealed is None or not path.is_file():
        raise RunError(
            say(f"{path}：缺少该文件，请从备份恢复。", f"{path}: this file is missing. Restore it from a copy.")
        )
    if digest_file(path).sha256 != sealed.sha256:
        raise RunError(
            say(
                f"{path}：封存后被改动，不能据以说明。",
                f"{path}: changed after the run was sealed; it explains nothing.",
            )
        )
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


def fen_of(yuan: Decimal) -> int:
    """Fen of a decimal yuan column."""
    return int(yuan.scaleb(2))
