"""What another policy would have paid 「政策模拟」: the same cases and months, another budget, other tiers or values.

In: case files, a standing clearing (or a policy to settle them by first), and the other policy. Out: per hospital, pool
and cause what stands and what would be, in fen. Every identity of the accounts is proved for the other policy as well.
It writes no run and posts nothing; prepaid months, receivables and the reserve brought forward are those that stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.area import Area
from engine.cases.demand import Profile
from engine.cases.files import find_files
from engine.clearing_table import Period
from engine.errors import PolicyError, RunError
from engine.ledger.manifest import MANIFEST_NAME, Manifest, digest_file, parse_manifest
from engine.ledger.store import write_file_atomically
from engine.ledger.verify import verify_run
from engine.map_cases import MappedCases
from engine.policy.resolve import ResolvedPolicy
from engine.posted import lines_of_run
from engine.reviews import require_decisions
from engine.run_parts import RunOptions, demand_of, map_stage, scope_of
from engine.settle import case_columns
from engine.watch.tables import table_of
from pointvalue.annual import clear_year
from pointvalue.classes import score
from pointvalue.fixed import floor
from pointvalue.lines import RESERVE, PostingLine, sum_of
from pointvalue.model import Pool
from pointvalue.results import YearResult
from pointvalue.terms import CASH_CAUSES, Cause

ENTITLED = "entitled"
FINAL = "final"
"""Two sums beside the causes: all annual lines above cash, and all annual lines."""


@dataclass(frozen=True)
class Standing:
    """What stands: all posting lines of a cleared year, and what they were made by."""

    name: str
    area: str
    year: int
    lines: tuple[PostingLine, ...]

    @property
    def months(self) -> tuple[PostingLine, ...]:
        return tuple(line for line in self.lines if line.is_month)


@dataclass(frozen=True)
class Difference:
    """One hospital (empty: the reserve), pool and cause. Cause `entitled` and `final` are sums of the others."""

    hospital: str
    name: str
    pool: str
    cause: str
    standing_fen: int
    other_fen: int

    @property
    def difference_fen(self) -> int:
        return self.other_fen - self.standing_fen


@dataclass(frozen=True)
class Simulated:
    """The comparison. `values` by (pool, pot): the point value that would be published."""

    standing: Standing
    policy: str
    rows: tuple[Difference, ...]
    values: Mapping[tuple[str, str], str]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class SimulateOptions:
    """How cases are read; a standing run says the rest."""

    profile: Profile | None = None
    mapping: bool | None = None
    threads: int = 2
    progress: Callable[[int], None] | None = None

    def run_options(self) -> RunOptions:
        options = RunOptions(profile=self.profile, mapping=self.mapping, threads=self.threads)
        return options if self.progress is None else replace(options, progress=self.progress)


def standing_run(folder: Path, cases: Sequence[str | Path]) -> tuple[Standing, SimulateOptions]:
    """A finished clearing as what stands, and how it read its cases. The files must be the very ones it settled."""
    if findings := verify_run(folder):
        raise RunError(f"this run cannot be compared with. {findings[0]}")
    run = parse_manifest(folder / MANIFEST_NAME)
    if run.kind != "clear":
        raise RunError(f"{run.run_id} is a {run.kind} run; name a clearing, whose year closes.")
    _require_same_files(run, cases)
    standing = Standing(run.run_id, run.area, int(run.period), tuple(lines_of_run(folder)))
    return standing, SimulateOptions(run.parameters["profile"], run.parameters["mapping"])


def _require_same_files(run: Manifest, cases: Sequence[str | Path]) -> None:
    wanted = {item.sha256: item.name for item in run.inputs if not item.name.endswith("/lines.parquet")}
    given = {digest.sha256: digest.name for digest in map(digest_file, find_files(cases))}
    for missing in sorted(set(wanted) - set(given)):
        raise RunError(f"{run.run_id} settled {wanted[missing]}, which is not among the case files, or was changed.")
    for strange in sorted(set(given) - set(wanted)):
        raise RunError(f"{given[strange]} is no input of {run.run_id}; name just the files it settled.")


def standing_policy(
    cases: Sequence[str | Path], area: Area, year: int, options: SimulateOptions
) -> tuple[Standing, MappedCases]:
    """The year as an area's own policy clears it, months computed from the cases, nothing opened."""
    resolved = area.for_year(year)
    mapped, result = _cleared(cases, area, resolved, None, options)
    return Standing(resolved.version, area.policy.code, year, result.lines), mapped


def simulate(cases: Sequence[str | Path], standing: Standing, other: Area, options: SimulateOptions) -> Simulated:
    """Clear the standing year's cases by the other policy and set both side by side."""
    if other.policy.code != standing.area:
        raise PolicyError(
            f"the other policy is that of area {other.policy.code}, but what stands is area {standing.area}. Copy the "
            "area's own policy folder and change what is to be tried. 统筹区不一致"
        )
    resolved = other.for_year(standing.year)
    opened = tuple(_opened(pool, standing.lines) for pool in resolved.area.pools)
    resolved = replace(resolved, area=replace(resolved.area, pools=opened))
    mapped, result = _cleared(cases, other, resolved, standing.months, options)
    names = {hospital.code: hospital.name for hospital in resolved.area.hospitals}
    values = {(pool.pool, pot.label): _value_text(pot.value.published) for pool in result.pools for pot in pool.pots}
    counts = {"read": mapped.read_count, "rejected": len(mapped.rejected), "in_period": len(mapped.book)}
    return Simulated(standing, resolved.version, _differences(standing.lines, result.lines, names), values, counts)


def _value_text(value: Fraction) -> str:
    """A point value, yuan per point, cut at eight decimals for the eye."""
    whole, rest = divmod(floor(value * 10**8), 10**8)
    digits = f"{rest:08d}"
    return f"{whole}.{digits[:4]}{digits[4:].rstrip('0')}"


def _opened(pool: Pool, lines: Sequence[PostingLine]) -> Pool:
    """The pool with the receivables and the reserve the standing year opened with."""
    own = [line for line in lines if line.pool == pool.id and not line.is_month]
    owed: dict[str, int] = defaultdict(int)
    for line in own:
        if line.cause is Cause.RECEIVABLE_RECOVERED:
            owed[line.hospital] -= line.amount_fen
    return replace(pool, receivable_fen=dict(owed), brought_forward_fen=sum_of(own, Cause.RESERVE_BROUGHT_FORWARD))


def _cleared(
    cases: Sequence[str | Path],
    area: Area,
    resolved: ResolvedPolicy,
    months: tuple[PostingLine, ...] | None,
    options: SimulateOptions,
) -> tuple[MappedCases, YearResult]:
    how = options.run_options()
    area = area.routed(resolved)
    demand = demand_of("settle", area.editions, how, resolved)
    mapped = map_stage(cases, demand, area.editions, scope_of(resolved, Period(resolved.area.year, None)), how)
    columns = case_columns(mapped.book, area, resolved)
    require_decisions(mapped, columns, resolved)
    return mapped, clear_year(columns, score(columns, resolved.area), resolved.area, months)


def _differences(
    standing: Sequence[PostingLine], other: Sequence[PostingLine], names: Mapping[str, str]
) -> tuple[Difference, ...]:
    """Every (hospital, pool, cause) either has, and the two sums of every (hospital, pool)."""
    sums = [_annual(lines) for lines in (standing, other)]
    return tuple(
        Difference(
            *(hospital, names.get(hospital, ""), pool, cause),
            *(each.get((hospital, pool, cause), 0) for each in sums),
        )
        for hospital, pool, cause in sorted(sums[0].keys() | sums[1].keys())
    )


def _annual(lines: Sequence[PostingLine]) -> dict[tuple[str, str, str], int]:
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for line in lines:
        if line.is_month:
            continue
        found[line.hospital, line.pool, line.label] += line.amount_fen
        found[line.hospital, line.pool, FINAL] += line.amount_fen
        if line.hospital != RESERVE and line.cause not in CASH_CAUSES:
            found[line.hospital, line.pool, ENTITLED] += line.amount_fen
    return found


def simulation_table(found: Simulated) -> pa.Table:
    """`simulation.parquet`."""
    return table_of("simulation", [
        {"fixmedins_code": row.hospital, "fixmedins_name": row.name or None, "insutype": row.pool, "cause": row.cause,
         "standing_fen": row.standing_fen, "other_fen": row.other_fen, "difference_fen": row.difference_fen}
        for row in found.rows
    ])  # fmt: skip


def write_simulation(path: Path, found: Simulated) -> None:
    """The table as one Parquet file, whole or not at all."""
    table = simulation_table(found)
    write_file_atomically(path, lambda partial: pq.write_table(table, partial, compression="zstd", version="2.6"))
