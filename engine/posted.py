"""Months already posted 「已入账的月度预结算」: what was really prepaid, read back from the runs of a year.

In: a shelf, an area and a year. Out: the posting lines of its monthly runs, and the runs they came from. A superseded
run does not count. It never recomputes a month: what was paid stays what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from engine.errors import RunError
from engine.ledger.manifest import FileDigest, Manifest
from engine.ledger.store import runs_on
from engine.ledger.verify import verify_run
from pointvalue.lines import PostingLine
from pointvalue.terms import Cause


@dataclass(frozen=True)
class PostedMonths:
    """Lines of the posted months, the months there are, and each run as an input of the clearing."""

    lines: tuple[PostingLine, ...]
    months: tuple[str, ...]
    runs: tuple[FileDigest, ...]


def standing(chain: Sequence[Manifest], kind: str) -> list[Manifest]:
    """Runs of one kind in the chain of an area, without those a later run supersedes."""
    replaced = {manifest.supersedes for manifest in chain}
    return [manifest for manifest in chain if manifest.kind == kind and manifest.run_id not in replaced]


def valid_runs(shelf: Path, area: str, kind: str, period: str) -> list[tuple[Path, Manifest]]:
    """Standing runs of one area and kind whose period starts with `period`."""
    found = [(folder, manifest) for folder, manifest in runs_on(shelf) if manifest.area == area]
    there = {each.run_id for each in standing([manifest for _, manifest in found], kind)}
    return [each for each in found if each[1].run_id in there and each[1].period.startswith(period)]


def posted_months(shelf: Path, area: str, year: int) -> PostedMonths:
    """The months of a year as they were posted. Raises RunError if one was changed since, or two stand for a month."""
    lines: list[PostingLine] = []
    months: list[str] = []
    runs: list[FileDigest] = []
    for folder, manifest in valid_runs(shelf, area, "presettle", f"{year:04d}-"):
        if findings := verify_run(folder):
            raise RunError(f"the month {manifest.period} cannot be relied on. {findings[0]}")
        if manifest.period in months:
            raise RunError(f"{manifest.period} was settled twice on {shelf}. The second run must name --supersedes.")
        months.append(manifest.period)
        read = lines_of_run(folder)
        digest = next(item for item in manifest.outputs if item.name == "lines.parquet")
        assert len(read) == digest.rows, f"{manifest.run_id}: {len(read)} of {digest.rows} posting lines were read"
        lines += read
        runs.append(FileDigest(f"{manifest.run_id}/lines.parquet", digest.bytes, digest.sha256, digest.rows))
    return PostedMonths(tuple(lines), tuple(sorted(months)), tuple(runs))


def lines_of_run(folder: Path) -> list[PostingLine]:
    """The posting lines of a finished run."""
    table = pq.read_table(folder / "lines.parquet").to_pydict()
    made = []
    for row in range(len(table["line"])):
        cause, _, part = table["cause"][row].partition(".")
        made.append(
            PostingLine(
                pool=table["insutype"][row],
                hospital=table["fixmedins_code"][row],
                period=table["period"][row],
                cause=Cause(cause),
                part=part,
                amount_fen=table["amount_fen"][row],
            )
        )
    return made
