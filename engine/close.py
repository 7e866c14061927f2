"""Closing a period 「结账」: an entry of the chain that seals the run that stands for it.

In: a shelf, an area, a month or a year. Out: a run folder of kind `close` that names the standing run and its seal.
From then on the period takes no other run, unless it is reopened with a reason. It settles nothing and pays nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from engine.errors import RunError
from engine.ledger.closing import CLOSE, refuse_close
from engine.ledger.manifest import MANIFEST_NAME, Manifest, digest_file
from engine.ledger.store import chain_of, new_run, next_run_id
from engine.ledger.verify import verify_run
from engine.posted import standing
from engine.version import engine_facts, library_facts


def close(shelf: Path, area: str, period: str) -> Path:
    """Close `2025-03` or `2025`. Raises RunError if nothing stands there, it is closed already, or a byte changed."""
    run = _to_close(chain_of(shelf, area), area, period, shelf)
    if findings := verify_run(shelf / run.run_id):
        raise RunError(f"{findings[0]}. A run that is not what was sealed is not closed; restore it first.")
    with new_run(
        shelf / next_run_id(shelf, period, area, CLOSE),
        kind=CLOSE,
        area=area,
        period=period,
        engine=engine_facts() | library_facts(),
        parameters={"closes": run.run_id, "sealed": run.seal},
        numbered=True,
        guard=partial(_still_stands, run, period),
    ) as draft:
        draft.inputs.append(digest_file(shelf / run.run_id / MANIFEST_NAME, f"{run.run_id}/{MANIFEST_NAME}"))
        draft.counts, draft.totals = dict(run.counts), dict(run.totals)
    return draft.target


def _to_close(chain: Sequence[Manifest], area: str, period: str, shelf: Path) -> Manifest:
    refuse_close(chain, period)
    kind = "presettle" if "-" in period else "clear"
    there = [manifest for manifest in standing(chain, kind) if manifest.period == period]
    if not there:
        raise RunError(f"no {kind} run of {period} in area {area} stands on {shelf}, so there is nothing to close.")
    return there[-1]


def _still_stands(run: Manifest, period: str, chain: Sequence[Manifest]) -> None:
    """Asked under the lock: nobody closed the period or superseded the run meanwhile."""
    refuse_close(chain, period)
    if any(manifest.supersedes == run.run_id for manifest in chain):
        raise RunError(f"{run.run_id} was superseded meanwhile. Close the period again.")
